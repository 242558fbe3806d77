"""Amount of blur and of colour error of a real pair, after registration.

All look where the pair itself is blurred or in focus (`Pair`), never where a method's depth says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.metrics.pair import Comparison
from bokehbench.optics import decode

LEAST = 2000
"""Fewer pixels than this say nothing about the amount of blur."""


def blur_bias(prediction: npt.NDArray[Any], target: npt.NDArray[Any], comparison: Comparison) -> float:
    """Mean of q, half the log2 of the ratio of gradient energies, where the target is out of focus.

    Args:
        prediction: [H, W, 3] uint8 on the input's grid.
        target: the same size.
        comparison: of the two.

    Returns:
        0 for the right amount, > 0 too sharp, < 0 too blurred, in octaves of gradient amplitude; NaN where
        hardly anything is out of focus.
    """
    q = comparison.sharpness
    return float(q.mean()) if q.size >= LEAST else float("nan")


def blur_error(prediction: npt.NDArray[Any], target: npt.NDArray[Any], comparison: Comparison) -> float:
    """Mean of |q| where the target is out of focus; see `blur_bias`."""
    q = comparison.sharpness
    return float(np.abs(q).mean()) if q.size >= LEAST else float("nan")


def colour_error(prediction: npt.NDArray[Any], target: npt.NDArray[Any], comparison: Comparison) -> float:
    """The largest |log2| of the three factors that `+geo_gain` takes out, in stops; 0 is no colour error."""
    return float(np.abs(np.log2(comparison.gain)).max())


def energy_bias(prediction: npt.NDArray[Any], target: npt.NDArray[Any], comparison: Comparison) -> float:
    """Relative error of the mean light where the target is out of focus.

    Blur of encoded values instead of light makes highlights dim, and shows here. A pair of two exposures has
    such a difference of its own: compare methods, not a method with 0.
    """
    chosen = comparison.pair.out_of_focus
    if int(chosen.sum()) < LEAST:
        return float("nan")
    pictures = comparison.moved, target / 255.0
    predicted, true = (decode(picture[chosen], comparison.gamma).mean() for picture in pictures)
    return float(predicted / true - 1.0)
