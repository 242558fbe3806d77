"""What the kernels are given: planar, padded, prefiltered layers, and how much blur reaches which tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens

Size = tuple[int, int]
Rect = tuple[int, int, int, int]
"""x0, y0, x1, y1; the end lies outside."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """One layer as kernels want it.

    Attributes:
        pixels: [4, h, w] float32, premultiplied RGBA, with a transparent rim.
        plane: disparity in output coordinates.
        x, y: output coordinates of pixels[:, 0, 0].
    """

    pixels: npt.NDArray[np.float32]
    plane: Plane
    x: int
    y: int

    def disparity(self) -> npt.NDArray[np.float64]:
        """[h, w] disparity at every pixel of the raster."""
        height, width = self.pixels.shape[1:]
        rows = np.arange(self.y, self.y + height)[:, None]
        return self.plane.disparity(np.arange(self.x, self.x + width)[None, :], rows)


def corners(rect: Rect) -> list[tuple[int, int]]:
    """Outermost pixel centres of a rectangle."""
    x0, y0, x1, y1 = rect
    return [(x, y) for x in (x0, x1 - 1) for y in (y0, y1 - 1)]


def disparity_bounds(plane: Plane, rect: Rect) -> tuple[float, float]:
    """Least and largest disparity of a plane over a rectangle (affine: its corners suffice)."""
    values = [float(plane.disparity(x, y)) for x, y in corners(rect)]
    return min(values), max(values)


def support(layer: Layer) -> Rect | None:
    """Bounding rectangle of what is not transparent, in output coordinates; None for an empty layer."""
    visible = (layer.rgba[..., 3] > 0.0) | (layer.rgba[..., :3] != 0.0).any(axis=2)
    columns, rows = np.flatnonzero(visible.any(axis=0)), np.flatnonzero(visible.any(axis=1))
    if len(columns) == 0:
        return None
    return (
        layer.x + int(columns[0]),
        layer.y + int(rows[0]),
        layer.x + int(columns[-1]) + 1,
        layer.y + int(rows[-1]) + 1,
    )


def largest_radius(plane: Plane, rect: Rect, lens: Lens) -> float:
    """Largest circle of confusion of a plane over a rectangle, pixels."""
    low, high = disparity_bounds(plane, rect)
    return lens.K * max(abs(low - lens.disp_focus), abs(high - lens.disp_focus))


def make_sheets(layers: Sequence[Layer], pad: int) -> list[Sheet]:
    """Planar copies of the visible parts, with `pad` >= 1 transparent pixels around; empty layers leave."""
    sheets = []
    for layer in layers:
        rect = support(layer)
        if rect is None:
            continue
        x0, y0, x1, y1 = rect
        part = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x]
        pixels = np.zeros((4, y1 - y0 + 2 * pad, x1 - x0 + 2 * pad), np.float32)
        pixels[:, pad:-pad, pad:-pad] = part.transpose(2, 0, 1)
        sheets.append(Sheet(pixels, layer.plane, x0 - pad, y0 - pad))
    return sheets
