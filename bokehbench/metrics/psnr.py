"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt


def psnr(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    mask: npt.NDArray[np.bool_] | None = None,
    *,
    cap: float = 100.0,
) -> float:
    """10 log10(peak² n / Σ d²) over all pixels and channels, n = 3 H W.

    Args:
        prediction: [H, W, 3] uint8 (peak 255, the squared error is an exact integer), or float64 (peak 1)
            for the variant `+lin`.
        target: the same.
        mask: [H, W], pixels that count; None for all.
        cap: of identical and nearly identical images, dB.

    Returns:
        dB, at most `cap`.
    """
    if mask is not None:
        prediction, target = prediction[mask], target[mask]
    if prediction.dtype == np.uint8:
        difference = prediction.astype(np.int32) - target.astype(np.int32)
        squared_error = float(np.sum(difference * difference, dtype=np.int64))
        peak = 255.0
    else:
        squared_error = float(np.sum((prediction - target) ** 2))
        peak = 1.0
    if squared_error == 0.0:
        return cap
    return min(cap, 10.0 * math.log10(peak * peak * prediction.size / squared_error))
