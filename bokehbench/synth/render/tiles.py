"""Tiles of the image: each takes as many lens samples as the largest blur that reaches it needs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bokehbench.optics import Lens
from bokehbench.synth.render.occupancy import tile_radii
from bokehbench.synth.render.quality import Quality
from bokehbench.synth.render.scene import Rect, Size, Stack, largest_radius

TILE = 32


def cells_per_tile(stack: Stack, lens: Lens, size: Size, level: Quality) -> npt.NDArray[np.int64]:
    """[rows, columns] cells per axis of the aperture for each tile."""
    width, height = size
    radii = np.zeros((-(-height // TILE), -(-width // TILE)))
    spread = np.array([largest_radius(stack.plane(i), rect, lens) for i, rect in enumerate(stack.rects)])
    optics = np.array([lens.K, lens.disp_focus])
    tile_radii(stack.blocks, stack.table, stack.planes, optics, spread, TILE, radii)
    values, where = np.unique(radii, return_inverse=True)
    return np.array([level.cells_per_axis(v) for v in values], np.int64)[where.reshape(radii.shape)]


def bounding(tiles: npt.NDArray[np.bool_] | None, size: Size) -> Rect:
    """(x0, y0, x1, y1) of the image that holds all tiles that are set; the whole image for None."""
    if tiles is None or not tiles.any():
        return (0, 0, *size)
    rows, columns = np.nonzero(tiles.any(axis=1))[0], np.nonzero(tiles.any(axis=0))[0]
    x1, y1 = min((int(columns[-1]) + 1) * TILE, size[0]), min((int(rows[-1]) + 1) * TILE, size[1])
    return int(columns[0]) * TILE, int(rows[0]) * TILE, x1, y1
