"""Lens samples: the aperture cut into cells, each one sample with the light that passes through it.

A cell is a square of the unit aperture; its weight is the share of the opening that lies in it, its
position the centroid of that share. The renderer blurs each layer by a box of the cell's size beforehand,
so that cells tile the blur disc without gaps. Cells that the rim cuts are halved again and again: the disc
is round although its inside takes few samples.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture

SUPERSAMPLING = 4
"""Points per smallest cell and axis that the aperture is tested at."""


@dataclass(frozen=True, eq=False)
class LensCells:
    """Lens samples of one aperture, coarse cells first.

    Attributes:
        s, t: [N] float64, positions in the unit aperture.
        weight: [N] float64, share of the light, sums to 1.
        level: [N] int64, 0 for cells of side 2 / n, k for cells of side 2 / (n 2^k).
        n: coarse cells per axis over [-1, 1].
    """

    s: npt.NDArray[np.float64]
    t: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    level: npt.NDArray[np.int64]
    n: int


@functools.lru_cache(maxsize=64)
def lens_cells(aperture: Aperture, n: int, depth: int = 0) -> LensCells:
    """Cut the aperture into n x n cells and halve `depth` times those that are open in part.

    Args:
        aperture: any shape of `bokehbench.optics.Aperture`.
        n: cells per axis; 1 is the pinhole limit, one sample in the centre.
        depth: how often cells at the rim are halved.

    Raises:
        ConfigError: n < 1, or an aperture so thin that no test point is open.
    """
    if n < 1:
        raise ConfigError(f"the aperture needs at least 1 cell per axis, not {n}")
    if n == 1:
        centre = np.zeros(1)
        return LensCells(centre, centre, np.ones(1), np.zeros(1, np.int64), 1)
    fine = (n << depth) * SUPERSAMPLING
    points = (2.0 * np.arange(fine) + 1.0 - fine) / fine
    s, t = np.meshgrid(points, points)
    light = aperture.transmission(s, t)
    open_ = (light > 0.0).astype(np.float64)
    if not open_.any():
        raise ConfigError("the aperture lets no light through: inner is too close to the rim")
    parts = []
    pending = np.ones((n, n), np.bool_)
    for level in range(depth + 1):
        side = SUPERSAMPLING << (depth - level)
        points_open = _per_cell(open_, side)
        take = pending & (points_open > 0.0) & ((points_open == side * side) | (level == depth))
        shares = _per_cell(light, side)[take]
        centroids = (_per_cell(light * axis, side)[take] / shares for axis in (s, t))
        parts.append((*centroids, shares, np.full(len(shares), level)))
        pending = np.kron(pending & ~take, np.ones((2, 2), np.bool_))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return LensCells(columns[0], columns[1], columns[2] / light.sum(), columns[3], n)


def _per_cell(values: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.float64]:
    n = values.shape[0] // side
    return values.reshape(n, side, n, side).sum(axis=(1, 3))
