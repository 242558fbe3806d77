"""From one image and its defocus to two surfaces: what is seen, and what lies hidden behind depth edges.

All depths here are signed defocus S in pixels: differences of S are how far two surfaces shift against each
other under the lens, which is all that the cut into layers has to know.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]

JUMP = 1.0
"""Difference of S between neighbours, pixels, from which they belong to different surfaces."""
RAMP = 2.0
"""Rise of S within 5 pixels from which a slope is taken for a depth edge that the map has smoothed."""
NOTHING = -1


@dataclass(frozen=True, eq=False)
class Surface:
    """A colour and a defocus at every pixel where `there`.

    Attributes:
        colour: [H, W, 3] float32, linear.
        defocus: [H, W] float32, signed, pixels.
        there: [H, W] bool.
        alpha: [H, W] float32.
    """

    colour: FloatImage
    defocus: FloatImage
    there: npt.NDArray[np.bool_]
    alpha: FloatImage

    @classmethod
    def opaque(
        cls, colour: FloatImage, defocus: FloatImage, there: npt.NDArray[np.bool_] | None = None
    ) -> Surface:
        """A surface with alpha 1 where it is, everywhere unless said."""
        where = np.ones(defocus.shape, np.bool_) if there is None else there
        return cls(colour, defocus, where, where.astype(np.float32))


def snap_edges(defocus: FloatImage, passes: int = 2) -> FloatImage:
    """Move pixels on the ramp of a smoothed depth edge to its nearer or farther side.

    Args:
        defocus: [H, W] signed, pixels.
        passes: each narrows a ramp by up to two pixels a side.

    Returns:
        [H, W]; unchanged where S is smooth or the edge is sharp already.
    """
    window, cross = np.ones((5, 5), np.uint8), np.ones((3, 3), np.uint8)
    for _ in range(passes):
        low, high = cv2.erode(defocus, window), cv2.dilate(defocus, window)
        slope = cv2.dilate(defocus, cross) - cv2.erode(defocus, cross)
        span = high - low
        between = np.minimum(defocus - low, high - defocus) > 0.1 * span
        ramp = (span > RAMP) & (slope > RAMP / 4.0) & between
        defocus = np.where(ramp, np.where(defocus - low > high - defocus, high, low), defocus)
    return defocus


def hidden_surface(seen: Surface, extra: float) -> Surface:
    """What is behind every near rim, as far as rays can look past the rim.

    Each hidden pixel takes the defocus of the nearest visible pixel across the rim that lies farther away,
    and the colour found by mirroring at it. A rim at S and a background at S' shift against each other by
    at most S - S', so that deeper pixels are never seen.

    Args:
        seen: the visible surface.
        extra: pixels beyond that reach.
    """
    seeds = _spread(seen.defocus, extra, JUMP)
    there = seeds != NOTHING
    colour = np.zeros_like(seen.colour)
    defocus = np.zeros_like(seen.defocus)
    _mirror(seen.colour, seen.defocus, seeds, colour, defocus)
    return Surface.opaque(_smoothed(colour, there), defocus, there)


@numba.njit(cache=True, nogil=True)
def _spread(defocus, extra, jump):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Index of the nearest visible pixel behind the rim for every hidden pixel, else NOTHING.

    A breadth-first flood from the rims; a pixel is visited again when a nearer seed comes along.
    """
    height, width = defocus.shape
    seeds = np.full((height, width), NOTHING, np.int64)
    queue = [0 for _ in range(0)]
    for y in range(height):
        for x in range(width):
            if _offer_all(defocus, seeds, y, x, y, x, extra, jump, queue):
                continue
    while len(queue) > 0:
        following = [0 for _ in range(0)]
        for at in queue:
            seed = seeds[at // width, at % width]
            _offer_all(
                defocus, seeds, at // width, at % width, seed // width, seed % width, extra, jump, following
            )
        queue = following
    return seeds


@numba.njit(cache=True, nogil=True)
def _offer_all(defocus, seeds, y, x, sy, sx, extra, jump, queue):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Offer the seed (sy, sx) to the neighbours of (y, x); those that take it go into the queue."""
    height, width = defocus.shape
    taken = False
    for ny in range(max(y - 1, 0), min(y + 2, height)):
        for nx in range(max(x - 1, 0), min(x + 2, width)):
            depth = defocus[ny, nx] - defocus[sy, sx]
            if depth <= jump:
                continue
            distance = float((ny - sy) ** 2 + (nx - sx) ** 2)
            if distance > (depth + extra) ** 2:
                continue
            old = seeds[ny, nx]
            if old != NOTHING:
                oy, ox = old // width, old % width
                if distance >= float((ny - oy) ** 2 + (nx - ox) ** 2):
                    continue
            seeds[ny, nx] = sy * width + sx
            queue.append(ny * width + nx)
            taken = True
    return taken


@numba.njit(cache=True, nogil=True)
def _mirror(colour, defocus, seeds, out, out_defocus):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Colour from beyond the seed, as far outside as the hidden pixel is inside, else from nearer by."""
    height, width = defocus.shape
    for y in range(height):
        for x in range(width):
            if seeds[y, x] == NOTHING:
                continue
            sy, sx = seeds[y, x] // width, seeds[y, x] % width
            dy, dx = float(sy - y), float(sx - x)
            length = np.sqrt(dy * dy + dx * dx)
            by, bx = sy, sx
            # Pixels beside the rim are mixtures of both sides: start two pixels away.
            for reach in (length + 2.0, 0.5 * length + 2.0, 2.0, 1.0):
                qy, qx = int(np.rint(sy + dy / length * reach)), int(np.rint(sx + dx / length * reach))
                if 0 <= qy < height and 0 <= qx < width and abs(defocus[qy, qx] - defocus[sy, sx]) < RAMP:
                    by, bx = qy, qx
                    break
            out[y, x] = colour[by, bx]
            out_defocus[y, x] = defocus[sy, sx]


def _smoothed(colour: FloatImage, there: npt.NDArray[np.bool_]) -> FloatImage:
    """Mean over 5 x 5 of what is there: mirrored colours of neighbours come from scattered places."""
    weight = cv2.blur(there.astype(np.float32), (5, 5))
    mean = cv2.blur(colour, (5, 5)) / np.maximum(weight, 1e-6)[..., None]
    return np.where(there[..., None], mean, 0.0).astype(np.float32)
