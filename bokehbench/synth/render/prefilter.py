"""Box prefilter: every layer is blurred by the footprint that one lens cell has on it.

At layer point x' the footprint of a cell is a square of side ``2 K |d(x') - disp_focus| / n`` pixels, a
function of x' alone, also on tilted planes. The discrete box has 2m+1 full taps and two edge taps of equal
weight f, chosen so that its variance is exactly side^2 / 12; the tent of the bilinear lookup comes on top,
as it does without the prefilter.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Planar = npt.NDArray[np.float32]


def box_taps(side: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Taps of the discrete box of variance side^2 / 12.

    Args:
        side: pixels, any shape, >= 0; 0 is no filter.

    Returns:
        (m, f): full taps reach m pixels to each side, the next tap has weight f in [0, 1).
    """
    variance = np.asarray(side, np.float64) ** 2 / 12.0
    m = np.floor((np.sqrt(1.0 + 12.0 * variance) - 1.0) / 2.0 + 1e-12)
    spread = m * (m + 1.0) * (2.0 * m + 1.0) / 3.0
    f = (variance * (2.0 * m + 1.0) - spread) / (2.0 * ((m + 1.0) ** 2 - variance))
    return m.astype(np.int64), np.clip(f, 0.0, 1.0)


@numba.njit(cache=True, nogil=True)
def _blur_line(source, target, m, f, prefix):  # type: ignore[no-untyped-def]  # pragma: no cover
    """target[i] = weighted mean of source around i; zero outside; prefix is scratch of length + 1."""
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
def _blur_plane(source, target, m, f):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Rows, then columns; m and f [h, w] per pixel."""
    height, width = source.shape
    rows = np.empty((width, height), np.float32)
    prefix = np.empty(max(height, width) + 1, np.float64)
    for y in range(height):
        _blur_line(source[y], rows[:, y], m[y], f[y], prefix)
    for x in range(width):
        _blur_line(rows[x], target[:, x], m[:, x], f[:, x], prefix)


def box_prefilter(planar: Planar, side: npt.NDArray[np.float64]) -> Planar:
    """Blur planar layers by a box whose side varies from pixel to pixel.

    Args:
        planar: [4, h, w] float32 premultiplied RGBA, transparent outside.
        side: [h, w] pixels.

    Returns:
        [4, h, w] float32.
    """
    m, f = box_taps(side)
    result = np.empty_like(planar)
    for channel in range(planar.shape[0]):
        _blur_plane(planar[channel], result[channel], m, f)
    return result
