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


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add(u0, u1, l0, l1, w00, w01, w10, w11, through, into):  # type: ignore[no-untyped-def]  # pragma: no cover
    for j in range(into.shape[0]):
        into[j] += through[j] * (w00 * u0[j] + w01 * u1[j] + w10 * l0[j] + w11 * l1[j])


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add_alpha(u0, u1, l0, l1, w00, w01, w10, w11, through, into):  # type: ignore[no-untyped-def]  # pragma: no cover
    for j in range(into.shape[0]):
        alpha = w00 * u0[j] + w01 * u1[j] + w10 * l0[j] + w11 * l1[j]
        into[j] += through[j] * alpha
        through[j] *= ONE - alpha


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add_all(through, into):  # type: ignore[no-untyped-def]  # pragma: no cover
    for j in range(into.shape[0]):
        into[j] += through[j]


@numba.njit(cache=True, nogil=True)
def _flat_run(flat, at, entry, fx, fy, solid, through, into):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Look up one run behind what is already there.

    Args:
        at: index in `flat` of the run's first upper-left neighbour in channel 0.
        fx, fy: fractional shift, the same along the run.
        through: [count] light that is left, times the weight of the lens sample.
        into: [4, count] what is accumulated.
    """
    count = through.shape[0]
    w00, w01 = (ONE - fx) * (ONE - fy), fx * (ONE - fy)
    w10, w11 = (ONE - fx) * fy, fx * fy
    plate = entry[HEIGHT] * entry[WIDTH]
    for channel in range(3):
        a = at + channel * plate
        b = a + entry[WIDTH]
        _add(
            flat[a : a + count],
            flat[a + 1 : a + 1 + count],
            flat[b : b + count],
            flat[b + 1 : b + 1 + count],
            w00,
            w01,
            w10,
            w11,
            through,
            into[channel],
        )
    if solid:
        _add_all(through, into[3])
        return
    a = at + 3 * plate
    b = a + entry[WIDTH]
    _add_alpha(
        flat[a : a + count],
        flat[a + 1 : a + 1 + count],
        flat[b : b + count],
        flat[b + 1 : b + 1 + count],
        w00,
        w01,
        w10,
        w11,
        through,
        into[3],
    )


@numba.njit(cache=True, nogil=True)
def _sloped_run(flat, at, entry, fx, dx, fy, dy, solid, through, into):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The same where the fractional shift grows by (dx, dy) from pixel to pixel."""
    count = through.shape[0]
    width = entry[WIDTH]
    plate = entry[HEIGHT] * width
    for channel in range(4):
        if channel == 3 and solid:
            _add_all(through, into[3])
            return
        a = at + channel * plate
        _add_sloped(
            flat[a : a + count],
            flat[a + 1 : a + 1 + count],
            flat[a + width : a + width + count],
            flat[a + width + 1 : a + width + 1 + count],
            fx,
            dx,
            fy,
            dy,
            through,
            into[channel],
            channel == 3,
        )


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _add_sloped(u0, u1, l0, l1, fx, dx, fy, dy, through, into, alpha):  # type: ignore[no-untyped-def]  # pragma: no cover
    if alpha:
        for j in range(into.shape[0]):
            s, t = fx + dx * np.float32(j), fy + dy * np.float32(j)
            upper = u0[j] + s * (u1[j] - u0[j])
            lower = l0[j] + s * (l1[j] - l0[j])
            value = upper + t * (lower - upper)
            into[j] += through[j] * value
            through[j] *= ONE - value
    else:
        for j in range(into.shape[0]):
            s, t = fx + dx * np.float32(j), fy + dy * np.float32(j)
            upper = u0[j] + s * (u1[j] - u0[j])
            lower = l0[j] + s * (l1[j] - l0[j])
            into[j] += through[j] * (upper + t * (lower - upper))


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
def _segment(flat, entry, plane, lens, u, v, x, y, solid, through, into):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Composite a segment of a row, cut into runs of constant whole-pixel shift."""
    count = through.shape[0]
    delta = _shift(plane, lens, u, v, x, y)
    slope = plane[0] / (1.0 - (plane[0] * u + plane[1] * v))
    done = 0
    while done < count:
        dx, dy = u * (delta + slope * done), v * (delta + slope * done)
        length = min(_run_length(dx, u * slope, count - done), _run_length(dy, v * slope, count - done))
        ix, iy = np.floor(dx), np.floor(dy)
        row = y + int(iy) - entry[TOP]
        column = x + done + int(ix) - entry[LEFT]
        first, end = max(-column, 0), min(length, entry[WIDTH] - 1 - column)
        if 0 <= row < entry[HEIGHT] - 1 and first < end:
            at = entry[OFFSET] + row * entry[WIDTH] + column + first
            fx, fy = np.float32(dx - ix + u * slope * first), np.float32(dy - iy + v * slope * first)
            here, there = through[done + first : done + end], into[:, done + first : done + end]
            if slope == 0.0:
                _flat_run(flat, at, entry, fx, fy, solid, here, there)
            else:
                gx, gy = np.float32(u * slope), np.float32(v * slope)
                _sloped_run(flat, at, entry, fx, gx, fy, gy, solid, here, there)
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
    total = np.zeros((y1 - y0, 4, width), np.float32)
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
                for index in range(counts[layer]):
                    first, end = segments[layer, index, 0], segments[layer, index, 1]
                    _segment(
                        flat,
                        table[layer],
                        planes[layer],
                        lens,
                        u,
                        v,
                        x0 + first,
                        y,
                        segments[layer, index, 2] == SOLID,
                        through[first:end],
                        row[:, first:end],
                    )
    for y in range(y0, y1):
        for channel in range(4):
            for x in range(width):
                out[y, x0 + x, channel] = total[y - y0, channel, x]
