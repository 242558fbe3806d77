"""Glasses, bottles and carafes around the origin, standing on z = 0.

A vessel is a wall with two sides, as it is blown, so that it refracts. What is poured in overlaps the wall a
little, which gives a ray the right direction through wall and liquid together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.meshes import Array, Shape

Profile = Sequence[tuple[float, float]]


def curve(points: Profile, count: int) -> Array:
    """`count` points [count, 2] on a smooth line (Catmull-Rom by chord length) through the given ones."""
    p = np.asarray(points, np.float64)
    t = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    slope = np.gradient(p, t, axis=0)
    at = np.linspace(0.0, t[-1], count)
    i = np.clip(np.searchsorted(t, at, side="right") - 1, 0, len(t) - 2)
    step = (t[i + 1] - t[i])[:, None]
    u = ((at - t[i])[:, None]) / step
    a, b = p[i], p[i + 1]
    bend = (1 - u) * u * ((1 - u) * (step * slope[i] - (b - a)) - u * (step * slope[i + 1] - (b - a)))
    return np.asarray(a + (b - a) * u + bend)


def inward(outer: Array, thickness: float) -> Array:
    """The other side of a wall whose outer side rises along `outer` [N, 2]."""
    along = np.gradient(outer, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    inner = outer - thickness * np.stack([along[:, 1], -along[:, 0]], axis=1)
    inner[:, 0] = np.maximum(inner[:, 0], 0.0)
    return inner


def pairs(*parts: Any) -> list[tuple[float, float]]:
    """Pieces of a profile joined, as `meshes.lathe` takes it."""
    return [(float(r), float(h)) for r, h in np.concatenate([np.asarray(p, np.float64) for p in parts])]


def vessel(
    foot: Profile, bowl: Profile, wall: float, fill: float, sides: int = 48, fine: int = 26
) -> tuple[Shape, Shape]:
    """A blown vessel and what it holds.

    Args:
        foot: (radius, height) from the axis below to where the bowl begins; may be empty.
        bowl: outer side from its lowest point on the axis, or from the foot, to the rim.
        wall: thickness, metres.
        fill: share of the bowl's height that is filled.
        sides, fine: corners around and along.

    Returns:
        (glass, liquid), both closed and facing outwards.
    """
    outer = curve(bowl, fine)
    inner = inward(outer, wall)
    low = max(float(inner[:, 1].min()), float(outer[0, 1]) + wall)
    inner = inner[inner[:, 1] > low + 0.25 * wall]
    lip = [(0.5 * (outer[-1, 0] + inner[-1, 0]), float(outer[-1, 1]) + 0.4 * wall)]
    start = pairs(curve(foot, 24)) if len(foot) else [(0.0, float(outer[0, 1]))]
    shell = meshes.lathe(pairs(start, outer, lip, inner[::-1], [(0.0, low)]), sides)
    level = low + fill * (float(inner[-1, 1]) - low)
    wet = inner[inner[:, 1] < level - 0.001]
    side = wet + np.stack([np.full(len(wet), 0.45 * wall), np.zeros(len(wet))], axis=1)
    edge = float(np.interp(level, inner[:, 1], inner[:, 0]))
    top = [(edge + 0.45 * wall, level), (edge - 0.0015, level - 0.0012), (0.8 * edge, level - 0.0015)]
    drink = meshes.lathe(pairs([(0.0, low - 0.4 * wall)], side, top, [(0.0, level - 0.0015)]), sides)
    return shell, drink


def wine_glass(fill: float, sides: int = 48, size: float = 1.0) -> tuple[Shape, Shape]:
    """A red-wine glass, 22 cm tall: (glass, wine)."""
    foot = [(0.0, 0.0), (0.034, 0.0), (0.0375, 0.0012), (0.034, 0.0032), (0.018, 0.0062), (0.0065, 0.014)]
    foot += [(0.0042, 0.035), (0.0040, 0.065), (0.0052, 0.084), (0.009, 0.0915)]
    bowl = [(0.010, 0.092), (0.026, 0.1005), (0.0375, 0.115), (0.0435, 0.136), (0.0435, 0.158)]
    bowl += [(0.0395, 0.186), (0.0335, 0.218)]
    glass_shape, wine = vessel(foot, bowl, 0.0013, fill, sides)
    return glass_shape.moved((0, 0, 0), scale=size), wine.moved((0, 0, 0), scale=size)


def flute(fill: float, sides: int = 40) -> tuple[Shape, Shape]:
    """A tall narrow glass, 24 cm: (glass, wine)."""
    foot = [(0.0, 0.0), (0.029, 0.0), (0.031, 0.0012), (0.027, 0.003), (0.012, 0.006), (0.0048, 0.016)]
    foot += [(0.0036, 0.04), (0.0038, 0.075), (0.0065, 0.088)]
    bowl = [(0.007, 0.089), (0.0155, 0.107), (0.0225, 0.135), (0.0265, 0.17), (0.0262, 0.205)]
    return vessel(foot, [*bowl, (0.0235, 0.24)], 0.0013, fill, sides)


def tumbler(fill: float, sides: int = 48) -> tuple[Shape, Shape]:
    """A heavy whisky glass, 9 cm: (glass, drink)."""
    foot = [(0.0, 0.001), (0.030, 0.0), (0.0335, 0.0015), (0.0355, 0.005)]
    bowl = [(0.0362, 0.0075), (0.0378, 0.03), (0.0395, 0.06), (0.041, 0.092)]
    outer = curve(bowl, 18)
    shell = meshes.lathe(
        pairs(
            curve(foot, 8),
            outer,
            [(0.0402, 0.0934), (0.0390, 0.092)],
            curve([(0.0378, 0.06), (0.0360, 0.03), (0.0338, 0.0175), (0.026, 0.0145)], 14),
            [(0.0, 0.0138)],
        ),
        sides,
    )
    level = 0.0138 + fill * 0.078
    height = np.linspace(0.018, level, 10)
    side = np.stack([np.interp(height, (0.018, 0.03, 0.06), (0.0345, 0.0366, 0.0384)), height], axis=1)
    drink = meshes.lathe(pairs([(0.0, 0.0132), (0.026, 0.0138)], side, [(0.0, level)]), sides)
    return shell, drink


def carafe(fill: float, sides: int = 48) -> tuple[Shape, Shape]:
    """A carafe with a belly and a flared lip, 26 cm: (glass, drink)."""
    bowl = [(0.0, 0.003), (0.035, 0.0), (0.049, 0.004), (0.0555, 0.025), (0.053, 0.07), (0.040, 0.12)]
    bowl += [(0.0255, 0.165), (0.0215, 0.20), (0.0245, 0.235), (0.0345, 0.262)]
    return vessel([], bowl, 0.0024, fill, sides, 44)


def bottle(kind: int = 0, sides: int = 28, fine: int = 26) -> Shape:
    """A closed bottle as seen full: 0 wine (Bordeaux), 1 wine (Burgundy), 2 spirits, 3 flask, 4 tall."""
    outlines: tuple[Profile, ...] = (
        [(0.0375, 0.01), (0.0375, 0.19), (0.034, 0.212), (0.0165, 0.233), (0.0145, 0.25), (0.0145, 0.30)],
        [(0.041, 0.01), (0.041, 0.13), (0.037, 0.17), (0.022, 0.222), (0.0155, 0.25), (0.0145, 0.30)],
        [(0.041, 0.01), (0.043, 0.15), (0.041, 0.176), (0.018, 0.195), (0.0155, 0.21), (0.0155, 0.255)],
        [(0.050, 0.01), (0.058, 0.05), (0.056, 0.10), (0.036, 0.145), (0.017, 0.165), (0.0165, 0.215)],
        [(0.032, 0.01), (0.032, 0.235), (0.028, 0.262), (0.0155, 0.285), (0.0145, 0.30), (0.0145, 0.345)],
    )
    outline = outlines[kind % len(outlines)]
    r, top = outline[-1]
    base = [(0.0, 0.008), (0.6 * outline[0][0], 0.002), (0.93 * outline[0][0], 0.0)]
    ring = [(r + 0.002, top + 0.002), (r + 0.002, top + 0.012), (0.8 * r, top + 0.014), (0.0, top + 0.014)]
    return meshes.lathe(pairs(base, curve(outline, fine), ring), sides)


def label(radius: float, low: float, high: float, turn: float, sides: int = 18, wide: float = 1.1) -> Shape:
    """Paper around a bottle's front (towards −y), `wide` radians to each side."""
    angle = turn - math.pi / 2 + np.linspace(-wide, wide, sides)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    return meshes.grid(
        np.stack([x, x]), np.stack([y, y]), np.stack([np.full(sides, low), np.full(sides, high)])
    )


def votive(sides: int = 40) -> tuple[Shape, Shape]:
    """A small thick glass with a candle in it: (glass, wax); the flame stands at z = 0.042."""
    outer = curve([(0.030, 0.0), (0.033, 0.003), (0.036, 0.035), (0.038, 0.078)], 14)
    inner = inward(outer, 0.003)
    inner = inner[inner[:, 1] > 0.008]
    shell = meshes.lathe(pairs([(0.0, 0.001)], outer, [(0.0368, 0.0795)], inner[::-1], [(0.0, 0.007)]), sides)
    body = [(0.0, 0.0085), (0.0292, 0.009), (0.0312, 0.030), (0.0312, 0.036), (0.028, 0.0345), (0.0, 0.033)]
    return shell, meshes.lathe(body, 28)


def ice(rng: np.random.Generator, edge: float = 0.026) -> Shape:
    """A cube of ice whose edges have melted, turned at random."""
    ball = meshes.sphere(1.0, 24)
    v = np.sign(ball.vertices) * np.abs(ball.vertices) ** 0.42
    waves = sum(np.sin(v @ rng.normal(0.0, 2.6, 3) + rng.uniform(0, 6.3)) for _ in range(4))
    cube = Shape(v * (1.0 + 0.022 * waves[:, None]), ball.faces)
    turn = meshes.rotation(*rng.uniform((-0.5, -0.5, 0.0), (0.5, 0.5, 1.6)))
    return cube.moved((0, 0, 0), turn, 0.5 * edge * rng.uniform(0.9, 1.1, 3))
