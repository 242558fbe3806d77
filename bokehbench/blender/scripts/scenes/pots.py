"""Flower pots, a lemon tree, and a table with chairs, for a courtyard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.materials import Colour
from bokehbench.blender.scripts.meshes import Array, Shape, Vector
from bokehbench.blender.scripts.scenes import patio, plants
from bokehbench.blender.scripts.scenes.relief import Relief

Stand = tuple[Vector, float]
"""Where a pot stands, and the radius of its rim in metres."""
POT = [
    (0.0, 0.0),
    (0.66, 0.0),
    (0.70, 0.03),
    (0.93, 1.18),
    (1.02, 1.20),
    (1.05, 1.24),
    (1.05, 1.44),
    (1.02, 1.48),
    (0.92, 1.48),
    (0.88, 1.30),
    (0.0, 1.28),
]
"""Radius and height of a pot whose rim has radius about 1."""


def clay(name: str, colour: Colour = (0.36, 0.145, 0.07)) -> Any:
    """Terracotta with lime that has come through, and damp at the foot."""
    shader = materials.Shader(name)
    cloud, fine = shader.noise(7.0, 6.0, roughness=0.65), shader.noise(70.0, 3.0)
    r, g, b = colour
    body = shader.ramp(cloud, [(0.36, (0.6 * r, 0.55 * g, 0.5 * b)), (0.6, (1.2 * r, 1.2 * g, 1.2 * b))])
    lime = shader.ramp(shader.noise(4.5, 7.0, roughness=0.7), [(0.54, (0, 0, 0)), (0.68, (0.7,) * 3)])
    colours = shader.mix(lime, body, (0.50, 0.42, 0.34))
    return shader.done(shader.principled(colours, 0.85, Normal=shader.bump(fine, 0.35, 0.006)))


def leaves(name: str, colours: Sequence[Colour], glow: float = 0.35) -> Any:
    """Leaves or petals: each of its own colour, lit through from behind."""
    shader = materials.Shader(name)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    copy = shader.node("ObjectInfo").outputs["Random"]
    mixed = shader.math("FRACT", shader.math("ADD", shader.math("MULTIPLY", island, 0.7), copy))
    colour = shader.ramp(mixed, [(index / (len(colours) - 1), c) for index, c in enumerate(colours)])
    top = shader.principled(colour, 0.45, Specular_IOR_Level=0.3)
    bright = shader.node("HueSaturation", {"Color": colour, "Value": 1.8}).outputs[0]
    through = shader.node("BsdfTranslucent", {"Color": bright}).outputs[0]
    return shader.done(shader.node("MixShader", {0: glow, 1: top, 2: through}).outputs[0])


def _outward(rng: np.random.Generator, count: int, lift: float = 0.2) -> Array:
    out = rng.normal(0.0, 1.0, (count, 3))
    out[:, 2] = np.abs(out[:, 2]) + lift
    return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True))


def _geranium(rng: np.random.Generator) -> tuple[Shape, Shape, Shape]:
    """(round leaves, flower heads, stalks) of a plant about one unit wide above its pot."""
    out = _outward(rng, 150)
    at = out * rng.uniform(0.65, 1.0, (150, 1)) * (0.95, 0.95, 0.7)
    turns = meshes.facing(
        out * (1.0, 1.0, 0.3) + rng.normal(0.0, 0.3, out.shape), rng.uniform(-0.5, 0.5, 150)
    )
    green = plants.leaf(3, 5, 0.55).copies(at, turns, rng.uniform(0.22, 0.40, 150))
    heads, stalks = [], []
    petal = plants.leaf(2, 3, 0.5)
    for tip in _outward(rng, 13, 0.45) * rng.uniform(1.05, 1.45, (13, 1)):
        stalks.append(meshes.tube(np.linspace((0.0, 0.0, 0.1), tip, 5), 0.016, 5))
        ball = _outward(rng, 30, -0.2)
        turn = meshes.facing(ball, rng.uniform(0.0, 6.3, 30))
        heads.append(petal.copies(tip + 0.12 * ball, turn, rng.uniform(0.12, 0.19, 30)))
    return green, meshes.join(heads), meshes.join(stalks)


def geraniums(rng: np.random.Generator, stand: Sequence[Stand], glaze: Colour | None) -> None:
    """Geraniums in pots of a rim radius in metres at each place; clay, or painted with a glaze."""
    blooms = (
        ((0.50, 0.012, 0.010), (0.66, 0.03, 0.02)),
        ((0.58, 0.10, 0.22), (0.70, 0.24, 0.36)),
        ((0.62, 0.10, 0.02), (0.72, 0.20, 0.04)),
    )
    green = leaves("geranium leaves", ((0.03, 0.075, 0.012), (0.07, 0.135, 0.02), (0.12, 0.18, 0.035)))
    stems = materials.plain("geranium stalk", (0.10, 0.13, 0.03), 0.7)
    body = clay("pot clay") if glaze is None else patio.worn_paint("pot paint", glaze, 0.2)
    pot = meshes.lathe(POT, 28)
    for kind, colours in enumerate(blooms):
        group = [item for index, item in enumerate(stand) if index % len(blooms) == kind]
        if not group:
            continue
        feet, sizes = (
            np.array([place for place, _ in group], np.float64),
            np.array([size for _, size in group]),
        )
        turns = np.array([meshes.rotation(z=float(a)) for a in rng.uniform(0.0, 6.3, len(group))])
        crowns = feet + np.outer(sizes, (0.0, 0.0, 1.35))
        plant = _geranium(rng)
        petals = leaves(f"geranium petals {kind}", colours)
        meshes.scatter(meshes.add(f"pots {kind}", pot, body, smooth=True), feet, turns, sizes)
        for name, part, look in zip(
            ("leaves", "flowers", "stalks"), plant, (green, petals, stems), strict=True
        ):
            meshes.scatter(
                meshes.add(f"geranium {name} {kind}", part, look, smooth=True), crowns, turns, sizes
            )


def lemon_tree(rng: np.random.Generator, foot: Vector, height: float) -> None:
    """A small round-headed tree with fruit in a big pot."""
    base = np.asarray(foot, np.float64)
    meshes.add(
        "lemon pot", meshes.lathe(POT, 40).moved(base, scale=0.27), clay("lemon pot clay"), smooth=True
    )
    crown = np.add(base, (0.0, 0.0, height))
    start = np.add(base, (0.0, 0.0, 0.33))
    wood = [
        meshes.tube(
            np.linspace(start, crown, 7) + rng.normal(0.0, 0.012, (7, 3)), np.linspace(0.026, 0.016, 7), 9
        )
    ]
    out = rng.normal(0.0, 1.0, (1500, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    lumps = Relief(rng, 3)
    bulge = 1.0 + 0.22 * lumps(2.2 * out[:, 0], 2.2 * out[:, 1] + 3.0 * out[:, 2])
    at = crown + out * (bulge * rng.uniform(0.55, 1.0, 1500))[:, None] * (0.46, 0.46, 0.42)
    turns = meshes.facing(
        out + rng.normal(0.0, 0.6, out.shape) - (0.0, 0.0, 0.3), rng.uniform(-1.0, 1.0, 1500)
    )
    foliage = plants.leaf(2, 4, 0.24).copies(at, turns, rng.uniform(0.06, 0.11, 1500))
    green = leaves("lemon leaves", ((0.025, 0.06, 0.012), (0.05, 0.11, 0.018), (0.10, 0.16, 0.03)))
    meshes.add("lemon leaves", foliage, green, smooth=True)
    fork, thin = crown - (0.0, 0.0, 0.25), np.linspace(0.011, 0.004, 5)
    wood += [meshes.tube(np.linspace(fork, tip, 5), thin, 5) for tip in at[::60]]
    meshes.add("lemon wood", wood, materials.plain("lemon bark", (0.13, 0.11, 0.085), 0.9), smooth=True)
    hung = crown + out[rng.choice(1500, 24, replace=False)] * (0.49, 0.49, 0.44) - (0.0, 0.0, 0.05)
    tilts = rng.normal(0.0, 0.4, (24, 2)).tolist()
    fruit = [_lemon().moved(at, meshes.rotation(x=a, y=b)) for at, (a, b) in zip(hung, tilts, strict=True)]
    meshes.add("lemons", fruit, _peel(), smooth=True)


def _lemon() -> Shape:
    outline: list[tuple[float, float]] = [
        (0.0, -0.047),
        (0.007, -0.042),
        (0.017, -0.034),
        (0.027, -0.015),
        (0.029, 0.004),
        (0.023, 0.024),
        (0.011, 0.036),
        (0.0, 0.041),
    ]
    return meshes.lathe(outline, 16)


def _peel() -> Any:
    shader = materials.Shader("lemon peel")
    colour = shader.mix(shader.noise(9.0, 3.0), (0.60, 0.36, 0.015), (0.72, 0.52, 0.04))
    return shader.done(
        shader.principled(colour, 0.38, Normal=shader.bump(shader.noise(220.0, 1.0), 0.3, 0.002))
    )


def climber(rng: np.random.Generator, line: Array, colours: Sequence[Colour]) -> None:
    """A flowering climber along a line [N, 3] on the wall: clumps of bracts and leaves, denser at its end."""
    wood = [
        meshes.tube(line + rng.normal(0.0, 0.012, line.shape), np.linspace(0.032, 0.010, len(line)), 8)
        for _ in range(2)
    ]
    meshes.add("climber wood", wood, materials.plain("climber bark", (0.15, 0.12, 0.09), 0.9), smooth=True)
    share = np.linspace(0.12, 1.0, 110) ** 0.7
    places = plants.along(line, share) + rng.normal(0.0, 1.0, (110, 3)) * np.outer(
        0.10 + 0.20 * share, (1.0, 0.45, 0.9)
    )
    places[:, 1] = np.minimum(places[:, 1], line[0][1] + 0.05)
    turns = np.array([meshes.rotation(*rng.uniform(0.0, 6.3, 3)) for _ in places])
    sizes = rng.uniform(0.14, 0.26, len(places))
    bract, blade = plants.leaf(2, 3, 0.42), plants.leaf(2, 4, 0.34)
    for name, shape, count, size, look in (
        ("bracts", bract, 170, (0.15, 0.26), leaves("bracts", colours, 0.5)),
        (
            "climber leaves",
            blade,
            70,
            (0.2, 0.36),
            leaves("climber green", ((0.03, 0.08, 0.012), (0.08, 0.15, 0.025))),
        ),
    ):
        out = rng.normal(0.0, 1.0, (count, 3))
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        aim = meshes.facing(out + rng.normal(0.0, 0.5, out.shape), rng.uniform(0.0, 6.3, count))
        clump = shape.copies(out * rng.uniform(0.5, 1.0, (count, 1)), aim, rng.uniform(*size, count))
        meshes.scatter(meshes.add(name, clump, look, smooth=True), places, turns, sizes)


def table(rng: np.random.Generator, place: Vector, paint: Colour) -> None:
    """A round café table with a jug, cups and lemons on it, and two folding chairs."""
    at = np.asarray(place, np.float64)
    iron = patio.worn_paint("table paint", paint, 0.35)
    edge = [(0.0, 0.715), (0.325, 0.715), (0.335, 0.722), (0.335, 0.734), (0.325, 0.74), (0.0, 0.74)]
    parts = [meshes.lathe(edge, 48)]
    t = np.linspace(0.0, 1.0, 12)
    reach = 0.06 + 0.24 * np.abs(2.0 * t - 1.0) ** 1.6
    for angle in np.arange(3) * 2.0 * math.pi / 3 + 0.4:
        way = np.stack([reach * math.cos(angle), reach * math.sin(angle), 0.72 * t], axis=1)
        parts.append(meshes.tube(way, 0.011, 8))
    meshes.add("table", [part.moved(at) for part in parts], iron, smooth=True)
    for angle, away in ((2.75, 0.62), (-0.35, 0.66)):
        turned = angle + float(rng.normal(0.0, 0.2))
        seat = np.add(at, (away * math.cos(turned), away * math.sin(turned), 0.0))
        _chair(seat, meshes.rotation(z=turned - math.pi / 2), iron)
    _laid(rng, np.add(at, (0.0, 0.0, 0.74)))


def _laid(rng: np.random.Generator, top: Array) -> None:
    """What stands on the table whose middle is `top`."""
    jug = [(0.0, 0.0), (0.055, 0.0), (0.06, 0.01), (0.078, 0.07), (0.066, 0.13), (0.042, 0.18)]
    jug += [(0.052, 0.215), (0.049, 0.215), (0.038, 0.18), (0.0, 0.17)]
    cup = [
        (0.0, 0.0),
        (0.022, 0.0),
        (0.036, 0.02),
        (0.04, 0.055),
        (0.037, 0.055),
        (0.033, 0.02),
        (0.0, 0.012),
    ]
    bowl = [(0.0, 0.0), (0.05, 0.0), (0.06, 0.012), (0.115, 0.055), (0.12, 0.065), (0.114, 0.065)]
    bowl += [(0.05, 0.02), (0.0, 0.018)]
    a = np.linspace(-1.25, 1.25, 14)
    handle = np.stack([0.055 + 0.06 * np.cos(a), np.zeros(14), 0.115 + 0.055 * np.sin(a)], axis=1)
    beside = np.add(top, (-0.10, 0.08, 0.0))
    blue = materials.plain("blue glaze", (0.03, 0.09, 0.28), 0.15)
    parts = [part.moved(beside) for part in (meshes.lathe(jug, 32), meshes.tube(handle, 0.008))]
    meshes.add("jug", parts, blue, smooth=True)
    china = [meshes.lathe(cup, 24).moved(top + spot) for spot in ((0.03, -0.17, 0.0), (0.22, -0.06, 0.0))]
    china.append(meshes.lathe(bowl, 32).moved(np.add(top, (0.10, 0.10, 0.0))))
    meshes.add("china", china, materials.plain("glaze", (0.60, 0.57, 0.50), 0.18), smooth=True)
    spots = (
        (0.06, 0.08, 0.05),
        (0.13, 0.07, 0.05),
        (0.10, 0.14, 0.052),
        (0.10, 0.10, 0.095),
        (-0.16, -0.12, 0.03),
    )
    turns = [meshes.rotation(x=1.5, z=float(angle)) for angle in rng.uniform(0.0, 6.3, len(spots))]
    lemons = [_lemon().moved(top + spot, turn) for spot, turn in zip(spots, turns, strict=True)]
    meshes.add("table lemons", lemons, _peel(), smooth=True)


def _chair(place: Array, turn: Array, iron: Any) -> None:
    """A folding chair that looks along −y before `turn`."""
    rods = []
    for side in (-0.19, 0.19):
        back = np.array([(side, -0.20, 0.0), (side, 0.03, 0.42), (side, 0.20, 0.72), (side, 0.235, 0.86)])
        front = np.array([(side * 0.92, 0.24, 0.0), (side * 0.92, 0.0, 0.43), (side * 0.92, -0.19, 0.45)])
        rods += [meshes.tube(back, 0.010, 7), meshes.tube(front, 0.010, 7)]
    rods += [
        meshes.tube(np.array([(-0.19, y, z), (0.19, y, z)]), 0.008, 6)
        for y, z in ((0.20, 0.05), (-0.16, 0.08))
    ]
    slats = [meshes.box((-0.20, y, 0.448), (0.20, y + 0.035, 0.464)) for y in np.arange(-0.20, 0.17, 0.047)]
    slats += [
        meshes.box((-0.20, 0.0, -0.03), (0.20, 0.014, 0.03)).moved((0.0, y, z), meshes.rotation(x=-0.35))
        for y, z in ((0.17, 0.67), (0.222, 0.82))
    ]
    meshes.add("chair", [part.moved(place, turn) for part in (*rods, *slats)], iron)
