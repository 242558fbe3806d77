"""Soft toys on the floor of a child's room: fur against sunlight from a window, strings of lamps behind.

x points right, y into the room, z up; metres. The sun comes through the window and lights the fur's rim.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.scenes import nursery, playthings, soft_toys
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 50.0, 36.0
EYE = 0.36
COATS = (
    soft_toys.Coat((0.36, 0.19, 0.075), (0.62, 0.46, 0.28), (0.62, 0.42, 0.26), (0.48, 0.035, 0.030)),
    soft_toys.Coat((0.62, 0.58, 0.52), (0.80, 0.76, 0.70), (0.72, 0.40, 0.38), (0.10, 0.22, 0.42), 0.022),
    soft_toys.Coat(
        (0.60, 0.40, 0.20), (0.80, 0.70, 0.54), (0.70, 0.55, 0.40), (0.08, 0.26, 0.14), 0.024, 0.45
    ),
    soft_toys.Coat((0.30, 0.30, 0.32), (0.66, 0.64, 0.62), (0.60, 0.38, 0.38), (0.66, 0.40, 0.05), 0.018),
    soft_toys.Coat(
        (0.72, 0.60, 0.44), (0.84, 0.78, 0.66), (0.55, 0.36, 0.22), (0.42, 0.10, 0.20), 0.026, 0.6
    ),
    soft_toys.Coat(
        (0.20, 0.105, 0.055), (0.52, 0.36, 0.20), (0.60, 0.46, 0.30), (0.55, 0.30, 0.06), 0.020, 0.3
    ),
)
WALLS = ((0.30, 0.40, 0.42), (0.48, 0.40, 0.30), (0.36, 0.40, 0.30), (0.46, 0.34, 0.33))
CURTAINS = (
    (0.58, 0.42, 0.24),
    (0.62, 0.58, 0.50),
    (0.24, 0.38, 0.42),
    (0.58, 0.30, 0.24),
    (0.36, 0.42, 0.26),
)
SUNS = ((1.0, 0.78, 0.50), (1.0, 0.84, 0.62), (1.0, 0.70, 0.40))
RUGS = (
    ((0.40, 0.06, 0.05), (0.60, 0.52, 0.40), (0.08, 0.14, 0.24), (0.50, 0.30, 0.08)),
    ((0.10, 0.24, 0.28), (0.58, 0.52, 0.42), (0.34, 0.40, 0.38), (0.55, 0.28, 0.16)),
    ((0.42, 0.20, 0.22), (0.62, 0.56, 0.48), (0.28, 0.30, 0.34), (0.50, 0.40, 0.20)),
)


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed draws toys, their coats and places, the room's colours, the side of light."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, 0, f"plush/{name}")

    drawn = random("room")
    side = -1.0 if seed == 0 else float(drawn.choice((-1.0, 1.0)))
    shift, eye = float(drawn.uniform(-0.08, 0.08)), EYE + float(drawn.uniform(-0.03, 0.05))
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, (shift, 0.0, eye), (0.0, 4.0, EYE + 0.03))
    _render_settings(scene)
    wall = WALLS[int(drawn.integers(len(WALLS)))]
    nursery.shell(random("boards"), side, wall)
    rug = RUGS[int(drawn.integers(len(RUGS)))]
    nursery.rug(random("rug"), (0.05 * side, 2.55), 0.92, rug)
    nursery.window(random("window"), side, CURTAINS[int(drawn.integers(len(CURTAINS)))])
    low, high = sorted((-side * 0.18, -side * 1.75))
    top = playthings.bookcase(random("bookcase"), low, high, nursery.WALL)
    playthings.table_lamp((-side * 1.34, nursery.WALL - 0.17, top))
    lamps = _strings(random("strings"), side)
    playthings.bunting(
        random("bunting"), (-side * 0.2, nursery.WALL - 0.02, 1.36), (-side * 2.1, nursery.WALL - 0.02, 1.42)
    )
    strands = _toys(random("toys"), side, top)
    _playthings(random("blocks"), side)
    _light(scene, side, SUNS[0 if seed == 0 else int(drawn.integers(len(SUNS)))])
    return {"name": "plush", "variation": seed, "strands": strands, "lamps": lamps}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 3, 2
    cycles.transmission_bounces = cycles.transparent_max_bounces = 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    scene.cycles_curves.shape = "RIBBONS"


def _light(scene: Any, side: float, sunlight: tuple[float, float, float]) -> None:
    """Low sun through the side window, the sky in the other, and what a pale room sends back."""
    materials.world_gradient(scene, [(0.0, (0.80, 0.70, 0.60)), (1.0, (0.92, 0.88, 0.84))], 0.34)
    materials.sun((-side * 0.80, -0.46, -0.45), sunlight, 12.5, 1.0)
    middle = side * sum(nursery.WINDOW) / 2
    place = (middle, nursery.WALL - 0.15, (nursery.SILL + nursery.LINTEL) / 2)
    size = (nursery.WINDOW[1] - nursery.WINDOW[0], nursery.LINTEL - nursery.SILL)
    materials.panel("window light", place, (middle * 0.4, 1.5, 0.2), size, (0.80, 0.90, 1.0), 34.0)
    materials.panel(
        "room light", (-side * 1.6, -0.6, 1.9), (0.0, 2.4, 0.2), (1.6, 1.2), (1.0, 0.90, 0.78), 32.0
    )


def _strings(rng: np.random.Generator, side: float) -> int:
    y = nursery.WALL - 0.05

    def at(x: float, z: float) -> tuple[float, float, float]:
        return (-side * x + float(rng.uniform(-0.03, 0.03)), y, z + float(rng.uniform(-0.02, 0.02)))

    ends = [(at(-0.32, 1.30), at(0.55, 1.16), 0.12), (at(0.55, 1.16), at(1.25, 1.22), 0.14)]
    ends += [(at(1.25, 1.22), at(2.1, 1.10), 0.12), (at(0.2, 0.92), at(1.0, 0.98), 0.10)]
    return playthings.cotton_balls(rng, ends)


def _toys(rng: np.random.Generator, side: float, shelf: float) -> int:
    """One in the middle and a friend on either side, one close to the lens, two small; how many strands."""
    coats = [COATS[int(i)] for i in rng.permutation(len(COATS))]
    kinds = ["bear", *(str(kind) for kind in rng.permutation(["rabbit", "dog"]))]
    if first := int(rng.integers(3)):
        kinds[0], kinds[first] = kinds[first], kinds[0]
    x = -side
    places = [
        # kind, x, y, turn, size, strands
        (kinds[0], x * 0.10, 2.20, -0.18 * x, 1.0, 26000),
        (kinds[1], x * 0.60, 2.62, -0.42 * x, 0.98, 18000),
        (kinds[2], -x * 0.42, 2.42, 0.45 * x, 0.96, 18000),
        (str(rng.choice(["rabbit", "bear"])), -x * 0.47, 1.34, math.pi - 0.5 * x, 0.92, 22000),
        (str(rng.choice(["rabbit", "dog", "bear"])), -x * 0.86, 3.5, 0.5 * x, 0.8, 7000),
    ]
    made = 0
    for (kind, px, py, turn, size, strands), coat in zip(places, coats, strict=False):
        at = (
            px + float(rng.normal(0.0, 0.015)),
            py + float(rng.normal(0.0, 0.04)),
            0.012 if py > 1.6 else 0.0,
        )
        turned = turn + float(rng.normal(0.0, 0.13))
        lean = float(rng.normal(0.0, 0.03))
        made += soft_toys.KINDS[kind]().place(rng, coat, at, turned, size, strands, lean)
    at = (x * 0.62, nursery.WALL - 0.18, shelf)
    return made + soft_toys.bear().place(rng, coats[5], at, -0.3 * x, 0.62, 4000)


def _playthings(rng: np.random.Generator, side: float) -> None:
    """Wooden blocks, some stacked; a pile of picture books; a ball."""
    x = -side
    spots = [
        (0.34, 1.80, 0.0),
        (0.43, 1.86, 0.0),
        (0.385, 1.83, 0.052),
        (0.52, 1.74, 0.0),
        (-0.10, 1.78, 0.0),
    ]
    spots += [
        (-0.22, 1.90, 0.0),
        (0.92, 2.9, 0.0),
        (0.92, 2.9, 0.052),
        (0.925, 2.905, 0.104),
        (1.0, 2.88, 0.0),
    ]
    spots += [(0.78, 2.05, 0.0), (-0.66, 2.05, 0.0), (0.86, 3.15, 0.0)]
    for px, py, z in spots:
        at = (x * px + float(rng.normal(0, 0.006)), py, z + (0.018 if 1.65 < py < 3.3 else 0.0))
        colour = playthings.PAINTS[int(rng.integers(len(playthings.PAINTS)))]
        shape = playthings.block(0.052, 0.12).moved(at, meshes.rotation(z=float(rng.uniform(0, 1.5))))
        meshes.add("block", shape, playthings.paint("block paint", colour), smooth=True)
    z = 0.018
    for _ in range(4):
        thick, turn = float(rng.uniform(0.014, 0.032)), float(rng.normal(0.0, 0.22))
        size = (thick, float(rng.uniform(0.17, 0.21)), float(rng.uniform(0.22, 0.28)))
        playthings.book(rng, (x * 0.40 - size[2] / 2, 3.25, z), size, 0.0, turn, lying=True)
        z += thick + 0.001
    playthings.ball((-x * 0.12, 3.05, 0.09))
