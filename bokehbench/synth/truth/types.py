"""What a stored picture of a sample is, whatever file it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy.typing as npt

Kind = Literal["image", "rgba", "layer", "disparity", "label", "mask", "float"]
"""How pixels are meant, which decides how a store encodes them:

image      [H, W, 3] float32, encoded, may exceed 1
rgba       [h, w, 4] float32 in [0, 1], encoded straight colour and alpha
layer      [h, w, 4] float32, linear premultiplied, rounded to half floats
disparity  [H, W] float32 in [0, 1]
label      [H, W] uint8
mask       [H, W] float32 in [0, 1]
float      [H, W] float32, any range of a half float
"""


@dataclass(frozen=True, eq=False)
class Truth:
    """One picture of a sample.

    Attributes:
        name: unique in the sample, without dots or slashes: `aif`, `bokeh_k0`, `disp`, `layer_2` ...
        kind: what the pixels mean.
        pixels: the array that `kind` asks for.
    """

    name: str
    kind: Kind
    pixels: npt.NDArray[Any]
