"""The proof of the geometry: point lights at known depths, blur radius measured against predicted.

A disc of light that is blurred by a disc of radius r gains r²/2 in the second moment of its image
(E[x² + y²] of a uniform disc is r²/2, and moments of a convolution add). The all-in-focus image of the same
disc has every other contribution, so ``r = sqrt(2 (m2 − m2_sharp))`` needs no model of disc or pixel filter.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.blender import driver
from bokehbench.blender.plan import StackRequest, parse_focus_mode
from bokehbench.blender.requests import scene_requests
from bokehbench.errors import ConfigError
from bokehbench.images import read_exr_rgb
from bokehbench.records import read_json

SCENE = "point_lights"
TOLERANCE = 0.5
"""Pixels: an error of this size in one radius disproves the geometry."""
SLOPE_TOLERANCE = 0.02
"""Share of the radii by which they may grow with the predicted ones: small radii hide a wrong aperture."""
VIEWS = ("landscape", "sensor height", "portrait", "shared rays", "shared sensor height", "shared portrait")
"""Variations 0 to 5 of the scene: how the sensor's millimetres become pixels differs; the last three are
rendered to a stated quality, for which all focal planes share their rays, two of them with a shifted lens."""
QUALITY = 45.0
"""dB, of those views."""
FOCUS = "inf,5,2"
"""Focal planes: the lights lie in front of them, on both sides, and behind."""


@dataclass(frozen=True)
class Radius:
    """One light in one image.

    Attributes:
        view: one of `VIEWS`.
        level, focus: indices of the image.
        focus_distance: of the image, metres.
        depth: of the light, metres.
        off_axis: distance from the image's centre, pixels.
        predicted: |K (disparity − disp_focus)|, pixels.
        measured: pixels; below 0 where noise made the moment of the sharp light the larger one.
    """

    view: str
    level: int
    focus: int
    focus_distance: float
    depth: float
    off_axis: float
    predicted: float
    measured: float

    @property
    def squared(self) -> float:
        """What was measured in truth: radius², pixels²; noise may make it negative."""
        return self.measured * abs(self.measured)

    @property
    def error(self) -> float:
        """measured − predicted, pixels; where both are small, of radius², whose root magnifies the noise."""
        return (self.squared - self.predicted**2) / max(1.0, abs(self.measured) + self.predicted)


def measure_radii(folder: Path) -> list[Radius]:
    """Measure every light in every image of a rendered `point_lights` stack."""
    info = read_json(folder / "info.json")
    view = VIEWS[info["settings"]["variation"] % len(VIEWS)]
    width, height = info["resolution"]
    low, high = info["disparity_range"]
    focal_px = info["camera"]["focal_px"]
    window = round(0.06 * focal_px)  # half the distance between lights
    sharp = read_exr_rgb(folder / "image.exr").mean(axis=2)
    radii = []
    for name in sorted(set(info["images"]) - {"image"}):
        level, focus = (int(part) for part in name.split("_")[1:])
        K = info["blur_parameters_normalized"][level]
        disp_focus = info["focus_disparities_normalized"][focus]
        blurred = read_exr_rgb(folder / f"{name}.exr").mean(axis=2)
        for light in info["scene"]["lights"]:
            right, down = (
                focal_px * (tangent - shift)
                for tangent, shift in zip(light["tangent"], info["scene"]["shift"], strict=True)
            )
            centre = (round(width / 2 - 0.5 + right), round(height / 2 - 0.5 + down))
            disparity = (1.0 / light["depth"] - low) / (high - low)
            gain = _moment(blurred, centre, window) - _moment(sharp, centre, window)
            radii.append(
                Radius(
                    view,
                    level,
                    focus,
                    info["focus_distances"][focus],
                    light["depth"],
                    math.hypot(right, down),
                    abs(K * (disparity - disp_focus)),
                    math.copysign(math.sqrt(abs(2.0 * gain)), gain),
                )
            )
    return radii


def _moment(image: npt.NDArray[Any], centre: tuple[int, int], window: int) -> float:
    """E[x² + y²] about the centroid of the light in a window, pixels²."""
    x0, y0 = max(0, centre[0] - window), max(0, centre[1] - window)
    part = image[y0 : centre[1] + window + 1, x0 : centre[0] + window + 1].astype(np.float64)
    y, x = np.indices(part.shape)
    total = part.sum()
    mean_x, mean_y = (part * x).sum() / total, (part * y).sum() / total
    return float((part * ((x - mean_x) ** 2 + (y - mean_y) ** 2)).sum() / total)


def parse_views(names: tuple[str, ...]) -> tuple[str, ...]:
    """Some of `VIEWS`, all where none is named; ConfigError for another name."""
    for name in names:
        if name not in VIEWS:
            raise ConfigError(f"--view must be one of {', '.join(VIEWS)}, not {name!r}")
    return names or VIEWS


def worst(radii: list[Radius]) -> Radius:
    """The radius with the largest error."""
    return max(radii, key=lambda radius: abs(radius.error))


def slopes(radii: list[Radius]) -> dict[str, float]:
    """By what factor measured radii grow with predicted ones, by view; 1 for a right aperture.

    Root of the least-squares slope of measured on predicted radius², through 0. A view that predicts no
    radius above a pixel has none.
    """
    found = {}
    for view in dict.fromkeys(radius.view for radius in radii):
        own = [radius for radius in radii if radius.view == view]
        if max(radius.predicted for radius in own) > 1.0:
            together = sum(radius.squared * radius.predicted**2 for radius in own)
            found[view] = math.sqrt(max(0.0, together) / sum(radius.predicted**4 for radius in own))
    return found


def holds(radii: list[Radius], tolerance: float) -> bool:
    """Whether every radius is right within `tolerance` pixels and every view's slope within 2 %."""
    right = all(abs(slope - 1.0) <= SLOPE_TOLERANCE for slope in slopes(radii).values())
    return right and abs(worst(radii).error) < tolerance


def verdict(radii: list[Radius], tolerance: float) -> str:
    """One line: how many, the largest error and where it is, and the slope that is farthest from 1."""
    bad = worst(radii)
    said = "the geometry holds" if holds(radii, tolerance) else "THE GEOMETRY IS WRONG"
    steep = max(slopes(radii).items(), key=lambda item: abs(item[1] - 1.0), default=None)
    return (
        f"{said}: {len(radii)} radii, largest error {abs(bad.error):.3f} px (light at {bad.depth:g} m, "
        f"focus at {bad.focus_distance:.4g} m, {bad.view}; predicted {bad.predicted:.3f} px), "
        f"tolerance {tolerance:g} px"
    ) + (f"; radii grow by {steep[1]:.3f} of what they shall ({steep[0]})" if steep else "")


def to_json(radii: list[Radius], tolerance: float) -> dict[str, Any]:
    """Plain values of a whole proof."""
    largest = abs(worst(radii).error)
    return {
        "holds": holds(radii, tolerance),
        "largest_error_px": largest,
        "tolerance_px": tolerance,
        "slopes": slopes(radii),
        "slope_tolerance": SLOPE_TOLERANCE,
        "radii": [{**asdict(radius), "error": radius.error} for radius in radii],
    }


def prove(
    out: Path,
    size: tuple[int, int] = (320, 180),
    levels: tuple[int, ...] = (4,),
    foci: tuple[int, ...] = (0, 1, 2),
    spp: int | None = None,
    *,
    views: tuple[str, ...] = VIEWS,
    aperture_factor: float = 1.0,
    means: driver.Means | None = None,
) -> list[Radius]:
    """Render the lights below `out` and measure them; errors as `driver.render_scenes`.

    Args:
        out: gets a folder per view.
        size: (width, height) of the landscape views; portrait ones have them swapped.
        levels, foci: indices; of the focal planes `FOCUS`.
        spp: samples per pixel.
        views: some of `VIEWS`.
        aperture_factor: other than 1, the lens is wrong by that factor, and the measurement must show it.
        means: device and processes.
    """
    requests: list[StackRequest] = []
    for view in views:
        name = f"{SCENE}#{VIEWS.index(view)}"
        across = size[::-1] if view.endswith("portrait") else size
        optics = {
            "focus_mode": parse_focus_mode(FOCUS),
            "aperture_factor": aperture_factor,
            "quality": QUALITY if view.startswith("shared") else None,
        }
        requests += scene_requests([name], across, levels, foci, spp, **optics)
    reports = driver.raised(driver.render_stacks(requests, out, means or driver.Means()))
    return [radius for report in reports for radius in measure_radii(report.folder)]
