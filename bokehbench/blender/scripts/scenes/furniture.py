"""Furniture and plants of a hall: a grand piano, a round table, palms, sconces, pendant lamps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import bouquet, finishes, glassware, mirrors, plants

PIANO = (
    (0.74, 0.0),
    (0.74, 0.42),
    (0.70, 0.74),
    (0.52, 1.00),
    (0.34, 1.22),
    (0.20, 1.50),
    (0.06, 1.72),
    (-0.18, 1.85),
    (-0.46, 1.86),
    (-0.66, 1.76),
    (-0.74, 1.58),
    (-0.74, 0.0),
)
"""Outline of a grand piano seen from above, metres; the keys are at its y = 0."""
Placed = tuple[Sequence[float], float]
"""A place (x, y, z) and a heading about the vertical."""


def slab(outline: Array, low: float, high: float) -> list[Shape]:
    """A flat body: an outline [N, 2] raised from `low` to `high`; its two faces and its edge."""
    closed = np.concatenate([outline, outline[:1]])
    edge = meshes.grid(
        np.stack([closed[:, 0]] * 2),
        np.stack([closed[:, 1]] * 2),
        np.stack([np.full(len(closed), low), np.full(len(closed), high)]),
    )
    middle = outline.mean(axis=0)
    index = np.arange(len(outline))
    fan = np.stack([index, np.roll(index, -1), np.full(len(outline), len(outline))], axis=1)
    points = np.concatenate([outline, middle[None]])
    caps = [Shape(np.column_stack([points, np.full(len(points), z)]), fan) for z in (low, high)]
    return [edge, *caps]


def piano(where: Placed, lid: float = 0.62) -> None:
    """A grand piano with its lid raised by `lid` radians, and a bench."""
    place, heading = where
    turn = meshes.rotation(z=heading)

    def put(name: str, shapes: list[Shape], material: Any, smooth: bool = False) -> None:
        meshes.add(name, [shape.moved(place, turn) for shape in shapes], material, smooth=smooth)

    straight, bent = PIANO[-2:], PIANO[:-1]
    outline = np.concatenate([glassware.curve(bent, 48), np.array(straight[-1:])])
    inner = 0.955 * (outline - (0.0, 0.9)) + (0.0, 0.9)
    inner[:, 1] = np.maximum(inner[:, 1], 0.30)
    rim = slab(outline, 0.70, 0.99)[:2]  # the edge and the bottom; inside lie the plate and the strings
    wall = slab(inner, 0.90, 0.99)[:1]
    outer_x, outer_y = np.concatenate([outline, outline[:1]]).T
    inner_x, inner_y = np.concatenate([inner, inner[:1]]).T
    level = np.full((2, len(outer_x)), 0.99)
    lip = meshes.grid(np.stack([outer_x, inner_x]), np.stack([outer_y, inner_y]), level)
    keybed = [
        meshes.box((-0.74, -0.16, 0.70), (0.74, 0.05, 0.745)),
        meshes.box((-0.74, 0.16, 0.745), (0.74, 0.31, 0.99)),
    ]
    keybed += [
        meshes.box((s * 0.74 - 0.035, -0.16, 0.745), (s * 0.74 + 0.035, 0.2, 0.99)) for s in (-0.95, 0.95)
    ]
    hinge = np.array((-0.74, 0.0, 0.995))
    cover = np.column_stack([outline[:, 0] + 0.74, outline[:, 1]])
    cover[:, 1] = np.maximum(cover[:, 1], 0.32)
    raised = [s.moved(hinge, meshes.rotation(y=-lid)) for s in slab(cover, 0.0, 0.018)]
    flap = [meshes.box((-0.74, 0.33, 0.995), (0.74, 0.60, 1.012)).moved((0, 0, 0.02))]
    desk = meshes.box((-0.36, 0.0, 0.0), (0.36, 0.016, 0.24)).moved((0, 0.27, 1.0), meshes.rotation(x=-0.3))
    prop = meshes.tube(
        np.linspace((0.62, 0.75, 0.98), (0.42, 0.75, 0.98 + 1.16 * math.tan(lid)), 3), 0.009, 8
    )
    leg = [
        (0.0, 0.0),
        (0.02, 0.0),
        (0.026, 0.03),
        (0.03, 0.06),
        (0.03, 0.10),
        (0.045, 0.16),
        (0.055, 0.60),
        (0.065, 0.71),
    ]
    legs = [meshes.lathe(leg, 18).moved((x, y, 0.0)) for x, y in ((-0.60, 0.16), (0.60, 0.16), (-0.32, 1.60))]
    lyre = [meshes.box((x - 0.012, 0.35, 0.14), (x + 0.012, 0.38, 0.7)) for x in (-0.09, 0.09)]
    lyre.append(meshes.box((-0.14, 0.3, 0.10), (0.14, 0.42, 0.15)))
    black = finishes.lacquer("lacquer", (0.010, 0.010, 0.011))
    put("piano", [*rim, *wall, lip, *keybed, *raised, *flap[1:], desk, *lyre], black)
    put("piano legs", [*legs, prop], black, True)
    plate = inner * (1.0, 1.0)
    fan = slab(plate, 0.90, 0.905)[2:]
    put("piano plate", fan, finishes.metal("piano gold", (0.72, 0.48, 0.18), 0.35))
    ivory = materials.plain("ivory", (0.72, 0.68, 0.58), 0.25)
    white = [meshes.box((x, -0.13, 0.745), (x + 0.0222, 0.02, 0.765)) for x in np.arange(-0.60, 0.59, 0.0235)]
    put("white keys", white, ivory)
    sharps = [i for i in range(51) if i % 7 in (0, 1, 3, 4, 5)]
    put(
        "black keys",
        [
            meshes.box((x - 0.006, -0.08, 0.76), (x + 0.006, 0.02, 0.777))
            for x in (-0.5765 + 0.0235 * i for i in sharps)
        ],
        black,
    )
    sheet = meshes.box((-0.16, -0.004, 0.02), (0.16, -0.001, 0.23)).moved(
        (0, 0.27, 1.0), meshes.rotation(x=-0.3)
    )
    put("score", [sheet], finishes.print_on_paper("score"))
    seat = slab(mirrors.rectangle(0.72, 0.34) - (0.0, 0.17), 0.44, 0.50)
    bench = [s.moved((0.0, -0.62, 0.0)) for s in seat]
    put("bench", bench, finishes.leather("bench leather", (0.045, 0.012, 0.010)))
    put(
        "bench legs",
        [
            meshes.box((x - 0.02, y - 0.02, 0), (x + 0.02, y + 0.02, 0.44))
            for x in (-0.32, 0.32)
            for y in (-0.75, -0.49)
        ],
        black,
    )


def palm(rng: np.random.Generator, places: Sequence[tuple[float, float]], size: float) -> None:
    """Palms in glazed pots at (x, y)."""
    pots, soil, leaves, stems = [], [], [], []
    pot = [
        (0.0, 0.0),
        (0.15, 0.0),
        (0.16, 0.015),
        (0.20, 0.16),
        (0.215, 0.30),
        (0.20, 0.37),
        (0.215, 0.395),
        (0.20, 0.40),
        (0.185, 0.37),
    ]
    for x, y in places:
        pots.append(meshes.lathe(pot, 40).moved((x, y, 0)))
        soil.append(meshes.lathe([(0.192, 0.36), (0.0, 0.375)], 24).moved((x, y, 0)))
        for tier, share in enumerate((1.0, 0.72)):
            foot = np.array((x, y, 0.37 + 0.02 * tier))
            frond, stem = plants.fern(rng, foot, size * share * float(rng.uniform(0.9, 1.08)))
            leaves.append(frond)
            stems.append(stem)
    meshes.add("palm pots", pots, finishes.glazed("palm pot", (0.12, 0.20, 0.24)), smooth=True)
    meshes.add("palm soil", soil, materials.plain("palm soil", (0.02, 0.014, 0.01), 1.0))
    green = finishes.foliage("palm", ((0.018, 0.06, 0.014), (0.04, 0.10, 0.02), (0.08, 0.15, 0.03)))
    meshes.add("palm leaves", leaves, green, smooth=True)
    meshes.add("palm stems", stems, materials.plain("palm stem", (0.07, 0.10, 0.03), 0.5), smooth=True)


def round_table(
    rng: np.random.Generator,
    place: tuple[float, float],
    flowers: materials.Colour,
    hanging: mirrors.Hanging,
    turn: float,
) -> None:
    """A marble table with flowers, a small mirror, books, a cup: what is nearest to the camera."""
    x, y = place
    high = 0.80

    top = [
        (0.0, high - 0.022),
        (0.33, high - 0.022),
        (0.345, high - 0.014),
        (0.345, high - 0.006),
        (0.338, high),
        (0.0, high),
    ]
    meshes.add(
        "table marble",
        meshes.lathe(top, 64).moved((x, y, 0)),
        finishes.stone_slab("table marble", (0.50, 0.47, 0.43)),
        smooth=False,
    )
    foot = [
        (0.0, 0.0),
        (0.21, 0.0),
        (0.21, 0.02),
        (0.06, 0.05),
        (0.028, 0.12),
        (0.04, 0.3),
        (0.026, 0.36),
        (0.024, 0.6),
        (0.11, 0.76),
        (0.3, 0.777),
        (0.0, 0.7775),
    ]
    brass = finishes.metal("table brass", (0.62, 0.41, 0.17), 0.25)
    meshes.add("table foot", meshes.lathe(foot, 32).moved((x, y, 0)), brass, smooth=True)
    dim = tuple(0.7 * c for c in flowers)
    looks = {
        "vase": finishes.glazed("vase", (0.10, 0.16, 0.26), 0.1),
        "stem": materials.plain("flower stem", (0.06, 0.10, 0.03), 0.6),
        "petal": finishes.foliage("flower petal", (dim, flowers)),
        "leaf": finishes.foliage("flower leaf", ((0.03, 0.07, 0.02), (0.07, 0.13, 0.04))),
    }
    for name, shape in bouquet.bunch(rng, 26).items():
        meshes.add(
            f"flowers {name}", shape.moved((x - 0.155, y + 0.04, high), None, 1.3), looks[name], smooth=True
        )
    hanging.vanity((x + 0.14, y + 0.10, high), turn, 0.16)
    z = high
    for index in range(3):
        half = np.array((0.105, 0.075)) * float(rng.uniform(0.85, 1.05))
        thick = float(rng.uniform(0.018, 0.034))
        spin = meshes.rotation(z=0.5 + float(rng.normal(0, 0.25)))
        at = (x + 0.02, y - 0.17, z)
        colour = ((0.20, 0.035, 0.03), (0.04, 0.09, 0.12), (0.30, 0.22, 0.10))[index]
        boards = [
            meshes.box((-half[0], -half[1], h), (half[0], half[1], h + 0.003)) for h in (0.0, thick - 0.003)
        ]
        boards.append(meshes.box((-half[0], -half[1], 0.0), (-half[0] + 0.003, half[1], thick)))
        meshes.add("book", [b.moved(at, spin) for b in boards], finishes.leather(f"book {index}", colour))
        block = meshes.box(
            (-half[0] + 0.003, -half[1] + 0.004, 0.003), (half[0] - 0.004, half[1] - 0.004, thick - 0.003)
        )
        meshes.add("pages", block.moved(at, spin), finishes.linen("pages", (0.58, 0.52, 0.40)))
        z += thick
    cup = [
        (0.0, 0.0),
        (0.022, 0.0),
        (0.026, 0.006),
        (0.037, 0.04),
        (0.041, 0.056),
        (0.039, 0.056),
        (0.034, 0.03),
        (0.0, 0.012),
    ]
    saucer = [(0.0, 0.0), (0.04, 0.0), (0.07, 0.012), (0.07, 0.014), (0.035, 0.006), (0.0, 0.006)]
    parts = [meshes.lathe(saucer, 40), meshes.lathe(cup, 40).moved((0, 0, 0.006))]
    china = finishes.glazed("china", (0.66, 0.63, 0.58), 0.02)
    meshes.add("cup", [p.moved((x - 0.20, y - 0.12, high)) for p in parts], china, smooth=True)


def sconces(places: Sequence[Placed]) -> None:
    """Brass brackets with two frosted globes each, lit."""
    brass, globes = [], []
    for place, heading in places:
        turn = meshes.rotation(z=heading)
        parts = [
            meshes.lathe([(0.0, 0.0), (0.055, 0.0), (0.05, 0.012), (0.0, 0.02)], 24).moved(
                (0, 0, 0), meshes.rotation(x=math.pi / 2)
            )
        ]
        for side in (-1.0, 1.0):
            t = np.linspace(0, 1, 12)
            arm = np.stack(
                [
                    side * 0.13 * t,
                    -0.12 * np.sin(0.5 * math.pi * t) - 0.01,
                    -0.06 * np.sin(math.pi * t) + 0.03 * t,
                ],
                axis=1,
            )
            parts.append(meshes.tube(arm, 0.008, 8))
            parts.append(
                meshes.lathe([(0.0, 0.02), (0.035, 0.025), (0.03, 0.04), (0.0, 0.045)], 18).moved(
                    (side * 0.13, -0.13, 0.0)
                )
            )
            globes.append(meshes.sphere(0.06, 20).moved((side * 0.13, -0.13, 0.10)).moved(place, turn))
        brass += [part.moved(place, turn) for part in parts]
    meshes.add("sconces", brass, finishes.metal("sconce brass", (0.66, 0.44, 0.18), 0.22), smooth=True)
    glow = materials.emission("sconce globe", (1.0, 0.70, 0.38), 2.6)
    materials.seen_only(meshes.add("sconce globes", globes, glow, smooth=True))


def pendants(places: Sequence[tuple[float, float, float]], ceiling: float) -> None:
    """Opal globes on brass rods at (x, y, z)."""
    brass, globes = [], []
    for x, y, z in places:
        globes.append(meshes.sphere(0.17, 32).moved((x, y, z)))
        brass.append(meshes.tube(np.linspace((x, y, z + 0.17), (x, y, ceiling), 3), 0.009, 8))
        brass.append(
            meshes.lathe([(0.075, 0.13), (0.07, 0.17), (0.03, 0.2), (0.0, 0.21)], 24).moved((x, y, z))
        )
        brass.append(meshes.lathe([(0.09, 0.0), (0.05, -0.05), (0.0, -0.06)], 24).moved((x, y, ceiling)))

    meshes.add("pendant brass", brass, finishes.metal("pendant brass", (0.66, 0.44, 0.18), 0.22), smooth=True)
    opal = materials.emission("opal", (1.0, 0.74, 0.44), 2.2)
    materials.seen_only(meshes.add("opal globes", globes, opal, smooth=True))
