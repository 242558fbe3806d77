"""Lens samples: the aperture cut into cells, each one sample with the light that passes through it.

A cell is a square of the unit aperture; its weight is the share of the opening that lies in it and its
position the centroid of that share, so that the first moments of the aperture are exact. The renderer
blurs each layer by a box of the cell's size beforehand, so that cells tile the blur disc without gaps.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture

SUPERSAMPLING = 8
"""Points per cell and axis that the aperture is tested at."""


@dataclass(frozen=True, eq=False)
class LensCells:
    """Lens samples of one aperture.

    Attributes:
        s, t: [N] float64, positions in the unit aperture.
        weight: [N] float64, share of the light, sums to 1.
        n: cells per axis over [-1, 1]; a cell's side is 2 / n.
    """

    s: npt.NDArray[np.float64]
    t: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    n: int


@functools.lru_cache(maxsize=64)
def lens_cells(aperture: Aperture, n: int) -> LensCells:
    """Cut the aperture into n x n cells and keep those that let light through.

    Args:
        aperture: any shape of `bokehbench.optics.Aperture`.
        n: cells per axis; 1 is the pinhole limit, one sample in the centre.
    """
    if n < 1:
        raise ConfigError(f"the aperture needs at least 1 cell per axis, not {n}")
    if n == 1:
        centre = np.zeros(1)
        return LensCells(centre, centre, np.ones(1), 1)
    fine = n * SUPERSAMPLING
    points = (2.0 * np.arange(fine) + 1.0 - fine) / fine
    s, t = np.meshgrid(points, points)
    open_ = aperture.contains(s, t).astype(np.float64)
    count = _per_cell(open_, n)
    lit = count > 0.0
    if not lit.any():
        raise ConfigError("the aperture lets no light through: inner is too close to the rim")
    mean_s = _per_cell(open_ * s, n)[lit] / count[lit]
    mean_t = _per_cell(open_ * t, n)[lit] / count[lit]
    weight = count[lit] / count.sum()
    return LensCells(mean_s, mean_t, weight, n)


def _per_cell(values: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    return values.reshape(n, SUPERSAMPLING, n, SUPERSAMPLING).sum(axis=(1, 3))
