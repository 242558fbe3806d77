"""The sea around a pier: sky with a low sun, water with waves, far shores, sails, buoys.

x points right, y into the picture, z up; metres. The deck is z = 0, the water lies `WATER` below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.materials import Shader
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import surfaces
from bokehbench.blender.scripts.scenes.surfaces import Colour, times

WATER = -0.55


@dataclass(frozen=True)
class Weather:
    """Light and air of one hour.

    Attributes:
        horizon, middle, zenith: colours of the sky by elevation.
        sun: colour of the sunlight.
        strength: irradiance of the sun, W/m².
        water: colour of the water's depth.
        haze: metres after which 1/e of a far thing's own light is left.
    """

    horizon: Colour
    middle: Colour
    zenith: Colour
    sun: Colour
    strength: float
    water: Colour
    haze: float


WEATHERS = (
    Weather(
        (0.98, 0.60, 0.34),
        (0.52, 0.47, 0.52),
        (0.17, 0.26, 0.48),
        (1.0, 0.60, 0.30),
        5.0,
        (0.010, 0.030, 0.040),
        900.0,
    ),
    Weather(
        (0.92, 0.86, 0.76),
        (0.58, 0.68, 0.78),
        (0.24, 0.40, 0.66),
        (1.0, 0.84, 0.62),
        5.5,
        (0.008, 0.040, 0.050),
        600.0,
    ),
    Weather(
        (0.96, 0.56, 0.46),
        (0.48, 0.40, 0.56),
        (0.13, 0.17, 0.40),
        (1.0, 0.55, 0.36),
        4.5,
        (0.012, 0.022, 0.040),
        800.0,
    ),
)


class _Sky(Shader):
    """The world's node tree."""

    def __init__(self, scene: Any) -> None:
        world = bpy.data.worlds.new("sky")
        scene.world, world.use_nodes = world, True
        world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256
        self.tree = world.node_tree
        self.tree.nodes.clear()


def sky(scene: Any, weather: Weather, azimuth: float, elevation: float, rng: np.random.Generator) -> None:
    """Colours by height, a glow around the sun, streaks of cloud; and the sun with its disc.

    Args:
        scene: gets a new world.
        weather: colours and strength.
        azimuth, elevation: of the sun, radians; azimuth from +y towards +x.
        rng: moves the clouds.
    """
    towards = (
        math.sin(azimuth) * math.cos(elevation),
        math.cos(azimuth) * math.cos(elevation),
        math.sin(elevation),
    )
    tree = _Sky(scene)
    direction = tree.node("TexCoord").outputs["Generated"]
    height = tree.node("SeparateXYZ", {0: direction}).outputs["Z"]
    stops = [
        (0.0, weather.horizon),
        (0.16, weather.middle),
        (0.55, weather.zenith),
        (1.0, times(weather.zenith, 0.7)),
    ]
    colour = tree.ramp(height, stops)
    clouded = _clouds(tree, weather, direction, height, colour, rng)
    facing = tree.node("VectorMath", {0: direction, 1: towards}, operation="DOT_PRODUCT").outputs["Value"]
    near = tree.math("MAXIMUM", facing, 0.0)
    wide = tree.math("MULTIPLY", tree.math("POWER", near, 9.0), 0.22)
    tight = tree.math("MULTIPLY", tree.math("POWER", near, 300.0), 0.40)
    glow = tree.node(
        "MixRGB", {0: 1.0, 1: weather.sun, 2: tree.math("ADD", wide, tight)}, blend_type="MULTIPLY"
    )
    total = tree.node("MixRGB", {0: 1.0, 1: clouded, 2: glow.outputs[0]}, blend_type="ADD").outputs[0]
    background = tree.node("Background", {"Color": total, "Strength": 0.80})
    output = tree.node("OutputWorld")
    tree.tree.links.new(background.outputs[0], output.inputs["Surface"])
    # Most of the sunlight is kept out of mirrors: the glitter stays near what a display can show.
    for share, mirrored in ((0.45, True), (0.65, False)):
        light = materials.sun(tuple(-a for a in towards), weather.sun, share * weather.strength, 1.6)
        light.visible_glossy = mirrored
    far = 3000.0
    place = np.array(towards) * far
    disc = meshes.disc(
        "sun disc", place, far * math.radians(0.42), materials.emission("sun disc", weather.sun, 8.0), towards
    )
    materials.seen_only(disc).visible_glossy = False


def _clouds(
    tree: Shader, weather: Weather, direction: Any, height: Any, colour: Any, rng: np.random.Generator
) -> Any:
    """The sky's colour with streaks of cloud over it, lit from below."""
    offset = (*(float(a) for a in rng.uniform(0, 20, 2)), 0.0)
    stretched = tree.node("Mapping", {"Vector": direction, "Scale": (1.5, 1.5, 13.0), "Location": offset})
    streaks = tree.node(
        "TexNoise", {"Vector": stretched.outputs[0], "Scale": 2.6, "Detail": 6.0, "Roughness": 0.58}
    )
    cloud = tree.ramp(streaks.outputs["Fac"], [(0.48, (0, 0, 0)), (0.70, (1, 1, 1))])
    lit = tree.ramp(
        height, [(0.0, times(weather.horizon, 0.9)), (0.25, times(weather.sun, 0.9)), (0.6, weather.middle)]
    )
    shown = tree.math(
        "MULTIPLY",
        cloud,
        tree.ramp(height, [(0.0, (0.1, 0.1, 0.1)), (0.08, (0.65, 0.65, 0.65)), (0.7, (0.3, 0.3, 0.3))]),
    )
    return tree.mix(shown, colour, lit)


def waves(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Height of the water; short waves fade out by distance, where the mesh could not carry them."""
    z = np.zeros_like(x)
    distance = np.hypot(x, y)
    for length, high in ((7.0, 0.030), (4.1, 0.022), (2.6, 0.016), (1.7, 0.012), (1.1, 0.009), (0.8, 0.006)):
        for _ in range(3):
            heading = float(rng.normal(0.5, 0.55))
            k = 2 * math.pi / (length * float(rng.uniform(0.8, 1.25)))
            phase = k * (math.sin(heading) * x + math.cos(heading) * y) + float(rng.uniform(0, 6.3))
            z += 0.6 * high * np.sin(phase + 0.6 * np.sin(phase)) * np.exp(-distance / (9.0 * length))
    return z


def water(weather: Weather, rng: np.random.Generator) -> None:
    """The sea to the horizon: waves as geometry, ripples as a bump that calms down by distance."""
    rows = np.geomspace(1.2, 3500.0, 330)
    columns = np.tan(np.linspace(-1.1, 1.1, 190)) * 0.55
    y, x = np.meshgrid(rows, columns, indexing="ij")
    x = x * (y + 1.5)
    y = y - 1.0
    z = WATER + waves(x, y, rng)
    shader = Shader("water")
    where = shader.coordinates((1.0, 0.62, 1.0))
    far = shader.node("CameraData").outputs["View Z Depth"]
    calm = shader.math("DIVIDE", 1.0, shader.math("ADD", 1.0, shader.math("DIVIDE", far, 14.0)))
    ripples = shader.math(
        "ADD", shader.noise(5.2, 3.0, where), shader.math("MULTIPLY", shader.noise(1.1, 2.0, where), 1.6)
    )
    wind = shader.ramp(shader.noise(0.05, 3.0, where), [(0.38, (0.35, 0.35, 0.35)), (0.62, (1.0, 1.0, 1.0))])
    strength = shader.math("MULTIPLY", shader.math("MULTIPLY", wind, 1.0), shader.math("POWER", calm, 0.55))
    normal = shader.bump(ripples, strength, 0.20)
    rough = shader.math(
        "SUBTRACT", 0.44, shader.math("MULTIPLY", calm, 0.10)
    )  # waves that the bump cannot carry
    surface = shader.principled(weather.water, rough, Normal=normal, IOR=1.33)
    meshes.add(
        "water",
        meshes.grid(x, y, z),
        surfaces.hazy(shader, surface, times(weather.horizon, 0.8), 2500.0),
        smooth=True,
    )


def shores(weather: Weather, rng: np.random.Generator) -> None:
    """Hills behind each other, the nearest with a lighthouse."""
    air = times(weather.horizon, 0.80)
    side = float(rng.choice((-1.0, 1.0)))
    for index, (far, high, fade) in enumerate(
        ((420.0, 15.0, 0.45), (900.0, 44.0, 0.0), (2100.0, 115.0, -0.2))
    ):
        x = np.linspace(-0.9, 0.9, 260) * far
        share = x / far * side
        wave = sum(
            float(rng.uniform(0.4, 1.0)) * np.sin(share * k + float(rng.uniform(0, 6.3))) / k
            for k in (4, 9, 17, 37, 80)
        )
        slope = np.clip((share - fade + 0.35) / 0.5, 0.0, 1.0) ** 1.2 if index < 2 else 1.0
        top = WATER + np.maximum(
            high * slope * (0.62 + 0.55 * wave) + rng.normal(0.0, 0.012 * high, x.size) * slope, -0.5
        )
        shader = Shader(f"shore {index}")
        colour = shader.mix(shader.noise(0.06, 6.0), (0.020, 0.034, 0.020), (0.075, 0.080, 0.045))
        surface = surfaces.hazy(shader, shader.principled(colour, 1.0), air, weather.haze)
        rows = np.stack([np.full_like(x, WATER - 1.0), 0.55 * (top - WATER) + WATER, top])
        depth = np.stack([np.full_like(x, far), np.full_like(x, far * 1.04), np.full_like(x, far * 1.12)])
        meshes.add(f"shore {index}", meshes.grid(np.stack([x] * 3), depth, rows), surface, smooth=True)
    _lighthouse(weather, side, air)


def _lighthouse(weather: Weather, side: float, air: Colour) -> None:
    x, y, foot = side * 105.0, 400.0, WATER + 3.0
    shader = Shader("lighthouse")
    height = shader.node("SeparateXYZ", {0: shader.coordinates()}).outputs["Z"]
    band = shader.math("GREATER_THAN", shader.math("FRACT", shader.math("DIVIDE", height, 8.0)), 0.5)
    colour = shader.mix(band, (0.62, 0.60, 0.55), (0.45, 0.05, 0.035))
    paint = surfaces.hazy(shader, shader.principled(colour, 0.6), air, weather.haze)
    tower = meshes.lathe(
        [
            (3.0, 0.0),
            (2.0, 19.0),
            (2.7, 19.2),
            (2.7, 20.0),
            (1.4, 20.1),
            (1.4, 22.5),
            (1.9, 22.7),
            (0.0, 25.0),
        ],
        20,
    )
    meshes.add("lighthouse", tower.moved((x, y, foot)), paint, smooth=False)
    rock = meshes.sphere(1.0, 18).moved((x, y, WATER), scale=(17.0, 8.0, 3.6))
    shader = Shader("rock")
    stone = shader.mix(shader.noise(0.5, 5.0), (0.03, 0.03, 0.03), (0.12, 0.11, 0.09))
    meshes.add(
        "rock", rock, surfaces.hazy(shader, shader.principled(stone, 1.0), air, weather.haze), smooth=True
    )
    lamp = meshes.sphere(1.2, 14).moved((x, y - 1.2, foot + 21.4))
    materials.seen_only(meshes.add("light", lamp, materials.emission("light", (1.0, 0.85, 0.55), 6.0)))


def sails(weather: Weather, rng: np.random.Generator) -> None:
    """Small yachts under sail."""
    air = times(weather.horizon, 0.80)
    shader = Shader("sailcloth")
    cloth = shader.mix(shader.noise(0.8, 3.0), (0.55, 0.52, 0.46), (0.72, 0.70, 0.64))
    through = shader.node("BsdfTranslucent", {"Color": cloth}).outputs[0]
    lit = shader.node("MixShader", {0: 0.5, 1: shader.principled(cloth, 0.8), 2: through}).outputs[0]
    white = surfaces.hazy(shader, lit, air, weather.haze)
    shader = Shader("hull paint")
    dark = surfaces.hazy(shader, shader.principled((0.03, 0.05, 0.10), 0.4), air, weather.haze)
    canvas, hulls = [], []
    places = [
        (float(rng.uniform(-0.30, -0.10)), 55.0),
        (float(rng.uniform(0.02, 0.30)), 95.0),
        (float(rng.uniform(-0.38, 0.36)), 170.0),
    ]
    for bearing, y in places:
        x, turn = bearing * y, meshes.rotation(y=float(rng.normal(0, 0.05)), z=float(rng.uniform(-0.5, 0.5)))
        t = np.linspace(0.0, 1.0, 14)[:, None]
        s = np.linspace(0.0, 1.0, 6)[None]
        belly = 0.35 * np.sin(math.pi * s) * np.sin(math.pi * np.clip(t, 0.05, 0.95))
        main = meshes.grid(0.15 + 2.6 * s * (1 - t) ** 0.85, belly, 1.1 + 6.6 * t + 0 * s)
        jib = meshes.grid(-0.1 - 2.1 * (1 - t) * s, 0.8 * belly, 0.9 + 5.6 * t * (1 - 0.0 * s))
        u = np.linspace(-1.0, 1.0, 17)[:, None]
        v = np.linspace(-1.0, 1.0, 9)[None]
        beam = 0.9 * (1 - np.abs(u) ** 2.4)
        hull = meshes.grid(3.2 * u + 0 * v, beam * v, 0.62 * np.abs(v) ** 2.2 - 0.05 + 0.12 * u**2)
        deck = meshes.grid(3.2 * u + 0 * v, beam * v, 0.55 + 0.12 * u**2 + 0 * v)
        mast = meshes.tube(np.array([(0, 0, 0.3), (0, 0, 8.0)]), 0.06, 6)
        place = (x, y, WATER)
        canvas += [main.moved(place, turn), jib.moved(place, turn)]
        hulls += [hull.moved(place, turn), deck.moved(place, turn), mast.moved(place, turn)]
    meshes.add("sails", canvas, white, smooth=True)
    meshes.add("yachts", hulls, dark, smooth=True)


def buoys(rng: np.random.Generator) -> None:
    """Floats in two colours at all distances."""
    groups: list[list[Shape]] = [[], []]
    rods = []
    places = [
        (1.9, 5.2),
        (-3.6, 11.0),
        (5.0, 15.0),
        (-6.5, 19.0),
        (3.4, 24.0),
        (-4.5, 31.0),
        (11.0, 38.0),
        (-14.0, 46.0),
    ]
    for index, (x, y) in enumerate(places):
        x, y = x + float(rng.normal(0, 0.04)) * y, y * float(rng.uniform(0.92, 1.08))
        size = 0.16 + 0.004 * y
        tilt = meshes.rotation(x=float(rng.normal(0, 0.15)), y=float(rng.normal(0, 0.15)))
        place = (x, y, WATER + 0.35 * size)
        groups[index % 2].append(meshes.sphere(size, 24).moved(place, tilt, (1, 1, 1.1)))
        rods.append(
            meshes.tube(np.array([(0, 0, 0.9 * size), (0, 0, 1.5 * size)]), 0.12 * size, 8).moved(place, tilt)
        )
    paints = ((0.55, 0.09, 0.02), (0.58, 0.40, 0.05))
    for group, colour in zip(groups, paints, strict=True):
        meshes.add(
            "buoys",
            group,
            surfaces.painted("buoy paint", colour, under=(0.28, 0.25, 0.2), chipped=0.1),
            smooth=True,
        )
    meshes.add("buoy rods", rods, surfaces.plain("buoy iron", (0.05, 0.045, 0.04), 0.5), smooth=True)
