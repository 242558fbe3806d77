"""From one image and its defocus to two surfaces: what is seen, and what lies hidden behind depth edges.

All depths here are signed defocus S in pixels: differences of S are how far two surfaces shift against each
other under the lens, which is all that the cut into layers has to know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numba
import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]

CRISP, SOFT = 1.5, 2.2
"""Width of the depth edges, pixels, up to which a map is taken as it is, and from which it counts as soft."""
RAMP = 2.0
"""Rise of S within 5 pixels from which a slope is taken for a depth edge that the map has smoothed, unless
another is given."""
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


def snap_edges(defocus: FloatImage, rise: float = RAMP, passes: int = 2) -> FloatImage:
    """Move pixels on the ramp of a smoothed depth edge to its nearer or farther side.

    Args:
        defocus: [H, W] signed, pixels.
        rise: see `RAMP`.
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
        ramp = (span > rise) & (slope > rise / 4.0) & between
        defocus = np.where(ramp, np.where(defocus - low > high - defocus, high, low), defocus)
    return defocus


def ramp_width(defocus: FloatImage, rise: float = RAMP) -> float:
    """Pixels that the map's depth edges take from one side to the other: 1 where they are crisp.

    Args:
        defocus: [H, W] signed, pixels.
        rise: see `RAMP`.

    Returns:
        The median over the steepest pixels of the map's edges; 1 without any edge.
    """
    wide, cross = np.ones((13, 13), np.uint8), np.ones((3, 3), np.uint8)
    span = cv2.dilate(defocus, wide) - cv2.erode(defocus, wide)
    step = np.zeros_like(defocus)
    step[:, 1:] = np.abs(np.diff(defocus, axis=1))
    step[1:] = np.maximum(step[1:], np.abs(np.diff(defocus, axis=0)))
    steepest = (span > 2.0 * rise) & (step >= cv2.dilate(step, cross)) & (step > span / 8.0)
    return float(np.median(span[steepest] / step[steepest])) if steepest.any() else 1.0


def reach_of(width: float, limit: int) -> int:
    """Pixels from the middle of a smoothed edge to where the map is that of one side: ramp and ringing."""
    return min(math.ceil(1.5 * width) + 1, limit)


def sharpen_edges(defocus: FloatImage, width: float, reach: int, rise: float = RAMP) -> FloatImage:
    """Replace soft depth edges and the ringing beside them by steps between the depths of both sides.

    A predicted map rises over several pixels and overshoots on both sides. Every pixel within `reach` of
    the middle of the rise takes the depth of the nearest pixel of its own side that is not.

    Args:
        defocus: [H, W] signed, pixels.
        width: from `ramp_width`.
        reach: from `reach_of`.
        rise: see `RAMP`.

    Returns:
        [H, W]; unchanged away from edges.
    """
    window, cross = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8), np.ones((3, 3), np.uint8)
    low, high = cv2.erode(defocus, window), cv2.dilate(defocus, window)
    steepest = cv2.dilate(defocus, cross), cv2.erode(defocus, cross)
    middle = 0.5 * (low + high)
    span = high - low
    edge = (span > rise) & (steepest[0] - steepest[1] > span / width)
    edge &= (steepest[0] > middle) & (steepest[1] <= middle)
    out: FloatImage = defocus.copy()
    _step_at(defocus, edge, middle, reach, out)
    return out


@numba.njit(cache=True, nogil=True)
def _step_at(defocus, edge, middle, reach, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Give pixels near `edge` the depth of the nearest pixel of their side that is not near it."""
    height, width = defocus.shape
    closest = np.full((height, width), reach * reach + 1, np.int64)
    level = np.zeros_like(defocus)
    for y in range(height):
        for x in range(width):
            if not edge[y, x]:
                continue
            for ny in range(max(y - reach, 0), min(y + reach + 1, height)):
                for nx in range(max(x - reach, 0), min(x + reach + 1, width)):
                    distance = (ny - y) ** 2 + (nx - x) ** 2
                    if distance < closest[ny, nx]:
                        closest[ny, nx] = distance
                        level[ny, nx] = middle[y, x]
    far = reach + 3
    for y in range(height):
        for x in range(width):
            if closest[y, x] > reach * reach:
                continue
            side = defocus[y, x] > level[y, x]
            best = 4 * far * far
            for ny in range(max(y - far, 0), min(y + far + 1, height)):
                for nx in range(max(x - far, 0), min(x + far + 1, width)):
                    if closest[ny, nx] <= reach * reach or (defocus[ny, nx] > level[y, x]) != side:
                        continue
                    distance = (ny - y) ** 2 + (nx - x) ** 2
                    if distance < best:
                        best = distance
                        out[y, x] = defocus[ny, nx]


def hidden_surface(seen: Surface, extra: float, away: float = 2.0, jump: float = 1.0) -> Surface:
    """What is behind every near rim, as far as rays can look past the rim.

    Each hidden pixel takes the defocus of the nearest visible pixel across the rim that lies farther away,
    and the colour found by mirroring at it. A rim at S and a background at S' shift against each other by
    at most S - S', so that deeper pixels are never seen.

    Args:
        seen: the visible surface.
        extra: pixels beyond that reach.
        away: pixels from the rim at which colours are pure; beside it they are mixtures of both sides.
        jump: difference of S from which neighbours are different surfaces.
    """
    seeds = _spread(seen.defocus, extra, jump)
    there = seeds != NOTHING
    colour = np.zeros_like(seen.colour)
    defocus = np.zeros_like(seen.defocus)
    _mirror(seen.colour, seen.defocus, seeds, away, 2.0 * jump, colour, defocus)
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
def _mirror(colour, defocus, seeds, away, same, out, out_defocus):  # type: ignore[no-untyped-def]  # pragma: no cover
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
            for reach in (length + away, 0.5 * length + away, away, 2.0, 1.0):
                qy, qx = int(np.rint(sy + dy / length * reach)), int(np.rint(sx + dx / length * reach))
                if 0 <= qy < height and 0 <= qx < width and abs(defocus[qy, qx] - defocus[sy, sx]) < same:
                    by, bx = qy, qx
                    break
            out[y, x] = colour[by, bx]
            out_defocus[y, x] = defocus[sy, sx]


def _smoothed(colour: FloatImage, there: npt.NDArray[np.bool_]) -> FloatImage:
    """Mean over 5 x 5 of what is there: mirrored colours of neighbours come from scattered places."""
    weight = cv2.blur(there.astype(np.float32), (5, 5))
    mean = cv2.blur(colour, (5, 5)) / np.maximum(weight, 1e-6)[..., None]
    return np.where(there[..., None], mean, 0.0).astype(np.float32)
