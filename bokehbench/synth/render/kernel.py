"""The CPU kernel: layers composited along every ray, tile row by tile row, strip of the aperture by strip.

For one image row and one strip, each layer is read once along the line that the strip sees (lines.py) and
integrated along it. What a cell of the strip sees of it is then the difference of that integral at the
cell's two edges, two values of a row that move by the same amount from pixel to pixel: loops that
vectorise, whatever the cells' size and the layers' tilt. With T_i the light that the layers before let
through to cell i, and q_i the cell's share of the light over its length, a layer of integral P adds

    sum_i q_i T_i (P(X_i+1) - P(X_i)) = sum over edges e of P(X_e) (q_e-1 T_e-1 - q_e T_e),

so that every edge is looked up once, and one that equal cells share behind nothing not at all.

Layers nearly in focus, whose cells are smaller than a pixel, are looked up at the cells' middles instead.
Segments of a tile row that meet only empty blocks of a layer cost nothing, solid ones end the ray.
"""

from __future__ import annotations

import numba
import numpy as np

from bokehbench.synth.render.lines import integrate, line_of, read_band
from bokehbench.synth.render.loops import (
    ONE,
    ZERO,
    add_edge,
    add_light,
    add_scaled,
    add_seen_edge,
    begin,
    dim,
    dim_by,
    look_up,
    open_cells,
    shifts,
)
from bokehbench.synth.render.occupancy import BLOCK, EMPTY, SOLID, occupancy

WIDEST_POINT = 0.55
"""Cells up to this many pixels are looked up at one point."""
WIDE = 8
"""Added to the class of a segment where cells are wider."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _column(a, b, u, x):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Column of the layer that the ray of lens coordinate u meets, seen from column x."""
    return (x + u * a) / (1.0 - u * b)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _classify(blocks, entry, plane, lens, strip, ends, x0, y0, x1, y1):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Class of what the pixels x0..x1, y0..y1 (ends included) see of a layer through one strip."""
    left, top, right, bottom = 1e18, 1e18, -1e18, -1e18
    least, positive, negative = 1e18, False, False
    for y in (y0, y1):
        for v in (lens[0] * strip[0], lens[0] * strip[1]):
            a, b = line_of(plane, lens[1], v, y)
            for x in (x0, x1):
                for u in (lens[0] * ends[0], lens[0] * ends[1]):
                    column = _column(a, b, u, x)
                    delta = a + b * column
                    row = y + v * delta
                    left, right = min(left, column), max(right, column)
                    top, bottom = min(top, row), max(bottom, row)
                    least = min(least, abs(delta))
                    positive, negative = positive or delta > 0.0, negative or delta < 0.0
    state = occupancy(
        blocks,
        entry,
        int(np.floor(left)) - 1,
        int(np.floor(top)) - 1,
        int(np.ceil(right)) + 1,
        int(np.ceil(bottom)) + 1,
    )
    if positive != negative and least * lens[2] >= WIDEST_POINT:
        state += WIDE
    return state


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _segments(blocks, table, planes, lens, strip, ends, tile, states, bounds):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Cut the tile row where the class of any layer changes.

    bounds [S] gets the columns of the cuts, states [S, L] the classes; returns the number of segments.
    """
    x0, y0, x1, y1 = tile[0], tile[1], tile[2], tile[3]
    count = 0
    for left in range(x0, x1, BLOCK):
        right = min(left + BLOCK, x1) - 1
        same, hidden = count > 0, False
        for layer in range(table.shape[0]):
            state = EMPTY
            if not hidden:
                state = _classify(
                    blocks, table[layer], planes[layer], lens, strip, ends, left, y0, right, y1 - 1
                )
                hidden = state % WIDE == SOLID
            if state % WIDE == EMPTY:
                state = EMPTY
            states[count, layer] = state
            same = same and state == states[count - 1, layer]
        if not same:
            bounds[count] = left
            count += 1
    bounds[count] = x1
    return count


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _run(value, step, done, stop):  # type: ignore[no-untyped-def]  # pragma: no cover
    """End of the pixels from `done` on along which floor(value + step j) stays the same, at most `stop`."""
    if step == 0.0:
        return stop
    here = value + step * done
    left = (np.floor(here) + 1.0 - here) / step if step > 0.0 else (np.floor(here) - here) / step
    return stop if left >= stop - done else done + max(int(np.ceil(left)), 1)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _edge_row(rows, cap, a, b, u, x, first, count, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """out[j] = alpha integrated up to where lens coordinate u looks."""
    value, step = _column(a, b, u, x) + 0.5 - first, 1.0 / (1.0 - u * b) - 1.0
    done = 0
    while done < count:
        stop = _run(value, step, done, count)
        z = value + step * done
        k = np.floor(z)
        at = np.uint64(3 * cap + int(k) + done)
        look_up(rows, at, np.float32(z - k), np.float32(step), out, np.uint64(done), np.uint64(stop - done))
        done = stop


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_wide(rows, cap, line, lens, cells, fresh, through, width, x, x0, first, count, total, scratch):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Colour of a layer whose cells are wider than a pixel, by edges."""
    a, b = line
    colour, shift = scratch[0], scratch[1]
    colour[: 3 * count] = ZERO
    shifts(a, b, x, shift, np.uint64(count))
    last, before = cells.shape[0], 0.0
    for e in range(last + 1):
        u = lens[0] * (cells[e, 0] if e < last else cells[last - 1, 1])
        after = 0.0
        if e < last:
            after = cells[e, 2] / (lens[0] * (cells[e, 1] - cells[e, 0]))
        if fresh and abs(before - after) <= 1e-7 * max(before, after):
            before = after
            continue
        value, step = _column(a, b, u, x) + 0.5 - first, 1.0 / (1.0 - u * b) - 1.0
        done = 0
        while done < count:
            stop = _run(value, step, done, count)
            z = value + step * done
            k = np.floor(z)
            at, size = np.uint64(int(k) + done), np.uint64(stop - done)
            f, df = np.float32(z - k), np.float32(step)
            if fresh:
                d = np.float32(before - after)
                add_edge(rows, at, np.uint64(cap), f, df, d, colour, np.uint64(done), np.uint64(count), size)
            else:
                here = x - x0 + done
                cell0, cell1 = (
                    np.uint64(max(e - 1, 0) * width + here),
                    np.uint64(min(e, last - 1) * width + here),
                )
                add_seen_edge(
                    rows,
                    at,
                    np.uint64(cap),
                    f,
                    df,
                    through,
                    cell0,
                    cell1,
                    np.float32(before),
                    np.float32(after),
                    colour,
                    np.uint64(done),
                    np.uint64(count),
                    size,
                )
            done = stop
        before = after
    add_scaled(colour, shift, total, np.uint64(x - x0), np.uint64(width), np.uint64(count))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _dim_wide(rows, cap, line, lens, cells, fresh, through, width, x, x0, first, count, scratch):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Let every cell of such a layer take its share of the light."""
    a, b = line
    shift, behind, ahead = scratch[1], scratch[2], scratch[3]
    shifts(a, b, x, shift, np.uint64(count))
    _edge_row(rows, cap, a, b, lens[0] * cells[0, 0], x, first, count, behind)
    for i in range(cells.shape[0]):
        u, w = lens[0] * cells[i, 0], lens[0] * cells[i, 1]
        _edge_row(rows, cap, a, b, w, x, first, count, ahead)
        at = np.uint64(i * width + x - x0)
        if fresh:
            begin(through, at, ahead, behind, shift, np.float32(1.0 / (w - u)), np.uint64(count))
        else:
            dim(through, at, ahead, behind, shift, np.float32(1.0 / (w - u)), np.uint64(count))
        ahead, behind = behind, ahead


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_narrow(rows, cap, line, lens, cells, solid, through, width, x, x0, first, count, total, scratch):  # type: ignore[no-untyped-def]  # pragma: no cover
    """A layer whose cells are smaller than a pixel, by look-ups at their middles."""
    a, b = line
    alpha = scratch[0]
    for i in range(cells.shape[0]):
        light = np.float32(cells[i, 2])
        if light == ZERO:
            continue
        u = lens[0] * 0.5 * (cells[i, 0] + cells[i, 1])
        value, step = _column(a, b, u, x) - first, 1.0 / (1.0 - u * b) - 1.0
        done = 0
        while done < count:
            stop = _run(value, step, done, count)
            z = value + step * done
            k = np.floor(z)
            at, size = np.uint64(int(k) + done), np.uint64(stop - done)
            f, df = np.float32(z - k), np.float32(step)
            cell = np.uint64(i * width + x - x0 + done)
            to = np.uint64(x - x0 + done)
            add_seen_edge(
                rows,
                at,
                np.uint64(cap),
                f,
                df,
                through,
                cell,
                cell,
                light,
                ZERO,
                total,
                to,
                np.uint64(width),
                size,
            )
            if not solid:
                look_up(rows, at + np.uint64(3 * cap), f, df, alpha, np.uint64(0), size)
                dim_by(through, cell, alpha, size)
            done = stop


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _columns(plane, lens, strip, ends, x, stop, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    """First column and number of columns that the pixels x..stop of row y read of a layer."""
    a, b = line_of(plane, lens[1], 0.5 * lens[0] * (strip[0] + strip[1]), y)
    u, w = lens[0] * ends[0], lens[0] * ends[1]
    one, two = _column(a, b, u, x), _column(a, b, w, x)
    three, four = _column(a, b, u, stop - 1), _column(a, b, w, stop - 1)
    left, right = min(min(one, two), min(three, four)), max(max(one, two), max(three, four))
    first = int(np.floor(left)) - 2
    return first, int(np.ceil(right)) + 3 - first


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _capacity(planes, lens, strip, ends, tile):  # type: ignore[no-untyped-def]  # pragma: no cover
    most = 0
    for layer in range(planes.shape[0]):
        for y in (tile[1], tile[3] - 1):
            most = max(most, _columns(planes[layer], lens, strip, ends, tile[0], tile[2], y)[1])
    return most + 32


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _segment(  # type: ignore[no-untyped-def]  # pragma: no cover
    flat, table, planes, lens, strip, cells, states, place, eye, x, stop, x0, y, width, buffers, total
):
    """One segment of one image row through one strip: all layers, front to back."""
    rows, sums, cap, weights, through, scratch = buffers
    count, fresh, ended = stop - x, eye == 0.0, False
    if not fresh:
        open_cells(through, cells, width, strip, place, eye, x, x0, y, count)
        add_light(through, cells, width, 1.0, x, x0, count, total[3 * width :])
        add_light(through, cells, width, 1.0, x, x0, count, total[4 * width :])
    ends, centre = (cells[0, 0], cells[-1, 1]), 0.5 * lens[0] * (strip[0] + strip[1])
    for layer in range(states.shape[0]):
        wide, solid = states[layer] >= WIDE, states[layer] % WIDE == SOLID
        if states[layer] == EMPTY:
            continue
        if fresh and not wide:
            open_cells(through, cells, width, strip, place, eye, x, x0, y, count)
            fresh = False
        line = line_of(planes[layer], lens[1], centre, y)
        first, number = _columns(planes[layer], lens, strip, ends, x, stop, y)
        channels = 3 if solid else 4
        read_band(
            flat,
            table[layer],
            planes[layer],
            lens,
            strip,
            y,
            channels,
            first,
            number,
            wide,
            rows,
            cap,
            weights,
        )
        if wide:
            integrate(rows, cap, channels, line, first, number, weights, sums)
            _add_wide(
                sums, cap, line, lens, cells, fresh, through, width, x, x0, first, count, total, scratch
            )
            if not solid:
                _dim_wide(sums, cap, line, lens, cells, fresh, through, width, x, x0, first, count, scratch)
        else:
            _add_narrow(
                rows, cap, line, lens, cells, solid, through, width, x, x0, first, count, total, scratch
            )
        fresh = False
        if solid:
            ended = True
            break
    coverage = total[3 * width :]
    if eye == 0.0 and not fresh:
        light = ZERO
        for i in range(cells.shape[0]):
            light += np.float32(cells[i, 2])
        for j in range(x - x0, stop - x0):
            coverage[j] += light
    if not (fresh or ended):
        add_light(through, cells, width, -1.0, x, x0, count, coverage)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def render_tiles(flat, table, blocks, planes, lens, strips, firsts, all_cells, place, eye, tile, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Render neighbouring tiles of one row of tiles that share their lens samples.

    Args:
        flat: float32, pixels of all layers, [4, h, w] each.
        table: [L, 7] int64, see occupancy.py.
        blocks: uint8, classes of all layers' blocks.
        planes: [L, 3] float64 (p, q, r).
        lens: [3] float64 (K, disp_focus, height of a strip in pixels per unit of disparity).
        strips, firsts, all_cells: see `LensStrips`.
        place: [3] float64, middle of the image (x, y) and 1 / half its diagonal.
        eye: displacement of the cat-eye's second disc at the corners, 0 for none.
        tile: [4] int64 (x0, y0, x1, y1).
        out: [H, W, 4] float32; the tiles are written.
    """
    x0, y0, x1, y1 = tile[0], tile[1], tile[2], tile[3]
    width, layers = x1 - x0, table.shape[0]
    # Own copies: views of shared arrays are counted, and threads would fight over the counters.
    table, planes, strips, all_cells = table.copy(), planes.copy(), strips.copy(), all_cells.copy()
    total = np.zeros((y1 - y0, 5 * width), np.float32)
    bounds = np.empty(width // BLOCK + 3, np.int64)
    states = np.empty((width // BLOCK + 3, layers), np.int64)
    scratch = np.empty((4, 3 * width), np.float32)
    cap, most = 0, 0
    for k in range(strips.shape[0]):
        ends = (all_cells[firsts[k], 0], all_cells[firsts[k + 1] - 1, 1])
        cap = max(cap, _capacity(planes, lens, strips[k], ends, tile))
        most = max(most, firsts[k + 1] - firsts[k])
    rows, sums = np.empty(4 * cap, np.float32), np.empty(4 * cap, np.float32)
    weights = np.empty(cap, np.float32)
    through = np.empty(most * width, np.float32)
    buffers = (rows, sums, cap, weights, through, scratch)
    for k in range(strips.shape[0]):
        cells = all_cells[firsts[k] : firsts[k + 1]]
        ends = (cells[0, 0], cells[-1, 1])
        count = _segments(blocks, table, planes, lens, strips[k], ends, tile, states, bounds)
        for y in range(y0, y1):
            for index in range(count):
                _segment(
                    flat,
                    table,
                    planes,
                    lens,
                    strips[k],
                    cells,
                    states[index],
                    place,
                    eye,
                    bounds[index],
                    bounds[index + 1],
                    x0,
                    y,
                    width,
                    buffers,
                    total[y - y0],
                )
    for y in range(y0, y1):
        row = total[y - y0]
        for x in range(width):
            scale = ONE
            if eye != 0.0:
                scale = ONE / max(row[4 * width + x], np.float32(1e-12))
            for channel in range(4):
                out[y, x0 + x, channel] = max(ZERO, row[channel * width + x]) * scale
