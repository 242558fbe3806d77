"""Claims about disparity tracks: what each does to a map, against scipy, and what moves with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndimage

from bokehbench.benchmarks import tracks
from bokehbench.benchmarks.tracks import Track, align, parse_track
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.errors import ConfigError, InputError
from bokehbench.optics import Lens
from bokehbench.registry import ProtocolSpec

GIVEN = ProtocolSpec("given", "")
BOX = ProtocolSpec("box", "", disparity="midas", focus="box")


def case(disparity: np.ndarray, region: np.ndarray | None = None) -> Case:
    lens = Lens(12.0, 0.3)
    image = np.zeros((*disparity.shape, 3), np.float32)
    info = CaseInfo("a", "scene", "L3", lens, "data")
    return Case(info, Inputs("a", image, disparity, lens), image, focus_region=region)


def some_map(seed: int = 0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).random((60, 80)), 3).astype(np.float32)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_level_n_has_a_kernel_of_2n_plus_1_pixels(level):
    before = some_map()
    size = 2 * level + 1
    dilated = parse_track(f"dilate:{level}").apply(case(before), GIVEN).inputs.disparity
    eroded = parse_track(f"erode:{level}").apply(case(before), GIVEN).inputs.disparity
    np.testing.assert_array_equal(dilated, ndimage.maximum_filter(before, size, mode="nearest"))
    np.testing.assert_array_equal(eroded, ndimage.minimum_filter(before, size, mode="nearest"))
    spread = parse_track(f"blur:{level}").apply(
        case(np.eye(41, dtype=np.float32)[20][None] * np.ones((41, 1))), GIVEN
    )
    width = int((spread.inputs.disparity[20] > 0).sum())
    assert width == size


def test_noise_has_its_percentage_is_the_same_again_and_differs_between_cases():
    flat = np.full((200, 200), 0.5, np.float32)
    noisy = parse_track("noise:4").apply(case(flat), GIVEN).inputs.disparity
    assert (noisy - flat).std() == pytest.approx(0.04, rel=0.03)
    np.testing.assert_array_equal(noisy, parse_track("noise:4").apply(case(flat), GIVEN).inputs.disparity)
    assert not np.array_equal(noisy, tracks._noise(flat, 4, "b"))


def test_a_given_focal_plane_stays_and_one_of_a_region_moves_with_the_map():
    disparity = np.zeros((40, 40), np.float32)
    disparity[:, 20:] = 1.0
    region = np.zeros((40, 40), bool)
    region[:, 16:19] = True  # dilation by 2 pixels reaches two of its three columns
    given = parse_track("dilate:2").apply(case(disparity), GIVEN)
    assert given.inputs.lens == Lens(12.0, 0.3)
    moved = parse_track("dilate:2").apply(case(disparity, region), BOX)
    assert moved.inputs.lens.disp_focus == np.median(moved.inputs.disparity[region]) != 0.3
    assert moved.inputs.lens.K == 12.0


def test_gt_changes_nothing_not_even_the_hash():
    before = case(some_map())
    assert Track().apply(before, GIVEN) is before
    assert Track().data("abc") == "abc" and Track().suffix == ""
    others = {parse_track(text).data("abc") for text in ("dilate:1", "dilate:2", "erode:1", "noise:1")}
    assert len(others | {"abc"}) == 5


def test_a_prediction_is_aligned_by_scale_and_shift():
    true = some_map(1)
    np.testing.assert_allclose(align(3.0 * true + 7.0, true), true, atol=1e-5)
    for wrong in (np.ones_like(true), 1.0 - true):
        with pytest.raises(InputError):
            align(wrong, true)


def test_a_predicted_map_replaces_the_sets_own(monkeypatch):
    from bokehbench import depth

    true = some_map(2)
    other = some_map(3)
    monkeypatch.setattr(depth, "predict", lambda model, image: 0.25 + true / 4 if model == "m" else other)
    monkeypatch.setattr(depth, "identity", lambda model: {"id": model})
    track = parse_track("predicted:m")
    np.testing.assert_allclose(track.apply(case(true), GIVEN).inputs.disparity, true, atol=1e-5)
    region = true > np.median(true)
    unaligned = parse_track("predicted:n").apply(case(true, region), BOX)
    np.testing.assert_array_equal(unaligned.inputs.disparity, other)
    assert unaligned.inputs.lens.disp_focus == pytest.approx(np.median(other[region]))
    assert track.uses_truth(GIVEN) and not track.uses_truth(BOX)
    # Fitted to a map that is no ground truth, where K is given on that map's scale.
    assert not track.uses_truth(ProtocolSpec("optics", "", disparity="depth-pro"))
    assert track.data("abc") != parse_track("predicted:n").data("abc")


@pytest.mark.parametrize(
    "text", ["", "dilate", "dilate:0", "dilate:6", "dilate:x", "gt:1", "predicted:", "d:1"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ConfigError, match="--disparity"):
        parse_track(text)


def test_a_track_is_a_folder_name(tmp_path: Path):
    for text in ("dilate:3", "predicted:org/depth model@abc", "noise:1"):
        (tmp_path / f"gt-disparity@1{parse_track(text).suffix}").mkdir()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_protocol_without_a_map_has_no_tracks():
    with pytest.raises(ConfigError, match="no disparity map"):
        parse_track("dilate:1").check(ProtocolSpec("restoration", "", disparity="none"))
    parse_track("gt").check(ProtocolSpec("restoration", "", disparity="none"))
