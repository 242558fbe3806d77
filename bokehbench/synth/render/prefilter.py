"""Box prefilter: every layer is blurred by the footprint that one lens cell has on it.

At layer point x' the footprint of a cell is a square of side ``h = 2 K |d(x') - disp_focus| / n`` pixels, a
function of x' alone, also on tilted planes. The discrete box has 2m+1 full taps and two edge taps of equal
weight f. Cells lie h apart, so a point light spreads evenly only if the box has no energy at the frequency
1/h; f is chosen for that. What ripple is left on the light of a single pixel is nothing for
whole h and below 6 % (rms) between; boxes below one pixel are left to the tent of the bilinear lookup.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def box_taps(side: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Taps of the discrete box.

    ``sin(pi (2m+1) / h) / sin(pi / h) + 2 f cos(2 pi (m+1) / h) = 0`` for h >= 2; below, where that
    would blur more than it helps, f = min(h - 1, 1/2), and no filter for h <= 1.

    Args:
        side: h in pixels, any shape, >= 0.

    Returns:
        (m, f): full taps reach m pixels to each side, the next tap has weight f in [0, 1].
    """
    h = np.asarray(side, np.float64)
    wide = np.maximum(h, 2.0)
    m = np.where(h < 2.0, 0.0, np.floor((wide - 1.0) / 2.0 + 1e-9))
    inner = np.sin(np.pi * (2.0 * m + 1.0) / wide) / np.sin(np.pi / wide)
    f = np.where(h < 2.0, np.minimum(h - 1.0, 0.5), -inner / (2.0 * np.cos(2.0 * np.pi * (m + 1.0) / wide)))
    return m.astype(np.int64), np.clip(f, 0.0, 1.0)


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def _accumulate(source, weight, into):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(into.shape[0]):
        into[i] += weight * source[i]


@numba.njit(cache=True, nogil=True)
def blur_constant(source, m, f, target):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Box of the same size everywhere: a few shifted rows, added.

    Args:
        source: [h, w] float32, zero outside.
        m, f: taps of `box_taps`.
        target: [h, w] float32; written.
    """
    height, width = source.shape
    rows = np.zeros((height, width), np.float32)
    target[:] = 0.0
    for k in range(-m - 1, m + 2):
        weight = np.float32((f if abs(k) > m else 1.0) / (2.0 * m + 1.0 + 2.0 * f))
        first, end = max(-k, 0), min(width - k, width)
        if weight == 0.0 or first >= end:
            continue
        for y in range(height):
            _accumulate(source[y, first + k : end + k], weight, rows[y, first:end])
    for y in range(height):
        for k in range(-m - 1, m + 2):
            weight = np.float32((f if abs(k) > m else 1.0) / (2.0 * m + 1.0 + 2.0 * f))
            if 0 <= y + k < height and weight != 0.0:
                _accumulate(rows[y + k], weight, target[y])


@numba.njit(cache=True, nogil=True)
def _blur_line(source, target, m, f, prefix):  # type: ignore[no-untyped-def]  # pragma: no cover
    """target[i] = weighted mean of source around i; prefix is scratch of length + 1."""
    length = source.shape[0]
    prefix[0] = 0.0
    for i in range(length):
        prefix[i + 1] = prefix[i] + source[i]
    for i in range(length):
        low, high = i - m[i], i + m[i] + 1
        total = prefix[min(high, length)] - prefix[max(low, 0)]
        if low >= 1:
            total += f[i] * source[low - 1]
        if high < length:
            total += f[i] * source[high]
        target[i] = total / (2.0 * m[i] + 1.0 + 2.0 * f[i])


@numba.njit(cache=True, nogil=True)
def blur_varying(source, m, f, target):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Box of its own size at every pixel: m [h, w] int64 and f [h, w] float64; else as `blur_constant`."""
    height, width = source.shape
    columns = np.empty((width, height), np.float32)
    prefix = np.empty(max(height, width) + 1, np.float64)
    for y in range(height):
        _blur_line(source[y], columns[:, y], m[y], f[y], prefix)
    for x in range(width):
        _blur_line(columns[x], target[:, x], m[:, x], f[:, x], prefix)
