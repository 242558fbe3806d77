"""A long hall in sunlight: gilt mirrors face the windows, a piano, palms, a garden door at the end.

x points right, y into the picture, z up; metres. Depth is that of the mirrors, not of what is seen in them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.scenes import finishes, furniture, hall, mirrors, plants, terrace
from bokehbench.blender.scripts.scenes.hall import BAY, BAYS, FAR, HEIGHT, LEFT, NEAR, RIGHT
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 40.0, 36.0
EYE = 1.16
WALLS = ((0.30, 0.36, 0.29), (0.50, 0.40, 0.27), (0.27, 0.34, 0.40), (0.46, 0.27, 0.21))
CURTAINS = ((0.50, 0.44, 0.33), (0.34, 0.07, 0.055), (0.14, 0.20, 0.17), (0.55, 0.50, 0.44))
TILES = (
    ((0.022, 0.022, 0.024), (0.62, 0.59, 0.53)),
    ((0.030, 0.060, 0.045), (0.60, 0.58, 0.50)),
    ((0.110, 0.035, 0.024), (0.60, 0.54, 0.45)),
)
FLOWERS = ((0.70, 0.22, 0.24), (0.75, 0.66, 0.50), (0.72, 0.40, 0.10), (0.45, 0.22, 0.55))
T = TypeVar("T")


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed draws the hour, the colours, the mirrors' shape and where things stand."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, 0, f"mirror_hall/{name}")

    rng = random("view")

    def choose(options: Sequence[T]) -> T:
        return options[int(rng.integers(len(options)))]

    eye = (1.6 + float(rng.uniform(-0.12, 0.12)), 0.0, EYE + float(rng.uniform(-0.03, 0.05)))
    aim = (-1.15 + float(rng.uniform(-0.25, 0.25)), 8.0, EYE - 0.02)
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, eye, aim)
    _render_settings(scene)
    hour = float(rng.uniform(0.0, 1.0))
    _daylight(scene, hour)
    decor = hall.Decor(choose(WALLS), choose(CURTAINS), choose(TILES), bool(rng.random() < 0.6))
    hall.build(random("hall"), decor)
    hanging = mirrors.Hanging()
    count = _hang(random("pictures"), hanging, choose(("arch", "rectangle", "oval")))
    _furnish(random("furniture"), hanging, choose(FLOWERS))
    _garden(random("garden"))
    facts = {"name": "mirror_hall", "variation": seed, "depth": "first surface"}
    return {**facts, "mirrors": count, "hour": round(hour, 3)}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 6, 2, 4
    cycles.transmission_bounces = cycles.transparent_max_bounces = 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    cycles.use_light_tree = False


def _daylight(scene: Any, hour: float) -> None:
    """Sun through the windows, warmer and lower the later; the sky's light enters from panels."""
    sky = [(0.0, (0.98, 0.93, 0.80)), (0.15, (0.74, 0.84, 0.95)), (0.5, (0.36, 0.55, 0.92))]
    materials.world_gradient(scene, [*sky, (1.0, (0.20, 0.38, 0.85))], 1.0, clouds=0.15)
    scene.world.cycles_visibility.diffuse = False
    colour = (1.0, 0.86 - 0.22 * hour, 0.68 - 0.36 * hour)
    materials.sun((-0.86, -0.30 + 0.15 * hour, -0.62 + 0.22 * hour), colour, 14.0, 0.8)
    # One panel before the whole row of windows: eight in them were 2 dB noisier, as walls hide most of each.
    place, towards = (RIGHT - 0.21, 0.5 * (NEAR + FAR), 1.9), (LEFT, 0.5 * (NEAR + FAR), 1.5)
    materials.panel("skylight", place, towards, (FAR - NEAR - 1.0, 2.6), (0.80, 0.90, 1.0), 400.0, 2.6)
    door = (0.5 * (hall.DOOR[0] + hall.DOOR[1]), FAR + 0.15, 1.4)
    materials.panel("door light", door, (door[0], 0.0, 1.0), (2.0, 2.6), (0.85, 0.92, 1.0), 30.0, 2.6)
    above = (0.5 * (LEFT + RIGHT), 0.5 * (NEAR + FAR), HEIGHT - 0.25)
    materials.panel("bounce", above, (*above[:2], 0.0), (4.0, FAR - NEAR - 1.0), (1.0, 0.92, 0.80), 110.0)


def _hang(rng: np.random.Generator, hanging: mirrors.Hanging, shape: str) -> int:
    """A mirror in each bay of the left wall, sconces between them, pictures at the ends; how many mirrors."""
    outlines = {
        "arch": mirrors.arch(1.66, 2.85, 0.60),
        "rectangle": mirrors.rectangle(1.62, 2.70),
        "oval": mirrors.arch(1.50, 2.80, 0.75),
    }
    left = math.pi / 2  # facing +x
    for y in BAYS:
        hanging.mirror(outlines[shape], (LEFT, y, 0.36), left)
    furniture.sconces([((LEFT + 0.05, y + BAY / 2, 1.98), left) for y in BAYS])
    for x, z, wide, high in (
        (-1.28, 1.15, 0.70, 0.95),
        (2.40, 1.2, 0.95, 0.72),
        (2.40, 2.2, 0.8, 0.6),
        (-1.28, 2.4, 0.62, 0.5),
    ):
        hanging.picture(mirrors.rectangle(wide, high), (x, FAR, z), 0.0, rng)
    for x in (-0.9, 0.7, 2.2):
        wide, high = rng.uniform(0.8, 1.2, 2)
        hanging.picture(mirrors.rectangle(wide, high), (x, NEAR, 1.3), math.pi, rng)
    for y in BAYS[:-1]:  # on the piers between the windows
        wide, high = rng.uniform(0.42, 0.6, 2)
        hanging.picture(mirrors.rectangle(wide, 1.1 * high), (RIGHT, y + BAY / 2, 1.45), -math.pi / 2, rng)
    return len(BAYS) + 2


def _furnish(rng: np.random.Generator, hanging: mirrors.Hanging, flowers: materials.Colour) -> None:
    """The table in front and the standing mirror may change sides; the rest keeps its part of the hall."""

    def about(value: float, spread: float) -> float:
        return value + float(rng.uniform(-spread, spread))

    # Each mirror is turned so that the camera sees the windows, or the wall of mirrors, in it.
    if rng.random() < 0.5:
        table, table_turn, stand, stand_turn = (0.62, 1.52), 1.0, (1.55, 3.7), -0.75
    else:
        table, table_turn, stand, stand_turn = (1.40, 1.72), -0.63, (-0.62, 3.25), 1.1
    table = (about(table[0], 0.06), about(table[1], 0.04))
    furniture.round_table(rng, table, flowers, hanging, about(table_turn, 0.15))
    hanging.cheval((about(stand[0], 0.1), stand[1], 0.0), about(stand_turn, 0.1), 0.06)
    furniture.piano(((about(0.55, 0.2), about(9.35, 0.35), 0.0), about(0.45, 0.2)))
    pier = [y + BAY / 2 for y in BAYS]
    spots = [(LEFT + 0.38, pier[2]), (LEFT + 0.38, pier[5]), (RIGHT - 0.45, pier[4]), (RIGHT - 0.45, pier[6])]
    furniture.palm(rng, spots, 0.92)
    seats = [
        (LEFT + 0.55, pier[3] - 0.28),
        (LEFT + 0.52, pier[3] + 0.32),
        (LEFT + 0.5, pier[4]),
        (LEFT + 0.5, pier[6]),
    ]
    chairs = [(x, y, -math.pi / 2 + float(rng.normal(0, 0.18))) for x, y in seats]
    chairs += [
        (
            0.15 + float(rng.uniform(-0.2, 0.2)),
            3.75 + float(rng.uniform(-0.2, 0.3)),
            float(rng.uniform(0.4, 1.1)),
        )
    ]
    chairs += [(RIGHT - 0.5, pier[index], math.pi / 2) for index in (3, 5)]
    terrace.chairs(chairs, (0.022, 0.014, 0.010))
    furniture.pendants([(0.55, y, 2.72) for y in BAYS[2:]], HEIGHT)


def _garden(rng: np.random.Generator) -> None:
    """What the windows and the far door look on."""
    lawn = finishes.foliage("lawn", ((0.05, 0.10, 0.02), (0.09, 0.15, 0.03)))
    meshes.add("lawn", meshes.quad((-60, -40, -0.35), (120, 0, 0), (0, 140, 0)), lawn)
    gravel = materials.plain("gravel", (0.34, 0.29, 0.22), 0.95)
    meshes.add("path", meshes.quad((-0.9, FAR + 0.3, -0.03), (2.8, 0, 0), (0, 26, 0)), gravel)
    habit = plants.Habit(levels=2, leaves=26, sides=7, bare=0.3, spread=0.95)
    bark = finishes.wood("garden bark", (0.10, 0.075, 0.05), 0.9, 0.0, 2)
    green = finishes.foliage("garden leaves", ((0.05, 0.11, 0.02), (0.10, 0.18, 0.03), (0.18, 0.22, 0.05)))
    # beside the windows, then beyond the door
    places = np.array([(15.0, -3.0), (17.5, 4.5), (14.0, 11.0), (18.0, 18.0), (15.5, 25.0), (-2.2, 21.0)])
    places = np.concatenate([places, [(3.4, 23.0), (-4.5, 27.0), (6.0, 29.0), (1.0, 34.0)]])
    feet = np.column_stack([places + rng.uniform(-0.5, 0.5, places.shape), np.full(len(places), -0.3)])
    turns = np.array([meshes.rotation(z=a) for a in rng.uniform(0.0, 2 * math.pi, len(feet))])
    sizes = rng.uniform(0.85, 1.15, len(feet))
    for kind in range(3):
        lean = (float(rng.normal(0, 0.05)), float(rng.normal(0, 0.05)))
        grown = plants.tree(rng, (0.0, 0.0, 0.0), 5.2, 0.13, lean, habit)
        crown = grown.leaves(rng, plants.leaf(1, 3, 0.4), (0.13, 0.25))
        here = np.arange(len(feet)) % 3 == kind
        for name, shape, look in (("bark", meshes.join(grown.wood), bark), ("leaves", crown, green)):
            thing = meshes.add(f"garden {name}", shape, look, smooth=True)
            meshes.scatter(thing, feet[here], turns[here], sizes[here])
    terrace.hedge(rng, np.array((-9.0, 38.0, 0.0)), np.array((11.0, 38.0, 0.0)), 1.7, 2600)
