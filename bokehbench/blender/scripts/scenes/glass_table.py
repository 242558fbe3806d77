"""A table laid on a terrace at dusk: wine glasses, ice, candles; behind them a bar and strings of bulbs.

x points right, y into the picture, z up; metres. Depth is that of the glass, not of what is seen through it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.scenes import bar, laid_table, terrace
from bokehbench.blender.scripts.scenes.laid_table import TOP, LaidTable, Service
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 45.0, 36.0
EYE = 1.03
SKIES = (
    ((0.0, (0.95, 0.36, 0.13)), (0.09, (0.55, 0.28, 0.26)), (0.26, (0.13, 0.15, 0.33))),
    ((0.0, (0.80, 0.30, 0.30)), (0.10, (0.36, 0.22, 0.38)), (0.30, (0.10, 0.11, 0.32))),
    ((0.0, (0.70, 0.50, 0.24)), (0.12, (0.30, 0.33, 0.40)), (0.34, (0.08, 0.15, 0.34))),
)
ZENITH = (0.012, 0.03, 0.12)
WINES = ((0.27, 0.006, 0.015), (0.98, 0.86, 0.50), (0.94, 0.42, 0.34))
SIGNS = ("VINO & BAR", "APERITIVO", "OSTERIA", "ENOTECA", "TERRAZZA")
CERAMICS = ((0.62, 0.59, 0.53), (0.20, 0.27, 0.29), (0.40, 0.30, 0.22), (0.52, 0.56, 0.50))
CLOTHS = ((0.55, 0.52, 0.46), (0.30, 0.10, 0.08), (0.16, 0.20, 0.24))
PETALS = ((0.75, 0.68, 0.55), (0.62, 0.10, 0.10), (0.70, 0.45, 0.40))
PAINTS = ((0.055, 0.085, 0.075), (0.16, 0.045, 0.035), (0.05, 0.075, 0.12), (0.19, 0.17, 0.14))
WOODS = ((0.135, 0.070, 0.034), (0.20, 0.125, 0.068), (0.085, 0.045, 0.026))
CHAIRS = ((0.085, 0.045, 0.022), (0.020, 0.016, 0.014), (0.21, 0.13, 0.065))
WARM = (((1.0, 0.50, 0.16), 4.6), ((1.0, 0.58, 0.22), 4.2), ((1.0, 0.40, 0.10), 4.0))
MIXED = (*WARM, ((1.0, 0.16, 0.07), 2.2), ((0.25, 0.85, 0.40), 1.9), ((0.30, 0.50, 1.0), 2.3))

T = TypeVar("T")


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed lays the table, draws wine, crockery, sky, bar and which side it stands on."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, 0, f"glass_table/{name}")

    rng = random("view")

    def choose(options: Sequence[T]) -> T:
        return options[int(rng.integers(len(options)))]

    flip = float(rng.choice((-1.0, 1.0)))
    eye = (float(rng.uniform(-0.05, 0.05)), 0.0, EYE + float(rng.uniform(-0.02, 0.03)))
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, eye, (0.0, 6.0, EYE + 0.06))
    _render_settings(scene)
    materials.world_gradient(
        scene, [*choose(SKIES), (1.0, ZENITH)], float(rng.uniform(0.55, 1.15)), clouds=0.12
    )
    terrace.ground()
    heading = flip * float(rng.uniform(0.05, 0.11))
    crockery, cloth, petals, wine = (choose(kinds) for kinds in (CERAMICS, CLOTHS, PETALS, WINES))
    service = Service(crockery, cloth, petals, wine, choose(WOODS), heading)
    table = LaidTable(random("table"), service)
    table.build()
    _lights(table)
    where = (float(rng.uniform(1.6, 2.05)) * flip, float(rng.uniform(6.7, 7.4)))
    facing = -float(rng.uniform(0.08, 0.34)) * flip
    bottles = bar.build(random("bar"), where, facing, choose(SIGNS), choose(PAINTS))
    _chairs(random("chairs"), flip, table, choose(CHAIRS))
    bulbs = _garden(random("garden"), flip, choose((WARM, WARM, MIXED)))
    facts = {"name": "glass_table", "variation": seed, "depth": "first surface"}
    return {**facts, "glasses": table.glasses, "bottles": bottles, "bulbs": bulbs}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 14, 2, 6
    cycles.transmission_bounces = cycles.transparent_max_bounces = 14
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    cycles.use_light_tree = False


def _lights(table: LaidTable) -> None:
    """Candle light at the flames, and the glow of the terrace from above and behind the camera."""
    lamps = [materials.lamp("candle", tuple(place), (1.0, 0.50, 0.18), 1.5, 0.012) for place in table.flames]
    for place, towards, size, watts in (
        ((-1.5, 0.3, 2.5), (0.0, 2.2, TOP), (0.9, 0.25), 26.0),
        ((1.3, -0.2, 2.3), (0.0, 2.0, TOP), (0.25, 0.9), 20.0),
        ((0.3, 4.6, 2.7), (0.0, 2.4, TOP), (1.2, 0.2), 22.0),
    ):
        lamps.append(materials.panel("terrace glow", place, towards, size, (1.0, 0.68, 0.40), watts))
    for light in lamps:  # mirrored in glass, where they are sampled, but not met by rays that pass through it
        light.visible_glossy, light.visible_transmission = True, False


def _chairs(rng: np.random.Generator, flip: float, table: LaidTable, wood: materials.Colour) -> None:
    """Around the long table, and around three small ones."""
    seats = []
    for v in laid_table.ROWS:
        for side in (-1.0, 1.0):
            x, y, _ = table.at(side * float(rng.uniform(0.60, 0.70)), v + float(rng.normal(0, 0.04)))
            heading = side * math.pi / 2 - table.service.heading + float(rng.normal(0, 0.12))
            seats.append((float(x), float(y), heading))
    x, y, _ = table.at(0.03, 4.5)
    seats.append((float(x), float(y), math.pi - table.service.heading))
    rounds = [(-1.9 * flip, 4.9), (-2.7 * flip, 7.8), (-0.9 * flip, 9.6)]
    for x, y in rounds:
        around = rng.uniform(0, 6.3) + np.arange(3) * 2.1
        seats += [(x + 0.62 * math.sin(a), y - 0.62 * math.cos(a), float(a)) for a in around]
    terrace.chairs(seats, wood)
    terrace.round_tables(rounds)


def _garden(rng: np.random.Generator, flip: float, glows: Sequence[terrace.Glow]) -> int:
    """Trees in pots, a hedge, bulbs on strings and the hills; how many bulbs."""
    trees = ((-1.35, 6.5, 1.5), (-3.7, 6.6, 1.8), (-0.75, 9.0, 1.5), (-5.6, 10.5, 2.0), (-2.6, 11.6, 1.9))
    terrace.olive_trees(rng, [(x * flip, y, height) for x, y, height in trees])
    start, end = np.array((-9.0 * flip, 12.6, 0.0)), np.array((3.2 * flip, 13.6, 0.0))
    terrace.hedge(rng, start, end, 1.05, 6500)
    terrace.hills(rng, 60)
    wires = (
        ((-6.5, 5.4, 3.1), (0.1, 6.3, 2.62)),
        ((-7.0, 8.2, 3.3), (0.4, 7.3, 2.75)),
        ((-7.5, 10.2, 3.2), (2.6, 10.0, 3.2)),
        ((-7.5, 12.4, 3.4), (6.0, 12.0, 3.6)),
        ((-9.0, 16.0, 3.3), (7.0, 15.4, 3.8)),
        ((4.2, 7.8, 2.75), (8.0, 10.5, 3.6)),
    )
    for x, y in ((-3.6, 5.6), (-3.0, 8.6), (1.0, 9.5), (-1.0, 12.0)):
        materials.lamp("string glow", (x * flip, y, 2.45), (1.0, 0.60, 0.27), 34.0, 0.25)
    mirror = np.array((flip, 1.0, 1.0))
    return terrace.strings(rng, [(mirror * a, mirror * b) for a, b in wires], glows)
