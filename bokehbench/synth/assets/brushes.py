"""What every drawn asset is made with: noise, colours, shaded strokes, compositing, area averaging.

Rasters are premultiplied linear RGBA, float32 [h, w, 4]; drawing happens on a raster `OVERSAMPLING` times
larger than asked, which is averaged down at the end, so that thin structures keep their true coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numba
import numpy as np
import numpy.typing as npt

Raster = npt.NDArray[np.float32]
OVERSAMPLING = 2
LIGHT = (-0.45, -0.65, 0.62)
"""Direction to the key light of all drawn foregrounds: upper left, in front (x right, y down, z to us)."""


def blank(width: int, height: int) -> Raster:
    """A transparent raster."""
    return np.zeros((height, width, 4), np.float32)


def average_down(raster: Raster, factor: int = OVERSAMPLING) -> Raster:
    """Mean over factor x factor blocks; the sides must be multiples of `factor`."""
    h, w, c = raster.shape
    blocks = raster.reshape(h // factor, factor, w // factor, factor, c)
    return np.ascontiguousarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def colour(code: str) -> npt.NDArray[np.float32]:
    """Linear RGB of an encoded colour ``#rrggbb`` (gamma 2.2)."""
    encoded = [int(code[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
    return np.asarray(encoded, np.float32) ** np.float32(2.2)


def pick(rng: np.random.Generator, palette: Sequence[str]) -> npt.NDArray[np.float32]:
    """One colour of a palette, linear RGB."""
    return colour(palette[int(rng.integers(len(palette)))])


def mix(a: npt.ArrayLike, b: npt.ArrayLike, t: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """(1 - t) a + t b; arrays broadcast."""
    t = np.asarray(t, np.float32)
    return np.asarray((1.0 - t) * np.asarray(a, np.float32) + t * np.asarray(b, np.float32), np.float32)


def smoothstep(low: float, high: float, x: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Cubic ramp from 0 at `low` to 1 at `high`."""
    t = np.clip((np.asarray(x, np.float32) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def fbm(rng: np.random.Generator, shape: tuple[int, ...], cell: float, octaves: int = 4) -> Raster:
    """Fractal noise [h, w] of about unit variance; `cell` is the size of its largest feature, pixels."""
    total = np.zeros(shape, np.float32)
    power = 0.0
    for octave in range(octaves):
        step = max(cell / 2**octave, 1.0)
        rows, columns = (int(np.ceil(side / step)) + 3 for side in shape)
        grid = rng.standard_normal((rows, columns), dtype=np.float32)
        height, width = (round(side * step) for side in (rows, columns))
        fine = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        top, left = (int(step * 1.5) for _ in range(2))
        gain = 0.5**octave
        total += gain * fine[top : top + shape[0], left : left + shape[1]]
        power += gain * gain
    return total / np.float32(np.sqrt(power) * 0.75)


def over(raster: Raster, patch: Raster, x: int = 0, y: int = 0) -> None:
    """Put `patch` over `raster` with its top-left pixel at (x, y), in place; what sticks out is cut off."""
    h, w = raster.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + patch.shape[1], w), min(y + patch.shape[0], h)
    if x0 >= x1 or y0 >= y1:
        return
    part = patch[y0 - y : y1 - y, x0 - x : x1 - x]
    window = raster[y0:y1, x0:x1]
    window *= 1.0 - part[..., 3:4]
    window += part


# ---------------------------------------------------------------------------------------------- strokes


@dataclass
class Strokes:
    """Tapered, shaded polylines, drawn in the order they were added.

    Attributes:
        roundness: 0 is flat, 1 shades each stroke as a lit cylinder.
        gloss: strength of the cylinder's highlight.
    """

    roundness: float = 0.0
    gloss: float = 0.0
    _points: list[npt.NDArray[np.float32]] = field(default_factory=list)
    _radii: list[npt.NDArray[np.float32]] = field(default_factory=list)
    _colours: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def add(self, points: npt.ArrayLike, radius: npt.ArrayLike, rgb: npt.ArrayLike) -> None:
        """Add a polyline.

        Args:
            points: [n, 2] (x, y), pixels.
            radius: scalar or [n], pixels; less than half a pixel becomes partial coverage.
            rgb: [3] or [n, 3] linear.
        """
        path = np.ascontiguousarray(points, np.float32)
        n = len(path)
        self._points.append(path)
        self._radii.append(np.broadcast_to(np.asarray(radius, np.float32), (n,)))
        self._colours.append(np.broadcast_to(np.asarray(rgb, np.float32), (n, 3)))

    def draw(self, raster: Raster) -> None:
        """Composite all strokes over `raster`, in place."""
        if not self._points:
            return
        ends = np.cumsum([len(path) for path in self._points])
        starts = np.concatenate([[0], ends]).astype(np.int64)
        _draw_strokes(
            raster,
            np.concatenate(self._points),
            np.ascontiguousarray(np.concatenate(self._radii)),
            np.ascontiguousarray(np.concatenate(self._colours)),
            starts,
            np.zeros(raster.shape, np.float32),
            np.asarray(LIGHT, np.float32),
            np.float32(self.roundness),
            np.float32(self.gloss),
        )


@numba.njit(cache=True)
def _draw_strokes(raster, points, radii, colours, starts, scratch, light, roundness, gloss):  # type: ignore[no-untyped-def]
    """Composite strokes one by one: within one, the best covered sample of a pixel wins (no beads)."""
    height, width = raster.shape[:2]
    for stroke in range(len(starts) - 1):
        first, last = starts[stroke], starts[stroke + 1]
        x0, y0, x1, y1 = width, height, 0, 0
        for i in range(first, last - 1):
            reach = max(radii[i], radii[i + 1]) + 1.0
            left = max(int(min(points[i, 0], points[i + 1, 0]) - reach), 0)
            right = min(int(max(points[i, 0], points[i + 1, 0]) + reach) + 2, width)
            top = max(int(min(points[i, 1], points[i + 1, 1]) - reach), 0)
            bottom = min(int(max(points[i, 1], points[i + 1, 1]) + reach) + 2, height)
            x0, y0, x1, y1 = min(x0, left), min(y0, top), max(x1, right), max(y1, bottom)
            _segment(scratch, points, radii, colours, i, left, top, right, bottom, light, roundness, gloss)
        for y in range(y0, y1):
            for x in range(x0, x1):
                alpha = scratch[y, x, 3]
                if alpha > 0.0:
                    for c in range(3):
                        raster[y, x, c] = raster[y, x, c] * (1.0 - alpha) + scratch[y, x, c] * alpha
                    raster[y, x, 3] = raster[y, x, 3] * (1.0 - alpha) + alpha
                    scratch[y, x, 3] = 0.0


@numba.njit(cache=True)
def _segment(scratch, points, radii, colours, i, left, top, right, bottom, light, roundness, gloss):  # type: ignore[no-untyped-def]
    """Coverage and straight colour of one tapered capsule, kept in `scratch` where it covers best."""
    ax, ay = points[i, 0], points[i, 1]
    bx, by = points[i + 1, 0] - ax, points[i + 1, 1] - ay
    square = max(bx * bx + by * by, 1e-12)
    length = np.sqrt(square)
    for y in range(top, bottom):
        for x in range(left, right):
            px, py = x - ax, y - ay
            t = min(max((px * bx + py * by) / square, 0.0), 1.0)
            dx, dy = px - t * bx, py - t * by
            distance = np.sqrt(dx * dx + dy * dy)
            radius = radii[i] + t * (radii[i + 1] - radii[i])
            cover = min(max(radius + 0.5 - distance, 0.0), min(1.0, 2.0 * radius))
            if cover <= scratch[y, x, 3]:
                continue
            across = (px * by - py * bx) / length / max(radius, 0.5)
            across = min(max(across, -1.0), 1.0)
            facing = np.sqrt(1.0 - across * across)
            lit = across * (by * light[0] - bx * light[1]) / length + facing * light[2]
            shade = 1.0 - roundness + roundness * (0.25 + 0.95 * max(lit, 0.0))
            shine = gloss * max(lit, 0.0) ** 24
            for c in range(3):
                colour = colours[i, c] + t * (colours[i + 1, c] - colours[i, c])
                scratch[y, x, c] = colour * shade + shine
            scratch[y, x, 3] = cover


# ------------------------------------------------------------------------------------------------ curves


def smooth_path(points: npt.ArrayLike, count: int) -> npt.NDArray[np.float32]:
    """`count` points [count, 2] of the Catmull-Rom curve through the given ones."""
    knots = np.asarray(points, np.float32)
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    position = np.linspace(0.0, len(knots) - 1 - 1e-4, count, dtype=np.float32)
    i = position.astype(int)
    t = (position - i)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    return np.asarray(0.5 * curve, np.float32)
