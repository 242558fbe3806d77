"""Cut-outs from Blender: their alpha, their folder, resuming."""

import json

import numpy as np
import pytest

from bokehbench.blender import assets
from bokehbench.errors import ConfigError
from bokehbench.images import read_rgba
from bokehbench.synth.assets.folder import scan

pytestmark = pytest.mark.blender


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("rendered")
    for kind in assets.KINDS:
        assets.render_assets(kind, 1, out, seed=2, side=96, spp=2)
    return out


def test_alpha_is_exact_at_both_ends_and_soft_between(folder):
    for kind in assets.KINDS:
        rgba = read_rgba(folder / f"{kind}-2-00000.png")
        alpha = rgba[..., 3]
        assert alpha.max() == 1.0 and alpha.min() == 0.0, kind
        assert 0.02 < ((alpha > 0.0) & (alpha < 1.0)).mean() < 0.9, kind
        assert alpha.any(axis=0).all() or alpha.any(axis=1).any()
        assert np.isfinite(rgba).all()


def test_the_folder_is_a_folder_of_foregrounds(folder):
    found = scan(folder, "foreground")
    assert [asset.path for asset in found.assets] == [f"{kind}-2-00000.png" for kind in sorted(assets.KINDS)]
    assert not found.rejected


def test_what_is_there_stays_and_what_is_damaged_is_made_again_with_the_same_bytes(folder):
    picture = folder / "chain-2-00000.png"
    before = picture.read_bytes()
    assert assets.render_assets("chain", 1, folder, seed=2, side=96, spp=2).rendered == ()
    picture.write_bytes(before[:100])
    assert assets.render_assets("chain", 1, folder, seed=2, side=96, spp=2).rendered == ("chain-2-00000",)
    assert picture.read_bytes() == before


def test_other_settings_are_refused(folder):
    with pytest.raises(ConfigError, match=r"another spp.*--out"):
        assets.render_assets("chain", 1, folder, seed=2, side=96, spp=3)


def test_sidecars_say_what_the_picture_shows(folder):
    record = json.loads((folder / "wicker-2-00000.json").read_text())
    assert record["category"] == "net" and record["content"]["form"] in ("basket", "lampshade", "screen")


@pytest.mark.parametrize("options", [{"kind": "silk"}, {"count": 0}, {"side": 8}, {"spp": 0}, {"seed": -1}])
def test_impossible_requests_are_one_line(options, tmp_path):
    arguments = {"kind": "chain", "count": 1, "side": 96, "spp": 2, **options}
    with pytest.raises(ConfigError):
        assets.render_assets(arguments.pop("kind"), arguments.pop("count"), tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()
