"""A tennis court as seen from behind its fence: surface, lines, net, basket, balls, umpire's chair.

Made in the court's own frame: x along the near base line from the court's middle, y towards the far end from
the near base line, z up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape, Vector
from bokehbench.blender.scripts.scenes.playthings import paint
from bokehbench.blender.scripts.scenes.suburb import Place

Colour = tuple[float, float, float]
LENGTH, WIDTH, SINGLES, SERVICE = 23.77, 10.97, 8.23, 6.40
BALL = 0.0335
SURFACES: dict[str, tuple[Colour, Colour]] = {
    # the court and what surrounds it
    "blue": ((0.050, 0.135, 0.255), (0.085, 0.175, 0.085)),
    "clay": ((0.27, 0.105, 0.052), (0.27, 0.105, 0.052)),
    "green": ((0.055, 0.16, 0.085), (0.30, 0.095, 0.060)),
}


def build(place: Place, kind: str) -> None:
    """Surface, net and umpire's chair."""
    surface(place, kind)
    net(place)
    chair(place)


def surface(place: Place, kind: str) -> None:
    """The ground and its white lines."""
    inner, outer = SURFACES[kind]
    around = meshes.quad((-16.0, -9.0, 0.0), (43.0, 0.0, 0.0), (0.0, LENGTH + 17.0, 0.0))
    meshes.add("surround", place(around), _hard(f"{kind} surround", outer, kind == "clay"))
    court = meshes.quad((-WIDTH / 2 - 0.9, -1.6, 0.003), (WIDTH + 1.8, 0.0, 0.0), (0.0, LENGTH + 3.2, 0.0))
    meshes.add("court", place(court), _hard(f"{kind} court", inner, kind == "clay"))
    half, w = WIDTH / 2, 0.05
    strips = [(-half, -0.05, half, 0.06), (-half, LENGTH - 0.06, half, LENGTH + 0.05)]
    strips += [(x - w / 2, 0.0, x + w / 2, LENGTH) for x in (-half, half, -SINGLES / 2, SINGLES / 2)]
    strips += [
        (-SINGLES / 2, y - w / 2, SINGLES / 2, y + w / 2)
        for y in (LENGTH / 2 - SERVICE, LENGTH / 2 + SERVICE)
    ]
    strips += [(-w / 2, LENGTH / 2 - SERVICE, w / 2, LENGTH / 2 + SERVICE), (-w / 2, 0.0, w / 2, 0.18)]
    lines = [meshes.quad((x0, y0, 0.006), (x1 - x0, 0, 0), (0, y1 - y0, 0)) for x0, y0, x1, y1 in strips]
    shader = materials.Shader("line")
    worn = shader.ramp(
        shader.noise(7.0, 7.0, roughness=0.7), [(0.42, (0.72, 0.71, 0.67)), (0.70, (0.38, 0.37, 0.34))]
    )
    meshes.add("lines", [place(line) for line in lines], shader.done(shader.principled(worn, 0.75)))


def _hard(name: str, colour: Colour, dusty: bool) -> Any:
    """Acrylic over asphalt, or clay: grain, faded and stained places, scuffs."""
    shader = materials.Shader(name)
    grain = shader.noise(140.0, 3.0)
    stains = shader.noise(0.9, 7.0, roughness=0.62)
    pale = tuple(0.8 * c + 0.05 for c in colour)
    dark = tuple(0.55 * c for c in colour)
    tint = shader.ramp(stains, [(0.28, dark), (0.46, colour), (0.70, pale)])
    speckled = shader.mix(shader.math("MULTIPLY", grain, 0.5), tint, tuple(1.7 * c for c in colour))
    rough = 0.95 if dusty else 0.62
    return shader.done(shader.principled(speckled, rough, Normal=shader.bump(grain, 0.5, 0.004)))


def net(place: Place) -> None:
    """Net with tape, strap, cable and posts."""
    y, half = LENGTH / 2, 6.40

    def height(x: Array) -> Array:
        return np.asarray(0.914 + 0.156 * (x / half) ** 2)

    cords = []
    for x in np.arange(-half, half, 0.052):
        top = float(height(np.array(x)))
        cords.append(meshes.tube(np.array([(x, y, 0.03), (x, y, top)]), 0.0017, 3))
    across = np.linspace(-half, half, 13)
    for share in np.linspace(0.03, 0.97, 19):
        line = np.stack([across, np.full(13, y), share * height(across)], axis=1)
        cords.append(meshes.tube(line, 0.0017, 3))
    meshes.add("net", [place(cord) for cord in cords], materials.plain("cord", (0.014, 0.016, 0.015), 0.8))
    z = height(across)
    tape = [
        meshes.grid(np.stack([across, across]), np.full((2, 13), y + s), np.stack([z - 0.055, z]))
        for s in (-0.008, 0.008)
    ]
    tape.append(meshes.box((-0.025, y - 0.012, 0.0), (0.025, y + 0.012, 0.90)))
    meshes.add("tape", [place(part) for part in tape], paint("tape", (0.66, 0.65, 0.61), 0.8))
    posts = [
        meshes.lathe([(0.04, 0.0), (0.04, 1.07), (0.0, 1.09)], 16).moved((x, y, 0.0)) for x in (-half, half)
    ]
    meshes.add(
        "net posts",
        [place(post) for post in posts],
        paint("post green", (0.03, 0.09, 0.06), 0.4),
        smooth=True,
    )


def chair(place: Place) -> None:
    """The umpire's chair beside the net."""
    at = (-7.4, LENGTH / 2, 0.0)
    legs = [((-0.42, -0.36, 0.0), (-0.26, -0.25, 1.75)), ((-0.42, 0.36, 0.0), (-0.26, 0.25, 1.75))]
    legs += [((0.48, -0.36, 0.0), (0.24, -0.25, 2.45)), ((0.48, 0.36, 0.0), (0.24, 0.25, 2.45))]
    parts = [meshes.tube(np.array(leg), 0.022, 10) for leg in legs]
    for step in (0.35, 0.70, 1.05, 1.40):
        x = 0.48 - 0.10 * step - 0.9 + 0.16 * step / 1.75
        wide = 0.36 - 0.06 * step
        parts.append(meshes.tube(np.array([(x, -wide, step), (x, wide, step)]), 0.016, 8))
    parts += [
        meshes.box((-0.30, -0.26, 1.72), (0.28, 0.26, 1.76)),
        meshes.box((0.25, -0.26, 2.0), (0.28, 0.26, 2.42)),
    ]
    parts += [meshes.box((-0.28, y - 0.02, 1.96), (0.26, y + 0.02, 1.99)) for y in (-0.26, 0.26)]
    green = paint("chair green", (0.035, 0.11, 0.075), 0.45)
    meshes.add("umpire's chair", [place(part.moved(at)) for part in parts], green)


def ball_felt() -> Any:
    """The yellow felt of tennis balls, each a little different."""
    shader = materials.Shader("felt ball")
    fuzz = shader.noise(420.0, 3.0)
    island = shader.node("NewGeometry").outputs["Random Per Island"]
    dirt = shader.math("ADD", shader.math("MULTIPLY", fuzz, 0.5), shader.math("MULTIPLY", island, 0.4))
    tint = shader.ramp(dirt, [(0.1, (0.62, 0.74, 0.055)), (0.8, (0.36, 0.43, 0.05))])
    return shader.done(shader.principled(tint, 0.95, Sheen_Weight=0.4, Normal=shader.bump(fuzz, 0.6, 0.002)))


def seam(sides: int = 64) -> Shape:
    """The white seam of a tennis ball around the origin."""
    t = np.linspace(0.0, 2.0 * math.pi, sides)
    x, y = 0.75 * np.cos(t) + 0.25 * np.cos(3 * t), 0.75 * np.sin(t) - 0.25 * np.sin(3 * t)
    z = 2.0 * math.sqrt(0.75 * 0.25) * np.sin(2 * t)
    return meshes.tube(np.stack([x, y, z], axis=1) * (BALL * 0.992), 0.0016, 5)


def balls(places: Sequence[Vector], rng: np.random.Generator, sides: int = 20) -> None:
    """Tennis balls at centres in the world."""
    felt, seams = [], []
    for at in places:
        turn = meshes.rotation(*rng.uniform(0.0, 6.3, 3))
        felt.append(meshes.sphere(BALL, sides).moved(at))
        seams.append(seam().moved(at, turn))
    meshes.add("balls", felt, ball_felt(), smooth=True)
    meshes.add("seams", seams, materials.plain("seam", (0.70, 0.70, 0.62), 0.7), smooth=True)


def basket(rng: np.random.Generator, at: Sequence[float]) -> None:
    """A wire basket on legs, full of balls."""
    x, y, _ = at
    wire = []
    low, high, a, b = 0.42, 0.68, 0.125, 0.155
    for z, half in ((low, a), (low + 0.09, a * 1.08), (low + 0.17, a * 1.16), (high, b)):
        ring = np.array([(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)])
        wire.append(meshes.tube(np.column_stack([ring, np.full(5, z)]), 0.005 if z == high else 0.003, 6))
    for t in np.linspace(-1.0, 1.0, 6):
        for s in (-1.0, 1.0):
            wire.append(meshes.tube(np.array([(t * a, s * a, low), (t * b, s * b, high)]), 0.003, 5))
            wire.append(meshes.tube(np.array([(s * a, t * a, low), (s * b, t * b, high)]), 0.003, 5))
        wire.append(meshes.tube(np.array([(t * a, -a, low), (t * a, a, low)]), 0.003, 5))
    for s in (-1.0, 1.0):
        leg = np.array(
            [(s * b, -0.17, 0.008), (s * b, -0.15, high), (s * b, 0.15, high), (s * b, 0.17, 0.008)]
        )
        wire.append(meshes.tube(leg, 0.007, 8))
    bow = np.stack(
        [np.linspace(-b, b, 12), np.zeros(12), high + 0.13 * np.sin(np.linspace(0, math.pi, 12))], axis=1
    )
    wire.append(meshes.tube(bow, 0.007, 8))
    steel = materials.plain("basket wire", (0.05, 0.055, 0.06), 0.35, Metallic=0.7)
    meshes.add("basket", meshes.join(wire).moved(at, meshes.rotation(z=0.4)), steel, smooth=True)
    inside: list[Vector] = []
    for layer in range(4):
        half = a - 0.035 + 0.006 * layer
        grid = np.linspace(-half, half, 3)
        for px in grid:
            for py in grid:
                c, s = math.cos(0.4), math.sin(0.4)
                px2, py2 = px + rng.normal(0, 0.006), py + rng.normal(0, 0.006)
                z = low + 0.037 + 0.058 * layer + rng.normal(0.0, 0.005)
                inside.append((x + c * px2 - s * py2, y + s * px2 + c * py2, z))
    balls(inside, rng)
