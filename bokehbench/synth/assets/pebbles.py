"""A drawn background of stones: a heap of them, painted from the lowest to the highest."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import LIGHT, colour, pick
from bokehbench.synth.assets.noise import fbm
from bokehbench.synth.assets.textures import Picture, Size, finish, grid, room_light

STONES = ("#8c8a84", "#a59c8e", "#6f6e70", "#b8a68c", "#7d6a5c", "#c9c4b8", "#5c6468", "#94756a", "#d9d4c8")
SIZES = ((0.4, 1.2), (0.65, 1.2), (1.0, 0.85), (1.5, 0.2))
"""Layers of the heap: radius over the typical one, how often its stones cover the ground."""


def draw_pebbles(rng: np.random.Generator, size: Size) -> Picture:
    """A shingle beach: stones of all sizes in a heap, banded, veined and speckled, dry or wet."""
    x, y, unit = grid(size)
    h, w = x.shape
    sand = pick(rng, ("#6b5f50", "#57504a", "#7a6a54"))
    rgb = np.ascontiguousarray(sand * (0.30 + 0.07 * fbm(rng, (h, w), 6.0, 3))[..., None], np.float32)
    wet = float(rng.uniform(0.0, 1.0) if rng.random() < 0.5 else 0.0)
    scale = unit * rng.uniform(0.022, 0.042)
    palette = np.stack([colour(STONES[i]) for i in rng.choice(len(STONES), 6, replace=False)])
    for share, density in SIZES:
        count = int(density * h * w / (np.pi * (scale * share) ** 2))
        own = rng.spawn(1)[0]
        shapes = _shapes(own, count, (w, h), scale * share)
        tones = palette[own.integers(len(palette), size=count)] * own.uniform(0.6, 1.2, (count, 1))
        speckle = own.standard_normal((64, 64), dtype=np.float32)
        _paint(rgb, shapes, tones.astype(np.float32), speckle, np.asarray(LIGHT, np.float32), np.float32(wet))
    return finish(rgb * room_light(rng, x, y, unit))


def _shapes(
    rng: np.random.Generator, count: int, canvas: tuple[int, int], radius: float
) -> npt.NDArray[np.float32]:
    """[count, 14]: x, y, radius, aspect, cos, sin, power, flatness, pattern, and five numbers for it."""
    turn = rng.uniform(0.0, np.pi, count)
    columns = [
        rng.uniform(0, canvas[0], count),
        rng.uniform(0, canvas[1], count),
        radius * rng.lognormal(0.0, 0.22, count),
        rng.uniform(0.58, 0.98, count),
        np.cos(turn),
        np.sin(turn),
        rng.uniform(2.0, 3.0, count),
        rng.uniform(0.55, 1.0, count),
        rng.random(count),
        *rng.random((5, count)),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


@numba.njit(cache=True)
def _paint(rgb, shapes, tones, speckle, light, wet):  # type: ignore[no-untyped-def]
    """Each stone in turn: its shadow on what lies below, then itself, in place."""
    height, width = rgb.shape[:2]
    for n in range(len(shapes)):
        cx, cy, radius, aspect = shapes[n, 0], shapes[n, 1], shapes[n, 2], shapes[n, 3]
        c, s = shapes[n, 4], shapes[n, 5]
        reach = int(radius * 1.6) + 3
        for row in range(max(int(cy) - reach, 0), min(int(cy) + reach, height)):
            for column in range(max(int(cx) - reach, 0), min(int(cx) + reach, width)):
                x, y = (column - cx) / radius, (row - cy) / radius
                # The light comes from the upper left, so the shadow falls to the lower right.
                dx, dy = x - 0.22, (y - 0.32) / 0.9
                away = dx * dx + dy * dy
                if away < 1.35 * 1.35:
                    dark = 1.0 - 0.62 * min((1.35 - np.sqrt(away)) / 0.35, 1.0)
                    for k in range(3):
                        rgb[row, column, k] *= dark
                u, v = x * c + y * s, (-x * s + y * c) / aspect
                if max(abs(u), abs(v)) > 1.3:
                    continue
                power = shapes[n, 6]
                rho = (abs(u) ** power + abs(v) ** power) ** (1.0 / power)
                rho *= (
                    1.0
                    + 0.12 * np.sin(u * 2.1 + 6 * shapes[n, 9])
                    + 0.08 * np.sin(v * 3.3 + 6 * shapes[n, 10])
                )
                alpha = min((1.0 - rho) * radius * aspect + 0.5, 1.0)
                if alpha <= 0.0:
                    continue
                bend = shapes[n, 7] / (np.sqrt(max(1.0 - rho, 0.0)) + 0.45)
                nx, ny = x * bend, y * bend
                facing = (light[2] + nx * light[0] + ny * light[1]) / np.sqrt(1.0 + nx * nx + ny * ny)
                facing = max(facing, 0.0)
                factor, vein = _pattern(shapes[n, 8:], u, v, speckle[row % 64, column % 64])
                shine = (wet * 1.6 + 0.03) * facing**60
                for k in range(3):
                    own = factor * tones[n, k] * (1.0 - 0.45 * wet)
                    stone = (own + vein * (0.75 - own)) * (0.16 + facing) + shine
                    rgb[row, column, k] += alpha * (stone - rgb[row, column, k])


@numba.njit(cache=True)
def _pattern(numbers, u, v, noise):  # type: ignore[no-untyped-def]
    """(factor on the stone's colour, share of a white vein) at (u, v)."""
    kind, a, b, c, d, e = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
    if kind < 0.25:
        vein = abs(u * (0.3 + 0.7 * a) + v * (2 * b - 1) + (c - 0.5) + 0.06 * np.sin(v * 5))
        return 1.0 + 0.04 * noise, 0.75 * min(max((0.11 - vein) / 0.05, 0.0), 1.0)
    if kind < 0.5:
        return 1.0 + (0.08 + 0.18 * d) * np.sin(v * (5 + 7 * e) + 1.3 * np.sin(u * 2.5)) + 0.04 * noise, 0.0
    return max(1.0 + (0.02 + 0.14 * d) * noise, 0.2), 0.0
