"""Drawn backgrounds: opaque linear RGB, float32 [h, w, 3], lamps far above white among them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import OVERSAMPLING, Strokes, colour, fbm, mix, over, pick, smoothstep
from bokehbench.synth.assets.glow import add_lamps, halo
from bokehbench.synth.assets.leaves import SEASONS, leaf_patch, random_leaf

Picture = npt.NDArray[np.float32]
Size = tuple[int, int]


def _canvas(size: Size) -> tuple[int, int]:
    return size[0] * OVERSAMPLING, size[1] * OVERSAMPLING


def _finish(rgb: Picture, size: Size) -> Picture:
    blocks = rgb.reshape(size[1], OVERSAMPLING, size[0], OVERSAMPLING, 3)
    # Cubic noise may have dipped below black.
    return np.maximum(blocks.mean(axis=(1, 3), dtype=np.float32), 0.0)


def draw_night_city(rng: np.random.Generator, size: Size) -> Picture:
    """A street of towers at night: lit windows, street lamps of radiance in the hundreds, wet asphalt."""
    w, h = _canvas(size)
    unit = min(w, h)
    y = np.linspace(0.0, 1.0, h, dtype=np.float32)[:, None, None]
    top, low = pick(rng, ("#050a18", "#0a0c1c", "#070d14")), pick(rng, ("#2a2436", "#3a2a2c", "#1c2a3e"))
    horizon = rng.uniform(0.6, 0.74)
    sky = mix(top, low, smoothstep(0.0, horizon, y))
    clouds = smoothstep(-0.3, 2.0, fbm(rng, (h, w), unit / 2.5, 5))[..., None]
    rgb = np.asarray(sky * (0.7 + 1.3 * clouds), np.float32) * np.ones((1, w, 1), np.float32)
    for depth in (0.0, 0.5, 1.0):
        _towers(rng, rgb, horizon * h, unit, depth)
    street = int(horizon * h)
    _lamps_of_the_city(rng, rgb, street, unit)
    rgb[street:] = _wet_street(rng, rgb, street)
    return _finish(halo(rgb, unit / 90, 0.012), size)


def _towers(rng: np.random.Generator, rgb: Picture, ground: float, unit: int, depth: float) -> None:
    """One row of towers; near ones are darker, larger, with larger windows."""
    w = rgb.shape[1]
    x = -rng.uniform(0.0, 0.1) * unit
    while x < w:
        wide = unit * rng.uniform(0.05, 0.12) * (1.0 + depth)
        tall = unit * rng.uniform(0.14, 0.62) * (1.0 - 0.15 * depth)
        x0, x1, y0 = int(max(x, 0)), int(min(x + wide, w)), int(max(ground - tall, 0))
        x += wide * rng.uniform(1.0, 1.35 + 0.5 * depth)
        if x1 - x0 < 4:
            continue
        wall = mix(colour("#1c2030"), colour("#0a0a0d"), depth) * rng.uniform(0.6, 1.5)
        face = rgb[y0 : int(ground) + 1, x0:x1]
        face[:] = wall * np.linspace(0.8, 1.3, face.shape[0], dtype=np.float32)[:, None, None]
        face[:, -max(1, face.shape[1] // 5) :] *= 0.6
        _windows(rng, face, unit * (0.007 + 0.008 * depth))


def _windows(rng: np.random.Generator, face: Picture, cell: float) -> None:
    """Lit windows on a grid, whole floors dark or bright, tints of lamp light and screens."""
    rows, columns = int(face.shape[0] / (cell * 1.5)), int(face.shape[1] / cell)
    if rows < 2 or columns < 2:
        return
    share = np.clip(rng.beta(1.2, 2.4) + 0.25 * (rng.random((rows, 1)) - 0.5), 0.03, 0.8)
    lit = rng.random((rows, columns)) < share
    tones = np.stack([colour(c) for c in ("#ffcf8a", "#ffe2b0", "#ffb35c", "#e8efff", "#ffdfa8")])
    power = rng.lognormal(-0.4, 0.7, (rows, columns)) * lit
    light = tones[rng.integers(len(tones), size=(rows, columns))] * power[..., None]
    yy = (np.arange(face.shape[0]) / (cell * 1.5)).clip(0, rows - 1e-3)
    xx = (np.arange(face.shape[1]) / cell).clip(0, columns - 1e-3)
    pane = ((yy % 1 > 0.25) & (yy % 1 < 0.85))[:, None] & ((xx % 1 > 0.2) & (xx % 1 < 0.85))[None, :]
    value = light[yy.astype(int)][:, xx.astype(int)]
    face += np.where(pane[..., None], value * (0.75 + 0.25 * (yy % 1))[:, None, None], 0.0).astype(np.float32)


def _lamps_of_the_city(rng: np.random.Generator, rgb: Picture, street: int, unit: int) -> None:
    """Lamps in two vanishing rows, signs and windows in between, headlights over the street."""
    w = rgb.shape[1]
    vanish = w * rng.uniform(0.3, 0.7)
    t = rng.uniform(0.0, 1.0, 60) ** 1.6
    row_x = vanish + np.where(rng.random(60) < 0.5, -1.0, 1.0) * t * w * 0.62
    row_y = street - unit * (0.015 + 0.24 * t) + rng.normal(0, 0.002, 60) * unit
    free_x, free_y = rng.uniform(0, w, 150), street - unit * rng.gamma(1.6, 0.07, 150)
    cars_x = vanish + rng.normal(0, 0.22, 40) * w
    cars_y = street + unit * np.abs(rng.normal(0, 0.012, 40))
    places = np.stack(
        [np.concatenate([row_x, free_x, cars_x]), np.concatenate([row_y, free_y, cars_y])], axis=1
    )
    radius = (
        unit
        / 1000
        * np.concatenate([1.4 + 3.2 * t, rng.gamma(2.0, 0.7, 150) + 0.5, rng.uniform(1.4, 2.6, 40)])
    )
    radiance = np.concatenate(
        [rng.lognormal(4.3, 0.5, 60), rng.lognormal(3.2, 0.9, 150), rng.lognormal(4.2, 0.6, 40)]
    ).clip(2.0, 400.0)
    add_lamps(rng, rgb, places, radius, radiance)


def _wet_street(rng: np.random.Generator, rgb: Picture, street: int) -> Picture:
    """Asphalt that mirrors what stands above it in long, broken streaks."""
    h, w = rgb.shape[:2]
    rows = h - street
    mirror = rgb[street - np.minimum(np.arange(1, rows + 1), street)]
    streak = cv2.GaussianBlur(np.minimum(mirror, 25.0), (0, 0), sigmaX=w / 260, sigmaY=h / 30)
    ripple = fbm(rng, (rows, w // 4 + 1), w / 90, 4)
    ripple = cv2.resize(ripple, (w, rows), interpolation=cv2.INTER_CUBIC)
    shift = (ripple * w / 420).astype(int)
    columns = np.clip(np.arange(w)[None, :] + shift, 0, w - 1)
    streak = np.take_along_axis(streak, columns[..., None], axis=1)
    asphalt = colour("#15161a") * (1.0 + 0.35 * fbm(rng, (rows, w), w / 120, 3))[..., None]
    gloss = (0.05 + 0.15 * smoothstep(-0.3, 1.6, ripple))[..., None]
    return np.asarray(np.maximum(asphalt, 0.0) * 0.6 + gloss * streak, np.float32)


def draw_fairy_lights(rng: np.random.Generator, size: Size) -> Picture:
    """A dim room: wallpaper or boards, strings of small bulbs that hang in arcs."""
    w, h = _canvas(size)
    unit = min(w, h)
    wall = pick(rng, ("#3a2a22", "#23303a", "#3d3430", "#26332c", "#402530"))
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    shade = 0.45 + 0.55 * np.exp(-(((x / w - rng.uniform(0.2, 0.8)) ** 2 + (y / h - 0.3) ** 2) / 0.35))
    board = unit * rng.uniform(0.07, 0.13)
    across = np.mod(x, board) / board
    tone = rng.uniform(0.75, 1.2, int(w / board) + 2)[(x / board).astype(int)]
    grain = fbm(rng, (max(h // 12, 4), w), unit / 50, 4)
    grain = cv2.resize(grain, (w, h), interpolation=cv2.INTER_CUBIC)
    groove = smoothstep(0.0, 0.05, across) * smoothstep(1.0, 0.95, across)
    rgb = (wall * (shade * tone * (1.0 + 0.22 * grain) * (0.35 + 0.65 * groove))[..., None]).astype(
        np.float32
    )
    wire = Strokes(roundness=0.5)
    places = []
    for _ in range(int(rng.integers(5, 10))):
        t = np.linspace(-0.02, 1.02, 160)
        level, sag, bias = rng.uniform(0.0, 0.85), rng.uniform(0.04, 0.3), rng.normal(0, 0.1)
        path = np.stack([t * w, h * (level + bias * t + sag * 4 * t * (1 - t))], axis=1)
        wire.add(path, unit / 500, colour("#14120f"))
        places.append(path[int(rng.integers(2, 8)) :: int(rng.integers(6, 11))])
    raster = np.concatenate([rgb, np.ones((h, w, 1), np.float32)], axis=2)
    wire.draw(raster)
    rgb = np.ascontiguousarray(raster[..., :3])
    bulbs = np.concatenate(places) + np.asarray([0.0, unit / 160])
    radius = unit / 1000 * rng.uniform(2.2, 4.2, len(bulbs))
    add_lamps(rng, rgb, bulbs, radius, rng.lognormal(4.2, 0.5, len(bulbs)).clip(15.0, 300.0))
    return _finish(halo(rgb, unit / 40, 0.02), size)


def draw_foliage(rng: np.random.Generator, size: Size) -> Picture:
    """Deep foliage against the light: dark leaves behind, lit ones in front, holes that show the sun."""
    w, h = _canvas(size)
    unit = min(w, h)
    season = SEASONS[int(rng.integers(2))] if rng.random() < 0.7 else SEASONS[int(rng.integers(2, 4))]
    deep = fbm(rng, (h, w), unit / 3, 5)[..., None]
    rgb = np.asarray(pick(rng, season) * (0.10 + 0.10 * smoothstep(-1.5, 1.5, deep)), np.float32)
    gaps = fbm(rng, (h, w), unit / 24, 3) + 0.5 * fbm(rng, (h, w), unit / 3, 2)
    holes = smoothstep(1.2, 1.45, gaps)
    rgb = mix(rgb, colour("#e4f0ff") * rng.uniform(0.9, 3.0), holes[..., None])
    raster = np.concatenate([rgb, np.ones((h, w, 1), np.float32)], axis=2)
    species = random_leaf(rng, 1.0, 0.0, season)
    # Coverage per layer stays the same whatever the shape of the canvas.
    area = w * h / unit**2
    for depth, count in ((0.0, 330), (0.4, 250), (0.75, 150), (1.0, 60)):
        length = unit * (0.06 + 0.035 * depth)
        # Thirty leaves, each used again mirrored and brighter or darker.
        pool = [
            leaf_patch(rng, random_leaf(rng, length, rng.normal(np.pi / 2, 0.9), season, species))[0]
            for _ in range(30)
        ]
        for _ in range(int(count * area)):
            patch = pool[int(rng.integers(30))][:: rng.choice((1, -1)), :: rng.choice((1, -1))].copy()
            patch[..., :3] *= (0.15 + 0.85 * depth**1.5) * rng.uniform(0.6, 1.2)
            x, y = rng.uniform(0, w), rng.uniform(0, h)
            over(raster, patch, int(x) - patch.shape[1] // 2, int(y) - patch.shape[0] // 2)
    rgb = np.ascontiguousarray(raster[..., :3])
    glints = int(rng.integers(15, 60) * area)
    places = np.stack([rng.uniform(0, w, glints), rng.uniform(0, h, glints)], axis=1)
    add_lamps(
        rng,
        rgb,
        places,
        unit / 1000 * rng.gamma(2.0, 0.6, glints),
        rng.lognormal(3.2, 0.8, glints).clip(3, 200),
    )
    return _finish(rgb, size)


def draw_meadow(rng: np.random.Generator, size: Size) -> Picture:
    """Sky with clouds, hills in haze, a line of trees, a meadow with flowers."""
    w, h = _canvas(size)
    unit = min(w, h)
    y = np.arange(h, dtype=np.float32)[:, None] * np.ones((1, w), np.float32)
    evening = rng.random() < 0.4
    zenith, haze = (
        (colour("#3a4f86"), colour("#f2b184")) if evening else (colour("#3f78c0"), colour("#cfe2ee"))
    )
    horizon = h * rng.uniform(0.5, 0.64)
    rgb = mix(zenith, haze, smoothstep(0.0, 1.0, y / horizon)[..., None])
    billow = fbm(rng, (h, w), unit / 2.2, 6) + 0.5 * fbm(rng, (h, w), unit / 5, 4)
    cloud = smoothstep(-0.1, 2.2, billow) * smoothstep(1.05, 0.5, y / horizon)
    rgb = mix(
        rgb,
        mix(haze, 1.0, 0.6) * (1.05 - 0.25 * smoothstep(0.8, 2.2, billow))[..., None],
        0.9 * cloud[..., None],
    )
    for k, height in enumerate((0.09, 0.055)):
        ridge = horizon - unit * (height + 0.035 * fbm(rng, (1, w), unit / 1.5, 4)[0])
        tone = mix(haze, colour("#4a6660"), 0.35 + 0.3 * k)
        rgb = mix(rgb, tone, np.clip(y - ridge + 0.5, 0, 1)[..., None])
    trees = horizon - unit * 0.02 - _crowns(rng, w, unit)
    leafy = np.maximum(1.0 + 0.4 * fbm(rng, (h, w), unit / 40, 5), 0.35)
    tree_tone = pick(rng, ("#27371f", "#2e3f24", "#3a3a22")) * leafy[..., None]
    rgb = mix(rgb, tree_tone, np.clip(y - trees + 0.5, 0, 1)[..., None])
    near = np.clip((y - horizon) / (h - horizon), 0.0, 1.0)
    field = pick(rng, ("#6f8a3a", "#8a9a4a", "#5e8038", "#a89a52"))
    patchy = 1.0 + 0.25 * fbm(rng, (h, w), unit / 5, 4) + 0.22 * fbm(rng, (h, w), unit / 90, 3)
    rgb = mix(
        rgb,
        field * (np.maximum(patchy, 0.5) * (0.65 + 0.4 * near))[..., None],
        np.clip(y - horizon + 0.5, 0, 1)[..., None],
    )
    raster = np.concatenate([np.maximum(rgb, 0.0), np.ones((h, w, 1), np.float32)], axis=2)
    _blades(rng, raster, horizon, unit, field)
    return _finish(np.ascontiguousarray(raster[..., :3]) * np.float32(0.8 if evening else 1.0), size)


def _crowns(rng: np.random.Generator, w: int, unit: int) -> npt.NDArray[np.float32]:
    """Height [w] of a line of round tree tops with ragged edges, pixels."""
    x = np.arange(w, dtype=np.float32)
    height = np.zeros(w, np.float32)
    for _ in range(int(34 * w / unit)):
        centre, half, tall = (
            rng.uniform(0, w),
            unit * rng.uniform(0.012, 0.05),
            unit * rng.uniform(0.01, 0.075),
        )
        dome = np.sqrt(np.clip(1.0 - ((x - centre) / half) ** 2, 0.0, 1.0))
        height = np.maximum(height, tall * dome)
    ragged = fbm(rng, (1, w), unit / 50, 4)[0] + fbm(rng, (1, w), unit / 160, 3)[0]
    return np.asarray(height + unit * 0.0035 * ragged, np.float32)


def _blades(rng: np.random.Generator, raster: Picture, horizon: float, unit: int, field: Picture) -> None:
    """Grass blades and flowers, larger and sparser towards the camera."""
    h, w = raster.shape[:2]
    count = int(2600 * w / unit)
    depth = np.sort(rng.uniform(0.03, 1.0, count) ** 0.8)
    strokes = Strokes()
    flower = pick(rng, ("#f4f0e0", "#f0c63c", "#d8506a", "#9a7fd0"))
    for t in depth:
        x, y = rng.uniform(0, w), horizon + (h * 1.04 - horizon) * t
        tall = unit * (0.006 + 0.055 * t) * rng.uniform(0.5, 1.3)
        lean = rng.normal(0.0, 0.25) * tall
        tone = field * rng.uniform(0.45, 1.5) * (0.8 + 0.2 * rng.random(3))
        path = np.asarray([[x, y], [x + 0.3 * lean, y - 0.6 * tall], [x + lean, y - tall]])
        strokes.add(path, unit / 1000 * (0.4 + 1.6 * t) * np.asarray([1.0, 0.8, 0.2]), tone)
        if rng.random() < 0.1:
            tip = path[-1] + np.asarray([[-0.5, 0.0], [0.5, 0.0]]) * unit * 0.003 * t
            strokes.add(tip, unit * (0.001 + 0.0065 * t), flower * rng.uniform(0.6, 1.0))
    strokes.draw(raster)


def draw_shelf(rng: np.random.Generator, size: Size) -> Picture:
    """An indoor bookshelf under a warm lamp: books with titles, gaps, boards with grain."""
    w, h = _canvas(size)
    unit = min(w, h)
    wood = pick(rng, ("#6b4a2e", "#8a6a48", "#4a3526", "#b59a78"))
    rgb = np.ones((h, w, 1), np.float32) * wood * np.float32(0.10)
    pitch = unit * rng.uniform(0.26, 0.36)
    thick = unit * 0.022
    y = -rng.uniform(0.0, 1.0) * pitch
    while y < h:
        _books(rng, rgb, y + thick, y + pitch, unit)
        _board(rng, rgb, y + pitch, thick, wood)
        y += pitch + thick
    yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
    lamp = np.hypot(xx / w - rng.uniform(0.1, 0.9), yy / h - rng.uniform(0.0, 0.5))
    light = np.asarray([1.0, 0.86, 0.68], np.float32) * (0.45 + 1.1 * np.exp(-(lamp**2) / 0.3))[..., None]
    return _finish(rgb * light.astype(np.float32), size)


def _board(rng: np.random.Generator, rgb: Picture, top: float, thick: float, wood: Picture) -> None:
    h, w = rgb.shape[:2]
    y0, y1 = int(min(max(top, 0), h)), int(min(max(top + thick, 0), h))
    if y1 <= y0:
        return
    grain = cv2.resize(
        fbm(rng, (y1 - y0, max(w // 16, 4)), 8.0, 4), (w, y1 - y0), interpolation=cv2.INTER_CUBIC
    )
    ramp = np.linspace(1.15, 0.75, y1 - y0, dtype=np.float32)[:, None]
    rgb[y0:y1] = wood * (0.8 * ramp * (1.0 + 0.2 * grain))[..., None]
    below = min(h, y1 + int(thick))
    if below > y1:
        rgb[y1:below] *= np.linspace(0.4, 1.0, below - y1, dtype=np.float32)[:, None, None]


def _books(rng: np.random.Generator, rgb: Picture, top: float, base: float, unit: int) -> None:
    """One row of spines with bands and lettering, now and then a gap."""
    h, w = rgb.shape[:2]
    covers = (
        "#7a2f2a",
        "#27405e",
        "#2f5a44",
        "#c9b58a",
        "#8a5a2c",
        "#d8d2c4",
        "#3a3a40",
        "#a8452e",
        "#556b7a",
        "#b8912f",
    )
    x = -rng.uniform(0, 0.05) * unit
    while x < w:
        wide = unit * rng.uniform(0.016, 0.05)
        if rng.random() < 0.07:
            x += unit * rng.uniform(0.04, 0.14)
            continue
        tall = (base - top) * rng.uniform(0.68, 0.95)
        x0, x1 = int(max(x, 0)), int(min(x + wide, w))
        y0, y1 = int(np.clip(base - tall, 0, h)), int(np.clip(base, 0, h))
        x += wide + unit * 0.0012
        if x1 - x0 < 3 or y1 - y0 < 3:
            continue
        across = np.linspace(-1.0, 1.0, x1 - x0, dtype=np.float32)
        shade = (0.35 + 0.65 * np.sqrt(np.clip(1.0 - (across * 0.95 + 0.15) ** 2, 0, 1)))[None, :, None]
        spine = rgb[y0:y1, x0:x1]
        spine[:] = pick(rng, covers) * rng.uniform(0.55, 1.0) * shade
        ink = mix(pick(rng, ("#e8dcb0", "#f0ece0", "#1c1a18", "#c9a850")), 0.0, 0.1)
        for level in rng.uniform(0.05, 0.95, 3):
            band = int(level * (y1 - y0))
            spine[band : band + max(1, unit // 300)] = ink * shade[:, :, :] * 0.8
        start, end = int(0.25 * (y1 - y0)), int(rng.uniform(0.5, 0.8) * (y1 - y0))
        letters = np.repeat(
            rng.random((max((end - start) // max(unit // 220, 1), 1), 1)) < 0.65, max(unit // 220, 1), 0
        )
        middle = slice((x1 - x0) * 2 // 5, (x1 - x0) * 3 // 5 + 1)
        rows = spine[start : start + len(letters), middle]
        rows[:] = np.where(letters[: len(rows), :, None], ink * 0.8, rows)
