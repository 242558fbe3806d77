"""A grape vine close to the camera: broad lobed leaves on hanging shoots, tendrils, two bunches of grapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape, Vector
from bokehbench.blender.scripts.scenes import plants

LOBES = ((0.0, 1.0), (0.95, 0.84), (-0.95, 0.84), (1.95, 0.62), (-1.95, 0.62))
"""Angle from the midrib, radians, and length of each lobe."""
AROUND, RINGS = 66, 6


def broad_leaf(rng: np.random.Generator) -> tuple[Shape, Array]:
    """A toothed leaf with five lobes, of length about 1 along +y from its stalk: (shape, vein share [N])."""
    angle = np.linspace(-math.pi, math.pi, AROUND + 1)
    reach = np.full(angle.size, 0.30)
    for middle, length in LOBES:
        away = np.abs(angle - middle)
        reach = np.maximum(
            reach, length * float(rng.uniform(0.92, 1.08)) * (1.0 - 0.42 * (away / 0.52) ** 1.25)
        )
    reach *= 1.0 + 0.055 * np.sign(np.sin(angle * AROUND / 2.0 + 0.7))
    notch = np.clip((math.pi - np.abs(angle)) / 0.35, 0.0, 1.0)  # where the stalk enters
    reach *= 0.25 + 0.75 * notch
    share = np.linspace(0.0, 1.0, RINGS)[:, None]
    x, y = share * reach * np.sin(angle), share * reach * np.cos(angle)
    vein = np.max([np.exp(-(((angle - middle) / 0.035) ** 2)) for middle, _ in LOBES], axis=0)
    puff = 0.05 * (1.0 - vein) * np.sin(math.pi * share)  # the blade bulges between the veins
    z = (
        puff
        + 0.10 * np.abs(x)
        - float(rng.uniform(0.12, 0.34)) * (x**2 + y**2)
        + 0.03 * np.sin(9.0 * x + 7.0 * y)
    )
    z = z + 0.05 * share**2 * np.sin(3.0 * angle + float(rng.uniform(0.0, 6.3)))
    return meshes.grid(x, y, z), np.broadcast_to(vein * (1.0 - 0.5 * share), x.shape).ravel()


def _blade(colours: Sequence[materials.Colour], turning: float) -> Any:
    """Sun through a leaf: pale veins, blotches that turn yellow and red, gloss on top."""
    shader = materials.Shader("vine leaf")
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    vein = shader.node("Attribute", attribute_name="vein").outputs["Fac"]
    green = shader.ramp(
        island, [(index / (len(colours) - 1), colour) for index, colour in enumerate(colours)]
    )
    blotch = shader.math("ADD", shader.noise(11.0, 5.0), shader.math("MULTIPLY", island, 0.25))
    autumn = shader.ramp(blotch, [(0.78 - turning, (0, 0, 0)), (0.88 - turning, (1, 1, 1))])
    colour = shader.mix(
        autumn, green, shader.ramp(shader.noise(5.0), [(0.4, (0.34, 0.06, 0.012)), (0.6, (0.42, 0.24, 0.03))])
    )
    veined = shader.mix(shader.math("MULTIPLY", vein, 0.55), colour, (0.26, 0.30, 0.09))
    fine = shader.node(
        "TexVoronoi", {"Vector": shader.coordinates(), "Scale": 130.0}, feature="DISTANCE_TO_EDGE"
    )
    height = shader.math(
        "ADD", shader.math("MINIMUM", fine.outputs[0], 0.12), shader.math("MULTIPLY", vein, -0.5)
    )
    top = shader.principled(veined, 0.42, Specular_IOR_Level=0.4, Normal=shader.bump(height, 0.35, 0.004))
    bright = shader.node("HueSaturation", {"Color": veined, "Saturation": 1.15, "Value": 2.1}).outputs[0]
    through = shader.node("BsdfTranslucent", {"Color": bright}).outputs[0]
    return shader.done(shader.node("MixShader", {0: 0.42, 1: top, 2: through}).outputs[0])


def hang(
    rng: np.random.Generator, shoots: Sequence[tuple[Vector, Vector, float, float]], turning: float
) -> int:
    """Shoots with leaves and tendrils; how many leaves.

    Args:
        rng: of the vine.
        shoots: start, end, sag (metres) and leaf length (metres) of each.
        turning: share of autumn colour, 0 to 0.4.
    """
    kinds = [broad_leaf(rng) for _ in range(5)]
    wood: list[Shape] = []
    leaves: list[Shape] = []
    veins: list[Array] = []
    for start, end, sag, size in shoots:
        line = meshes.sagging(start, end, sag, 26) + np.cumsum(rng.normal(0.0, 0.0035, (26, 3)), axis=0)
        wood.append(meshes.tube(line, np.linspace(0.0055, 0.0022, 26), 7))
        length = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
        for number, place in enumerate(np.arange(0.04, 1.0, 0.062 / length)):
            node = plants.along(line, min(place, 1.0))
            side = 1.0 if number % 2 else -1.0
            out = np.array((side * 0.8, -0.35, 0.25)) + rng.normal(0.0, 0.45, 3)
            stalk = node + out / np.linalg.norm(out) * np.linspace(0.0, 0.55 * size, 5)[:, None]
            stalk[:, 2] -= 0.25 * size * np.linspace(0.0, 1.0, 5) ** 2
            wood.append(meshes.tube(stalk, np.linspace(0.0016, 0.0011, 5), 5))
            aim = np.array((0.45 * out[0], 0.15 * out[1], -0.75)) + rng.normal(0.0, 0.30, 3)
            kind, vein = kinds[int(rng.integers(len(kinds)))]
            turn = _hanging(aim, rng)
            young = 1.0 - 0.5 * place**3
            leaves.append(kind.moved(stalk[-1], turn, size * young * float(rng.uniform(0.62, 1.1))))
            veins.append(vein)
            if number % 4 == 1:
                wood.append(_tendril(rng, node, side))
    bark = materials.plain("vine shoot", (0.11, 0.10, 0.03), 0.6)
    meshes.add("vine shoots", wood, bark, smooth=True)
    colours = ((0.035, 0.085, 0.012), (0.06, 0.13, 0.018), (0.10, 0.17, 0.03), (0.16, 0.20, 0.045))
    blades = meshes.add("vine leaves", leaves, _blade(colours, turning), smooth=True)
    layer = blades.data.attributes.new("vein", "FLOAT", "POINT")
    layer.data.foreach_set("value", np.concatenate(veins).astype(np.float32))
    return len(leaves)


def _hanging(aim: Array, rng: np.random.Generator) -> Array:
    """A turn that carries the leaf's length to `aim` and its upper side towards the camera and the sky."""
    y = aim / np.linalg.norm(aim)
    up = np.array((0.0, -1.0, 0.55)) + rng.normal(0.0, 0.42, 3)
    z = up - y * (up @ y)
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], axis=1)


def _tendril(rng: np.random.Generator, node: Array, side: float) -> Shape:
    """A thin curl."""
    t = np.linspace(0.0, 1.0, 34)
    coil = 0.012 * t**0.6
    turns = (9.0 + 6.0 * rng.random()) * t**1.7
    curl = np.stack(
        [
            side * 0.10 * t + coil * np.cos(turns) - coil[0],
            0.02 * np.sin(2.0 * t),
            coil * np.sin(turns) - 0.05 * t,
        ],
        axis=1,
    )
    return meshes.tube(node + curl, np.linspace(0.0011, 0.0006, 34), 5)


def grapes(rng: np.random.Generator, places: Sequence[Vector]) -> None:
    """Bunches of dark grapes with a waxy bloom, hanging from each place."""
    berries, stalks = [], []
    for place in places:
        top = np.asarray(place, np.float64)
        stalks.append(meshes.tube(top + np.linspace((0.0, 0.0, 0.09), (0.0, 0.0, -0.12), 6), 0.0022, 6))
        for level in np.linspace(0.0, 1.0, 10):
            radius = 0.042 * (1.0 - 0.75 * level) * min(1.0, 0.5 + 3.0 * level)
            count = max(2, round(2.0 * math.pi * radius / 0.0155))
            turn = rng.uniform(0.0, 6.3)
            for angle in turn + np.arange(count) * 2.0 * math.pi / count:
                at = (radius * math.cos(angle), radius * math.sin(angle), -0.02 - 0.125 * level)
                spot = top + at + rng.normal(0.0, 0.0018, 3)
                berries.append(meshes.sphere(float(rng.uniform(0.0082, 0.0100)), 16).moved(spot))
    shader = materials.Shader("grape")
    bloom = shader.ramp(shader.noise(60.0, 4.0), [(0.40, (0, 0, 0)), (0.66, (0.75, 0.75, 0.75))])
    colour = shader.mix(bloom, (0.028, 0.008, 0.03), (0.17, 0.17, 0.26))
    rough = shader.math("ADD", 0.22, shader.math("MULTIPLY", bloom, 0.45))
    meshes.add("grapes", berries, shader.done(shader.principled(colour, rough)), smooth=True)
    meshes.add("grape stalks", stalks, materials.plain("grape stalk", (0.12, 0.11, 0.03), 0.6), smooth=True)
