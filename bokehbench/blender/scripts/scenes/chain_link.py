"""A chain-link fence: woven zigzag wires, post, rail, ties, and what has caught in it.

The fence is made in a frame of its own: x along it, y across (the camera stands at negative y), z up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import plants

PITCH = 0.0355
"""Half the width of a diamond, metres; a diamond is as high as wide."""
WIRE = 0.0019
"""Radius of the wire."""
RAIL = 0.021
POST = 0.030


@dataclass(frozen=True, eq=False)
class Frame:
    """Where the fence stands: its origin on the ground and the turn of its x axis."""

    origin: Array
    turn: float

    def moved(self, shape: Shape) -> Shape:
        """A shape of the fence in the world."""
        return shape.moved(self.origin, meshes.rotation(z=self.turn))


def fence(
    rng: np.random.Generator, frame: Frame, top: float, span: tuple[float, float], posts: Array
) -> None:
    """Wires from 0.2 m to `top`, a rail, posts at the places `posts` along the fence, bands and ties."""
    dents = rng.uniform((span[0], 0.5, -0.022), (span[1], top, 0.022), (5, 3))
    first, last = int(span[0] / PITCH), int(span[1] / PITCH)
    wires = [frame.moved(_wire(rng, number, top, dents)) for number in range(first, last)]
    meshes.add("chain link", wires, _galvanised("wire", 0.5), smooth=True)
    ends = np.linspace((span[0], 0.0, top), (span[1], 0.0, top), 40)
    ends[:, 2] += 0.003 * np.sin(ends[:, 0] * 2.3)
    back = (0.0, WIRE + RAIL + 0.004, -0.03)
    steel = [meshes.tube(ends + back, RAIL, 20)]
    for place in posts:
        steel += _post(float(place), top)
    meshes.add(
        "rail and posts", [frame.moved(part) for part in steel], _galvanised("tube", 0.35), smooth=True
    )
    ties = [_tie(float(x), top - 0.03, RAIL) for x in np.arange(span[0] + 0.07, span[1], 0.31)]
    for place in posts:
        tie = _tie(0.0, 0.0, POST, 0.021)
        upright = meshes.rotation(y=math.pi / 2)
        ties += [tie.moved((place, 0.0, z), upright) for z in np.arange(top - 0.20, 0.3, -0.27)]
    meshes.add("ties", [frame.moved(tie) for tie in ties], _galvanised("tie", 0.15), smooth=True)


def _wire(rng: np.random.Generator, number: int, top: float, dents: Array) -> Shape:
    """One wire: a flattened spiral, in front where it rises to the right, behind where it falls back."""
    turns = np.arange(0.0, (top - 0.2) / (2.0 * PITCH), 1.0 / 9.0)
    phase = 2.0 * math.pi * turns + math.pi * (number % 2)
    swing = np.arcsin(0.985 * np.sin(phase)) / math.asin(0.985)
    x = PITCH * (number + 0.5) + (PITCH / 2 + 1.1 * WIRE) * swing
    y = 1.15 * WIRE * np.clip(1.6 * np.cos(phase), -1.0, 1.0)
    z = top - 2.0 * PITCH * turns
    x = x + 0.0016 * np.sin(2.1 * z + 0.7 * number) + float(rng.normal(0.0, 0.0004))
    z = z + 0.0022 * np.sin(1.3 * x * 9.0) + float(rng.normal(0.0, 0.0006))
    for place, height, depth in dents:
        y = y + depth * np.exp(-((x - place) ** 2 + (z - height) ** 2) / 0.012)
    line = np.stack([x, y, z], axis=1)
    # Above the last bend the ends of neighbours are twisted into a barb.
    sign = 1.0 if number % 2 else -1.0
    t = np.linspace(1.0, 0.0, 7)
    twist = np.stack(
        [
            PITCH * (number + 0.5 + 0.5 * sign) + 0.0021 * np.cos(9.0 * t + (0.0 if number % 2 else math.pi)),
            0.0021 * np.sin(9.0 * t + (0.0 if number % 2 else math.pi)),
            top + PITCH * 0.5 + 0.016 * t,
        ],
        axis=1,
    )
    return meshes.tube(np.concatenate([twist, line]), WIRE, 5)


def _post(place: float, top: float) -> list[Shape]:
    """A tube with a domed cap that carries the rail, and a clamp below it."""
    y = WIRE + POST + 0.006
    high = top + 0.015
    tube = [(POST, 0.0), (POST, high)]
    cap = [(POST + 0.004, high - 0.035), (POST + 0.004, high), (POST * 0.9, high + 0.014)]
    cap += [(POST * 0.5, high + 0.026), (0.0, high + 0.030)]
    band = [(POST + 0.0002, -0.012), (POST + 0.003, -0.011), (POST + 0.003, 0.011), (POST + 0.0002, 0.012)]
    parts = [meshes.lathe(tube, 28), meshes.lathe(cap, 28)]
    parts += [meshes.lathe(band, 28).moved((0.0, 0.0, z)) for z in (top - 0.11, top - 0.56)]
    for z in (top - 0.11, top - 0.56):
        bolt = meshes.lathe(
            [(0.0, -0.02), (0.0045, -0.02), (0.0045, 0.016), (0.008, 0.016), (0.008, 0.022), (0, 0.022)], 6
        )
        parts.append(bolt.moved((POST + 0.008, 0.0, z), meshes.rotation(x=math.pi / 2)))
        parts.append(meshes.box((POST, -0.006, z - 0.011), (POST + 0.018, 0.006, z + 0.011)))
    return [part.moved((place, y, 0.0)) for part in parts]


def _tie(place: float, height: float, radius: float, middle: float = 0.0) -> Shape:
    """A thin wire slung round rail and mesh, its ends twisted in front."""
    reach = radius + 0.003
    a = np.linspace(-0.7, 2 * math.pi - 0.5, 26)
    y = WIRE + (middle or RAIL) + 0.004
    loop = np.stack([0.004 * np.sin(a * 0.5), y - reach * np.cos(a) * 1.12, reach * np.sin(a)], axis=1)
    return meshes.tube(np.add(loop, (place, 0.0, height)), 0.0014, 5)


def _galvanised(name: str, rust: float) -> Any:
    """Zinc with spangle, grime and rust where the coat has gone; `rust` is about its share."""
    shader = materials.Shader(name)
    spangle = shader.noise(160.0, 3.0)
    zinc = shader.ramp(spangle, [(0.3, (0.22, 0.23, 0.24)), (0.7, (0.42, 0.43, 0.44))])
    red = shader.ramp(shader.noise(240.0, 3.0), [(0.35, (0.075, 0.026, 0.010)), (0.65, (0.26, 0.10, 0.032))])
    patches = shader.math(
        "ADD", shader.noise(6.0, 5.0), shader.math("MULTIPLY", shader.noise(55.0, 4.0), 0.45)
    )
    start = 0.98 - 0.42 * rust
    where = shader.ramp(patches, [(start - 0.06, (0, 0, 0)), (start + 0.03, (1, 1, 1))])
    colour = shader.mix(where, zinc, red)
    bare = shader.math("SUBTRACT", 1.0, where)
    roughness = shader.math("SUBTRACT", 0.85, shader.math("MULTIPLY", bare, 0.34))
    metallic = shader.math("MULTIPLY", bare, 0.5)
    normal = shader.bump(shader.noise(300.0, 2.0), 0.25, 0.001)
    return shader.done(shader.principled(colour, roughness, Metallic=metallic, Normal=normal))


def leaf_colour(name: str, colours: Any, glow: float = 0.45) -> Any:
    """Leaves lit through from behind, each of its own colour, with veins and spots."""
    shader = materials.Shader(name)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    tone = shader.ramp(island, [(i / max(1, len(colours) - 1), c) for i, c in enumerate(colours)])
    spots = shader.ramp(shader.noise(170.0, 4.0), [(0.5, (0.0, 0.0, 0.0)), (0.75, (1.0, 1.0, 1.0))])
    colour = shader.mix(spots, tone, (0.10, 0.050, 0.015))
    bright = shader.node("HueSaturation", {"Color": colour, "Saturation": 1.1, "Value": 2.2}).outputs[0]
    through = shader.node("BsdfTranslucent", {"Color": bright}).outputs[0]
    top = shader.principled(colour, 0.5)
    return shader.done(shader.node("MixShader", {0: glow, 1: top, 2: through}).outputs[0])


def caught_leaves(
    rng: np.random.Generator,
    frame: Frame,
    span: tuple[float, float],
    heights: tuple[float, float],
    covered: float,
) -> None:
    """Dry leaves stuck in the mesh, none about `covered` metres along it, where something hangs."""
    leaf = plants.leaf(6, 10, 0.36)
    parts: list[Shape] = []
    while len(parts) < 11:
        column, row = int(rng.integers(int(span[0] / PITCH), int(span[1] / PITCH))), rng.uniform(*heights)
        if abs(PITCH * column - covered) < 0.14:
            continue
        turn = meshes.rotation(x=rng.normal(1.2, 0.35), y=rng.normal(0.0, 0.5), z=rng.uniform(0, 6.3))
        size = float(rng.uniform(0.045, 0.075))
        middle = leaf.moved((0.0, -0.5, 0.05)).moved((0, 0, 0), turn, size)
        parts.append(
            frame.moved(middle.moved((PITCH * (column + 0.5), float(rng.normal(-0.004, 0.004)), row)))
        )
    dry = leaf_colour(
        "dry leaf", ((0.30, 0.13, 0.02), (0.40, 0.22, 0.03), (0.22, 0.09, 0.025), (0.36, 0.06, 0.015))
    )
    meshes.add("caught leaves", parts, dry, smooth=True)


def bindweed(rng: np.random.Generator, frame: Frame, place: float, top: float) -> None:
    """A creeper that has climbed the mesh, with leaves and white trumpets."""
    made, stems, flowers = [], [], []
    for _ in range(4):
        t = np.linspace(0.0, 1.0, 90)
        height = float(rng.uniform(0.55, 1.0)) * (top - 0.3)
        wander = np.cumsum(rng.normal(0.0, 0.0035, 90)) + 0.05 * np.sin(5.0 * t + rng.uniform(0, 6))
        line = np.stack(
            [
                place + rng.normal(0, 0.07) + wander,
                0.007 * np.sin(t * height / PITCH * 3.1),
                0.3 + t * height,
            ],
            axis=1,
        )
        shoot = plants.twig(line, 0.0016, rng, 0.026)
        stems += [frame.moved(part) for part in shoot.wood]
        leaf = plants.leaf(4, 7, 0.42)
        made.append(frame.moved(shoot.leaves(rng, leaf, (0.026, 0.050), 0.42)))
        for at in line[rng.integers(20, 88, 2)]:
            facing = meshes.rotation(x=rng.uniform(1.1, 1.9), z=rng.normal(0.0, 0.6))
            horn = [(0.003, 0.0), (0.004, 0.014), (0.009, 0.026), (0.020, 0.036), (0.025, 0.037)]
            flowers.append(frame.moved(meshes.lathe(horn, 18).moved(np.add(at, (0.0, -0.008, 0.0)), facing)))
    green = leaf_colour("bindweed", ((0.05, 0.13, 0.02), (0.10, 0.20, 0.03), (0.16, 0.22, 0.03)))
    meshes.add("bindweed leaves", made, green, smooth=True)
    meshes.add("bindweed stems", stems, materials.plain("stem", (0.09, 0.11, 0.03), 0.6), smooth=True)
    meshes.add("bindweed flowers", flowers, materials.plain("petal", (0.80, 0.77, 0.76), 0.6), smooth=True)


def scarf(rng: np.random.Generator, frame: Frame, place: float, top: float) -> None:
    """A striped knitted scarf hung over the rail, with fringes."""
    colours: tuple[tuple[float, float, float], ...] = (
        (0.45, 0.035, 0.04),
        (0.06, 0.12, 0.32),
        (0.05, 0.22, 0.12),
    )
    colour = colours[int(rng.integers(len(colours)))]
    over = RAIL + 0.009
    bend = np.linspace(0.0, math.pi, 14)
    front, back = np.linspace(0.42, 0.0, 40)[:-1], np.linspace(0.0, 0.33, 30)[1:]
    y = np.concatenate([np.full(39, -over), -over * np.cos(bend), np.full(29, over)]) + WIRE + RAIL + 0.004
    z = np.concatenate([-front, over * np.sin(bend), -back]) + top - 0.03
    v, u = np.meshgrid(np.arange(len(y)), np.linspace(-0.085, 0.085, 18), indexing="ij")
    hang = np.abs(v - 45.0) / 45.0
    x = place + u * (0.66 + 0.16 * hang + 0.05 * np.sin(v / 11.0)) + 0.010 * np.sin(v / 17.0)
    outward = np.where(v < 45, -1.0, 1.0)
    ripple = outward * (0.004 + 0.013 * hang) * (1.0 + np.sin(u * 62.0 + 0.9 * np.sin(v / 9.0)))
    # It lies before the wires it hangs against.
    depth = y[v] + ripple - 0.010 * (v < 45)
    sheet = frame.moved(meshes.grid(x, depth, z[v]))
    shader = materials.Shader("knit")
    place_z = shader.node("SeparateXYZ", {0: shader.node("TexCoord").outputs["Object"]}).outputs["Z"]
    stripe = shader.math("GREATER_THAN", shader.math("SINE", shader.math("MULTIPLY", place_z, 62.0)), 0.0)
    knit = shader.noise(230.0, 2.0)
    tint = shader.mix(stripe, colour, (0.66, 0.64, 0.58))
    shaded = shader.mix(shader.math("MULTIPLY", knit, 0.45), tint, tuple(0.3 * c for c in colour))
    rows = shader.math("SINE", shader.math("MULTIPLY", place_z, 1400.0))
    wool = shader.done(
        shader.principled(shaded, 0.95, Normal=shader.bump(shader.math("ADD", knit, rows), 0.5, 0.002))
    )
    fringe = []
    for at in np.linspace(-0.075, 0.075, 15):
        drop = np.linspace(0.0, 0.055, 5)
        sway = 0.006 * np.sin(drop * 60.0 + rng.uniform(0, 6))
        line = np.stack([place + 0.82 * at + sway, np.full(5, y[0] - 0.022) + sway, z[0] - drop], axis=1)
        fringe.append(frame.moved(meshes.tube(line, 0.0028, 5)))
    meshes.add("scarf", [sheet, *fringe], wool, smooth=True)
