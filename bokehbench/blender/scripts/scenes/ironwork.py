"""Wrought iron near the camera: a railing wound with small lights, and a lantern on a bracket."""

from __future__ import annotations

import math

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape, Vector

FAIRY_LIGHTS_TO = 11.0
"""Metres of railing that the lights are wound around."""


def railing(rng: np.random.Generator, start: Vector, end: Vector) -> None:
    """Rails, balusters, rings, posts with a ball on top, and a cable of small lights along the top rail.

    Args:
        rng: moves the lights a little.
        start, end: feet of its two ends.
    """
    foot, way = np.asarray(start, np.float64), np.subtract(end, start)
    length = float(np.linalg.norm(way))
    along = way / length
    up = np.array((0.0, 0.0, 1.0))

    def at(distance: float, height: float) -> Array:
        return np.asarray(foot + along * distance + up * height)

    def rail(height: float, radius: float) -> Shape:
        return meshes.tube(np.array([at(0.0, height), at(length, height)]), radius)

    parts = [rail(1.06, 0.024), rail(0.9, 0.012), rail(0.18, 0.016)]
    steps = np.arange(0.07, length, 0.125)
    parts += [meshes.tube(np.array([at(t, 0.18), at(t, 0.9)]), 0.009, 6) for t in steps]
    angle = np.linspace(0.0, 2 * math.pi, 17)[:, None]
    ring = 0.058 * (np.cos(angle) * along + np.sin(angle) * up)
    parts += [meshes.tube(at(t, 0.98) + ring, 0.006, 5) for t in np.arange(0.13, 7.0, 0.125)]
    post = [(0.04, 0.0), (0.04, 1.08), (0.06, 1.1), (0.06, 1.13), (0.022, 1.15), (0.022, 1.17)]
    for t in np.arange(0.28, length, 1.9):
        parts += [meshes.lathe(post, 14).moved(at(t, 0.0)), meshes.sphere(0.052, 18).moved(at(t, 1.21))]
    iron = materials.plain("railing iron", (0.018, 0.022, 0.026), 0.3, Metallic=0.5)
    meshes.add("railing", parts, iron, smooth=True)

    def wound(t: Array, radius: float) -> Array:
        side = np.array((math.sqrt(0.5), 0.0, 0.0)) * radius
        turns = 9.0 * t[:, None]
        return np.asarray(
            at(0.0, 1.06) + along * t[:, None] + radius * np.sin(turns) * up + np.cos(turns) * side
        )

    where = np.arange(0.16, FAIRY_LIGHTS_TO, 0.17)
    where += rng.uniform(-0.03, 0.03, len(where))
    lights = [meshes.sphere(0.011, 12).moved(place) for place in wound(where, 0.036)]
    fairy = materials.emission("fairy lights", (1.0, 0.60, 0.24), 6.0)
    materials.seen_only(meshes.add("fairy lights", lights, fairy, smooth=True))
    cable = meshes.tube(wound(np.arange(0.0, 7.0, 0.05), 0.03), 0.0025, 5)
    meshes.add("fairy cable", cable, materials.plain("cable", (0.02, 0.03, 0.02)))


def lantern(place: tuple[float, float, float], eye: float) -> None:
    """A six-sided lantern with a flame, hanging from a bracket that enters from the right.

    Args:
        place: middle of its base.
        eye: height of the camera; the flame is shown where the camera sees it through the glass.
    """
    iron = materials.plain("lantern iron", (0.016, 0.015, 0.014), 0.38, Metallic=0.6)
    meshes.add("lantern", meshes.join([*_cage(), *_bracket()]).moved(place), iron)
    shader = materials.Shader("lantern glass")
    height = shader.node("SeparateXYZ", {0: shader.coordinates(space="Generated")}).outputs["Z"]
    uneven = shader.math("ADD", height, shader.math("MULTIPLY", shader.noise(30.0), 0.25))
    stops = [(0.1, (0.55, 0.20, 0.045)), (0.5, (1.0, 0.52, 0.16)), (1.0, (0.45, 0.15, 0.03))]
    light = shader.node("Emission", {"Color": shader.ramp(uneven, stops), "Strength": 1.5}).outputs[0]
    glass = shader.done(light)
    glass.cycles.emission_sampling = "NONE"
    panes = meshes.lathe([(0.055, 0.003), (0.082, 0.187)], 6).moved(place, meshes.rotation(z=0.3))
    materials.seen_only(meshes.add("lantern panes", panes, glass))
    x, y, z = place
    towards = np.array((-x, -y, eye - z)) / math.hypot(x, y) * 0.085
    drop = [(0.0, 0.05), (0.016, 0.065), (0.02, 0.085), (0.011, 0.12), (0.0, 0.145)]
    flame = meshes.lathe(drop, 16).moved(np.array(place) + towards)
    seen = meshes.add("flame", flame, materials.emission("flame", (1.0, 0.66, 0.30), 6.0), smooth=True)
    materials.seen_only(seen).visible_glossy = False
    materials.lamp("lantern light", (x, y - 0.16, z + 0.06), (1.0, 0.56, 0.22), 1.6, 0.05)


def _cage() -> list[Shape]:
    angles = np.arange(7) * math.pi / 3 + 0.3
    corners = np.stack([np.cos(angles), np.sin(angles), np.zeros(7)], axis=1)
    low, high = 0.058 * corners, 0.085 * corners + (0.0, 0.0, 0.19)
    middle = 0.45 * low + 0.55 * high
    parts = [meshes.tube(np.array(pair), 0.0055, 6) for pair in zip(low[:6], high[:6], strict=True)]
    for rim, radius in ((low, 0.0065), (high, 0.0065), (middle, 0.003)):
        parts += [meshes.tube(rim[i : i + 2], radius, 6) for i in range(6)]
    slope = [(0.104, 0.185), (0.1, 0.195), (0.06, 0.245), (0.05, 0.25), (0.05, 0.27), (0.03, 0.285)]
    roof = meshes.lathe([*slope, (0.012, 0.295), (0.012, 0.31), (0.0, 0.315)], 6)
    base = meshes.lathe([(0.0, -0.035), (0.015, -0.03), (0.02, -0.015), (0.062, 0.0), (0.0, 0.0)], 12)
    return [*parts, roof.moved((0, 0, 0), meshes.rotation(z=0.3)), base]


def _bracket() -> list[Shape]:
    t, a = np.linspace(0.0, 1.0, 16), np.linspace(0.0, 7.0, 40)
    arm = np.stack([0.36 * (1 - t), np.zeros(16), 0.40 + 0.05 * np.sin(math.pi * t)], axis=1)
    wide = 0.012 + 0.012 * a
    scroll = np.stack([0.23 - wide * np.cos(a), np.zeros(40), 0.36 + wide * np.sin(a)], axis=1)
    hook = np.array([(0.0, 0.0, 0.40), (0.0, 0.0, 0.31)])
    return [meshes.tube(arm, 0.011), meshes.tube(scroll, 0.006), meshes.tube(hook, 0.007)]
