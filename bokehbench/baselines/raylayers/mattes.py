"""Soft rims: pixels beside a depth edge are mixtures of both sides, and are taken apart.

A disparity map says near or far, the image has anti-aliased, hairy edges. Left as it is, a rim pixel would
stay sharp on the background when the foreground blurs away, as a thin contour. Beside an edge the image is
taken to be ``C = a N + (1 - a) F`` with a near colour N and a far colour F that change little over a few
pixels, and both are found in turns:

- N and F by weighted least squares over a small window, given the shares a. That needs no pixel that is all
  near: a wire of one pixel has its colour extrapolated from how it mixes;
- a where C lies between N and F, weighed (as in Bayesian matting, Chuang et al., CVPR 2001) against what the
  map's outline covers of the pixel: where both sides look alike or vary much, the outline decides.

What is left over goes to the side whose colours vary more, so that unblurred the parts give back the image
exactly.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.raylayers.edges import Indices
from bokehbench.baselines.raylayers.surfaces import Surface

FloatImage = npt.NDArray[np.float32]

ROUNDS = 2
OUTLINE = 0.2**2
"""Variance of the share that the map's outline predicts: its pixels are samples, not areas."""
NOISE = 1e-5
"""Least variance of a side's linear colour."""
LEAST = 0.25
"""Least share of the side that the map puts a pixel on."""
FAINT = 0.01
TAPS = {1: (1.0, 6.0, 1.0), 2: (1.0, 4.0, 6.0, 4.0, 1.0)}
"""By band: how a pixel of the image sees its neighbours. The mean cover of a pixel whose neighbour lies
across a straight edge is 7/8 (a box, the edge anywhere); a soft map knows the edge's place less well."""


def soften(seen: Surface, hidden: Surface, other_side: Indices, band: int = 1) -> list[Surface]:
    """Take the pixels beside depth edges apart.

    Args:
        seen: the visible surface, opaque.
        hidden: what is behind its near rims.
        other_side: from `edges.across`.
        band: with which that was found.

    Returns:
        Near to far: the rim (the near side's share in pixels of the far side), the visible surface with soft
        alpha on the near side and pure background on the far side, and the hidden surface, which takes the
        far colours behind the soft pixels.
    """
    share = np.full(seen.defocus.shape, -1.0, np.float32)
    taps = np.array(TAPS[band])
    _outline(seen.defocus, other_side, np.outer(taps, taps) / taps.sum() ** 2, share)
    near, far = np.zeros_like(seen.colour), np.zeros_like(seen.colour)
    spread = np.zeros((*share.shape, 2), np.float32)
    for _ in range(ROUNDS):
        found = share.copy()
        _fit(seen.colour, seen.defocus, other_side, share, band, near, far, spread, found)
        share = found
    colour, alpha, behind = seen.colour.copy(), seen.alpha.copy(), hidden.colour.copy()
    rim_alpha, rim_defocus = np.zeros_like(alpha), np.zeros_like(alpha)
    sides = (seen.defocus, hidden.there, other_side)
    _take_apart(seen.colour, sides, share, near, far, spread, colour, alpha, behind, rim_alpha, rim_defocus)
    return [
        Surface(near, rim_defocus, rim_alpha > 0.0, rim_alpha),
        Surface(colour, seen.defocus, seen.there, alpha),
        Surface(behind, hidden.defocus, hidden.there, hidden.alpha),
    ]


@numba.njit(cache=True, nogil=True)
def _outline(defocus, other_side, taps, share):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Near share of the pixels beside an edge from the map alone; others keep -1."""
    height, width = defocus.shape
    flat, band = defocus.ravel(), taps.shape[0] // 2
    for y in range(height):
        for x in range(width):
            if other_side[y, x] < 0:
                continue
            middle = 0.5 * (defocus[y, x] + flat[other_side[y, x]])
            total = 0.0
            for dy in range(-band, band + 1):
                for dx in range(-band, band + 1):
                    ny, nx = min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)
                    if defocus[ny, nx] > middle:
                        total += taps[dy + band, dx + band]
            share[y, x] = total


@numba.njit(cache=True, nogil=True)
def _member(defocus, share, y, x, dy, dx, high, low, band):  # type: ignore[no-untyped-def]  # pragma: no cover
    """(weight, near share) of a pixel of the window; weight 0 outside the image and on third surfaces."""
    ny, nx = y + dy, x + dx
    if ny < 0 or nx < 0 or ny >= defocus.shape[0] or nx >= defocus.shape[1]:
        return 0.0, 0.0
    depth, half = defocus[ny, nx], 0.5 * (high - low)
    if abs(depth - high) > half and abs(depth - low) > half:
        return 0.0, 0.0
    near = float(share[ny, nx])
    if near < 0.0:
        near = 1.0 if depth > low + half else 0.0
    return np.exp(-(dy * dy + dx * dx) / (4.0 * band)), near


@numba.njit(cache=True, nogil=True, parallel=True)
def _fit(image, defocus, other_side, share, band, near, far, spread, found):  # type: ignore[no-untyped-def]  # pragma: no cover
    """One round: colours, their spreads and the share, for all pixels beside an edge."""
    height, width = defocus.shape
    flat = defocus.ravel()
    for y in numba.prange(height):
        for x in range(width):
            if other_side[y, x] < 0:
                continue
            other = flat[other_side[y, x]]
            ends = (max(defocus[y, x], other), min(defocus[y, x], other))
            _colours(image, defocus, share, y, x, ends, band, near[y, x], far[y, x])
            _spreads(image, defocus, share, y, x, ends, band, near[y, x], far[y, x], spread[y, x])
            along, square = 0.0, 0.0
            for c in range(3):
                contrast = near[y, x, c] - far[y, x, c]
                along += (image[y, x, c] - far[y, x, c]) * contrast
                square += contrast * contrast
            a = share[y, x]
            noise = a * a * spread[y, x, 0] + (1.0 - a) ** 2 * spread[y, x, 1]
            better = (along / noise + a / OUTLINE) / (square / noise + 1.0 / OUTLINE)
            found[y, x] = min(max(better, 0.0), 1.0)


@numba.njit(cache=True, nogil=True)
def _colours(image, defocus, share, y, x, ends, band, near, far):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Least squares of C = a N + (1 - a) F over the window."""
    nn, nf, ff = 1e-4, 0.0, 1e-4
    near[:], far[:] = 0.0, 0.0
    reach = band + 2
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            w, a = _member(defocus, share, y, x, dy, dx, ends[0], ends[1], band)
            if w == 0.0:
                continue
            nn, nf, ff = nn + w * a * a, nf + w * a * (1.0 - a), ff + w * (1.0 - a) ** 2
            for c in range(3):
                near[c] += w * a * image[y + dy, x + dx, c]
                far[c] += w * (1.0 - a) * image[y + dy, x + dx, c]
    determinant = nn * ff - nf * nf
    for c in range(3):
        n, f = near[c], far[c]
        near[c] = max((n * ff - f * nf) / determinant, 0.0)
        far[c] = max((f * nn - n * nf) / determinant, 0.0)


@numba.njit(cache=True, nogil=True)
def _spreads(image, defocus, share, y, x, ends, band, near, far, spread):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Variance of either side's colour about N and F, from the other pixels of the window."""
    near_sum, far_sum, near_weight, far_weight = 0.0, 0.0, 1e-3, 1e-3
    reach = band + 2
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            w, a = _member(defocus, share, y, x, dy, dx, ends[0], ends[1], band)
            if w == 0.0 or (dy == 0 and dx == 0):
                continue
            rest = 0.0
            for c in range(3):
                rest += (image[y + dy, x + dx, c] - a * near[c] - (1.0 - a) * far[c]) ** 2
            near_sum, near_weight = near_sum + w * a * a * rest, near_weight + w * a * a
            far_sum, far_weight = far_sum + w * (1.0 - a) ** 2 * rest, far_weight + w * (1.0 - a) ** 2
    spread[0], spread[1] = near_sum / near_weight + NOISE, far_sum / far_weight + NOISE


@numba.njit(cache=True, nogil=True)
def _take_apart(  # type: ignore[no-untyped-def]  # pragma: no cover
    image, sides, share, near, far, spread, colour, alpha, behind, rim_alpha, rim_defocus
):
    """Make N and F exact where they are needed, and put them on their surfaces."""
    defocus, is_hiding, other_side = sides
    height, width = defocus.shape
    flat = defocus.ravel()
    for y in range(height):
        for x in range(width):
            if other_side[y, x] < 0:
                continue
            other = flat[other_side[y, x]]
            on_near = other < defocus[y, x]
            a = max(share[y, x], LEAST) if on_near else min(share[y, x], 1.0 - LEAST)
            if a < FAINT or (on_near and (a > 1.0 - FAINT or not is_hiding[y, x])):
                continue
            _make_exact(image[y, x], a, near[y, x], far[y, x], spread[y, x])
            if on_near:
                alpha[y, x] = a
                colour[y, x], behind[y, x] = near[y, x], far[y, x]
            else:
                rim_alpha[y, x], rim_defocus[y, x] = a, other
                colour[y, x] = far[y, x]


@numba.njit(cache=True, nogil=True)
def _make_exact(value, a, near, far, spread):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Change N and F, each as far as its side varies, until a N + (1 - a) F is the pixel; neither below 0."""
    near_part, far_part = a * spread[0], (1.0 - a) * spread[1]
    scale = a * near_part + (1.0 - a) * far_part
    for c in range(3):
        rest = (value[c] - a * near[c] - (1.0 - a) * far[c]) / scale
        n = max(near[c] + rest * near_part, 0.0)
        f = (value[c] - a * n) / (1.0 - a)
        if f < 0.0:
            n, f = value[c] / a, 0.0
        near[c], far[c] = n, f
