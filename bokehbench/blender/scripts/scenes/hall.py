"""The shell of a long hall: chequered floor, arched windows on the right, bays for mirrors on the left.

The hall runs along y; x points right. A bay is a stretch of wall with one window and, across, one mirror.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Shape
from bokehbench.blender.scripts.scenes import finishes, mirrors

LEFT, RIGHT, NEAR, FAR, HEIGHT = -1.95, 3.2, -5.6, 15.4, 4.2
"""The walls' inner faces and the ceiling."""
BAY = 2.7
BAYS = tuple(NEAR + BAY * (index + 0.55) for index in range(8))
"""y of the middles of the bays."""
SILL, SPRING, WIDE, THICK = 0.42, 2.45, 1.5, 0.38
"""Of a window: height of its sill, of where its arch begins; its width and the wall's thickness."""
DOOR = (-0.55, 1.55, 2.75)
"""The garden door in the far wall: left, right, top."""


@dataclass(frozen=True)
class Decor:
    """Colours.

    Attributes:
        wall, curtain: of the plaster and the cloth.
        tiles: dark and light of the floor.
        diagonal: whether the tiles stand on their corners.
    """

    wall: materials.Colour
    curtain: materials.Colour
    tiles: tuple[materials.Colour, materials.Colour]
    diagonal: bool


def build(rng: np.random.Generator, decor: Decor) -> None:
    """Floor, walls, ceiling, windows, curtains, door."""
    white = finishes.painted("white paint", (0.66, 0.63, 0.57))
    _floor(decor)
    _walls(finishes.plaster("wall", decor.wall), white)
    _windows(white)
    _curtains(rng, finishes.linen("curtain", decor.curtain))
    _ceiling(white)


def _floor(decor: Decor) -> None:
    """Polished marble, veined, with dull and worn places."""
    shader = materials.Shader("floor")
    raw = shader.node("TexCoord").outputs["Object"]
    angle = math.pi / 4 if decor.diagonal else 0.0
    where = shader.node(
        "Mapping", {"Vector": raw, "Rotation": (0.0, 0.0, angle), "Location": (0.11, 0.07, 0.5)}
    ).outputs[0]
    scale = 1.0 / 0.48
    tiles = shader.node("TexChecker", {"Vector": where, "Scale": scale}).outputs["Fac"]
    bent = shader.node("TexNoise", {"Vector": where, "Scale": 1.1, "Detail": 6.0}).outputs["Color"]
    warped = shader.node("VectorMath", {0: where, 1: bent}, operation="ADD").outputs[0]
    cloud = shader.noise(2.4, 7.0, warped, 0.6)
    vein = shader.ramp(cloud, [(0.47, (0, 0, 0)), (0.50, (1, 1, 1)), (0.53, (0, 0, 0))])
    dark, light = decor.tiles
    pale = shader.mix(cloud, tuple(0.80 * c for c in light), light)
    pale = shader.mix(shader.math("MULTIPLY", vein, 0.45), pale, tuple(0.45 * c for c in light))
    deep = shader.mix(cloud, dark, tuple(1.9 * c for c in dark))
    deep = shader.mix(shader.math("MULTIPLY", vein, 0.35), deep, tuple(0.6 * c for c in light))
    colour = shader.mix(tiles, pale, deep)
    joints = {"Vector": where, "Scale": 1.0, "Brick Width": 0.48, "Row Height": 0.48, "Mortar Size": 0.004}
    lines = shader.node("TexBrick", joints, offset=0.0).outputs["Fac"]
    colour = shader.mix(shader.math("MULTIPLY", lines, 0.7), colour, (0.06, 0.05, 0.04))
    worn = shader.noise(1.7, 6.0, where, 0.65)
    rough = shader.math("ADD", 0.05, shader.math("MULTIPLY", worn, 0.26))
    normal = shader.bump(lines, -0.15, 0.003)
    marble = shader.done(shader.principled(colour, rough, Normal=normal))
    ground = meshes.quad((LEFT, NEAR, 0), (RIGHT - LEFT + THICK, 0, 0), (0, FAR - NEAR + 0.3, 0))
    meshes.add("floor", ground, marble)


def _walls(plaster: Any, white: Any) -> None:
    walls = [meshes.box((LEFT - 0.2, NEAR, 0), (LEFT, FAR, HEIGHT))]
    walls.append(meshes.box((LEFT - 0.2, NEAR - 0.2, 0), (RIGHT + THICK, NEAR, HEIGHT)))
    left, right, top = DOOR
    walls.append(meshes.box((LEFT - 0.2, FAR, 0), (left, FAR + 0.3, HEIGHT)))
    walls.append(meshes.box((right, FAR, 0), (RIGHT + THICK, FAR + 0.3, HEIGHT)))
    walls.append(meshes.box((left, FAR, top), (right, FAR + 0.3, HEIGHT)))
    walls.append(meshes.box((RIGHT, NEAR, 0), (RIGHT + THICK, FAR, SILL)))
    edges = [NEAR, *(y + s * WIDE / 2 for y in BAYS for s in (-1, 1)), FAR]
    walls += [
        meshes.box((RIGHT, a, SILL), (RIGHT + THICK, b, HEIGHT))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    turn = meshes.rotation(z=-math.pi / 2)
    walls += [_spandrel().moved((RIGHT, y, 0.0), turn) for y in BAYS]
    meshes.add("walls", walls, plaster)
    trim = []
    for x, side in ((LEFT, 1.0), (RIGHT, -1.0)):
        for low, high, out in (
            (0.0, 0.16, 0.022),
            (0.16, 0.185, 0.032),
            (HEIGHT - 0.3, HEIGHT - 0.24, 0.04),
            (HEIGHT - 0.24, HEIGHT - 0.1, 0.09),
            (HEIGHT - 0.1, HEIGHT, 0.16),
        ):
            trim.append(meshes.box((min(x, x + side * out), NEAR, low), (max(x, x + side * out), FAR, high)))
    for low, high, out in ((HEIGHT - 0.24, HEIGHT - 0.1, 0.09), (HEIGHT - 0.1, HEIGHT, 0.16)):
        trim.append(meshes.box((LEFT, FAR - out, low), (RIGHT, FAR, high)))
    for a, b in ((LEFT, DOOR[0] - 0.12), (DOOR[1] + 0.12, RIGHT)):
        trim.append(meshes.box((a, FAR - 0.022, 0.0), (b, FAR, 0.16)))
    half = (DOOR[1] - DOOR[0]) / 2
    case = mirrors.moulding(
        mirrors.rectangle(2 * half, DOOR[2]),
        ((0.0, -0.1), (0.0, 0.03), (0.03, 0.035), (0.10, 0.02), (0.12, 0.0)),
    )
    trim.append(case.moved((DOOR[0] + half, FAR, 0.0)))
    for y in BAYS:  # flat pilasters between the mirrors
        edge = y + BAY / 2
        trim.append(meshes.box((LEFT, edge - 0.19, 0.185), (LEFT + 0.05, edge + 0.19, HEIGHT - 0.3)))
        trim.append(meshes.box((LEFT, edge - 0.22, 0.0), (LEFT + 0.07, edge + 0.22, 0.24)))
        panel = mirrors.rectangle(0.22, HEIGHT - 1.0)
        bead = mirrors.moulding(panel, ((0.0, 0.0), (0.006, 0.010), (0.02, 0.010), (0.026, 0.0)))
        trim.append(bead.moved((LEFT + 0.05, edge, 0.42), meshes.rotation(z=math.pi / 2)))
    meshes.add("trim", trim, white)


def _spandrel() -> Shape:
    """The wall above a window's arch, facing -y with its depth behind: two faces and the soffit between."""
    a = np.linspace(math.pi, 0.0, 25)
    x, z = WIDE / 2 * np.cos(a), SPRING + 0.75 * np.sin(a)
    faces = [
        meshes.grid(np.stack([x, x]), np.full((2, 25), depth), np.stack([z, np.full(25, HEIGHT)]))
        for depth in (0.0, THICK)
    ]
    soffit = meshes.grid(np.stack([x, x]), np.stack([np.zeros(25), np.full(25, THICK)]), np.stack([z, z]))
    return meshes.join([*faces, soffit])


def _windows(white: Any) -> None:
    """Glazing bars, a moulding around each arch, a marble sill."""
    depth, half = 0.24, WIDE / 2 - 0.02
    uprights = ((-half, 0.032), (-0.375, 0.013), (0.0, 0.032), (0.375, 0.013), (half, 0.032))
    bars = [meshes.box((x - w, depth, SILL), (x + w, depth + 0.045, SPRING)) for x, w in uprights]
    levels = (SILL + 0.04, 0.95, 1.45, 1.95, SPRING)
    bars += [meshes.box((-WIDE / 2, depth, z - 0.015), (WIDE / 2, depth + 0.045, z + 0.015)) for z in levels]
    for a in (0.25 * math.pi, 0.5 * math.pi, 0.75 * math.pi):
        tip = (0.73 * math.cos(a), depth + 0.02, SPRING + 0.73 * math.sin(a))
        bars.append(meshes.tube(np.linspace((0, depth + 0.02, SPRING), tip, 3), 0.014, 6))
    rim = mirrors.arch(WIDE, SPRING + 0.75 - SILL, 0.75)
    casing = mirrors.moulding(rim, ((0.0, 0.0), (0.0, 0.02), (0.03, 0.03), (0.09, 0.022), (0.11, 0.0)))
    bars.append(casing.moved((0, 0, SILL)))
    turn = meshes.rotation(z=-math.pi / 2)
    thing = meshes.add("windows", bars, white)
    places = np.array([(RIGHT, y, 0.0) for y in BAYS])
    meshes.scatter(thing, places, np.repeat(turn[None], len(BAYS), axis=0), np.ones(len(BAYS)))
    boards = [
        meshes.box((RIGHT - 0.08, y - 0.85, SILL - 0.03), (RIGHT + 0.3, y + 0.85, SILL + 0.012)) for y in BAYS
    ]
    meshes.add("sills", boards, finishes.stone_slab("sill", (0.55, 0.52, 0.47)))


def _curtains(rng: np.random.Generator, cloth: Any) -> None:
    """Drapes to both sides of each window, held back at a third of their height, on brass poles."""
    drapes, poles = [], []
    for y in BAYS:
        for side in (-1.0, 1.0):
            u, v = np.meshgrid(np.linspace(0, 1, 56), np.linspace(0, 1, 18))
            tied = np.exp(-(((v - 0.36) / 0.16) ** 2))
            width = 0.46 * (1 - 0.52 * tied)
            fold = np.sin(
                2 * math.pi * (6.5 * u + 0.25 * np.sin(3 * v + rng.uniform(0, 6))) + rng.uniform(0, 6)
            )
            along = y + side * (1.08 - width * u - 0.06 * tied)
            out = RIGHT - 0.13 + (0.045 - 0.015 * tied) * fold * (0.6 + 0.4 * (1 - v)) - 0.03 * tied
            drapes.append(meshes.grid(out, along, 0.02 + 3.42 * v))
        poles.append(
            meshes.tube(
                np.linspace((RIGHT - 0.13, y - 1.2, 3.47), (RIGHT - 0.13, y + 1.2, 3.47), 3), 0.018, 12
            )
        )
        poles += [meshes.sphere(0.035, 14).moved((RIGHT - 0.13, y + s * 1.22, 3.47)) for s in (-1, 1)]
    meshes.add("curtains", drapes, cloth, smooth=True)
    meshes.add("curtain poles", poles, finishes.metal("pole brass", (0.66, 0.44, 0.18), 0.25), smooth=True)


def _ceiling(white: Any) -> None:
    parts = [meshes.box((LEFT - 0.2, NEAR - 0.2, HEIGHT), (RIGHT + THICK, FAR + 0.3, HEIGHT + 0.1))]
    edges = [y + BAY / 2 for y in BAYS]
    parts += [meshes.box((LEFT, y - 0.16, HEIGHT - 0.2), (RIGHT, y + 0.16, HEIGHT)) for y in edges]
    meshes.add("ceiling", parts, white)
