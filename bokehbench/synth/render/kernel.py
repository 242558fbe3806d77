"""The CPU kernel: layers composited along every ray, strip by strip, lens sample by lens sample.

For one lens sample the map from output to layer is affine (docs/conventions.md), so along a row the shift
grows linearly: a row is a few runs of constant whole-pixel shift, one run on fronto-parallel layers. Inside
a run the bilinear lookup reads two shifted rows, which the compiler vectorises.

Segments of a strip that meet only empty blocks of a layer (occupancy.py) cost nothing, solid ones end the
ray.
"""

from __future__ import annotations

import numba
import numpy as np

from bokehbench.synth.render.occupancy import (
    BLOCK,
    EMPTY,
    HEIGHT,
    LEFT,
    OFFSET,
    SOLID,
    TOP,
    WIDTH,
    occupancy,
)

ONE = np.float32(1.0)


@numba.njit(cache=True, nogil=True)
def _shift(plane, lens, u, v, x, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    """delta of docs/conventions.md: the ray of lens point (u, v) is displaced by (u, v) delta."""
    return (plane[0] * x + plane[1] * y + plane[2] - lens[1]) / (1.0 - (plane[0] * u + plane[1] * v))


@numba.njit(cache=True, nogil=True)
def _find_segments(  # type: ignore[no-untyped-def]  # pragma: no cover
    blocks, table, planes, lens, reach, u, v, strip, segments, counts, open_
):
    """Which parts of the strip each layer has to be looked up in, for one lens sample.

    segments [L, S, 3] gets (first, end, class) in columns of the strip, counts [L] their number.
    """
    x0, y0, x1, y1 = strip[0], strip[1], strip[2], strip[3]
    columns = (x1 - x0 + BLOCK - 1) // BLOCK
    open_[:columns] = True
    for layer in range(table.shape[0]):
        plane = planes[layer]
        count, last = 0, EMPTY
        for b in range(columns):
            state = EMPTY
            if open_[b]:
                left, right = x0 + b * BLOCK, min(x0 + (b + 1) * BLOCK, x1) - 1
                a, c = _shift(plane, lens, u, v, left, y0), _shift(plane, lens, u, v, right, y0)
                e, g = _shift(plane, lens, u, v, left, y1 - 1), _shift(plane, lens, u, v, right, y1 - 1)
                low, high = min(min(a, c), min(e, g)), max(max(a, c), max(e, g))
                rx0, rx1 = min(u * low, u * high), max(u * low, u * high)
                ry0, ry1 = min(v * low, v * high), max(v * low, v * high)
                state = occupancy(
                    blocks,
                    table[layer],
                    int(np.floor(left + rx0)) - reach[layer],
                    int(np.floor(y0 + ry0)) - reach[layer],
                    int(np.floor(right + rx1)) + 1 + reach[layer],
                    int(np.floor(y1 - 1 + ry1)) + 1 + reach[layer],
                )
            if state == SOLID:
                open_[b] = False
            if state != EMPTY:
                if state != last:
                    segments[layer, count, 0] = b * BLOCK
                    segments[layer, count, 2] = state
                    count += 1
                segments[layer, count - 1, 1] = min((b + 1) * BLOCK, x1 - x0)
            last = state
        counts[layer] = count


# The loops below index whole buffers with unsigned integers: slices would be counted references, and signed
# indices would be tested for being negative; either costs more than the arithmetic.


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add(flat, a, b, w00, w01, w10, w11, through, first, row, at, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """row[at + j] += through[first + j] * bilinear(flat; upper row from a, lower row from b)."""
    one = np.uint64(1)
    for j in range(count):
        upper = w00 * flat[a + j] + w01 * flat[a + j + one]
        lower = w10 * flat[b + j] + w11 * flat[b + j + one]
        row[at + j] += through[first + j] * (upper + lower)


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add_alpha(flat, a, b, w00, w01, w10, w11, through, first, row, at, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The same for alpha, which takes its share of what is left."""
    one = np.uint64(1)
    for j in range(count):
        upper = w00 * flat[a + j] + w01 * flat[a + j + one]
        lower = w10 * flat[b + j] + w11 * flat[b + j + one]
        seen = through[first + j] * (upper + lower)
        row[at + j] += seen
        through[first + j] -= seen


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add_all(through, first, row, at, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Alpha of a layer that is solid here: all that is left."""
    for j in range(count):
        row[at + j] += through[first + j]


@numba.njit(cache=True, nogil=True)
def _flat_run(flat, at, entry, fx, fy, solid, through, first, row, width, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Look up one run behind what is already there.

    Args:
        at: index in `flat` of the run's first upper-left neighbour in channel 0.
        fx, fy: fractional shift, the same along the run.
        solid: whether alpha is 1 all along.
        through: light that is left, times the weight of the lens sample; the run begins at `first`.
        row: [4 * width], what is accumulated, channel by channel.
        count: pixels.
    """
    w00, w01 = (ONE - fx) * (ONE - fy), fx * (ONE - fy)
    w10, w11 = (ONE - fx) * fy, fx * fy
    plate, below = np.uint64(entry[HEIGHT] * entry[WIDTH]), np.uint64(entry[WIDTH])
    for channel in range(3):
        _add(
            flat,
            at,
            at + below,
            w00,
            w01,
            w10,
            w11,
            through,
            first,
            row,
            first + width * np.uint64(channel),
            count,
        )
        at += plate
    last = first + width * np.uint64(3)
    if solid:
        _add_all(through, first, row, last, count)
    else:
        _add_alpha(flat, at, at + below, w00, w01, w10, w11, through, first, row, last, count)


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add_sloped(flat, a, b, fx, dx, fy, dy, through, first, row, at, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    one = np.uint64(1)
    for j in range(count):
        s, t = fx + dx * np.float32(np.int32(j)), fy + dy * np.float32(np.int32(j))
        upper = flat[a + j] + s * (flat[a + j + one] - flat[a + j])
        lower = flat[b + j] + s * (flat[b + j + one] - flat[b + j])
        row[at + j] += through[first + j] * (upper + t * (lower - upper))


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add_sloped_alpha(flat, a, b, fx, dx, fy, dy, through, first, row, at, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    one = np.uint64(1)
    for j in range(count):
        s, t = fx + dx * np.float32(np.int32(j)), fy + dy * np.float32(np.int32(j))
        upper = flat[a + j] + s * (flat[a + j + one] - flat[a + j])
        lower = flat[b + j] + s * (flat[b + j + one] - flat[b + j])
        seen = through[first + j] * (upper + t * (lower - upper))
        row[at + j] += seen
        through[first + j] -= seen


@numba.njit(cache=True, nogil=True)
def _sloped_run(flat, at, entry, fx, dx, fy, dy, solid, through, first, row, width, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`_flat_run` where the fractional shift grows by (dx, dy) from pixel to pixel."""
    plate, below = np.uint64(entry[HEIGHT] * entry[WIDTH]), np.uint64(entry[WIDTH])
    for channel in range(3):
        _add_sloped(
            flat,
            at,
            at + below,
            fx,
            dx,
            fy,
            dy,
            through,
            first,
            row,
            first + width * np.uint64(channel),
            count,
        )
        at += plate
    last = first + width * np.uint64(3)
    if solid:
        _add_all(through, first, row, last, count)
    else:
        _add_sloped_alpha(flat, at, at + below, fx, dx, fy, dy, through, first, row, last, count)


@numba.njit(cache=True, nogil=True)
def _run_length(shift, step, most):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Pixels until floor(shift + step j) changes, at least 1, at most `most`."""
    if step == 0.0:
        return most
    left = (np.floor(shift) + 1.0 - shift) / step if step > 0.0 else (np.floor(shift) - shift) / step
    if left >= most:
        return most
    return max(int(np.ceil(left)), 1)


@numba.njit(cache=True, nogil=True)
def _segment(flat, entry, plane, lens, u, v, x0, y, segment, through, row, width):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Composite a segment of a row, cut into runs of constant whole-pixel shift."""
    done, stop, solid = segment[0], segment[1], segment[2] == SOLID
    delta = _shift(plane, lens, u, v, x0, y)
    slope = plane[0] / (1.0 - (plane[0] * u + plane[1] * v))
    while done < stop:
        dx, dy = u * (delta + slope * done), v * (delta + slope * done)
        length = min(_run_length(dx, u * slope, stop - done), _run_length(dy, v * slope, stop - done))
        ix, iy = np.floor(dx), np.floor(dy)
        line = y + int(iy) - entry[TOP]
        column = x0 + done + int(ix) - entry[LEFT]
        skip, end = max(-column, 0), min(length, entry[WIDTH] - 1 - column)
        if 0 <= line < entry[HEIGHT] - 1 and skip < end:
            at = np.uint64(entry[OFFSET] + line * entry[WIDTH] + column + skip)
            first, count = np.uint64(done + skip), np.uint64(end - skip)
            fx, fy = np.float32(dx - ix + u * slope * skip), np.float32(dy - iy + v * slope * skip)
            if slope == 0.0:
                _flat_run(flat, at, entry, fx, fy, solid, through, first, row, width, count)
            else:
                gx, gy = np.float32(u * slope), np.float32(v * slope)
                _sloped_run(flat, at, entry, fx, gx, fy, gy, solid, through, first, row, width, count)
        done += length


@numba.njit(cache=True, nogil=True)
def render_strip(flats, table, blocks, planes, lens, reach, cells, strip, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Render a strip of tiles that share their lens samples.

    Args:
        flats: one float32 buffer a level of cells, pixels of all layers, [4, h, w] each.
        table: [L, 7] int64, see occupancy.py.
        blocks: uint8, classes of all layers' blocks.
        planes: [L, 3] float64 (p, q, r).
        lens: [2] float64 (K, disp_focus).
        reach: [levels, L] int64, pixels by which the prefilter spreads alpha.
        cells: [N, 4] float64 (s, t, weight, level).
        strip: [4] int64 (x0, y0, x1, y1).
        out: [H, W, 4] float32; the strip is written.
    """
    x0, y0, x1, y1 = strip[0], strip[1], strip[2], strip[3]
    width, layers = x1 - x0, table.shape[0]
    total = np.zeros((y1 - y0, 4 * width), np.float32)
    through = np.empty(width, np.float32)
    segments = np.empty((layers, width // BLOCK + 1, 3), np.int64)
    counts = np.empty(layers, np.int64)
    open_ = np.empty(width // BLOCK + 1, np.bool_)
    for sample in range(cells.shape[0]):
        u, v = lens[0] * cells[sample, 0], lens[0] * cells[sample, 1]
        level = int(cells[sample, 3])
        flat = flats[level]
        _find_segments(blocks, table, planes, lens, reach[level], u, v, strip, segments, counts, open_)
        for y in range(y0, y1):
            through[:] = np.float32(cells[sample, 2])
            row = total[y - y0]
            for layer in range(layers):
                entry, plane = table[layer], planes[layer]
                for index in range(counts[layer]):
                    segment = segments[layer, index]
                    _segment(flat, entry, plane, lens, u, v, x0, y, segment, through, row, np.uint64(width))
    for y in range(y0, y1):
        for channel in range(4):
            for x in range(width):
                out[y, x0 + x, channel] = total[y - y0, channel * width + x]
