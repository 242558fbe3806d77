"""The part of a picture that must be sharp, as a rectangle: where a score without reference means something.

Over whole pictures such scores reward missing blur. Within the bounding box of the largest connected region
in focus, a sharp picture is the right one.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Box = tuple[int, int, int, int]
"""Top, left, bottom, right: rows top to bottom - 1, columns left to right - 1."""


def focus_box(in_focus: npt.NDArray[np.bool_], border: int = 0) -> Box | None:
    """Bounding box of the largest connected region, 8 neighbours; None where there is none.

    Args:
        in_focus: [H, W].
        border: pixels at each side that the protocol does not count.
    """
    inner = np.zeros(in_focus.shape, np.uint8)
    kept = slice(border, -border or None)
    inner[kept, kept] = in_focus[kept, kept]
    found, _, facts, _ = cv2.connectedComponentsWithStats(inner, connectivity=8)
    if found < 2:
        return None
    largest = 1 + int(np.argmax(facts[1:, cv2.CC_STAT_AREA]))
    left, top, width, height = (int(value) for value in facts[largest, :4])
    return top, left, top + height, left + width


def shorter_side(box: Box) -> int:
    """Pixels."""
    return min(box[2] - box[0], box[3] - box[1])


def cut(image: npt.NDArray[Any], box: Box) -> npt.NDArray[Any]:
    """The part of a picture [H, W, ...]."""
    return image[box[0] : box[2], box[1] : box[3]]
