"""Things on and beside a jetty: a bench, a storm lantern, coiled rope, crates, floats, a rowing boat."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.materials import Shader
from bokehbench.blender.scripts.meshes import Shape
from bokehbench.blender.scripts.scenes import jetty, surfaces
from bokehbench.blender.scripts.scenes.seascape import WATER
from bokehbench.blender.scripts.scenes.surfaces import Colour


def bench(rng: np.random.Generator, place: tuple[float, float], paint: Colour) -> None:
    """A slatted bench along y that looks towards +x, with a straw hat, a blanket and a book on it."""
    long, seat = 1.5, 0.44
    slats = [
        meshes.box((0.02 + 0.092 * i, 0.0, seat - 0.022), (0.02 + 0.092 * i + 0.078, long, seat))
        for i in range(5)
    ]
    back = meshes.rotation(y=-0.22)
    for i in range(4):
        slat = meshes.box((-0.012, 0.0, 0.06 + 0.105 * i), (0.010, long, 0.06 + 0.105 * i + 0.082))
        slats.append(slat.moved((0.0, 0.0, seat), back))
    legs = []
    for y in (0.16, long - 0.16):
        t = np.linspace(0.0, 1.0, 14)
        front = np.stack([0.44 + 0.03 * np.sin(math.pi * 2 * t), 0 * t + y, seat * (1 - t) - 0.01], axis=1)
        rear = np.stack([0.05 - 0.06 * t, 0 * t + y, seat * (1 - t) - 0.01], axis=1)
        arm = np.stack([0.46 - 0.50 * t, 0 * t + y, seat + 0.21 + 0.03 * np.sin(math.pi * t)], axis=1)
        prop = np.stack([0.45 + 0.02 * np.sin(math.pi * t), 0 * t + y, seat + 0.215 * t - 0.01], axis=1)
        spine = np.stack([-0.11 * t, 0 * t + y, seat + 0.46 * t], axis=1)
        legs += [meshes.tube(line, 0.017, 8) for line in (front, rear, arm, prop, spine)]
        legs.append(meshes.tube(np.array([(0.0, y, seat - 0.035), (0.47, y, seat - 0.035)]), 0.015, 8))
    x, y = place
    wood = surfaces.painted("bench paint", paint, under=(0.30, 0.24, 0.17), chipped=0.75)
    meshes.add("bench slats", [slat.moved((x, y, 0.0)) for slat in slats], wood)
    iron = surfaces.plain("bench iron", (0.020, 0.022, 0.022), 0.4)
    meshes.add("bench legs", [leg.moved((x, y, 0.0)) for leg in legs], iron, smooth=True)
    _on_bench(rng, (x + 0.24, y, seat))


def _on_bench(rng: np.random.Generator, place: tuple[float, float, float]) -> None:
    x, y, z = place
    hat = [
        (0.0, 0.115),
        (0.05, 0.113),
        (0.078, 0.098),
        (0.088, 0.06),
        (0.092, 0.018),
        (0.10, 0.010),
        (0.16, 0.004),
        (0.188, 0.012),
        (0.187, 0.009),
        (0.15, 0.0),
    ]
    shader = Shader("straw")
    height = shader.node("SeparateXYZ", {0: shader.coordinates()}).outputs["Z"]
    rows = shader.math("SINE", shader.math("MULTIPLY", height, 900.0))
    plait = shader.math("MULTIPLY", rows, shader.noise(150.0, 2.0))
    straw = shader.done(shader.principled(shader.mix(plait, (0.34, 0.23, 0.10), (0.62, 0.48, 0.26)), 0.8))
    spot = (x, y + 0.35 + float(rng.uniform(-0.08, 0.08)), z + 0.002)
    tilt = meshes.rotation(x=0.06, y=-0.05)
    meshes.add("hat", meshes.lathe(hat, 40).moved(spot, tilt), straw, smooth=True)
    ribbon = meshes.lathe([(0.0915, 0.02), (0.0895, 0.055)], 40).moved(spot, tilt, (1.012, 1.012, 1.0))
    meshes.add("hat band", ribbon, surfaces.plain("ribbon", (0.04, 0.07, 0.17), 0.7), smooth=True)
    layers = [
        meshes.box((-0.17, -0.15, 0.0), (0.17, 0.15, 0.022)).moved(
            (0, 0, 0.024 * i), meshes.rotation(z=float(rng.normal(0, 0.03)))
        )
        for i in range(3)
    ]
    wool = surfaces.linen("blanket", (0.42, 0.36, 0.26), (0.32, 0.06, 0.05), 0.005)
    meshes.add("blanket", [layer.moved((x, y + 1.05, z)) for layer in layers], wool)
    cover = meshes.box((-0.07, -0.10, 0.0), (0.07, 0.10, 0.03)).moved(
        (x, y + 1.04, z + 0.072), meshes.rotation(z=0.4)
    )
    meshes.add("novel", cover, surfaces.plain("novel", (0.05, 0.13, 0.14), 0.6))


def storm_lantern(place: tuple[float, float], strength: float) -> None:
    """A lantern with a glass chimney that stands on the deck, lit."""
    x, y = place
    base = [
        (0.0, 0.0),
        (0.078, 0.0),
        (0.082, 0.006),
        (0.08, 0.038),
        (0.068, 0.05),
        (0.045, 0.056),
        (0.04, 0.075),
        (0.047, 0.08),
        (0.047, 0.086),
        (0.0, 0.086),
    ]
    hood = [
        (0.046, 0.235),
        (0.05, 0.24),
        (0.05, 0.25),
        (0.04, 0.262),
        (0.043, 0.275),
        (0.032, 0.288),
        (0.034, 0.298),
        (0.0, 0.306),
    ]
    spin = meshes.rotation(z=0.5)
    body = [
        part.moved((x, y, 0.003), spin)
        for part in (meshes.lathe(base, 36), meshes.lathe(hood, 36), *_guard())
    ]
    meshes.add(
        "storm lantern",
        body,
        surfaces.painted("lantern paint", (0.16, 0.025, 0.02), under=(0.12, 0.10, 0.09), chipped=0.4),
        smooth=True,
    )
    shader = Shader("chimney")
    height_ = shader.node("SeparateXYZ", {0: shader.coordinates(space="Generated")}).outputs["Z"]
    stops = [
        (0.0, (0.50, 0.16, 0.03)),
        (0.30, (1.0, 0.60, 0.22)),
        (0.55, (0.85, 0.36, 0.09)),
        (1.0, (0.32, 0.12, 0.04)),
    ]
    light = shader.node("Emission", {"Color": shader.ramp(height_, stops), "Strength": 1.7}).outputs[0]
    glow = shader.done(light)
    glow.cycles.emission_sampling = "NONE"
    glass = [(0.040, 0.086), (0.052, 0.125), (0.054, 0.16), (0.045, 0.205), (0.038, 0.238)]
    materials.seen_only(
        meshes.add("chimney", meshes.lathe(glass, 32).moved((x, y, 0.003)), glow, smooth=True)
    )
    materials.lamp("lantern light", (x, y, 0.16), (1.0, 0.60, 0.28), 3.2 * strength, 0.055)


def _guard() -> list[Shape]:
    """The lantern's side tubes, the rings around its chimney, its bail."""
    t = np.linspace(0.0, 1.0, 26)
    wires: list[Shape] = []
    for side in (-1.0, 1.0):
        out = 0.078 + 0.022 * np.sin(math.pi * t) - 0.03 * t**3
        wires.append(meshes.tube(np.stack([side * out, 0 * t, 0.03 + 0.235 * t], axis=1), 0.0065, 10))
    turn = np.linspace(0.0, math.pi, 24)
    bail = np.stack([0.085 * np.cos(turn), 0.06 + 0.02 * np.sin(turn), 0.24 + 0.135 * np.sin(turn)], axis=1)
    wires.append(meshes.tube(bail, 0.0028, 6))
    for height in (0.125, 0.195):
        ring = np.linspace(0, 2 * math.pi, 33)
        wires.append(
            meshes.tube(
                np.stack([0.060 * np.cos(ring), 0.060 * np.sin(ring), 0 * ring + height], axis=1), 0.0022, 5
            )
        )
    return wires


def coil(rng: np.random.Generator, place: tuple[float, float]) -> None:
    """Rope laid down in rings, its end trailing off."""
    angle = np.arange(0.0, 2 * math.pi * 12, 0.22)
    ring = angle / (2 * math.pi)
    layer = np.floor(ring / 4.0)
    within = ring - 4.0 * layer
    inward = np.where(layer % 2 == 0, within, 4.0 - within)
    out = 0.235 - 0.030 * inward - 0.006 * layer + 0.004 * np.sin(3 * angle)
    rise = 0.016 + 0.027 * layer + 0.003 * np.sin(5 * angle + 1.0)
    spiral = np.stack([out * np.cos(angle), out * np.sin(angle), rise], axis=1)
    t = np.linspace(0.0, 1.0, 30)[:, None]
    first = spiral[0]
    tail = (
        first
        + np.concatenate([0.10 * t + 0.12 * t**2, -0.55 * t, -0.0 * t], axis=1)
        + np.concatenate([0.06 * np.sin(5 * t), 0 * t, 0 * t], axis=1)
    )
    line = np.add(np.concatenate([tail[::-1], spiral[1:]]), (*place, 0.001))
    meshes.add(
        "coil", jetty.strands(line, 0.0155, 5), jetty.hemp("coil hemp", (0.44, 0.34, 0.21)), smooth=True
    )


def bollard(rng: np.random.Generator, place: tuple[float, float], wood: Any) -> None:
    """A short post on the deck with a rope made fast to it."""
    x, y = place
    parts = [jetty.pile(rng, (x, y), 0.36, 0.075)]
    meshes.add("bollard", parts, wood, smooth=True)
    band = meshes.lathe([(0.078, 0.325), (0.080, 0.327), (0.080, 0.347), (0.077, 0.349)], 28)
    meshes.add(
        "bollard band",
        band.moved((x, y, 0.0)),
        surfaces.metal("rusty band", (0.22, 0.12, 0.07), 0.5),
        smooth=True,
    )
    rope = [jetty.wound((x, y, 0.12), 0.076, 0.015, 4, rng)]
    away = meshes.sagging((x + 0.09, y + 0.02, 0.20), (x + 1.05, y + 5.2, -0.16), 0.20, 60)
    rope.append(jetty.strands(away, 0.015, 5))
    meshes.add("mooring rope", rope, jetty.hemp("mooring hemp", (0.36, 0.30, 0.20)), smooth=True)


def crate(rng: np.random.Generator, place: tuple[float, float], turn: float) -> None:
    """A slatted fish crate with floats in it and one beside it."""
    wide, deep, high = 0.52, 0.36, 0.27
    slats = []
    for z in (0.01, 0.10, 0.19):
        top = z + 0.072
        slats += [
            meshes.box((-wide / 2, s * deep / 2 - 0.007, z), (wide / 2, s * deep / 2 + 0.007, top))
            for s in (-1, 1)
        ]
        slats += [
            meshes.box((s * wide / 2 - 0.007, -deep / 2, z), (s * wide / 2 + 0.007, deep / 2, top))
            for s in (-1, 1)
        ]
    slats += [
        meshes.box(
            (a * (wide / 2 - 0.03) - 0.02, b * (deep / 2 - 0.022) - 0.015, 0.0),
            (a * (wide / 2 - 0.03) + 0.02, b * (deep / 2 - 0.022) + 0.015, high),
        )
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    slats.append(meshes.box((-wide / 2, -deep / 2, 0.0), (wide / 2, deep / 2, 0.012)))
    spin = meshes.rotation(z=turn)
    box = [slat.moved((*place, 0.003), spin) for slat in slats]
    meshes.add("crate", box, surfaces.wood("crate wood", (0.30, 0.20, 0.11), worn=0.35, fine=2.0))
    paints = ((0.60, 0.13, 0.02), (0.62, 0.56, 0.44), (0.05, 0.20, 0.26))
    floats: list[list[Shape]] = [[] for _ in paints]
    spots = [
        (-0.14, -0.05, 0.12),
        (0.02, 0.06, 0.12),
        (0.16, -0.04, 0.12),
        (-0.06, -0.02, 0.26),
        (0.10, 0.03, 0.27),
        (-0.38, -0.10, 0.086),
    ]
    for index, (dx, dy, z) in enumerate(spots):
        ball = meshes.sphere(0.088, 22)
        neck = meshes.tube(np.array([(0, 0, 0.08), (0, 0, 0.118)]), 0.022, 10)
        tilt = meshes.rotation(x=float(rng.uniform(-1.2, 1.2)), y=float(rng.uniform(-1.2, 1.2)))
        spot = np.array((*place, 0.003)) + spin @ np.array((dx, dy, z))
        floats[(index + int(rng.integers(2))) % 3] += [ball.moved(spot, tilt), neck.moved(spot, tilt)]
    for index, (group, colour) in enumerate(zip(floats, paints, strict=True)):
        if group:
            meshes.add(
                f"floats {index}",
                group,
                surfaces.painted(f"float paint {index}", colour, under=(0.4, 0.36, 0.3), chipped=0.2),
                smooth=True,
            )


def boat(rng: np.random.Generator, place: tuple[float, float], turn: float, paint: Colour) -> None:
    """A clinker-built rowing boat at its mooring, with thwarts and oars."""
    u = np.linspace(-1.0, 1.0, 41)
    strakes = 6
    v = np.repeat(np.linspace(0.0, 1.0, strakes + 1), 2)[1:-1]
    lap = np.tile((0.0, 0.012), strakes)
    beam = 0.66 * (1 - np.abs(u) ** 2.7) ** 0.8 * np.where(u > 0, 1.0, 1.0 - 0.05 * u) + 0.015
    sheer = 0.48 + 0.16 * u**2 + 0.06 * np.maximum(u, 0)
    keel = -0.12 + 0.10 * np.abs(u) ** 5
    spread = np.sin(0.5 * math.pi * v) ** 0.75
    half = beam[:, None] * spread[None] + lap[None] * 0.9
    z = keel[:, None] + (sheer - keel)[:, None] * v[None] ** 1.25
    x = 1.75 * u[:, None] + 0.12 * v[None] * u[:, None]
    shell = [meshes.grid(x, side * half, z) for side in (-1.0, 1.0)]
    inner = [meshes.grid(x * 0.985, side * np.maximum(half - 0.028, 0.0), z + 0.012) for side in (-1.0, 1.0)]
    rim = [
        meshes.tube(np.stack([x[:, -1], side * half[:, -1], z[:, -1]], axis=1), 0.021, 8)
        for side in (-1.0, 1.0)
    ]
    thwarts = []
    for at in (-0.55, 0.02, 0.55):
        i = int(np.argmin(np.abs(u - at)))
        thwarts.append(
            meshes.box((1.75 * at - 0.11, -half[i, -3], 0.30), (1.75 * at + 0.11, half[i, -3], 0.328))
        )
    for side in (-1.0, 1.0):
        shaft = np.array([(-1.35, side * 0.16, 0.42), (0.2, side * 0.24, 0.40), (0.95, side * 0.28, 0.46)])
        thwarts.append(meshes.tube(shaft, 0.02, 8))
        thwarts.append(meshes.sphere(0.09, 14).moved((-1.5, side * 0.15, 0.42), None, (2.4, 0.75, 0.14)))
    level = meshes.rotation(x=float(rng.normal(0.0, 0.02)), z=turn)
    at3 = (*place, WATER - 0.02)

    def put(name: str, parts: list[Shape], material: Any, *, smooth: bool) -> None:
        meshes.add(name, [part.moved(at3, level) for part in parts], material, smooth=smooth)

    put(
        "hull",
        shell,
        surfaces.painted("hull paint near", paint, under=(0.25, 0.2, 0.15), chipped=0.35),
        smooth=False,
    )
    put(
        "hull inside",
        inner,
        surfaces.wood("boat wood", (0.30, 0.18, 0.09), along="X", worn=0.25),
        smooth=False,
    )
    put("gunwale", rim, surfaces.wood("gunwale wood", (0.22, 0.12, 0.06), along="X", worn=0.2), smooth=True)
    put(
        "thwarts",
        thwarts,
        surfaces.wood("thwart wood", (0.34, 0.22, 0.12), along="Y", worn=0.35),
        smooth=False,
    )


def gull(place: tuple[float, float, float], turn: float) -> None:
    """A gull on a post."""
    size = (1.75, 0.85, 0.82)
    body = meshes.sphere(0.085, 20).moved((0, 0, 0.16), meshes.rotation(y=-0.30), size)
    head_ = meshes.sphere(0.046, 16).moved((0.125, 0, 0.262), None, (1.15, 0.95, 0.95))
    neck = meshes.tube(
        np.array([(0.07, 0, 0.19), (0.105, 0, 0.225), (0.12, 0, 0.255)]), np.array((0.058, 0.047, 0.042)), 14
    )
    wings = [
        meshes.sphere(0.085, 16).moved(
            (-0.05, s * 0.048, 0.165), meshes.rotation(y=-0.16, z=s * 0.06), (1.95, 0.42, 0.56)
        )
        for s in (-1, 1)
    ]
    tail = meshes.box((-0.26, -0.025, 0.112), (-0.12, 0.025, 0.124))
    bill = meshes.tube(
        np.array([(0.165, 0, 0.258), (0.20, 0, 0.254), (0.218, 0, 0.246)]), np.array((0.013, 0.010, 0.003)), 8
    )
    feet = [
        meshes.tube(np.array([(0.02, s * 0.025, 0.0), (0.015, s * 0.025, 0.11)]), 0.0045, 6) for s in (-1, 1)
    ]
    spin = meshes.rotation(z=turn)
    for name, parts, colour in (
        ("gull white", [body, head_, neck], (0.70, 0.69, 0.66)),
        ("gull grey", [*wings, tail], (0.26, 0.28, 0.31)),
        ("gull yellow", [bill, *feet], (0.62, 0.36, 0.05)),
    ):
        meshes.add(
            name, [part.moved(place, spin) for part in parts], surfaces.plain(name, colour, 0.75), smooth=True
        )
