"""A wet street at blue hour: a near lantern and railing, a passer-by, a tram, lights into the distance.

x points right, y into the picture, z up; metres. The kerbs run along y.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.scenes import facades, ironwork, passer_by, tram
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 35.0, 36.0
EYE = 1.32
LEFT, RIGHT = -4.4, 4.9
"""Where the house fronts stand."""
KERBS = (-2.3, 3.1)
WARM = (1.0, 0.56, 0.22)
FESTOON = (
    # colour and radiance: coloured bulbs are dimmer, so that their colour survives clipping
    (WARM, 5.0),
    (WARM, 5.0),
    ((1.0, 0.20, 0.10), 2.6),
    ((0.22, 0.9, 0.42), 2.2),
    ((0.28, 0.48, 1.0), 2.6),
    ((1.0, 0.72, 0.18), 3.5),
)


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed moves lights, windows, people, signs and puddles."""

    def random(name: str, index: int = 0) -> np.random.Generator:
        return stream(seed, index, f"night_street/{name}")

    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, (0.0, 0.0, EYE), (0.1, 20.0, EYE + 0.58))
    _render_settings(scene)
    sky = [(0.0, (0.55, 0.30, 0.22)), (0.10, (0.16, 0.19, 0.36)), (0.4, (0.035, 0.07, 0.21))]
    materials.world_gradient(scene, [*sky, (1.0, (0.012, 0.028, 0.11))], 0.8, clouds=0.10)
    _road(float(random("puddles").uniform(0.0, 50.0)))
    _pavements()
    for side, x in ((-1.0, LEFT), (1.0, RIGHT)):
        facades.row(random("facades", int(side > 0)), x, side, y=(3.0, 75.0))
    facades.skyline(random("skyline"), y=78.0)
    lamps = _street_lamps(random("lamps"))
    strings = _festoons(random("festoons"))
    ironwork.railing(random("railing"), (-0.62, 1.05, 0.0), (-2.15, 12.5, 0.13))
    ironwork.lantern((0.50, 1.52, 1.55), EYE)
    tram.build(random("tram"), x=-0.84)
    passer_by.build(random("passer_by"))
    return {"name": "night_street", "variation": seed, "street_lamps": lamps, "festoons": strings}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 2, 3
    cycles.transmission_bounces = cycles.transparent_max_bounces = 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    cycles.use_light_tree = False  # measured: 0.6 dB noisier, 23 % faster


def _road(shift: float) -> None:
    """Wet asphalt with puddles (moved by `shift` metres), tram rails and a crossing."""
    shader = materials.Shader("asphalt")
    raw = shader.node("TexCoord").outputs["Object"]
    where = shader.node("Mapping", {"Vector": raw, "Location": (shift, 0.0, 0.0)}).outputs["Vector"]
    dry, wet = (0.44, (0.0, 0.0, 0.0)), (0.56, (1.0, 1.0, 1.0))
    puddle = shader.ramp(shader.noise(0.55, 4.0, where), [dry, wet])
    grain = shader.noise(70.0, 2.0, where)
    roughness = shader.math("SUBTRACT", 0.30, shader.math("MULTIPLY", puddle, 0.24))
    colour = shader.mix(grain, (0.016, 0.017, 0.020), (0.050, 0.050, 0.054))
    height = shader.math("MULTIPLY", grain, shader.math("SUBTRACT", 1.0, puddle))
    normal = shader.bump(height, 0.35, 0.02)
    asphalt = shader.done(shader.principled(colour, roughness, Normal=normal, Specular_IOR_Level=0.8))
    meshes.add("road", meshes.quad((-30, -3, 0), (60, 0, 0), (0, 130, 0)), asphalt)
    steel = materials.plain("rail", (0.5, 0.5, 0.52), 0.18, Metallic=1.0)
    rails = [meshes.box((x - 0.035, -3.0, -0.02), (x + 0.035, 127.0, 0.006)) for x in (-1.55, -0.12)]
    meshes.add("rails", rails, steel)
    paint = materials.plain("paint", (0.42, 0.41, 0.38), 0.35)
    stripes = [meshes.box((x, 8.2, -0.01), (x + 0.42, 11.0, 0.004)) for x in np.arange(-2.1, 2.9, 0.85)]
    meshes.add("crossing", stripes, paint)


def _pavements() -> None:
    shader = materials.Shader("paving")
    look = {"Color1": (0.075, 0.070, 0.068), "Color2": (0.120, 0.112, 0.105), "Mortar": (0.02, 0.02, 0.02)}
    size = {"Scale": 1.6, "Mortar Size": 0.012}
    slabs = shader.node("TexBrick", {"Vector": shader.coordinates(), **look, **size})
    wet = shader.math("ADD", 0.16, shader.math("MULTIPLY", shader.noise(1.7), 0.35))
    joints = shader.bump(slabs.outputs["Fac"], -0.3, 0.01)
    paving = shader.done(shader.principled(slabs.outputs["Color"], wet, Normal=joints))
    for low, high in ((-30.0, KERBS[0]), (KERBS[1], 30.0)):
        meshes.add("pavement", meshes.box((low, -3.0, -0.1), (high, 127.0, 0.13)), paving)


def _street_lamps(rng: np.random.Generator) -> int:
    """Globes on arms along both kerbs; how many."""
    iron = materials.plain("iron", (0.012, 0.014, 0.016), 0.35, Metallic=0.3)
    glass = materials.emission("lamp glass", (1.0, 0.70, 0.38), 7.0)
    foot = [(0.11, 0.1), (0.11, 0.35), (0.06, 0.5), (0.05, 1.5), (0.038, 3.9), (0.0, 4.0)]
    t = np.linspace(0.0, 1.0, 9)
    posts, globes = [], []
    for row in (7.5, 15.0, 23.0, 32.0, 43.0, 56.0):
        for x, inward, offset in ((KERBS[0] - 0.35, 0.55, 0.0), (KERBS[1] + 0.35, -0.55, 1.5)):
            y = row + offset + float(rng.uniform(-0.6, 0.6))
            top = (x + inward, y, 3.52)
            arm = np.stack([x + inward * t, np.full_like(t, y), 3.7 + 0.35 * np.sin(math.pi * t)], axis=1)
            posts += [meshes.lathe(foot, 12).moved((x, y, 0.0)), meshes.tube(arm, 0.022)]
            posts += [meshes.lathe([(0.0, 0.2), (0.12, 0.17), (0.14, 0.1)], 16).moved(top)]
            globes += [meshes.sphere(0.17, 20).moved(top)]
            if row < 40.0:
                materials.lamp("street lamp", (top[0], y, top[2] - 0.05), WARM, 150.0, 0.17)
    meshes.add("lamp posts", posts, iron, smooth=True)
    materials.seen_only(meshes.add("lamp globes", globes, glass, smooth=True))
    return len(globes)


def _festoons(rng: np.random.Generator) -> int:
    """Strings of bulbs across the street; how many."""
    wires: list[meshes.Shape] = []
    bulbs: list[list[meshes.Shape]] = [[] for _ in FESTOON]
    rows = np.arange(5.4, 40.0, 3.1)
    cap = meshes.lathe([(0.03, -0.05), (0.03, 0.0), (0.0, 0.01)], 8)
    for y in rows:
        (left, right), sag = rng.uniform(3.6, 4.9, 2), float(rng.uniform(0.5, 0.9))
        start, end = (LEFT, y + rng.uniform(-1.0, 1.0), left), (RIGHT, y + rng.uniform(-1.0, 1.0), right)
        wires.append(meshes.tube(meshes.sagging(start, end, sag, 24), 0.008, 5))
        for point in meshes.sagging(start, end, sag, int(rng.integers(10, 14)))[1:-1]:
            bulb = meshes.sphere(0.075, 14).moved(point - np.array((0.0, 0.0, 0.10)))
            bulbs[int(rng.integers(len(FESTOON)))].append(bulb)
            wires.append(cap.moved(point))
    meshes.add("festoon wires", wires, materials.plain("wire", (0.01, 0.01, 0.01), 0.6))
    for index, ((colour, radiance), group) in enumerate(zip(FESTOON, bulbs, strict=True)):
        if group:
            glow = materials.emission(f"bulb {index}", colour, radiance)
            materials.seen_only(meshes.add(f"bulbs {index}", group, glow, smooth=True))
    return len(rows)
