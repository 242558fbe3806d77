"""The walls of a courtyard: limewashed plaster, door, windows, tiled coping, laundry, what shows above."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.materials import Colour
from bokehbench.blender.scripts.meshes import Shape, Vector
from bokehbench.blender.scripts.scenes.fountain import limestone
from bokehbench.blender.scripts.scenes.relief import Relief, stone

LEFT, RIGHT, BACK = -2.75, 2.95, 10.2
TOP = 3.0
"""Height of the walls."""
DADO = 0.95
"""Height of the coloured band along the foot of the walls."""


def floor(wet: Vector) -> None:
    """Terracotta slabs, each of its own red, darker and smoother where the fountain splashes."""
    shader = materials.Shader("paving")
    where = shader.coordinates()
    look = {"Color1": (0.25, 0.115, 0.06), "Color2": (0.42, 0.215, 0.12), "Mortar": (0.20, 0.165, 0.125)}
    size = {"Scale": 1.0, "Mortar Size": 0.006, "Mortar Smooth": 0.3, "Brick Width": 0.28, "Row Height": 0.28}
    slabs = shader.node("TexBrick", {"Vector": where, **look, **size, "Bias": 0.0}, offset=0.5)
    grime, grain = shader.noise(1.4, 7.0, where, 0.65), shader.noise(38.0, 4.0, where)
    dirty = shader.mix(
        shader.ramp(grime, [(0.42, (0.75,) * 3), (0.60, (0, 0, 0))]),
        slabs.outputs["Color"],
        (0.10, 0.075, 0.055),
    )
    pale = shader.mix(shader.ramp(grain, [(0.54, (0, 0, 0)), (0.72, (0.6,) * 3)]), dirty, (0.46, 0.36, 0.27))
    offset = shader.node("VectorMath", {0: where, 1: tuple(-float(c) for c in wet)}, operation="ADD").outputs[
        0
    ]
    away = shader.node("VectorMath", {0: offset}, operation="LENGTH").outputs["Value"]
    damp = shader.math(
        "ADD", away, shader.math("MULTIPLY", shader.math("SUBTRACT", shader.noise(2.6, 4.0, where), 0.5), 2.4)
    )
    wetness = shader.ramp(shader.math("DIVIDE", damp, 3.0), [(0.40, (1, 1, 1)), (0.50, (0, 0, 0))])
    colour = shader.mix(shader.math("MULTIPLY", wetness, 0.55), pale, (0.07, 0.035, 0.022))
    rough = shader.math("SUBTRACT", 0.72, shader.math("MULTIPLY", wetness, 0.5))
    height = shader.math(
        "ADD", shader.math("MULTIPLY", slabs.outputs["Fac"], -1.0), shader.math("MULTIPLY", grain, 0.35)
    )
    surface = shader.principled(colour, rough, Normal=shader.bump(height, 0.55, 0.012))
    meshes.add("paving", meshes.quad((-7.0, -1.0, 0.0), (14.0, 0, 0), (0, 13.0, 0)), shader.done(surface))


def limewash(name: str, colour: Colour, band: Colour) -> Any:
    """Plaster with a painted band at its foot: trowel marks, stains below, brown flakes."""
    shader = materials.Shader(name)
    where = shader.coordinates()
    height = shader.node("SeparateXYZ", {0: where}).outputs["Z"]
    cloud, fine = shader.noise(1.1, 7.0, where, 0.62), shader.noise(24.0, 5.0, where)
    r, g, b = colour
    wash = shader.ramp(cloud, [(0.36, (0.74 * r, 0.72 * g, 0.68 * b)), (0.58, colour)])
    edge = shader.math("ADD", height, shader.math("MULTIPLY", shader.math("SUBTRACT", fine, 0.5), 0.02))
    painted = shader.mix(
        shader.math("LESS_THAN", edge, DADO), wash, shader.mix(cloud, band, tuple(1.5 * c for c in band))
    )
    low = shader.math("ADD", shader.math("MULTIPLY", height, -0.75), shader.math("MULTIPLY", cloud, 1.3))
    foot = shader.mix(
        shader.ramp(low, [(0.22, (0, 0, 0)), (0.75, (0.75,) * 3)]), painted, (0.16, 0.13, 0.095)
    )
    run = shader.noise(4.0, 5.0, shader.coordinates((1.6, 1.6, 0.12)))
    streaked = shader.mix(
        shader.ramp(run, [(0.54, (0, 0, 0)), (0.72, (0.42,) * 3)]), foot, (0.20, 0.18, 0.145)
    )
    flake = shader.ramp(shader.noise(2.3, 8.0, where, 0.7), [(0.625, (0, 0, 0)), (0.64, (1, 1, 1))])
    flaked = shader.mix(flake, streaked, shader.mix(fine, (0.17, 0.12, 0.08), (0.38, 0.30, 0.22)))
    bumps = shader.math(
        "SUBTRACT",
        shader.math("ADD", shader.math("MULTIPLY", fine, 0.3), cloud),
        shader.math("MULTIPLY", flake, 0.5),
    )
    return shader.done(
        shader.principled(flaked, 0.9, Normal=shader.bump(bumps, 0.6, 0.02), Specular_IOR_Level=0.2)
    )


def walls(rng: np.random.Generator, colour: Colour, band: Colour) -> None:
    """Left, right and far wall with a coping of half-round tiles."""
    lime = limewash("limewash", colour, band)
    parts = [
        meshes.box((LEFT - 0.35, 1.9, 0.0), (LEFT, BACK + 0.4, TOP)),
        meshes.box((RIGHT, 1.9, 0.0), (RIGHT + 0.35, BACK + 0.4, TOP + 0.9)),
        meshes.box((LEFT, BACK, 0.0), (RIGHT, BACK + 0.4, TOP)),
    ]
    meshes.add("walls", parts, lime)
    tiles = _coping(rng, np.array((LEFT - 0.3, BACK, TOP)), np.array((1.0, 0.0, 0.0)), RIGHT - LEFT + 0.3)
    tiles += _coping(rng, np.array((LEFT, 2.2, TOP)), np.array((0.0, 1.0, 0.0)), BACK - 2.2)
    tiles += _coping(rng, np.array((RIGHT, 2.2, TOP + 0.9)), np.array((0.0, 1.0, 0.0)), BACK - 2.2)
    shader = materials.Shader("roof tile")
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    clay = shader.ramp(
        island, [(0.0, (0.24, 0.10, 0.05)), (0.5, (0.40, 0.19, 0.10)), (1.0, (0.47, 0.30, 0.18))]
    )
    lichen = shader.ramp(shader.noise(9.0, 6.0), [(0.52, (0, 0, 0)), (0.62, (0.85,) * 3)])
    tile = shader.done(
        shader.principled(
            shader.mix(lichen, clay, (0.26, 0.24, 0.15)), 0.85, Normal=shader.bump(shader.noise(50.0), 0.4)
        )
    )
    meshes.add("coping", tiles, tile, smooth=True)


def _coping(rng: np.random.Generator, start: Any, along: Any, length: float) -> list[Shape]:
    """Half-round tiles side by side on a wall, falling towards the yard."""
    inward = np.array((along[1] * (1.0 if start[0] < 0 else -1.0), -abs(along[0]), 0.0))
    down = inward - (0.0, 0.0, 0.36)
    down /= np.linalg.norm(down)
    up = np.cross(along, down)
    up *= np.sign(up[2])
    angle = np.linspace(0.0, math.pi, 9)
    tiles = []
    for place in np.arange(0.09, length, 0.175):
        for ridge, radius in ((1.0, 0.085), (-0.55, 0.075)):
            middle = (
                start
                + along * (place + (0.0 if ridge > 0 else 0.0875) + float(rng.normal(0.0, 0.006)))
                + (0, 0, 0.13)
            )
            ring = radius * (np.cos(angle)[:, None] * along + ridge * np.sin(angle)[:, None] * up)
            reach = 0.13 + float(rng.normal(0.0, 0.008))
            ends = [middle + down * d + ring * grow for d, grow in ((-0.42, 0.86), (reach, 1.0))]
            inner = [middle + down * d + 0.85 * ring * grow for d, grow in ((reach, 1.0), (-0.42, 0.86))]
            stack = np.stack([*ends, *inner])
            tiles.append(meshes.grid(stack[..., 0], stack[..., 1], stack[..., 2]))
    return tiles


def worn_paint(name: str, colour: Colour, wear: float = 0.5) -> Any:
    """Paint on planks: brush streaks, chalky, bare grey wood where it has come off."""
    shader = materials.Shader(name)
    streak = shader.noise(12.0, 5.0, shader.coordinates((1.0, 1.0, 0.08)))
    r, g, b = colour
    paint = shader.ramp(streak, [(0.36, (0.7 * r, 0.7 * g, 0.72 * b)), (0.62, (1.25 * r, 1.25 * g, 1.2 * b))])
    bare = shader.ramp(
        shader.noise(15.0, 6.0, shader.coordinates((1.0, 1.0, 0.16)), 0.7),
        [(0.72 - 0.2 * wear, (0, 0, 0)), (0.74 - 0.2 * wear, (1, 1, 1))],
    )
    wood = shader.mix(streak, (0.13, 0.10, 0.075), (0.30, 0.25, 0.19))
    return shader.done(
        shader.principled(shader.mix(bare, paint, wood), 0.6, Normal=shader.bump(streak, 0.4, 0.006))
    )


def door(rng: np.random.Generator, x: float, colour: Colour) -> None:
    """A plank door under a round arch of stone in the far wall, with two steps, hinges and a ring."""
    y, half, spring = BACK, 0.50, 1.62
    planks = []
    for left in np.arange(-half, half - 0.01, half / 3):
        middle = left + half / 6
        top = spring + math.sqrt(max(0.0, half**2 - middle**2))
        out = float(rng.uniform(0.045, 0.055))
        planks.append(meshes.box((x + left + 0.006, y - out, 0.2), (x + left + half / 3 - 0.006, y, top)))
    meshes.add("door", planks, worn_paint("door paint", colour, 0.6))
    dark = [meshes.box((x - half, y - 0.02, 0.2), (x + half, y - 0.001, spring + 0.3))]
    meshes.add("door gap", dark, materials.plain("gap", (0.015, 0.012, 0.01), 0.9))
    blocks = []
    for side in (-1.0, 1.0):
        for low in np.arange(0.0, spring - 0.05, 0.27):
            wide = 0.15 + 0.03 * (round(low / 0.27) % 2)
            shape = stone(rng, 12, 0.22, (1.15, 1.6))
            blocks.append(
                shape.moved(
                    (x + side * (half + wide), y - 0.02, low + 0.135), scale=(wide / 0.93, 0.12, 0.142)
                )
            )
    for angle in np.linspace(0.13, math.pi - 0.13, 11):
        shape = stone(rng, 12, 0.22, (1.15, 1.6))
        turn = meshes.rotation(y=math.pi / 2 - angle)
        place = (x + (half + 0.14) * math.cos(angle), y - 0.02, spring + (half + 0.14) * math.sin(angle))
        blocks.append(shape.moved(place, turn, (0.094, 0.12, 0.155)))
    steps = [
        stone(rng, 18, 0.14, (1.3, 1.7)).moved((x, y - 0.28, 0.09), scale=(0.86, 0.30, 0.10)),
        stone(rng, 18, 0.14, (1.3, 1.7)).moved((x, y - 0.62, 0.04), scale=(1.0, 0.30, 0.05)),
    ]
    meshes.add("door stones", [*blocks, *steps], limestone("door stone"), smooth=True)
    iron = materials.plain("door iron", (0.03, 0.028, 0.026), 0.5, Metallic=0.6)
    straps = [
        meshes.box((x - half + 0.02, y - 0.065, z), (x + 0.28, y - 0.045, z + 0.05)) for z in (0.55, 1.45)
    ]
    a = np.linspace(0.0, 2 * math.pi, 25)
    ring = np.stack([x + 0.30 + 0.06 * np.cos(a), np.full(25, y - 0.075), 1.02 + 0.06 * np.sin(a)], axis=1)
    studs = [
        meshes.sphere(0.016, 10).moved((sx, y - 0.055, sz))
        for sx in np.arange(x - 0.42, x + 0.45, 0.168)
        for sz in (0.36, 0.8, 1.22, 1.66)
    ]
    meshes.add("door fittings", [*straps, meshes.tube(ring, 0.009), *studs], iron)


def window(rng: np.random.Generator, place: Vector, turn_z: float, colour: Colour, open_: float) -> None:
    """A window with sill, muntins, iron bars and louvred shutters opened by an angle.

    Args:
        rng: of this window.
        place: middle of its lower edge, on the wall.
        turn_z: 0 where the wall faces the camera, π/2 for the left wall, −π/2 for the right.
        colour: of the shutters.
        open_: radians; π lies flat on the wall.
    """
    wide, tall = 0.42, 1.25
    turn, at = meshes.rotation(z=turn_z), np.asarray(place, np.float64)

    def put(name: str, parts: list[Shape], material: Any, smooth: bool = False) -> None:
        meshes.add(name, [part.moved(at, turn) for part in parts], material, smooth=smooth)

    pane = meshes.box((-wide, -0.012, 0.0), (wide, 0.0, tall))
    put("pane", [pane], materials.plain("pane", (0.012, 0.015, 0.018), 0.06))
    curtain = np.linspace(0.0, 1.0, 30)
    fold = -0.018 - 0.004 * np.sin(40.0 * curtain + float(rng.uniform(0, 6)))
    sheet = meshes.grid(
        np.stack([-wide + 0.36 * curtain] * 2),
        np.stack([fold] * 2),
        np.stack([np.full(30, 0.0), np.full(30, tall)]),
    )
    put("curtain", [sheet], materials.plain("curtain", (0.50, 0.47, 0.42), 0.9), smooth=True)
    frame = [meshes.box((s * wide - 0.03, -0.05, 0.0), (s * wide + 0.03, 0.0, tall)) for s in (-1, 0, 1)]
    frame += [
        meshes.box((-wide, -0.045, z - 0.02), (wide, 0.0, z + 0.02)) for z in (0.02, 0.45, 0.85, tall - 0.02)
    ]
    put("window frame", frame, worn_paint("window paint", tuple(0.6 * c + 0.25 for c in colour), 0.35))
    surround = [
        meshes.box((-0.62, -0.14, -0.09), (0.62, 0.0, 0.0)),
        meshes.box((-0.56, -0.06, tall), (0.56, 0.0, tall + 0.14)),
    ]
    put("sill", surround, limestone("sill stone"))
    shutters: list[Shape] = []
    for side in (-1.0, 1.0):
        leaf = [
            meshes.box((0.0, -0.03, 0.0), (0.05, 0.0, tall)),
            meshes.box((wide - 0.07, -0.03, 0.0), (wide - 0.02, 0.0, tall)),
        ]
        leaf += [
            meshes.box((0.0, -0.03, z), (wide - 0.02, 0.0, z + 0.06)) for z in (0.0, tall / 2, tall - 0.06)
        ]
        slat = meshes.box((0.04, -0.02, -0.004), (wide - 0.06, 0.02, 0.004))
        leaf += [
            slat.moved((0.0, -0.015, z), meshes.rotation(x=-0.7)) for z in np.arange(0.09, tall - 0.06, 0.045)
        ]
        swing = open_ + float(rng.normal(0.0, 0.10))
        hinge = meshes.rotation(z=-swing if side < 0 else swing)
        for part in leaf:
            v = part.vertices * ((1.0, 1.0, 1.0) if side < 0 else (-1.0, 1.0, 1.0))
            shutters.append(Shape(v, part.faces).moved((side * (wide + 0.02), -0.05, 0.0), hinge))
    put("shutters", shutters, worn_paint("shutter paint", colour, 0.45))


def laundry(rng: np.random.Generator, y: float) -> None:
    """A sagging line across the yard with cloths that the wind moves, each held by pegs."""
    start, end = np.array((LEFT, y, 2.72)), np.array((RIGHT, y + 0.5, 2.84))
    line = meshes.sagging(start, end, 0.24, 60)
    meshes.add("line", meshes.tube(line, 0.004, 5), materials.plain("cord", (0.45, 0.42, 0.36), 0.8))
    looks = [cloth(f"cloth {i}", *pair) for i, pair in enumerate(CLOTHS)]
    pegs: list[Shape] = []
    x = LEFT + 0.5
    while x < RIGHT - 0.9:
        wide, tall = float(rng.uniform(0.42, 0.85)), float(rng.uniform(0.45, 0.85))
        relief = Relief(rng, 4)
        u, v = np.meshgrid(np.linspace(0.0, 1.0, 34), np.linspace(0.0, 1.0, 26))
        hang = np.stack([np.interp(x + u * wide, line[:, 0], line[:, axis]) for axis in range(3)], axis=-1)
        fold = 0.05 * v**0.7 * relief(3.2 * u, 0.4 * v) + 0.10 * v**1.5 * math.sin(float(rng.uniform(0, 6)))
        drop = tall * v * (1.0 - 0.04 * relief(2.0 * u, 7.0)) + 0.012 * np.sin(math.pi * u) * (1.0 - v)
        sheet = meshes.grid(hang[..., 0] - 0.03 * (u - 0.5) * v, hang[..., 1] + fold, hang[..., 2] - drop)
        meshes.add("cloth", sheet, looks[int(rng.integers(len(looks)))], smooth=True)
        for share in (0.04, 0.96):
            peg = [float(np.interp(x + share * wide, line[:, 0], line[:, axis])) for axis in range(3)]
            pegs.append(meshes.box((-0.007, -0.012, -0.045), (0.007, 0.012, 0.025)).moved(peg))
        x += wide + float(rng.uniform(0.04, 0.35))
    meshes.add("pegs", pegs, materials.plain("peg", (0.42, 0.28, 0.14), 0.7))


CLOTHS: tuple[tuple[Colour, Colour, float], ...] = (
    # colour, colour of the stripes, stripes a metre
    ((0.74, 0.73, 0.70), (0.74, 0.73, 0.70), 1.0),
    ((0.72, 0.70, 0.66), (0.10, 0.19, 0.42), 11.0),
    ((0.60, 0.09, 0.06), (0.66, 0.50, 0.38), 6.0),
    ((0.66, 0.45, 0.10), (0.70, 0.52, 0.16), 3.0),
    ((0.20, 0.36, 0.48), (0.24, 0.40, 0.50), 2.0),
)


def cloth(name: str, colour: Colour, stripe: Colour, pitch: float) -> Any:
    """Woven cloth with stripes, lit through from behind."""
    shader = materials.Shader(name)
    where = shader.coordinates()
    across = shader.node("SeparateXYZ", {0: where}).outputs["X"]
    band = shader.math("GREATER_THAN", shader.math("FRACT", shader.math("MULTIPLY", across, pitch)), 0.62)
    colours = shader.mix(band, colour, stripe)
    weave = shader.bump(shader.noise(160.0, 2.0, where), 0.3, 0.002)
    top = shader.node("BsdfDiffuse", {"Color": colours, "Normal": weave}).outputs[0]
    through = shader.node("BsdfTranslucent", {"Color": colours}).outputs[0]
    return shader.done(shader.node("MixShader", {0: 0.35, 1: top, 2: through}).outputs[0])


def beyond(rng: np.random.Generator) -> None:
    """What shows above the far wall: a bell tower, roofs, cypresses."""
    x, y = float(rng.uniform(2.0, 6.0)), 52.0
    shader = materials.Shader("tower wall")
    cloud = shader.noise(0.35, 7.0)
    ochre = shader.ramp(cloud, [(0.38, (0.36, 0.24, 0.13)), (0.6, (0.52, 0.38, 0.23))])
    wall = shader.done(shader.principled(ochre, 0.9, Normal=shader.bump(cloud, 0.4, 0.1)))
    parts = [
        meshes.box((x - 2.1, y, 0.0), (x + 2.1, y + 4.2, 12.0)),
        meshes.box((x - 2.4, y - 0.3, 11.8), (x + 2.4, y + 4.5, 12.3)),
    ]
    parts += [
        meshes.box((x + a, y + b, 12.3), (x + a + 1.1, y + b + 1.1, 15.2))
        for a in (-2.1, 1.0)
        for b in (0.0, 3.1)
    ]
    parts += [meshes.box((x - 2.3, y - 0.2, 15.2), (x + 2.3, y + 4.4, 15.9))]
    parts += [
        meshes.box((left, 38.0, 0.0), (left + 7.0, 44.0, float(rng.uniform(5.5, 8.0))))
        for left in (-19.0, -11.5, -4.0, 9.5)
    ]
    meshes.add("tower", parts, wall)
    roof = meshes.lathe([(3.3, 15.9), (1.2, 17.6), (0.0, 18.4)], 4).moved(
        (x, y + 2.1, 0.0), meshes.rotation(z=math.pi / 4)
    )
    bell = meshes.lathe([(0.62, 13.2), (0.42, 13.6), (0.34, 14.2), (0.0, 14.5)], 20).moved((x, y + 1.2, 0.0))
    meshes.add("tower roof", roof, materials.plain("far tiles", (0.33, 0.15, 0.08), 0.85))
    meshes.add("bell", bell, materials.plain("bronze", (0.10, 0.075, 0.04), 0.4, Metallic=0.8))
