"""Amount of blur and of colour error of a real pair, after registration.

All look where the pair itself is blurred or in focus (`Pair`), never where a method's depth says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.metrics.energy import gradient_energy, relative_sharpness
from bokehbench.metrics.pair import Pair
from bokehbench.optics import decode

LEAST = 2000
"""Fewer pixels than this say nothing about the amount of blur."""


def blur_bias(prediction: npt.NDArray[Any], target: npt.NDArray[Any], pair: Pair) -> float:
    """Mean of q, half the log2 of the ratio of gradient energies, where the target is out of focus.

    Args:
        prediction: [H, W, 3] uint8 on the input's grid.
        target: the same size.
        pair: of the case.

    Returns:
        0 for the right amount, > 0 too sharp, < 0 too blurred, in octaves of gradient amplitude; NaN where
        hardly anything is out of focus.
    """
    q = _out_of_focus(prediction, target, pair)
    return float(q.mean()) if q.size >= LEAST else float("nan")


def blur_error(prediction: npt.NDArray[Any], target: npt.NDArray[Any], pair: Pair) -> float:
    """Mean of |q| where the target is out of focus; see `blur_bias`."""
    q = _out_of_focus(prediction, target, pair)
    return float(np.abs(q).mean()) if q.size >= LEAST else float("nan")


def colour_error(prediction: npt.NDArray[Any], target: npt.NDArray[Any], pair: Pair) -> float:
    """The largest |log2| of the three factors that `+geo_gain` takes out, in stops; 0 is no colour error.

    Args:
        prediction: [H, W, 3] uint8 on the input's grid.
        target: the same size.
        pair: of the case; its gamma is 2.2, that of the protocols with real pairs.
    """
    moved, valid = pair.warped(prediction)
    return float(np.abs(np.log2(pair.gain(moved, target, valid, 2.2))).max())


def energy_bias(prediction: npt.NDArray[Any], target: npt.NDArray[Any], pair: Pair) -> float:
    """Relative error of the mean light where the target is out of focus.

    Blur of encoded values instead of light makes highlights dim, and shows here. A pair of two exposures has
    such a difference of its own: compare methods, not a method with 0.

    Args:
        prediction: [H, W, 3] uint8 on the input's grid.
        target: the same size.
        pair: of the case.
    """
    chosen = pair.out_of_focus
    if int(chosen.sum()) < LEAST:
        return float("nan")
    moved, _ = pair.warped(prediction)
    predicted, true = (decode(light[chosen], 2.2).mean() for light in (moved, target / 255.0))
    return float(predicted / true - 1.0)


def _out_of_focus(
    prediction: npt.NDArray[Any], target: npt.NDArray[Any], pair: Pair
) -> npt.NDArray[np.float64]:
    moved, _ = pair.warped(prediction)
    q = relative_sharpness(gradient_energy(moved), gradient_energy(target))
    return np.asarray(q[pair.out_of_focus])
