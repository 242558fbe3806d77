"""The vocabulary of lens blur as types: lens, aperture, signed defocus, physical camera.

docs/conventions.md is the prose of this file. Everything here is plain arithmetic on floats and numpy
arrays; no image is read and no pixel is rendered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.apertures import Aperture, image_position, overlap
from bokehbench.errors import ConfigError

FloatArray = npt.NDArray[np.floating[Any]]

SKY_DEPTH = 65504.0
"""Depth that stands for "infinitely far", metres (the largest half float, as in BLB)."""


VIGNETTE = ("normalise", "physical")


@dataclass(frozen=True)
class Lens:
    """What the photographer chose.

    Attributes:
        K: blur radius in pixels per unit of normalised disparity, at the size of the image it goes with.
        disp_focus: disparity of the focal plane, on the scale of the disparity map.
        gamma: encoded = linear ** (1 / gamma).
        aperture: shape of the opening.
        vignette: "normalise" divides every pixel by the light of the opening that it sees, "physical" by
            that of the middle of the image, which darkens the corners of a cat-eye lens (`falloff`).
        cos4: tangent of the field angle at the corners for a cos^4 falloff; 0 is none, physical only.
        focus_shift: (r, g, b), longitudinal colour: channel c is focused at disp_focus + focus_shift[c];
            > 0 is nearer.
    """

    K: float
    disp_focus: float
    gamma: float = 2.2
    aperture: Aperture = field(default_factory=Aperture)
    vignette: str = "normalise"
    cos4: float = 0.0
    focus_shift: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.K) and self.K >= 0.0):
            raise ConfigError(f"K must be a finite number >= 0, not {self.K}")
        if not math.isfinite(self.disp_focus):
            raise ConfigError(f"disp_focus must be finite, not {self.disp_focus}")
        if not (math.isfinite(self.gamma) and self.gamma > 0.0):
            raise ConfigError(f"gamma must be a finite number > 0, not {self.gamma}")
        if self.vignette not in VIGNETTE:
            raise ConfigError(f"vignette must be one of {', '.join(VIGNETTE)}, not {self.vignette!r}")
        if not (math.isfinite(self.cos4) and self.cos4 >= 0.0):
            raise ConfigError(f"cos4 (tangent of the corner's field angle) must be >= 0, not {self.cos4}")
        if self.cos4 > 0.0 and self.vignette != "physical":
            raise ConfigError("cos4 darkens the corners: it needs vignette 'physical'")
        shift = tuple(float(value) for value in self.focus_shift)
        if len(shift) != 3 or not all(math.isfinite(value) for value in shift):
            raise ConfigError(f"focus_shift must be 3 finite disparities (r, g, b), not {self.focus_shift}")
        object.__setattr__(self, "focus_shift", shift)

    def scaled(self, factor: float) -> Lens:
        """The same lens for an image resized by `factor`: radii in pixels scale with the image."""
        return replace(self, K=self.K * factor)

    def channels(self) -> list[tuple[Lens, tuple[int, ...]]]:
        """Lenses without focus shift, each with the colour channels (0 red, 1, 2) that it makes."""
        shifts = sorted(set(self.focus_shift))
        return [
            (
                replace(self, disp_focus=self.disp_focus + shift, focus_shift=(0.0, 0.0, 0.0)),
                tuple(c for c in range(3) if self.focus_shift[c] == shift),
            )
            for shift in shifts
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain values, inverse of `from_json`; fields that came later are left out at their defaults."""
        values: dict[str, Any] = {"K": self.K, "disp_focus": self.disp_focus, "gamma": self.gamma}
        values["aperture"] = self.aperture.to_json()
        if self.vignette != "normalise":
            values["vignette"] = self.vignette
        if self.cos4:
            values["cos4"] = self.cos4
        if any(self.focus_shift):
            values["focus_shift"] = list(self.focus_shift)
        return values

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Lens:
        """Inverse of `to_json`; ConfigError for a field that there is not, or one that is missing."""
        rest = dict(data)
        aperture = Aperture.from_json(rest.pop("aperture", {}))
        names = [item.name for item in fields(cls)]
        for key in rest:
            if key not in names:
                raise ConfigError(f"a lens has no field {key!r}; it has {', '.join(names)}")
        for key in ("K", "disp_focus"):
            if key not in rest:
                raise ConfigError(f"a lens needs {key}")
        return cls(aperture=aperture, **rest)


def signed_defocus(disparity: FloatArray, lens: Lens) -> FloatArray:
    """Signed defocus S = K (disparity - disp_focus), pixels.

    Args:
        disparity: any shape, on the scale of `lens.disp_focus`.
        lens: K in pixels per unit of that disparity.

    Returns:
        Same shape; |S| is the radius of the circle of confusion, S > 0 lies in front of the focal plane.
    """
    return np.asarray(lens.K * (np.asarray(disparity) - lens.disp_focus))


def falloff(lens: Lens, size: tuple[int, int]) -> npt.NDArray[np.float32] | None:
    """What colours are multiplied by where vignetting is physical; None for 1 everywhere.

    ``V(x) = integral of a(s; x) / integral of a(s; 0) * cos^4``, with a(s; x) the opening as pixel x sees it
    (`Aperture.transmission` times `Aperture.second_disc`) and ``cos^4 = (1 + (cos4 e)^2)^-2`` for the
    distance e of the pixel from the middle in half diagonals.

    Args:
        lens: any.
        size: (W, H) of the image.

    Returns:
        [H, W] float32 in (0, 1], or None.
    """
    if lens.vignette == "normalise" or not (lens.aperture.cat_eye or lens.cos4):
        return None
    x, y = image_position(np.arange(size[0]), np.arange(size[1])[:, None], size)
    light = (1.0 + lens.cos4**2 * (x**2 + y**2)) ** -2
    if lens.aperture.cat_eye:
        light = light * overlap(lens.aperture, x, y)
    return np.asarray(light, np.float32)


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
