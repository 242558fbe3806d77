"""A bar hut: a counter with stools, lit shelves of bottles behind it, lamps, a glowing sign.

Made around the middle of the counter's front, guests on its -y side, then turned and placed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Shape
from bokehbench.blender.scripts.scenes import finishes, glassware, tableware

HALF, DEEP, HIGH = 2.1, 1.7, 2.55
"""Half the width, depth and height, metres."""
SHELVES = (1.12, 1.52, 1.92)
WARM = (1.0, 0.60, 0.27)
# what is left of white light after one wall; it is seen through two
BOTTLE_COLOURS = (
    (0.34, 0.58, 0.27),
    (0.82, 0.44, 0.12),
    (0.88, 0.93, 0.90),
    (0.13, 0.24, 0.09),
    (0.66, 0.15, 0.06),
    (0.56, 0.74, 0.80),
    (0.90, 0.72, 0.38),
)
LABEL_RADII = (0.0385, 0.0425, 0.0435, 0.0575, 0.0335)
NECKS = (0.30, 0.30, 0.255, 0.215, 0.345)
"""By kind of bottle: radius of its label and height of its mouth."""
Put = Callable[..., Any]
At = Callable[[float, float, float], tuple[float, float, float]]


def build(
    rng: np.random.Generator, place: tuple[float, float], heading: float, sign: str, paint: materials.Colour
) -> int:
    """Put up the bar; how many bottles it has."""
    turn, origin = meshes.rotation(z=heading), np.array((*place, 0.0))

    def put(name: str, shapes: list[Shape], material: Any, smooth: bool = False) -> Any:
        placed = [shape.moved(origin, turn) for shape in shapes]
        return meshes.add(name, placed, material, smooth=smooth)

    def at(x: float, y: float, z: float) -> tuple[float, float, float]:
        x, y, z = np.array((x, y, z)) @ turn.T + origin
        return float(x), float(y), float(z)

    oak = finishes.wood("bar top", (0.20, 0.115, 0.055), 0.3, 0.5, 0)
    _hut(put, oak, paint)
    _shelves(put, oak)
    bottles = _bottles(rng, put)
    _lamps(put, at)
    _on_the_counter(rng, put, at)
    _stools(rng, put, oak)
    red = materials.emission("sign", (1.0, 0.30, 0.10), 4.0)
    look = {"bevel_depth": 0.006, "extrude": 0.004, "offset": -0.004}
    upright = (math.pi / 2, 0.0, heading)
    materials.seen_only(
        meshes.text(
            "sign",
            sign,
            red,
            size=0.27,
            place=at(-math.copysign(0.4, place[0]), -0.235, HIGH - 0.27),
            turn=upright,
            **look,
        )
    )
    return bottles


def _hut(put: Put, oak: Any, paint: materials.Colour) -> None:
    painted = finishes.wood("bar front", paint, 0.5, 0.0, 2)
    boards = [
        meshes.box((x, -0.02, 0.0), (x + 0.132, 0.02, 1.04)) for x in np.arange(-HALF, HALF - 0.01, 0.14)
    ]
    put("bar front", boards, painted)
    put("bar top", [meshes.box((-HALF - 0.08, -0.16, 1.04), (HALF + 0.08, 0.42, 1.085))], oak)
    timber = [meshes.box((x - 0.06, -0.05, 0.0), (x + 0.06, 0.07, HIGH)) for x in (-HALF, HALF)]
    timber.append(meshes.box((-HALF - 0.2, -0.22, HIGH - 0.36), (HALF + 0.2, -0.16, HIGH)))
    timber.append(meshes.box((-HALF - 0.25, -0.3, HIGH), (HALF + 0.25, DEEP + 0.2, HIGH + 0.07)))
    put("bar timber", timber, painted)
    walls = [meshes.box((-HALF, DEEP, 0), (HALF, DEEP + 0.1, HIGH))]
    walls += [meshes.box((x - 0.04, 0.1, 0), (x + 0.04, DEEP, HIGH)) for x in (-HALF, HALF)]
    put("bar walls", walls, finishes.plaster("bar wall", (0.42, 0.31, 0.21)))
    put(
        "foot rail",
        [meshes.tube(np.linspace((-HALF, -0.22, 0.2), (HALF, -0.22, 0.2), 3), 0.022, 14)],
        finishes.metal("rail brass", (0.66, 0.42, 0.16), 0.25),
        True,
    )


def _shelves(put: Put, oak: Any) -> None:
    """Boards before a wall that is lit from behind, brightest above each board."""
    shader = materials.Shader("shelf light")
    height = shader.node("SeparateXYZ", {0: shader.node("TexCoord").outputs["Object"]}).outputs["Z"]
    step = shader.math("FRACT", shader.math("MULTIPLY", shader.math("SUBTRACT", height, SHELVES[0]), 2.5))
    fade = [(0.0, (1.0, 0.60, 0.24)), (0.35, (0.55, 0.26, 0.08)), (1.0, (0.16, 0.062, 0.018))]
    patchy = shader.math("ADD", 0.75, shader.math("MULTIPLY", shader.noise(1.6, 2.0), 0.9))
    glow = shader.node("Emission", {"Color": shader.ramp(step, fade), "Strength": patchy}).outputs[0]
    lit = shader.done(glow)
    lit.cycles.emission_sampling = "NONE"
    back = meshes.quad((-HALF + 0.25, DEEP - 0.02, SHELVES[0]), (2 * HALF - 0.5, 0, 0), (0, 0, 1.2))
    materials.seen_only(put("shelf light", [back], lit))
    y = (DEEP - 0.24, DEEP - 0.01)
    boards = [meshes.box((-HALF + 0.2, y[0], z - 0.03), (HALF - 0.2, y[1], z)) for z in SHELVES]
    boards += [
        meshes.box((x - 0.015, y[0], SHELVES[0]), (x + 0.015, y[1], 2.3))
        for x in (-HALF + 0.2, -0.6, 0.6, HALF - 0.2)
    ]
    put("shelves", boards, oak)


def _bottles(rng: np.random.Generator, put: Put) -> int:
    """Rows of bottles, like beside like, with a gap here and there."""
    groups: list[list[Shape]] = [[] for _ in BOTTLE_COLOURS]
    labels: list[Shape] = []
    caps: list[Shape] = []
    cap = meshes.lathe([(0.0175, -0.03), (0.0175, 0.018), (0.0, 0.019)], 10)
    kinds = [glassware.bottle(kind, 14, 15) for kind in range(len(NECKS))]
    for z in SHELVES:
        x = -HALF + 0.3
        while x < HALF - 0.3:
            kind, tint = int(rng.integers(len(kinds))), int(rng.integers(len(groups)))
            size = float(rng.uniform(0.88, 1.04))
            for _ in range(int(rng.integers(1, 4))):
                place = (x, DEEP - 0.13 + float(rng.uniform(-0.035, 0.035)), z)
                x += float(rng.uniform(0.092, 0.13))
                if place[0] > HALF - 0.3 or min(abs(place[0] + 0.6), abs(place[0] - 0.6)) < 0.065:
                    continue
                groups[tint].append(kinds[kind].moved(place, scale=size))
                paper = glassware.label(LABEL_RADII[kind], 0.05, 0.11, float(rng.normal(0, 0.3)), 7)
                labels.append(paper.moved(place, scale=size))
                caps.append(cap.moved((*place[:2], z + size * NECKS[kind]), scale=size))
            x += float(rng.choice((0.0, 0.03, 0.12)))
    for index, group in enumerate(groups):
        if group:
            put(f"bottles {index}", group, finishes.glass(f"bottle {index}", BOTTLE_COLOURS[index]), True)
    put("bar labels", labels, finishes.print_on_paper("bar labels"))
    put("bar caps", caps, materials.plain("bar caps", (0.05, 0.014, 0.012), 0.35, Coat_Weight=0.4), True)
    return sum(map(len, groups))


def _on_the_counter(rng: np.random.Generator, put: Put, at: At) -> None:
    """A tap, glasses set out, lemons in a bowl, a pile of plates; a board with today's list below."""
    brass = finishes.metal("tap brass", (0.66, 0.42, 0.16), 0.2)
    z = 1.085
    tap = [
        meshes.lathe([(0.07, 0.0), (0.07, 0.02), (0.045, 0.03), (0.04, 0.3), (0.05, 0.32), (0.0, 0.34)], 24)
    ]
    tap.append(meshes.tube(np.linspace((-0.17, 0, 0.27), (0.17, 0, 0.27), 3), 0.03, 14))
    tap += [
        meshes.tube(np.array([(x, 0.0, 0.27), (x, -0.09, 0.26), (x, -0.10, 0.2)]), 0.012, 8)
        for x in (-0.13, 0.0, 0.13)
    ]
    put("tap", [shape.moved((-0.75, 0.12, z)) for shape in tap], brass, True)
    handle = meshes.lathe([(0.0, 0.0), (0.012, 0.0), (0.02, 0.10), (0.014, 0.14), (0.0, 0.145)], 12)
    dark = materials.plain("tap handle", (0.02, 0.018, 0.016), 0.3)
    put("tap handles", [handle.moved((x - 0.75, 0.11, z + 0.29)) for x in (-0.13, 0.0, 0.13)], dark, True)
    shell, _ = glassware.wine_glass(0.3, 20)
    places = np.array([at(0.2 + 0.11 * (i % 5), 0.16 + 0.1 * (i // 5), z) for i in range(9)])
    thing = meshes.add("bar glasses", shell, finishes.glass("bar glass"), smooth=True)
    meshes.scatter(thing, places, np.repeat(np.eye(3)[None], 9, axis=0), np.ones(9))
    put(
        "bar bowl",
        [tableware.bowl(0.11, 32).moved((-1.45, 0.14, z))],
        finishes.glazed("bar bowl", (0.10, 0.16, 0.22)),
        True,
    )
    lemon = meshes.lathe(
        [(0.0, -1.25), (0.2, -1.1), (0.7, -0.75), (1.0, 0.0), (0.7, 0.75), (0.2, 1.1), (0.0, 1.25)], 14
    )
    lemons = [
        lemon.moved(
            (-1.45 + r * math.cos(a), 0.14 + r * math.sin(a), z + h),
            meshes.rotation(*rng.uniform(0, 3, 3)),
            0.03,
        )
        for r, a, h in ((0.05, 0.3, 0.07), (0.05, 2.4, 0.07), (0.05, 4.5, 0.07), (0.0, 0.0, 0.10))
    ]
    put("lemons", lemons, materials.plain("lemon", (0.75, 0.52, 0.04), 0.45), True)
    plates = [tableware.plate(0.12, 32).moved((1.45, 0.14, z + 0.012 * i)) for i in range(7)]
    put("bar plates", plates, finishes.glazed("bar plates", (0.60, 0.57, 0.50)), True)


def _stools(rng: np.random.Generator, put: Put, oak: Any) -> None:
    seats, legs = [], []
    for x in (-1.45, -0.5, 0.5, 1.4):
        place = (x + float(rng.uniform(-0.12, 0.12)), -0.45 + float(rng.uniform(-0.08, 0.05)), 0.0)
        seat = [
            (0.0, 0.70),
            (0.15, 0.70),
            (0.17, 0.71),
            (0.175, 0.73),
            (0.165, 0.742),
            (0.1, 0.738),
            (0.0, 0.735),
        ]
        seats.append(meshes.lathe(seat, 32).moved(place))
        for a in rng.uniform(0, 1.5) + np.arange(4) * math.pi / 2:
            out = np.array((math.cos(a), math.sin(a), 0.0))
            legs.append(
                meshes.tube(np.linspace(0.11 * out + (0, 0, 0.7), 0.21 * out, 4), 0.013, 8).moved(place)
            )
        a = np.linspace(0.0, 2 * math.pi, 33)
        ring = np.stack([0.178 * np.cos(a), 0.178 * np.sin(a), np.full(33, 0.24)], axis=1)
        legs.append(meshes.tube(ring, 0.009, 7).moved(place))
    put("stool seats", seats, oak, True)
    put("stool legs", legs, materials.plain("stool iron", (0.014, 0.014, 0.015), 0.35, Metallic=0.4), True)


def _lamps(put: Put, at: At) -> None:
    """Three shaded lamps over the counter and the light they give."""
    shades, bulbs, cords = [], [], []
    shade = meshes.lathe([(0.15, 0.0), (0.145, 0.025), (0.05, 0.11), (0.025, 0.13), (0.0, 0.14)], 28)
    for x in (-1.35, 0.0, 1.35):
        shades.append(shade.moved((x, 0.12, 1.92)))
        bulbs.append(meshes.sphere(0.05, 18).moved((x, 0.12, 1.925)))
        cords.append(meshes.tube(np.linspace((x, 0.12, 2.04), (x, 0.12, HIGH), 3), 0.006, 6))
        materials.lamp("bar lamp", at(x, 0.12, 1.84), WARM, 9.0, 0.06)
    put("bar shades", shades, finishes.metal("brass shade", (0.62, 0.36, 0.12), 0.3), True)
    put("bar cords", cords, materials.plain("cord", (0.02, 0.02, 0.02), 0.6))
    glow = materials.emission("bar bulb", (1.0, 0.55, 0.20), 5.0)
    materials.seen_only(put("bar bulbs", bulbs, glow, True))
    above = at(0.0, 0.7 * DEEP, 2.45)
    materials.panel("bar light", above, (*above[:2], 0.0), (3.2, 0.4), WARM, 22.0)
