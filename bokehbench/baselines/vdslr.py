"""VDSLR's renderer (Yang et al., Electronic Imaging 2016): rays traced against the disparity map.

Only the rendering module, as BokehMe compares it. The image plane of a pixel (x, y) and a lens point (s, t)
sees, at disparity d, the place ``(x, y) + K (d - disp_focus) (s, t)``; the ray ends at the nearest d with
``D(place) >= d``, the map read as a height field. The pixel is the mean of the light where its rays end.

The paper names a "randomised intersection search" and leaves the details open; ours (methods spec B1):

- `search="march"` (default): d falls from the nearest to the farthest in steps of at most a pixel; the first
  crossing is refined by one secant step. All rays of a row step alike, so that a step is SIMD over the row,
  and this is several times faster on a CPU than searching, besides being exact.
- `search="random"` (the paper's idea): each ray starts from its left neighbour's answer and improves it in a
  few rounds: follow the surface (d <- D(place(d))), then try a random disparity within a halving range. A
  candidate wins if it lies closer to the surface, or is nearer and lies on it.

About one ray a covered pixel, at least 32, at most 1024, on a Vogel spiral; where rays lie more than a pixel
apart the light is read from a pyramid at their spacing, so that a small highlight stays a smooth disc.
Nothing is known behind a foreground: a ray that passes under its rim ends beside the rim, on the background
(ending on the rim itself would draw a halo around a sharp subject). Rays that leave the frame are skipped.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench import rng
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture, Lens, decode, encode

MIN_RAYS, MAX_RAYS = 32, 1024
SEARCHES = ("march", "random")
_ON_SURFACE = 1e-5
_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


class VDSLR:
    """The method: decode, trace, encode.

    Args:
        search: "march" or "random".
        rounds: of the random search.
    """

    def __init__(self, search: str = "march", rounds: int = 4) -> None:
        if search not in SEARCHES:
            raise ConfigError(f"vdslr: search is {' or '.join(SEARCHES)}, not {search!r}")
        if rounds < 1:
            raise ConfigError(f"vdslr: rounds must be at least 1, not {rounds}")
        self.rounds = rounds if search == "random" else 0

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        light = decode(inputs.image, lens.gamma).astype(np.float32)
        traced = trace(light, inputs.disparity, lens, self.rounds, seed=inputs.seed)
        return encode(traced, lens.gamma).astype(np.float32)


def lens_points(disparity: npt.NDArray[Any], lens: Lens) -> npt.NDArray[np.float64]:
    """Points of the unit lens, [N, 2]: a Vogel spiral, one a covered pixel, inside the aperture."""
    largest = lens.K * float(np.abs(disparity - lens.disp_focus).max())
    count = min(max(math.ceil(math.pi * largest**2), MIN_RAYS), MAX_RAYS)
    area = _open_fraction(lens.aperture)
    spiral = _vogel(math.ceil(count / area))
    return spiral[lens.aperture.contains(spiral[:, 0], spiral[:, 1])]


def _vogel(count: int) -> npt.NDArray[np.float64]:
    k = np.arange(count)
    radius = np.sqrt((k + 0.5) / count)
    return np.stack([radius * np.cos(k * _GOLDEN_ANGLE), radius * np.sin(k * _GOLDEN_ANGLE)], axis=1)


def _open_fraction(aperture: Aperture) -> float:
    points = _vogel(4096)
    return float(aperture.contains(points[:, 0], points[:, 1]).mean())


# ------------------------------------------------------------------------------------------- reference


def trace_reference(
    light: npt.NDArray[Any], disparity: npt.NDArray[Any], lens: Lens, points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """March every ray, one lens point after another, light read bilinearly.

    Args:
        light: [H, W, 3] linear.
        disparity: [H, W].
        lens: K at this size, focus.
        points: [N, 2] of the unit lens.

    Returns:
        [H, W, 3] linear.
    """
    light, disparity = np.asarray(light, np.float64), np.asarray(disparity, np.float64)
    near, far = disparity.max(), disparity.min()
    total = np.zeros_like(light)
    rays = np.zeros(disparity.shape)
    y, x = np.mgrid[: disparity.shape[0], : disparity.shape[1]].astype(np.float64)
    for s, t in points:
        steps = math.ceil(lens.K * (near - far) * math.hypot(s, t)) + 1
        hit = np.full(disparity.shape, np.nan)
        gap_before = np.full(disparity.shape, np.nan)
        for step in range(steps + 1):
            d = near - step * (near - far) / steps
            shift = lens.K * (d - lens.disp_focus)
            gap = bilinear(disparity, x + shift * s, y + shift * t) - d
            crossed = np.isnan(hit) & (gap >= -_ON_SURFACE)
            rise = np.maximum(gap - gap_before, _ON_SURFACE)
            refined = np.where((gap > 0.0) & (gap_before < 0.0), d + (near - far) / steps * gap / rise, d)
            # Under the rim of something at least a pixel of blur nearer: end a pixel or two beside it.
            refined = np.where(lens.K * gap > 1.0, d + 2.0 * (near - far) / steps, refined)
            # Behind the surface already where it enters the frame: it ended outside.
            lost = np.isnan(gap_before) & (gap > _ON_SURFACE)
            hit = np.where(crossed, np.where(lost, np.inf, refined), hit)
            gap_before = gap
        ended = np.isfinite(hit)
        shift = np.where(ended, lens.K * (hit - lens.disp_focus), 0.0)
        place = x + shift * s, y + shift * t
        seen = np.stack([bilinear(light[..., c], *place) for c in range(3)], axis=-1)
        ended &= ~np.isnan(seen[..., 0])
        total[ended] += seen[ended]
        rays += ended
    blurred = total / np.maximum(rays, 1.0)[..., None]
    return np.where(rays[..., None] > 0.0, blurred, light)


def bilinear(
    values: npt.NDArray[np.float64], x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Values [H, W] at (x, y), any shape; NaN outside the pixel centres' rectangle."""
    height, width = values.shape
    inside = (x >= 0.0) & (x <= width - 1.0) & (y >= 0.0) & (y <= height - 1.0)
    x, y = np.where(inside, x, 0.0), np.where(inside, y, 0.0)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = x - left, y - top
    upper = values[top, left] * (1.0 - fx) + values[top, right] * fx
    lower = values[bottom, left] * (1.0 - fx) + values[bottom, right] * fx
    return np.where(inside, upper * (1.0 - fy) + lower * fy, np.nan)


# ----------------------------------------------------------------------------------------------- kernel


def trace(
    light: npt.NDArray[Any],
    disparity: npt.NDArray[Any],
    lens: Lens,
    rounds: int = 0,
    points: npt.NDArray[np.float64] | None = None,
    filtered: bool = True,
    seed: int = 0,
) -> npt.NDArray[np.float32]:
    """Trace all rays on all cores; the result does not depend on their number.

    Args:
        light: [H, W, 3] linear.
        disparity: [H, W].
        lens: K at this size, focus, aperture.
        rounds: of the random search; 0 marches, as `trace_reference` does.
        points: [N, 2] of the unit lens; None for `lens_points`.
        filtered: read light at the spacing of the rays; False reads it bilinearly as the reference does.
        seed: of the random search.

    Returns:
        [H, W, 3] float32, linear.
    """
    if points is None:
        points = lens_points(disparity, lens)
    # Distance of neighbouring rays per pixel of blur radius.
    spacing = math.sqrt(math.pi * _open_fraction(lens.aperture) / len(points))
    reach = lens.K * float(np.abs(disparity - lens.disp_focus).max())
    levels = 1 + math.ceil(math.log2(max(spacing * reach, 1.0))) if filtered else 1
    surface = np.pad(disparity.astype(np.float32), (0, 1), mode="edge")
    out = np.empty((*disparity.shape, 3), np.float32)
    dice = rng.stream(seed, 0, "vdslr").random(65521, np.float32)
    bounds = (float(surface.min()), float(surface.max()))
    _trace_rows(
        _pyramid(light, levels), surface, bounds, lens.K, lens.disp_focus, points, spacing, rounds, dice, out
    )
    return out


def _pyramid(light: npt.NDArray[Any], levels: int) -> npt.NDArray[np.float32]:
    """Box means over 1, 2, 4 ... pixels around every pixel, [levels, H, W, 3]: no coordinates to convert."""
    import cv2

    image = np.ascontiguousarray(light, np.float32)
    stack = [image]
    for level in range(1, levels):
        # An even box has no centre pixel: the mean of a box with half a pixel more on both sides.
        half = 1 << (level - 1)
        kernel = np.ones(2 * half + 1, np.float32)
        kernel[[0, -1]] = 0.5
        kernel /= kernel.sum()
        stack.append(cv2.sepFilter2D(image, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REPLICATE))
    return np.stack(stack)


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _trace_rows(  # type: ignore[no-untyped-def]
    light, surface, bounds, K, focus, points, spacing, rounds, dice, out
) -> None:
    height, width = out.shape[:2]
    for y in numba.prange(height):
        hits = np.full(width, np.nan, np.float32)
        before = np.empty(width, np.float32)
        colour = np.zeros((width, 4))
        for n in range(len(points)):
            s, t = K * points[n, 0], K * points[n, 1]
            if rounds > 0:
                _search_row(surface, y, s, t, focus, bounds, rounds, dice, n, hits)
            else:
                _march_row(surface, y, s, t, K, focus, bounds, hits, before)
            for x in range(width):
                shift = hits[x] - focus
                size = spacing * K * abs(shift)
                _add_light(light, x + shift * s, y + shift * t, size, colour[x])
        for x in range(width):
            for channel in range(3):
                missed = colour[x, 3] == 0.0
                out[y, x, channel] = light[0, y, x, channel] if missed else colour[x, channel] / colour[x, 3]


@numba.njit(cache=True, fastmath={"contract"})
def _march_row(surface, y, s, t, K, focus, bounds, hits, before) -> None:  # type: ignore[no-untyped-def]
    """Disparity where the rays of one lens point through row y end; not finite where they leave the frame.

    All rays of a row step to the same fraction of a pixel: each step is four contiguous reads a pixel.
    (s, t) is the lens point times K; `surface` has one more row and column than the image.
    """
    height, width = surface.shape[0] - 1, surface.shape[1] - 1
    far, near = bounds
    steps = math.ceil((near - far) * math.sqrt(s * s + t * t)) + 1
    thickness = np.float32((near - far) / steps)
    pixel = np.float32(1.0 / K if K > 0.0 else np.inf)
    hits[:] = np.nan
    before[:] = np.nan
    for step in range(steps + 1):
        exact = near - step * (near - far) / steps
        dx, at_y = (exact - focus) * s, y + (exact - focus) * t
        first, last = max(0, math.ceil(-dx)), min(width - 1, math.floor(width - 1 - dx))
        if not 0.0 <= at_y <= height - 1.0 or first > last:
            before[:] = np.nan
            continue
        before[:first] = np.nan
        before[last + 1 :] = np.nan
        top, left = int(at_y), math.floor(dx)
        span = slice(first + left, last + left + 2)
        weights = (np.float32(at_y - top), np.float32(dx - left))
        _step_row(
            surface[top, span], surface[top + 1, span], weights, np.float32(exact), thickness, pixel,
            hits[first : last + 1], before[first : last + 1],
        )  # fmt: skip


@numba.njit(cache=True, fastmath={"contract"})
def _step_row(upper, lower, weights, d, thickness, pixel, hits, before) -> None:  # type: ignore[no-untyped-def]
    """One step of `_march_row`; branches are written as selections, so that it becomes SIMD."""
    fy, fx = weights
    zero, surface, outside = np.float32(0.0), np.float32(_ON_SURFACE), np.float32(np.inf)
    for x in range(len(hits)):
        a = upper[x] + fy * (lower[x] - upper[x])
        b = upper[x + 1] + fy * (lower[x + 1] - upper[x + 1])
        gap = a + fx * (b - a) - d
        rise = max(gap - before[x], surface)
        secant = d + thickness * gap / rise
        refined = secant if (gap > zero) & (before[x] < zero) else d
        # Under the rim of something at least a pixel of blur nearer: end a pixel or two beside it.
        refined = d + thickness + thickness if gap > pixel else refined
        # Behind the surface already where it enters the frame: it ended outside.
        lost = (before[x] != before[x]) & (gap > surface)
        ended = outside if lost else refined
        hits[x] = ended if (hits[x] != hits[x]) & (gap >= -surface) else hits[x]
        before[x] = gap


@numba.njit(cache=True, fastmath={"contract"})
def _search_row(  # type: ignore[no-untyped-def]
    surface, y, s, t, focus, bounds, rounds, dice, n, hits
) -> None:
    """As `_march_row` by random search, each ray starting from its left neighbour's answer."""
    far, near = bounds
    draw = (7919 * y + 104729 * n) % len(dice)
    best = far + (near - far) * dice[draw]
    for x in range(len(hits)):
        span = near - far
        error = abs(_height(surface, x + (best - focus) * s, y + (best - focus) * t) - best)
        if math.isnan(error):
            best, error = far, math.inf
        for _ in range(rounds):
            draw = draw + 1 if draw + 1 < len(dice) else 0
            # Follow the surface from the best so far, then from a random place around it.
            for guess in range(2):
                d = best
                if guess:
                    d = min(max(best + span * (2.0 * dice[draw] - 1.0), far), near)
                d = _height(surface, x + (d - focus) * s, y + (d - focus) * t)
                gap = abs(_height(surface, x + (d - focus) * s, y + (d - focus) * t) - d)
                if gap < error - _ON_SURFACE or (gap <= error + _ON_SURFACE and d > best):
                    best, error = d, gap
            span *= 0.5
        hits[x] = best if error < math.inf else math.nan


@numba.njit(cache=True, inline="always")
def _height(surface, x, y):  # type: ignore[no-untyped-def]
    """The surface at (x, y), bilinear; NaN outside."""
    height, width = surface.shape[0] - 1, surface.shape[1] - 1
    if not (x >= 0.0 and x <= width - 1.0 and y >= 0.0 and y <= height - 1.0):
        return math.nan
    left, top = np.uint64(x), np.uint64(y)
    right, bottom = left + np.uint64(1), top + np.uint64(1)
    fx, fy = x - left, y - top
    upper = surface[top, left] + fx * (surface[top, right] - surface[top, left])
    lower = surface[bottom, left] + fx * (surface[bottom, right] - surface[bottom, left])
    return upper + fy * (lower - upper)


@numba.njit(cache=True, fastmath={"contract"})
def _add_light(light, x, y, size, colour) -> None:  # type: ignore[no-untyped-def]
    """Add the light at (x, y), averaged over about `size` pixels, and count the ray."""
    height, width = light.shape[1:3]
    if not (x >= 0.0 and x <= width - 1.0 and y >= 0.0 and y <= height - 1.0):
        return
    left, top = int(x), int(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    fx, fy = x - left, y - top
    level, coarse = 0, 0.0
    if light.shape[0] > 1 and size > 1.0:
        while size > 2.0 and level < light.shape[0] - 2:
            size *= 0.5
            level += 1
        coarse = min(size - 1.0, 1.0)
    for step in range(2 if coarse > 0.0 else 1):
        part = coarse if step else 1.0 - coarse
        image = light[level + step]
        for channel in range(3):
            upper = image[top, left, channel] * (1.0 - fx) + image[top, right, channel] * fx
            lower = image[bottom, left, channel] * (1.0 - fx) + image[bottom, right, channel] * fx
            colour[channel] += part * (upper * (1.0 - fy) + lower * fy)
    colour[3] += 1.0
