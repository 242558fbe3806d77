"""Where a layer is empty, where it is solid: what lets the kernel leave out work without changing a pixel.

Layers lie in one flat buffer. `table` has a row per layer: offset of its pixels, height, width, output x and
y of its first pixel, offset of its blocks, blocks per row. A block is BLOCK x BLOCK pixels, EMPTY, MIXED or
SOLID by its alpha.
"""

from __future__ import annotations

import numba
import numpy as np

BLOCK = 16
EMPTY, MIXED, SOLID = 0, 1, 2
SOLID_ALPHA = np.float32(1.0 - 1e-6)
OFFSET, HEIGHT, WIDTH, LEFT, TOP, BLOCKS, BLOCK_COLUMNS = range(7)


@numba.njit(cache=True, nogil=True)
def classify(alpha, blocks):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill blocks [ceil(h/BLOCK), ceil(w/BLOCK)] uint8 from alpha [h, w]."""
    for row in range(blocks.shape[0]):
        for column in range(blocks.shape[1]):
            part = alpha[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK]
            low, high = part.min(), part.max()
            blocks[row, column] = EMPTY if high == 0.0 else (SOLID if low >= SOLID_ALPHA else MIXED)


@numba.njit(cache=True, nogil=True)
def occupancy(blocks, entry, x0, y0, x1, y1):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Class of a rectangle (output pixels, ends included) of the layer `entry`; outside is empty."""
    height, width, columns = entry[HEIGHT], entry[WIDTH], entry[BLOCK_COLUMNS]
    left, top = x0 - entry[LEFT], y0 - entry[TOP]
    right, bottom = x1 - entry[LEFT], y1 - entry[TOP]
    if right < 0 or bottom < 0 or left >= width or top >= height:
        return EMPTY
    inside = left >= 0 and top >= 0 and right < width and bottom < height
    left, top = max(left, 0) // BLOCK, max(top, 0) // BLOCK
    right, bottom = min(right, width - 1) // BLOCK, min(bottom, height - 1) // BLOCK
    first = blocks[entry[BLOCKS] + top * columns + left]
    if first == MIXED or (first == SOLID and not inside):
        return MIXED
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            if blocks[entry[BLOCKS] + row * columns + column] != first:
                return MIXED
    return first


@numba.njit(cache=True, nogil=True)
def tile_radii(blocks, table, planes, lens, spread, tile, radii):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Largest blur radius that reaches each tile, from the layers that are not hidden there.

    Args:
        spread: [L] float64, largest radius of each layer anywhere.
        tile: side of a tile.
        radii: [rows, columns] float64; written.
    """
    for row in range(radii.shape[0]):
        for column in range(radii.shape[1]):
            x0, y0 = column * tile, row * tile
            radius = 0.0
            for layer in range(table.shape[0]):
                pad = int(np.ceil(spread[layer])) + 1
                ax, ay, bx, by = x0 - pad, y0 - pad, x0 + tile + pad, y0 + tile + pad
                state = occupancy(blocks, table[layer], ax, ay, bx, by)
                if state == EMPTY:
                    continue
                entry = table[layer]
                ax, ay = max(ax, entry[LEFT]), max(ay, entry[TOP])
                bx, by = min(bx, entry[LEFT] + entry[WIDTH]), min(by, entry[TOP] + entry[HEIGHT])
                p, q, r = planes[layer, 0], planes[layer, 1], planes[layer, 2]
                for x in (ax, bx):
                    for y in (ay, by):
                        radius = max(radius, lens[0] * abs(p * x + q * y + r - lens[1]))
                if state == SOLID:
                    break
            radii[row, column] = radius
