"""Where the focal plane of a real pair lies: the median disparity of the region that is in focus.

The region is a box that somebody drew, a mask of the salient subject, a point, or what is sharp in the input
and in the target. The last one needs the ground truth, and a box that was drawn on the pair rests on it, too;
a protocol says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import records
from bokehbench.benchmarks.inventory import is_number
from bokehbench.errors import InputError
from bokehbench.images import quantise

Region = npt.NDArray[np.bool_]
THRESHOLD = 0.5
MIDDLE = 0.2
"""Side of the central rectangle that stands in where two pictures share no edge, as a share of both."""
POINT = 0.01
"""Radius of a point, as a share of the frame's diagonal: one pixel's disparity is noise."""
CANNY = ((20, 170), (20, 120), (20, 40))
MARGINS = (0.05, 0.1)


def median_disparity(disparity: npt.NDArray[Any], region: Region) -> float:
    """Median of a map [H, W] in a region of it; InputError where that is empty."""
    inside = disparity[region]
    if inside.size == 0:
        raise InputError("the region in focus is empty")
    return float(np.median(inside))


def box_region(box: tuple[float, float, float, float], shape: tuple[int, int]) -> Region:
    """Pixels [H, W] of a box (left, top, right, bottom), pixels, right and bottom outside of it.

    Raises:
        InputError: the box is empty, or outside the picture.
    """
    left, top, right, bottom = (round(edge) for edge in box)
    height, width = shape
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InputError(f"box {list(box)} is not inside a picture of {width} x {height} pixels")
    region = np.zeros(shape, bool)
    region[top:bottom, left:right] = True
    return region


def point_region(point: tuple[float, float], shape: tuple[int, int]) -> Region:
    """Pixels [H, W] around a point (x, y), pixels; InputError where it is outside the picture."""
    height, width = shape
    if not (0 <= point[0] < width and 0 <= point[1] < height):
        raise InputError(f"point {list(point)} is not inside a picture of {width} x {height} pixels")
    y, x = np.mgrid[0:height, 0:width]
    radius = max(1.0, POINT * float(np.hypot(height, width)))
    return np.asarray((x - point[0]) ** 2 + (y - point[1]) ** 2 <= radius**2)


def mask_region(mask: npt.NDArray[Any], threshold: float = THRESHOLD) -> Region:
    """Pixels [H, W] above a threshold; InputError where there are none."""
    region = np.asarray(mask > threshold)
    if not region.any():
        raise InputError(f"the mask nowhere exceeds {threshold:g} (at most {float(mask.max()):.3f})")
    return region


def middle_region(shape: tuple[int, ...]) -> Region:
    """The central rectangle of [H, W]: 0.4 to 0.6 of both sides."""
    region = np.zeros(shape[:2], bool)
    low, high = 0.5 - MIDDLE / 2, 0.5 + MIDDLE / 2
    region[int(low * shape[0]) : int(high * shape[0]), int(low * shape[1]) : int(high * shape[1])] = True
    return region


def shared_edges_region(
    image: npt.NDArray[Any], target: npt.NDArray[Any], disparity: npt.NDArray[Any]
) -> Region:
    """Around the edges that input and *target* share, near the middle: BokehDiff's focus on EBB!.

    Canny edges of both (thresholds 20 and 170, lower ones while there are hardly any), those within the
    central fifth of the frame, else the central two fifths, else all; dilated 5 x 5; of these the pixels not
    nearer than the mean disparity of all shared edges by more than 0.05 (0.1 where five or fewer remain).

    Args:
        image: encoded [H, W, 3].
        target: the same size.
        disparity: [H, W] in [0, 1].

    Returns:
        [H, W]; the middle of the frame where the pictures share no edge.
    """
    import cv2

    shared = np.zeros(disparity.shape, bool)
    for (low, high), least in zip(CANNY, (2, 1, 1), strict=True):
        edges = (cv2.Canny(quantise(picture), low, high) > 0 for picture in (image, target))
        shared = np.logical_and(*edges)
        if int(shared.sum()) >= least:
            break
    if not shared.any():
        return middle_region(shared.shape)
    near = cv2.dilate(shared.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    for share in (0.2, 0.4, 1.0):
        window = _window(shared.shape, share)
        if int((shared & window).sum()) > 1 or share == 1.0:
            near &= window
            break
    limit = float(disparity[shared].mean())
    regions = [near & (disparity <= limit + margin) for margin in MARGINS]
    chosen = regions[0] if int(regions[0].sum()) > 5 else regions[1]
    return chosen if chosen.any() else shared


def _window(shape: tuple[int, ...], share: float) -> Region:
    window = np.zeros(shape, bool)
    low, high = 0.5 - share / 2, 0.5 + share / 2
    window[int(low * shape[0]) : int(high * shape[0]), int(low * shape[1]) : int(high * shape[1])] = True
    return window


def read_boxes(path: Path) -> dict[str, tuple[float, float, float, float]]:
    """Boxes by picture: a JSON object {name: [left, top, right, bottom]} in pixels.

    Raises:
        InputError: not such a file.
    """
    return {name: (v[0], v[1], v[2], v[3]) for name, v in _numbers(path, 4, "box").items()}


def _numbers(path: Path, count: int, what: str) -> dict[str, list[float]]:
    content = records.read_json(path)
    if not isinstance(content, dict) or not content:
        raise InputError(f"{path}: needs an object of picture names with a {what} of {count} numbers each")
    found = {}
    for name, values in content.items():
        numbers = isinstance(values, list) and all(map(is_number, values))
        if not numbers or len(values) != count:
            raise InputError(f"{path}: {name}: a {what} is a list of {count} numbers, not {values!r}")
        found[Path(name).stem if Path(name).suffix.lower() in (".jpg", ".png") else name] = [
            float(value) for value in values
        ]
    return found
