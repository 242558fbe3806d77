"""Plates, cutlery, cloth and candles around the origin, standing on z = 0; cutlery lies along +y."""

from __future__ import annotations

import math

import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes.glassware import Profile, curve, inward, pairs


def plate(radius: float, sides: int = 64) -> Shape:
    """A coupe plate with a turned foot, rim and wall thickness."""
    r = radius
    under = [(0.0, 0.004), (0.52 * r, 0.004), (0.55 * r, 0.0), (0.60 * r, 0.0), (0.64 * r, 0.006)]
    rise = [(0.84 * r, 0.012), (0.97 * r, 0.021), (0.995 * r, 0.0235), (r, 0.0252), (0.99 * r, 0.0264)]
    inside = [(0.96 * r, 0.0245), (0.84 * r, 0.0165), (0.70 * r, 0.0105), (0.55 * r, 0.0092), (0.0, 0.009)]
    return meshes.lathe([*under, *rise, *inside], sides)


def bowl(radius: float, sides: int = 48) -> Shape:
    """A small bowl."""
    r = radius
    outer = curve(
        [(0.45 * r, 0.0), (0.5 * r, 0.006), (0.78 * r, 0.22 * r), (0.95 * r, 0.5 * r), (r, 0.72 * r)], 16
    )
    inner = inward(outer, 0.004)
    inner = inner[inner[:, 1] > 0.011]
    return meshes.lathe(
        pairs([(0.0, 0.001)], outer, [(r - 0.002, 0.72 * r + 0.0015)], inner[::-1], [(0.0, 0.010)]), sides
    )


def loft(centres: Array, widths: Array, heights: Array, sides: int = 12) -> Shape:
    """A solid along +y: elliptic sections of half `widths` [N] and `heights` [N] around `centres` [N, 3]."""
    angle = np.linspace(0.0, 2.0 * math.pi, sides + 1)
    x = centres[:, :1] + widths[:, None] * np.sin(angle)
    z = centres[:, 2:] + heights[:, None] * np.cos(angle)
    return meshes.grid(x, np.repeat(centres[:, 1:2], sides + 1, axis=1), z)


def _handle(points: Profile) -> Shape:
    """A handle from (position, half width) pairs, thin and slightly arched."""
    line = curve(points, 26)
    y, width = line[:, 0], np.maximum(line[:, 1], 0.0004)
    lift = 0.002 + 0.010 * np.exp(-(((y - 0.125) / 0.035) ** 2))
    thick = np.clip(0.35 * width, 0.0006, 0.0018)
    return loft(np.stack([np.zeros_like(y), y, lift + thick], axis=1), width, thick)


def fork() -> Shape:
    """A table fork along +y, 20 cm."""
    parts = [
        _handle(
            [(0.0, 0.002), (0.004, 0.010), (0.03, 0.0095), (0.08, 0.0045), (0.12, 0.0035), (0.142, 0.011)]
        )
    ]
    for x in (-0.0093, -0.0031, 0.0031, 0.0093):
        y = np.linspace(0.138, 0.202, 9)
        z = 0.0095 - 0.006 * np.sin((y - 0.138) / 0.064 * math.pi) + 0.004 * (y - 0.138) / 0.064
        width = np.linspace(0.0021, 0.0010, 9)
        width[-1] = 0.0003
        parts.append(loft(np.stack([np.full(9, x), y, z], axis=1), width, np.full(9, 0.0008), 8))
    return meshes.join(parts)


def knife() -> Shape:
    """A table knife along +y, 23 cm."""
    y = np.linspace(0.0, 0.105, 14)
    grip = loft(
        np.stack([0 * y, y, 0 * y + 0.0045], axis=1),
        np.interp(y, (0, 0.006, 0.1, 0.105), (0.003, 0.009, 0.0068, 0.004)),
        np.full(14, 0.0040),
    )
    y = np.linspace(0.10, 0.232, 16)
    width = np.interp(y, (0.10, 0.112, 0.17, 0.21, 0.232), (0.004, 0.0085, 0.0095, 0.008, 0.0008))
    blade = loft(
        np.stack([0.0015 * np.ones(16), y, np.full(16, 0.0045)], axis=1), width, np.full(16, 0.0007), 8
    )
    return meshes.join([grip, blade])


def spoon() -> Shape:
    """A spoon along +y, 19 cm."""
    parts = [
        _handle([(0.0, 0.002), (0.004, 0.009), (0.03, 0.0085), (0.08, 0.004), (0.128, 0.003), (0.14, 0.005)])
    ]
    profile = [
        (0.0, 0.0),
        (0.45, 0.06),
        (0.8, 0.22),
        (1.0, 0.42),
        (0.985, 0.45),
        (0.78, 0.27),
        (0.44, 0.11),
        (0.0, 0.05),
    ]
    parts.append(meshes.lathe(profile, 28).moved((0, 0.165, 0.002), scale=(0.0195, 0.031, 0.02)))
    return meshes.join(parts)


def napkin(rng: np.random.Generator, length: float = 0.21, width: float = 0.085) -> Shape:
    """A folded cloth lying along y, with soft creases and three layers to be seen at its edges."""
    layers = []
    for index in range(3):
        u, v = np.meshgrid(np.linspace(-1, 1, 20), np.linspace(-1, 1, 36))
        shift = rng.normal(0.0, 0.0015, 2)
        swell = 0.0035 * np.cos(0.5 * math.pi * u) * (1 + 0.4 * np.sin(3.0 * v + rng.uniform(0, 6)))
        x = 0.5 * width * u * (1 - 0.012 * index) + shift[0] + 0.0015 * np.sin(5 * v + index)
        y = 0.5 * length * v * (1 - 0.006 * index) + shift[1] + 0.0015 * np.sin(4 * u + index)
        z = 0.003 + 0.0034 * index + swell + 0.0008 * np.sin(9 * u + 5 * v + rng.uniform(0, 6))
        edge = np.maximum(np.abs(u), np.abs(v))
        layers.append(meshes.grid(x, y, z - 0.003 * (edge > 0.96)))
    return meshes.join(layers)


def flame(height: float = 0.032) -> Shape:
    """A drop of light from z = 0 up."""
    line = [(0.0, 0.0), (0.11, 0.05), (0.19, 0.22), (0.17, 0.42), (0.10, 0.70), (0.035, 0.92), (0.0, 1.0)]
    return meshes.lathe(pairs(curve(line, 22)), 16).moved((0, 0, 0), scale=height)


def candlestick(tall: float, sides: int = 32) -> tuple[Shape, Shape, float]:
    """A turned stick with a taper candle: (metal, wax, height of the flame)."""
    foot = [
        (0.0, 0.0),
        (0.046, 0.0),
        (0.048, 0.003),
        (0.043, 0.008),
        (0.020, 0.014),
        (0.009, 0.022),
        (0.012, 0.028),
    ]
    foot += [
        (0.007, 0.034),
        (0.0055, 0.07),
        (0.0085, 0.5 * tall),
        (0.0055, 0.6 * tall),
        (0.0075, 0.88 * tall),
    ]
    foot += [(0.019, 0.94 * tall), (0.020, 0.95 * tall), (0.0115, 0.955 * tall), (0.0125, tall), (0.0, tall)]
    candle = [(0.0108, 0.0), (0.0100, 0.12), (0.0095, 0.165), (0.007, 0.169), (0.004, 0.1665), (0.0, 0.166)]
    stick = meshes.lathe(foot, sides)
    return stick, meshes.lathe(candle, 20).moved((0, 0, 0.97 * tall)), 0.97 * tall + 0.171
