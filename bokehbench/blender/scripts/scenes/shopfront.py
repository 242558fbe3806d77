"""Behind the newsstand: racks and a line of magazines, a shop across the pavement, the street beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.materials import Shader
from bokehbench.blender.scripts.meshes import Array, Shape, Vector
from bokehbench.blender.scripts.scenes import plants, printing, surfaces
from bokehbench.blender.scripts.scenes.surfaces import Colour, times

FRONT = 9.6
"""y of the shop's front."""
CORNER = 2.9
"""x where the shop ends and the street begins."""
PAINTS: tuple[Colour, ...] = (
    (0.025, 0.10, 0.085),
    (0.16, 0.022, 0.02),
    (0.03, 0.055, 0.14),
    (0.14, 0.085, 0.02),
)
BLOOMS: tuple[Colour, ...] = (
    (0.62, 0.05, 0.06),
    (0.75, 0.50, 0.06),
    (0.70, 0.30, 0.36),
    (0.66, 0.62, 0.55),
    (0.30, 0.12, 0.45),
)
BUCKETS = ((1.42, 4.5, 0.72), (1.86, 4.62, 0.72), (2.30, 4.5, 0.72), (1.60, 5.0, 0.95), (2.12, 5.05, 0.95))
AIR: Colour = (0.66, 0.70, 0.74)
HAZE = 110.0


def build(rng: np.random.Generator, covers: Sequence[Sequence[Any]], hand: float) -> None:
    """Everything behind the table.

    Args:
        rng: of the street.
        covers: the magazines to copy onto racks.
        hand: +1 puts the rack at the left and the street at the right, -1 the other way round.
    """
    before = set(bpy.data.objects)
    _ground()
    _rack(rng, covers)
    _line(rng, covers)
    _flowers(rng)
    paint = PAINTS[int(rng.integers(len(PAINTS)))]
    _shop(rng, paint)
    _street(rng)
    if hand < 0:
        for thing in bpy.data.objects:
            if thing not in before:
                _mirror(thing)


def _mirror(thing: Any) -> None:
    """Put an object on the other side; what has a place of its own (print, lamps) stays readable there."""
    if thing.location.length:
        thing.location.x *= -1.0
        thing.rotation_euler.z *= -1.0
    else:
        thing.scale.x = -1.0


def _copy(things: Sequence[Any], place: Vector, turn: float, lean: float) -> None:
    from mathutils import Matrix

    for thing in things:
        copy = thing.copy()
        matrix = Matrix.Translation(place) @ Matrix.Rotation(turn, 4, "Z") @ Matrix.Rotation(lean, 4, "X")
        copy.matrix_world = matrix
        bpy.context.scene.collection.objects.link(copy)


def _ground() -> None:
    shader = Shader("pavement")
    where = shader.coordinates()
    look = {"Color1": (0.20, 0.185, 0.17), "Color2": (0.28, 0.26, 0.235), "Mortar": (0.06, 0.055, 0.05)}
    slabs = shader.node("TexBrick", {"Vector": where, **look, "Scale": 1.4, "Mortar Size": 0.012})
    worn = shader.mix(shader.noise(1.1, 6.0), slabs.outputs["Color"], (0.13, 0.12, 0.11))
    relief = shader.bump(shader.math("ADD", shader.noise(40.0), slabs.outputs["Fac"]), 0.2, 0.01)
    stone = shader.done(shader.principled(worn, 0.7, Normal=relief))
    meshes.add("pavement", meshes.quad((-20, -4, 0), (60, 0, 0), (0, 110, 0)), stone)


def _rack(rng: np.random.Generator, covers: Sequence[Sequence[Any]]) -> None:
    """A wooden rack of four sloping shelves, left of the table's end."""
    left, y, wide = -2.25, 4.1, 1.25
    wood = surfaces.painted("rack paint", (0.10, 0.13, 0.12))
    parts = [meshes.box((x - 0.03, y - 0.03, 0.0), (x + 0.03, y + 0.45, 2.0)) for x in (left, left + wide)]
    for level in range(5):
        z, back = 0.42 + 0.35 * level, y + 0.08 * level
        parts.append(meshes.box((left, back - 0.02, z - 0.02), (left + wide, back + 0.14, z)))
        parts.append(meshes.box((left, back - 0.03, z), (left + wide, back - 0.018, z + 0.05)))
        x = left + 0.15
        while x < left + wide - 0.08:
            which = covers[int(rng.integers(len(covers)))]
            lean = math.radians(74.0)
            middle = (x, back + 0.14 * math.cos(lean), z + 0.14 * math.sin(lean) + 0.004)
            _copy(which, middle, float(rng.normal(0, 0.02)), lean)
            x += float(rng.uniform(0.19, 0.235))
    meshes.add("rack", parts, wood)


def _line(rng: np.random.Generator, covers: Sequence[Sequence[Any]]) -> None:
    """Magazines pegged to a cord, and bulbs on a second one."""
    start, end = np.array((-1.0, 4.15, 1.93)), np.array((1.75, 5.2, 1.98))
    cord = surfaces.plain("cord", (0.30, 0.24, 0.16), 0.9)
    rope = meshes.sagging(start, end, 0.10, 40)
    parts = [meshes.tube(rope, 0.004, 6)]
    pegs = []
    for share in np.linspace(0.12, 0.88, 6) + rng.normal(0.0, 0.015, 6):
        point = plants.along(rope, float(share))
        which = covers[int(rng.integers(len(covers)))]
        turn = 0.36 + float(rng.normal(0.0, 0.16))
        _copy(which, point - (0.0, 0.0, 0.145), turn, math.radians(87.0))
        pegs += [
            meshes.box((dx - 0.005, -0.009, -0.05), (dx + 0.005, 0.009, 0.02)).moved(
                point, meshes.rotation(z=turn)
            )
            for dx in (-0.06, 0.06)
        ]
    meshes.add("pegs", pegs, surfaces.wood("peg wood", (0.45, 0.30, 0.16), along="Z", fine=4.0, worn=0.1))
    wires, bulbs = [], []
    for first, last, sag in (
        ((-3.2, 5.6, 2.25), (2.4, 6.4, 2.2), 0.42),
        ((-2.6, 8.2, 2.75), (CORNER, 8.6, 2.7), 0.55),
    ):
        hanging = meshes.sagging(first, last, sag, 60)
        wires.append(meshes.tube(hanging, 0.005, 5))
        for share in np.linspace(0.04, 0.96, 13) + rng.normal(0.0, 0.01, 13):
            point = plants.along(hanging, float(share))
            wires.append(meshes.lathe([(0.016, -0.05), (0.016, 0.0), (0.0, 0.005)], 8).moved(point))
            bulbs.append(meshes.sphere(0.042, 16).moved(point - (0.0, 0.0, 0.085)))
    post = meshes.tube(np.array([(1.75, 5.2, 0.0), (1.75, 5.2, 2.1)]), 0.022, 10)
    meshes.add("cords", [*parts, post], cord, smooth=True)
    meshes.add("bulb wires", wires, surfaces.plain("wire", (0.02, 0.02, 0.02)), smooth=True)
    glow = materials.emission("bulbs", (1.0, 0.72, 0.38), 5.0)
    materials.seen_only(meshes.add("bulbs", bulbs, glow, smooth=True))


def _flowers(rng: np.random.Generator) -> None:
    """Buckets of flowers on a bench in two steps."""
    zinc = surfaces.metal("zinc", (0.42, 0.43, 0.44), 0.4)
    bucket = meshes.lathe(
        [(0.0, 0.0), (0.11, 0.0), (0.15, 0.30), (0.157, 0.305), (0.145, 0.295), (0.0, 0.26)], 24
    )
    order = rng.permutation(len(BLOOMS))
    green: list[Shape] = []
    buckets = []
    for index, (x, y, z) in enumerate(BUCKETS):
        place = np.array((x, y, z))
        buckets.append(bucket.moved(place))
        blooms, leaves = _bunch(rng, place)
        green += leaves
        colour = BLOOMS[int(order[index])]
        shader = Shader(f"bloom {index}")
        tone = shader.mix(shader.noise(60.0, 2.0), times(colour, 0.6), times(colour, 1.2))
        petals = shader.done(shader.principled(tone, 0.6))
        meshes.add(f"blooms {index}", blooms, petals, smooth=True)
    meshes.add("flower leaves", green, surfaces.plain("stems", (0.07, 0.15, 0.03), 0.55), smooth=True)
    meshes.add("buckets", buckets, zinc, smooth=True)
    steps = [((1.15, 4.30, 0.67), (2.60, 4.80, 0.72)), ((1.15, 4.80, 0.90), (2.60, 5.25, 0.95))]
    steps += [((x, y, 0.0), (x + 0.06, y + 0.06, 0.9)) for x in (1.17, 2.5) for y in (4.34, 4.9)]
    bench = [meshes.box(low, high) for low, high in steps]
    meshes.add("flower bench", bench, surfaces.wood("flower bench", (0.20, 0.13, 0.08), worn=0.5))


def _bunch(rng: np.random.Generator, foot: Array) -> tuple[Shape, list[Shape]]:
    """Flowers that stand in a bucket at `foot`: their heads, and stems with leaves."""
    outline = [(0.0, 0.0), (0.35, -0.05), (0.75, 0.12), (1.0, 0.42), (0.8, 0.46), (0.3, 0.28), (0.0, 0.30)]
    away = rng.normal(0.0, 0.075, (17, 2))
    rise = rng.uniform(0.42, 0.60, 17)
    tips = foot + np.column_stack([1.5 * away, rise])
    feet = foot + np.column_stack([0.5 * away, np.full(17, 0.25)])
    turns = np.array([meshes.rotation(x=-4.0 * y, y=4.0 * x) for x, y in away])
    heads = meshes.lathe(outline, 12).copies(tips, turns, rng.uniform(0.030, 0.048, 17))
    stems = [meshes.tube(np.linspace(a, b, 4), 0.0035, 5) for a, b in zip(feet, tips, strict=True)]
    along = np.concatenate([feet + share * (tips - feet) for share in (0.35, 0.6)])
    ways = np.column_stack([rng.normal(0.0, 1.0, (34, 2)), np.full(34, 0.7)])
    leaf_turns = meshes.facing(ways, rng.uniform(-0.8, 0.8, 34))
    leaves = plants.leaf(2, 4, 0.25).copies(along, leaf_turns, rng.uniform(0.09, 0.16, 34))
    return heads, [leaves, *stems]


def _brick(name: str, colour: Colour, scale: float = 4.5, flat: str = "XZ") -> Any:
    shader = Shader(name)
    split = shader.node("SeparateXYZ", {0: shader.coordinates()})
    where = shader.node("CombineXYZ", {0: split.outputs[flat[0]], 1: split.outputs[flat[1]]}).outputs[0]
    look = {"Color1": times(colour, 0.8), "Color2": times(colour, 1.25), "Mortar": (0.26, 0.24, 0.21)}
    bricks = shader.node("TexBrick", {"Vector": where, **look, "Scale": scale, "Mortar Size": 0.014})
    soot = shader.ramp(shader.noise(0.9, 6.0), [(0.35, times(colour, 0.4)), (0.6, (1, 1, 1))])
    dirty = shader.node(
        "MixRGB", {0: 0.6, 1: bricks.outputs["Color"], 2: soot}, blend_type="MULTIPLY"
    ).outputs[0]
    relief = shader.bump(bricks.outputs["Fac"], -0.5, 0.01)
    return surfaces.hazy(shader, shader.principled(dirty, 0.85, Normal=relief), AIR, HAZE)


def _shop(rng: np.random.Generator, paint: Colour) -> None:
    """A painted front with large windows, goods behind them, a door, an awning."""
    left, right, y = -9.0, CORNER, FRONT
    colour = ((0.24, 0.10, 0.065), (0.30, 0.25, 0.19), (0.20, 0.13, 0.10))[int(rng.integers(3))]
    joinery = surfaces.painted("joinery", paint, chipped=0.15)
    wall = [
        meshes.box((left, y, 3.0), (right, y + 6.0, 9.0)),
        meshes.box((right - 0.35, y - 0.02, 0.0), (right, y + 6.0, 3.0)),
    ]
    meshes.add("shop wall", wall, _brick("shop brick", colour))
    # Bays along the front: windows and a door.
    bays = [(-5.6, -3.5, "window"), (-3.3, -1.0, "window"), (-0.75, 0.35, "door"), (0.6, 2.5, "window")]
    frame: list[Shape] = [meshes.box((left, y - 0.1, 2.62), (right, y + 0.1, 3.15))]
    room: list[Shape] = []
    posts = [left, *(x for low, high, _ in bays for x in (low, high)), right - 0.35]
    for a, b in zip(posts[::2], posts[1::2], strict=True):
        frame.append(meshes.box((a, y - 0.07, 0.0), (b, y + 0.08, 2.62)))
    for low, high, kind in bays:
        sill = 0.55 if kind == "window" else 0.0
        if kind == "window":
            frame.append(meshes.box((low, y - 0.04, 0.0), (high, y + 0.06, sill)))
            frame.append(meshes.box((low - 0.05, y - 0.14, sill - 0.06), (high + 0.05, y + 0.08, sill)))
            bars = np.linspace(low, high, 4)[1:-1]
        else:
            frame.append(meshes.box((low, y + 0.0, 0.0), (high, y + 0.05, 0.75)))
            bars = np.array((low + 0.03, high - 0.03))
        frame += [meshes.box((x - 0.025, y - 0.03, sill), (x + 0.025, y + 0.03, 2.62)) for x in bars]
        frame.append(meshes.box((low, y - 0.03, 2.08), (high, y + 0.03, 2.13)))
        room.append(meshes.quad((low, y + 0.9, sill - 0.3), (high - low, 0, 0), (0, 0, 3.0)))
        room.append(meshes.quad((low, y + 0.02, sill), (high - low, 0, 0), (0, 0.9, 0)))
    meshes.add("shop joinery", frame, joinery)
    meshes.add("shop back", room, surfaces.wood("shop panelling", (0.26, 0.15, 0.075), along="Z", worn=0.0))
    _goods(rng, bays)
    _awning(rng, paint)


def _goods(rng: np.random.Generator, bays: Sequence[tuple[float, float, str]]) -> None:
    """Shelves of books and jars behind the windows, with lamps over them."""
    groups: list[list[Shape]] = [[] for _ in range(6)]
    globes, shelves = [], []
    for low, high, _ in bays:
        for z in (0.60, 1.02, 1.44, 1.86):
            shelves.append(meshes.box((low, FRONT + 0.45, z - 0.03), (high, FRONT + 0.85, z)))
            x = low + 0.05
            while x < high - 0.1:
                wide, tall = float(rng.uniform(0.03, 0.16)), float(rng.uniform(0.16, 0.34))
                goods = meshes.box((x, FRONT + 0.5, z), (x + wide, FRONT + 0.7, z + tall))
                groups[int(rng.integers(6))].append(goods)
                x += wide + (0.005 if rng.random() < 0.7 else float(rng.uniform(0.05, 0.25)))
        for x in np.linspace(low, high, 4)[1:-1]:
            hung = (float(x), FRONT + 0.35, 2.22 + float(rng.uniform(-0.06, 0.06)))
            globes += [meshes.sphere(0.075, 18).moved(hung)]
        middle = ((low + high) / 2, FRONT + 0.3, 2.45)
        materials.panel(
            "shop light", middle, (middle[0], FRONT + 0.6, 0.0), (high - low, 0.3), (1.0, 0.74, 0.45), 55.0
        )
    meshes.add("shop shelves", shelves, surfaces.wood("shelf wood", (0.20, 0.11, 0.05), worn=0.0))
    for index, group in enumerate(groups):
        tint = rng.uniform(0.05, 0.6, 3)
        colour = (float(tint[0]), float(0.8 * tint[1]), float(0.6 * tint[2]))
        if group:
            meshes.add(f"goods {index}", group, surfaces.plain(f"goods {index}", colour, 0.5))
    glow = materials.emission("globes", (1.0, 0.78, 0.48), 4.0)
    materials.seen_only(meshes.add("globes", globes, glow, smooth=True))
    gold = surfaces.metal("gold leaf", (0.78, 0.56, 0.22), 0.3)
    word = str(rng.choice(("BOOKS & PRINTS", "PAPER & INK", "MAPS & LETTERS")))
    for (low, high, kind), text in zip(bays, ("STATIONER", word, "", "PAPERS"), strict=True):
        if kind == "window":
            shape = printing.set_type(text, 0.26, weight=0.01)
            wide, tall = printing.extent(shape)
            scale = min(1.0, 0.85 * (high - low) / wide)
            upright = meshes.rotation(x=math.pi / 2)
            place = (-wide * scale / 2, FRONT - 0.045, 1.75 + tall * scale / 2)
            letters = meshes.add("window letters", shape.moved(place, upright, scale), gold)
            letters.location.x = (low + high) / 2


def _awning(rng: np.random.Generator, paint: Colour) -> None:
    """Striped cloth with a scalloped edge over the windows."""
    left, right, wall, edge = -5.8, 2.7, FRONT - 0.08, FRONT - 1.35
    pitch = 0.26
    stripes: list[list[Shape]] = [[], []]
    t = np.linspace(0.0, 1.0, 9)
    for index, x in enumerate(np.arange(left, right, pitch)):
        cloth = meshes.quad((x, edge, 2.42), (pitch, 0, 0), (0.0, wall - edge, 0.62))
        drop = 2.42 - 0.14 - 0.07 * np.sin(math.pi * t)
        rows = np.stack([np.full(9, 2.42), drop])
        valance = meshes.grid(np.stack([x + pitch * t] * 2), np.full((2, 9), edge), rows)
        stripes[index % 2] += [cloth, valance]
    white = surfaces.plain("awning white", (0.62, 0.59, 0.52), 0.9)
    for group, cloth in zip(
        stripes, (surfaces.plain("awning colour", times(paint, 2.2), 0.9), white), strict=True
    ):
        meshes.add("awning", group, cloth)
    arms = [
        meshes.tube(np.array([(x, wall, 2.35), (x, edge, 2.42)]), 0.014, 6)
        for x in np.arange(left, right, 2.1)
    ]
    meshes.add("awning arms", arms, surfaces.plain("awning iron", (0.03, 0.03, 0.03), 0.5))


def _street(rng: np.random.Generator) -> None:
    """Houses on both sides of a street that leads away at the right, trees, a far hill."""
    windows, trim = [], []
    for side, x0, x1 in ((0, -4.0, CORNER), (1, 10.5, 18.0)):
        y = FRONT + 6.0 if side == 0 else 6.0
        number = 0
        while y < 75.0:
            deep, high = float(rng.uniform(6.0, 10.0)), float(rng.uniform(8.0, 13.0))
            tone = rng.uniform(0.85, 1.15)
            colour = ((0.36, 0.28, 0.19), (0.30, 0.15, 0.10), (0.38, 0.35, 0.30), (0.30, 0.30, 0.27))[
                int(rng.integers(4))
            ]
            house = meshes.box((x0, y, 0.0), (x1, y + deep, high))
            meshes.add("house", house, _brick(f"house {side}{number}", times(colour, float(tone)), 4.0, "YZ"))
            face = x1 + 0.02 if side == 0 else x0 - 0.02
            for wy in np.arange(y + 0.9, y + deep - 1.0, 1.9):
                for z in np.arange(0.9, high - 1.5, 2.7):
                    windows.append(meshes.quad((face, wy, z), (0, 1.0, 0), (0, 0, 1.6)))
                    trim.append(meshes.box((face - 0.06, wy - 0.08, z - 0.1), (face + 0.06, wy + 1.08, z)))
                    trim.append(
                        meshes.box((face - 0.05, wy - 0.05, z + 1.6), (face + 0.05, wy + 1.05, z + 1.72))
                    )
            y, number = y + deep, number + 1
    shader = Shader("far panes")
    pane = shader.principled((0.05, 0.06, 0.075), 0.1)
    meshes.add("far windows", windows, surfaces.hazy(shader, pane, AIR, HAZE))
    shader = Shader("far trim")
    meshes.add("far trim", trim, surfaces.hazy(shader, shader.principled((0.52, 0.49, 0.43), 0.7), AIR, HAZE))
    _trees(rng)


def _trees(rng: np.random.Generator) -> None:
    """Street trees."""
    wood, leaves = [], []
    for y, x in ((13.5, 4.6), (19.5, 9.0), (26.0, 4.7), (36.0, 8.9), (48.0, 4.8), (62.0, 8.6)):
        habit = plants.Habit(levels=2, leaves=3, sides=6)
        lean = (float(rng.normal(0, 0.03)), float(rng.normal(0, 0.03)))
        grown = plants.tree(rng, (x, y, 0.0), 4.6, 0.13, lean, habit)
        wood += grown.wood
        leaves.append(grown.leaves(rng, plants.leaf(2, 3, 0.42), (0.22, 0.38)))
    shader = Shader("street bark")
    meshes.add(
        "street trunks",
        wood,
        surfaces.hazy(shader, shader.principled((0.10, 0.085, 0.065), 0.9), AIR, HAZE),
        smooth=True,
    )
    shader = Shader("street leaves")
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    colour = shader.ramp(
        island, [(0.0, (0.06, 0.15, 0.02)), (0.5, (0.12, 0.22, 0.03)), (1.0, (0.26, 0.26, 0.04))]
    )
    through = shader.node("BsdfTranslucent", {"Color": colour}).outputs[0]
    surface = shader.node("MixShader", {0: 0.4, 1: shader.principled(colour, 0.5), 2: through}).outputs[0]
    meshes.add("street leaves", leaves, surfaces.hazy(shader, surface, AIR, HAZE), smooth=True)
