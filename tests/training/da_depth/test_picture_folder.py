"""Claims about a folder of pictures as training data: any folder, the same squares whatever the order."""

import warnings

import numpy as np
import pytest
import torch

from bokehbench import images
from bokehbench.errors import ConfigError, InputError
from bokehbench.training.da_depth.data import Pairs
from bokehbench.training.picture_folder import PictureFolder, square_of
from tests.depth.depth_world import picture
from tests.training.da_depth.conftest import draw, small


def test_squares_depend_on_position_and_seed_alone(drawn):
    data = small().data
    one, again, other = (PictureFolder(drawn, data, seed) for seed in (1, 1, 2))
    later = [again.square(position) for position in (5, 3)]
    assert np.array_equal(one.square(3), later[1]) and np.array_equal(one.square(5), later[0])
    assert not np.array_equal(one.square(3), other.square(3))
    square = one.square(3)
    assert square.shape == (56, 56, 3) and square.dtype == np.float32
    assert 0.0 <= square.min() < square.max() <= 1.0


def test_an_epoch_sees_every_picture_once_and_nothing_that_is_held_out(drawn):
    folder = PictureFolder(drawn, small("data.zoom=1", "data.flip=0").data, 1)
    assert len(folder.held) == 2 and not set(folder.held) & set(folder.names)
    assert any("/" in name for name in [*folder.names, *folder.held])
    seen = []
    folder._usable = lambda name, zoom, place: seen.append(name) or np.zeros((56, 56, 3), np.float32)
    for position in range(12):
        folder.square(position)
    assert sorted(seen[:6]) == sorted(seen[6:]) == folder.names
    assert seen[:6] != seen[6:]


def test_a_square_covers_the_shorter_side_and_zoom_a_part_of_it():
    y, x = np.mgrid[0:40, 0:80].astype(np.float32)
    image = np.stack([x / 80, y / 40, 0 * x], axis=2)
    whole = square_of(image, 1.0, np.array([0.3, 1.0]), 20)  # the right half
    assert whole[:, 0, 0].mean() == pytest.approx(0.5, abs=0.02)
    assert whole[0, :, 1].mean() < 0.03 and whole[-1, :, 1].mean() > 0.93
    half = square_of(image, 2.0, np.array([0.0, 0.0]), 20)
    assert half[-1, -1].tolist() == pytest.approx([0.25 - 1 / 80, 0.5 - 1 / 40, 0.0], abs=0.01)
    larger = square_of(image, 1.0, np.zeros(2), 90)
    assert larger.shape == (90, 90, 3) and larger.max() <= 1.0


def test_unusable_pictures_are_named_and_replaced(tmp_path):
    root = draw(tmp_path / "pictures", 4)
    (root / "broken.png").write_bytes((root / "00.png").read_bytes()[:200])
    images.write_png(root / "small.png", picture(20, 90))
    folder = PictureFolder(root, small("data.held_out=1").data, 3)
    folder.names, folder.held = sorted([*folder.names, *folder.held]), []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        first = [folder.square(position) for position in range(6)]
    told = " ".join(str(entry.message) for entry in said)
    assert "broken.png" in told and "small.png: has a side below 40 pixels" in told
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert all(np.array_equal(folder.square(p), square) for p, square in enumerate(first))


@pytest.mark.filterwarnings("ignore:left out")
def test_a_folder_without_pictures_is_one_line(tmp_path):
    data = small().data
    with pytest.raises(InputError, match=r"--data .*nowhere: no such folder"):
        PictureFolder(tmp_path / "nowhere", data, 1)
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(InputError, match="no pictures in it or in its sub-folders"):
        PictureFolder(tmp_path, data, 1)
    root = draw(tmp_path / "few", 2)
    with pytest.raises(InputError, match="2 pictures are too few to hold 2 out"):
        PictureFolder(root, data, 1)
    images.write_png(root / "third.png", picture(20, 20))
    tiny = PictureFolder(root, small("data.least=200").data, 1)
    with pytest.raises(InputError, match="100 pictures in a row cannot be used"):
        tiny.square(0)
    with pytest.raises(InputError, match="none of the pictures that are held out"):
        Pairs(root, small("data.least=200").data, 1).held_out()


def test_the_student_sees_the_degraded_twin_and_sometimes_the_clean_picture(drawn):
    pairs = Pairs(drawn, small("data.clean=0.5").data, 1)
    items = [pairs.item(position) for position in range(16)]
    clean = sum(torch.equal(item["hq"], item["lq"]) for item in items)
    assert 2 <= clean <= 14
    degraded = next(item for item in items if not torch.equal(item["hq"], item["lq"]))
    assert degraded["hq"].shape == degraded["lq"].shape == (3, 56, 56)
    again = pairs.item(items.index(degraded))
    assert torch.equal(again["lq"], degraded["lq"])
    assert not any(torch.equal(pair["hq"], pair["lq"]) for pair in pairs.held_out())
    # Small presets come back to the picture's size.
    four = Pairs(drawn, small("data.degradation=realesrgan_x4", "data.clean=0").data, 1).item(0)
    assert four["lq"].shape == four["hq"].shape
    with pytest.raises(ConfigError, match="cannot be shared out"):
        pairs.loader(3, world=2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("data.degradation=osediff", "no such preset"),
        ("data.zoom=0.5", "must be at least 1"),
        ("data.zoom={lognormal: [1, 1]}", "clip"),
        ("data.crops=28", "did you mean data.crop"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        small(change)
