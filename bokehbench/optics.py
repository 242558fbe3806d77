"""The vocabulary of lens blur as types: lens, aperture, signed defocus, physical camera.

docs/conventions.md is the prose of this file. Everything here is plain arithmetic on floats and numpy
arrays; no image is read and no pixel is rendered.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError

FloatArray = npt.NDArray[np.floating[Any]]

SKY_DEPTH = 65504.0
"""Depth that stands for "infinitely far", metres (the largest half float, as in BLB)."""


@dataclass(frozen=True)
class Aperture:
    """Shape of the lens opening inside the unit disc.

    Attributes:
        blades: 0 for a disc, else the number (>= 3) of corners of a regular polygon.
        curvature: of the blades, 0 (straight) to 1 (disc).
        rotation: of the polygon, radians; 0 puts a corner on the +x axis.
        inner: radius of a central obstruction, 0 (none) to < 1 (thin ring): the donut of mirror lenses.
    """

    blades: int = 0
    curvature: float = 0.0
    rotation: float = 0.0
    inner: float = 0.0

    def __post_init__(self) -> None:
        if self.blades != 0 and self.blades < 3:
            raise ConfigError(f"aperture blades must be 0 (disc) or at least 3, not {self.blades}")
        if not 0.0 <= self.curvature <= 1.0:
            raise ConfigError(f"aperture curvature must lie in [0, 1], not {self.curvature}")
        if not 0.0 <= self.inner < 1.0:
            raise ConfigError(f"aperture inner radius must lie in [0, 1), not {self.inner}")

    def edge(self, angle: FloatArray) -> FloatArray:
        """Distance of the rim from the centre in direction `angle` (radians), in units of the radius.

        For a polygon: ``(1 - c) cos(pi/N) / cos((angle mod 2 pi/N) - pi/N) + c``.
        """
        angle = np.asarray(angle, dtype=np.float64)
        if self.blades == 0:
            return np.ones_like(angle)
        sector = 2.0 * math.pi / self.blades
        local = np.mod(angle - self.rotation, sector) - sector / 2.0
        polygon = math.cos(sector / 2.0) / np.cos(local)
        return (1.0 - self.curvature) * polygon + self.curvature

    def contains(self, s: FloatArray, t: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether the lens points (s, t), in units of the aperture radius, let light through."""
        radius = np.hypot(s, t)
        return np.asarray((radius <= self.edge(np.arctan2(t, s))) & (radius >= self.inner))


@dataclass(frozen=True)
class Lens:
    """What the photographer chose.

    Attributes:
        K: blur radius in pixels per unit of normalised disparity, at the size of the image it goes with.
        disp_focus: disparity of the focal plane, on the scale of the disparity map.
        gamma: encoded = linear ** (1 / gamma).
        aperture: shape of the opening.
    """

    K: float
    disp_focus: float
    gamma: float = 2.2
    aperture: Aperture = field(default_factory=Aperture)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.K) and self.K >= 0.0):
            raise ConfigError(f"K must be a finite number >= 0, not {self.K}")
        if not math.isfinite(self.disp_focus):
            raise ConfigError(f"disp_focus must be finite, not {self.disp_focus}")
        if not (math.isfinite(self.gamma) and self.gamma > 0.0):
            raise ConfigError(f"gamma must be a finite number > 0, not {self.gamma}")

    def scaled(self, factor: float) -> Lens:
        """The same lens for an image resized by `factor`: radii in pixels scale with the image."""
        return replace(self, K=self.K * factor)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain numbers, inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Lens:
        """Inverse of `to_json`."""
        rest = dict(data)
        return cls(aperture=Aperture(**rest.pop("aperture", {})), **rest)


def signed_defocus(disparity: FloatArray, lens: Lens) -> FloatArray:
    """Signed defocus S = K (disparity - disp_focus), pixels.

    Args:
        disparity: any shape, on the scale of `lens.disp_focus`.
        lens: K in pixels per unit of that disparity.

    Returns:
        Same shape; |S| is the radius of the circle of confusion, S > 0 lies in front of the focal plane.
    """
    return np.asarray(lens.K * (np.asarray(disparity) - lens.disp_focus))


def encode(linear: FloatArray, gamma: float) -> FloatArray:
    """encoded = max(linear, 0) ** (1 / gamma); any shape, values above 1 stay above 1."""
    return np.asarray(np.maximum(linear, 0.0) ** (1.0 / gamma))


def decode(encoded: FloatArray, gamma: float) -> FloatArray:
    """linear = max(encoded, 0) ** gamma, inverse of `encode`."""
    return np.asarray(np.maximum(encoded, 0.0) ** gamma)


@dataclass(frozen=True)
class PhysicalCamera:
    """A thin lens over a sensor, without focus breathing (as Cycles models it).

    Attributes:
        focal_mm: focal length, millimetres.
        sensor_mm: sensor size along the axis that `pixels` counts, millimetres.
        pixels: image size along that axis.
    """

    focal_mm: float
    sensor_mm: float
    pixels: int

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.focal_mm / self.sensor_mm * self.pixels

    def aperture_radius(self, f_number: float) -> float:
        """Radius of the entrance pupil, metres."""
        return self.focal_mm * 1e-3 / (2.0 * f_number)

    def blur_radius(self, depth: FloatArray, focus_depth: float, f_number: float) -> FloatArray:
        """Circle-of-confusion radius in pixels at planar `depth` (metres), any shape."""
        depth = np.asarray(depth, dtype=np.float64)
        return self.aperture_radius(f_number) * self.focal_px * np.abs(1.0 / depth - 1.0 / focus_depth)

    def K(self, f_number: float, disparity_range: tuple[float, float]) -> float:
        """K of `Lens` for disparities normalised from `disparity_range` (1/m) to [0, 1]."""
        near_minus_far = disparity_range[1] - disparity_range[0]
        return self.aperture_radius(f_number) * self.focal_px * near_minus_far

    def f_number(self, K: float, disparity_range: tuple[float, float]) -> float:
        """The f-number that blurs by `K`; inverse of `K`."""
        if K <= 0.0:
            raise ConfigError(f"K must be > 0 to have an f-number, not {K}")
        near_minus_far = disparity_range[1] - disparity_range[0]
        return self.focal_mm * 1e-3 * self.focal_px * near_minus_far / (2.0 * K)
