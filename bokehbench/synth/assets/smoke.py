"""Foregrounds that are translucent all over: drifting smoke, fire, a veil of thin cloth.

Smoke and fire are a density rho carried along by a turbulent flow; coverage is 1 - exp(-k rho).
"""

from __future__ import annotations

import cv2
import numpy as np

from bokehbench.synth.assets.brushes import (
    OVERSAMPLING,
    Raster,
    Strokes,
    average_down,
    colour,
    mix,
    pick,
    smoothstep,
)
from bokehbench.synth.assets.noise import fbm


def _carried(
    rng: np.random.Generator, side: int, cell: float, strength: float, steps: int
) -> tuple[Raster, Raster]:
    """Where the fluid at each pixel came from, (x, y) in [0, 1]: traced back through curls of noise.

    The flow is the curl of a stream function, so that it neither gathers nor thins what it carries; it is
    smooth at the source and turbulent above.
    """
    coarse = max(side // 4, 32)
    y, x = (np.mgrid[0:coarse, 0:coarse] / coarse).astype(np.float32)
    for step in range(steps):
        eddy = cell / (1.0 + 0.55 * step)
        stream = fbm(rng, (coarse, coarse), coarse * eddy, 1)
        gy, gx = np.gradient(stream)
        reach = 0.45 * strength * eddy**2 / steps * coarse
        columns, rows = (np.clip(c * coarse, 0, coarse - 1) for c in (x, y))
        dt = np.asarray(reach * smoothstep(1.05, 0.45, y), np.float32)
        vx = cv2.remap(gy.astype(np.float32), columns, rows, cv2.INTER_LINEAR)
        vy = cv2.remap(-gx.astype(np.float32), columns, rows, cv2.INTER_LINEAR)
        x, y = x - dt * vx, y - dt * vy
    fine = [cv2.resize(c, (side, side), interpolation=cv2.INTER_CUBIC) for c in (x, y)]
    return fine[0], fine[1]


def draw_smoke(rng: np.random.Generator, size: int) -> Raster:
    """Wisps of smoke that rise and curl, lit from the upper left."""
    side = size * OVERSAMPLING
    x, y = _carried(rng, side, rng.uniform(0.22, 0.34), rng.uniform(1.2, 2.2), 7)
    rho = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(2, 5))):
        rho += _wisp(rng, x, y)
    # Streaks: noise pulled along with the fluid.
    streaks = cv2.remap(
        fbm(rng, (side, side), side / 9, 5),
        np.abs(x) * side,
        np.abs(y) * side,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    rho *= np.clip(0.75 + 0.45 * streaks, 0.12, 2.0)
    yy, xx = np.mgrid[0:side, 0:side].astype(np.float32) / side
    rim = smoothstep(0.0, 0.12, yy) * smoothstep(0.0, 0.07, xx) * smoothstep(1.0, 0.93, xx)
    rho *= rim * smoothstep(1.0, 0.9, yy)
    alpha = 1.0 - np.exp(-rng.uniform(1.4, 2.6) * rho)
    ahead = cv2.GaussianBlur(rho, (0, 0), side / 60)
    moved = np.asarray([[1, 0, side / 45], [0, 1, side / 32]], np.float32)
    lit = np.exp(-0.9 * cv2.warpAffine(ahead, moved, (side, side)))
    light, dark = pick(rng, ("#f2eee6", "#dfe6ec", "#efe3d2")), pick(rng, ("#5c6068", "#6b6058", "#74787c"))
    rgb = mix(dark, light, (0.15 + 0.85 * lit)[..., None]) * alpha[..., None]
    return average_down(np.concatenate([rgb, alpha[..., None]], axis=2).astype(np.float32))


def _wisp(rng: np.random.Generator, x: Raster, y: Raster) -> Raster:
    """Density of one ribbon in fluid coordinates: narrow where it starts, broad and thin above."""
    bottom, sway = rng.uniform(0.35, 0.65), rng.uniform(0.02, 0.1)
    phase, turns = rng.uniform(0, 6), rng.uniform(0.6, 1.4)
    rise = np.clip(1.0 - y, 0.0, 1.2)
    centre = bottom + sway * rise * np.sin(2 * np.pi * turns * rise + phase) + rng.normal(0, 0.12) * rise
    wide = 0.006 + rng.uniform(0.03, 0.09) * rise**1.2
    off = (x - centre) / wide
    # Brighter along both skins of the ribbon than within, as rolled-up sheets are.
    skin = np.exp(-((np.abs(off) - 0.8) ** 2) / 0.06) + 0.55 * np.exp(-(off**2) / 0.8)
    return np.asarray(skin * (0.03 / (wide + 0.02)) ** 0.7 * smoothstep(1.15, 0.6, rise), np.float32)


def draw_fire(rng: np.random.Generator, size: int) -> Raster:
    """Flames over embers: tongues of a black body's colours, several times brighter than white."""
    side = size * OVERSAMPLING
    x, y = _carried(rng, side, rng.uniform(0.16, 0.24), rng.uniform(0.8, 1.2), 5)
    rise = np.clip(0.97 - y, -0.2, 1.2)
    spread, lean = rng.uniform(0.2, 0.32), rng.normal(0, 0.06)
    heat = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(7, 12))):
        foot = 0.5 + rng.uniform(-0.8, 0.8) * spread
        tall = rng.uniform(0.3, 0.85) * (1.0 - 0.8 * abs(foot - 0.5) / spread * 0.6)
        t = rise / tall
        bend = foot + lean * rise + rng.normal(0, 0.05) * t * t + (0.5 - foot) * 0.45 * np.clip(t, 0, 1)
        wide = rng.uniform(0.05, 0.1) * np.clip(1.0 - t, 0.0, 1.0) ** 0.75 * np.clip(t * 5 + 0.45, 0.0, 1.0)
        tongue = np.exp(-(((x - bend) / np.maximum(wide, 2e-3)) ** 2)) * (t < 1.0)
        heat = np.maximum(heat, tongue * np.clip(1.05 - 0.6 * t, 0.0, 0.95))
    lick = fbm(rng, (side, side), side / 7, 5)
    lick = cv2.remap(
        lick, np.abs(x) * side, np.abs(y * 0.45) * side, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    heat = np.clip(heat * (0.86 + 0.42 * lick) - 0.12, 0.0, 1.6)
    heat *= smoothstep(-0.02, 0.05, rise)
    alpha = 1.0 - np.exp(-2.4 * heat)
    stops = np.asarray([0.0, 0.2, 0.5, 0.9, 1.35])
    ramp = np.stack([colour(c) for c in ("#4a0a02", "#c22a06", "#ff8a14", "#ffd25a", "#fff3c8")])
    ramp = ramp * np.asarray([0.3, 0.8, 1.5, 2.8, 5.5], np.float32)[:, None]
    tone = np.stack([np.interp(heat, stops, ramp[:, c]) for c in range(3)], axis=2)
    raster = np.concatenate([tone * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
    _sparks(rng, raster, side)
    return average_down(raster)


def _sparks(rng: np.random.Generator, raster: Raster, side: int) -> None:
    """Glowing specks above the flames, smaller than a pixel most of them."""
    sparks = Strokes()
    for _ in range(int(rng.integers(15, 50))):
        up = rng.beta(1.3, 1.8)
        place = np.asarray([0.5 + rng.normal(0, 0.1 + 0.14 * up), 0.8 - 0.78 * up]) * side
        trail = place + np.asarray([rng.normal(0, 0.004), -rng.gamma(2.0, 0.004)]) * side
        tone = mix(colour("#ff6a10"), colour("#ffd890"), rng.random()) * rng.uniform(2.0, 7.0)
        sparks.add(np.stack([place, trail]), side / 1000 * rng.gamma(3.0, 0.35), tone)
    sparks.draw(raster)


def draw_veil(rng: np.random.Generator, size: int) -> Raster:
    """Tulle or chiffon that hangs in folds; it covers more where it is seen along the cloth."""
    side = size * OVERSAMPLING
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    drift = 0.028 * fbm(rng, (side, side), side / 1.6, 2)
    gather = rng.uniform(0.25, 0.7)
    middle = rng.uniform(0.3, 0.7)
    # Folds fan out downwards from where the cloth is held.
    u = middle + (x - middle + drift) / (gather + (1.0 - gather) * y)
    phase = np.zeros_like(u)
    slope = np.zeros_like(u)
    for k, gain in (
        (rng.uniform(3.0, 5.0), 1.0),
        (rng.uniform(6.5, 10.0), 0.55),
        (rng.uniform(13, 20), 0.24),
    ):
        at = 2 * np.pi * k * u + rng.uniform(0, 6) + 0.7 * np.sin(2.2 * y * rng.uniform(0.6, 1.6) + k)
        phase += gain * np.sin(at)
        slope += gain * k / 4.5 * np.cos(at)
    slope *= smoothstep(-0.1, 0.5, y) * 0.75 + 0.35
    facing = 1.0 / np.sqrt(1.0 + slope**2)
    thread = (
        1.0 + 0.16 * np.sin(x * side * 0.8) * np.sin(y * side * 0.8) + 0.10 * fbm(rng, (side, side), 5.0, 2)
    )
    hem = 0.955 + 0.010 * phase / 1.5 + 0.006 * fbm(rng, (side, side), side / 3, 2)
    edge = np.clip((hem - y) * side + 0.5, 0.0, 1.0) * smoothstep(0.0, 0.008, y)
    half = 0.47 + 0.006 * np.sin(9.0 * y + middle * 9.0)
    edge = edge * np.clip((half - np.abs(x - 0.5)) * side / 2.0 + 0.5, 0.0, 1.0)
    doubled = 1.0 + 1.1 * smoothstep(0.012, 0.009, np.abs(hem - y - 0.008))
    alpha = (1.0 - np.exp(-rng.uniform(0.28, 0.55) * doubled * thread / facing)) * edge
    tint = pick(rng, ("#f2eee8", "#efe2dc", "#e8ecf2", "#d8b8c0", "#b8c8d8", "#e8d8b0"))
    light = 0.30 + 0.62 * np.clip(-0.55 * slope * facing + 0.75 * facing, 0.0, 1.0) + 0.12 * facing
    rgb = tint * (light * (0.9 + 0.1 * thread))[..., None] * alpha[..., None]
    return average_down(np.concatenate([rgb, alpha[..., None]], axis=2).astype(np.float32))
