"""Wicker: baskets, lampshades and screens of woven canes, with gaps to look through."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.assets.studio import photograph
from bokehbench.blender.scripts.meshes import Array, Shape

CANES = ((0.42, 0.25, 0.11), (0.55, 0.36, 0.18), (0.3, 0.16, 0.07), (0.62, 0.46, 0.27), (0.2, 0.11, 0.06))


def build(rng: np.random.Generator) -> dict[str, Any]:
    """Put one woven thing before the camera; what it is."""
    form = str(rng.choice(["basket", "lampshade", "screen"]))
    if form == "screen":
        stakes, weavers, rims = _screen(rng)
    else:
        stakes, weavers, rims = _vessel(rng, form)
    colour = CANES[int(rng.integers(len(CANES)))]
    _add(rng, "stakes", stakes, tuple(0.75 * c for c in colour))
    _add(rng, "weavers", weavers, colour)
    _add(rng, "rims", rims, tuple(0.85 * c for c in colour))
    points = np.concatenate([shape.vertices for shape in (*stakes, *weavers, *rims)])
    facts = photograph(rng, points, elevation=0.05 if form == "screen" else rng.uniform(0.15, 0.55))
    return {"form": form, "stakes": len(stakes), "weavers": len(weavers), **facts}


def _vessel(rng: np.random.Generator, form: str) -> tuple[list[Shape], list[Shape], list[Shape]]:
    """Stakes along the profile of a body of revolution, weavers around it, rims and a handle."""
    basket = form == "basket"
    count = 2 * int(rng.integers(11, 18)) + 1  # odd, so that over and under alternate from turn to turn
    height = rng.uniform(0.6, 1.0) if basket else rng.uniform(0.9, 1.2)
    belly = rng.uniform(0.1, 0.3) if basket else rng.uniform(0.25, 0.45)

    def radius(z: Array) -> Array:
        v = z / height
        return (0.34 + (0.16 * v if basket else 0.0)) * (1.0 + belly * np.sin(math.pi * v))

    thickness = rng.uniform(0.0065, 0.009)
    z = np.linspace(0.0, height, 40)
    stakes = []
    for k in range(count):
        angle = 2.0 * math.pi * k / count + rng.normal(0.0, 0.006)
        r = radius(z)
        line = np.stack([r * math.cos(angle), r * math.sin(angle), z], axis=1)
        stakes.append(meshes.tube(line + rng.normal(0, 0.0008, line.shape), 1.15 * thickness, 7))
    pitch = thickness * rng.uniform(2.15, 4.5)
    weavers = []
    a = np.linspace(0.0, 2.0 * math.pi, 6 * count + 1)
    for row, level in enumerate(np.arange(1.5 * thickness, height - 1.5 * thickness, pitch)):
        over = 1.6 * thickness * np.cos(a * count / 2.0 + math.pi * row)
        height_here = level + 0.12 * pitch * np.sin(a + rng.uniform(0, 6)) + rng.normal(0, 0.02) * pitch
        r = radius(height_here) + over
        line = np.stack([r * np.cos(a), r * np.sin(a), height_here], axis=1)
        weavers.append(meshes.tube(line, thickness * rng.uniform(0.85, 1.1), 6))
    rims = [_braid(radius, level, thickness, strand) for level in (0.0, height) for strand in range(3)]
    if basket:
        rims += _handle(rng, float(radius(np.array([height]))[0]), height, thickness)
        rims.append(_floor(radius, thickness))
    return stakes, weavers, rims


def _braid(radius: Any, level: float, thickness: float, strand: int) -> Shape:
    """One of three canes that wind around each other along a rim."""
    a = np.linspace(0.0, 2.0 * math.pi, 400)
    phase = 26.0 * a + 2.0 * math.pi * strand / 3.0
    r = float(radius(np.array([level]))[0]) + 1.6 * thickness * np.cos(phase)
    line = np.stack([r * np.cos(a), r * np.sin(a), level + 1.6 * thickness * np.sin(phase)], axis=1)
    return meshes.tube(line, 1.3 * thickness, 7)


def _handle(rng: np.random.Generator, radius: float, height: float, thickness: float) -> list[Shape]:
    """An arch of twisted canes over the basket."""
    rise = rng.uniform(0.45, 0.75)
    a = np.linspace(0.0, math.pi, 200)
    turn = meshes.rotation(z=rng.uniform(0.0, math.pi))
    canes = []
    for strand in range(4):
        phase = 40.0 * a + 0.5 * math.pi * strand
        out = radius + 1.8 * thickness * np.cos(phase)
        line = np.stack([out * np.cos(a), 1.8 * thickness * np.sin(phase), rise * np.sin(a)], axis=1)
        canes.append(meshes.tube(line @ turn.T + (0.0, 0.0, height), 1.5 * thickness, 7))
    return canes


def _floor(radius: Any, thickness: float) -> Shape:
    """A spiral of cane that closes the basket below."""
    outer = float(radius(np.array([0.0]))[0])
    turns = outer / (2.2 * thickness)
    a = np.linspace(0.0, 2.0 * math.pi * turns, int(60 * turns))
    r = outer * a / a[-1]
    return meshes.tube(np.stack([r * np.cos(a), r * np.sin(a), 0 * a], axis=1), thickness, 5)


def _screen(rng: np.random.Generator) -> tuple[list[Shape], list[Shape], list[Shape]]:
    """A framed panel of cane webbing: upright pairs, level pairs and diagonals, with eight-sided holes."""
    cell, thickness = rng.uniform(0.05, 0.085), rng.uniform(0.004, 0.006)
    width, height = 0.8, rng.uniform(0.8, 1.1)
    t: Array = np.linspace(0.0, 1.0, 160)

    def cane(start: Array, end: Array, phase: float) -> Shape:
        line = start + np.outer(t, end - start)
        length = float(np.linalg.norm(end - start))
        line[:, 1] += 1.2 * thickness * np.sin(math.pi * t * length / cell + phase)
        return meshes.tube(line, thickness * rng.uniform(0.85, 1.1), 6)

    stakes, weavers = [], []
    for index, x in enumerate(np.arange(-width / 2 + cell / 2, width / 2, cell)):
        for at in (x - 0.13 * cell, x + 0.13 * cell):
            stakes += [cane(np.array([at, 0, 0]), np.array([at, 0, height]), index * math.pi)]
    for index, z in enumerate(np.arange(cell / 2, height, cell)):
        for at in (z - 0.13 * cell, z + 0.13 * cell):
            ends = np.array([-width / 2, 0, at]), np.array([width / 2, 0, at])
            weavers += [cane(*ends, (index + 1) * math.pi)]
    for sign in (-1.0, 1.0):
        for offset in np.arange(-height, width + height, cell):
            diagonal = _clipped(offset, sign, width, height)
            if diagonal is not None:
                weavers.append(cane(*diagonal, 0.5 * math.pi * sign))
    posts = 0.022
    rims = [
        meshes.tube(np.linspace((x, 0, -0.02), (x, 0, height + 0.02), 30), posts, 16)
        for x in (-width / 2, width / 2)
    ]
    rims += [
        meshes.tube(np.linspace((-width / 2, 0, z), (width / 2, 0, z), 30), posts, 16) for z in (0.0, height)
    ]
    return stakes, weavers, rims


def _clipped(offset: float, sign: float, width: float, height: float) -> tuple[Array, Array] | None:
    """The diagonal that leaves the lower edge at `offset`, cut to the panel."""
    z = np.array([max(0.0, -offset), min(height, width - offset)])
    if z[1] - z[0] < 0.05:
        return None
    x = sign * (offset + z - width / 2)
    return np.array([x[0], 0.0, z[0]]), np.array([x[1], 0.0, z[1]])


def _add(rng: np.random.Generator, name: str, shapes: list[Shape], colour: tuple[float, ...]) -> None:
    """Canes of three shades: no two neighbours grew alike."""
    for shade in range(3):
        chosen = shapes[shade::3]
        if chosen:
            gain = (0.72, 1.0, 1.3)[shade] * rng.uniform(0.9, 1.1)
            material = _cane(f"{name} {shade}", tuple(min(gain * c, 0.9) for c in colour))
            meshes.add(f"{name} {shade}", chosen, material, smooth=True)


def _cane(name: str, colour: tuple[float, ...]) -> Any:
    """Peeled willow: long fibres, spots, a waxy sheen."""
    shader = materials.Shader(name)
    spots = shader.noise(38.0, 5.0)
    dark = tuple(0.45 * c for c in colour)
    light = tuple(min(1.25 * c, 1.0) for c in colour)
    tint = shader.ramp(spots, [(0.32, dark), (0.5, colour), (0.72, light)])
    fibres = shader.noise(240.0, 2.0)
    normal = shader.bump(fibres, 0.35, 0.002)
    return shader.done(shader.principled(tint, 0.5, Normal=normal))
