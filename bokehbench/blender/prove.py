"""The proof of the geometry: point lights at known depths, blur radius measured against predicted.

A disc of light that is blurred by a disc of radius r gains r²/2 in the second moment of its image
(E[x² + y²] of a uniform disc is r²/2, and moments of a convolution add). The all-in-focus image of the same
disc has every other contribution, so ``r = sqrt(2 (m2 − m2_sharp))`` needs no model of disc or pixel filter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.blender import driver
from bokehbench.images import read_exr_rgb
from bokehbench.records import read_json

SCENE = "point_lights"


@dataclass(frozen=True)
class Radius:
    """One light in one image.

    Attributes:
        level, focus: indices of the image.
        depth: of the light, metres.
        off_axis: distance from the image's centre, pixels.
        predicted: |K (disparity − disp_focus)|, pixels.
        measured: pixels.
    """

    level: int
    focus: int
    depth: float
    off_axis: float
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """measured − predicted, pixels."""
        return self.measured - self.predicted


def measure_radii(folder: Path) -> list[Radius]:
    """Measure every light in every image of a rendered `point_lights` stack."""
    info = read_json(folder / "info.json")
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
            right, down = (focal_px * tangent for tangent in light["tangent"])
            centre = (round(width / 2 - 0.5 + right), round(height / 2 - 0.5 + down))
            disparity = (1.0 / light["depth"] - low) / (high - low)
            gain = _moment(blurred, centre, window) - _moment(sharp, centre, window)
            radii.append(
                Radius(
                    level,
                    focus,
                    light["depth"],
                    math.hypot(right, down),
                    abs(K * (disparity - disp_focus)),
                    math.sqrt(max(0.0, 2.0 * gain)),
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


def prove(
    out: Path,
    size: tuple[int, int] = (320, 180),
    levels: tuple[int, ...] = (4,),
    foci: tuple[int, ...] = (0, 5, 9),
    spp: int | None = None,
) -> list[Radius]:
    """Render the lights below `out` and measure them; errors as `driver.render_scenes`."""
    (report,) = driver.render_scenes([SCENE], out, size, levels, foci, spp)
    return measure_radii(report.folder)
