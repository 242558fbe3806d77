"""Scattering in O(r²) operations a pixel on all cores: the exact weights, and any donut.

The plain port of the formula that `perf/scatter.py` measures the fast kernel against.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.footprints import edge_table
from bokehbench.baselines.scatter.kernel import BAND
from bokehbench.optics import Aperture


def scatter_direct(
    light: npt.NDArray[Any], defocus: npt.NDArray[Any], aperture: Aperture | None = None, donut: float = 0.0
) -> npt.NDArray[np.float32]:
    """As `reference.scatter_reference`, with float32 light and weights.

    Args:
        light: [H, W, 3] linear.
        defocus: [H, W] signed defocus, pixels.
        aperture: None for a disc.
        donut: 0 to 0.5, strength of BokehMe's soft donut.

    Returns:
        [H, W, 3] float32, linear.
    """
    aperture = aperture or Aperture()
    out = np.empty((*defocus.shape, 3), np.float32)
    edge = edge_table(aperture, int(np.abs(defocus).max(initial=0.0)) + 1).astype(np.float32)
    pixels = np.ascontiguousarray(light, np.float32)
    _direct_bands(
        pixels, np.ascontiguousarray(defocus, np.float32), edge, aperture.inner, np.float32(donut), out
    )
    return out


@numba.njit(cache=True, parallel=True)
def _direct_bands(light, defocus, edge, inner, donut, out) -> None:  # type: ignore[no-untyped-def]
    height, width = defocus.shape
    reach = edge.shape[0] // 2
    for band in numba.prange((height + BAND - 1) // BAND):
        top = band * BAND
        bottom = min(height, top + BAND)
        total = np.zeros((bottom - top, width, 4), np.float32)
        for y in range(max(0, top - reach), min(height, bottom + reach)):
            for x in range(width):
                _scatter_one(y, x, light, defocus[y, x], edge, inner, donut, top, total)
        for y in range(top, bottom):
            for x in range(width):
                for channel in range(3):
                    out[y, x, channel] = total[y - top, x, channel] / total[y - top, x, 3]


@numba.njit(cache=True)
def _scatter_one(  # type: ignore[no-untyped-def]
    y, x, light, defocus, edge, inner, donut, top, total
) -> None:
    rows, width = total.shape[:2]
    half, one = np.float32(0.5), np.float32(1.0)
    centre = edge.shape[0] // 2
    radius = abs(defocus)
    turn = -1 if defocus > 0 else 1
    gain = one / (radius * radius + np.float32(0.2))
    window = int(radius) + 1
    for to_y in range(max(top, y - window), min(top + rows, y + window + 1)):
        for to_x in range(max(0, x - window), min(width, x + window + 1)):
            dy, dx = to_y - y, to_x - x
            distance = math.sqrt(np.float32(dx * dx + dy * dy))
            inside = radius * edge[centre + turn * dy, centre + turn * dx] - distance
            weight = gain * (half + half * math.tanh(np.float32(4.0) * inside))
            if inner > 0.0:
                weight *= half + half * math.tanh(np.float32(4.0) * (distance - np.float32(inner) * radius))
            if donut > 0.0:
                weight *= one - donut + donut * math.tanh(np.float32(0.2) * (one - inside))
            for channel in range(3):
                total[to_y - top, to_x, channel] += weight * light[y, x, channel]
            total[to_y - top, to_x, 3] += weight
