"""The near land of the coast: turf, a trodden path, thrift, gorse, a dry-stone wall and sheep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import plants
from bokehbench.blender.scripts.scenes.relief import Relief, stone
from bokehbench.blender.scripts.scenes.weather import Haze

EDGE_DROP = 30.0
"""Metres over which the land ends below its rim, out of sight."""


class Land:
    """Heights of the cliff top; the sea lies towards −hand · x."""

    def __init__(self, rng: np.random.Generator, hand: float) -> None:
        self.hand = hand
        self.swell, self.lumps = Relief(rng, 4), Relief(rng, 4)
        self.bend = float(rng.uniform(-0.5, 0.5))

    def path(self, y: Any) -> Any:
        """x of the path's middle."""
        y = np.asarray(y, np.float64)
        return self.hand * (0.30 + 0.4 * self.bend + 0.6 * np.sin(0.16 * y + 1.4 * self.bend) - 0.035 * y)

    def rim(self, y: Any) -> Any:
        """hand · x of the cliff's edge."""
        y = np.asarray(y, np.float64)
        return -3.2 - 0.10 * y + 0.8 * np.sin(0.23 * y + 2.0 * self.bend)

    def off_path(self, x: Any, y: Any) -> Any:
        """0 on the path, 1 well beside it."""
        wander = 0.12 * self.lumps(0.7 * x, 0.7 * y)
        return np.clip((np.abs(x - self.path(y)) - 0.22 - 0.003 * y + wander) / 0.35, 0.0, 1.0)

    def height(self, x: Any, y: Any) -> Any:
        """z of the ground."""
        inland = self.hand * x - self.rim(y)
        z = 0.16 * self.swell(0.22 * x, 0.22 * y) + 0.045 * self.lumps(1.3 * x, 1.3 * y)
        z = z + 0.055 * np.clip(self.hand * (x - self.path(y)) - 0.9, 0.0, 60.0)  # a bank inland
        z = z - 0.018 * np.clip(y - 14.0, 0.0, None)
        hummock = np.exp(-(((self.hand * x + 0.42) / 0.5) ** 2) - ((y - 1.75) / 0.65) ** 2)
        z = z + (0.43 - z) * hummock - 0.07 * (1.0 - self.off_path(x, y))
        return np.where(inland < 0.0, z - 0.9 * inland**2 / (0.6 - inland), z)


def _worn(thing: Any, worn: Array) -> None:
    """Give a mesh the share of bare soil per vertex, for the attribute of that name."""
    layer = thing.data.attributes.new("worn", "FLOAT", "POINT")
    layer.data.foreach_set("value", worn.astype(np.float32).ravel())


def ground(land: Land, haze: Haze) -> None:
    """Turf with bare soil and small stones on the path."""
    across = np.linspace(-1.0, 1.0, 120)
    x, y = np.meshgrid(
        np.sign(across) * (0.12 * np.abs(across) + 0.88 * np.abs(across) ** 2.2), np.geomspace(0.7, 75.0, 120)
    )
    x = x * (1.5 + 0.75 * y)
    shader = materials.Shader("turf")
    where = shader.coordinates()
    blotch, fine = shader.noise(1.1, 6.0, where), shader.noise(34.0, 4.0, where)
    green = shader.ramp(
        blotch, [(0.36, (0.055, 0.085, 0.018)), (0.52, (0.11, 0.13, 0.03)), (0.66, (0.20, 0.165, 0.06))]
    )
    soil = shader.ramp(
        fine, [(0.34, (0.10, 0.068, 0.042)), (0.55, (0.24, 0.175, 0.115)), (0.68, (0.40, 0.33, 0.25))]
    )
    worn = shader.node("Attribute", attribute_name="worn").outputs["Fac"]
    uneven = shader.math("ADD", worn, shader.math("MULTIPLY", shader.math("SUBTRACT", fine, 0.5), 0.7))
    colour = shader.mix(shader.ramp(uneven, [(0.42, (0, 0, 0)), (0.6, (1, 1, 1))]), green, soil)
    surface = shader.principled(colour, 0.92, Normal=shader.bump(fine, 0.8, 0.03), Specular_IOR_Level=0.2)
    sheet = meshes.add("turf", meshes.grid(x, y, land.height(x, y)), haze.over(shader, surface), smooth=True)
    _worn(sheet, 1.0 - land.off_path(x, y))


def pebbles(rng: np.random.Generator, land: Land, haze: Haze) -> None:
    """Loose stones on the path."""
    feet = _places(rng, land, 2600, (1.5, 20.0), lambda x, y: land.off_path(x, y) < 0.5)
    blocks = [stone(rng, 6, 0.8) for _ in range(3)]
    kind = rng.integers(3, size=len(feet))
    size = 0.005 * rng.pareto(2.2, len(feet)).clip(0.2, 5.0) + 0.004
    turns = _upright(rng, len(feet), 0.4)
    loose = [blocks[i].copies(feet[kind == i], turns[kind == i], size[kind == i]) for i in range(3)]
    greys = ((0.14, 0.12, 0.10), (0.30, 0.26, 0.21), (0.42, 0.38, 0.33))
    meshes.add("pebbles", loose, lichened("pebble", greys, haze), smooth=True)


def foliage(name: str, colours: Any, haze: Haze, glow: float = 0.4, instances: bool = False) -> Any:
    """Thin leaves: each with a colour of its own, lit through from behind."""
    shader = materials.Shader(name)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    if instances:
        copy = shader.node("ObjectInfo").outputs["Random"]
        island = shader.math("FRACT", shader.math("ADD", shader.math("MULTIPLY", island, 0.6), copy))
    colour = shader.ramp(island, [(index / max(1, len(colours) - 1), c) for index, c in enumerate(colours)])
    top = shader.principled(colour, 0.5, Specular_IOR_Level=0.3)
    bright = shader.node("HueSaturation", {"Color": colour, "Saturation": 1.05, "Value": 1.9}).outputs[0]
    through = shader.node("BsdfTranslucent", {"Color": bright}).outputs[0]
    return haze.over(shader, shader.node("MixShader", {0: glow, 1: top, 2: through}).outputs[0])


def _upright(rng: np.random.Generator, count: int, lean: float) -> Array:
    turns = [
        meshes.rotation(x=a, y=b, z=c)
        for a, b, c in zip(
            rng.normal(0, lean, count),
            rng.normal(0, lean, count),
            rng.uniform(0, 2 * math.pi, count),
            strict=True,
        )
    ]
    return np.array(turns)


def _places(rng: np.random.Generator, land: Land, count: int, y: tuple[float, float], keep: Any) -> Array:
    """Feet [N, 3] in the field of view, as many per picture area near as far, where `keep(x, y)` says."""
    far = y[0] * (y[1] / y[0]) ** rng.random(count)
    x = rng.uniform(-0.56, 0.56, count) * far + rng.normal(0.0, 0.15, count)
    kept = keep(x, far) & (land.hand * x > land.rim(far) - 0.1)
    x, far = x[kept], far[kept]
    return np.stack([x, far, land.height(x, far)], axis=1)


def grass(rng: np.random.Generator, land: Land, haze: Haze) -> None:
    """Wind-bent tufts, dense beside the path; some of last year's straw."""
    greens = ((0.045, 0.085, 0.014), (0.10, 0.15, 0.03), (0.17, 0.20, 0.05), (0.27, 0.24, 0.09))
    material = foliage("grass", greens, haze, 0.45, instances=True)
    wind = meshes.rotation(y=land.hand * 0.32)
    for kind in range(4):
        radius = np.sqrt(rng.random(260)) * 0.17
        angle = rng.uniform(0.0, 2 * math.pi, 260)
        feet = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(260, -0.015)], axis=1)
        tuft = plants.blades(rng, feet, (0.06, 0.24), 0.014)
        leaning = Shape(tuft.vertices, tuft.faces)
        leaning.vertices[:, 0] += 0.45 * land.hand * np.clip(tuft.vertices[:, 2], 0.0, None) ** 1.4
        count = 900
        feet = _places(rng, land, count, (1.05, 32.0), lambda x, y: land.off_path(x, y) > rng.random(x.size))
        size = rng.uniform(0.55, 1.15, len(feet)) * (0.75 + 0.045 * feet[:, 1])
        size *= 0.6 + 0.4 * land.off_path(feet[:, 0], feet[:, 1])
        thing = meshes.add(f"tuft {kind}", leaning, material, smooth=True)
        meshes.scatter(thing, feet, wind @ _upright(rng, len(feet), 0.08), size)


def _thrift(rng: np.random.Generator) -> tuple[Shape, Shape, Shape]:
    """A cushion of sea pinks: (heads, stalks, leaves)."""
    heads, stalks = [], []
    ball = meshes.sphere(1.0, 18)
    for _ in range(11):
        foot = np.append(rng.normal(0.0, 0.045, 2), 0.0)
        tip = foot * 1.9 + (*rng.normal(0.0, 0.02, 2), float(rng.uniform(0.13, 0.25)))
        way = np.linspace(0.0, 1.0, 6)[:, None]
        stalks.append(
            meshes.tube(foot * (1 - way) + tip * way + 0.014 * np.sin(3.0 * way) * (1, 0, 0), 0.0014, 5)
        )
        frill = 1.0 + 0.16 * np.sin(9.0 * ball.vertices @ rng.normal(0, 1.2, (3, 3))).prod(axis=1)
        size = float(rng.uniform(0.012, 0.018))
        heads.append(
            Shape(ball.vertices * frill[:, None], ball.faces).moved(tip, scale=(size, size, 0.78 * size))
        )
        petal = plants.leaf(2, 3, 0.42)
        count = 34
        out = rng.normal(0.0, 1.0, (count, 3))
        out[:, 2] = np.abs(out[:, 2]) * 1.2
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        turns = meshes.facing(out + 0.3 * rng.normal(0, 1, out.shape), rng.uniform(0, 6.3, count))
        heads.append(petal.copies(tip + 0.7 * size * out, turns, rng.uniform(0.5, 0.8, count) * size))
    spread = rng.normal(0.0, 0.045, (150, 2))
    feet = np.column_stack([spread, np.full(150, -0.01)])
    return meshes.join(heads), meshes.join(stalks), plants.blades(rng, feet, (0.03, 0.085), 0.02)


def _daisy(rng: np.random.Generator) -> tuple[Shape, Shape, Shape]:
    """Ox-eye daisies on one root: (petals, eyes, stalks)."""
    petals, eyes, stalks = [], [], []
    petal = plants.leaf(2, 4, 0.17)
    for _ in range(4):
        foot = np.append(rng.normal(0.0, 0.04, 2), 0.0)
        tip = foot * 1.6 + (*rng.normal(0.0, 0.04, 2), float(rng.uniform(0.16, 0.34)))
        way = np.linspace(0.0, 1.0, 7)[:, None]
        stalks.append(
            meshes.tube(foot * (1 - way) + tip * way + 0.02 * np.sin(2.6 * way) * (1, 0.4, 0), 0.0015, 5)
        )
        turn = meshes.rotation(x=float(rng.normal(0.35, 0.3)), y=float(rng.normal(0.0, 0.3)))
        around = np.linspace(0.0, 2 * math.pi, 17)[:-1] + rng.normal(0.0, 0.05, 16)
        out = np.stack([np.cos(around), np.sin(around), np.full(16, 0.12)], axis=1) @ turn.T
        size = float(rng.uniform(0.016, 0.022))
        petals.append(
            petal.copies(tip + 0.3 * size * out, meshes.facing(out, np.zeros(16)), np.full(16, size))
        )
        eyes.append(meshes.sphere(0.42 * size, 12).moved(tip, turn, (1.0, 1.0, 0.5)))
    return meshes.join(petals), meshes.join(eyes), meshes.join(stalks)


def flowers(rng: np.random.Generator, land: Land, haze: Haze) -> None:
    """Sea pinks in drifts and some daisies, near the camera and along the rim."""
    pink = foliage("thrift", ((0.50, 0.12, 0.27), (0.62, 0.22, 0.40), (0.70, 0.34, 0.50)), haze, 0.3, True)
    green = foliage("flower stalks", ((0.07, 0.12, 0.02), (0.14, 0.17, 0.045)), haze, 0.3, True)
    white = foliage("daisies", ((0.74, 0.73, 0.68), (0.82, 0.81, 0.78)), haze, 0.25)
    yellow = materials.plain("daisy eye", (0.62, 0.34, 0.02), 0.7)

    def drift(x: Array, y: Array) -> Array:
        close = np.exp(-(((land.hand * x + 0.4) / 0.6) ** 2) - ((y - 1.7) / 0.6) ** 2)
        rim = np.exp(-(((land.hand * x - land.rim(y) - 0.8) / 0.9) ** 2))
        wanted = 0.9 * close + 0.5 * rim + 0.18 * (land.swell(0.9 * x, 0.9 * y) > 0.25)
        return (wanted > rng.random(x.size)) & (land.off_path(x, y) > 0.8)

    for kind in range(3):
        parts = _thrift(rng)
        feet = _places(rng, land, 170, (1.25, 13.0), drift)
        turns, sizes = _upright(rng, len(feet), 0.1), rng.uniform(0.8, 1.25, len(feet))
        for name, part, look in zip(("heads", "stalks", "cushion"), parts, (pink, green, green), strict=True):
            meshes.scatter(meshes.add(f"thrift {name} {kind}", part, look, smooth=True), feet, turns, sizes)
    for kind in range(2):
        parts = _daisy(rng)
        feet = _places(rng, land, 50, (1.5, 9.0), lambda x, y: land.off_path(x, y) > 0.7)
        turns, sizes = _upright(rng, len(feet), 0.1), rng.uniform(0.8, 1.2, len(feet))
        for name, part, look in zip(("petals", "eyes", "stalks"), parts, (white, yellow, green), strict=True):
            meshes.scatter(meshes.add(f"daisy {name} {kind}", part, look, smooth=True), feet, turns, sizes)


def gorse(rng: np.random.Generator, land: Land, haze: Haze) -> None:
    """Dark spiny bushes in flower on the bank."""
    spines = foliage("gorse", ((0.025, 0.05, 0.012), (0.06, 0.10, 0.02), (0.11, 0.13, 0.03)), haze, 0.2, True)
    bloom = foliage("gorse bloom", ((0.62, 0.40, 0.01), (0.75, 0.55, 0.03)), haze, 0.3, True)
    needle, petal = plants.leaf(2, 3, 0.10), plants.leaf(2, 3, 0.45)
    lumps = Relief(rng, 3)
    for kind in range(3):
        out = rng.normal(0.0, 1.0, (2200, 3))
        out[:, 2] = np.abs(out[:, 2])
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        bulge = 0.8 + 0.28 * lumps(2.3 * out[:, 0] + 9.0 * kind, 2.3 * out[:, 1] + 1.7 * out[:, 2])
        surface = out * (bulge * rng.uniform(0.82, 1.04, len(out)))[:, None] * (0.75, 0.75, 0.7)
        aim = out + rng.normal(0.0, 0.5, out.shape)
        turns = meshes.facing(aim, rng.uniform(0.0, 6.3, len(out)))
        green = needle.copies(surface, turns, rng.uniform(0.08, 0.15, len(out)))
        lit = (rng.random(len(out)) < 0.26) & (out[:, 2] > 0.1)
        golden = petal.copies(surface[lit] * 1.03, turns[lit], rng.uniform(0.02, 0.04, int(lit.sum())))
        core = meshes.sphere(0.62, 16).moved((0.0, 0.0, 0.0), scale=(0.9, 0.9, 0.85))

        def bank(x: Array, y: Array) -> Array:
            return (land.hand * (x - land.path(y)) > 1.6) & (land.swell(0.3 * x + 5.0, 0.3 * y) > 0.02)

        feet = _places(rng, land, 46, (5.5, 45.0), bank)
        turns, sizes = (
            _upright(rng, len(feet), 0.06),
            rng.uniform(0.45, 1.0, len(feet)) * (0.8 + 0.012 * feet[:, 1]),
        )
        for name, part, look in (("spines", [green, core], spines), ("bloom", golden, bloom)):
            meshes.scatter(meshes.add(f"gorse {name} {kind}", part, look, smooth=True), feet, turns, sizes)


def lichened(name: str, colours: Any, haze: Haze) -> Any:
    """Weathered stone: each block its own grey, with pale and ochre lichen."""
    shader = materials.Shader(name)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    grain, blotch = shader.noise(60.0, 4.0), shader.noise(8.0, 6.0, roughness=0.65)
    base = shader.ramp(island, [(index / (len(colours) - 1), c) for index, c in enumerate(colours)])
    dark = shader.node("HueSaturation", {"Color": base, "Value": 0.5}).outputs[0]
    body = shader.mix(shader.ramp(grain, [(0.35, (0, 0, 0)), (0.6, (1, 1, 1))]), dark, base)
    pale = shader.mix(shader.ramp(blotch, [(0.55, (0, 0, 0)), (0.60, (1, 1, 1))]), body, (0.42, 0.43, 0.38))
    ochre = shader.ramp(
        shader.noise(11.0, 5.0, shader.coordinates((1.0, 1.0, 1.7))), [(0.62, (0, 0, 0)), (0.66, (1, 1, 1))]
    )
    colour = shader.mix(ochre, pale, (0.45, 0.27, 0.04))
    height = shader.math("ADD", grain, shader.math("MULTIPLY", blotch, 2.0))
    return haze.over(shader, shader.principled(colour, 0.9, Normal=shader.bump(height, 0.7, 0.02)))


def wall(rng: np.random.Generator, land: Land, haze: Haze) -> int:
    """A dry-stone wall up the bank and away, with cope stones on edge; how many stones."""
    blocks = [stone(rng, 8) for _ in range(8)]
    groups: list[list[tuple[Array, Array, Array]]] = [[] for _ in blocks]

    def line(t: float) -> Array:
        y = 5.2 + t
        return np.array((float(land.path(y)) + land.hand * (1.55 + 0.10 * t + 0.35 * math.sin(0.3 * t)), y))

    def lay(t: float, length: float, z: float, tall: float, thick: float, tilt: float) -> None:
        here, ahead = line(t), line(t + 0.1)
        heading = math.atan2(*(ahead - here)[::-1])
        base = float(land.height(here[0], here[1]))
        turn = meshes.rotation(x=float(rng.normal(0, 0.05)), y=tilt, z=heading + float(rng.normal(0.0, 0.06)))
        aside = rng.normal(0.0, 0.02, 2)
        place = np.array((here[0] + aside[0], here[1] + aside[1], base + z + tall / 2))
        groups[int(rng.integers(len(blocks)))].append((place, turn, np.array((length, thick, tall)) / 1.86))

    t = 0.0
    for course, tall in enumerate((0.19, 0.16, 0.15, 0.13, 0.12, 0.10)):
        z = sum((0.19, 0.16, 0.15, 0.13, 0.12, 0.10)[:course]) - 0.06
        t = float(rng.uniform(0.0, 0.2))
        while t < 24.0:
            length = float(rng.uniform(0.17, 0.42))
            lay(
                t + length / 2,
                length,
                z + float(rng.normal(0.0, 0.012)),
                tall * float(rng.uniform(0.9, 1.15)),
                0.50 - 0.035 * course,
                0.0,
            )
            t += length
    t = 0.0
    while t < 24.0:
        wide = float(rng.uniform(0.07, 0.13))
        lay(t, wide, 0.76, float(rng.uniform(0.19, 0.28)), 0.34, float(rng.normal(0.12, 0.10)))
        t += 0.95 * wide
    placed = [
        Shape(block.vertices * scale, block.faces).moved(place, turn)
        for block, group in zip(blocks, groups, strict=True)
        for place, turn, scale in group
    ]
    greys = ((0.11, 0.105, 0.10), (0.21, 0.20, 0.18), (0.28, 0.25, 0.21), (0.17, 0.15, 0.135))
    meshes.add("wall", placed, lichened("wall stone", greys, haze), smooth=True)
    return len(placed)


def sheep(rng: np.random.Generator, land: Land, haze: Haze) -> int:
    """Black-faced sheep that graze beyond the path; how many."""
    lumps = Relief(rng, 3)
    body = meshes.sphere(1.0, 40)
    v = body.vertices
    curl = 1.0 + 0.07 * lumps(5.0 * v[:, 0] + 3.0 * v[:, 2], 5.0 * v[:, 1] - 2.0 * v[:, 2])
    boxy = np.sign(v) * np.abs(v) ** 0.82
    wool = Shape(boxy * curl[:, None] * (0.25, 0.45, 0.28), body.faces).moved((0.0, 0.0, 0.60))
    tail = meshes.sphere(1.0, 12).moved((0.0, -0.45, 0.58), meshes.rotation(x=0.3), (0.06, 0.06, 0.16))
    neck = meshes.sphere(1.0, 24).moved((0.0, 0.50, 0.52), meshes.rotation(x=-0.8), (0.16, 0.26, 0.17))
    head = meshes.sphere(1.0, 20).moved((0.0, 0.70, 0.34), meshes.rotation(x=-0.95), (0.085, 0.17, 0.10))
    ears = [
        meshes.sphere(1.0, 10).moved((s * 0.12, 0.62, 0.45), meshes.rotation(y=s * 0.4), (0.08, 0.03, 0.035))
        for s in (-1, 1)
    ]
    legs = [
        meshes.tube(
            np.array([(sx, sy, 0.45), (sx, sy, 0.2), (sx, sy + 0.02, 0.0)]), np.array((0.055, 0.035, 0.03)), 8
        )
        for sx in (-0.14, 0.14)
        for sy in (-0.3, 0.3)
    ]
    shader = materials.Shader("wool")
    curls = shader.noise(30.0, 4.0)
    cream = shader.ramp(curls, [(0.35, (0.36, 0.31, 0.24)), (0.6, (0.66, 0.61, 0.52))])
    look = haze.over(shader, shader.principled(cream, 0.95, Normal=shader.bump(curls, 1.0, 0.05)))
    dark = materials.plain("sheep face", (0.025, 0.022, 0.02), 0.7)
    spots: list[tuple[float, float]] = []
    for _ in range(400):
        y = float(rng.uniform(9.0, 36.0))
        x = float(land.path(y)) - land.hand * float(rng.uniform(0.2, 3.4)) - land.hand * 0.03 * y
        apart = all(math.hypot(x - a, y - b) > 2.3 for a, b in spots)
        if apart and land.hand * x > land.rim(y) + 0.9 and len(spots) < 7:
            spots.append((x, y))
    feet = np.array([(x, y, float(land.height(x, y)) - 0.02) for x, y in spots])
    turns = np.array([meshes.rotation(z=float(a)) for a in rng.uniform(0.0, 2 * math.pi, len(feet))])
    sizes = rng.uniform(0.8, 1.05, len(feet))
    for name, part, material in (
        ("wool", [wool, neck, tail], look),
        ("face and legs", [head, *ears, *legs], dark),
    ):
        meshes.scatter(meshes.add(f"sheep {name}", part, material, smooth=True), feet, turns, sizes)
    return len(spots)
