"""An evening terrace: paving, bentwood chairs, round tables, strings of bulbs, olive trees, hills."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import finishes, glassware, plants, tableware

Glow = tuple[materials.Colour, float]


def ground() -> None:
    """The paving, and dark earth beyond it."""
    slabs = finishes.stone("paving", (0.20, 0.155, 0.12))
    meshes.add("paving", meshes.quad((-14, -4, 0), (28, 0, 0), (0, 22, 0)), slabs)
    earth = materials.plain("earth", (0.022, 0.024, 0.016), 0.95)
    meshes.add("earth", meshes.quad((-260, 18, -0.04), (520, 0, 0), (0, 420, 0)), earth)


def _hoop(half: float, low: float, high: float, radius: float) -> Shape:
    """A bent rod of a chair's back: up one side from `low`, around at `high`, down the other side."""
    turn = np.linspace(0.0, math.pi, 17)
    rise = np.linspace(low, low + 0.72 * (high - low), 9)[:-1]
    x = np.concatenate([np.full(8, -half), -half * np.cos(turn), np.full(8, half)])
    z = np.concatenate([rise, rise[-1] + (high - rise[-1]) * np.sin(turn), rise[::-1]])
    z[8:25] = low + (high - low) * (0.72 + 0.28 * np.sin(turn))
    y = -0.19 - 0.16 * np.clip(z - 0.46, 0, 1) - 0.10 * np.clip(0.46 - z, 0, 1)
    return meshes.tube(np.stack([x, y, z], axis=1), radius, 9)


def chairs(places: Sequence[tuple[float, float, float]], colour: materials.Colour) -> None:
    """Bentwood chairs at (x, y, heading); heading 0 looks along +y."""
    parts = [_hoop(0.205, 0.0, 0.92, 0.0145), _hoop(0.125, 0.46, 0.80, 0.011)]
    for x in (-0.165, 0.165):
        leg = np.linspace((x, 0.155, 0.45), (1.22 * x, 0.20, 0.0), 5)
        parts.append(meshes.tube(leg, np.linspace(0.017, 0.012, 5), 9))
    a = np.linspace(0.0, 2 * math.pi, 33)
    brace = np.stack([0.155 * np.cos(a), 0.155 * np.sin(a), np.full(33, 0.24)], axis=1)
    parts.append(meshes.tube(brace, 0.009, 7))
    parts.append(
        meshes.lathe([(0.185, 0.435), (0.212, 0.437), (0.216, 0.452), (0.208, 0.464), (0.185, 0.462)], 40)
    )
    offsets = np.array([(x, y, 0.0) for x, y, _ in places])
    turns = np.array([meshes.rotation(z=heading) for *_, heading in places])
    bent = finishes.wood("bentwood", colour, 0.30, 0.5, 2)
    meshes.scatter(meshes.add("chairs", parts, bent, smooth=True), offsets, turns, np.ones(len(places)))
    seat = meshes.lathe([(0.19, 0.455), (0.1, 0.450), (0.0, 0.449)], 32)
    cane = meshes.add("cane", seat, finishes.linen("cane", (0.34, 0.22, 0.10)), smooth=True)
    meshes.scatter(cane, offsets, turns, np.ones(len(places)))


def round_tables(places: Sequence[tuple[float, float]]) -> None:
    """Bistro tables with a candle and two glasses each."""
    high = 0.744
    top = [(0.0, 0.715), (0.33, 0.715), (0.345, 0.72), (0.35, 0.735), (0.345, 0.742), (0.0, high)]
    foot = [(0.0, 0.0), (0.24, 0.0), (0.23, 0.02), (0.05, 0.05), (0.03, 0.1), (0.026, 0.715)]
    shell, body = glassware.votive(24)
    wine_glass = glassware.wine_glass(0.3, 20)[0]
    clear = meshes.join(
        [shell, wine_glass.moved((-0.13, 0.05, 0.0)), wine_glass.moved((0.14, -0.02, 0.0))]
    ).moved((0.0, 0.0, high))
    feet = np.array([(x, y, 0.0) for x, y in places])
    iron = materials.plain("iron", (0.015, 0.015, 0.016), 0.4, Metallic=0.5)
    for name, shape, look in (
        ("round tops", meshes.lathe(top, 48), finishes.glazed("marble", (0.50, 0.47, 0.44), 0.1)),
        ("round feet", meshes.lathe(foot, 28), iron),
        ("round glasses", clear, finishes.glass("far glass")),
        ("round wax", body.moved((0, 0, high)), finishes.wax("far wax", (0.80, 0.70, 0.52))),
    ):
        thing = meshes.add(name, shape, look, smooth=True)
        meshes.scatter(thing, feet, np.repeat(np.eye(3)[None], len(feet), axis=0), np.ones(len(feet)))
    flames = [tableware.flame(0.04).moved((x, y, high + 0.038)) for x, y in places]
    materials.seen_only(meshes.add("round flames", flames, finishes.flame(), smooth=True))
    for x, y in places:
        materials.lamp("table candle", (x, y, 0.81), (1.0, 0.5, 0.18), 1.6, 0.02)


def strings(rng: np.random.Generator, wires: Sequence[tuple[Any, Any]], glows: Sequence[Glow]) -> int:
    """Strings of globe bulbs between pairs of points, larger where they are far; how many bulbs."""
    cords: list[Shape] = []
    bulbs: list[list[Shape]] = [[] for _ in glows]
    cap = meshes.lathe([(0.021, -0.045), (0.022, -0.01), (0.014, 0.0), (0.0, 0.005)], 10)
    for start, end in wires:
        length = float(np.linalg.norm(np.subtract(end, start)))
        sag = length * float(rng.uniform(0.06, 0.09))
        cords.append(meshes.tube(meshes.sagging(start, end, sag, 26), 0.0055, 5))
        for point in meshes.sagging(start, end, sag, round(length / 0.62))[1:-1]:
            cords.append(cap.moved(point))
            radius = 0.045 + 0.0022 * max(0.0, float(point[1]) - 6.0)
            bulb = meshes.sphere(radius, 14).moved(point - (0.0, 0.0, 0.055 + radius - 0.012))
            bulbs[int(rng.integers(len(glows)))].append(bulb)
    meshes.add("string wires", cords, materials.plain("string wire", (0.012, 0.012, 0.012), 0.5))
    for index, ((colour, radiance), group) in enumerate(zip(glows, bulbs, strict=True)):
        if group:
            glow = materials.emission(f"bulb {index}", colour, radiance)
            materials.seen_only(meshes.add(f"bulbs {index}", group, glow, smooth=True))
    return sum(map(len, bulbs))


def olive_trees(rng: np.random.Generator, places: Sequence[tuple[float, float, float]]) -> None:
    """Olive trees in clay pots at (x, y, height)."""
    bark, leaves, pots, soil = [], [], [], []
    habit = plants.Habit(levels=2, leaves=20, sides=9, bare=0.35, spread=0.8)
    pot = [(0.0, 0.0), (0.19, 0.0), (0.205, 0.02), (0.265, 0.40), (0.295, 0.41), (0.30, 0.47)]
    for x, y, height in places:
        pots.append(meshes.lathe([*pot, (0.265, 0.475), (0.25, 0.44)], 36).moved((x, y, 0)))
        soil.append(meshes.lathe([(0.255, 0.43), (0.0, 0.45)], 24).moved((x, y, 0)))
        lean = (float(rng.normal(0, 0.06)), float(rng.normal(0, 0.06)))
        grown = plants.tree(rng, (x, y, 0.4), height, 0.045, lean, habit)
        bark.extend(grown.wood)
        leaves.append(grown.leaves(rng, plants.leaf(1, 3, 0.17), (0.055, 0.095)))
    meshes.add("olive bark", bark, finishes.wood("olive bark", (0.10, 0.08, 0.06), 0.9, 0.0, 2), smooth=True)
    silver = finishes.foliage("olive", ((0.05, 0.07, 0.03), (0.10, 0.12, 0.065), (0.16, 0.17, 0.11)))
    meshes.add("olive leaves", leaves, silver, smooth=True)
    meshes.add("pots", pots, finishes.plaster("clay", (0.34, 0.145, 0.075)), smooth=True)
    meshes.add("soil", soil, materials.plain("soil", (0.02, 0.014, 0.01), 1.0))


def hedge(rng: np.random.Generator, start: Array, end: Array, height: float, count: int) -> None:
    """A clipped hedge between two points of the ground [3]: leaves over a dark core."""
    along = (end - start) / np.linalg.norm(end - start)
    side = np.array((along[1], -along[0], 0.0))
    side *= -1.0 if side[1] > 0 else 1.0  # towards the camera
    top = rng.random(count) < 0.35
    up = np.where(top, height + rng.normal(0, 0.03, count), rng.uniform(0.05, height, count))
    out = np.where(top, rng.uniform(-0.3, 0.3, count), 0.32 + rng.normal(0, 0.03, count))
    points = start + rng.random(count)[:, None] * (end - start) + out[:, None] * side
    points[:, 2] = up
    turns = meshes.facing(side + rng.normal(0, 0.8, points.shape) + (0, 0, 0.5), rng.uniform(-1, 1, count))
    leaves = plants.leaf(1, 3, 0.32).copies(points, turns, rng.uniform(0.08, 0.14, count))
    green = finishes.foliage("hedge", ((0.02, 0.05, 0.012), (0.05, 0.10, 0.02), (0.09, 0.14, 0.035)))
    meshes.add("hedge", leaves, green, smooth=True)
    corner = start - 0.3 * side
    face = meshes.quad(corner + 0.58 * side, end - start, (0, 0, height - 0.04))
    lid = meshes.quad(corner + np.array((0, 0, height - 0.04)), end - start, 0.58 * side)
    meshes.add("hedge core", [face, lid], materials.plain("hedge core", (0.006, 0.010, 0.004), 1.0))


def hills(rng: np.random.Generator, lights: int) -> None:
    """Ridges against the dusk, darker where wooded, with the lights of a town on the nearer one."""
    ridges = (
        (330.0, 30.0, (0.060, 0.062, 0.095), (0.10, 0.085, 0.11)),
        (120.0, 7.5, (0.012, 0.016, 0.024), (0.040, 0.042, 0.058)),
    )
    for far, high, dark, light in ridges:
        x = np.linspace(-0.8, 0.8, 200) * far
        wave = sum(
            rng.uniform(0.3, 1.0) * np.sin(x / far * k + rng.uniform(0, 6.3)) / k for k in (3, 7, 13, 29, 61)
        )
        top = high * (0.8 + 0.4 * wave) + rng.normal(0.0, 0.012 * high, x.size)
        sheet = meshes.grid(
            np.stack([x, x]), np.full((2, x.size), far), np.stack([np.full_like(x, -5.0), top])
        )
        shader = materials.Shader(f"ridge {far:.0f}")
        woods = shader.noise(3.4, 6.0, shader.coordinates((6.0 / far, 1.0, 20.0 / far)))
        tone = shader.ramp(woods, [(0.38, dark), (0.66, light)])
        air = shader.done(shader.node("Emission", {"Color": tone, "Strength": 1.0}).outputs[0])
        air.cycles.emission_sampling = "NONE"
        materials.seen_only(meshes.add(f"ridge {far:.0f}", sheet, air))
    where = np.clip(rng.normal(rng.uniform(-0.3, 0.1), 0.16, lights), -0.6, 0.6) * far
    rise = np.interp(where, x, top) * rng.beta(1.3, 2.6, lights) + 0.8
    sizes = rng.uniform(0.2, 0.36, lights)
    lamps = [
        meshes.sphere(r, 10).moved((u, far - 2.0, v)) for r, u, v in zip(sizes, where, rise, strict=True)
    ]
    glow = materials.emission("town", (1.0, 0.55, 0.20), 2.2)
    materials.seen_only(meshes.add("town", lamps, glow, smooth=True))
