"""A football training pitch as seen from behind one of its goals: mown grass, lines, goals, balls, markers.

Made in the pitch's own frame: x along the near goal line from its middle, y towards the far goal, z up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape, Vector
from bokehbench.blender.scripts.scenes import plants
from bokehbench.blender.scripts.scenes.playthings import paint
from bokehbench.blender.scripts.scenes.suburb import Place

LENGTH, WIDTH = 44.0, 30.0
GOAL, BAR, BACK = 5.0, 2.0, 1.5
"""Width, height and depth of the goals."""
BALL = 0.11


def build(rng: np.random.Generator, place: Place) -> None:
    """Grass with its lines, both goals, a corner flag, markers."""
    _grass(place)
    _tufts(rng, place)
    for y, side in ((0.0, -1.0), (LENGTH, 1.0)):
        _goal(place, y, side)
    spots = [(float(rng.uniform(-4.0, 7.0)), float(rng.uniform(3.0, 16.0))) for _ in range(14)]
    cones = [
        meshes.lathe([(0.0, 0.06), (0.025, 0.06), (0.095, 0.008), (0.10, 0.0)], 20).moved((*spot, 0.02))
        for spot in spots
    ]
    for index, colour in enumerate(((0.75, 0.16, 0.02), (0.72, 0.58, 0.03))):
        chosen = [place(cone) for cone in cones[index::2]]
        meshes.add("markers", chosen, materials.plain("marker", colour, 0.45), smooth=True)


def _grass(place: Place) -> None:
    shader = materials.Shader("pitch")
    raw = shader.node("TexCoord").outputs["Object"]
    across = shader.node("SeparateXYZ", {0: raw}).outputs["Y"]
    stripe = shader.math(
        "GREATER_THAN", shader.math("SINE", shader.math("MULTIPLY", across, math.pi / 3.2)), 0.0
    )
    blades = shader.noise(90.0, 3.0)
    worn = shader.ramp(shader.noise(0.35, 6.0), [(0.50, (0.0, 0.0, 0.0)), (0.72, (0.8, 0.8, 0.8))])
    light = shader.mix(blades, (0.070, 0.135, 0.020), (0.115, 0.190, 0.034))
    dark = shader.mix(blades, (0.040, 0.095, 0.014), (0.075, 0.145, 0.024))
    tint = shader.mix(worn, shader.mix(stripe, dark, light), (0.17, 0.155, 0.062))
    grass = shader.done(shader.principled(tint, 0.9, Normal=shader.bump(blades, 0.8, 0.02)))
    sheet = meshes.quad((-WIDTH, -12.0, 0.0), (2 * WIDTH, 0.0, 0.0), (0.0, LENGTH + 20.0, 0.0))
    meshes.add("pitch", place(sheet), grass)
    w, half = 0.10, WIDTH / 2
    strips = [
        (-half, -w, half, 0.0),
        (-half, LENGTH, half, LENGTH + w),
        (-half, LENGTH / 2 - w / 2, half, LENGTH / 2 + w / 2),
    ]
    strips += [(s * half - w / 2, 0.0, s * half + w / 2, LENGTH) for s in (-1, 1)]
    for low, high in ((0.0, 7.0), (LENGTH - 7.0, LENGTH)):
        strips += [(s * 7.5 - w / 2, low, s * 7.5 + w / 2, high) for s in (-1, 1)]
    strips += [(-7.5, y0 - w / 2, 7.5, y0 + w / 2) for y0 in (7.0, LENGTH - 7.0)]
    shader = materials.Shader("chalk")
    rubbed = shader.ramp(
        shader.noise(14.0, 6.0, roughness=0.7), [(0.45, (0.66, 0.68, 0.62)), (0.66, (0.20, 0.25, 0.12))]
    )
    chalk = shader.done(shader.principled(rubbed, 0.9))
    lines = [meshes.quad((x0, y0, 0.006), (x1 - x0, 0, 0), (0, y1 - y0, 0)) for x0, y0, x1, y1 in strips]
    meshes.add("chalk lines", [place(line) for line in lines], chalk)


def _tufts(rng: np.random.Generator, place: Place) -> None:
    """Real blades where they can be told apart: one square of turf, shown many times."""
    side = 0.5
    feet = np.column_stack([rng.uniform(-side / 2, side / 2, (700, 2)), np.zeros(700)])
    shader = materials.Shader("blades")
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    tint = shader.ramp(
        island, [(0.0, (0.045, 0.10, 0.014)), (0.6, (0.10, 0.18, 0.028)), (1.0, (0.22, 0.20, 0.07))]
    )
    top = shader.principled(tint, 0.6)
    through = shader.node("BsdfTranslucent", {"Color": tint}).outputs[0]
    green = shader.done(shader.node("MixShader", {0: 0.35, 1: top, 2: through}).outputs[0])
    turf = meshes.add("turf", plants.blades(rng, feet, (0.028, 0.055), 0.055), green, smooth=True)
    x, y = np.meshgrid(np.arange(-7.0, 7.0, side), np.arange(-4.6, 9.0, side))
    spots = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)])
    world = place(Shape(spots, np.zeros((0, 3), np.int64))).vertices
    seen = (np.abs(world[:, 0]) < 0.5 * world[:, 1] + 0.4) & (world[:, 1] > 2.6) & (world[:, 1] < 11.0)
    world = world[seen]
    turns = np.array([meshes.rotation(z=a) for a in rng.integers(0, 4, len(world)) * math.pi / 2])
    meshes.scatter(turf, world, turns, np.ones(len(world)))


def _goal(place: Place, y: float, side: float) -> None:
    """Posts, bar and net; the net hangs towards `side` of the goal line."""
    half = GOAL / 2
    frame = np.array([(-half, y, 0.0), (-half, y, BAR), (half, y, BAR), (half, y, 0.0)])
    posts = [meshes.tube(np.array(pair), 0.05, 14) for pair in pairwise(frame)]
    posts += [meshes.sphere(0.05, 14).moved(corner) for corner in frame[1:3]]
    meshes.add(
        "goal", [place(post) for post in posts], paint("goal white", (0.70, 0.70, 0.67), 0.35), smooth=True
    )
    stays = [
        np.array([(s * half, y, BAR), (s * half, y + side * 0.7, BAR), (s * half, y + side * BACK, 0.0)])
        for s in (-1, 1)
    ]
    stays.append(np.array([(-half, y + side * BACK, 0.03), (half, y + side * BACK, 0.03)]))
    steel = materials.plain("stay", (0.30, 0.31, 0.32), 0.4, Metallic=0.5)
    meshes.add("stays", [place(meshes.tube(stay, 0.018, 8)) for stay in stays], steel, smooth=True)
    cell = 0.115 if side < 0 else 0.25
    cords = [place(meshes.tube(cord, 0.0026, 3)) for cord in _net(y, side, cell)]
    meshes.add("goal net", cords, materials.plain("net cord", (0.62, 0.62, 0.58), 0.8))


def _net(y: float, side: float, cell: float) -> list[Array]:
    """Cords of the net: a sheet from the bar over the back to the ground, and its two sides."""
    half = GOAL / 2
    t = np.linspace(0.0, 1.0, 15)
    out = np.interp(t, (0.0, 0.28, 1.0), (0.0, 0.7, BACK)) * side
    up = np.interp(t, (0.0, 0.28, 1.0), (BAR, BAR, 0.02))
    slack = 0.14 * np.sin(math.pi * t)
    lines = []
    for x in np.arange(-half, half + 0.01, cell):
        droop = slack * (1.0 - (x / half) ** 4)
        lines.append(np.stack([np.full_like(t, x), y + out + side * 0.4 * droop, up - 0.6 * droop], axis=1))
    x = np.linspace(-half, half, 19)
    for share in np.arange(0.0, 1.0, cell / 2.9):
        droop = np.interp(share, t, slack) * (1.0 - (x / half) ** 4)
        there, high = np.interp(share, t, out), np.interp(share, t, up)
        lines.append(np.stack([x, y + there + side * 0.4 * droop, high - 0.6 * droop], axis=1))
    for s in (-half, half):
        for share in np.arange(cell, 1.0, cell):
            reach = np.interp(BAR * (1.0 - share), (0.02, BAR), (BACK, 0.7)) * side
            lines.append(np.array([(s, y, BAR * (1 - share)), (s, y + reach, BAR * (1 - share))]))
        for share in np.arange(cell / BACK, 1.0, cell / BACK):
            top = float(np.interp(share * BACK, (0.7, BACK), (BAR, 0.02)))
            lines.append(np.array([(s, y + side * share * BACK, 0.0), (s, y + side * share * BACK, top)]))
    return lines


def balls(places: Sequence[Vector], rng: np.random.Generator) -> None:
    """Footballs with black pentagons at centres in the world."""
    golden = (1.0 + math.sqrt(5.0)) / 2.0
    axes = [(0, 1, golden), (0, 1, -golden), (1, golden, 0), (1, -golden, 0), (golden, 0, 1), (-golden, 0, 1)]
    shader = materials.Shader("football")
    where = shader.node(
        "VectorMath", {0: shader.node("TexCoord").outputs["Object"]}, operation="NORMALIZE"
    ).outputs[0]
    nearest = None
    for axis in axes:
        unit = tuple(np.array(axis) / math.hypot(1.0, golden))
        dot = shader.node("VectorMath", {0: where, 1: unit}, operation="DOT_PRODUCT").outputs["Value"]
        height = shader.math("ABSOLUTE", dot)
        nearest = height if nearest is None else shader.math("MAXIMUM", nearest, height)
    patch = shader.math("GREATER_THAN", nearest, 0.935)
    scuffs = shader.noise(26.0, 5.0)
    white = shader.ramp(scuffs, [(0.4, (0.70, 0.69, 0.64)), (0.75, (0.34, 0.32, 0.24))])
    skin = shader.done(shader.principled(shader.mix(patch, white, (0.02, 0.02, 0.022)), 0.38))
    thing = meshes.add("football", meshes.sphere(BALL, 32), skin, smooth=True)
    turns = np.array([meshes.rotation(*angles) for angles in rng.uniform(0.0, 6.3, (len(places), 3))])
    meshes.scatter(thing, np.array(places, np.float64), turns, np.ones(len(places)))
