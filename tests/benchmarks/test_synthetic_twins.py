"""blb-mini-lq and layered-lq: what was made once is what the command makes, and nothing else passes."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from bokehbench import images, records
from bokehbench.benchmarks.locate import open_benchmark
from bokehbench.cli import main
from bokehbench.errors import InputError
from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import build, make_library


def degrade(*arguments: object) -> None:
    with pytest.raises(SystemExit) as done:
        main(["degrade", *map(str, arguments)])
    assert done.value.code == 0


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    settings = ("quality=draft", "optics.radius_at_512={loguniform: [8, 48]}")
    recipe = load_recipe(bokehbench_v1(), size=(96, 64), assignments=settings)
    clean = tmp_path_factory.mktemp("layered") / "set"
    build(recipe, make_library(recipe), count=3, root_seed=12, root=clean)
    degrade(clean, "--set", "layered-lq", "--out", clean.with_name("lq"))
    return clean, clean.with_name("lq")


def test_the_shipped_pictures_are_those_of_the_command(tmp_path: Path) -> None:
    shipped = open_benchmark("blb-mini-lq").benchmark.root
    degrade("--set", "blb-mini-lq", "--out", tmp_path / "made")
    files = sorted((shipped / "lq_small").iterdir())
    assert len(files) == 18
    for path in files:
        assert path.read_bytes() == (tmp_path / "made" / "lq_small" / path.name).read_bytes(), path.name
    was, now = (records.read_json(root / "degrade.json")["files"] for root in (shipped, tmp_path / "made"))
    assert {key: entry["plan"] for key, entry in was.items()} == {
        key: entry["plan"] for key, entry in now.items()
    }


def test_a_case_is_blb_minis_but_for_its_input() -> None:
    clean, low = open_benchmark("blb-mini"), open_benchmark("blb-mini-lq")
    before, after = clean.cases(), low.cases()
    assert [info.key for info in before] == [info.key for info in after] and len(after) == 18
    assert not {info.data for info in before} & {info.data for info in after}
    sharp, bad = clean.load(before[3]), low.load(after[3])
    assert bad.inputs.lq.shape == (68, 120, 3) and bad.inputs.image.shape == sharp.inputs.image.shape
    np.testing.assert_array_equal(bad.target, sharp.target)
    np.testing.assert_array_equal(bad.inputs.disparity, sharp.inputs.disparity)
    assert bad.inputs.lens == sharp.inputs.lens
    # It shows the same scene: better than any other scene's picture would, worse than the picture itself.
    error = np.abs(bad.inputs.image - np.clip(sharp.inputs.image, 0, 1)).mean()
    other = np.abs(bad.inputs.image - np.clip(clean.load(before[-1]).inputs.image, 0, 1)).mean()
    assert 0.01 < error < 0.6 * other
    first, second = (low.load(info).inputs.lq for info in after[:2])
    assert np.abs(first - second).mean() > 0.005, "cases of one scene have a draw each"


def test_layered_keeps_its_truth_and_hides_the_layers(layered: tuple[Path, Path]) -> None:
    clean, low = (open_benchmark(f"{n}:{r}") for n, r in zip(("layered", "layered-lq"), layered, strict=True))
    assert [info.key for info in clean.cases()] == [info.key for info in low.cases()]
    for one, other in zip(clean.cases(), low.cases(), strict=True):
        sharp, bad = clean.load(one), low.load(other)
        np.testing.assert_array_equal(bad.target, sharp.target)
        np.testing.assert_array_equal(bad.inputs.disparity, sharp.inputs.disparity)
        assert bad.inputs.lens == sharp.inputs.lens and bad.layers is None
        assert bad.inputs.lq.shape == (16, 24, 3)
        enlarged = cv2.resize(bad.inputs.lq, (96, 64), interpolation=cv2.INTER_CUBIC)
        assert np.abs(np.clip(enlarged, 0, 1) - bad.inputs.image).max() <= 0.5 / 255 + 1e-6
        assert np.abs(bad.inputs.image - sharp.inputs.image).mean() > 0.01
    assert not (layered[1] / "layers").exists()


def test_a_changed_picture_is_refused(layered: tuple[Path, Path], tmp_path: Path) -> None:
    root = shutil.copytree(layered[1], tmp_path / "lq")
    small = next((root / "lq_small" / "aif").iterdir())
    images.write_png(small, np.zeros((16, 24, 3)))
    with pytest.raises(InputError, match=r"is not the picture that degrade\.json is about"):
        open_benchmark(f"layered-lq:{root}").cases()
    shipped = shutil.copytree(open_benchmark("blb-mini-lq").benchmark.root, tmp_path / "blb")
    next((shipped / "lq_small").iterdir()).unlink()
    with pytest.raises(InputError, match="missing; make the set again"):
        open_benchmark(f"blb-mini-lq:{shipped}").cases()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{}", "--set", "blb-mini-lq"), "blb-mini comes with the package"),
        (("{}", "--set", "layered-lq"), "not a layered set"),
        ((), "say what to degrade"),
        (("--set", "ebb400-lq"), "takes one folder, that of ebb400"),
    ],
)
def test_wrong_folders_are_told(tmp_path: Path, arguments: tuple[str, ...], said: str, capsys) -> None:
    filled = [word.format(tmp_path) for word in arguments]
    with pytest.raises(SystemExit) as done:
        main(["degrade", *filled, "--out", str(tmp_path / "out")])
    assert done.value.code == 2 and said in capsys.readouterr().err
