"""Layers: the scene model of the ray tracer (a stack of textured, possibly tilted planes).

Layers are listed near to far, hold premultiplied linear colour, and live in the pixel coordinates of the
output image: pixel centres at integers, origin at the centre of the top-left pixel, x right, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Plane:
    """Disparity that is affine in output pixels: ``d(x, y) = p x + q y + r``.

    Every plane Z = A X + B Y + C of a pinhole scene has this form, with p = -A/C, q = -B/C, r = 1/C.
    """

    p: float
    q: float
    r: float

    def disparity(self, x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Disparity at pixel (x, y); arrays broadcast."""
        return self.p * np.asarray(x, np.float64) + self.q * np.asarray(y, np.float64) + self.r

    def shifted(self, dx: float, dy: float) -> Plane:
        """The same plane in coordinates whose origin lies at (dx, dy) of the old ones (a crop)."""
        return Plane(self.p, self.q, self.r + self.p * dx + self.q * dy)

    def scaled(self, k: float) -> Plane:
        """The same plane after the image is resized by `k` (half-pixel centres)."""
        return Plane(self.p / k, self.q / k, self.r + (self.p + self.q) * (0.5 / k - 0.5))


@dataclass(frozen=True, eq=False)
class Layer:
    """One textured plane.

    Attributes:
        rgba: [h, w, 4] float32, premultiplied linear RGB (may exceed 1) and alpha in [0, 1]; transparent
            outside its raster.
        plane: disparity in output pixel coordinates.
        x, y: output coordinates of the raster's top-left pixel centre; negative where the layer reaches
            into the margin around the image.
    """

    rgba: npt.NDArray[np.float32]
    plane: Plane
    x: int = 0
    y: int = 0

    def __post_init__(self) -> None:
        if self.rgba.ndim != 3 or self.rgba.shape[2] != 4 or self.rgba.dtype != np.float32:
            raise ValueError(f"a layer needs rgba float32 [h, w, 4], got {self.rgba.dtype} {self.rgba.shape}")

    def to_json(self) -> dict[str, Any]:
        """Geometry without pixels."""
        plane = [self.plane.p, self.plane.q, self.plane.r]
        return {"plane": plane, "x": self.x, "y": self.y, "size": [self.rgba.shape[1], self.rgba.shape[0]]}
