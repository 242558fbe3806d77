"""A wooden jetty in low sun: planks from the lens to the far end, ropes, lanterns, a bench, boats, the sea.

x points right, y into the picture, z up; metres. The deck is z = 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.scenes import jetty, moorings, seascape, surfaces
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 40.0, 36.0
EYE = 0.47
PAINTS = ((0.07, 0.17, 0.20), (0.24, 0.05, 0.035), (0.34, 0.31, 0.24), (0.05, 0.09, 0.20))
DECKS = ((0.25, 0.175, 0.11), (0.22, 0.165, 0.12), (0.28, 0.18, 0.10))


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed draws the hour, the waves, every plank and what lies on the deck."""

    def random(name: str, index: int = 0) -> np.random.Generator:
        return stream(seed, index, f"pier/{name}")

    rng = random("camera")
    drift = np.clip(rng.normal(0.0, 1.0, 3), -1.5, 1.5) if seed else np.zeros(3)
    x = 0.28 + 0.07 * float(drift[0])
    eye = EYE + 0.02 * float(drift[1])
    aim = (x - 0.55 + 0.3 * float(drift[2]), 10.0, eye - 10.0 * math.tan(math.radians(4.2)))
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, (x, 0.0, eye), aim)
    _render_settings(scene)
    hour = random("hour")
    which = int(hour.integers(len(seascape.WEATHERS))) if seed else 0
    weather = seascape.WEATHERS[which]
    side = -1.0 if hour.random() < 0.65 else 1.0
    azimuth = math.radians(side * float(hour.uniform(8.0, 15.0)) - 3.0)
    elevation = math.radians(float(hour.uniform(6.0, 8.0)))
    seascape.sky(scene, weather, azimuth, elevation, random("clouds"))
    seascape.water(weather, random("water"))
    seascape.shores(weather, random("shores"))
    seascape.sails(weather, random("sails"))
    seascape.buoys(random("buoys"))
    planks = jetty.deck(random("deck"), DECKS[int(random("wood").integers(len(DECKS)))])
    pile_wood = surfaces.wood(
        "piles", (0.17, 0.125, 0.085), along="Z", worn=0.55, weathered=(0.24, 0.225, 0.20)
    )
    tall = jetty.posts(random("posts"), pile_wood)
    lamps = jetty.post_lanterns(random("lamps"), tall, 1.0)
    jetty.head(random("hut"), pile_wood)
    swapped = bool(seed) and random("places").random() < 0.5
    _furnish(random("things"), pile_wood, tall, swapped)
    return {"name": "pier", "variation": seed, "weather": which, "planks": planks, "lanterns": lamps}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 2, 2
    cycles.transmission_bounces = cycles.transparent_max_bounces = 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    cycles.use_light_tree = False


def _furnish(rng: np.random.Generator, wood: Any, tall: list[tuple[float, float]], swapped: bool) -> None:
    """What stands and lies on the deck, and what is moored beside it."""

    def jitter(spread: float) -> float:
        return float(np.clip(rng.normal(0.0, spread), -2 * spread, 2 * spread))

    coil, lantern = (-0.28, 1.85), (0.60, 2.25)
    if swapped:
        coil, lantern = (0.62, 1.95), (-0.16, 2.10)
    moorings.coil(rng, (coil[0] + jitter(0.04), coil[1] + jitter(0.06)))
    moorings.storm_lantern((lantern[0] + jitter(0.06), lantern[1] + jitter(0.10)), 1.0)
    moorings.bollard(rng, (1.13 + jitter(0.01), 2.25 + jitter(0.08)), wood)
    paint = PAINTS[int(rng.integers(len(PAINTS)))]
    moorings.bench(rng, (-1.20, 4.3 + jitter(0.25)), paint)
    moorings.crate(rng, (0.86 + jitter(0.05), 4.1 + jitter(0.2)), 0.3 + jitter(0.2))
    hull = PAINTS[int(rng.integers(len(PAINTS)))]
    moorings.boat(rng, (2.85 + jitter(0.1), 9.2 + jitter(0.4)), 1.05 + jitter(0.12), hull)
    moorings.boat(rng, (-3.4 + jitter(0.3), 17.0 + jitter(1.0)), 2.0 + jitter(0.4), PAINTS[2])
    x, y = tall[int(rng.integers(1, 3)) * 2]
    moorings.gull((x, y, 1.0), float(rng.uniform(-0.6, 0.9)))
