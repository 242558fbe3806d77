"""Depth edges: where one surface ends and another begins, and the pixels that no edge can touch."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

JUMP_SHARE, LEAST_JUMP, MOST_JUMP = 0.1, 0.25, 1.0
"""A depth edge is a step between neighbours of a tenth of the picture's range of defocus, within these bounds
in pixels: below the least nothing shifts visibly, and a step of a pixel is one at any range."""
NONE = -1


def jump_of(defocus: npt.NDArray[np.floating]) -> float:
    """Difference of S between neighbours, pixels, from which they belong to different surfaces."""
    span = float(defocus.max()) - float(defocus.min())
    return min(max(JUMP_SHARE * span, LEAST_JUMP), MOST_JUMP)


def across(defocus: FloatImage, jump: float, band: int = 1) -> Indices:
    """For every pixel beside a depth edge the pixel on its other side.

    Args:
        defocus: [H, W] signed, pixels.
        jump: from `jump_of`; a pixel n away must differ by n times as much.
        band: pixels on either side of an edge that count as beside it.

    Returns:
        [H, W], flat index of the pixel over the steepest step, `NONE` where there is no edge.
    """
    out = np.full(defocus.shape, NONE, np.int64)
    _across(defocus, np.float32(jump), band, out)
    return out


@numba.njit(cache=True, nogil=True)
def _across(defocus, jump, band, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    height, width = defocus.shape
    for y in range(height):
        for x in range(width):
            steepest = jump
            for ny in range(max(y - band, 0), min(y + band + 1, height)):
                for nx in range(max(x - band, 0), min(x + band + 1, width)):
                    step = abs(defocus[ny, nx] - defocus[y, x])
                    if step <= jump:
                        continue
                    step /= np.float32(np.sqrt((ny - y) ** 2 + (nx - x) ** 2))
                    if step > steepest:
                        steepest = step
                        out[y, x] = ny * width + nx


def untouched(defocus: FloatImage, other_side: Indices) -> npt.NDArray[np.bool_]:
    """[H, W], the pixels whose light comes from one surface: no circle at any depth edge reaches them.

    Args:
        defocus: [H, W] signed, pixels.
        other_side: from `across`.
    """
    out = np.ones(defocus.shape, np.bool_)
    _touch(defocus, other_side, out)
    return out


@numba.njit(cache=True, nogil=True)
def _touch(defocus, other_side, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Both sides of an edge spread light as far as their circles and the look-ups at their rims reach."""
    height, width = defocus.shape
    flat = defocus.ravel()
    for y in range(height):
        for x in range(width):
            if other_side[y, x] < 0:
                continue
            radius = max(abs(defocus[y, x]), abs(flat[other_side[y, x]])) + 1.5
            reach = int(radius)
            for ny in range(max(y - reach, 0), min(y + reach + 1, height)):
                half = int(np.sqrt(radius * radius - (ny - y) ** 2))
                for nx in range(max(x - half, 0), min(x + half + 1, width)):
                    out[ny, nx] = False
