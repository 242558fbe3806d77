"""A drawn background indoors: the back shelves of a bar, bottles before a lit wall; linear RGB [h, w, 3]."""

from __future__ import annotations

import numpy as np

from bokehbench.synth.assets.brushes import Strokes, blank, colour, mix, over, pick, smoothstep
from bokehbench.synth.assets.glass import Vessel, vessel_patch
from bokehbench.synth.assets.noise import fbm
from bokehbench.synth.assets.signs import lettering
from bokehbench.synth.assets.textures import Picture, Size, finish, grid

Drinks = tuple[tuple[str, float], ...]
SPIRITS: Drinks = (
    ("#b5651a", 0.75),
    ("#7a2e0c", 0.88),
    ("#d8a23a", 0.6),
    ("#cfd8d8", 0.15),
    ("#5c8a3a", 0.6),
    ("#a81c24", 0.75),
    ("#2f5fa0", 0.6),
    ("#3a1408", 0.95),
)
BOTTLES = tuple(
    Vessel(profile, (0.30, 0.955), (0.955, 1.0), open=False, drinks=SPIRITS)
    for profile in (
        (
            (0.0, 0.05),
            (0.09, 0.052),
            (0.1, 0.04),
            (0.26, 0.042),
            (0.36, 0.11),
            (0.44, 0.14),
            (0.97, 0.14),
            (1.0, 0.13),
        ),
        (
            (0.0, 0.06),
            (0.1, 0.06),
            (0.11, 0.045),
            (0.2, 0.05),
            (0.25, 0.15),
            (0.3, 0.19),
            (0.97, 0.19),
            (1.0, 0.18),
        ),
        (
            (0.0, 0.04),
            (0.07, 0.042),
            (0.08, 0.034),
            (0.3, 0.04),
            (0.42, 0.09),
            (0.55, 0.105),
            (0.97, 0.11),
            (1.0, 0.1),
        ),
        (
            (0.0, 0.055),
            (0.12, 0.055),
            (0.13, 0.045),
            (0.3, 0.05),
            (0.45, 0.17),
            (0.65, 0.24),
            (0.9, 0.2),
            (1.0, 0.15),
        ),
        (
            (0.0, 0.05),
            (0.1, 0.05),
            (0.11, 0.045),
            (0.3, 0.07),
            (0.5, 0.15),
            (0.7, 0.13),
            (0.95, 0.15),
            (1.0, 0.14),
        ),
    )
)
BRANDS = ("No 8", "OLD OAK", "Sol", "GIN", "Rosso", "RYE", "Alma", "1887", "NORD", "Fino", "Crema", "RUM")
WALLS = (("#ffb45c", "#3a1a0a"), ("#ffd9a0", "#40301c"), ("#8fb4e8", "#101a34"), ("#e88aa0", "#2c0f1c"))


def draw_bar(rng: np.random.Generator, size: Size) -> Picture:
    """Rows of bottles on glass shelves, lit from behind, a string of small bright lamps under each."""
    x, y, unit = grid(size)
    h, w = x.shape
    glow, dark = (colour(c) for c in WALLS[int(rng.integers(len(WALLS)))])
    rows = int(rng.integers(2, 4))
    pitch = unit / (rows - rng.uniform(0.0, 0.5))
    rgb = np.empty((h, w, 3), np.float32)
    floor = pitch * rng.uniform(0.75, 1.0)
    panel = fbm(rng, (h, w), unit / 3, 3)
    level = np.mod((y - floor) / pitch, 1.0)
    # The wall is brightest under each shelf, where its lamps are.
    lit = 0.10 + 1.5 * np.exp(-level / 0.25) + 0.3 * np.exp(-(1.0 - level) / 0.12)
    rgb[:] = mix(dark, glow, np.clip(lit * (0.75 + 0.07 * panel), 0.0, 1.6)[..., None])
    while floor < h + pitch:
        _row(rng, rgb, floor, pitch, unit)
        _shelf(rng, rgb, floor, unit, glow)
        floor += pitch
    falloff = 1.0 - 0.55 * smoothstep(0.3, 0.75, np.hypot((x - w / 2) / w, (y - h / 2) / h))
    return finish(rgb * falloff[..., None])


def _row(rng: np.random.Generator, rgb: Picture, floor: float, pitch: float, unit: int) -> None:
    """Bottles of several makes, two or three of a make side by side, in place."""
    h, w = rgb.shape[:2]
    raster = blank(w, h)
    x = -unit * rng.uniform(0.0, 0.1)
    while x < w:
        make = BOTTLES[int(rng.integers(len(BOTTLES)))]
        tall, seed = pitch * rng.uniform(0.6, 0.84), int(rng.integers(2**31))
        wide = 2.05 * max(r for _, r in make.profile) * tall
        for _ in range(int(rng.integers(1, 4))):
            bottle = _bottle(np.random.Generator(np.random.Philox(seed)), make, tall)
            over(
                raster,
                bottle,
                round(x + wide / 2) - bottle.shape[1] // 2,
                int(floor + unit * 0.004) - bottle.shape[0],
            )
            x += wide * rng.uniform(0.99, 1.06)
        x += unit * rng.uniform(0.0, 0.03)
    rgb[:] = rgb * (1.0 - raster[..., 3:4]) + raster[..., :3]


def _bottle(rng: np.random.Generator, make: Vessel, tall: float) -> Picture:
    """One bottle with a cap and a label, premultiplied RGBA, its foot at the bottom of the patch."""
    patch = vessel_patch(rng, make, max(tall, 24.0))
    h, w = patch.shape[:2]
    pad = int(tall * 0.075) + 4
    middle = (w - 1) / 2
    across = (np.arange(w, dtype=np.float32) - middle) / np.float32(tall)

    def wrapped(top: float, bottom: float, radius: float, tone: Picture) -> Picture:
        """A band around the bottle, lit as a cylinder."""
        rows = np.arange(h, dtype=np.float32)[:, None]
        bulge = 0.12 * radius * np.sqrt(np.clip(1.0 - (across / radius) ** 2, 0.0, 1.0)) * tall
        cover = np.clip(rows - pad - top * tall - bulge + 0.5, 0, 1) * np.clip(
            pad + bottom * tall + bulge - rows + 0.5, 0, 1
        )
        cover = cover * np.clip((radius - np.abs(across)) * tall + 0.5, 0.0, 1.0)
        u = np.clip(across / radius, -1.0, 1.0)
        shade = 0.30 + 0.60 * np.clip(0.75 * np.sqrt(1.0 - u * u) - 0.5 * u, 0.0, 1.0)
        return np.concatenate([tone * (shade * cover)[..., None], cover[..., None]], axis=2).astype(
            np.float32
        )

    widest = max(r for _, r in make.profile)
    over(
        patch,
        wrapped(
            0.0, 0.085, make.profile[0][1] * 1.02, pick(rng, ("#1c1a18", "#b8923a", "#8c1d22", "#d8d4cc"))
        ),
    )
    if widest < 0.2:
        paper, ink = [
            ("#efe6d0", "#3a2a1c"),
            ("#1d1c1c", "#d8b45a"),
            ("#f4f1ea", "#8c1d22"),
            ("#23406a", "#efe9da"),
        ][int(rng.integers(4))]
        top = rng.uniform(0.52, 0.6)
        over(
            patch,
            wrapped(top, rng.uniform(0.8, 0.9), widest * 0.985, np.broadcast_to(colour(paper), (h, w, 3))),
        )
        name = BRANDS[int(rng.integers(len(BRANDS)))]
        room = 1.55 * widest * tall / lettering(name, 100).shape[1]
        text = lettering(name, int(min(tall * 0.10, 100 * room)))
        word = np.concatenate([text[..., None] * colour(ink) * 0.6, text[..., None]], axis=2).astype(
            np.float32
        )
        over(patch, word, int(middle - word.shape[1] / 2), pad + int((top + 0.07) * tall))
    return patch[: h - pad + int(tall * 0.02)]


def _shelf(rng: np.random.Generator, rgb: Picture, floor: float, unit: int, glow: Picture) -> None:
    """A glass shelf: its green edge, the glow below it, and the lamps under its front, in place."""
    h, w = rgb.shape[:2]
    edge = unit * 0.011
    top, bottom = int(np.clip(floor, 0, h)), int(np.clip(floor + edge, 0, h))
    if bottom > top:
        streak = 0.5 + 0.35 * fbm(rng, (1, w), unit / 10, 3)[..., None]
        ramp = np.linspace(1.0, 0.35, bottom - top, dtype=np.float32)[:, None, None]
        rgb[top:bottom] = mix(colour("#5f8a7c"), glow, 0.6) * np.maximum(streak, 0.15) * ramp
    raster = blank(w, h)
    lamps = Strokes()
    step = unit * rng.uniform(0.035, 0.07)
    radius = unit * 0.0024
    power = rng.uniform(15.0, 60.0)
    for at in np.arange(rng.uniform(0, step), w, step):
        spot = np.asarray([[at - 0.3, floor + edge * 1.5], [at + 0.3, floor + edge * 1.5]])
        lamps.add(spot, radius, mix(glow, 1.0, 0.55) * power)
    lamps.draw(raster)
    rgb[:] = rgb * (1.0 - raster[..., 3:4]) + raster[..., :3]
