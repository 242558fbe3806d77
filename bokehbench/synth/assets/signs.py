"""Foregrounds with lettering: painted boards, enamel plates, stencilled metal, road signs, standing letters.

Lettering is set in the typeface that Pillow brings along; a mirror image of it would be wrong.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bokehbench.synth.assets.brushes import (
    LIGHT,
    OVERSAMPLING,
    Raster,
    Strokes,
    average_down,
    blank,
    colour,
    mix,
    over,
    pick,
    smoothstep,
)
from bokehbench.synth.assets.noise import fbm

Mask = npt.NDArray[np.float32]
SHOPS = (
    ("BAKERY", "fresh bread daily"),
    ("Coffee & Tea", "open 8 to 6"),
    ("FLOWERS", "roses  tulips  herbs"),
    ("BOOKSHOP", "new & second hand"),
    ("Bicycles", "repair while you wait"),
    ("TO THE BEACH", "400 m"),
    ("OPEN", "please come in"),
    ("Garden", "mind the cat"),
    ("FISH MARKET", "every Friday"),
    ("Pottery", "studio & school"),
)
STREETS = (
    "Mill Lane",
    "STATION ROAD",
    "Rue du Port",
    "Lindenallee",
    "Harbour St",
    "12 A",
    "Platform 4",
    "Via Roma",
)
STENCILS = ("EXIT", "NO 7", "FRAGILE", "DOCK 12", "MIND THE STEP", "2 TON MAX", "KEEP DRY", "LOT 49")
WORDS = ("LOVE", "HOME", "CAFE", "HELLO", "ART", "YES", "2 & 4", "Relax", "Music", "SALE", "EAT", "R&B")


def lettering(text: str, height: int) -> Mask:
    """Coverage [h, w] of one line of text, `height` pixels from ascender to descender, tightly cut."""
    font = ImageFont.load_default(size=max(height, 6))
    left, top, right, bottom = font.getbbox(text)
    ink = Image.new("L", (max(int(right - left), 1) + 2, max(int(bottom - top), 1) + 2))
    ImageDraw.Draw(ink).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(ink, np.float32) / np.float32(255.0)


def _fit(text: str, width: float, height: float) -> Mask:
    """A line of text as large as fits into width x height pixels."""
    trial = lettering(text, 200)
    size = 200.0 * min(width / trial.shape[1], height / trial.shape[0])
    return lettering(text, int(size))


def _bold(ink: Mask, radius: float) -> Mask:
    """Letters with a heavier stroke."""
    k = 2 * max(round(radius), 1) + 1
    padded = np.pad(ink, k)
    return np.asarray(cv2.dilate(padded, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (k, k))), np.float32)


def _put(canvas: Mask, ink: Mask, x: float, y: float) -> None:
    """Union of `ink`, its centre at (x, y), with `canvas`, in place."""
    x0, y0 = round(x - ink.shape[1] / 2), round(y - ink.shape[0] / 2)
    cut_x, cut_y = max(-x0, 0), max(-y0, 0)
    window = canvas[y0 + cut_y : y0 + ink.shape[0], x0 + cut_x : x0 + ink.shape[1]]
    part = ink[cut_y : cut_y + window.shape[0], cut_x : cut_x + window.shape[1]]
    np.maximum(window, part, out=window)


def _plate(shape: tuple[int, int], half: tuple[float, float], corner: float) -> Mask:
    """Signed depth [h, w], pixels, inside a rectangle with round corners around the middle."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    dx = np.abs(x - (shape[1] - 1) / 2) - (half[0] - corner)
    dy = np.abs(y - (shape[0] - 1) / 2) - (half[1] - corner)
    outside = np.hypot(np.maximum(dx, 0.0), np.maximum(dy, 0.0))
    return np.asarray(corner - outside - np.minimum(np.maximum(dx, dy), 0.0), np.float32)


def _cover(depth: Mask) -> Mask:
    return np.asarray(np.clip(depth + 0.5, 0.0, 1.0), np.float32)


def _emboss(height: Mask, strength: float) -> Mask:
    """Factor on brightness [h, w] of a relief under the key light; `height` in pixels."""
    gy, gx = np.gradient(height)
    lit = (LIGHT[2] - strength * (gx * LIGHT[0] + gy * LIGHT[1])) / np.sqrt(
        1.0 + strength**2 * (gx**2 + gy**2)
    )
    return np.asarray(np.clip(lit / LIGHT[2], 0.3, 1.9), np.float32)


def _layer(rgb: npt.NDArray[np.float32], alpha: Mask) -> Raster:
    # Cubic noise may have dipped below black.
    lit = np.maximum(rgb, 0.0) * alpha[..., None]
    return np.concatenate([lit, alpha[..., None]], axis=2).astype(np.float32)


def _turned(patch: Raster, degrees: float) -> Raster:
    """A patch rotated about its middle; it must have room around it."""
    h, w = patch.shape[:2]
    turn = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(patch, turn, (w, h), flags=cv2.INTER_LINEAR), np.float32)


# ---------------------------------------------------------------------------------------- hanging boards


def draw_sign(rng: np.random.Generator, size: int) -> Raster:
    """A board that hangs from two chains: painted planks, enamel, or metal with the letters cut through."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    kind = int(rng.integers(3))
    half = (side * rng.uniform(0.36, 0.45), side * rng.uniform(0.14, 0.24 if kind != 1 else 0.18))
    shape = (int(2 * half[1] + side * 0.12), side)
    paint = (_painted_board, _enamel_plate, _stencil)[kind]
    board = _turned(paint(rng, shape, half), float(rng.normal(0.0, 1.0)))
    middle = side * rng.uniform(0.5, 0.66)
    links = Strokes(roundness=0.9, gloss=0.5)
    metal = pick(rng, ("#4a4c4f", "#8a7a52", "#2d2c2b", "#8d9094"))
    link = side * 0.016
    for x in (-0.72, 0.72):
        foot = middle - half[1] + side * 0.02
        turn = np.linspace(0, 2 * np.pi, 17)
        for i, y in enumerate(np.arange(foot, 0.0, -link * 1.45)):
            wide = 0.36 if i % 2 else 0.07
            ring = np.stack([np.cos(turn) * link * wide, np.sin(turn) * link], axis=1)
            links.add(ring + np.asarray([side / 2 + x * half[0], y]), link * 0.13, metal)
    links.draw(raster)
    over(raster, board, 0, int(middle - shape[0] / 2))
    return average_down(raster)


def _text_block(
    shape: tuple[int, int], half: tuple[float, float], text: tuple[str, str], bold: float
) -> Mask:
    """A headline and a smaller line under it."""
    ink = np.zeros(shape, np.float32)
    x, y = shape[1] / 2, shape[0] / 2
    head = _fit(text[0], half[0] * 1.55, half[1] * 0.80)
    head = _bold(head, bold * head.shape[0] * 0.03)
    _put(ink, head, x, y - half[1] * 0.24)
    _put(ink, _bold(_fit(text[1], half[0] * 1.25, half[1] * 0.34), 1), x, y + half[1] * 0.48)
    return ink


def _painted_board(rng: np.random.Generator, shape: tuple[int, int], half: tuple[float, float]) -> Raster:
    """Planks with grain, a painted ground that has flaked off here and there, hand-lettered text."""
    depth = _plate(shape, half, half[1] * rng.uniform(0.02, 0.3))
    frayed = fbm(rng, shape, half[1] / 5, 4)
    alpha = _cover(depth + 0.004 * half[0] * frayed)
    planks = int(rng.integers(2, 5))
    y = (np.arange(shape[0], dtype=np.float32)[:, None] - shape[0] / 2) / (2 * half[1]) + 0.5
    seam = np.abs(np.mod(y * planks + 0.5, 1.0) - 0.5) * 2 * half[1] / planks
    gap = np.where((y > 0.5 / planks) & (y < 1 - 0.5 / planks), smoothstep(0.0, half[1] * 0.02, seam), 1.0)
    grain = cv2.resize(
        fbm(rng, (shape[0], max(shape[1] // 24, 8)), 9.0, 4), shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    wood = pick(rng, ("#8a6a48", "#6f5137", "#a48a68", "#77706a"))
    ground, ink_tone, line = [
        ("#1f3d36", "#efe6cc", "#d3b25a"),
        ("#efe7d3", "#7c2622", "#2c2a28"),
        ("#22324f", "#f1ecdc", "#e0b84c"),
        ("#7a1f22", "#f3e6c4", "#e8c468"),
        ("#262423", "#f0ede6", "#c8b48a"),
        ("#7fa4a0", "#fbf6ea", "#35504c"),
    ][int(rng.integers(6))]
    text = SHOPS[int(rng.integers(len(SHOPS)))]
    ink = _text_block(shape, half, text, rng.uniform(0.3, 1.3))
    border = _cover(half[1] * 0.022 - np.abs(depth - half[1] * 0.12))
    wear = smoothstep(2.1, 1.6, 0.45 * grain + fbm(rng, shape, half[1] * 0.5, 6) + rng.uniform(-0.8, 0.35))
    rgb = wood * (1.0 + 0.22 * grain)[..., None] * np.float32(0.85)
    painted = mix(mix(colour(ground), colour(line), border[..., None]), colour(ink_tone), ink[..., None])
    rgb = mix(rgb, painted * (1.0 + 0.05 * grain)[..., None], wear[..., None])
    relief = _emboss(np.minimum(depth, half[1] * 0.03) + 0.5 * wear + 0.25 * grain, 0.9)
    drop = np.linspace(1.08, 0.86, shape[0], dtype=np.float32)[:, None]
    return _layer(rgb * (relief * gap * drop)[..., None], alpha)


def _enamel_plate(rng: np.random.Generator, shape: tuple[int, int], half: tuple[float, float]) -> Raster:
    """A street plate: glossy enamel, a rim, screws with rust running from them."""
    depth = _plate(shape, half, half[1] * rng.uniform(0.05, 0.35))
    ground, tone = [
        ("#173a78", "#f4f3ec"),
        ("#f2efe4", "#1b1b1d"),
        ("#1d5a3c", "#f4f3ea"),
        ("#8c1d22", "#f6f1e6"),
    ][int(rng.integers(4))]
    ink = np.zeros(shape, np.float32)
    text = _fit(STREETS[int(rng.integers(len(STREETS)))], half[0] * 1.45, half[1] * 0.95)
    _put(ink, _bold(text, text.shape[0] * 0.02), shape[1] / 2, shape[0] / 2)
    rim = _cover(half[1] * 0.035 - np.abs(depth - half[1] * 0.11))
    rgb = mix(colour(ground), colour(tone), np.maximum(ink, rim)[..., None])
    x, y = (np.arange(n, dtype=np.float32) - n / 2 for n in shape[::-1])
    rust = np.zeros(shape, np.float32)
    noise = fbm(rng, shape, half[1] * 0.35, 5)
    for sx in (-0.9, 0.9):
        dx, dy = x[None, :] - sx * half[0], y[:, None]
        r = np.hypot(dx, dy) / half[1]
        run = np.exp(-((dx / half[1] / 0.05) ** 2)) * (dy > 0) * smoothstep(0.6, 0.0, dy / half[1])
        rust = np.maximum(rust, smoothstep(0.16, 0.05, r + 0.05 * noise) + 0.75 * run * (0.7 + 0.3 * noise))
    rust = np.maximum(
        rust, smoothstep(half[1] * 0.09, 0.0, depth + half[1] * 0.05 * noise) * smoothstep(-0.2, 1.2, noise)
    )
    rust = np.clip(rust, 0.0, 1.0) * rng.uniform(0.6, 1.0)
    rgb = mix(rgb, colour("#6b3314") * (1.0 + 0.3 * noise[..., None]), rust[..., None])
    gloss = 0.10 * smoothstep(0.32, 0.0, np.abs((x[None, :] / half[0] + 0.5 * y[:, None] / half[1]) + 0.35))
    relief = _emboss(np.minimum(depth, half[1] * 0.05) + 1.2 * cv2.GaussianBlur(ink, (0, 0), 1.2), 0.8)
    rgb = rgb * relief[..., None] * np.float32(0.92) + (gloss * (1.0 - rust))[..., None]
    return _layer(rgb, _cover(depth))


def _stencil(rng: np.random.Generator, shape: tuple[int, int], half: tuple[float, float]) -> Raster:
    """Weathered sheet metal with letters, holes and slots cut right through; bridges hold the counters."""
    depth = _plate(shape, half, half[1] * 0.06)
    ink = np.zeros(shape, np.float32)
    text = _fit(STENCILS[int(rng.integers(len(STENCILS)))], half[0] * 1.6, half[1] * 0.85)
    heavy = _bold(text, text.shape[0] * 0.05)
    # Vertical bridges, as stencils have them, so that no island falls out.
    heavy = (
        heavy
        * (np.abs(np.mod(np.arange(heavy.shape[1]), half[1] * 0.42) - half[1] * 0.21) > half[1] * 0.022)[
            None, :
        ]
    )
    _put(ink, np.asarray(heavy, np.float32), shape[1] / 2, shape[0] / 2)
    x, y = (np.arange(n, dtype=np.float32) - n / 2 for n in shape[::-1])
    pitch = half[1] * rng.uniform(0.11, 0.17)
    near = np.hypot(np.mod(x, pitch)[None, :] - pitch / 2, np.mod(y, pitch)[:, None] - pitch / 2)
    rows = (np.abs(np.abs(y) - half[1] * 0.76) < half[1] * 0.13)[:, None] & (np.abs(x) < half[0] * 0.9)[
        None, :
    ]
    holes = np.where(rows, _cover(pitch * 0.33 - near), 0.0)
    alpha = _cover(depth) * (1.0 - ink) * (1.0 - holes)
    noise = fbm(rng, shape, half[1] * 0.5, 6)
    brushed = cv2.resize(
        fbm(rng, (shape[0], max(shape[1] // 40, 8)), 4.0, 3), shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    metal = pick(rng, ("#a6a9ab", "#7f8a8c", "#c7a24a", "#50565a", "#3f5a4c", "#a8402c"))
    rust = smoothstep(0.5, 1.6, noise + rng.uniform(-0.6, 0.7))
    rgb = mix(
        metal * (1.0 + 0.09 * brushed[..., None]),
        colour("#7a4020") * (1.0 + 0.25 * noise[..., None]),
        rust[..., None],
    )
    edge = cv2.GaussianBlur(np.asarray(alpha, np.float32), (0, 0), max(half[1] * 0.008, 0.6))
    sheen = 0.75 + 0.35 * smoothstep(
        0.9, 0.0, np.abs(x[None, :] / half[0] + 0.35 * y[:, None] / half[1] + 0.3)
    )
    return _layer(rgb * (sheen * _emboss(edge * half[1] * 0.03, 1.0))[..., None], alpha)


# -------------------------------------------------------------------------------------- standing letters


def draw_letters(rng: np.random.Generator, size: int) -> Raster:
    """A word of thick letters cut from wood, metal or foam, their flanks in shade; some carry lamps."""
    side = size * OVERSAMPLING
    word = WORDS[int(rng.integers(len(WORDS)))]
    front = _fit(word, side * 0.80, side * 0.5)
    front = _bold(front, side * rng.uniform(0.010, 0.016))
    thick = int(side * rng.uniform(0.018, 0.04))
    way = (1, -1)[int(rng.integers(2))]
    pad = thick + 8
    front = np.pad(front, pad)
    shape = front.shape
    tone = pick(rng, ("#b8402f", "#e3b23c", "#efe9dc", "#2f6f73", "#8a5a34", "#30343a", "#d98c9a", "#b9bcbe"))
    raster = blank(shape[1], shape[0])
    gy, gx = np.gradient(cv2.GaussianBlur(front, (0, 0), 1.5))
    lit = np.clip(0.5 - 1.2 * (gx * LIGHT[0] + gy * LIGHT[1]), 0.3, 1.4)
    slab = _layer(tone * lit[..., None], front)
    for step in range(thick, 0, -2):
        shade = np.asarray([*(0.22 + 0.18 * (1.0 - step / thick),) * 3, 1.0], np.float32)
        over(raster, slab * shade, round(way * step * 0.9), round(step * 0.28))
    grain = cv2.resize(
        fbm(rng, (shape[0], max(shape[1] // 20, 8)), 8.0, 4), shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    depth = np.minimum(cv2.distanceTransform((front > 0.5).astype(np.uint8), cv2.DIST_L2, 5), side * 0.006)
    relief = _emboss(cv2.GaussianBlur(depth, (0, 0), 1.0), 1.1)
    fade = np.linspace(1.0, 0.8, shape[0], dtype=np.float32)[:, None]
    face = tone * (relief * fade * (1.0 + rng.uniform(0.02, 0.16) * grain))[..., None] * np.float32(0.95)
    over(raster, _layer(face, front))
    if rng.random() < 0.45:
        _bulbs(rng, raster, front, side)
    out = blank(side, side)
    over(out, raster, (side - shape[1]) // 2, (side - shape[0]) // 2)
    return average_down(out)


def _bulbs(rng: np.random.Generator, raster: Raster, front: Mask, side: int) -> None:
    """Small lamps along the middle of the strokes."""
    core = cv2.distanceTransform((front > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    ridge = (core > 0.55 * np.percentile(core[core > 0], 97)) & (
        core >= cv2.dilate(core, np.ones((3, 3))) - 0.8
    )
    places = np.argwhere(ridge)
    lamps, glass = Strokes(), Strokes()
    taken: list[npt.NDArray[np.int64]] = []
    gap = side * 0.026
    tone = pick(rng, ("#ffd9a0", "#ffe9c8", "#ffc070")) * rng.uniform(3.0, 9.0)
    for place in places[rng.permutation(len(places))]:
        if all(np.abs(place - other).max() > gap for other in taken):
            taken.append(place)
            spot = place[::-1] + np.asarray([[-0.3, 0.0], [0.3, 0.0]])
            glass.add(spot, gap * 0.26, tone * 0.12)
            lamps.add(spot, gap * 0.17, tone)
    glass.draw(raster)
    lamps.draw(raster)
