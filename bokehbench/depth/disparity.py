"""From what a network puts out to disparity in [0, 1], near = 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError

FloatImage = npt.NDArray[np.float32]
CLIPPED = (0.1, 99.9)
"""Percentiles of metric depth outside which values are clipped: one pixel too near would flatten the rest."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a depth network says of one picture.

    Attributes:
        raw: [H, W] float32, as the network put it out, at the picture's size.
        kind: what `raw` is: "disparity" (relative inverse depth) or "depth" (metres).
        disparity: [H, W] float32 in [0, 1], near = 1.
        range: what 0 and 1 stand for: 1/m for depth, else in the network's own unit, which is no length.
    """

    raw: FloatImage
    kind: str
    disparity: FloatImage
    range: tuple[float, float]

    @property
    def inverse(self) -> npt.NDArray[np.float64]:
        """[H, W] inverse depth, nothing clipped but depths that are not positive."""
        return self.raw.astype(np.float64) if self.kind == "disparity" else 1.0 / _positive(self.raw)


def to_prediction(raw: npt.NDArray[Any], kind: str) -> Prediction:
    """Normalise a network's output.

    Relative inverse depth is stretched to [0, 1]. Metric depth is clipped to its 0.1 and 99.9 percentiles,
    turned to 1/z, then stretched.

    Args:
        raw: [H, W].
        kind: "disparity" or "depth".

    Raises:
        InputError: not finite, or no depth is positive.
    """
    if not np.isfinite(raw).all():
        raise InputError("the network put out NaN or infinite values")
    if kind == "depth":
        z = _positive(raw)
        inverse = 1.0 / np.clip(z, *np.percentile(z, CLIPPED))
    else:
        inverse = np.asarray(raw, np.float64)
    low, high = float(inverse.min()), float(inverse.max())
    # A flat map has no nearest pixel; all of it is as far as it gets.
    values = (inverse - low) / (high - low) if high > low else np.zeros_like(inverse)
    return Prediction(np.asarray(raw, np.float32), kind, values.astype(np.float32), (low, high))


def _positive(raw: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Depth whose values of 0 and below (resizing may overshoot) are raised to the least positive one."""
    z = np.asarray(raw, np.float64)
    positive = z[z > 0.0]
    if positive.size == 0:
        raise InputError("the network put out no positive depth; does it put out disparity? (--raw-is)")
    return np.maximum(z, positive.min())
