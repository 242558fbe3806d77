"""Drawn backgrounds that are surfaces: brick wall, boards, marble; linear RGB [h, w, 3].

Each is a height and a colour under a low sun or a lamp; nothing is tiled, so nothing repeats.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import (
    LIGHT,
    OVERSAMPLING,
    average_down,
    colour,
    mix,
    pick,
    smoothstep,
)
from bokehbench.synth.assets.noise import fbm

Picture = npt.NDArray[np.float32]
Size = tuple[int, int]


def grid(size: Size) -> tuple[Picture, Picture, int]:
    """x and y [h, w] of the oversampled canvas, pixels, and its shorter side."""
    y, x = np.mgrid[0 : size[1] * OVERSAMPLING, 0 : size[0] * OVERSAMPLING].astype(np.float32)
    return x, y, min(x.shape)


def finish(rgb: Picture) -> Picture:
    """The canvas averaged down to its size."""
    # Cubic noise may have dipped below black.
    return np.maximum(average_down(np.asarray(rgb, np.float32)), 0.0)


def _along(
    rng: np.random.Generator, shape: tuple[int, ...], cell: float, stretch: float, octaves: int
) -> Picture:
    """Noise [h, w] whose features are `stretch` times longer in x than in y."""
    narrow = (shape[0], max(int(shape[1] / stretch), 8))
    return cv2.resize(fbm(rng, narrow, cell, octaves), shape[::-1], interpolation=cv2.INTER_CUBIC)


def _relief(height: Picture, strength: float) -> Picture:
    """Brightness [h, w] of a surface of `height` (pixels) under the key light, 1 where it is flat."""
    gy, gx = np.gradient(height)
    lit = LIGHT[2] - strength * (gx * LIGHT[0] + gy * LIGHT[1])
    lit = lit / np.sqrt(1.0 + strength**2 * (gx * gx + gy * gy)) / LIGHT[2]
    return np.asarray(np.clip(lit, 0.12, 2.2), np.float32)


def room_light(rng: np.random.Generator, x: Picture, y: Picture, unit: int) -> Picture:
    """How a lamp or a gap in the clouds lights a surface: [h, w, 3], warm where it is bright."""
    h, w = x.shape
    spot = np.hypot((x / w - rng.uniform(0.1, 0.9)), (y / h - rng.uniform(-0.1, 0.6)) * 0.8)
    glow = np.exp(-(spot**2) / rng.uniform(0.15, 0.6))
    drift = 1.0 + 0.05 * fbm(rng, (h, w), unit / 1.5, 2)
    warm = mix((0.86, 0.93, 1.0), (1.0, 0.9, 0.74), (glow * rng.uniform(0.2, 1.0))[..., None])
    return np.asarray(warm * ((rng.uniform(0.35, 0.6) + 0.95 * glow) * drift)[..., None], np.float32)


# ------------------------------------------------------------------------------------------------ masonry

BRICKS = (
    ("#8c4a36", "#a35a40", "#713a2e", "#b06a4a"),
    ("#9a5f48", "#b57a5c", "#86503e", "#c49070"),
    ("#b09a7c", "#c8b28e", "#998468", "#8a7a64"),
    ("#6a5f5c", "#7c6c66", "#5a5350", "#8a5a4a"),
)


def draw_wall(rng: np.random.Generator, size: Size) -> Picture:
    """A brick wall in running bond: every brick of its own, crumbled edges, soot, a low sun."""
    x, y, unit = grid(size)
    shape = x.shape
    tall = unit / rng.uniform(9.0, 17.0)
    wide = tall * rng.uniform(2.4, 3.1)
    u = x + tall * 0.035 * fbm(rng, shape, tall * 2.5, 3) + rng.uniform(0, wide)
    v = y + tall * 0.045 * fbm(rng, shape, tall * 4.0, 3) + rng.uniform(0, tall)
    row = (v / tall).astype(int)
    shift = np.where(row % 2 == 0, 0.0, 0.5) + 0.06 * rng.standard_normal(int(row.max()) + 1)[row]
    across = u / wide + np.maximum(shift + 0.2, 0.0)
    column = across.astype(int)
    own = rng.random((int(row.max()) + 1, int(column.max()) + 1, 6)).astype(np.float32)[row, column]
    dx = (0.5 - np.abs(across - column - 0.5)) * wide
    dy = (0.5 - np.abs(v / tall - row - 0.5)) * tall
    joint = tall * rng.uniform(0.07, 0.11)
    corner = tall * 0.10
    inner = np.minimum(np.minimum(dx, dy) - joint, corner)
    rounded = corner - np.hypot(np.maximum(corner - dx + joint, 0), np.maximum(corner - dy + joint, 0))
    chips = fbm(rng, shape, tall * 0.35, 4)
    depth = np.minimum(inner, rounded) - tall * 0.028 * (chips + 0.4) - joint * 0.5 * (own[..., 0] > 0.93)
    face = smoothstep(-0.6, tall * 0.05, depth)
    grain = fbm(rng, shape, tall * 0.16, 4)
    palette = np.stack([colour(c) for c in BRICKS[int(rng.integers(len(BRICKS)))]])
    tone = palette[(own[..., 1] ** 1.4 * len(palette)).astype(int)]
    tone = tone * (0.72 + 0.5 * own[..., 2:3]) * (1.0 - 0.45 * (own[..., 3:4] > 0.94))
    tone = tone * (1.0 + 0.16 * grain + 0.10 * chips)[..., None]
    sandy = pick(rng, ("#b3a896", "#8f877a", "#c9c0ae")) * (0.75 + 0.12 * grain + 0.06 * chips)[..., None]
    rgb = mix(sandy, tone, face[..., None])
    if rng.random() < 0.3:
        cover = smoothstep(-0.9, 0.2, fbm(rng, shape, unit / 4, 6) + 0.35 * chips + rng.uniform(-0.2, 0.8))
        rgb = mix(rgb, colour("#d9d5cc") * (0.85 + 0.05 * grain[..., None]), (0.85 * cover)[..., None])
    height = joint * 0.9 * face + tall * 0.016 * grain + (own[..., 4] - 0.5) * joint * 0.5 * face
    soot = 1.0 - 0.3 * smoothstep(0.0, 2.0, fbm(rng, shape, unit / 2.5, 5))
    return finish(rgb * (_relief(height, 0.75) * soot)[..., None] * room_light(rng, x, y, unit))


# -------------------------------------------------------------------------------------------------- boards


def draw_planks(rng: np.random.Generator, size: Size) -> Picture:
    """Boards: growth rings cut at a slant, knots, pores, seams, nails; lacquered or weathered."""
    x, y, unit = grid(size)
    upright = bool(rng.random() < 0.5)
    if upright:
        x, y = np.ascontiguousarray(y.T), np.ascontiguousarray(x.T)
    shape = x.shape
    pitch = unit / rng.uniform(3.0, 8.0)
    rows = int(shape[0] / pitch) + 2
    offset = rng.uniform(0, pitch)
    row = ((y + offset) / pitch).astype(int)
    inside = (y + offset) / pitch - row
    light, dark = [
        ("#c49a6c", "#8a5f38"),
        ("#8c6844", "#573a22"),
        ("#a49a8c", "#6d6459"),
        ("#d8bd92", "#a98557"),
        ("#6b4630", "#3c2418"),
    ][int(rng.integers(5))]
    rings = _rings(rng, shape, row, inside, x, rows, pitch)
    late = rings - np.floor(rings)
    late = smoothstep(0.15, 0.9, late) * smoothstep(1.0, 0.93, late)
    pores = _along(rng, shape, max(pitch / 60, 2.0), 18.0, 3)
    mottle = _along(rng, shape, pitch, 4.0, 4)
    rgb = mix(colour(light), colour(dark), np.clip(0.85 * late + 0.09 * mottle, 0, 1)[..., None])
    own = rng.uniform(0.68, 1.15, rows)[row] * (1.0 + 0.10 * pores + 0.05 * mottle)
    tint = rng.uniform(0.96, 1.04, (rows, 3)).astype(np.float32)[row]
    edge = (0.5 - np.abs(inside - 0.5)) * pitch
    gap = pitch * 0.012 + 1.0
    seam = smoothstep(gap * 0.4, gap * 1.5, edge + 0.4 * gap * pores)
    rgb = rgb * tint * (own * (0.05 + 0.95 * seam))[..., None]
    bevel = np.minimum(edge, gap * 3.5)
    rgb = rgb * _relief(bevel * 0.5 + 0.5 * pores + 0.5 * late, 0.5)[..., None]
    _nails(rng, rgb, row, pitch, offset)
    if upright:
        rgb = np.ascontiguousarray(rgb.transpose(1, 0, 2))
        x, y = y.T, x.T
    return finish(rgb * room_light(rng, x, y, unit))


def _rings(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    row: npt.NDArray[np.int64],
    inside: Picture,
    x: Picture,
    rows: int,
    pitch: float,
) -> Picture:
    """Age of the wood at each pixel, in years: cones of growth, cut differently by every board."""
    pith = rng.uniform(-1.2, 2.2, rows)[row]
    slope = rng.normal(0.0, 0.16, rows)[row] * (x / shape[1] - 0.5) * shape[1] / pitch / 6.0
    sway = 0.30 * _along(rng, shape, pitch * 2.5, 6.0, 2)
    years = np.sqrt((inside - pith + slope + 0.35 * sway) ** 2 + 0.05) * rng.uniform(7.0, 13.0)
    years = years + rng.uniform(0, 9, rows)[row] + 0.12 * _along(rng, shape, pitch / 8, 10.0, 3)
    for _ in range(int(rng.integers(1, 6))):
        k = int(rng.integers(rows))
        cx, cy = rng.uniform(0, shape[1]), rng.uniform(0.25, 0.75)
        r = np.hypot((x - cx) / pitch / 2.3, inside - cy) / rng.uniform(0.10, 0.2)
        years = np.where(row == k, years + rng.uniform(3.0, 6.0) * np.exp(-r), years)
    return np.asarray(years, np.float32)


def _nails(
    rng: np.random.Generator, rgb: Picture, row: npt.NDArray[np.int64], pitch: float, offset: float
) -> None:
    """Pairs of nail heads in every board where a joist lies beneath, in place."""
    step = pitch * rng.uniform(5.0, 8.0)
    radius = pitch * 0.022 + 1.0
    for at in np.arange(rng.uniform(0, step), rgb.shape[1], step):
        for k in range(int(row.max()) + 1):
            for level in (0.22, 0.78):
                cx, cy = at + rng.normal(0, pitch * 0.02), (k + level) * pitch - offset
                x0, y0 = int(cx - 2 * radius), int(cy - 2 * radius)
                part = rgb[max(y0, 0) : int(cy + 2 * radius) + 2, max(x0, 0) : int(cx + 2 * radius) + 2]
                if part.size == 0 or cy < 0:
                    continue
                dy, dx = np.mgrid[0 : part.shape[0], 0 : part.shape[1]]
                dx, dy = dx + max(x0, 0) - cx, dy + max(y0, 0) - cy
                r = np.hypot(dx, dy)
                stain = 1.0 - 0.35 * np.exp(-((r / radius / 1.6) ** 2))
                head = np.clip(radius + 0.5 - r, 0.0, 1.0)[..., None]
                steel = np.asarray([0.10, 0.095, 0.09]) * (1.0 - 0.6 * (dx + dy) / radius)[..., None]
                part[:] = mix(part * stain[..., None], np.maximum(steel, 0.02), head)


# -------------------------------------------------------------------------------------------------- marble


def draw_marble(rng: np.random.Generator, size: Size) -> Picture:
    """Polished slabs: clouds and branching veins in folded stone, a window's soft reflection."""
    x, y, unit = grid(size)
    shape = x.shape
    base, cloud, vein, gold = [
        ("#e6e4df", "#c2c4c6", "#6e7378", "#b0a08a"),
        ("#20231f", "#39403a", "#c9cbc4", "#a88c52"),
        ("#d9c8a8", "#bfa67e", "#8a6644", "#efe6d2"),
        ("#3f5a4a", "#2b4034", "#c4cfc0", "#7c9a84"),
        ("#8a4f44", "#6a3a34", "#e2cfc2", "#b98a78"),
    ][int(rng.integers(5))]
    angle = rng.uniform(0, np.pi)
    fold = [unit * 0.10 * fbm(rng, shape, unit / 2.2, 4) for _ in range(2)]
    u = x * np.cos(angle) + y * np.sin(angle) + fold[0]
    v = -x * np.sin(angle) + y * np.cos(angle) + fold[1]
    source = fbm(rng, (1024, 1024), 300.0, 7), fbm(rng, (1024, 1024), 160.0, 6)

    def stone(k: int, scale: float, stretch: float, at: float) -> Picture:
        """Noise in the coordinates of the folded stone."""
        columns, rows = u * (scale / unit) * 400.0 + at, v * (scale * stretch / unit) * 400.0 + at
        return cv2.remap(source[k], columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)

    clouds = stone(0, 1.0, 0.45, 100.0)
    rgb = mix(colour(base), colour(cloud), smoothstep(-1.2, 1.6, clouds)[..., None])
    for k, scale, width, strength in ((0, 0.7, 0.06, 0.95), (1, 1.0, 0.09, 0.75), (1, 1.9, 0.07, 0.5)):
        ridge = np.abs(stone(k, scale, 0.5, 310.0 * scale + rng.uniform(0, 80)) + rng.uniform(-0.4, 0.4))
        thick = width * (0.35 + 0.9 * smoothstep(-0.6, 1.4, stone(1, 0.5, 0.5, 77.0 * scale)))
        line = np.exp(-((ridge / thick) ** 1.3)) * strength
        line = line * smoothstep(-0.9, 0.9, stone(0, 0.8, 0.6, 190.0 * scale))
        rgb = mix(rgb, colour(vein if rng.random() < 0.75 else gold), line[..., None])
        halo = 0.22 * np.exp(-ridge / (thick * 5.0)) * strength
        rgb = mix(rgb, colour(vein), halo[..., None])
    rgb = rgb * (1.0 + 0.025 * fbm(rng, shape, 5.0, 2))[..., None]
    rgb = _slabs(rng, rgb, x, y, unit)
    light = room_light(rng, x, y, unit)
    lean = (x / unit - rng.uniform(0.2, 1.0)) + 0.3 * (y / unit)
    pane = smoothstep(0.24, 0.16, np.abs(lean)) * (0.55 + 0.45 * smoothstep(0.012, 0.03, np.abs(lean)))
    gloss = 0.11 * pane * smoothstep(1.1, 0.1, y / shape[0])
    return finish(rgb * light + gloss[..., None] * np.asarray([0.95, 0.98, 1.0], np.float32))


def _slabs(rng: np.random.Generator, rgb: Picture, x: Picture, y: Picture, unit: int) -> Picture:
    """Joints between slabs, and a shade for each of them; sometimes one piece."""
    if rng.random() < 0.4:
        return rgb
    pitch = unit * rng.uniform(0.42, 0.75)
    px, py = (c / pitch + rng.uniform(0, 1) for c in (x, y))
    own = rng.uniform(0.86, 1.06, (16, 16))[py.astype(int) % 16, px.astype(int) % 16]
    edge = np.minimum(np.abs(px - np.round(px)), np.abs(py - np.round(py))) * pitch
    joint = smoothstep(unit * 0.0012, unit * 0.0030, edge)
    return np.asarray(rgb * (own * (0.35 + 0.65 * joint))[..., None], np.float32)
