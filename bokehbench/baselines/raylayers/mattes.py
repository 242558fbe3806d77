"""Soft rims: pixels beside a depth edge are mixtures of both sides, and are taken apart.

A disparity map says near or far, the image has anti-aliased, hairy edges. Left as it is, a rim pixel would
stay sharp on the background when the foreground blurs away, as a thin contour. For each pixel within `BAND`
of the edge the colours of both sides are read from a little farther away, alpha is where the pixel lies on
the line between them, and what does not fit goes to the side that the map has put it on: unblurred, the
parts give back the image exactly.
"""

from __future__ import annotations

import numba
import numpy as np

from bokehbench.baselines.raylayers.surfaces import JUMP, RAMP, Surface

BAND = 2
"""Pixels on either side of a depth edge that may be mixtures."""
AWAY = 2.0
"""Distance beyond, pixels, at which the pure colour of a side is read."""
CONTRAST = 0.1
"""Difference of linear colour from which both sides can be told apart with full confidence."""


def soften(seen: Surface, hidden: Surface) -> tuple[Surface, Surface]:
    """Take the pixels beside depth edges apart.

    Args:
        seen: the visible surface, opaque.
        hidden: what is behind its near rims.

    Returns:
        The visible surface with soft alpha on the near side and pure background on the far side, and the
        rim: the near side's share in pixels of the far side.
    """
    colour, alpha = seen.colour.copy(), seen.alpha.copy()
    rim, rim_alpha = np.zeros_like(colour), np.zeros_like(alpha)
    rim_defocus = np.zeros_like(seen.defocus)
    _take_apart(
        seen.colour, seen.defocus, hidden.colour, hidden.there, colour, alpha, rim, rim_alpha, rim_defocus
    )
    there = rim_alpha > 0.02
    return (
        Surface(colour, seen.defocus, seen.there, alpha),
        Surface(rim, rim_defocus, there, rim_alpha),
    )


@numba.njit(cache=True, nogil=True)
def _take_apart(  # type: ignore[no-untyped-def]  # pragma: no cover
    image, defocus, behind, is_hiding, colour, alpha, rim, rim_alpha, rim_defocus
):
    height, width = defocus.shape
    for y in range(height):
        for x in range(width):
            ny, nx = _across(defocus, y, x)
            if ny < 0:
                continue
            if defocus[ny, nx] < defocus[y, x]:  # this is the near side
                if not is_hiding[y, x]:
                    continue
                near = _away(image, defocus, y, x, ny, nx)
                far = behind[y, x]
                share = max(_share(image[y, x], near, far, 1.0), 0.5)
                alpha[y, x] = share
                for c in range(3):
                    colour[y, x, c] = max((image[y, x, c] - (1.0 - share) * far[c]) / share, 0.0)
            else:
                near = _away(image, defocus, ny, nx, y, x)
                far = _away(image, defocus, y, x, ny, nx)
                share = min(_share(image[y, x], near, far, 0.0), 0.5)
                rim_alpha[y, x] = share
                rim_defocus[y, x] = defocus[ny, nx]
                for c in range(3):
                    rim[y, x, c] = near[c]
                    colour[y, x, c] = max((image[y, x, c] - share * near[c]) / (1.0 - share), 0.0)


@numba.njit(cache=True, nogil=True)
def _across(defocus, y, x):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Nearest pixel within BAND on the other side of a depth edge; (-1, -1) without one."""
    height, width = defocus.shape
    best, by, bx = BAND * BAND + 1, -1, -1
    for ny in range(max(y - BAND, 0), min(y + BAND + 1, height)):
        for nx in range(max(x - BAND, 0), min(x + BAND + 1, width)):
            distance = (ny - y) ** 2 + (nx - x) ** 2
            if distance < best and abs(defocus[ny, nx] - defocus[y, x]) > max(JUMP * distance, RAMP):
                best, by, bx = distance, ny, nx
    return by, bx


@numba.njit(cache=True, nogil=True)
def _away(image, defocus, y, x, fy, fx):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Colour of the surface at (y, x), read AWAY pixels farther from (fy, fx) where it goes on so far."""
    height, width = defocus.shape
    dy, dx = float(y - fy), float(x - fx)
    length = np.sqrt(dy * dy + dx * dx)
    for step in (AWAY, AWAY / 2.0):
        qy, qx = int(np.rint(y + dy / length * step)), int(np.rint(x + dx / length * step))
        if 0 <= qy < height and 0 <= qx < width and abs(defocus[qy, qx] - defocus[y, x]) < RAMP:
            return image[qy, qx]
    return image[y, x]


@numba.njit(cache=True, nogil=True)
def _share(value, near, far, otherwise):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Alpha of `near` over `far` in `value`; `otherwise` where the two look alike."""
    along, square = 0.0, 0.0
    for c in range(3):
        along += (value[c] - far[c]) * (near[c] - far[c])
        square += (near[c] - far[c]) ** 2
    if square < 1e-8:
        return otherwise
    confidence = min(square / CONTRAST**2, 1.0)
    return otherwise + confidence * (min(max(along / square, 0.0), 1.0) - otherwise)
