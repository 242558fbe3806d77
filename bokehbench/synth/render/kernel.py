"""The CPU kernel: layers composited along every ray, tile by tile, lens sample by lens sample.

For one lens sample a fronto-parallel layer is only shifted, so a row of a tile is a bilinear blend of two
shifted rows with constant weights, which the compiler vectorises. Tilted layers look up per pixel.
"""

from __future__ import annotations

import numba
import numpy as np

OPAQUE = 1e-6
"""Transmittance below which the rest of a ray is left out."""


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _flat_row(pixels, row, column, fx, fy, count, through, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Composite `count` pixels of a shifted row behind what is already there."""
    w00, w01 = (1.0 - fx) * (1.0 - fy), fx * (1.0 - fy)
    w10, w11 = (1.0 - fx) * fy, fx * fy
    for channel in range(4):
        upper = pixels[channel, row, column : column + count + 1]
        lower = pixels[channel, row + 1, column : column + count + 1]
        into = light[channel]
        for j in range(count):
            value = w00 * upper[j] + w01 * upper[j + 1] + w10 * lower[j] + w11 * lower[j + 1]
            into[j] += through[j] * value
    upper = pixels[3, row, column : column + count + 1]
    lower = pixels[3, row + 1, column : column + count + 1]
    for j in range(count):
        value = w00 * upper[j] + w01 * upper[j + 1] + w10 * lower[j] + w11 * lower[j + 1]
        through[j] *= np.float32(1.0) - value


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _tilted_row(pixels, x_first, y, origin, plane, lens, u, v, through, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The same for a tilted plane: every pixel of the row has its own shift."""
    height, width = pixels.shape[1:]
    p, q, r = plane[0], plane[1], plane[2]
    scale = 1.0 / (1.0 - (p * u + q * v))
    for j in range(through.shape[0]):
        x = x_first + j
        delta = (p * x + q * y + r - lens[1]) * scale
        column, row = x + u * delta - origin[0], y + v * delta - origin[1]
        if column < 0.0 or row < 0.0 or column >= width - 1 or row >= height - 1:
            continue
        i, k = int(column), int(row)
        fx, fy = np.float32(column - i), np.float32(row - k)
        one = np.float32(1.0)
        w00, w01 = (one - fx) * (one - fy), fx * (one - fy)
        w10, w11 = (one - fx) * fy, fx * fy
        seen = through[j]
        for channel in range(4):
            plate = pixels[channel]
            value = (
                w00 * plate[k, i] + w01 * plate[k, i + 1] + w10 * plate[k + 1, i] + w11 * plate[k + 1, i + 1]
            )
            light[channel, j] += seen * value
            if channel == 3:
                through[j] = seen * (one - value)


@numba.njit(cache=True, nogil=True)
def render_tile(sheets, origins, planes, lens, cells, tile, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Render one tile.

    Args:
        sheets: tuple or list of [4, h, w] float32.
        origins: [L, 2] int64, output coordinates of each sheet's first pixel (x, y).
        planes: [L, 3] float64 (p, q, r).
        lens: [2] float64 (K, disp_focus).
        cells: [N, 3] float64 (s, t, weight).
        tile: [4] int64 (x0, y0, x1, y1).
        out: [H, W, 4] float32; the tile is written.
    """
    x0, y0, x1, y1 = tile[0], tile[1], tile[2], tile[3]
    width = x1 - x0
    total = np.zeros((y1 - y0, 4, width), np.float32)
    light = np.empty((4, width), np.float32)
    through = np.empty(width, np.float32)
    for sample in range(cells.shape[0]):
        u, v = lens[0] * cells[sample, 0], lens[0] * cells[sample, 1]
        weight = np.float32(cells[sample, 2])
        for y in range(y0, y1):
            light[:] = 0.0
            through[:] = 1.0
            for layer in range(len(sheets)):
                pixels = sheets[layer]
                p, q, r = planes[layer, 0], planes[layer, 1], planes[layer, 2]
                if p != 0.0 or q != 0.0:
                    _tilted_row(pixels, x0, y, origins[layer], planes[layer], lens, u, v, through, light)
                else:
                    row_at = y + v * (r - lens[1]) - origins[layer, 1]
                    first = x0 + u * (r - lens[1]) - origins[layer, 0]
                    row, column = int(np.floor(row_at)), int(np.floor(first))
                    if row < 0 or row >= pixels.shape[1] - 1:
                        continue
                    skip = max(-column, 0)
                    count = min(width, pixels.shape[2] - 1 - column) - skip
                    if count > 0:
                        _flat_row(
                            pixels,
                            row,
                            column + skip,
                            np.float32(first - column),
                            np.float32(row_at - row),
                            count,
                            through[skip : skip + count],
                            light[:, skip : skip + count],
                        )
                if through.max() < OPAQUE:
                    break
            total[y - y0] += weight * light
    for y in range(y0, y1):
        for channel in range(4):
            for x in range(width):
                out[y, x0 + x, channel] = total[y - y0, channel, x]
