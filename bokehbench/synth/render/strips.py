"""Lens samples of the CPU kernel: the aperture cut into strips, each strip into cells.

All lens points of a strip see, from one image row, one straight line of a layer (kernel.py). Along that line
a layer is integrated exactly between two cell edges, so cells tile the blur disc without gaps or overlap
at any size. The rim is exact in s: a strip ends where its share of the opening ends.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture

Array = npt.NDArray[np.float64]

PER_STRIP, FEWEST = 8, 192
"""Points per strip and axis at which the opening is looked at; over the whole aperture at least so many."""
FULL = 0.98
"""Where a strip lets through more than this share of its most, it counts as open over its whole height."""


@dataclass(frozen=True, eq=False)
class LensStrips:
    """The aperture as strips of cells.

    Attributes:
        t: [N, 2] lower and upper end of each strip.
        first: [N + 1] int64, where the cells of each strip start in `cells`; neighbours share an edge.
        cells: [M, 3] (s of both ends, share of the light); shares sum to 1, those of holes are 0.
    """

    t: Array
    first: npt.NDArray[np.int64]
    cells: Array


@functools.lru_cache(maxsize=64)
def lens_strips(aperture: Aperture, n: int, thin: int = 0) -> LensStrips:
    """Cut the aperture into `n` strips over [-1, 1] and these into cells about as long as strips are high.

    Args:
        aperture: any; its cat-eye belongs to the pixel and is left out.
        n: strips; 1 is the pinhole limit, one cell.
        thin: how often the first and last open strip is halved, so that poles of a disc are round.

    Raises:
        ConfigError: n < 1, or an aperture so thin that no test point is open.
    """
    if n < 1:
        raise ConfigError(f"the aperture needs at least 1 strip, not {n}")
    if n == 1:
        return LensStrips(np.array([[-1.0, 1.0]]), np.array([0, 1]), np.array([[-1.0, 1.0, 1.0]]))
    per = max(PER_STRIP, -(-FEWEST // n)) << thin
    fine = n * per
    points = (2.0 * np.arange(fine) + 1.0 - fine) / fine
    light = aperture.transmission(*np.meshgrid(points, points))
    if not light.any():
        raise ConfigError("the aperture lets no light through: inner is too close to the rim")
    strips, first, cells = [], [0], []
    for low, high in _ends(light.any(axis=1), per, thin):
        profile = light[low:high].mean(axis=0)
        part = _cells(profile, float(light.max()), per)
        if not part:
            continue
        strips.append((2.0 * low / fine - 1.0, 2.0 * high / fine - 1.0))
        cells += [(2.0 * a / fine - 1.0, 2.0 * b / fine - 1.0, share * (high - low)) for a, b, share in part]
        first.append(len(cells))
    table = np.array(cells, np.float64)
    table[:, 2] /= table[:, 2].sum()
    return LensStrips(np.array(strips), np.array(first, np.int64), table)


def _ends(lit: npt.NDArray[np.bool_], per: int, thin: int) -> list[tuple[int, int]]:
    """Strips of `per` points that cover the open ones; at both ends halved `thin` times towards the rim."""
    open_ = np.flatnonzero(lit)
    low, high = int(open_[0]), int(open_[-1]) + 1
    low, high = low // per * per, -(-high // per) * per
    ends = list(range(low, high + 1, per))
    cut = [per >> k for k in range(1, thin + 1)]
    if len(ends) > 2:
        ends = sorted({*ends, *(low + c for c in cut), *(high - c for c in cut)})
    return list(pairwise(ends))


def _cells(profile: Array, most: float, longest: int) -> list[tuple[float, float, float]]:
    """(end, end, light) along one strip, in points.

    Args:
        profile: mean transmission over the strip's height, by point.
        most: largest transmission anywhere.
        longest: length of a cell at most.
    """
    state = np.where(profile <= 0.0, 0, np.where(profile >= FULL * min(most, profile.max()), 2, 1))
    cuts = np.flatnonzero(np.diff(state)) + 1
    bounds = [0, *cuts.tolist(), len(profile)]
    runs = [[float(a), float(b), int(state[a]), float(profile[a:b].sum())] for a, b in pairwise(bounds)]
    _round_off(runs, profile, longest / 2.0)
    while runs and runs[0][2] == 0:
        runs.pop(0)
    while runs and runs[-1][2] == 0:
        runs.pop()
    cells = []
    for a, b, kind, light in runs:
        count = 1 if kind == 0 else max(int(np.ceil((b - a) / longest - 1e-9)), 1)
        edges = a + (b - a) * np.arange(count + 1) / count
        shares = np.full(count, light / count)
        if kind != 0 and (a == int(a) and b == int(b)):
            reach = np.concatenate([[0.0], np.cumsum(profile)])
            shares = np.diff(np.interp(edges, np.arange(len(reach)), reach))
        cells += list(zip(edges[:-1].tolist(), edges[1:].tolist(), shares.tolist(), strict=True))
    return cells


def _round_off(runs: list[list[float]], profile: Array, short: float) -> None:
    """Give short half-open runs to their open neighbour, which ends where their light would end."""
    index = 0
    while index < len(runs):
        a, b, kind, light = runs[index]
        if kind != 1 or b - a > short:
            index += 1
            continue
        if index > 0 and runs[index - 1][2] == 2:
            neighbour = runs[index - 1]
            neighbour[1] = a + light / float(profile[int(a) - 1])
            neighbour[3] += light
            edge, other = neighbour[1], index + 1
            if other < len(runs):
                runs[other][0] = edge
        elif index + 1 < len(runs) and runs[index + 1][2] == 2:
            neighbour = runs[index + 1]
            neighbour[0] = b - light / float(profile[int(b)])
            neighbour[3] += light
            if index > 0:
                runs[index - 1][1] = neighbour[0]
        else:
            index += 1
            continue
        runs.pop(index)
