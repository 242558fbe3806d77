"""How well a predicted disparity fits measured depth: aligned in inverse depth, then the usual numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError

MIN_PIXELS = 10


@dataclass(frozen=True)
class Accuracy:
    """Of one picture; means are over its valid pixels.

    Attributes:
        abs_rel: mean |z − z*| / z*.
        delta1, delta2, delta3: share of pixels with max(z/z*, z*/z) < 1.25, 1.25², 1.25³.
        rmse: root of the mean of (z − z*)², metres.
        scale, shift: 1/z = scale · prediction + shift, by least squares. A negative scale means that the
            prediction has far and near the wrong way round.
        pixels: valid ones.
    """

    abs_rel: float
    delta1: float
    delta2: float
    delta3: float
    rmse: float
    scale: float
    shift: float
    pixels: int

    def to_json(self) -> dict[str, float]:
        """Every field."""
        return asdict(self)


def align(
    prediction: npt.NDArray[Any], inverse_depth: npt.NDArray[Any], valid: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """Scale and shift that bring a prediction closest to the measured 1/z, in the mean of squares.

    A constant prediction gets scale 0 and the mean.

    Args:
        prediction: [H, W], any scale and shift of inverse depth.
        inverse_depth: [H, W], 1/m.
        valid: [H, W], the pixels that count.
    """
    x, y = prediction[valid].astype(np.float64), inverse_depth[valid].astype(np.float64)
    centred = x - x.mean()
    variance = float((centred**2).mean())
    if variance <= 1e-20 * float((x**2).mean()):
        return 0.0, float(y.mean())
    scale = float((centred * (y - y.mean())).mean()) / variance
    return scale, float(y.mean()) - scale * float(x.mean())


def accuracy(
    prediction: npt.NDArray[Any],
    depth: npt.NDArray[Any],
    valid: npt.NDArray[np.bool_],
    reach: tuple[float, float],
) -> Accuracy:
    """Compare a prediction with measured depth.

    Args:
        prediction: [H, W] inverse depth, of any scale and shift.
        depth: [H, W] metres.
        valid: [H, W], pixels with measured depth inside the crop and the reach.
        reach: (nearest, farthest) in metres; aligned predictions are clipped to it.

    Raises:
        InputError: fewer than 10 valid pixels.
    """
    pixels = int(valid.sum())
    if pixels < MIN_PIXELS:
        raise InputError(f"only {pixels} pixels with measured depth")
    with np.errstate(divide="ignore"):
        scale, shift = align(prediction, 1.0 / depth.astype(np.float64), valid)
    near, far = reach
    z = 1.0 / np.clip(scale * prediction[valid].astype(np.float64) + shift, 1.0 / far, 1.0 / near)
    truth = depth[valid].astype(np.float64)
    ratio = np.maximum(z / truth, truth / z)
    delta1, delta2, delta3 = (float((ratio < 1.25**power).mean()) for power in (1, 2, 3))
    return Accuracy(
        abs_rel=float((np.abs(z - truth) / truth).mean()),
        delta1=delta1,
        delta2=delta2,
        delta3=delta3,
        rmse=float(np.sqrt(((z - truth) ** 2).mean())),
        scale=scale,
        shift=shift,
        pixels=pixels,
    )
