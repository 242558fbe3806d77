"""The inner loops of the CPU kernel: what is done to every pixel of a run.

They index whole buffers with unsigned integers: slices would be counted references, and signed indices would
be tested for being negative; either costs more than the arithmetic. In all of them `at` is the place in
`rows` of the first pixel's left neighbour, f + df j the fraction between neighbours.
"""

from __future__ import annotations

import numba
import numpy as np

ONE, ZERO = np.float32(1.0), np.float32(0.0)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def look_up(rows, at, f, df, out, to, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """One channel."""
    one = np.uint64(1)
    for j in range(count):
        s = f + df * np.float32(np.int32(j))
        out[to + j] = rows[at + j] + s * (rows[at + j + one] - rows[at + j])


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def add_edge(rows, at, cap, f, df, weight, out, to, width, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Three channels, the same weight for every pixel."""
    one = np.uint64(1)
    for _ in range(3):
        for j in range(count):
            s = f + df * np.float32(np.int32(j))
            out[to + j] += weight * (rows[at + j] + s * (rows[at + j + one] - rows[at + j]))
        at += cap
        to += width


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def add_seen_edge(rows, at, cap, f, df, through, before, after, q0, q1, out, to, width, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Three channels, weighted by q0 T_before - q1 T_after."""
    one = np.uint64(1)
    g, b = at + cap, at + cap + cap
    to_g, to_b = to + width, to + width + width
    for j in range(count):
        s = f + df * np.float32(np.int32(j))
        d = q0 * through[before + j] - q1 * through[after + j]
        out[to + j] += d * (rows[at + j] + s * (rows[at + j + one] - rows[at + j]))
        out[to_g + j] += d * (rows[g + j] + s * (rows[g + j + one] - rows[g + j]))
        out[to_b + j] += d * (rows[b + j] + s * (rows[b + j + one] - rows[b + j]))


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def dim(through, at, ahead, behind, shift, scale, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Light that is left behind a cell whose alpha integrates to ahead - behind."""
    for j in range(count):
        alpha = scale * shift[j] * (ahead[j] - behind[j])
        through[at + j] *= max(ZERO, ONE - alpha)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def begin(through, at, ahead, behind, shift, scale, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`dim` where all light is left."""
    for j in range(count):
        through[at + j] = max(ZERO, ONE - scale * shift[j] * (ahead[j] - behind[j]))


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def dim_by(through, at, alpha, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Light that is left behind alpha."""
    for j in range(count):
        through[at + j] *= max(ZERO, ONE - alpha[j])


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def add_scaled(source, shift, out, to, width, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Three channels, one after the other in `source`, times shift."""
    for channel in range(3):
        at = np.uint64(channel) * count
        for j in range(count):
            out[to + j] += shift[j] * source[at + j]
        to += width


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def shifts(a, b, x, out, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """a + b x."""
    start, slope = np.float32(a + b * x), np.float32(b)
    for j in range(count):
        out[j] = start + slope * np.float32(np.int32(j))


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def open_cells(through, cells, width, strip, place, eye, x, x0, y, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Light at the front: 1, or what a cat-eye's second disc leaves of each cell, its edge a cell wide."""
    if eye == 0.0:
        for i in range(cells.shape[0]):
            at = np.uint64(i * width + x - x0)
            for j in range(np.uint64(count)):
                through[at + j] = ONE
        return
    t = np.float32(0.5 * (strip[0] + strip[1]) - eye * (y - place[1]) * place[2])
    soft = np.float32(1.0 / max(strip[1] - strip[0], 1e-6))
    step = np.float32(-eye * place[2])
    for i in range(cells.shape[0]):
        at = np.uint64(i * width + x - x0)
        s = np.float32(0.5 * (cells[i, 0] + cells[i, 1]) - eye * (x - place[0]) * place[2])
        for j in range(np.uint64(count)):
            d = s + step * np.float32(np.int32(j))
            inside = (ONE - np.sqrt(d * d + t * t)) * soft + np.float32(0.5)
            through[at + j] = min(max(inside, ZERO), ONE)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def add_light(through, cells, width, sign, x, x0, count, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """out += sign * light of the cells that is left."""
    for i in range(cells.shape[0]):
        at, to, weight = np.uint64(i * width + x - x0), np.uint64(x - x0), np.float32(sign * cells[i, 2])
        if weight != ZERO:
            for j in range(np.uint64(count)):
                out[to + j] += weight * through[at + j]
