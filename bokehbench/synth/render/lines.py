"""What the lens points of one strip see of a layer from one image row: a straight line of the layer.

With u = K s and v = K t, the ray of pixel (x, y) meets a plane of disparity p X + q Y + r at

    X = (x + u a) / (1 - u b),  a = (r - disp_focus + q y) / (1 - v q),
    Y = y + v (a + b X),        b = p / (1 - v q)

(docs/conventions.md, solved for the place that is hit). Y does not depend on u: all lens points of a row t
see the line Y(X). A strip of the aperture sees the band between the lines of its two ends; the layer, read as
bilinear, is averaged over the height of that band exactly, column by column, whatever the tilt.
"""

from __future__ import annotations

import numba
import numpy as np

from bokehbench.synth.render.occupancy import HEIGHT, LEFT, OFFSET, TOP, WIDTH


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def line_of(plane, focus, v, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    """(a, b): the displacement of a ray that hits column X is (u, v) (a + b X)."""
    scale = 1.0 / (1.0 - v * plane[1])
    return (plane[2] - focus + plane[1] * y) * scale, plane[0] * scale


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _below(z):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Integral of the tent max(0, 1 - |z|) up to z."""
    z = min(max(z, -1.0), 1.0)
    return 0.5 + z - 0.5 * z * abs(z)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _add_row(flat, at, weight, rows, to, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    for j in range(count):
        rows[to + j] += weight * flat[at + j]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _add_two_rows(flat, at, other, weight, weight_other, rows, to, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    for j in range(count):
        rows[to + j] += weight * flat[at + j] + weight_other * flat[other + j]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _add_weighted_row(flat, at, weights, rows, to, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    for j in range(count):
        rows[to + j] += weights[j] * flat[at + j]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
def _band_weights(low, low_slope, high, high_slope, weights, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Share of the band [low, high] (relative to a row, growing along it) that the row's tent has."""
    one, half = np.float32(1.0), np.float32(0.5)
    for j in range(count):
        k = np.float32(np.int32(j))
        start, stop = low + low_slope * k, high + high_slope * k
        bottom, top = min(max(start, -one), one), min(max(stop, -one), one)
        part = top - bottom - half * (top * abs(top) - bottom * abs(bottom))
        weights[j] = part / (stop - start)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _tent_weights(at, slope, weights, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    for j in range(count):
        weights[j] = max(np.float32(0.0), np.float32(1.0) - abs(at + slope * np.float32(np.int32(j))))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _inside(value, slope, bound, first, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Part of first..end where value + slope j < bound, a pixel too much rather than too little."""
    if slope == 0.0:
        return (first, end) if value < bound else (first, first)
    at = (bound - value) / slope
    if slope > 0.0:
        return first, max(first, min(end, int(np.ceil(min(at, 1e9))) + 1))
    return min(end, max(first, int(np.floor(max(at, -1e9))))), end


@numba.njit(cache=True, nogil=True, error_model="numpy")
def read_band(flat, entry, plane, lens, strip, y, channels, first, count, wide, rows, cap, weights):  # type: ignore[no-untyped-def]  # pragma: no cover
    """A layer along the band of one strip of the aperture, seen from row y.

    Args:
        flat, entry, plane: the layer, see `occupancy`.
        lens: [2] (K, disp_focus).
        strip: [2] ends of the strip, lens units.
        channels: how many to read, 3 or 4.
        first, count: columns, output coordinates.
        wide: average over the band; else look up at its middle.
        rows: float32; channel c goes to c * cap and what follows, 0 outside the raster.
        weights: float32 scratch.
    """
    for channel in range(channels):
        for j in range(count):
            rows[channel * cap + j] = np.float32(0.0)
    skip = max(entry[LEFT] - first, 0)
    end = min(count, entry[LEFT] + entry[WIDTH] - first)
    if skip >= end:
        return
    v0, v1 = lens[0] * strip[0], lens[0] * strip[1]
    if not wide:
        v0 = v1 = 0.5 * (v0 + v1)
    # low + low_slope j and high + high_slope j: the band's ends, rows of the raster, at column first + j.
    a, b = line_of(plane, lens[1], v0, y)
    low, low_slope = y - entry[TOP] + v0 * (a + b * first), v0 * b
    a, b = line_of(plane, lens[1], v1, y)
    high, high_slope = y - entry[TOP] + v1 * (a + b * first), v1 * b
    if low + low_slope * skip > high + high_slope * skip:
        low, low_slope, high, high_slope = high, high_slope, low, low_slope
    top = min(low + low_slope * skip, low + low_slope * (end - 1))
    bottom = max(high + high_slope * skip, high + high_slope * (end - 1))
    row, last = max(int(np.floor(top)), 0), min(int(np.ceil(bottom)), entry[HEIGHT] - 1)
    sloped = low_slope != 0.0 or high_slope != 0.0
    if sloped:
        while row <= last:
            _read_sloped(
                flat,
                entry,
                channels,
                row,
                low,
                low_slope,
                high,
                high_slope,
                skip,
                end,
                first,
                wide,
                rows,
                cap,
                weights,
            )
            row += 1
        return
    plate, size = entry[HEIGHT] * entry[WIDTH], np.uint64(end - skip)
    start = entry[OFFSET] + first + skip - entry[LEFT]
    while row <= last:
        pair = row < last
        weight, other = _weight(row, low, high, wide), _weight(row + 1, low, high, wide)
        for channel in range(channels):
            at = np.uint64(start + channel * plate + row * entry[WIDTH])
            to = np.uint64(channel * cap + skip)
            if pair:
                _add_two_rows(flat, at, at + np.uint64(entry[WIDTH]), weight, other, rows, to, size)
            else:
                _add_row(flat, at, weight, rows, to, size)
        row += 2


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _weight(row, low, high, wide):  # type: ignore[no-untyped-def]  # pragma: no cover
    if wide:
        return np.float32((_below(high - row) - _below(low - row)) / (high - low))
    return np.float32(max(0.0, 1.0 - abs(low - row)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _read_sloped(  # type: ignore[no-untyped-def]  # pragma: no cover
    flat, entry, channels, row, low, low_slope, high, high_slope, skip, end, first, wide, rows, cap, weights
):
    """One row of the raster where the band's ends move along it."""
    begin, stop = _inside(low, low_slope, row + 1.0, skip, end)
    begin, stop = _inside(-high, -high_slope, 1.0 - row, begin, stop)
    if begin >= stop:
        return
    size = np.uint64(stop - begin)
    bottom, top = np.float32(low + low_slope * begin - row), np.float32(high + high_slope * begin - row)
    if wide:
        _band_weights(bottom, np.float32(low_slope), top, np.float32(high_slope), weights, size)
    else:
        _tent_weights(bottom, np.float32(low_slope), weights, size)
    for channel in range(channels):
        plate = channel * entry[HEIGHT] * entry[WIDTH]
        at = np.uint64(entry[OFFSET] + plate + row * entry[WIDTH] + first + begin - entry[LEFT])
        _add_weighted_row(flat, at, weights, rows, np.uint64(channel * cap + begin), size)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _smooth(rows, at, scale, out, to, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    side, middle, one = np.float32(1.0 / 24.0), np.float32(22.0 / 24.0), np.uint64(1)
    for j in range(count):
        out[to + j] = scale[j] * (middle * rows[at + j] + side * (rows[at + j - one] + rows[at + j + one]))


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _jacobian(a, b, first, scale, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    start, slope, one = np.float32(a + b * first), np.float32(b), np.float32(1.0)
    for j in range(count):
        inverse = one / (start + slope * np.float32(np.int32(j)))
        scale[j] = inverse * inverse


@numba.njit(cache=True, nogil=True, error_model="numpy")
def integrate(rows, cap, channels, line, first, count, scale, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Integral of the rows over lens coordinates, at the count + 1 edges between columns.

    Between two lens coordinates u the light of a line is the integral of C(X) du, and du/dX is
    (a + b x) / (a + b X)^2: the rows are divided by (a + b X)^2 before they are summed, and who looks the sum
    up multiplies by a + b x. Looked up linearly, the sum reads a row as steps; smoothing by (1, 22, 1) / 24
    beforehand gives a step the variance of the tent of a bilinear lookup, 1/6.

    Args:
        rows: as `read_band` left them; channel c starts at c * cap. The first and last pixel are not used.
        channels: 3 or 4.
        line: (a, b), see `line_of`.
        first, count: columns.
        scale: float32 scratch.
        out: float32, laid out as rows; written.
    """
    size = np.uint64(count - 2)
    _jacobian(line[0], line[1], first + 1.0, scale, size)
    for channel in range(channels):
        at = np.uint64(channel * cap + 1)
        _smooth(rows, at, scale, out, at, size)
        out[channel * cap] = out[channel * cap + count - 1] = np.float32(0.0)
    _sum_up(out, np.uint64(cap), channels == 4, np.uint64(count))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sum_up(rows, cap, four, count):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Running sums of 3 or 4 channels; their halves side by side, so that no sum waits for another."""
    half, one = count // np.uint64(2), np.uint64(1)
    a0, b0, c0, d0 = np.uint64(0), cap, cap + cap, (cap + cap + cap if four else cap + cap)
    a1, b1, c1, d1 = a0 + half, b0 + half, c0 + half, d0 + half
    p0 = p1 = q0 = q1 = r0 = r1 = s0 = s1 = np.float32(0.0)
    for j in range(half):
        w0, w1, x0, x1 = rows[a0 + j], rows[a1 + j], rows[b0 + j], rows[b1 + j]
        y0, y1, z0, z1 = rows[c0 + j], rows[c1 + j], rows[d0 + j], rows[d1 + j]
        rows[d0 + j], rows[d1 + j] = s0, s1
        rows[a0 + j], rows[a1 + j], rows[b0 + j], rows[b1 + j] = p0, p1, q0, q1
        rows[c0 + j], rows[c1 + j] = r0, r1
        p0 += w0
        p1 += w1
        q0 += x0
        q1 += x1
        r0 += y0
        r1 += y1
        s0 += z0
        s1 += z1
    rest = count - half - half
    _finish(rows, a1 + half, rest, a1, half + rest + one, p0, p1)
    _finish(rows, b1 + half, rest, b1, half + rest + one, q0, q1)
    _finish(rows, c1 + half, rest, c1, half + rest + one, r0, r1)
    if four:
        _finish(rows, d1 + half, rest, d1, half + rest + one, s0, s1)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _finish(rows, at, rest, start, count, before, total):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The last 0 or 1 pixels of the second half, its end, and the sum of the first half added to it."""
    for j in range(rest):
        value = rows[at + j]
        rows[at + j] = total
        total += value
    rows[at + rest] = total
    for j in range(count):
        rows[start + j] += before
