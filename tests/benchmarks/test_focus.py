"""Where the focal plane lies: the median disparity of a region, and what counts as one."""

from __future__ import annotations

import json

import numpy as np
import pytest
import set_replicas as replicas

from bokehbench import images
from bokehbench.benchmarks import focus
from bokehbench.benchmarks.ebb400 import EBB400
from bokehbench.errors import InputError
from bokehbench.registry import ProtocolSpec, get

SHAPE = (64, 96)


def test_a_box_counts_pixels_with_right_and_bottom_outside():
    region = focus.box_region((10, 20, 12, 23), SHAPE)
    assert region.sum() == 6 and region[20:23, 10:12].all()
    assert focus.box_region((0, 0, 96, 64), SHAPE).all()


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, 0, 97, 5), (5, 5, 5, 9), (9, 5, 5, 9), (0, 60, 5, 65)])
def test_boxes_outside_the_picture_are_refused(box):
    with pytest.raises(InputError, match="not inside a picture of 96 x 64"):
        focus.box_region(box, SHAPE)


def test_a_point_is_a_small_disc_around_it():
    region = focus.point_region((30.0, 40.0), SHAPE)
    ys, xs = np.nonzero(region)
    assert region[40, 30] and abs(ys - 40).max() <= 2 and abs(xs - 30).max() <= 2
    with pytest.raises(InputError, match="not inside"):
        focus.point_region((96.0, 3.0), SHAPE)


def test_the_median_ignores_the_rim_of_a_region():
    disparity = replicas.disparity()
    wide = focus.box_region((30, 12, 66, 52), SHAPE)  # some ground around the subject
    assert focus.median_disparity(disparity, wide) == replicas.SUBJECT


def test_a_mask_that_marks_nothing_is_no_focus():
    """As `bokehbench depth` says, and without a word about the middle of the frame."""
    np.testing.assert_array_equal(focus.mask_region(replicas.subject().astype(float)), replicas.subject())
    with pytest.raises(InputError, match=r"nowhere exceeds 0.5 \(at most 0.400\)"):
        focus.mask_region(np.full(SHAPE, 0.4))


def test_the_case_of_an_empty_mask_alone_is_refused(tmp_path):
    root = replicas.ebb400(tmp_path, (218, 864))
    mask = root / "birefnet" / "864.saliency.exr"
    images.write_exr(mask, {"Y": np.zeros(SHAPE, np.float32)}, half=False)
    benchmark = EBB400(root, protocol=get(ProtocolSpec, "leak-free-midas"))
    with pytest.warns(UserWarning, match="a table over these"):
        first, second = benchmark.cases()
    assert benchmark.load(first).focus_region is not None
    with pytest.raises(InputError, match=r"864.saliency.exr: the mask nowhere .*leave this picture out"):
        benchmark.load(second)


@pytest.mark.parametrize(
    "content",
    [
        *([], {}, {"218": [1, 2, 3, True]}, {"218": {"left": 1}}),
        *({"218": [1, 2, 3, value]} for value in (float("nan"), float("inf"), 10**400)),
    ],
)
def test_files_that_have_no_boxes_are_refused(tmp_path, content):
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"boxes.json: .*4 numbers"):
        focus.read_boxes(path)


def test_names_of_boxes_may_have_the_suffix_of_their_picture(tmp_path):
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps({"218.jpg": [1, 2, 3, 4], "864": [1, 2, 3, 5.5]}))
    assert focus.read_boxes(path) == {"218": (1, 2, 3, 4), "864": (1, 2, 3, 5.5)}
