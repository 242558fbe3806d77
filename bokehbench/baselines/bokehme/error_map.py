"""The error map without a network: where scattering goes wrong, from the disparity map alone.

Peng et al., CVPR 2022, eq. 2 to 5, in the form that needs no layers (methods spec A1.4): depth edges are
found in the map of blur radii, and each spreads the error over the circle that it blurs. Thresholds and
pooling are ours; the authors' are not published.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

BAND = 32
"""Rows that one thread fills."""
ALIKE = 0.9
"""Radii on both sides of an edge that are more alike than this count as one surface."""
STEP = 1e-3
"""Least difference of both radii, of the picture's shorter side."""
RATIO, STEEPNESS = 2.0 / 3.0, 10.0
"""delta_2 and the slope of eq. 5; delta_1 is 4."""


def analytic_error_map(defocus: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Where the neural renderer should replace scattering.

    Args:
        defocus: [H, W] signed defocus, pixels. Like eq. 5, this looks at radii alone: an edge whose sides are
            blurred alike, one in front of focus and one behind, counts as no edge.

    Returns:
        [H, W] float32 in [0, 1].
    """
    import cv2

    radius = np.abs(defocus).astype(np.float32)
    around = np.ones((3, 3), np.uint8)
    wide, narrow = cv2.dilate(radius, around), cv2.erode(radius, around)
    ratio = narrow / np.maximum(wide, 1e-6)
    edge = (wide - narrow > STEP * min(radius.shape)) & (ratio < ALIKE)
    rows, columns = np.nonzero(edge)
    strength = 0.5 + 0.5 * np.tanh(STEEPNESS * (RATIO - ratio[edge]))
    out = np.zeros(radius.shape, np.float32)
    _spread(rows, columns, wide[edge], strength.astype(np.float32), out)
    return out


@numba.njit(cache=True, parallel=True)
def _spread(rows, columns, reach, strength, out) -> None:  # type: ignore[no-untyped-def]
    """The largest ``strength (1 - (distance / reach)^4)`` of all edge pixels, at every pixel."""
    height, width = out.shape
    for band in numba.prange((height + BAND - 1) // BAND):
        top, bottom = band * BAND, min(height, (band + 1) * BAND)
        for n in range(len(rows)):
            y0, x0, r = rows[n], columns[n], reach[n]
            whole = int(r)
            for y in range(max(top, y0 - whole), min(bottom, y0 + whole + 1)):
                dy = y - y0
                half = int(np.sqrt(r * r - dy * dy))
                for x in range(max(0, x0 - half), min(width, x0 + half + 1)):
                    square = (dy * dy + (x - x0) * (x - x0)) / (r * r)
                    value = strength[n] * (np.float32(1.0) - np.float32(square * square))
                    out[y, x] = max(out[y, x], value)
