"""What lies about in a child's room: a bookcase, books, blocks, strings of lamps, bunting, a lamp, a ball."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Shape

Colour = tuple[float, float, float]
BALLS: Sequence[tuple[Colour, float]] = (
    ((1.0, 0.62, 0.30), 3.4),
    ((1.0, 0.72, 0.46), 3.0),
    ((1.0, 0.36, 0.30), 2.0),
    ((0.40, 0.72, 1.0), 1.7),
    ((0.55, 0.95, 0.62), 1.5),
)
"""Colours and radiances of the cotton ball lamps."""
BOOKS: Sequence[Colour] = (
    (0.42, 0.045, 0.035), (0.045, 0.12, 0.27), (0.55, 0.36, 0.07), (0.06, 0.19, 0.10), (0.62, 0.55, 0.43),
    (0.30, 0.07, 0.17), (0.05, 0.24, 0.28), (0.62, 0.20, 0.06), (0.10, 0.09, 0.11),
)  # fmt: skip
PAINTS: Sequence[Colour] = (
    (0.55, 0.055, 0.040), (0.70, 0.42, 0.055), (0.055, 0.20, 0.42), (0.10, 0.30, 0.12), (0.58, 0.40, 0.22),
    (0.58, 0.40, 0.22), (0.62, 0.26, 0.08), (0.30, 0.52, 0.56),
)  # fmt: skip


def wood(name: str, colour: Colour, scale: float = 1.0, roughness: float = 0.45) -> Any:
    """Varnished wood with the grain along x."""
    shader = materials.Shader(name)
    place = shader.coordinates((1.2 * scale, 14.0 * scale, 14.0 * scale))
    grain = shader.noise(2.2, 6.0, place, 0.62)
    tint = shader.ramp(
        grain, [(0.30, tuple(0.55 * c for c in colour)), (0.68, tuple(1.3 * c for c in colour))]
    )
    worn = shader.math("ADD", roughness, shader.math("MULTIPLY", shader.noise(9.0), 0.2))
    return shader.done(shader.principled(tint, worn, Normal=shader.bump(grain, 0.15, 0.004)))


def paint(name: str, colour: Colour, roughness: float = 0.4) -> Any:
    """Paint on wood with wear: paler, rougher patches."""
    shader = materials.Shader(name)
    patches = shader.ramp(shader.noise(24.0, 5.0), [(0.58, (0, 0, 0)), (0.70, (1, 1, 1))])
    tint = shader.mix(patches, colour, tuple(0.65 * c + 0.12 for c in colour))
    return shader.done(shader.principled(tint, roughness, Normal=shader.bump(shader.noise(60.0), 0.1, 0.002)))


def bookcase(rng: np.random.Generator, low: float, high: float, wall: float) -> float:
    """A low bookcase against the wall at y = wall, between two x; height of its top."""
    top, front = 0.70, wall - 0.30
    oak = wood("bookcase", (0.36, 0.23, 0.12), 0.8)
    boards = [meshes.box((low, front, z), (high, wall - 0.03, z + 0.022)) for z in (0.06, 0.37, top - 0.022)]
    boards += [
        meshes.box((x, front, 0.0), (x + 0.022, wall - 0.03, top))
        for x in (low, (low + high) / 2, high - 0.022)
    ]
    boards.append(meshes.box((low, wall - 0.05, 0.0), (high, wall - 0.03, top)))
    meshes.add("bookcase", boards, oak)
    for z in (0.082, 0.392):
        x = low + 0.03
        while x < high - 0.08:
            if rng.random() < 0.14:
                x += float(rng.uniform(0.05, 0.14))
                continue
            thick, tall = float(rng.uniform(0.014, 0.042)), float(rng.uniform(0.17, 0.265))
            if abs(x - (low + high) / 2) > 0.06:
                tilt = float(rng.normal(0.0, 0.03))
                book(
                    rng,
                    (x + thick / 2, front + 0.03 + float(rng.uniform(0, 0.03)), z),
                    (thick, 0.17, tall),
                    tilt,
                )
            x += thick + 0.0025
    return top


def book(
    rng: np.random.Generator,
    place: Sequence[float],
    size: Sequence[float],
    tilt: float,
    turn: float = 0.0,
    lying: bool = False,
) -> None:
    """A book whose spine faces -y: cover boards, rounded spine, pages, a label; standing or lying."""
    thick, deep, tall = size
    move = meshes.rotation(y=math.pi / 2 if lying else tilt, z=turn)
    cover = 0.0022
    parts = [
        meshes.box((x0, 0.0, 0.0), (x1, deep, tall))
        for x0, x1 in ((-thick / 2, -thick / 2 + cover), (thick / 2 - cover, thick / 2))
    ]
    a = np.linspace(-math.pi / 2, math.pi / 2, 9)
    x, z = np.meshgrid(np.sin(a) * thick / 2, (0.0, tall))
    parts.append(meshes.grid(x, np.broadcast_to(-0.006 * np.cos(a), x.shape), z))
    shift = np.array(place) + ((0.0, 0.0, thick / 2) if lying else (0.0, 0.0, 0.0))
    colour = BOOKS[int(rng.integers(len(BOOKS)))]
    tint = tuple(float(c) * float(rng.uniform(0.7, 1.3)) for c in colour)
    meshes.add("book", meshes.join(parts).moved(shift, move), paint("cover", tint, 0.5))  # type: ignore[arg-type]
    leaves = meshes.box((-thick / 2 + cover, 0.004, 0.004), (thick / 2 - cover, deep - 0.005, tall - 0.004))
    meshes.add("pages", leaves.moved(shift, move), materials.plain("pages", (0.62, 0.55, 0.42), 0.9))
    bands = []
    for height in (0.12, 0.16, 0.70, 0.86):
        x, z = np.meshgrid(
            np.sin(a) * thick / 2 * 1.02, np.array((0.0, 0.008 if height != 0.70 else 0.03)) + height * tall
        )
        bands.append(meshes.grid(x, np.broadcast_to(-0.0066 * np.cos(a) - 0.0002, x.shape), z))
    gold = materials.plain("gilt", (0.70, 0.52, 0.20), 0.4, Metallic=0.5)
    meshes.add("bands", meshes.join(bands).moved(shift, move), gold)


def block(size: float, bevel: float) -> Shape:
    """A cube with rounded edges, standing on z = 0."""
    ball = meshes.sphere(1.0, 20).vertices
    swollen = np.sign(ball) * np.abs(ball) ** 0.22
    swollen /= np.abs(swollen).max(axis=1, keepdims=True) ** (1.0 - bevel)
    return Shape(swollen * size / 2 + (0.0, 0.0, size / 2), meshes.sphere(1.0, 20).faces)


def cotton_balls(
    rng: np.random.Generator, ends: Sequence[tuple[Sequence[float], Sequence[float], float]]
) -> int:
    """Strings of thread-ball lamps hanging between pairs of points with a sag; how many lamps."""
    wires: list[Shape] = []
    lamps: list[list[Shape]] = [[] for _ in BALLS]
    for start, end, sag in ends:
        length = float(np.linalg.norm(np.subtract(end, start)))
        points = meshes.sagging(start, end, sag, max(4, round(length / 0.155)))
        wires.append(meshes.tube(meshes.sagging(start, end, sag, 40), 0.0022, 5))
        for point in points[1:-1]:
            drop = np.add(point, (0.0, rng.uniform(-0.02, 0.0), -0.034))
            lamps[int(rng.integers(len(BALLS)))].append(meshes.sphere(0.029, 20).moved(drop))
    meshes.add("lamp cable", wires, materials.plain("cable", (0.30, 0.28, 0.25), 0.6))
    for index, ((colour, radiance), group) in enumerate(zip(BALLS, lamps, strict=True)):
        if group:
            shader = materials.Shader(f"thread ball {index}")
            thread = shader.noise(70.0, 4.0)
            tone = shader.mix(thread, tuple(0.55 * c for c in colour), tuple(1.2 * c for c in colour))
            glow = shader.done(shader.node("Emission", {"Color": tone, "Strength": radiance}).outputs[0])
            glow.cycles.emission_sampling = "NONE"
            materials.seen_only(meshes.add(f"thread balls {index}", group, glow, smooth=True))
    return sum(len(group) for group in lamps)


def bunting(rng: np.random.Generator, start: Sequence[float], end: Sequence[float]) -> None:
    """A string of cloth pennants."""
    count = 11
    line = meshes.sagging(start, end, 0.10, count)
    meshes.add("bunting string", meshes.tube(line, 0.002, 4), materials.plain("string", (0.6, 0.55, 0.45)))
    flags: list[list[Shape]] = [[] for _ in PAINTS]
    t, w = np.meshgrid(np.linspace(0.0, 1.0, 8), np.linspace(-1.0, 1.0, 7))
    for point in (line[1:] + line[:-1]) / 2:
        wave = 0.012 * np.sin(3.0 * t + 2.0 * w + rng.uniform(0, 6)) * t
        flag = meshes.grid(0.062 * w * (1.0 - t), wave, -0.15 * t)
        flags[int(rng.integers(len(PAINTS)))].append(
            flag.moved(point, meshes.rotation(z=rng.normal(0.0, 0.15)))
        )
    for index, (colour, group) in enumerate(zip(PAINTS, flags, strict=True)):
        if group:
            shader = materials.Shader(f"pennant {index}")
            weave = shader.noise(120.0, 2.0)
            tint = shader.mix(weave, tuple(0.7 * c for c in colour), tuple(1.25 * c for c in colour))
            meshes.add(f"pennants {index}", group, shader.done(shader.principled(tint, 0.9)), smooth=True)


def table_lamp(place: Sequence[float]) -> None:
    """A lit lamp with a cloth shade."""
    foot = [
        (0.0, 0.0),
        (0.065, 0.0),
        (0.065, 0.012),
        (0.03, 0.02),
        (0.045, 0.06),
        (0.052, 0.09),
        (0.03, 0.14),
        (0.012, 0.16),
        (0.012, 0.22),
    ]
    glaze = materials.plain("glaze", (0.20, 0.34, 0.36), 0.15, Coat_Weight=0.5)
    meshes.add("lamp foot", meshes.lathe(foot, 28).moved(place), glaze, smooth=True)
    shader = materials.Shader("shade")
    height = shader.node("SeparateXYZ", {0: shader.coordinates(space="Generated")}).outputs["Z"]
    uneven = shader.math("ADD", height, shader.math("MULTIPLY", shader.noise(60.0), 0.15))
    warm = shader.ramp(
        uneven, [(0.0, (0.85, 0.48, 0.20)), (0.45, (1.0, 0.70, 0.38)), (1.0, (0.80, 0.42, 0.17))]
    )
    glow = shader.done(shader.node("Emission", {"Color": warm, "Strength": 1.35}).outputs[0])
    glow.cycles.emission_sampling = "NONE"
    shade = meshes.lathe([(0.125, 0.19), (0.082, 0.36)], 36).moved(place)
    materials.seen_only(meshes.add("lamp shade", shade, glow, smooth=True))
    materials.lamp("table lamp", (place[0], place[1] - 0.05, place[2] + 0.28), (1.0, 0.62, 0.30), 4.0, 0.08)


def ball(place: Sequence[float]) -> None:
    """A rubber ball in three colours."""
    shader = materials.Shader("ball")
    split = shader.node("SeparateXYZ", {0: shader.coordinates(space="Generated")}).outputs["X"]
    stops = [
        (0.0, (0.55, 0.05, 0.04)),
        (0.30, (0.70, 0.64, 0.52)),
        (0.36, (0.70, 0.64, 0.52)),
        (0.64, (0.06, 0.18, 0.34)),
    ]
    bands = shader.node("ValToRGB", {"Fac": split})
    bands.color_ramp.interpolation = "CONSTANT"
    while len(bands.color_ramp.elements) < len(stops):
        bands.color_ramp.elements.new(0.5)
    for element, (position, colour) in zip(bands.color_ramp.elements, stops, strict=True):
        element.position, element.color = position, (*colour, 1.0)
    rubber = shader.done(
        shader.principled(bands.outputs["Color"], 0.38, Normal=shader.bump(shader.noise(140.0), 0.12, 0.002))
    )
    ball = meshes.sphere(0.075, 36).moved(place)
    meshes.add("ball", ball, rubber, smooth=True)
