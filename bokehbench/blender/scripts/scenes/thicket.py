"""A wood in low sun: a near bough with berries, ferns, a fence along a path, trees into the haze.

x points right, y into the picture, z up; metres. The sun stands ahead, so that leaves glow.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.scenes import plants
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 40.0, 36.0
EYE = 0.82
HAZE, HAZE_DISTANCE = (0.74, 0.72, 0.56), 170.0
SUMMER = ((0.045, 0.13, 0.018), (0.085, 0.20, 0.025), (0.14, 0.25, 0.035))
AUTUMN = ((0.30, 0.17, 0.02), (0.38, 0.10, 0.012), (0.22, 0.20, 0.03))


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed moves every plant and draws the season of the trees."""
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, (0.0, 0.0, EYE), (0.0, 20.0, EYE + 0.75))
    _render_settings(scene)
    sky = [(0.0, (1.9, 1.7, 1.25)), (0.12, (1.15, 1.25, 1.25)), (0.45, (0.32, 0.52, 0.95))]
    materials.world_gradient(scene, [*sky, (1.0, (0.12, 0.26, 0.66))], 0.85, clouds=0.12)
    materials.sun((0.55, -0.62, -0.62), (1.0, 0.80, 0.52), 13.0, 1.0)
    autumn = float(stream(seed, 0, "thicket/season").uniform(0.1, 0.5))
    ground = _Ground(seed)
    ground.build()
    _grass(seed, ground)
    _ferns(seed, ground)
    trees = _trees(seed, ground, autumn)
    _fence(stream(seed, 0, "thicket/fence"), ground)
    _mushrooms(stream(seed, 0, "thicket/mushrooms"), ground)
    _bough(stream(seed, 0, "thicket/bough"))
    _far_hills(stream(seed, 0, "thicket/hills"))
    return {"name": "thicket", "variation": seed, "trees": trees, "autumn": autumn}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 3, 1
    cycles.transmission_bounces, cycles.transparent_max_bounces = 3, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 6.0
    cycles.use_light_tree = True  # measured: 2.2 dB better at equal time


def _hazy(shader: materials.Shader, surface: Any) -> Any:
    """Finish a material with light that the air adds by distance."""
    far = shader.node("CameraData").outputs["View Z Depth"]
    clear = shader.math("POWER", math.exp(-1.0 / HAZE_DISTANCE), far)
    air = shader.node("Emission", {"Color": HAZE, "Strength": 1.0}).outputs[0]
    material = shader.done(shader.node("MixShader", {0: clear, 1: air, 2: surface}).outputs[0])
    material.cycles.emission_sampling = "NONE"
    return material


def _foliage(name: str, colours: Any, glow: float = 0.5) -> Any:
    """Leaves: glossy on top, lit through from behind, each with a colour of its own."""
    shader = materials.Shader(name)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    colour = shader.ramp(island, [(index / max(1, len(colours) - 1), c) for index, c in enumerate(colours)])
    top = shader.principled(colour, 0.42, Specular_IOR_Level=0.35)
    bright = shader.node("HueSaturation", {"Color": colour, "Saturation": 1.1, "Value": 2.4}).outputs[0]
    through = shader.node("BsdfTranslucent", {"Color": bright}).outputs[0]
    return _hazy(shader, shader.node("MixShader", {0: glow, 1: top, 2: through}).outputs[0])


def _bark(name: str, colour: tuple[float, float, float], moss: float) -> Any:
    shader = materials.Shader(name)
    ridges = shader.noise(7.0, 6.0, shader.coordinates((3.5, 3.5, 0.55)), 0.65)
    dark, light = tuple(0.28 * c for c in colour), tuple(1.5 * c for c in colour)
    wood = shader.ramp(ridges, [(0.36, dark), (0.62, light)])
    patches = shader.ramp(
        shader.noise(1.3, 5.0), [(0.60 - 0.3 * moss, (0, 0, 0)), (0.72 - 0.3 * moss, (1, 1, 1))]
    )
    green = shader.mix(shader.noise(26.0, 3.0), (0.022, 0.042, 0.006), (0.15, 0.20, 0.035))
    mossy = shader.mix(patches, wood, green)
    return _hazy(shader, shader.principled(mossy, 0.85, Normal=shader.bump(ridges, 0.9, 0.03)))


class _Ground:
    """Gentle mounds with a path through them."""

    def __init__(self, seed: int) -> None:
        rng = stream(seed, 0, "thicket/ground")
        self.waves = [
            (rng.uniform(0.05, 0.35, 2), rng.uniform(0, 6.3), a) for a in (0.16, 0.12, 0.09, 0.05, 0.03)
        ]

    def path(self, y: Any) -> Any:
        """x of the path's middle."""
        return 0.75 * np.sin(0.17 * y) + 0.012 * y

    def off_path(self, x: Any, y: Any) -> Any:
        """0 on the path, 1 well beside it."""
        return np.clip((np.abs(x - self.path(y)) - 0.45 - 0.008 * y) / 0.5, 0.0, 1.0)

    def height(self, x: Any, y: Any) -> Any:
        """z of the ground."""
        z = sum(a * np.sin(k[0] * x * 3 + k[1] * y + p) for k, p, a in self.waves)
        bank = 0.05 * np.clip(np.abs(x - self.path(y)) - 0.8, 0.0, 12.0)
        return (z + bank) * np.clip(y / 4.0, 0.0, 1.0) * (0.35 + 0.65 * self.off_path(x, y)) - 0.05

    def build(self) -> None:
        columns = np.concatenate([-np.geomspace(60.0, 0.1, 90), np.geomspace(0.1, 60.0, 90)])
        rows = np.geomspace(0.6, 130.0, 170)
        x, y = np.meshgrid(columns, rows)
        x = x + self.path(y)
        shader = materials.Shader("forest floor")
        litter = shader.noise(2.2, 8.0, roughness=0.7)
        soil = shader.ramp(
            litter, [(0.36, (0.045, 0.028, 0.014)), (0.5, (0.13, 0.085, 0.04)), (0.66, (0.24, 0.16, 0.075))]
        )
        moss = shader.ramp(shader.noise(0.55, 5.0), [(0.42, (0, 0, 0)), (0.56, (1, 1, 1))])
        tuft = shader.mix(shader.noise(9.0, 4.0), (0.028, 0.05, 0.010), (0.10, 0.15, 0.030))
        colour = shader.mix(moss, soil, tuft)
        surface = shader.principled(colour, 0.9, Normal=shader.bump(litter, 0.8, 0.06))
        meshes.add("ground", meshes.grid(x, y, self.height(x, y)), _hazy(shader, surface), smooth=True)


def _grass(seed: int, ground: _Ground) -> None:
    rng = stream(seed, 0, "thicket/grass")
    y = 2.0 * (24.0 / 2.0) ** rng.random(70000)
    x = rng.uniform(-0.62, 0.62, y.size) * y
    clump = np.sin(1.7 * x + 0.6 * y) + np.sin(0.8 * x - 1.9 * y + 1.0) + rng.normal(0.0, 0.7, y.size)
    kept = (ground.off_path(x, y) > rng.random(y.size)) & (clump > -0.6)
    x, y = x[kept], y[kept]
    feet = np.stack([x, y, ground.height(x, y)], axis=1)
    green = _foliage("grass", ((0.06, 0.13, 0.016), (0.13, 0.21, 0.03), (0.24, 0.22, 0.06)), 0.4)
    meshes.add("grass", plants.blades(rng, feet, (0.07, 0.26), 0.020), green, smooth=True)
    y = rng.uniform(3.0, 14.0, 420)
    x = rng.uniform(-0.5, 0.5, y.size) * y
    kept = ground.off_path(x, y) > 0.6
    x, y = x[kept], y[kept]
    heads = np.stack([x, y, ground.height(x, y) + rng.uniform(0.12, 0.3, x.size)], axis=1)
    petal = meshes.lathe([(0.0, 0.0), (0.5, 0.12), (1.0, 0.45)], 10)
    turns = np.array([meshes.rotation(x=a, y=b) for a, b in rng.normal(0.0, 0.35, (len(heads), 2))])
    colours = ((0.75, 0.70, 0.62), (0.70, 0.55, 0.10), (0.40, 0.20, 0.62))
    kind = rng.integers(0, len(colours), len(heads))
    for index, colour in enumerate(colours):
        chosen = kind == index
        flowers = petal.copies(heads[chosen], turns[chosen], rng.uniform(0.014, 0.026, int(chosen.sum())))
        meshes.add(f"flowers {index}", flowers, _foliage(f"petals {index}", (colour, colour), 0.35))


def _ferns(seed: int, ground: _Ground) -> None:
    rng = stream(seed, 0, "thicket/ferns")
    leaves, stems = [], []
    places = [(-1.15, 2.9), (1.35, 4.1), (-1.9, 4.6), (-2.6, 6.2), (2.5, 6.8), (1.75, 8.6), (-1.75, 8.0)]
    places += [
        (float(rng.choice((-1, 1)) * rng.uniform(1.3, 5.0)), float(rng.uniform(6.0, 18.0))) for _ in range(22)
    ]
    for x, y in places:
        x = float(x + ground.path(y))
        foot = np.array((x, y, float(ground.height(x, y))))
        frond, stem = plants.fern(rng, foot, float(rng.uniform(0.45, 0.72)))
        leaves.append(frond)
        stems.append(stem)
    fresh = ((0.05, 0.15, 0.02), (0.10, 0.22, 0.03), (0.17, 0.24, 0.035))
    meshes.add("ferns", leaves, _foliage("fern", fresh), smooth=True)
    meshes.add("fern stems", stems, materials.plain("fern stem", (0.10, 0.09, 0.03), 0.6))


def _trees(seed: int, ground: _Ground, autumn: float) -> int:
    rng = stream(seed, 0, "thicket/trees")
    near = [(1.35, 4.3, 0.20, 5.2), (-2.05, 6.2, 0.17, 5.0), (2.9, 8.4, 0.21, 5.6), (-3.6, 9.6, 0.22, 6.0)]
    far: list[tuple[float, float, float, float]] = []
    while len(far) < 62:
        y = float(11.0 * (85.0 / 11.0) ** rng.random())
        x = float(rng.uniform(-0.62, 0.62)) * y + float(ground.path(y))
        if abs(x - float(ground.path(y))) > 1.6 + 0.035 * y and all(
            math.hypot(x - a, y - b) > 1.6 for a, b, *_ in far
        ):
            far.append((x, y, float(rng.uniform(0.14, 0.26)), float(rng.uniform(5.0, 8.0))))
    groups: dict[str, list[Any]] = {"summer": [], "autumn": []}
    wood: list[meshes.Shape] = []
    mossy: list[meshes.Shape] = []
    for index, (x, y, radius, height) in enumerate([*near, *far]):
        close = index < len(near)
        foot = (x, y, float(ground.height(x, y)) - 0.1)
        habit = plants.Habit(levels=3 if y < 30.0 else 2, leaves=8 if close else 2, sides=14 if close else 7)
        lean = (float(rng.normal(0.0, 0.08)), float(rng.normal(0.0, 0.05)))
        grown = plants.tree(rng, foot, height, radius, lean, habit)
        (mossy if close else wood).extend(grown.wood)
        flare = [(radius * 1.75, 0.0), (radius * 1.3, 0.18), (radius * 1.05, 0.5)]
        (mossy if close else wood).append(meshes.lathe(flare, 14).moved(foot))
        shape = plants.leaf(2, 4) if close else plants.leaf(2, 3, 0.42)
        size = (0.07, 0.13) if close else (0.14 + 0.002 * y, 0.24 + 0.004 * y)
        season = "autumn" if rng.random() < autumn else "summer"
        groups[season].append(grown.leaves(rng, shape, size))
    meshes.add("near trunks", mossy, _bark("mossy bark", (0.16, 0.115, 0.075), 0.55), smooth=True)
    meshes.add("far trunks", wood, _bark("bark", (0.14, 0.11, 0.085), 0.25), smooth=True)
    for season, colours in (("summer", SUMMER), ("autumn", AUTUMN)):
        if groups[season]:
            meshes.add(
                f"{season} leaves", groups[season], _foliage(f"{season} foliage", colours), smooth=True
            )
    return len(near) + len(far)


def _fence(rng: np.random.Generator, ground: _Ground) -> None:
    """Split rails along the left of the path."""
    posts, tops = [], []
    for y in np.arange(3.4, 30.0, 1.9):
        x = float(ground.path(y)) - 1.45 - 0.008 * y
        z = float(ground.height(x, y))
        lean = rng.normal(0.0, 0.025, 2)
        line = np.array([(x, y, z - 0.1), (x + lean[0], y + lean[1], z + 0.85)])
        posts.append(meshes.tube(np.linspace(line[0], line[1], 4), np.linspace(0.058, 0.046, 4), 9))
        posts.append(meshes.sphere(0.046, 10).moved(line[1], scale=(1, 1, 0.35)))
        tops.append((x, y, z))
    for (x0, y0, z0), (x1, y1, z1) in pairwise(tops):
        for height in (0.32, 0.68):
            dip = rng.normal(0.0, 0.03, 2)
            ends = np.array([(x0, y0 - 0.12, z0 + height + dip[0]), (x1, y1 + 0.12, z1 + height + dip[1])])
            posts.append(
                meshes.tube(np.linspace(ends[0], ends[1], 5) + rng.normal(0, 0.01, (5, 3)), 0.034, 7)
            )
    meshes.add("fence", posts, _bark("old wood", (0.17, 0.145, 0.115), 0.3), smooth=True)


def _bough(rng: np.random.Generator) -> None:
    """Near leaves and berries that cross the frame's upper left, in front of everything."""
    t = np.linspace(0.0, 1.0, 30)[:, None]
    start, end = np.array((-0.95, 1.55, EYE + 0.56)), np.array((0.10, 1.18, EYE + 0.20))
    line = start * (1 - t) + end * t + (0.0, 0.0, 0.10) * np.sin(math.pi * t)
    line += np.cumsum(rng.normal(0.0, 0.003, line.shape), axis=0)
    bough = plants.twig(line, 0.011, rng, 0.036)
    low = np.linspace((0.78, 1.3, EYE - 0.55), (0.46, 1.42, EYE - 0.12), 20)
    low[:, 0] -= 0.10 * np.sin(np.linspace(0.0, math.pi, 20))
    shrub = plants.twig(low, 0.007, rng, 0.05)
    bark = _bark("twig bark", (0.13, 0.085, 0.055), 0.0)
    meshes.add("bough", [*bough.wood, *shrub.wood], bark, smooth=True)
    leaf = plants.leaf(6, 12, 0.30)
    near = ((0.07, 0.17, 0.022), (0.12, 0.24, 0.03), (0.21, 0.25, 0.035), (0.34, 0.15, 0.02))
    leaves = [bough.leaves(rng, leaf, (0.06, 0.115), 1.0), shrub.leaves(rng, leaf, (0.045, 0.08), 0.85)]
    meshes.add("near leaves", leaves, _foliage("near foliage", near), smooth=True)
    berries, stalks = [], []
    for index in rng.choice(np.arange(6, 30), 7, replace=False):
        hang = line[index]
        for _ in range(int(rng.integers(4, 8))):
            drop = hang + rng.normal(0.0, 0.016, 3) + (0.0, 0.0, -0.05)
            berries.append(meshes.sphere(float(rng.uniform(0.0075, 0.0105)), 16).moved(drop))
            stalks.append(meshes.tube(np.linspace(hang, drop, 4), 0.0011, 4))
    red = materials.plain("berry", (0.52, 0.018, 0.012), 0.16, Coat_Weight=0.6, Subsurface_Weight=0.0)
    meshes.add("berries", berries, red, smooth=True)
    meshes.add("stalks", stalks, bark)


def _far_hills(rng: np.random.Generator) -> None:
    for index, (far, high, colour) in enumerate(
        ((150.0, 6.5, (0.05, 0.09, 0.03)), (420.0, 24.0, (0.05, 0.08, 0.05)))
    ):
        x = np.linspace(-0.8, 0.8, 160) * far
        wave = sum(
            rng.uniform(0.3, 1.0) * np.sin(x / far * k + rng.uniform(0, 6.3)) / k for k in (3, 7, 13, 29, 61)
        )
        top = high * (0.75 + 0.45 * wave) + rng.normal(0.0, 0.02 * high, x.size)
        rows = np.stack([np.full_like(x, -6.0), top])
        shader = materials.Shader(f"hill {index}")
        wooded = shader.mix(
            shader.noise(0.12, 6.0), tuple(0.5 * c for c in colour), tuple(1.6 * c for c in colour)
        )
        depth = np.stack([np.full_like(x, far), np.full_like(x, far * 1.3)])
        meshes.add(
            f"hill {index}",
            meshes.grid(np.stack([x, x]), depth, rows),
            _hazy(shader, shader.principled(wooded, 1.0)),
        )


def _mushrooms(rng: np.random.Generator, ground: _Ground) -> None:
    """Red caps with white spots beside the path."""
    caps, dots, stems = [], [], []
    for x, y, size in ((-0.66, 5.20, 0.12), (-0.40, 5.45, 0.085), (-0.88, 5.50, 0.07), (-0.46, 5.05, 0.06)):
        x = float(x + ground.path(y))
        foot = np.array((x, y, float(ground.height(x, y)) - 0.01))
        tall = 2.1 * size
        stems.append(
            meshes.lathe([(0.3 * size, 0.0), (0.22 * size, 0.4 * tall), (0.19 * size, tall)], 14).moved(foot)
        )
        dome = [(size * math.sin(a), 0.62 * size * math.cos(a)) for a in np.linspace(1.62, 0.0, 12)]
        caps.append(
            meshes.lathe([(0.2 * size, -0.02 * size), *dome], 28).moved(np.add(foot, (0.0, 0.0, tall)))
        )
        for _ in range(26):
            up, around = float(rng.uniform(0.1, 1.4)), float(rng.uniform(0, 2 * math.pi))
            spot = np.array(
                (math.sin(up) * math.cos(around), math.sin(up) * math.sin(around), 0.62 * math.cos(up))
            )
            dots.append(
                meshes.sphere(size * float(rng.uniform(0.05, 0.10)), 8).moved(
                    foot + (0, 0, tall) + spot * size
                )
            )
    meshes.add("caps", caps, materials.plain("cap", (0.50, 0.03, 0.012), 0.28), smooth=True)
    pale = materials.plain("pale", (0.72, 0.66, 0.54), 0.7)
    meshes.add("stems and dots", [*dots, *stems], pale, smooth=True)
