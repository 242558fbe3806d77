"""Foregrounds made of light: soap bubbles, neon lettering, and lamps for any picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.synth.assets.brushes import (
    OVERSAMPLING,
    Raster,
    Strokes,
    average_down,
    blank,
    colour,
    fbm,
    mix,
    over,
    pick,
    smooth_path,
    smoothstep,
)


def draw_bubbles(rng: np.random.Generator, size: int) -> Raster:
    """Soap bubbles: Fresnel coverage, interference colours, a window's reflection; no refraction."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    radii = np.sort(rng.lognormal(-2.5, 0.55, int(rng.integers(5, 14))).clip(0.03, 0.27))
    for r in radii:
        x, y = rng.uniform(r + 0.01, 0.99 - r, 2)
        patch = _bubble(rng, max(int(r * side), 4))
        over(raster, patch, int(x * side) - patch.shape[1] // 2, int(y * side) - patch.shape[0] // 2)
    return average_down(raster)


def _bubble(rng: np.random.Generator, radius: int) -> Raster:
    """One bubble, premultiplied [2 radius + 3, ...]; thin-film colour of a drained soap film."""
    y, x = (np.mgrid[-radius - 1 : radius + 2, -radius - 1 : radius + 2] / radius).astype(np.float32)
    r = np.hypot(x, y)
    z = np.sqrt(np.clip(1.0 - r * r, 0.0, 1.0))
    inside = np.clip((1.0 - r) * radius + 0.5, 0.0, 1.0)
    fresnel = 0.05 + 0.85 * (1.0 - z) ** 3.2
    # Film thickness in nanometres: drains downwards, swirls; the path inside grows towards the rim.
    swirl = fbm(rng, x.shape, radius * 0.8, 3)
    thickness = 260.0 + 190.0 * (y + 0.4 * x) + 60.0 * swirl
    path = 2.0 * 1.33 * thickness * np.sqrt(1.0 - (1.0 - z * z) / 1.33**2)
    film = np.stack([0.5 - 0.5 * np.cos(2 * np.pi * path / wave) for wave in (640.0, 540.0, 450.0)], axis=2)
    sky = mix(colour("#8ea6b8"), colour("#f2f4f6"), smoothstep(0.6, -0.8, y)[..., None])
    rgb = (0.25 + 1.1 * film) * sky
    alpha = inside * fresnel
    patch = np.concatenate([rgb * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
    for cx, cy, wide, strength in ((-0.42, -0.48, 0.16, 2.2), (0.40, 0.52, 0.09, 0.8)):
        # A window of two panes, bent by the sphere; added light, so it may exceed coverage.
        u, v = (x - cx) / wide + 0.5 * (y - cy), (y - cy) / wide - 0.35 * (x - cx)
        pane = (
            smoothstep(1.0, 0.8, np.abs(u))
            * smoothstep(1.2, 1.0, np.abs(v))
            * smoothstep(0.04, 0.12, np.abs(u))
        )
        patch[..., :3] += (strength * pane * inside * 0.7)[..., None]
        patch[..., 3] = np.maximum(patch[..., 3], 0.5 * pane * inside)
    return patch


NEON = ("#ff5a4a", "#ff9a3c", "#45c8ff", "#ff5ac0", "#7dff8a", "#fff0d0")
Path = list[tuple[float, float]]
WORDS = ("OPEN", "CAFE", "BAR", "JAZZ", "HOTEL", "24H", "PIZZA", "BOOKS", "CINEMA")


def draw_neon(rng: np.random.Generator, size: int) -> Raster:
    """A neon sign: glass tubes far brighter than white, their holders, wires and a frame."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    word = WORDS[int(rng.integers(len(WORDS)))]
    tubes = _letter_paths(word)
    tone, frame_tone = (colour(NEON[i]) ** np.float32(1.5) for i in rng.choice(len(NEON), 2, replace=False))
    wide = 0.8 * side
    scale = min(wide / max(p[:, 0].max() for p in tubes), side * 0.42)
    middle = np.asarray([side / 2, side / 2])
    centre = np.asarray([max(p[:, 0].max() for p in tubes) / 2, 0.5]) * scale
    radius = scale * 0.035 + side * 0.002
    _mounting(rng, raster, centre, middle, radius)
    bright = rng.uniform(1.5, 8.0)
    for path in tubes:
        _tube(raster, smooth_path(path * scale - centre + middle, 90), radius, tone, bright)
    half = centre + side * 0.055
    turn = np.linspace(0.0, 2 * np.pi, 200)
    power = 0.22
    box = np.stack([np.sign(c) * np.abs(c) ** power for c in (np.cos(turn), np.sin(turn))], axis=1)
    _tube(raster, (box * half + middle).astype(np.float32), radius * 0.8, frame_tone, bright * 0.7)
    return average_down(raster)


def _mounting(
    rng: np.random.Generator, raster: Raster, centre: npt.ArrayLike, middle: npt.ArrayLike, radius: float
) -> None:
    """Bars behind the letters and the two chains it hangs from."""
    side = raster.shape[0]
    half, at = np.asarray(centre) + side * 0.05, np.asarray(middle)
    bars = Strokes(roundness=0.8, gloss=0.2)
    steel = pick(rng, ("#26282b", "#34302c"))
    for level in (-0.45, 0.45):
        y = at[1] + level * half[1]
        bars.add([[at[0] - half[0], y], [at[0] + half[0], y]], radius * 0.55, steel)
    for x in (-0.7, 0.7):
        top = np.linspace(at[1] - half[1], side * 0.02, 70)
        links = radius * (0.45 + 0.3 * np.sin(np.arange(70) * 1.3))
        bars.add(np.stack([np.full(70, at[0] + x * half[0]), top], axis=1), links, steel * 1.3)
    bars.draw(raster)


def _tube(
    raster: Raster, path: npt.NDArray[np.float32], radius: float, tone: npt.ArrayLike, bright: float
) -> None:
    """A lit glass tube: coloured mantle, nearly white core, both brighter than paper white."""
    mantle, core = Strokes(), Strokes()
    mantle.add(path, radius, np.asarray(tone) * min(bright, 1.6))
    core.add(path, radius * 0.45, mix(tone, 1.0, 0.2) * bright * 1.5)
    mantle.draw(raster)
    core.draw(raster)


def _letter_paths(word: str) -> list[npt.NDArray[np.float32]]:
    """Single-line letters as polylines, one unit high, from the left."""
    paths, pen = [], 0.0
    for letter in word:
        strokes, width = _LETTERS[letter]
        paths += [np.asarray(s, np.float32) * (width, 1.0) + (pen, 0.0) for s in strokes]
        pen += width + 0.24
    return [np.asarray(p, np.float32) for p in paths]


_BOWL: Path = [(0, 0), (0.7, 0.0), (1.0, 0.12), (1.0, 0.38), (0.7, 0.5), (0, 0.5)]
_RING: Path = [
    (0.5 - 0.5 * math.sin(a), 0.5 - 0.5 * math.cos(a)) for a in (2 * math.pi * k / 16 for k in range(17))
]
_STEM: Path = [(0, 0), (0, 0.5), (0, 1)]
_LETTERS: dict[str, tuple[list[Path], float]] = {
    "A": ([[(0, 1), (0.25, 0.5), (0.5, 0), (0.75, 0.5), (1, 1)], [(0.2, 0.65), (0.8, 0.65)]], 0.62),
    "B": ([_STEM, _BOWL, [(0, 0.5), (0.7, 0.5), (1, 0.62), (1, 0.88), (0.7, 1), (0, 1)]], 0.5),
    "C": ([[(1, 0.14), (0.55, 0), (0.1, 0.2), (0, 0.5), (0.1, 0.8), (0.55, 1), (1, 0.86)]], 0.55),
    "E": (
        [[(1, 0), (0.5, 0), (0, 0.02), (0, 0.5), (0, 0.98), (0.5, 1), (1, 1)], [(0.1, 0.5), (0.8, 0.5)]],
        0.45,
    ),
    "F": ([[(1, 0), (0.5, 0), (0, 0.02), (0, 0.5), (0, 1)], [(0.1, 0.5), (0.8, 0.5)]], 0.45),
    "H": ([_STEM, [(1, 0), (1, 0.5), (1, 1)], [(0.08, 0.5), (0.92, 0.5)]], 0.55),
    "I": ([_STEM], 0.05),
    "J": ([[(1, 0), (1, 0.6), (0.9, 0.88), (0.5, 1), (0.1, 0.88), (0, 0.7)]], 0.42),
    "K": ([_STEM, [(0.95, 0), (0.5, 0.33), (0.08, 0.55)], [(0.3, 0.48), (0.65, 0.72), (1, 1)]], 0.52),
    "L": ([[(0, 0), (0, 0.5), (0.01, 0.97), (0.5, 1), (1, 1)]], 0.42),
    "M": ([[(0, 1), (0.02, 0.5), (0.05, 0), (0.5, 0.7), (0.95, 0), (0.98, 0.5), (1, 1)]], 0.7),
    "N": ([[(0, 1), (0, 0.5), (0.02, 0), (0.5, 0.5), (0.98, 1), (1, 0.5), (1, 0)]], 0.58),
    "O": ([_RING], 0.68),
    "P": ([_STEM, _BOWL], 0.5),
    "R": ([_STEM, _BOWL, [(0.45, 0.52), (0.7, 0.75), (1, 1)]], 0.52),
    "S": (
        [[(1, 0.13), (0.6, 0), (0.1, 0.12), (0.12, 0.4), (0.9, 0.6), (0.9, 0.88), (0.4, 1), (0, 0.87)]],
        0.5,
    ),
    "T": ([[(0, 0), (0.5, 0), (1, 0)], [(0.5, 0.05), (0.5, 0.5), (0.5, 1)]], 0.52),
    "Z": ([[(0, 0), (0.5, 0), (0.98, 0.02), (0.5, 0.5), (0.02, 0.98), (0.5, 1), (1, 1)]], 0.52),
    "2": (
        [[(0, 0.22), (0.3, 0), (0.8, 0.05), (0.95, 0.3), (0.5, 0.65), (0.02, 0.97), (0.5, 1), (1, 1)]],
        0.48,
    ),
    "4": ([[(0.75, 1), (0.75, 0.5), (0.74, 0.02), (0.35, 0.4), (0.02, 0.7), (0.5, 0.71), (1, 0.71)]], 0.5),
}


# ------------------------------------------------------------------------------------------------- lamps

LAMPS = ("#ffd9a0", "#ffb765", "#fff2dc", "#dfe9ff", "#ff5a48", "#8fffae", "#ffc24d", "#9fc4ff")


def add_lamps(
    rng: np.random.Generator,
    rgb: npt.NDArray[np.float32],
    places: npt.NDArray[np.float64],
    radius: npt.NDArray[np.float64],
    radiance: npt.NDArray[np.float64],
) -> None:
    """Put round lamps over a linear picture [h, w, 3], in place.

    Args:
        rng: chooses the colours.
        rgb: the picture.
        places: [n, 2] centres (x, y), pixels.
        radius: [n] pixels; below half a pixel a lamp becomes partial coverage of equal energy.
        radiance: [n] linear, 1 is paper white.
    """
    height, width = rgb.shape[:2]
    for (cx, cy), r, power in zip(places, radius, radiance, strict=True):
        tone = pick(rng, LAMPS)
        reach = int(np.ceil(r)) + 2
        x0, x1 = max(int(cx) - reach, 0), min(int(cx) + reach + 1, width)
        y0, y1 = max(int(cy) - reach, 0), min(int(cy) + reach + 1, height)
        if x0 >= x1 or y0 >= y1:
            continue
        y, x = np.mgrid[y0:y1, x0:x1]
        # Up to 0.56 the coverage of the central pixel alone is the disc's area.
        alpha = np.clip(max(r, 0.5) + 0.5 - np.hypot(x - cx, y - cy), 0.0, 1.0) * min(1.0, (r / 0.5) ** 2)
        window = rgb[y0:y1, x0:x1]
        window *= (1.0 - alpha)[..., None]
        window += (alpha * power)[..., None] * tone


def halo(rgb: npt.NDArray[np.float32], sigma: float, strength: float) -> npt.NDArray[np.float32]:
    """Light scattered by air around what is brighter than white; [h, w, 3] linear."""
    bright = np.minimum(np.maximum(rgb - 1.0, 0.0), 60.0)
    return np.asarray(rgb + strength * cv2.GaussianBlur(bright, (0, 0), sigma), np.float32)
