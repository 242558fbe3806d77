"""Amount of blur and of colour error of a real pair, after registration.

All look where the pair itself is blurred or in focus (`Pair`), never where a method's depth says so. Where
hardly anything is out of focus, nothing can be said about its amount.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import Undefined
from bokehbench.metrics.pair import Comparison, Mask
from bokehbench.optics import decode


def blur_bias(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    comparison: Comparison,
    *,
    least: int = 2000,
    share: float = 0.005,
) -> float:
    """Mean of q, half the log2 of the ratio of gradient energies, where the target is out of focus.

    Args:
        prediction: [H, W, 3] uint8 on the input's grid.
        target: the same size.
        comparison: of the two.
        least: pixels that must be out of focus.
        share: of the picture that must be.

    Returns:
        0 for the right amount, > 0 too sharp, < 0 too blurred, in octaves of gradient amplitude.

    Raises:
        Undefined: hardly anything is out of focus.
    """
    out_of_focus(comparison, least, share)
    return float(comparison.sharpness.mean())


def blur_error(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    comparison: Comparison,
    *,
    least: int = 2000,
    share: float = 0.005,
) -> float:
    """Mean of |q| where the target is out of focus; see `blur_bias`."""
    out_of_focus(comparison, least, share)
    return float(np.abs(comparison.sharpness).mean())


def colour_error(prediction: npt.NDArray[Any], target: npt.NDArray[Any], comparison: Comparison) -> float:
    """The largest |log2| of the three factors that `+geo_gain` takes out, in stops; 0 is no colour error."""
    return float(np.abs(np.log2(comparison.gain)).max())


def energy_bias(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    comparison: Comparison,
    *,
    least: int = 2000,
    share: float = 0.005,
) -> float:
    """Relative error of the mean light where the target is out of focus; arguments as of `blur_bias`.

    Blur of encoded values instead of light makes highlights dim, and shows here. A pair of two exposures has
    such a difference of its own: compare methods, not a method with 0.
    """
    chosen = out_of_focus(comparison, least, share)
    pictures = comparison.moved, target / 255.0
    predicted, true = (decode(picture[chosen], comparison.gamma).mean() for picture in pictures)
    return float(predicted / true - 1.0)


def out_of_focus(comparison: Comparison, least: int, share: float) -> Mask:
    """[H, W], where the target is out of focus; Undefined where that is too little."""
    chosen = comparison.pair.out_of_focus
    needed = max(least, int(np.ceil(share * chosen.size)))
    found = int(chosen.sum())
    if found < needed:
        raise Undefined(f"only {found} pixels are out of focus, needs {needed}")
    return chosen
