"""A foreground of specks all over: falling snow, from discs of several pixels down to parts of one."""

from __future__ import annotations

import cv2
import numpy as np

from bokehbench.synth.assets.brushes import LIGHT, OVERSAMPLING, Raster, average_down, blank, over, pick
from bokehbench.synth.assets.noise import fbm


def draw_snow(rng: np.random.Generator, size: int) -> Raster:
    """Clumped flakes, semi-transparent at their ragged edge, sizes lognormal, in gusts."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    gust = fbm(rng, (64, 64), 30.0, 3)
    tone = pick(rng, ("#f4f6fa", "#e6ebf4", "#faf4ec"))
    shapes = [_flake(rng) for _ in range(24)]
    radii = np.sort(rng.lognormal(-4.9, 0.62, int(rng.integers(500, 1200))).clip(0.0012, 0.034))
    for radius in radii * side:
        x, y = rng.uniform(0.0, 1.0, 2)
        if rng.random() > 0.7 + 0.4 * gust[int(y * 63.9), int(x * 63.9)]:
            continue
        shape = shapes[int(rng.integers(len(shapes)))]
        wide = max(int(np.ceil(2.6 * radius)), 3)
        flake = cv2.resize(np.rot90(shape, int(rng.integers(4))), (wide, wide), interpolation=cv2.INTER_AREA)
        # Below three pixels the patch keeps the flake's area by covering less.
        density = min((2.6 * radius / wide) ** 2, 1.0) * rng.uniform(0.6, 1.0)
        patch = np.repeat(flake[..., 1:2], 4, axis=2) * np.float32(density)
        patch[..., :3] *= tone * flake[..., :1]
        over(raster, patch.astype(np.float32), int(x * side) - wide // 2, int(y * side) - wide // 2)
    return average_down(raster)


def _flake(rng: np.random.Generator) -> Raster:
    """Brightness and coverage [72, 72, 2] of a clump of crystals."""
    y, x = (np.mgrid[0:72, 0:72].astype(np.float32) - 35.5) / 36.0
    rim = 0.62 + 0.12 * fbm(rng, x.shape, 26.0, 3)
    bulk = np.clip((rim - np.hypot(x * rng.uniform(0.9, 1.25), y)) / 0.16, 0.0, 1.0)
    ragged = np.clip(0.72 + 0.35 * fbm(rng, x.shape, 9.0, 3), 0.0, 1.0)
    inside = np.hypot(x, y) < 0.95
    gy, gx = np.gradient(cv2.GaussianBlur(bulk * ragged, (0, 0), 3.0))
    lit = np.clip(0.86 - 2.2 * (gx * LIGHT[0] + gy * LIGHT[1]), 0.5, 1.0)
    return np.stack([lit, bulk * np.maximum(ragged, bulk**3) * inside], axis=2).astype(np.float32)
