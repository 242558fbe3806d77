"""Squared error in parts: by region and by signed defocus, whole numbers that sum back to the whole.

Bins of S = K (disparity - disp_focus) are symmetric about the focal plane: |S| <= 1, 1 to 2, 2 to 4, 4 to 8,
8 to 16 and above 16 pixels, behind and in front; the larger bound belongs to its bin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.metrics.regions import PARTS, Doubles, Mask, Regions

VERSION = 1
"""Changes whenever the numbers of `breakdown` would."""
BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0)
EDGES = (*(-bound for bound in reversed(BOUNDS)), *BOUNDS)
"""Between the bins, pixels; the first bin has no lower end, the last no upper one."""
BINS = len(EDGES) + 1


def defocus_bins(defocus: Doubles) -> npt.NDArray[np.intp]:
    """Index of the bin of every signed defocus, any shape: 0 farthest behind focus, `BINS` - 1 in front."""
    steps = np.searchsorted(BOUNDS, np.abs(defocus), side="left")
    return np.asarray(len(BOUNDS) + np.where(defocus < 0.0, -steps, steps))


def breakdown(
    prediction: npt.NDArray[np.uint8], target: npt.NDArray[np.uint8], regions: Regions, border: int = 0
) -> dict[str, Any]:
    """Squared error and number of pixels of every part.

    Args:
        prediction: [H, W, 3] uint8.
        target: the same.
        regions: of the case.
        border: pixels at every side that are not counted.

    Returns:
        ``{"whole": p, "regions": {name: p}, "defocus": {"edges", "pixels": [n], "squared_error": [n]}}`` with
        ``p = {"pixels", "squared_error"}``. Squared error is the sum over pixels and the three channels, in
        8-bit code values: an exact integer. The four regions of the partition, and the bins, each sum to the
        whole; highlights lie across them.
    """
    inner = slice(border, -border or None)
    difference = prediction[inner, inner].astype(np.int64) - target[inner, inner]
    error = np.einsum("ijk,ijk->ij", difference, difference)
    labels = regions.labels[inner, inner]
    parts = {name: _part(error, labels == label) for label, name in enumerate(PARTS)}
    parts["highlights"] = _part(error, regions.highlights[inner, inner])
    bins = defocus_bins(regions.signed_defocus[inner, inner]).ravel()
    # Sums stay far below 2^53, so that float64 holds them exactly.
    sums = np.bincount(bins, weights=error.ravel(), minlength=BINS)
    counts = np.bincount(bins, minlength=BINS)
    return {
        "whole": _part(error, np.ones(error.shape, bool)),
        "regions": parts,
        "defocus": {
            "edges": list(EDGES),
            "pixels": counts.tolist(),
            "squared_error": [int(value) for value in sums],
        },
    }


def _part(error: npt.NDArray[np.int64], mask: Mask) -> dict[str, int]:
    return {"pixels": int(mask.sum()), "squared_error": int(error[mask].sum())}


def psnr_of(pixels: float, squared_error: float, cap: float = 100.0) -> float:
    """PSNR in dB of a part: 10 log10(255² · 3 pixels / squared error), at most `cap`; pixels > 0."""
    if squared_error <= 0.0:
        return cap
    return min(cap, float(10.0 * np.log10(255.0**2 * 3.0 * pixels / squared_error)))
