"""A wooden jetty: planks with gaps and nails, piles, posts with ropes, lanterns on their tops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.materials import Shader
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import surfaces

LEFT, RIGHT = -1.30, 1.28
FROM, END = -0.6, 27.0
STEP = 2.3
"""Metres between posts."""
PITCH = 0.145
FLOOR = -2.2


def deck(rng: np.random.Generator, tone: surfaces.Colour) -> int:
    """Planks across the jetty on two beams, nailed; how many planks."""
    planks, nails = [], []
    head = meshes.lathe([(0.0062, 0.0), (0.0062, 0.0012), (0.0, 0.0024)], 8)
    y = FROM
    while y < END:
        wide = PITCH * float(rng.uniform(0.92, 1.06))
        gap = float(rng.uniform(0.005, 0.013))
        lift, tilt = float(rng.normal(0.0, 0.0022)), float(rng.normal(0.0, 0.008))
        ends = LEFT - 0.06 + float(rng.normal(0, 0.018)), RIGHT + 0.06 + float(rng.normal(0, 0.018))
        planks.append(_plank(rng, ends, wide - gap).moved((0.0, y + wide / 2, lift), meshes.rotation(x=tilt)))
        if y < 7.0:
            for x in (LEFT + 0.13, 0.0, RIGHT - 0.13):
                for side in (-0.28, 0.28):
                    spot = (x + float(rng.normal(0, 0.008)), y + wide * (0.5 + side), lift + 0.0006)
                    nails.append(head.moved(spot))
        y += wide
    timber = surfaces.wood(
        "deck", tone, along="X", worn=0.62, roughness=0.66, weathered=(0.27, 0.25, 0.225), bump=0.8
    )
    meshes.add("deck", planks, timber)
    meshes.add("nails", nails, surfaces.metal("nails", (0.20, 0.14, 0.10), 0.45), smooth=True)
    beams = [
        meshes.box((x - 0.09, FROM, -0.30), (x + 0.09, END, -0.05)) for x in (LEFT + 0.13, 0.0, RIGHT - 0.13)
    ]
    beams += [meshes.box((x, FROM, -0.26), (x + 0.05, END, -0.06)) for x in (LEFT - 0.04, RIGHT - 0.01)]
    meshes.add("beams", beams, surfaces.wood("beams", (0.10, 0.075, 0.055), along="Y", worn=0.4))
    return len(planks)


def _plank(rng: np.random.Generator, ends: tuple[float, float], wide: float) -> Shape:
    """A board along x with rounded edges and a slight warp; its upper side is z = 0."""
    half, edge, thick = wide / 2, 0.006, 0.042
    y = np.array(
        (-half, -half, -half + 0.3 * edge, -half + edge, 0.0, half - edge, half - 0.3 * edge, half, half)
    )
    z = np.array((-thick, -edge, -0.3 * edge, 0.0, 0.0, 0.0, -0.3 * edge, -edge, -thick))
    cup = -0.0025 * float(rng.uniform(-0.4, 1.0)) * (1.0 - (y / half) ** 2)
    x = np.linspace(*ends, 5)
    bow = 0.002 * float(rng.normal()) * np.sin(math.pi * np.linspace(0, 1, 5))
    top = meshes.grid(*np.broadcast_arrays(x[:, None], y[None], z + cup + bow[:, None]))
    caps = []
    for index in (0, -1):
        rows = np.stack([y, y])
        caps.append(
            meshes.grid(np.full_like(rows, x[index]), rows, np.stack([z + cup, np.full_like(z, -thick)]))
        )
    return meshes.join([top, *caps])


def strands(points: Array, radius: float, sides: int = 6) -> Shape:
    """A rope laid of three strands along a line [N, 3]."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    pitch = 5.2 * radius
    at = np.arange(0.0, length[-1], pitch / 7)
    line = np.stack([np.interp(at, length, points[:, axis]) for axis in range(3)], axis=1)
    tangents = np.gradient(line, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    # A fixed reference is enough: ropes here never run along it.
    side = np.cross(tangents, (0.11, 0.05, 1.0) if np.abs(tangents[:, 2]).max() < 0.97 else (1.0, 0.13, 0.05))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tangents, side)
    parts = []
    for strand in range(3):
        angle = (2 * math.pi * (at / pitch + strand / 3))[:, None]
        parts.append(
            meshes.tube(
                line + 0.5 * radius * (np.cos(angle) * side + np.sin(angle) * other), 0.56 * radius, sides
            )
        )
    return meshes.join(parts)


def hemp(name: str, colour: surfaces.Colour = (0.40, 0.30, 0.18)) -> Any:
    """Rope fibres."""
    shader = Shader(name)
    fibre = shader.noise(240.0, 4.0, roughness=0.7)
    tone = shader.mix(fibre, surfaces.times(colour, 0.45), surfaces.times(colour, 1.35))
    worn = shader.mix(shader.math("MULTIPLY", shader.noise(4.0, 4.0), 0.6), tone, surfaces.times(colour, 0.4))
    return shader.done(shader.principled(worn, 0.9, Normal=shader.bump(fibre, 0.6, 0.002)))


def wound(
    centre: tuple[float, float, float], radius: float, thick: float, turns: int, rng: np.random.Generator
) -> Shape:
    """Rope wound around a post."""
    angle = np.linspace(0.0, 2 * math.pi * turns, 26 * turns)
    out = radius + thick * (0.95 + 0.06 * np.sin(1.7 * angle + float(rng.uniform(0, 6))))
    rise = thick * 2.0 * angle / (2 * math.pi) + 0.004 * np.sin(angle)
    spiral = np.stack([out * np.cos(angle), out * np.sin(angle), rise], axis=1)
    return strands(spiral + np.asarray(centre), thick, 5)


def posts(rng: np.random.Generator, wood: Any) -> list[tuple[float, float]]:
    """Piles on both sides, a rail of ropes between the tall ones on the left; (x, y) of those."""
    parts: list[Shape] = []
    tall: list[tuple[float, float]] = []
    for number, y in enumerate(np.arange(1.25, END, STEP)):
        for x, top in ((LEFT - 0.14, 1.0), (RIGHT + 0.14, 0.42 if number % 4 == 3 else 0.10)):
            spot = (x + float(rng.normal(0, 0.012)), float(y) + float(rng.normal(0, 0.03)))
            parts.append(pile(rng, spot, top, 0.088 if top > 0.9 else 0.10))
            if top > 0.9:
                tall.append(spot)
    meshes.add("posts", parts, wood, smooth=True)
    ropes = []
    for (x0, y0), (x1, y1) in pairwise(tall):
        for height, sag in ((0.86, 0.13), (0.46, 0.10)):
            sags = sag * float(rng.uniform(0.7, 1.3))
            line = meshes.sagging((x0, y0, height), (x1, y1, height), sags, 40)
            ropes.append(strands(line, 0.017, 5) if y0 < 7.0 else meshes.tube(line, 0.017, 6))
    for x, y in tall[:4]:
        ropes += [wound((x, y, h - 0.045), 0.088, 0.0165, 3, rng) for h in (0.86, 0.46)]
    meshes.add("rail ropes", ropes, hemp("hemp"), smooth=True)
    return tall


def pile(rng: np.random.Generator, spot: tuple[float, float], top: float, radius: float) -> Shape:
    """A post of uneven roundness, a little out of plumb, from the sea floor to `top`."""
    profile = [
        (radius * 1.06, FLOOR),
        (radius * 1.02, -0.3),
        (radius, top - 0.05),
        (radius * 0.93, top - 0.012),
        (radius * 0.8, top),
        (0.0, top + 0.006),
    ]
    rings = meshes.lathe(profile, 22)
    angle = np.arctan2(rings.vertices[:, 1], rings.vertices[:, 0])
    lumps = (
        1.0
        + 0.03 * np.sin(3 * angle + float(rng.uniform(0, 6)))
        + 0.02 * np.sin(7 * angle + float(rng.uniform(0, 6)))
    )
    vertices = rings.vertices * np.stack([lumps, lumps, np.ones_like(lumps)], axis=1)
    lean = meshes.rotation(x=float(rng.normal(0, 0.012)), y=float(rng.normal(0, 0.012)))
    return Shape(vertices, rings.faces).moved((*spot, 0.0), lean)


def post_lanterns(rng: np.random.Generator, spots: Sequence[tuple[float, float]], strength: float) -> int:
    """Round lamps on every other tall post; how many."""
    iron = surfaces.plain("lamp iron", (0.022, 0.022, 0.024), 0.45)
    globes, fittings = [], []
    for x, y in spots[1::2]:
        globes.append(meshes.sphere(0.085, 22).moved((x, y, 1.155)))
        stem = [
            (0.0, 0.985),
            (0.07, 0.99),
            (0.07, 1.0),
            (0.03, 1.01),
            (0.03, 1.06),
            (0.062, 1.085),
            (0.06, 1.095),
            (0.0, 1.095),
        ]
        cap = [(0.066, 1.213), (0.07, 1.22), (0.03, 1.25), (0.012, 1.255), (0.012, 1.27), (0.0, 1.275)]
        fittings += [meshes.lathe(stem, 20).moved((x, y, 0.0)), meshes.lathe(cap, 20).moved((x, y, 0.0))]
        bars = np.linspace(0, 2 * math.pi, 5)[:-1] + 0.4
        t = np.linspace(-0.95, 0.95, 12)
        for a in bars:
            arc = np.stack(
                [0.09 * np.cos(t) * math.cos(a), 0.09 * np.cos(t) * math.sin(a), 1.155 + 0.09 * np.sin(t)],
                axis=1,
            )
            fittings.append(meshes.tube(np.add(arc, (x, y, 0.0)), 0.0035, 5))
        if y < 14.0:
            materials.lamp("post lamp", (x + 0.02, y, 1.155), (1.0, 0.66, 0.34), 9.0 * strength, 0.085)
    meshes.add("lamp fittings", fittings, iron, smooth=True)
    glow = materials.emission("lamp globes", (1.0, 0.70, 0.38), 3.6)
    materials.seen_only(meshes.add("lamp globes", globes, glow, smooth=True))
    return len(globes)


def head(rng: np.random.Generator, wood: Any) -> None:
    """The jetty's end: a small hut with a roof and a window, and a mast with a flag."""
    y = END - 3.2
    front = [(float(x), 2.1 + float(rng.normal(0, 0.01))) for x in np.arange(-1.15, 0.45, 0.16)]
    boards = [meshes.box((x, y, 0.0), (x + 0.15, y + 0.04, high)) for x, high in front]
    side = [float(at) for at in np.arange(y + 0.04, y + 2.0, 0.16)]
    boards += [meshes.box((0.43, at, 0.0), (0.47, at + 0.15, 2.1)) for at in side]
    paint = surfaces.painted(
        "hut paint", ((0.30, 0.05, 0.035), (0.10, 0.17, 0.20), (0.36, 0.33, 0.27))[int(rng.integers(3))]
    )
    meshes.add("hut", boards, paint)
    roof = [
        meshes.quad((-1.35, y - 0.25, 2.02), (1.02, 0, 0.62), (0, 2.6, 0)),
        meshes.quad((0.69, y - 0.25, 2.02), (-1.02, 0, 0.62), (0, 2.6, 0)),
    ]
    gable = Shape(np.array([(-1.15, y, 2.08), (0.47, y, 2.08), (-0.33, y, 2.58)]), np.array([[0, 1, 2]]))
    meshes.add("hut roof", roof, surfaces.wood("shingles", (0.10, 0.085, 0.075), worn=0.5))
    meshes.add("hut gable", gable, paint)
    door = [
        meshes.box((-1.0, y - 0.02, 0.0), (-0.35, y + 0.01, 1.75)),
        meshes.box((-0.18, y - 0.03, 0.95), (0.32, y + 0.0, 1.5)),
    ]
    meshes.add("hut trim", door, surfaces.plain("hut trim", (0.42, 0.40, 0.35), 0.7))
    pane = meshes.quad((-0.13, y - 0.04, 1.0), (0.40, 0, 0), (0, 0, 0.45))
    materials.seen_only(
        meshes.add("hut window", pane, materials.emission("hut window", (1.0, 0.62, 0.28), 2.2))
    )
    mast = meshes.tube(np.array([(1.0, y + 1.0, 0.0), (1.0, y + 1.0, 4.6)]), np.array((0.05, 0.03)), 10)
    meshes.add("mast", mast, wood, smooth=True)
    u, v = np.meshgrid(np.linspace(0, 1, 16), np.linspace(0, 1, 8))
    flag = meshes.grid(1.03 + 0.9 * u, y + 1.0 + 0.10 * u * np.sin(9 * u + v), 3.9 + 0.6 * v - 0.10 * u**2)
    meshes.add("flag", flag, surfaces.plain("flag", (0.50, 0.10, 0.05), 0.9), smooth=True)
