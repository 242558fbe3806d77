"""A coast path above the sea: thrift and a fingerpost near, a wall with sheep, headlands, a wide sky.

x points right, y into the picture, z up; metres. `hand` 1 has the sea on the left, −1 on the right.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.scenes import coast, moor, waymark
from bokehbench.blender.scripts.scenes.weather import Clouds, Haze, cloudy_sky
from bokehbench.rng import stream

SENSOR_MM = 36.0
EYE = 1.0


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed draws light, clouds, the side of the sea and all that grows or stands."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, 0, f"headland/{name}")

    rng = random("view")
    hand = 1.0 if seed % 2 == 0 else -1.0
    focal = float(rng.uniform(40.0, 46.0))
    aim = (hand * float(rng.uniform(-1.4, 0.5)), 20.0, EYE - float(rng.uniform(0.45, 0.9)))
    scene = meshes.start_scene(focal, SENSOR_MM, (0.0, 0.0, EYE), aim)
    scene.camera.data.clip_end = 50000.0  # the sea's horizon
    _render_settings(scene)
    haze = _light(scene, random("light"), hand)
    land = moor.Land(random("land"), hand)
    moor.ground(land, haze)
    moor.pebbles(random("pebbles"), land, haze)
    moor.grass(random("grass"), land, haze)
    moor.flowers(random("flowers"), land, haze)
    moor.gorse(random("gorse"), land, haze)
    stones = moor.wall(random("wall"), land, haze)
    sheep = moor.sheep(random("sheep"), land, haze)
    waymark.fingerpost(random("fingerpost"), land, hand)
    waymark.thorn(random("thorn"), land, hand, haze)
    coast.sea(haze)
    coast.headlands(random("headlands"), hand, haze)
    coast.lighthouse_and_boats(random("boats"), hand, haze)
    coast.gulls(random("gulls"), haze)
    return {"name": "headland", "variation": seed, "stones": stones, "sheep": sheep, "focal_mm": focal}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 2, 1
    cycles.transmission_bounces, cycles.transparent_max_bounces = 2, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    cycles.use_light_tree = False  # one lamp


def _light(scene: Any, rng: np.random.Generator, hand: float) -> Haze:
    """Afternoon sun from the side of the sea, a little ahead or behind; the air of that hour."""
    low = float(rng.uniform(0.0, 1.0))  # 0: afternoon, 1: the last hour
    height = math.radians(34.0 - 18.0 * low)
    round_ = math.radians(float(rng.uniform(-20.0, 35.0)))  # ahead of the left (right) side
    away = np.array((hand * math.cos(round_), -math.sin(round_), -math.tan(height)))
    colour = (1.0, 0.90 - 0.12 * low, 0.76 - 0.26 * low)
    materials.sun(away / np.linalg.norm(away), colour, 8.2, 1.0)
    warm = np.array((0.16, 0.05, -0.08)) * low
    horizon = tuple(float(c) for c in np.array((0.66, 0.74, 0.82)) + warm)
    sky = [(0.0, horizon), (0.10, (0.44, 0.61, 0.84)), (0.30, (0.22, 0.40, 0.74)), (1.0, (0.08, 0.20, 0.50))]
    cover = float(rng.uniform(0.35, 0.75))
    dark = 1.0 - 0.9 * max(0.0, cover - 0.5)
    clouds = Clouds(
        cover=cover,
        size=float(rng.uniform(0.8, 1.3)),
        lit=(1.12, 0.98 - 0.04 * low, 0.92 - 0.12 * low),
        shaded=(0.50 * dark, 0.55 * dark, 0.64 * dark),
        shift=float(rng.uniform(0.0, 90.0)),
        sunward=(float(-away[0]), float(-away[1])),
    )
    cloudy_sky(scene, sky, 0.9, clouds)
    r, g, b = (0.9 * c for c in horizon)
    return Haze((r, g, b), 4200.0)
