"""Footprints of the aperture: what one pixel of a given blur radius becomes, as differences along rows.

A footprint is flat inside and falls at its rim, so its difference along a row is zero almost everywhere:
about 16 r entries stand for 3 r² weights. Kernels add the entries into a buffer and sum each row once.
BokehMe's soft donut changes over 36 px inside the rim, and every pixel there is an entry of its own.

A `Ladder` holds the footprints of the radii an image needs, in rungs of 1/48 px (1/192 px below 2 px); a
radius between two rungs is interpolated linearly. Weights are rounded to multiples of 2^-20, so that the
entries of a row cancel exactly in float64 and nothing is left behind to the right of a bright light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture

MAX_RADIUS = 1000.0
SOFT, LINEAR = 0, 1
"""Rims, for t = pixels inside the edge: `SOFT` is ``0.5 + 0.5 tanh(4 t)`` (BokehMe), `LINEAR` is
``clip(t + 0.5, 0, 1)``, which leaves radii up to 0.5 px untouched."""
_QUANTUM = 2.0**20
# Where tanh is called flat. Tighter outside: a weight of 1e-5 shows in a black pixel after encoding.
_FLAT_INSIDE, _FLAT_OUTSIDE = 0.9, -1.45
# From here on the soft donut is within 1e-6 of its value in the middle, about one quantum.
_DONUT_FLAT = 36.0
# Below this radius the rim is most of the footprint, and rungs are four times as dense.
_SMALL = 2.0


@dataclass(frozen=True, eq=False)
class Ladder:
    """Footprints of many radii.

    Attributes:
        rung: [..., H, W] int32, the footprint of each source pixel.
        fraction: [..., H, W] float32 in [0, 1), how far its radius lies towards the next rung.
        reach: [N] int32, footprint n covers offsets -reach..reach in x and y.
        first: [N] int64, index of the footprint's first row in `rows`.
        rows: start of each row's entries; row dy of footprint n begins at ``rows[first[n] + reach[n] + dy]``.
        offset: [E] int32, ``4 (dy stride + dx)``: where an entry is added, relative to the source.
        base, slope: [E] float32, the entry is ``base + fraction * slope``.
        margin: columns to leave free left and right of a row.
        stride: columns of a buffer's row, ``W + 2 margin``.
    """

    rung: npt.NDArray[np.int32]
    fraction: npt.NDArray[np.float32]
    reach: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    offset: npt.NDArray[np.int32]
    base: npt.NDArray[np.float32]
    slope: npt.NDArray[np.float32]
    margin: int
    stride: int

    def totals(self, entries: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float64]:
        """[N], sum of the weights of each footprint at fraction 0; of `slope`, its growth to fraction 1."""
        values = self.base if entries is None else entries
        start, stop = self.rows[self.first[:-1]], self.rows[self.first[1:]]
        column = (self.offset // 4 + self.margin) % self.stride - self.margin
        totals = np.empty(len(self.reach))
        for n, reach in enumerate(self.reach):
            own = slice(start[n], stop[n])
            totals[n] = np.dot(values[own].astype(np.float64), reach + 1 - column[own])
        return totals


def build_ladder(
    defocus: npt.NDArray[Any], aperture: Aperture, rim: int = SOFT, donut: float = 0.0
) -> Ladder:
    """The footprints that the pixels of defocus maps need, interpolated between rungs.

    Args:
        defocus: [..., H, W] signed, pixels. In front of focus (> 0) the aperture appears turned by 180°.
        aperture: shape of the opening.
        rim: `SOFT` or `LINEAR`.
        donut: 0 to 0.5, strength of BokehMe's soft donut (methods spec A1.3).

    Raises:
        ConfigError: a blur radius beyond `MAX_RADIUS`.
    """
    radius = _radius(defocus)
    coarse = rungs_per_pixel(float(radius.max(initial=0.0)), donut)
    fine = 4 * coarse
    small = int(_SMALL) * fine
    height = np.where(radius < _SMALL, fine * radius, small + coarse * (radius - _SMALL))
    below = np.floor(height)
    key = 2 * below.astype(np.int64) + ((defocus > 0) & (not point_symmetric(aperture)))
    used = np.bincount(key.ravel()) > 0
    rung = (np.cumsum(used) - 1)[key].astype(np.int32)
    keys = np.flatnonzero(used)
    low = _radius_at(keys // 2, small, fine, coarse)
    high = _radius_at(keys // 2 + 1, small, fine, coarse)
    opening = (aperture, rim, donut)
    return _assemble(rung, (height - below).astype(np.float32), low, high, keys % 2 == 1, opening)


def exact_ladder(
    rung: npt.NDArray[np.int32], defocus: npt.NDArray[Any], aperture: Aperture, rim: int = SOFT
) -> Ladder:
    """The footprints of a few given radii, without interpolation.

    Args:
        rung: [H, W], index into `defocus` of each pixel.
        defocus: [N] signed, pixels.
        aperture, rim: see `build_ladder`.
    """
    radius = _radius(defocus)
    near = (defocus > 0) & (not point_symmetric(aperture))
    opening = (aperture, rim, 0.0)
    return _assemble(rung, np.zeros(rung.shape, np.float32), radius, radius, near, opening)


def _radius(defocus: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    radius = np.abs(defocus).astype(np.float64)
    refuse_radius(float(radius.max(initial=0.0)))
    return radius


def refuse_radius(largest: float) -> None:
    """ConfigError where the largest blur radius, in pixels, is beyond `MAX_RADIUS` or not a number."""
    if not largest <= MAX_RADIUS:
        raise ConfigError(
            f"a blur radius of {largest:g} px is beyond {MAX_RADIUS:g} px; K is the radius in pixels "
            "over the whole disparity range"
        )


def rungs_per_pixel(largest: float, donut: float = 0.0) -> int:
    """48, fewer for very large radii (pixels), so that a ladder has at most 10 million entries.

    With a soft donut 30 million (360 MB): every pixel in the ring below the rim is one.
    """
    entries, most = 16.0 * largest, 8.0 * 48 * 160 * 160
    if donut > 0.0:
        entries += math.pi * (largest**2 - max(largest - _DONUT_FLAT, 0.0) ** 2)
        most *= 4.0  # half of `entries` is a generous mean over the smaller radii
    steps = 48
    while steps > 4 and 0.5 * steps * largest * entries > most:
        steps //= 2
    return steps


def _radius_at(rung: npt.NDArray[np.int64], small: int, fine: int, coarse: int) -> npt.NDArray[np.float64]:
    return np.where(rung < small, rung / fine, _SMALL + (rung - small) / coarse)


def _assemble(
    rung: npt.NDArray[np.int32],
    fraction: npt.NDArray[np.float32],
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    near: npt.NDArray[np.bool_],
    opening: tuple[Aperture, int, float],
) -> Ladder:
    aperture, rim, donut = opening
    reach = np.floor(low).astype(np.int32) + 1
    margin = int(reach.max()) + 1
    stride = rung.shape[-1] + 2 * margin
    shape = (edge_table(aperture, margin), aperture.inner, rim, float(donut))
    turn = np.where(near, -1, 1)
    first = np.concatenate([[0], np.cumsum(2 * reach.astype(np.int64) + 1)])
    counts = np.zeros(first[-1], np.int64)
    _count_entries(low, high, reach, turn, first, shape, counts)
    rows = np.concatenate([[0], np.cumsum(counts)])
    offset = np.empty(rows[-1], np.int32)
    base, slope = np.empty(rows[-1], np.float32), np.empty(rows[-1], np.float32)
    _fill_entries(low, high, reach, turn, first, shape, rows, stride, offset, base, slope)
    return Ladder(rung, fraction, reach, first, rows, offset, base, slope, margin, stride)


def point_symmetric(aperture: Aperture) -> bool:
    """Whether the opening looks the same turned by 180°."""
    return not aperture.shape and (aperture.blades % 2 == 0 or aperture.curvature == 1.0)


def edge_table(aperture: Aperture, reach: int) -> npt.NDArray[np.float64]:
    """`Aperture.edge` in the direction of every offset, [2 reach + 1, 2 reach + 1], [dy, dx] from -reach."""
    offsets = np.arange(-reach, reach + 1, dtype=np.float64)
    return np.ascontiguousarray(aperture.edge(np.arctan2(offsets[:, None], offsets[None, :])))


@numba.njit(cache=True, inline="always")
def _rim(inside: float, rim: int) -> float:  # type: ignore[no-untyped-def]
    if rim == LINEAR:
        return min(max(inside + 0.5, 0.0), 1.0)
    if inside > _FLAT_INSIDE:
        return 1.0
    if inside < _FLAT_OUTSIDE:
        return 0.0
    return 0.5 + 0.5 * math.tanh(4.0 * inside)


@numba.njit(cache=True)
def _weight(dx: int, dy: int, turn: int, radius: float, reach: int, shape: Any) -> float:
    """Weight of a footprint at an offset, a multiple of 2^-20."""
    if dx > reach:
        return 0.0
    edge, inner, rim, donut = shape
    centre = edge.shape[0] // 2
    distance = math.sqrt(dx * dx + dy * dy)
    inside = radius * edge[centre + turn * dy, centre + turn * dx] - distance
    weight = _rim(inside, rim)
    if inner > 0.0:
        weight *= _rim(distance - inner * radius, rim)
    if donut > 0.0:
        weight *= 1.0 - donut + donut * math.tanh(0.2 * (1.0 - min(inside, _DONUT_FLAT)))
    return math.floor(weight * _QUANTUM + 0.5) / _QUANTUM


@numba.njit(cache=True, parallel=True)
def _count_entries(  # type: ignore[no-untyped-def]
    low, high, reach, turn, first, shape, counts
) -> None:
    for n in numba.prange(len(low)):
        for dy in range(-reach[n], reach[n] + 1):
            before, before_high, count = 0.0, 0.0, 0
            for dx in range(-reach[n], reach[n] + 2):
                now = _weight(dx, dy, turn[n], low[n], reach[n], shape)
                now_high = _weight(dx, dy, turn[n], high[n], reach[n], shape)
                count += now != before or now_high != before_high
                before, before_high = now, now_high
            counts[first[n] + reach[n] + dy] = count


@numba.njit(cache=True, parallel=True)
def _fill_entries(  # type: ignore[no-untyped-def]
    low, high, reach, turn, first, shape, rows, stride, offset, base, slope
) -> None:
    for n in numba.prange(len(low)):
        entry = rows[first[n]]
        for dy in range(-reach[n], reach[n] + 1):
            before, before_high = 0.0, 0.0
            for dx in range(-reach[n], reach[n] + 2):
                now = _weight(dx, dy, turn[n], low[n], reach[n], shape)
                now_high = _weight(dx, dy, turn[n], high[n], reach[n], shape)
                if now != before or now_high != before_high:
                    offset[entry] = 4 * (dy * stride + dx)
                    base[entry] = now - before
                    slope[entry] = (now_high - before_high) - (now - before)
                    entry += 1
                before, before_high = now, now_high
