"""Files: what is written is what is read, weights know their base, and nothing is guessed."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from magicbokeh_models import CONFIG, FAMA, random_model, stirred
from magicbokeh_tiny import write_folder
from safetensors.torch import load_file, save_file

from bokehbench import weights as weight_files
from bokehbench.baselines.diffusion.basefolder import metadata
from bokehbench.baselines.magicbokeh import base as bases
from bokehbench.baselines.magicbokeh import build, weights
from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings
from bokehbench.errors import ConfigError, InputError, Unavailable


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder of weights."""
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    return tmp_path


def same(one: torch.nn.Module, two: torch.nn.Module) -> bool:
    theirs = two.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def halved(model):
    """As a file holds it."""
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.copy_(tensor.half())
    return model


def test_compact_weights_come_back_as_they_were_trained(home):
    model = halved(stirred(build.random_compact(4, CONFIG, FamaSettings("paper", rank=3, masked=False))))
    model.scaling.fill_(1.23456789)
    path = home / weights.COMPACT[0]
    weights.save(model, path, {"steps": 7})
    back = weights.load(weights.COMPACT, compute="reference")
    assert same(model, back) and not back.training and back.layout == model.layout
    assert back.origin == model.origin and metadata(path)["steps"] == 7
    with pytest.raises(ConfigError, match="compute 'slow'"):
        weights.load(weights.COMPACT, compute="slow")


def test_files_of_something_else_are_named(home):
    path = home / weights.COMPACT[0]
    with pytest.raises(Unavailable, match="bokehbench train magicbokeh"):
        weights.load(weights.COMPACT)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"magicbokeh-compact\.safetensors: cannot be read"):
        weights.load(weights.COMPACT)
    weights.save(random_model(), path)
    state, about = load_file(path), metadata(path)
    save_file(state, path, {"bokehbench": json.dumps({k: v for k, v in about.items() if k != "fama"})})
    with pytest.raises(InputError, match="does not say 'fama'"):
        weights.load(weights.COMPACT)
    for wrong in (
        {"fama": 3},
        {"fama": {**about["fama"], "rank": "many"}},
        {"config": [1]},
        {"config": {"x": 1}},
    ):
        save_file(state, path, {"bokehbench": json.dumps({**about, **wrong})})
        with pytest.raises((InputError, ConfigError), match=r"^[^\n]+$"):
            weights.load(weights.COMPACT)
    gone = state.popitem()[0]
    save_file(state, path, {"bokehbench": json.dumps(about)})
    with pytest.raises(InputError, match=f"1 missing \\({gone}\\)"):
        weights.load(weights.COMPACT)


def test_weights_on_a_base_come_back_and_know_their_base(home, tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("sd21"))
    bases.prepare(str(folder), None, home)
    model = build.from_sd21(str(folder), ranks={"vae": 2, "isr": 3}, fama=FAMA, tile_px=64)
    with torch.no_grad():
        for phase in ("isr", "bokeh"):
            for parameter in model.trained(phase).values():
                parameter.add_(0.01).copy_(parameter.half())
    path = home / weights.OURS[0]
    weights.save(model, path)
    back = weights.load(weights.OURS)
    assert same(model, back) and back.layout == model.layout and back.origin == model.origin
    half = weights.load(weights.OURS, dtype=torch.bfloat16)
    floats = {name: tensor.dtype for name, tensor in half.named_parameters()}
    assert {kind for name, kind in floats.items() if not name.startswith("vae.")} == {torch.bfloat16}
    assert {kind for name, kind in floats.items() if name.startswith("vae.")} == {torch.float32}
    with torch.inference_mode():
        lq, c = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
        assert back(lq, c).shape == lq.shape and half(lq, c).dtype == torch.float32
    # The authors' file is of the same form, but does not know its base.
    about = metadata(path)
    shutil.copyfile(path, home / weights.OFFICIAL[0])
    facts, known = load_file(home / bases.FACTS), metadata(home / bases.FACTS)
    other = {**known, "fingerprint": "another", "name": "other"}
    save_file(facts, home / bases.FACTS, {"bokehbench": json.dumps(other)})
    with pytest.raises(InputError, match=r"the base here is other \(another\)"):
        weights.load(weights.OURS)
    unknown = {**about, "base": {"name": "", "revision": "", "fingerprint": ""}}
    save_file(load_file(path), home / weights.OFFICIAL[0], {"bokehbench": json.dumps(unknown)})
    assert same(weights.load(weights.OFFICIAL), back)
    shutil.copyfile(path, home / weights.COMPACT[0])
    with pytest.raises(InputError, match="kind 'sd21', 'compact' is wanted"):
        weights.load(weights.COMPACT)
