"""What stands around a sports ground: a screened far fence, hedge, trees, houses, floodlights, hills."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import plants
from bokehbench.blender.scripts.scenes.chain_link import leaf_colour

Colour = tuple[float, float, float]
Place = Callable[[Shape], Shape]
"""From a ground's own frame to the world."""
SUMMER: tuple[Colour, ...] = ((0.035, 0.10, 0.016), (0.07, 0.16, 0.024), (0.12, 0.20, 0.030))
AUTUMN: tuple[Colour, ...] = ((0.34, 0.17, 0.022), (0.42, 0.25, 0.03), (0.36, 0.075, 0.014))


def point(place: Place, x: float, y: float, z: float = 0.0) -> Array:
    """Where a point of a ground's frame lies in the world."""
    return np.asarray(place(Shape(np.array([(x, y, z)]), np.zeros((0, 3), np.int64))).vertices[0])


def lawn(shift: float) -> None:
    """Grass all round, to the horizon."""
    shader = materials.Shader("lawn")
    raw = shader.node("TexCoord").outputs["Object"]
    place = shader.node("Mapping", {"Vector": raw, "Location": (shift, 0.0, 0.0)}).outputs["Vector"]
    blades = shader.noise(60.0, 3.0, place)
    patches = shader.noise(0.25, 6.0, place)
    tint = shader.ramp(
        patches, [(0.3, (0.045, 0.10, 0.018)), (0.55, (0.085, 0.15, 0.028)), (0.75, (0.17, 0.18, 0.05))]
    )
    mown = shader.mix(shader.math("MULTIPLY", blades, 0.6), tint, (0.03, 0.06, 0.012))
    grass = shader.done(shader.principled(mown, 0.9, Normal=shader.bump(blades, 0.8, 0.03)))
    meshes.add("lawn", meshes.quad((-400, -60, -0.02), (800, 0, 0), (0, 700, 0)), grass)


def trees(rng: np.random.Generator, start: float, autumn: float) -> int:
    """Three kinds of tree, shown many times beyond y = `start`; how many."""
    spots: list[tuple[float, float]] = []
    while len(spots) < 46:
        y = float(start * 3.3 ** rng.random())
        x = float(rng.uniform(-0.66, 0.66)) * y
        if all(math.hypot(x - a, y - b) > 3.4 for a, b in spots):
            spots.append((x, y))
    bark = materials.plain("bark", (0.10, 0.075, 0.055), 0.9)
    kinds = rng.random(len(spots)) < autumn
    order = rng.integers(0, 2, len(spots))
    for kind in range(2):
        habit = plants.Habit(levels=3, leaves=3, sides=7, bare=0.22, spread=(0.75, 1.0)[kind])
        grown = plants.tree(rng, (0.0, 0.0, 0.0), (5.2, 4.2)[kind], 0.19, (0.03, 0.0), habit)
        crown = grown.leaves(rng, plants.leaf(2, 3, 0.44), (0.26, 0.46))
        for season, colours in ((False, SUMMER), (True, AUTUMN)):
            chosen = np.nonzero((order == kind) & (kinds == season))[0]
            if not len(chosen):
                continue
            at = np.array([(*spots[i], -0.1) for i in chosen])
            turns = np.array([meshes.rotation(z=a) for a in rng.uniform(0.0, 6.3, len(chosen))])
            sizes = rng.uniform(0.85, 1.5, len(chosen))
            wood = meshes.add("trunks", grown.wood, bark, smooth=True)
            meshes.scatter(wood, at, turns, sizes)
            leaves = meshes.add(
                "crowns", crown, leaf_colour(f"crown {kind} {season}", colours, 0.42), smooth=True
            )
            meshes.scatter(leaves, at, turns, sizes)
    return len(spots)


def far_fence(place: Place, ends: tuple[float, float], y: float) -> None:
    """Posts and rails with a windscreen between two x of the ground's frame.

    No mesh above the cloth: from here its wires would be far thinner than a pixel.
    """
    low, high = ends
    u, v = np.meshgrid(np.linspace(low, high, 200), np.linspace(0.05, 2.3, 8))
    belly = 0.10 * np.abs(np.sin((u - low) * math.pi / 3.4)) * np.sin(v / 2.3 * math.pi)
    shader = materials.Shader("windscreen")
    green = shader.mix(shader.noise(3.0, 5.0), (0.018, 0.065, 0.040), (0.035, 0.105, 0.062))
    screen = place(meshes.grid(u, y - belly + 0.02 * np.sin(7.0 * u), v))
    meshes.add("windscreen", screen, shader.done(shader.principled(green, 0.8)), smooth=True)
    post = meshes.lathe([(0.04, 0.0), (0.04, 3.0), (0.0, 3.03)], 10)
    steel = [post.moved((x, y + 0.08, 0.0)) for x in np.arange(low, high + 0.1, 3.4)]
    rails = [np.array([(low, y + 0.08, z), (high, y + 0.08, z)]) for z in (2.34, 3.0)]
    steel += [meshes.tube(rail, 0.025, 8) for rail in rails]
    dark = materials.plain("far steel", (0.10, 0.12, 0.11), 0.5, Metallic=0.4)
    meshes.add("far fence", [place(part) for part in steel], dark, smooth=True)


def hedge(rng: np.random.Generator, place: Place, ends: tuple[float, float], y: float) -> None:
    """A clipped hedge, a dark core under leaves, between two x of the ground's frame."""
    low, high, top = *ends, 2.3
    core = meshes.box((low, y - 0.35, 0.0), (high, y + 0.35, top - 0.06))
    meshes.add("hedge core", place(core), materials.plain("hedge core", (0.012, 0.022, 0.006), 1.0))
    count = int((high - low) * 90)
    where = rng.uniform((low, y - 0.42, 1.4), (high, y - 0.34, top), (count, 3))
    crest = count // 3
    where[:crest, 1:] = rng.uniform((y - 0.4, top - 0.08), (y + 0.4, top + 0.05), (crest, 2))
    turns = meshes.facing(np.add(rng.normal(size=(count, 3)), (0, -0.8, 0.3)), rng.uniform(0, 6, count))
    leaves = plants.leaf(2, 3, 0.4).copies(where, turns, rng.uniform(0.09, 0.17, count))
    meshes.add("hedge", place(leaves), leaf_colour("hedge leaf", SUMMER, 0.3), smooth=True)


def houses(rng: np.random.Generator, start: float) -> None:
    """A row of gabled houses beyond y = `start`."""
    walls: tuple[Colour, ...] = (
        (0.62, 0.56, 0.46),
        (0.50, 0.30, 0.22),
        (0.66, 0.62, 0.56),
        (0.56, 0.46, 0.34),
    )
    x = -0.7 * start
    while x < 0.7 * start:
        wide, deep, tall = float(rng.uniform(8.0, 11.0)), 9.0, float(rng.uniform(4.8, 6.0))
        y, turn = float(rng.uniform(start, start + 12.0)), float(rng.normal(0.0, 0.16))
        if rng.random() < 0.8:
            _house(
                rng, (x + wide / 2, y, 0.0), (wide, deep, tall), turn, walls[int(rng.integers(len(walls)))]
            )
        x += wide + float(rng.uniform(3.0, 9.0))


def _house(
    rng: np.random.Generator, at: Any, size: tuple[float, float, float], turn: float, colour: Colour
) -> None:
    wide, deep, tall = size
    move = meshes.rotation(z=turn)

    def put(name: str, shapes: Any, material: Any) -> None:
        meshes.add(name, meshes.join(shapes).moved(at, move), material)

    shader = materials.Shader("render")
    stain = shader.noise(0.6, 6.0)
    tint = shader.mix(stain, tuple(0.7 * c for c in colour), colour)
    w, d, rise = wide / 2, deep / 2, float(rng.uniform(2.6, 3.6))
    gable = Shape(
        np.array([(s, y, z) for s in (-w, w) for y, z in ((-d, tall), (d, tall), (0.0, tall + rise))]),
        np.array([[0, 1, 2], [5, 4, 3]]),
    )
    put("house", [meshes.box((-w, -d, 0.0), (w, d, tall)), gable], shader.done(shader.principled(tint, 0.9)))
    shader = materials.Shader("tiles")
    rows = shader.node(
        "TexBrick",
        {
            "Vector": shader.coordinates(),
            "Scale": 1.0,
            "Mortar Size": 0.03,
            "Brick Width": 0.5,
            "Row Height": 0.3,
            "Color1": (0.16, 0.055, 0.032),
            "Color2": (0.26, 0.095, 0.055),
            "Mortar": (0.06, 0.025, 0.02),
        },
    )
    over = 0.45
    roof = [
        meshes.quad(
            (-w - over, s * (d + over), tall - rise * over / d),
            (2 * (w + over), 0, 0),
            (0, -s * (d + over), rise * (1 + over / d) + 0.05),
        )
        for s in (-1.0, 1.0)
    ]
    put("roof", roof, shader.done(shader.principled(rows.outputs["Color"], 0.85)))
    frames, panes = [], []
    for z in (1.0, 3.4):
        for x in np.linspace(-w + 1.4, w - 1.4, 4):
            if z + 1.4 < tall and rng.random() < 0.9:
                frames.append(meshes.box((x - 0.58, -d - 0.05, z - 0.08), (x + 0.58, -d, z + 1.38)))
                panes += [
                    meshes.box((x - 0.5, -d - 0.07, z), (x - 0.03, -d - 0.03, z + 1.3)),
                    meshes.box((x + 0.03, -d - 0.07, z), (x + 0.5, -d - 0.03, z + 1.3)),
                ]
    if frames:
        put("window frames", frames, materials.plain("frame", (0.62, 0.61, 0.58), 0.5))
        put("panes", panes, materials.plain("pane", (0.03, 0.04, 0.05), 0.08, Specular_IOR_Level=0.8))
    chimney = [meshes.box((w * 0.4, -0.4, tall + rise * 0.5), (w * 0.4 + 0.8, 0.4, tall + rise + 0.9))]
    put("chimney", chimney, materials.plain("chimney", (0.22, 0.10, 0.07), 0.9))


def floodlight(place: Place, at: tuple[float, float]) -> None:
    """A mast with a rack of lamps."""
    mast = [(0.09, 0.0), (0.09, 1.0), (0.06, 1.05), (0.045, 7.2)]
    parts = [meshes.lathe(mast, 14), meshes.box((-0.9, -0.03, 7.1), (0.9, 0.03, 7.16))]
    for x in (-0.7, 0.0, 0.7):
        head = meshes.lathe([(0.06, 0.14), (0.14, 0.08), (0.22, -0.10), (0.21, -0.11), (0.0, -0.06)], 18)
        parts.append(head.moved((x, -0.12, 7.32), meshes.rotation(x=-0.7)))
    grey = materials.plain("mast", (0.26, 0.28, 0.28), 0.5, Metallic=0.4)
    meshes.add("floodlight", place(meshes.join(parts).moved((*at, 0.0))), grey, smooth=True)
