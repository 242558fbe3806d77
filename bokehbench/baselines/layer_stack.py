"""Layers of a picture blurred apart and composited back to front: what SteReFo and RVR share.

With D_r the mean over the aperture of radius r = |S_i| and J the linear light, from the farthest layer on:

    C <- C (1 - D_r(m_i)) + D_r(m_i J),      W <- W (1 - D_r(m_i)) + D_r(m_i),

and the image is C / W (`normalise`) or C as it is. Methods differ in the masks m_i alone. The aperture's
footprint has a linear rim of one pixel, ``clip(r - rho + 0.5, 0, 1)``: radii up to 0.5 px leave a layer
untouched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.footprints import LINEAR, exact_ladder
from bokehbench.optics import Aperture

_EMPTY = 1e-6
BAND = 64


@dataclass(frozen=True, eq=False)
class Layers:
    """Masks of layers, far to near, as the pixels that each has a share of; empty layers are left out.

    Attributes:
        size: (H, W).
        pixel: [M] int64, flat index of a pixel, ascending within a layer.
        share: [M] float32 in (0, 1], the mask's value there.
        ends: [N] int64, layer n is ``pixel[ends[n - 1] : ends[n]]``.
        defocus: [N] float64, signed defocus of the layers, pixels, ascending.
    """

    size: tuple[int, int]
    pixel: npt.NDArray[np.int64]
    share: npt.NDArray[np.float32]
    ends: npt.NDArray[np.int64]
    defocus: npt.NDArray[np.float64]

    def mask(self, n: int) -> npt.NDArray[np.float64]:
        """[H, W], the mask of a layer."""
        part = slice(self.ends[n - 1] if n else 0, self.ends[n])
        mask = np.zeros(self.size[0] * self.size[1])
        mask[self.pixel[part]] = self.share[part]
        return mask.reshape(self.size)


def hard_layers(index: npt.NDArray[np.int32], defocus: npt.NDArray[np.float64]) -> Layers:
    """Layers that every pixel has one of.

    Args:
        index: [H, W] int32, the layer of each pixel; every layer has one.
        defocus: [N], see `Layers`.
    """
    flat = index.ravel()
    order = np.argsort(flat, kind="stable")
    ends = np.cumsum(np.bincount(flat, minlength=len(defocus)))
    share = np.ones(order.size, np.float32)
    return Layers((index.shape[0], index.shape[1]), order, share, ends, defocus)


def disc(defocus: float, aperture: Aperture) -> npt.NDArray[np.float64]:
    """The aperture's footprint at a signed defocus: [2 n + 1, 2 n + 1], sum 1, linear rim."""
    radius = abs(defocus)
    reach = math.floor(radius) + 1
    turn = -1.0 if defocus > 0 else 1.0
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    distance = np.hypot(dx, dy)
    edge = aperture.edge(np.arctan2(turn * dy + 0.0, turn * dx + 0.0))
    weight = np.clip(radius * edge - distance + 0.5, 0.0, 1.0)
    if aperture.inner > 0.0:
        weight *= np.clip(distance - aperture.inner * radius + 0.5, 0.0, 1.0)
    return np.asarray(weight / weight.sum())


def composite_reference(
    light: npt.NDArray[Any], layers: Layers, aperture: Aperture, *, normalise: bool = True
) -> npt.NDArray[np.float64]:
    """The formula above, with one convolution a layer and channel.

    Args:
        light: [H, W, 3] linear.
        layers: of the picture.
        aperture: shape of the opening.
        normalise: divide by W.

    Returns:
        [H, W, 3] linear.
    """
    from scipy.signal import fftconvolve

    colour = np.zeros((*layers.size, 3))
    weight = np.zeros((*layers.size, 1))
    for n, defocus in enumerate(layers.defocus):
        mask = layers.mask(n)[..., None]
        kernel = disc(defocus, aperture)[..., None]
        cover = np.clip(fftconvolve(mask, kernel, mode="same", axes=(0, 1)), 0.0, 1.0)
        added = np.maximum(fftconvolve(mask * light, kernel, mode="same", axes=(0, 1)), 0.0)
        colour = colour * (1.0 - cover) + added
        weight = weight * (1.0 - cover) + cover
    return np.asarray(colour / np.maximum(weight, _EMPTY) if normalise else colour)


def composite(
    light: npt.NDArray[Any], layers: Layers, aperture: Aperture, *, normalise: bool = True
) -> npt.NDArray[np.float32]:
    """As `composite_reference`, O(r) operations a pixel of a layer: masks are scattered, not convolved."""
    row = np.zeros((1, layers.size[1]), np.int32)
    ladder = exact_ladder(row, layers.defocus, aperture, LINEAR)
    out = np.empty((*layers.size, 3), np.float32)
    _composite_bands(
        np.ascontiguousarray(light, np.float32),
        (layers.pixel, layers.share, layers.ends),
        (ladder.reach, ladder.first, ladder.rows, ladder.offset, ladder.base, ladder.totals()),
        ladder.margin,
        ladder.stride,
        normalise,
        out,
    )
    return out


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _composite_bands(  # type: ignore[no-untyped-def]
    light, sources, footprints, margin, stride, normalise, out
) -> None:
    height, width = out.shape[:2]
    pixel, share, ends = sources
    reach = footprints[0]
    for band in numba.prange((height + BAND - 1) // BAND):
        top = band * BAND
        bottom = min(height, top + BAND)
        buffer = np.zeros((bottom - top, stride, 4))
        result = np.zeros((bottom - top, width, 4))
        for n in range(len(ends)):
            start = ends[n - 1] if n else 0
            layer = pixel[start : ends[n]]
            begin = start + np.searchsorted(layer, max(0, top - reach[n]) * width)
            end = start + np.searchsorted(layer, min(height, bottom + reach[n]) * width)
            for source in range(begin, end):
                y, x = pixel[source] // width, pixel[source] % width
                _add_source(y, x, n, share[source], light, footprints, margin, top, buffer)
            if end > begin:
                _add_layer(buffer, margin, result)
        for y in range(top, bottom):
            for x in range(width):
                weight = max(result[y - top, x, 3], _EMPTY) if normalise else 1.0
                for channel in range(3):
                    out[y, x, channel] = max(result[y - top, x, channel], 0.0) / weight


@numba.njit(cache=True, fastmath={"contract"})
def _add_source(  # type: ignore[no-untyped-def]
    y, x, n, share, light, footprints, margin, top, buffer
) -> None:
    """Add one pixel's footprint, as differences along rows, to the layer's buffer."""
    reach, first, rows, offset, base, totals = footprints
    height, stride = buffer.shape[:2]
    flat = buffer.reshape(-1)
    upper = max(-reach[n], top - y)
    lower = min(reach[n], top + height - 1 - y)
    if upper > lower:
        return
    middle = first[n] + reach[n]
    weight = share / totals[n]
    red, green, blue = weight * light[y, x, 0], weight * light[y, x, 1], weight * light[y, x, 2]
    origin = 4 * ((y - top) * stride + x + margin)
    for e in range(rows[middle + upper], rows[middle + lower + 1]):
        at = np.uint64(origin + offset[e])
        step = np.float64(base[e])
        flat[at] += step * red
        flat[at + np.uint64(1)] += step * green
        flat[at + np.uint64(2)] += step * blue
        flat[at + np.uint64(3)] += step * weight


@numba.njit(cache=True, fastmath={"contract"})
def _add_layer(buffer, margin, result) -> None:  # type: ignore[no-untyped-def]
    """Sum the buffer's rows, put the layer over what lies behind it, clear the buffer."""
    width = result.shape[1]
    for y in range(result.shape[0]):
        red = green = blue = cover = 0.0
        for x in range(-margin, width):
            red += buffer[y, x + margin, 0]
            green += buffer[y, x + margin, 1]
            blue += buffer[y, x + margin, 2]
            cover += buffer[y, x + margin, 3]
            if x >= 0:
                through = max(1.0 - cover, 0.0)
                result[y, x, 0] = result[y, x, 0] * through + red
                result[y, x, 1] = result[y, x, 1] * through + green
                result[y, x, 2] = result[y, x, 2] * through + blue
                result[y, x, 3] = result[y, x, 3] * through + cover
        buffer[y] = 0.0
