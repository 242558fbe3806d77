"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import Undefined


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


def psnr_y601(prediction: npt.NDArray[Any], target: npt.NDArray[Any], *, cap: float = 100.0) -> float:
    """PSNR of the luma of BT.601 with studio swing, unrounded, against a peak of 255.

    Luma spans 16 to 235 but the peak does not, which alone is 1.3 dB; colour errors hardly count.

    Args:
        prediction: [H, W, 3] uint8.
        target: the same.
        cap: see `psnr`.
    """
    error = float(np.mean((luma601(prediction) - luma601(target)) ** 2))
    return cap if error == 0.0 else min(cap, 10.0 * math.log10(255.0**2 / error))


def luma601(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """[H, W] in 16 to 235 of [H, W, 3] uint8 (ITU-R BT.601, studio swing)."""
    return np.asarray(image @ np.array((65.481, 128.553, 24.966)) / 255.0 + 16.0)


def psnr_peakmax(prediction: npt.NDArray[Any], target: npt.NDArray[Any], *, cap: float = 100.0) -> float:
    """PSNR against the largest value that the prediction has, as some scripts of EBB! take it.

    Args:
        prediction: [H, W, 3] uint8.
        target: the same.
        cap: see `psnr`.

    Raises:
        Undefined: the prediction is black.
    """
    peak = int(prediction.max())
    if peak == 0:
        raise Undefined("the prediction is black: it has no peak")
    return min(cap, psnr(prediction, target, cap=cap) + 20.0 * math.log10(peak / 255.0))


def psnr_noiseless(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    noise: float,
    *,
    cap: float = 100.0,
    most: float = 0.8,
) -> float:
    """PSNR against a target without noise: MSE − noise, for noise that is independent of the prediction.

    A rendered target has noise of its own, and no prediction can come closer to it than that; differences
    between good methods shrink. The expectation of the squared error is the sum of both.

    Args:
        prediction: [H, W, 3] uint8.
        target: [H, W, 3] uint8.
        noise: of the target, as PSNR in dB against an endlessly sampled one.
        cap: see `psnr`.
        most: share of the squared error that may be noise; above it the rest is too uncertain.

    Returns:
        dB, at least `psnr`.

    Raises:
        Undefined: more of the squared error than `most` is noise.
    """
    raw = psnr(prediction, target, cap=cap)
    share = 10.0 ** ((raw - noise) / 10.0)
    if share > most:
        raise Undefined(f"the target's noise, {noise:.1f} dB, is most of the error, {raw:.1f} dB")
    return min(cap, raw - 10.0 * math.log10(1.0 - share))
