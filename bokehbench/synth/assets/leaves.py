"""Foregrounds and pieces of foliage: leaves with veins and a fold, on branches."""

from __future__ import annotations

from dataclasses import dataclass

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

SEASONS = (
    ("#4f7a28", "#6d9a35", "#3f6a2e", "#86a83c"),
    ("#3c6b3a", "#55823f", "#2f5a3a", "#6f9550"),
    ("#c8791e", "#a8431c", "#d8a530", "#8a2e1a"),
    ("#b9a33a", "#8f9a34", "#d3b64a", "#73852f"),
)


@dataclass(frozen=True)
class Leaf:
    """Shape and look of one leaf.

    Attributes:
        length: from stalk to tip, pixels.
        angle: direction of the tip, radians.
        breadth: half width over length.
        bend: sideways curvature.
        rgb: linear colour.
        back_lit: 0 to 1, light that comes through the leaf.
        teeth: serration, 0 is a smooth rim.
    """

    length: float
    angle: float
    breadth: float
    bend: float
    rgb: npt.NDArray[np.float32]
    back_lit: float = 0.0
    teeth: float = 0.0


def random_leaf(
    rng: np.random.Generator, length: float, angle: float, season: tuple[str, ...], like: Leaf | None = None
) -> Leaf:
    """A leaf of a season's colours; `like` keeps the species (breadth and teeth) of another."""
    breadth = like.breadth if like else rng.uniform(0.2, 0.36)
    return Leaf(
        length=length * rng.uniform(0.7, 1.15),
        angle=angle,
        breadth=breadth * rng.uniform(0.55, 1.1),
        bend=rng.normal(0.0, 0.16),
        rgb=pick(rng, season) * np.float32(rng.uniform(0.7, 1.3)),
        back_lit=float(rng.uniform(0.35, 0.9) if rng.random() < 0.3 else 0.0),
        teeth=like.teeth if like else float(rng.choice((0.0, 0.03, 0.06))),
    )


def leaf_patch(rng: np.random.Generator, leaf: Leaf) -> tuple[Raster, int, int]:
    """Draw a leaf whose stalk lies at the origin.

    Returns:
        (premultiplied RGBA patch, x, y) with the top-left pixel at (x, y).
    """
    reach = int(np.ceil(leaf.length * 1.08)) + 2
    tip = np.asarray([np.cos(leaf.angle), np.sin(leaf.angle)]) * leaf.length
    half = leaf.length * (leaf.breadth + abs(leaf.bend) * 0.6) + 3
    x0, x1 = int(min(0, tip[0]) - half), int(max(0, tip[0]) + half)
    y0, y1 = int(min(0, tip[1]) - half), int(max(0, tip[1]) + half)
    x0, y0, x1, y1 = max(x0, -reach), max(y0, -reach), min(x1, reach), min(y1, reach)
    y, x = np.mgrid[y0 : y1 + 1, x0 : x1 + 1].astype(np.float32)
    u = (x * np.cos(leaf.angle) + y * np.sin(leaf.angle)) / leaf.length
    v = (-x * np.sin(leaf.angle) + y * np.cos(leaf.angle)) / leaf.length - leaf.bend * u * (1.0 - u) * 1.6
    inside = np.clip(u, 0.0, 1.0)
    rim = leaf.breadth * 2.05 * inside**0.62 * (1.0 - inside) ** 0.85 * (1.25 - 0.5 * inside)
    saw = np.mod(inside * 17.0, 1.0)
    rim = rim * (1.0 - leaf.teeth * 2.2 * saw)
    alpha = np.clip((rim - np.abs(v)) * leaf.length + 0.5, 0.0, 1.0) * ((u > 0.0) & (u < 1.0))
    rgb = _leaf_colour(rng, leaf, inside, v, rim)
    patch = np.concatenate([rgb * alpha[..., None], alpha[..., None]], axis=2)
    return patch.astype(np.float32), x0, y0


def _leaf_colour(rng: np.random.Generator, leaf: Leaf, u: Raster, v: Raster, rim: Raster) -> Raster:
    """Midrib, side veins, blotches, and two halves that catch the light differently."""
    width = np.maximum(rim, 1e-3)
    across = np.abs(v) / width
    rib = np.exp(-((v * leaf.length) ** 2) / (2.0 * (0.9 + 0.004 * leaf.length) ** 2))
    phase = (u - 0.75 * np.abs(v)) * 8.0
    vein = np.exp(-(((np.mod(phase, 1.0) - 0.5) * leaf.length / 8.0) ** 2) / 1.8) * (across < 0.93)
    between = 0.5 + 0.5 * np.cos(2 * np.pi * np.mod(phase, 1.0))
    blotches = fbm(rng, u.shape[:2], max(leaf.length / 3.0, 4.0), 3)
    fold = np.where(v > 0.0, 1.18, 0.78) + 0.10 * (between - 0.5) + rng.uniform(-0.1, 0.1)
    gloss = (
        0.10
        * np.exp(-((across - 0.45) ** 2) / 0.03)
        * (v > 0.0)
        * smoothstep(0.0, 0.5, u)
        * (1 - leaf.back_lit)
    )
    tone = (
        leaf.rgb * (fold * (1.0 + 0.10 * blotches) * (1.0 - 0.25 * smoothstep(0.75, 1.0, across)))[..., None]
    )
    through = leaf.rgb * np.asarray([1.55, 1.65, 0.8], np.float32) * (1.0 - 0.35 * vein)[..., None]
    tone = mix(tone, through, leaf.back_lit)
    pale = mix(leaf.rgb, colour("#e6e2a8"), 0.55) * 0.9
    tone = mix(tone, pale, (0.55 * rib + 0.22 * vein)[..., None] * (1.0 - 0.6 * leaf.back_lit))
    return np.asarray(tone + gloss[..., None], np.float32)


def put_leaf(raster: Raster, rng: np.random.Generator, leaf: Leaf, x: float, y: float) -> None:
    """Put a leaf over `raster`, stalk at (x, y), with its shadow on what lies beneath, in place."""
    patch, dx, dy = leaf_patch(rng, leaf)
    left, top = round(x) + dx, round(y) + dy
    drop = max(2, round(leaf.length * 0.05))
    shadow = cv2.GaussianBlur(patch[..., 3], (0, 0), max(1.0, leaf.length * 0.045))
    _darken(raster, 0.55 * shadow, left + drop, top + drop)
    over(raster, patch, left, top)


def _darken(raster: Raster, amount: Raster, x: int, y: int) -> None:
    """Multiply the colour below by 1 - amount; coverage stays."""
    h, w = raster.shape[:2]
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + amount.shape[1], w), min(y + amount.shape[0], h)
    if x0 < x1 and y0 < y1:
        raster[y0:y1, x0:x1, :3] *= (1.0 - amount[y0 - y : y1 - y, x0 - x : x1 - x])[..., None]


def draw_leaves(rng: np.random.Generator, size: int) -> Raster:
    """A branch with twigs, leaves in pairs along them, the farther ones darker."""
    side = size * OVERSAMPLING
    raster = blank(side, side)
    season = SEASONS[int(rng.integers(len(SEASONS)))]
    length = side * rng.uniform(0.085, 0.15)
    species = random_leaf(rng, length, 0.0, season)
    branch = _branch(rng, side)
    bark = pick(rng, ("#4a3828", "#5e4a36", "#3b322a"))
    twigs = [branch, *(_twig(rng, branch, side) for _ in range(int(rng.integers(7, 13))))]
    wood = Strokes(roundness=0.85)
    for i, path in enumerate(twigs):
        thick = side / (75 if i == 0 else 190)
        wood.add(path, thick * np.linspace(1.0, 0.3, len(path)), bark * rng.uniform(0.8, 1.2, (len(path), 1)))
    for path in twigs:
        _leaves_along(rng, raster, path, length, season, species, behind=True)
    wood.draw(raster)
    for path in twigs:
        _leaves_along(rng, raster, path, length, season, species, behind=False)
    return average_down(raster)


def _branch(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    """From the left rim to the right, hanging a little."""
    y = rng.uniform(0.35, 0.6)
    fall = rng.uniform(-0.12, 0.2)
    knots = [(0.04 + 0.84 * t, y + fall * t + rng.normal(0, 0.02)) for t in np.linspace(0, 1, 6)]
    return smooth_path(np.asarray(knots) * side, 120)


def _twig(rng: np.random.Generator, branch: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.float32]:
    start = branch[int(rng.integers(10, 105))]
    way = rng.choice((-1.0, 1.0)) * rng.uniform(0.4, 1.1)
    reach = side * rng.uniform(0.16, 0.36)
    t = np.linspace(0.0, 1.0, 5)[:, None]
    heading = np.asarray([np.cos(way), np.sin(way)])
    return smooth_path(start + heading * reach * t + np.asarray([0.0, side * 0.05]) * t**2, 50)


def _leaves_along(
    rng: np.random.Generator,
    raster: Raster,
    path: npt.NDArray[np.float32],
    length: float,
    season: tuple[str, ...],
    species: Leaf,
    *,
    behind: bool,
) -> None:
    """Leaves on alternating sides of a twig, one at its tip."""
    walked = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    count = max(3, int(walked / length * (1.3 if behind else 1.9)))
    for k, t in enumerate(np.linspace(0.14, 1.0, count)):
        i = min(int(t * (len(path) - 1)), len(path) - 2)
        along = path[i + 1] - path[i]
        heading = float(np.arctan2(along[1], along[0]))
        turn = 0.0 if k == count - 1 else (-1.0) ** k * rng.uniform(0.45, 1.15)
        leaf = random_leaf(rng, length * (1.0 - 0.25 * t), heading + turn, season, species)
        if behind:
            leaf = Leaf(**{**vars(leaf), "rgb": leaf.rgb * np.float32(0.5)})
        put_leaf(raster, rng, leaf, *path[i])
