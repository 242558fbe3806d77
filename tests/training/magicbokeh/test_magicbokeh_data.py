"""Claims about what MagicBokeh is trained on: true blur, another degradation each time, phases in turns."""

import numpy as np
import pytest
import torch

from bokehbench.errors import ConfigError, InputError
from bokehbench.synth.store.reader import open_set
from bokehbench.synth.training import SynthDataset
from bokehbench.training.magicbokeh.alternating import AlternatingLoader
from bokehbench.training.magicbokeh.data import (
    WANTED_ROUND_TRIPS,
    DegradedSquares,
    open_pictures,
    restoration_loader,
    wanted_bokeh,
    wanted_sharp,
)
from bokehbench.training.pairs import ChosenPhotographs, open_pairs
from tests.training.magicbokeh.conftest import SCENES, small

DEGRADE = "realesrgan_x4_lq"


def first(loader, count=1):
    batches = iter(loader)
    try:
        return [next(batches) for _ in range(count)]
    finally:
        batches.close()


def test_the_condition_is_the_radius_that_was_rendered_over_its_unit(magic_set):
    source = open_pairs(str(magic_set), small().data, seed=1)
    (pair,) = source.held_out(wanted_bokeh(DEGRADE, 16.0))
    stored = open_set(magic_set)
    lens = stored.meta(stored.keys()[-1])["renders"][0]
    disparity = torch.from_numpy(np.array(stored.read(stored.keys()[-1], "disp"), np.float32))
    radius = lens["K"] * (disparity - lens["disp_focus"]).abs()
    wanted = (radius / 16.0).clamp(0.0, 1.0)
    found = pair["c"][0, 0]
    places = wanted.unfold(0, 32, 1).unfold(1, 32, 1)
    assert (places - found).abs().amax(dim=(2, 3)).min() < 1e-5  # a crop of the true map
    assert {name: tuple(value.shape) for name, value in pair.items()} == {
        "lq": (1, 3, 32, 32),
        "target": (1, 3, 32, 32),
        "sharp": (1, 3, 32, 32),
        "c": (1, 1, 32, 32),
    }
    assert pair["lq"].min() >= -1.0 and pair["lq"].max() <= 1.0
    assert not torch.equal(pair["lq"], pair["sharp"])
    # The same part of the scene: an enlarged picture is still nearer to its own than to its mirror image.
    errors = [(pair["lq"] - other).square().mean() for other in (pair["sharp"], pair["sharp"].flip(-1))]
    assert errors[0] < errors[1]


def test_a_stored_photograph_has_another_degradation_each_time_and_the_same_one_again(magic_set):
    chosen = ChosenPhotographs(SynthDataset(magic_set, ("aif",)), [0, 1], DEGRADE)
    one, again, other = chosen.part(0, 0), chosen.part(0, 0), chosen.part(0, 1)
    assert torch.equal(one["lq"], again["lq"]) and torch.equal(one["aif"], other["aif"])
    assert not torch.equal(one["lq"], other["lq"])
    assert (one["lq"] * 255.0).sub((one["lq"] * 255.0).round()).abs().max() < 1e-3  # an 8-bit picture
    plain = ChosenPhotographs(SynthDataset(magic_set, ("aif",)), [0, 1])
    assert "lq" not in plain.item(0) and plain.identity() == {
        name: value for name, value in chosen.identity().items() if name != "degrade"
    }


def test_a_stream_gives_both_phases_and_stage_0(monkeypatch):
    data = small().data.model_copy(update={"changes": SCENES, "quality": "draft"})
    source = open_pairs("stream", data, seed=1)
    (bokeh,) = first(source.loader(wanted_bokeh(DEGRADE, 16.0), 1))
    assert bokeh["c"].shape == (1, 1, 32, 32) and bokeh["lq"].shape == bokeh["target"].shape
    monkeypatch.setattr(
        "bokehbench.synth.training.render.render_bokeh",
        lambda *_, **__: pytest.fail("nothing is blurred here"),
    )
    (sharp,) = first(source.loader(wanted_sharp(DEGRADE), 1))
    assert set(sharp) == {"lq", "target"}
    assert torch.equal(sharp["target"], bokeh["sharp"])


def test_stage_0_sees_sharp_and_blurred_pictures_at_its_own_size(magic_set):
    source = open_pairs(str(magic_set), small().data, seed=1)
    (batch,) = first(source.loader(WANTED_ROUND_TRIPS, 2, 16))
    assert {name: tuple(value.shape) for name, value in batch.items()} == {
        "image": (2, 3, 16, 16),
        "target": (2, 3, 16, 16),
    }


def test_pictures_of_a_folder_are_restored_too(magic_set, sharp_folder, tmp_path):
    settings = small().data
    squares = DegradedSquares(open_pictures(sharp_folder, settings, seed=3), DEGRADE)
    source = open_pairs(str(magic_set), settings, seed=1)
    straight = first(restoration_loader(source, squares, DEGRADE, 2), 2)
    assert straight[0]["target"].shape == (2, 3, 32, 32) and set(straight[0]) == {"lq", "target"}
    loader = restoration_loader(source, squares, DEGRADE, 2)
    loader.load_state_dict({**loader.state_dict(), "step": 1})
    (again,) = first(loader)
    assert all(torch.equal(again[name], straight[1][name]) for name in again)
    folder = squares.folder.reordered(4)
    others = first(restoration_loader(source, DegradedSquares(folder, DEGRADE), DEGRADE, 2))
    assert not torch.equal(straight[0]["target"], others[0]["target"])
    assert folder.held == squares.folder.held and folder.identity() == squares.folder.identity()
    held = squares.held_out(5)
    assert len(held) == 1 and held[0]["lq"].shape == (1, 3, 32, 32)
    with pytest.raises(InputError, match=r"--photographs .*: no such folder"):
        open_pictures(tmp_path / "nowhere", settings, seed=3)


def test_a_degradation_that_leaves_pictures_small_is_refused(tmp_path):
    from bokehbench.synth.degrade import load_preset

    preset = load_preset(DEGRADE).model_copy(update={"enlarge": None, "name": "small"})
    file = tmp_path / "small.yaml"
    file.write_text(preset.model_dump_json())
    with pytest.raises(ConfigError, match=r"data\.degrade|degrade: .*leaves pictures small"):
        small(f"data.degrade={file}")


class Counting:
    """A loader of numbers, which notes what it is told."""

    def __init__(self, name):
        self.name, self.step, self.closed = name, 0, False

    def __iter__(self):
        try:
            while True:
                self.step += 1
                yield {"what": f"{self.name}{self.step - 1}"}
        finally:
            self.closed = True

    def state_dict(self):
        return {"step": self.step, "identity": self.name}

    def load_state_dict(self, state):
        assert state["identity"] == self.name
        self.step = state["step"]


@pytest.mark.parametrize("every", [1, 3])
def test_phases_take_turns_and_go_on_wherever_they_were_left(every):
    def told(loader, count):
        return [batch["what"] for batch in first(loader, count)]

    straight = told(AlternatingLoader(Counting("b"), Counting("s"), every), 14)
    pattern = ["b"] * every + ["s"] * every
    assert [what[0] for what in straight] == (pattern * 14)[:14]
    for kind in "bs":  # each in its own order, nothing left out or given twice
        own = [int(what[1:]) for what in straight if what[0] == kind]
        assert own == list(range(len(own)))
    for left in range(1, 13):
        loader = AlternatingLoader(Counting("b"), Counting("s"), every)
        told(loader, left)
        state = loader.state_dict()
        other = AlternatingLoader(Counting("b"), Counting("s"), every)
        other.load_state_dict(state)
        assert told(other, 14 - left) == straight[left:]
    assert all(one.closed for one in loader.loaders)
