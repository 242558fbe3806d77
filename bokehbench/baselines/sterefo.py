"""SteReFo's renderer (Busam et al., ICCVW 2019): layers blurred apart, composited back to front, normalised.

Only the rendering module, as BokehMe compares it; what the paper leaves open is said here (methods spec B2):

1. Disparity is cut into N = clip(ceil(K range), 8, 64) hard layers of equal thickness, so that neighbours
   differ by at most one pixel of radius while K range <= 64; the focal plane is the middle of a layer.
2. Back to front, with D_r the mean over the aperture of radius r = K |d_i - disp_focus|:
   ``C <- C (1 - D_r(m_i)) + D_r(m_i J)`` and ``W <- W (1 - D_r(m_i)) + D_r(m_i)`` in linear light J.
3. The image is C / W: where layers meet, W < 1, because the two masks were blurred by different discs.

The aperture's footprint has a linear rim of one pixel, ``clip(r - rho + 0.5, 0, 1)``: radii up to 0.5 px
leave a layer untouched, so K = 0 returns the input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.footprints import LINEAR, exact_ladder
from bokehbench.cases import FloatImage, Inputs
from bokehbench.optics import Aperture, Lens, decode, encode

MIN_LAYERS, MAX_LAYERS = 8, 64
_EMPTY = 1e-6
BAND = 64


class SteReFo:
    """The method: decode, composite blurred layers, encode."""

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        light = decode(inputs.image, lens.gamma).astype(np.float32)
        return encode(composite(light, inputs.disparity, lens), lens.gamma).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Layers:
    """Hard layers of a disparity map, far to near; layers without pixels are left out.

    Attributes:
        index: [H, W] int32, the layer of each pixel.
        defocus: [N] signed defocus of the layers, pixels, ascending.
    """

    index: npt.NDArray[np.int32]
    defocus: npt.NDArray[np.float64]


def cut_layers(disparity: npt.NDArray[Any], lens: Lens) -> Layers:
    """Cut [H, W] disparity into hard layers, the focal plane in the middle of one."""
    span = float(disparity.max() - disparity.min())
    count = min(max(math.ceil(lens.K * span), MIN_LAYERS), MAX_LAYERS)
    thickness = span / count if span > 0.0 else 1.0
    step = np.rint((disparity.astype(np.float64) - lens.disp_focus) / thickness).astype(np.int64)
    steps, index = np.unique(step, return_inverse=True)
    return Layers(index.reshape(disparity.shape).astype(np.int32), lens.K * thickness * steps)


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
    light: npt.NDArray[Any], disparity: npt.NDArray[Any], lens: Lens
) -> npt.NDArray[np.float64]:
    """The three steps above, with one convolution a layer and channel.

    Args:
        light: [H, W, 3] linear.
        disparity: [H, W].
        lens: K at this size, focus, aperture.

    Returns:
        [H, W, 3] linear.
    """
    from scipy.signal import fftconvolve

    layers = cut_layers(disparity, lens)
    colour = np.zeros((*disparity.shape, 3))
    weight = np.zeros((*disparity.shape, 1))
    for n, defocus in enumerate(layers.defocus):
        mask = (layers.index == n)[..., None].astype(np.float64)
        kernel = disc(defocus, lens.aperture)[..., None]
        cover = np.clip(fftconvolve(mask, kernel, mode="same", axes=(0, 1)), 0.0, 1.0)
        added = np.maximum(fftconvolve(mask * light, kernel, mode="same", axes=(0, 1)), 0.0)
        colour = colour * (1.0 - cover) + added
        weight = weight * (1.0 - cover) + cover
    return np.asarray(colour / np.maximum(weight, _EMPTY))


def composite(light: npt.NDArray[Any], disparity: npt.NDArray[Any], lens: Lens) -> npt.NDArray[np.float32]:
    """As `composite_reference`, O(r) a pixel: hard layers share no pixel, so each is scattered once."""
    layers = cut_layers(disparity, lens)
    ladder = exact_ladder(layers.index, layers.defocus, lens.aperture, LINEAR)
    out = np.empty((*disparity.shape, 3), np.float32)
    order = np.argsort(layers.index.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(layers.index.ravel(), minlength=len(layers.defocus)))
    _composite_bands(
        np.ascontiguousarray(light, np.float32),
        (order, ends),
        (ladder.reach, ladder.first, ladder.rows, ladder.offset, ladder.base, ladder.totals()),
        ladder.margin,
        ladder.stride,
        out,
    )
    return out


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _composite_bands(light, sources, footprints, margin, stride, out) -> None:  # type: ignore[no-untyped-def]
    height, width = out.shape[:2]
    order, ends = sources
    reach = footprints[0]
    for band in numba.prange((height + BAND - 1) // BAND):
        top = band * BAND
        bottom = min(height, top + BAND)
        buffer = np.zeros((bottom - top, stride, 4))
        result = np.zeros((bottom - top, width, 4))
        for n in range(len(ends)):
            layer = order[ends[n - 1] if n else 0 : ends[n]]
            begin = np.searchsorted(layer, max(0, top - reach[n]) * width)
            end = np.searchsorted(layer, min(height, bottom + reach[n]) * width)
            for source in layer[begin:end]:
                _add_source(source // width, source % width, n, light, footprints, margin, top, buffer)
            if end > begin:
                _add_layer(buffer, margin, result)
        for y in range(top, bottom):
            for x in range(width):
                weight = max(result[y - top, x, 3], _EMPTY)
                for channel in range(3):
                    out[y, x, channel] = max(result[y - top, x, channel], 0.0) / weight


@numba.njit(cache=True, fastmath={"contract"})
def _add_source(y, x, n, light, footprints, margin, top, buffer) -> None:  # type: ignore[no-untyped-def]
    """Add one pixel's footprint, as differences along rows, to the layer's buffer."""
    reach, first, rows, offset, base, totals = footprints
    height, stride = buffer.shape[:2]
    flat = buffer.reshape(-1)
    upper = max(-reach[n], top - y)
    lower = min(reach[n], top + height - 1 - y)
    if upper > lower:
        return
    middle = first[n] + reach[n]
    weight = 1.0 / totals[n]
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
