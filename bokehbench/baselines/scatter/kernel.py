"""The fast CPU kernels: scattering and signed defocus dilation in O(r) operations a pixel.

Every band of rows gathers what reaches it from all sources, in the order of the sources: threads share
nothing, and the result does not depend on their number. `bokehbench.baselines.scatter.reference` says what
is computed; this form is within 1e-3 of it (encoded), `bokehbench.baselines.scatter.direct` is exact.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.footprints import build_ladder, rungs_per_pixel
from bokehbench.optics import Aperture

BAND = 48
"""Rows of a band: small enough for the second-level cache, large enough that few sources serve two."""


def scatter(
    light: npt.NDArray[Any], defocus: npt.NDArray[Any], aperture: Aperture | None = None, donut: float = 0.0
) -> npt.NDArray[np.float32]:
    """Scatter every pixel into its circle of confusion.

    Args:
        light: [H, W, 3] linear, finite.
        defocus: [H, W] signed defocus, pixels, finite.
        aperture: None for a disc.
        donut: 0 to 0.5, strength of BokehMe's soft donut; O(r²) operations a pixel up to 36 px.

    Returns:
        [H, W, 3] float32, linear.
    """
    return scatter_batch(light[None], defocus[None], aperture, donut)[0]


def scatter_batch(
    light: npt.NDArray[Any], defocus: npt.NDArray[Any], aperture: Aperture | None = None, donut: float = 0.0
) -> npt.NDArray[np.float32]:
    """`scatter` of several images, which share their footprints; each becomes what it becomes alone.

    Args:
        light: [B, H, W, 3] linear, finite.
        defocus: [B, H, W] signed defocus, pixels, finite.
        aperture, donut: see `scatter`.

    Returns:
        [B, H, W, 3] float32, linear.
    """
    out = np.empty((*defocus.shape, 3), np.float32)
    density = [rungs_per_pixel(float(np.abs(one).max(initial=0.0)), donut) for one in defocus]
    for steps in sorted(set(density)):
        alike = np.flatnonzero(np.array(density) == steps)
        ladder = build_ladder(defocus[alike], aperture or Aperture(), donut=donut)
        for index, rung, fraction in zip(alike, ladder.rung, ladder.fraction, strict=True):
            _scatter_bands(
                np.ascontiguousarray(light[index], np.float32),
                1.0 / (np.asarray(defocus[index], np.float64) ** 2 + 0.2),
                (rung, fraction, ladder.reach, ladder.first, ladder.rows),
                (ladder.offset, ladder.base, ladder.slope),
                ladder.margin,
                ladder.stride,
                out[index],
            )
    return out


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _scatter_bands(  # type: ignore[no-untyped-def]
    light, gain, steps, entries, margin, stride, out
) -> None:
    height = gain.shape[0]
    reach = steps[2].max()
    for band in numba.prange((height + BAND - 1) // BAND):
        top = band * BAND
        bottom = min(height, top + BAND)
        # Differences along rows of (R, G, B, weight), float64 so that they cancel behind a bright light.
        buffer = np.zeros(4 * (bottom - top) * stride)
        for y in range(max(0, top - reach), min(height, bottom + reach)):
            _add_row(y, light, gain, steps, entries, margin, stride, top, bottom, buffer)
        _sum_rows(buffer, margin, stride, top, bottom, out)


@numba.njit(cache=True, fastmath={"contract"})
def _add_row(  # type: ignore[no-untyped-def]
    y, light, gain, steps, entries, margin, stride, top, bottom, buffer
) -> None:
    """Add the footprints of one row of sources to a band's buffer."""
    rung, fraction, reach, first, rows = steps
    offset, base, slope = entries
    for x in range(gain.shape[1]):
        n = rung[y, x]
        upper = max(-reach[n], top - y)
        lower = min(reach[n], bottom - 1 - y)
        if upper > lower:
            continue
        middle = first[n] + reach[n]
        f = np.float64(fraction[y, x])
        weight = gain[y, x]
        red, green, blue = weight * light[y, x, 0], weight * light[y, x, 1], weight * light[y, x, 2]
        origin = 4 * ((y - top) * stride + x + margin)
        for e in range(rows[middle + upper], rows[middle + lower + 1]):
            step = np.float64(base[e]) + f * np.float64(slope[e])
            at = np.uint64(origin + offset[e])
            buffer[at] += step * red
            buffer[at + np.uint64(1)] += step * green
            buffer[at + np.uint64(2)] += step * blue
            buffer[at + np.uint64(3)] += step * weight


@numba.njit(cache=True)
def _sum_rows(buffer, margin, stride, top, bottom, out) -> None:  # type: ignore[no-untyped-def]
    """Sum the differences of each row and divide by the weight."""
    for y in range(top, bottom):
        red = green = blue = weight = 0.0
        at = 4 * (y - top) * stride
        for x in range(-margin, out.shape[1]):
            red += buffer[at]
            green += buffer[at + 1]
            blue += buffer[at + 2]
            weight += buffer[at + 3]
            at += 4
            if x >= 0:
                out[y, x, 0] = max(red / weight, 0.0)
                out[y, x, 1] = max(green / weight, 0.0)
                out[y, x, 2] = max(blue / weight, 0.0)


def dilate_defocus(defocus: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Signed defocus dilation, equal to `reference.dilate_reference`.

    Args:
        defocus: [H, W] signed defocus, pixels.

    Returns:
        [H, W] float32, whole pixels: the largest ``trunc(S(q))`` of all q whose circle reaches the pixel.
    """
    level = np.trunc(defocus).astype(np.int32)
    order = np.argsort(level.ravel(), kind="stable")
    levels, starts = np.unique(level.ravel()[order], return_index=True)
    ends = np.append(starts[1:], order.size)
    out = np.empty(level.shape, np.float32)
    _dilate_bands(np.ascontiguousarray(defocus, np.float64), order, levels, starts, ends, out)
    return out


@numba.njit(cache=True, parallel=True)
def _dilate_bands(defocus, order, levels, starts, ends, out) -> None:  # type: ignore[no-untyped-def]
    height, width = defocus.shape
    for band in numba.prange((height + BAND - 1) // BAND):
        top = band * BAND
        bottom = min(height, top + BAND)
        counts = np.zeros((bottom - top, width + 1), np.int32)
        done = np.zeros((bottom - top, width), np.bool_)
        for n in range(len(levels) - 1, -1, -1):  # nearest first: the first to reach a pixel is the largest
            reach = abs(levels[n]) + 1
            sources = order[starts[n] : ends[n]]
            begin = np.searchsorted(sources, max(0, top - reach) * width)
            end = np.searchsorted(sources, min(height, bottom + reach) * width)
            if begin == end:
                continue
            for source in sources[begin:end]:
                _count_disc(source // width, source % width, defocus, top, bottom, counts)
            _claim(counts, levels[n], done, out[top:bottom])


@numba.njit(cache=True)
def _count_disc(y, x, defocus, top, bottom, counts) -> None:  # type: ignore[no-untyped-def]
    """Mark the ends of the rows of the disc around a source."""
    width = defocus.shape[1]
    square = defocus[y, x] ** 2
    reach = int(math.sqrt(square)) + 1
    for row in range(max(top, y - reach), min(bottom, y + reach + 1)):
        rest = square - (row - y) ** 2
        if rest < 0.0:
            continue
        half = int(math.sqrt(rest))
        if half * half > rest:  # the root was rounded up
            half -= 1
        counts[row - top, max(0, x - half)] += 1
        counts[row - top, min(width, x + half + 1)] -= 1


@numba.njit(cache=True)
def _claim(counts, level, done, out) -> None:  # type: ignore[no-untyped-def]
    """Give `level` to the covered pixels that have none yet, and clear the counts."""
    for y in range(counts.shape[0]):
        covered = 0
        for x in range(counts.shape[1] - 1):
            covered += counts[y, x]
            counts[y, x] = 0
            if covered > 0 and not done[y, x]:
                done[y, x] = True
                out[y, x] = level
        counts[y, -1] = 0
