"""Amount of blur, of light, of colour: of a real pair after registration, or of an aligned case by region.

All look where the pair itself is blurred or in focus (`Pair`), or in a region of the true defocus
(`Regions`), never where a method's depth says so. Where hardly anything is out of focus, nothing can be said
about its amount.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import Undefined
from bokehbench.metrics.energy import Doubles
from bokehbench.metrics.pair import Comparison, Mask
from bokehbench.metrics.regions import RegionComparison
from bokehbench.optics import decode


def blur_bias(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    comparison: Comparison | RegionComparison,
    *,
    least: int = 2000,
    share: float = 0.005,
) -> float:
    """Mean of q, half the log2 of the ratio of gradient energies, where the target is out of focus.

    Args:
        prediction: [H, W, 3] uint8 on the input's grid.
        target: the same size.
        comparison: of the two.
        least: pixels that must be looked at.
        share: of the picture that must be.

    Returns:
        0 for the right amount, > 0 too sharp, < 0 too blurred, in octaves of gradient amplitude.

    Raises:
        Undefined: hardly anything is out of focus.
    """
    return float(_sharpness(comparison, least, share).mean())


def blur_error(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    comparison: Comparison | RegionComparison,
    *,
    least: int = 2000,
    share: float = 0.005,
) -> float:
    """Mean of |q| where the target is out of focus; see `blur_bias`."""
    return float(np.abs(_sharpness(comparison, least, share)).mean())


def colour_error(prediction: npt.NDArray[Any], target: npt.NDArray[Any], comparison: Comparison) -> float:
    """The largest |log2| of the three factors that `+geo_gain` takes out, in stops; 0 is no colour error."""
    return float(np.abs(np.log2(comparison.gain)).max())


def energy_bias(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    comparison: Comparison | RegionComparison,
    *,
    least: int = 2000,
    share: float = 0.005,
) -> float:
    """Relative error of the mean light where the target is out of focus; arguments as of `blur_bias`.

    Blur of encoded values instead of light makes highlights dim, and shows here. A pair of two exposures has
    such a difference of its own: compare methods, not a method with 0.
    """
    chosen = comparison.chosen
    _require(int(chosen.sum()), chosen, "out of focus", least, share)
    pictures = comparison.moved, target / 255.0
    predicted, true = (decode(picture[chosen], comparison.gamma).mean() for picture in pictures)
    return float(predicted / true - 1.0)


def _sharpness(comparison: Comparison | RegionComparison, least: int, share: float) -> Doubles:
    """q where the target is looked at, [n]; Undefined where that is too little."""
    what = "out of focus" if isinstance(comparison, Comparison) else "of the region and have structure"
    _require(comparison.sharpness.size, comparison.chosen, what, least, share)
    return comparison.sharpness


def _require(found: int, mask: Mask, what: str, least: int, share: float) -> None:
    needed = max(least, int(np.ceil(share * mask.size)))
    if found < needed:
        raise Undefined(f"only {found} pixels are {what}, needs {needed}")
