"""A stone fountain: an octagonal basin with painted tiles, a bowl on a shaft, water that falls in arcs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Shape, Vector

# Profiles, (radius, height) in metres. Above the basin's tiles its rim overhangs and turns down to the water.
PLINTH = [(1.10, 0.0), (1.10, 0.085), (1.085, 0.10), (0.92, 0.10)]
RIM = [(0.88, 0.475), (0.93, 0.475), (0.955, 0.49), (0.96, 0.515), (0.955, 0.54), (0.93, 0.555)]
RIM += [(0.79, 0.555), (0.765, 0.54), (0.76, 0.5), (0.76, 0.2)]
SHAFT = [(0.26, 0.2), (0.26, 0.42), (0.20, 0.46), (0.13, 0.52), (0.105, 0.62), (0.135, 0.74), (0.105, 0.84)]
SHAFT += [(0.085, 0.90), (0.13, 0.94), (0.14, 0.97)]
BOWL = [(0.14, 0.97), (0.26, 0.99), (0.37, 1.035), (0.435, 1.10), (0.455, 1.135), (0.445, 1.15)]
BOWL += [(0.42, 1.145), (0.38, 1.115), (0.2, 1.07), (0.07, 1.06)]
FINIAL = [(0.07, 1.06), (0.06, 1.14), (0.085, 1.18), (0.10, 1.23), (0.085, 1.28), (0.04, 1.31), (0.03, 1.34)]
FINIAL += [(0.045, 1.37), (0.035, 1.40), (0.0, 1.42)]


def limestone(name: str, colour: materials.Colour = (0.42, 0.36, 0.27)) -> Any:
    """Worn pale stone: pits, darker where it is damp and in streaks below edges."""
    shader = materials.Shader(name)
    pits, cloud = shader.noise(70.0, 4.0), shader.noise(3.5, 7.0, roughness=0.65)
    streak = shader.noise(6.0, 5.0, shader.coordinates((2.0, 2.0, 0.25)))
    r, g, b = colour
    body = shader.ramp(
        cloud, [(0.36, (0.62 * r, 0.6 * g, 0.56 * b)), (0.55, colour), (0.68, (1.3 * r, 1.3 * g, 1.3 * b))]
    )
    stained = shader.mix(
        shader.ramp(streak, [(0.50, (0, 0, 0)), (0.68, (0.8,) * 3)]), body, (0.3 * r, 0.33 * g, 0.3 * b)
    )
    height = shader.math("ADD", shader.math("MULTIPLY", pits, 0.5), cloud)
    return shader.done(shader.principled(stained, 0.85, Normal=shader.bump(height, 0.6, 0.012)))


def _painted_tiles() -> Any:
    """Glazed tiles with a star in blue, ochre and white, a few of them worn."""
    shader = materials.Shader("painted tiles")
    split = shader.node("SeparateXYZ", {0: shader.node("TexCoord").outputs["UV"]})
    u, v = (shader.math("SUBTRACT", shader.math("FRACT", split.outputs[axis]), 0.5) for axis in "XY")
    along, up = shader.math("ABSOLUTE", u), shader.math("ABSOLUTE", v)
    square, diamond = shader.math("MAXIMUM", along, up), shader.math("ADD", along, up)
    star = shader.math("MINIMUM", square, shader.math("MULTIPLY", diamond, 0.72))
    blue, white, ochre = (0.025, 0.075, 0.26), (0.66, 0.64, 0.57), (0.52, 0.27, 0.04)
    inner = shader.ramp(
        star, [(0.0, ochre), (0.10, white), (0.15, blue), (0.30, white), (0.345, (0.05, 0.22, 0.16))]
    )
    inner.node.color_ramp.interpolation = "CONSTANT"
    joint = shader.math("GREATER_THAN", square, 0.485)
    tiled = shader.mix(joint, inner, (0.30, 0.27, 0.22))
    worn = shader.ramp(shader.noise(9.0, 6.0), [(0.60, (0, 0, 0)), (0.64, (1, 1, 1))])
    colour = shader.mix(worn, tiled, (0.40, 0.30, 0.21))
    return shader.done(
        shader.principled(colour, shader.math("ADD", 0.16, shader.math("MULTIPLY", worn, 0.6)))
    )


def build(rng: np.random.Generator, place: Vector) -> None:
    """Make it around `place`, its foot on the ground."""
    turn = meshes.rotation(z=math.pi / 8 + float(rng.normal(0.0, 0.05)))
    foot = np.asarray(place, np.float64)
    stone = limestone("fountain stone")
    meshes.add("basin", [meshes.lathe(p, 8).moved(foot, turn) for p in (PLINTH, RIM)], stone)
    band = meshes.add("basin tiles", _tiled_band(0.885, 0.10, 0.48).moved(foot, turn), _painted_tiles())
    _unwrap(band, 0.135, 0.885)
    turned = [meshes.lathe(profile, 40).moved(foot) for profile in (SHAFT, BOWL, FINIAL)]
    meshes.add("fountain shaft", turned, stone, smooth=True)
    _water(rng, foot, turn)


def _tiled_band(radius: float, low: float, high: float) -> Shape:
    return meshes.lathe([(radius, low), (radius, high)], 8)


def _unwrap(band: Any, tile: float, radius: float) -> None:
    """UV in tiles: along each of the eight sides from its middle, and up."""
    side = 2.0 * radius * math.sin(math.pi / 8)
    count, rows = max(1, round(side / tile)), max(1, round(0.38 / tile))
    layer = band.data.uv_layers.new(name="tiles")
    for polygon in band.data.polygons:
        corners = [band.data.vertices[index].co for index in polygon.vertices]
        low = min(corner.z for corner in corners)
        for loop, corner, start in zip(polygon.loop_indices, corners, (0, 1, 1, 0), strict=True):
            layer.data[loop].uv = (count * start, rows if corner.z > low + 0.01 else 0)


def _water(rng: np.random.Generator, foot: Any, turn: Any) -> None:
    """Surfaces with ripples, and strands of falling drops."""
    shader = materials.Shader("water")
    across = shader.coordinates()
    rings = shader.node(
        "TexWave",
        {"Vector": across, "Scale": 7.0, "Distortion": 5.0, "Detail": 2.0},
        wave_type="RINGS",
        rings_direction="SPHERICAL",
    )
    ripple = shader.math("ADD", rings.outputs["Fac"], shader.math("MULTIPLY", shader.noise(14.0, 3.0), 1.5))
    depth = shader.mix(shader.noise(2.0, 4.0), (0.012, 0.05, 0.055), (0.03, 0.10, 0.10))
    surface = shader.done(shader.principled(depth, 0.06, Normal=shader.bump(ripple, 0.25, 0.02)))
    pool = meshes.lathe([(0.0, 0.44), (0.4, 0.44), (0.775, 0.44)], 8).moved((0, 0, 0), turn)
    upper = meshes.lathe([(0.06, 1.118), (0.39, 1.122)], 40)
    for name, sheet in (("pool", pool), ("bowl water", upper)):
        meshes.add(name, sheet, surface).location = foot
    strands: list[Shape] = []
    drop = meshes.sphere(1.0, 8)
    for around in np.arange(8) * math.pi / 4 + math.pi / 8:
        out = np.array((math.cos(around), math.sin(around), 0.0))
        fall = np.linspace(0.0, 1.0, 22) ** 0.7 * 0.70
        way = out * (0.45 + 0.17 * np.sqrt(fall / 0.70))[:, None]
        way[:, 2] = 1.14 - fall
        way[:, :2] += rng.normal(0.0, 0.0018, (22, 2))
        thick = (
            0.0055
            * (1.0 - 0.55 * fall / 0.7)
            * (1.0 + 0.35 * rng.normal(0.0, 1.0, 22).clip(-1.5, 1.5) * fall / 0.7)
        )
        strands.append(meshes.tube(foot + way, np.clip(thick, 0.0015, None), 7))
        for _ in range(16):
            spot = foot + out * float(rng.uniform(0.60, 0.66)) + rng.normal(0.0, 0.035, 3)
            spot[2] = foot[2] + 0.44 + abs(float(rng.normal(0.0, 0.06)))
            strands.append(drop.moved(spot, scale=float(rng.uniform(0.002, 0.0055))))
    clear = materials.plain("falling water", (0.72, 0.78, 0.80), 0.08, Specular_IOR_Level=0.9)
    meshes.add("falling water", strands, clear, smooth=True)
