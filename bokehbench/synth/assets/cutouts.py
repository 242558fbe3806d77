"""Foregrounds from photographs that scikit-image ships: prints torn or cut out, never enlarged by much."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import (
    LIGHT,
    OVERSAMPLING,
    Raster,
    average_down,
    blank,
    mix,
    over,
    smoothstep,
)
from bokehbench.synth.assets.noise import fbm
from bokehbench.synth.assets.photographs import SHIPPED, read_linear, shipped_path

ENLARGED = 1.5
"""At most this many output pixels per pixel of a photograph, and side."""
SUBJECTS = {
    # Middle and half sides of what a print shows, over the photograph's (width, height).
    "astronaut": ((0.44, 0.30), (0.40, 0.30)),
    "chelsea": ((0.50, 0.45), (0.46, 0.43)),
    "coffee": ((0.46, 0.50), (0.42, 0.46)),
    "rocket": ((0.50, 0.52), (0.46, 0.46)),
    "hubble": ((0.50, 0.50), (0.45, 0.45)),
}


def draw_cutout(rng: np.random.Generator, size: int) -> Raster:
    """One to four prints that overlap: superellipses whose edge is torn, with the paper's white core bare."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    names = list(rng.permutation(sorted(SUBJECTS)))
    largest = min(largest_extent(name) for name in SUBJECTS)
    # Where one print would be enlarged too much, several fill the square.
    count = max(
        int(rng.choice((1, 2, 3, 4), p=(0.35, 0.25, 0.25, 0.15))), int(np.ceil((0.75 * side / largest) ** 2))
    )
    cells = int(np.ceil(np.sqrt(count)))
    for i in range(count):
        name = str(names[i % len(names)])
        extent = min(side * rng.uniform(0.82, 0.92) / (1.0 + 0.72 * (cells - 1)), largest)
        patch = _print(rng, name, int(extent))
        free = (side - patch.shape[1]) / 2, (side - patch.shape[0]) / 2
        grid = (i % cells, i // cells) if cells > 1 else (0, 0)
        centre = [0.0 if cells == 1 else (2.0 * g / (cells - 1) - 1.0) for g in grid]
        if cells == 2 and count == 2:
            centre[1] = rng.uniform(-0.5, 0.5)
        x, y = (int(f * (1.0 + 0.97 * c)) for f, c in zip(free, centre, strict=True))
        _cast_shadow(raster, patch, x, y)
        over(raster, patch, x, y)
    return average_down(raster)


def _half_sides(name: str) -> tuple[float, float]:
    """Half width and half height of a print over the side of its patch, in the shape of what it shows."""
    (_, half), (w, h) = SUBJECTS[name], SHIPPED[name].size
    aspect = half[0] * w / (half[1] * h)
    return (0.46, 0.46 / aspect) if aspect > 1 else (0.46 * aspect, 0.46)


def largest_extent(name: str) -> float:
    """Side of the largest patch, oversampled pixels, on which the photograph is not enlarged too much."""
    (_, half), (w, _), (a, _) = SUBJECTS[name], SHIPPED[name].size, _half_sides(name)
    return ENLARGED * OVERSAMPLING * half[0] * w / a


def _cast_shadow(raster: Raster, patch: Raster, x: int, y: int) -> None:
    """Darken the prints that lie under a new one."""
    reach = patch.shape[0] // 40 + 1
    shadow = blank(raster.shape[1], raster.shape[0])
    over(shadow, patch, x + reach, y + reach)
    dark = cv2.GaussianBlur(np.ascontiguousarray(shadow[..., 3]), (0, 0), reach)
    raster[..., :3] *= (1.0 - 0.6 * dark)[..., None]


def _print(rng: np.random.Generator, name: str, extent: int) -> Raster:
    """One print, premultiplied, [extent, extent] with the paper turned a little."""
    picture = read_linear(shipped_path(name), 2.2)
    h, w = picture.shape[:2]
    middle, half = SUBJECTS[name]
    a, b = _half_sides(name)
    turn = rng.normal(0.0, 0.12)
    y, x = (np.mgrid[0:extent, 0:extent].astype(np.float32) - extent / 2) / extent
    u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    power = float(rng.choice((2.0, 3.0, 8.0, 14.0)))
    rough = rng.uniform(0.35, 1.0)
    tear = rough * (0.016 * fbm(rng, x.shape, extent / 5, 5) + 0.004 * fbm(rng, x.shape, extent / 40, 3))
    radius = (np.abs(u / a) ** power + np.abs(v / b) ** power + 1e-9) ** (1.0 / power)
    depth = (1.0 - radius) * min(a, b) + tear - 0.012
    # Torn paper thins out into single fibres.
    thin = rough * (0.006 + 0.004 * fbm(rng, x.shape, extent / 60, 3))
    alpha = np.clip(depth / np.maximum(thin, 1.0 / extent) + 0.5, 0.0, 1.0) ** 1.5
    # The coating tears off further in than the paper does.
    coat = depth - rough * np.clip(0.010 + 0.010 * fbm(rng, x.shape, extent / 9, 5), 0.002, 0.05)
    coated = np.clip(coat * extent + 0.5, 0.0, 1.0)
    px = (middle[0] + u / a * half[0]) * w - 0.5
    py = (middle[1] + v / b * half[1]) * h - 0.5
    image = cv2.remap(
        picture,
        px.astype(np.float32),
        py.astype(np.float32),
        cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REFLECT,
    )
    image = np.clip(image, 0.0, 1.0) * 0.88 + 0.015
    fibre = 0.80 + 0.05 * fbm(rng, x.shape, 6.0, 2)
    paper = fibre[..., None] * np.asarray([0.97, 0.95, 0.90], np.float32)
    rgb = mix(paper, image, coated[..., None]) * _relief(rng, depth, coated, extent)[..., None]
    return np.concatenate([rgb * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)


def _relief(rng: np.random.Generator, depth: Raster, coated: Raster, extent: int) -> npt.NDArray[np.float32]:
    """Light on paper that curls at its edge and has been creased."""
    curl = 0.02 * np.exp(-np.maximum(depth, 0.0) / 0.05) + 0.006 * fbm(rng, depth.shape, extent / 2.5, 2)
    gy, gx = np.gradient((curl * extent).astype(np.float32))
    light = 1.0 - 0.9 * (gx * LIGHT[0] + gy * LIGHT[1])
    angle, offset = rng.uniform(0, np.pi), rng.uniform(-0.2, 0.2)
    y, x = (np.mgrid[0 : depth.shape[0], 0 : depth.shape[1]].astype(np.float32) - extent / 2) / extent
    fold = x * np.cos(angle) + y * np.sin(angle) + offset
    light = light + (rng.random() < 0.5) * (
        0.12 * np.exp(-((fold / 0.004) ** 2)) + 0.07 * np.tanh(fold / 0.02)
    )
    step = smoothstep(0.0, 1.0, coated) * (1.0 - coated)
    return np.asarray(np.clip(light - 0.3 * step, 0.45, 1.3), np.float32)
