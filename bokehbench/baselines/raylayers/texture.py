"""Colours between pixels, without the blur that reading them costs.

A bilinear look-up at a fraction f between two pixels is a mean with the variance ``f (1 - f)``. Over a disc
of radius r this makes up to 1/6 px² per axis, on top of the ``r² / 4`` of the disc: nothing at r = 10, as
much as the disc itself at r = 0.8. It is undone twice: the tracer's textures are sharpened by as much
(`sharpened`), and where no depth edge is near, the picture is gathered with the disc's exact weights
(`gather`), interpolated by Keys' cubic, whose variance is 0 at every fraction.
"""

from __future__ import annotations

import functools
import math

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.raylayers.surfaces import Surface
from bokehbench.optics import Aperture

FloatImage = npt.NDArray[np.float32]

STEP = 1.0 / 16.0
"""Radii between which weights are interpolated, pixels."""
LARGEST = 8.0
"""Radius up to which pixels are gathered: beyond, a bilinear look-up adds 1 % to the disc's variance."""
LIGHT_KEPT = 1.0 / 8.0
"""Share of a pixel's light that sharpening may move to each neighbour: four of them leave half."""
POINTS = 64
"""Points of the aperture per axis that weights are summed over."""


@functools.lru_cache(maxsize=1)
def excess() -> FloatImage:
    """[N] variance per axis, px², that bilinear look-ups add to a disc of radius n STEP, up to LARGEST."""
    angle = (np.arange(4000) + 0.5) / 4000 * np.pi - np.pi / 2.0
    weight = np.cos(angle) ** 2
    radius = np.arange(0.0, LARGEST + STEP, STEP)
    fraction = np.abs(radius[:, None] * np.sin(angle)) % 1.0
    return np.asarray(fraction * (1.0 - fraction) @ weight / weight.sum(), np.float32)


def sharpened(surface: Surface, jump: float) -> Surface:
    """The surface with the colours that bilinear look-ups over its circles of confusion turn into its own.

    Light moves between neighbours of one surface against its gradient, so none is lost or made.

    Args:
        surface: any.
        jump: difference of S from which neighbours are different surfaces.
    """
    table = excess()
    radius = np.minimum(np.abs(surface.defocus), LARGEST)
    variance = np.interp(radius, STEP * np.arange(len(table)), table).astype(np.float32)
    colour = surface.colour.copy()
    _sharpen(surface.colour, surface.defocus, surface.there, variance, np.float32(jump), colour)
    return Surface(colour, surface.defocus, surface.there, surface.alpha)


@numba.njit(cache=True, nogil=True)
def _sharpen(colour, defocus, there, variance, jump, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    height, width = defocus.shape
    for y in range(height):
        for x in range(width):
            for dy, dx in ((0, 1), (1, 0)):
                b, a = y + dy, x + dx
                if b >= height or a >= width or not (there[y, x] and there[b, a]):
                    continue
                if abs(defocus[b, a] - defocus[y, x]) > jump:
                    continue
                half = np.float32(0.25) * (variance[y, x] + variance[b, a])
                for c in range(3):
                    most = np.float32(LIGHT_KEPT) * min(colour[y, x, c], colour[b, a, c])
                    flow = half * (colour[b, a, c] - colour[y, x, c])
                    flow = min(max(flow, -most), most)
                    out[y, x, c] -= flow
                    out[b, a, c] += flow


def keys(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keys' cubic interpolation kernel (IEEE ASSP 1981, a = -1/2), any shape."""
    x = np.abs(x)
    outer = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x < 1.0, (1.5 * x - 2.5) * x * x + 1.0, np.where(x < 2.0, outer, 0.0))


@functools.lru_cache(maxsize=8)
def weights(aperture: Aperture, largest: float) -> FloatImage:
    """Weights of the picture's pixels in the circle of one in front of focus, by radius.

    Args:
        aperture: without cat-eye.
        largest: radius, pixels.

    Returns:
        [N, 2 R + 1, 2 R + 1], of radius n STEP at [n, R + dy, R + dx]; each sums to 1.
    """
    point = (2.0 * np.arange(POINTS) + 1.0) / POINTS - 1.0
    light = aperture.transmission(point, point[:, None])
    reach = math.ceil(largest) + 2
    offset = np.arange(-reach, reach + 1)
    out = np.empty((math.ceil(largest / STEP) + 2, len(offset), len(offset)), np.float32)
    for n in range(len(out)):
        taps = keys(offset - n * STEP * point[:, None])
        table = taps.T @ light @ taps
        out[n] = table / table.sum()
    return out


def gather(
    colour: FloatImage, defocus: FloatImage, where: npt.NDArray[np.bool_], aperture: Aperture
) -> FloatImage:
    """The mean of the picture over each pixel's own circle of confusion.

    The picture between pixels is Keys' cubic; where it overshoots beside a strong light the mean stays
    between the darkest and the brightest pixel of the circle.

    Args:
        colour: [H, W, 3] linear.
        defocus: [H, W] signed, pixels.
        where: [H, W], pixels that are wanted; their circles lie inside the image, |S| <= `LARGEST`.
        aperture: without cat-eye.

    Returns:
        [H, W, 3] float32, linear; 0 elsewhere.
    """
    out = np.zeros_like(colour)
    if where.any():
        largest = float(np.ceil(np.abs(defocus[where]).max()))
        _gather(colour, defocus, where, weights(aperture, largest), out)
    return out


@numba.njit(cache=True, nogil=True, parallel=True)
def _gather(colour, defocus, where, table, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    height, width = defocus.shape
    middle = table.shape[1] // 2
    for y in numba.prange(height):
        for x in range(width):
            if not where[y, x]:
                continue
            radius = abs(defocus[y, x])
            rung, reach = int(radius / STEP), min(int(radius) + 2, middle)
            # A disc's weights grow with r² at first, as its variance does.
            fraction = np.float32((radius * radius / (STEP * STEP) - rung * rung) / (2 * rung + 1))
            turn = 1 if defocus[y, x] > 0.0 else -1
            _mean(colour, y, x, table, rung, fraction, turn, reach, out[y, x])


@numba.njit(cache=True, nogil=True)
def _mean(colour, y, x, table, rung, fraction, turn, reach, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """One pixel of `_gather`."""
    middle = table.shape[1] // 2
    r0 = r1 = colour[y, x, 0]
    g0 = g1 = colour[y, x, 1]
    b0 = b1 = colour[y, x, 2]
    red, green, blue = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            row, column = middle + turn * dy, middle + turn * dx
            weight = table[rung, row, column]
            weight += fraction * (table[rung + 1, row, column] - weight)
            r, g, b = colour[y + dy, x + dx, 0], colour[y + dy, x + dx, 1], colour[y + dy, x + dx, 2]
            red, green, blue = red + weight * r, green + weight * g, blue + weight * b
            if weight > 0.0:
                r0, r1 = min(r0, r), max(r1, r)
                g0, g1 = min(g0, g), max(g1, g)
                b0, b1 = min(b0, b), max(b1, b)
    out[0], out[1], out[2] = min(max(red, r0), r1), min(max(green, g0), g1), min(max(blue, b0), b1)
