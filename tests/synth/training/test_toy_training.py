"""docs/training.md: its script runs, learns, and resumes in the middle with identical losses."""

import copy
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from bokehbench.synth.training import SceneSource
from bokehbench.synth.truth import TRUTHS

DOCS = Path(__file__).parents[3] / "docs" / "training.md"


@pytest.fixture(scope="module")
def blocks():
    return re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)


@pytest.fixture
def scenes_once(monkeypatch):
    """A scene is made once for each index: that it would be the same again is test_stream's claim."""
    pack, made = SceneSource.pack, {}

    def packed(self, index):
        key = str(self.identity()), index
        if key not in made:
            made[key] = pack(self, index)
        return copy.deepcopy(made[key])

    monkeypatch.setattr(SceneSource, "pack", packed)


@pytest.mark.usefixtures("scenes_once")
def test_the_script_resumes_with_identical_losses(blocks, tmp_path):
    script = {"__name__": "train"}
    exec(blocks[0], script)
    train = script["train"]
    whole = train(20, tmp_path / "whole.pt")
    halves = train(10, tmp_path / "halves.pt") + train(20, tmp_path / "halves.pt")
    assert len(whole) == 20 and halves == whole
    a, b = (torch.load(tmp_path / name) for name in ("whole.pt", "halves.pt"))
    assert all(torch.equal(a["net"][key], b["net"][key]) for key in a["net"]) and a["loader"] == b["loader"]
    first = script["BokehMeCollate"]()(next(iter(script["make_loader"](0))))
    net = script["make_net"]()
    before = script["error"](net, first).item()
    net.load_state_dict(a["net"])
    assert before == whole[0] and script["error"](net, first).item() < 0.9 * before  # it learns


def test_stored_sets_are_opened_as_written(blocks, recipe, stored):
    from bokehbench.synth.dataset import make_library

    names = {"recipe": recipe, "make_library": make_library}
    exec(blocks[1].replace('"SET"', repr(str(stored))).replace("num_workers=2", "num_workers=0"), names)
    batch = next(iter(names["loader"]))
    assert batch["error_map"].shape == (2, 1, 64, 64)
    exec(blocks[2].replace("workers=2", "workers=0"), names)
    batch = next(iter(names["loader"]))
    assert batch["bokeh"].shape == (2, 3, 64, 64)


def test_every_name_of_ground_truth_is_explained(blocks):
    for name in TRUTHS:
        assert f"`{name}`" in DOCS.read_text(), name
    labels = np.repeat([[0, 0, 1, 1]], 3, axis=0)
    names = {"labels": labels, "disparity": np.where(labels == 0, 0.8, 0.2).astype(np.float32), "layers": 2}
    exec(blocks[3], names)
    assert names["E"].shape == (3, 4) and names["E"].max() > 0.9
