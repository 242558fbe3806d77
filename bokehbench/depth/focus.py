"""Where to focus: the disparity of what a mask marks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError

THRESHOLD = 0.5


def focus_in_mask(disparity: npt.NDArray[Any], mask: npt.NDArray[Any], threshold: float = THRESHOLD) -> float:
    """Disparity of the focal plane: the median where the mask exceeds the threshold.

    Args:
        disparity: [H, W].
        mask: [H, W] in [0, 1].
        threshold: of the mask.

    Raises:
        InputError: the two differ in size, or nothing exceeds the threshold.
    """
    if disparity.shape != mask.shape:
        raise InputError(f"mask {mask.shape} and disparity {disparity.shape} differ in size")
    inside = mask > threshold
    if not inside.any():
        raise InputError(f"the mask nowhere exceeds {threshold:g} (at most {float(mask.max()):.3f})")
    return float(np.median(disparity[inside]))
