"""A slatted bench beside a sports ground and what lies on it: bag, towel, bottle, racket.

Made around its own middle: x along the seat, the back rest at positive y.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes.playthings import Colour, paint, wood

Put = Callable[[str, Sequence[Shape], Any], None]
SEAT = 0.462
BAGS: Sequence[Colour] = ((0.38, 0.040, 0.034), (0.05, 0.12, 0.26), (0.48, 0.26, 0.04), (0.055, 0.06, 0.065))


def bench(rng: np.random.Generator, at: Sequence[float], turn: float, rackets: bool) -> None:
    """Put it into the scene.

    Args:
        rng: draws where things lie and their colours.
        at: its middle on the ground.
        turn: about z, radians.
        rackets: whether a racket leans against it.
    """
    move = meshes.rotation(z=turn)

    def put(name: str, parts: Sequence[Shape], material: Any) -> None:
        smooth = not name.startswith("bench slats")
        meshes.add(name, meshes.join(parts).moved(at, move), material, smooth=smooth)

    _frame(put, rng)
    places = rng.permutation([-0.40, 0.02, 0.42]) + rng.normal(0.0, 0.03, 3)
    bag, towel, bottle = (float(place) for place in places)
    _bag(put, bag, BAGS[int(rng.integers(len(BAGS)))])
    _towel(put, towel, BAGS[int(rng.integers(len(BAGS)))])
    profile = [
        (0.0, 0.0),
        (0.034, 0.002),
        (0.036, 0.02),
        (0.036, 0.14),
        (0.022, 0.17),
        (0.014, 0.175),
        (0.014, 0.20),
        (0, 0.2),
    ]
    put(
        "bottle",
        [meshes.lathe(profile, 20).moved((bottle, -0.06, SEAT + 0.001))],
        paint("bottle", (0.05, 0.30, 0.34), 0.25),
    )
    if rackets:
        _racket(put, float(rng.uniform(-0.66, -0.5)))


def _frame(put: Put, rng: np.random.Generator) -> None:
    slats = [
        meshes.box((-0.80, y, SEAT - 0.032), (0.80, y + 0.075, SEAT)) for y in (-0.20, -0.105, -0.01, 0.085)
    ]
    back = ((0.56, 0.01), (0.675, 0.03), (0.79, 0.05))
    slats += [meshes.box((-0.80, 0.19 + d, z), (0.80, 0.215 + d, z + 0.085)) for z, d in back]
    tone = float(rng.uniform(0.75, 1.3))
    put("bench slats", slats, wood("bench wood", (0.30 * tone, 0.17 * tone, 0.085 * tone), 1.2, 0.55))
    iron = []
    for x in (-0.62, 0.62):
        rear = np.array([(x, 0.26, 0.0), (x, 0.16, 0.42), (x, 0.19, 0.52), (x, 0.27, 0.88)])
        front = np.array([(x, -0.22, 0.0), (x, -0.17, 0.41), (x, 0.16, 0.415)])
        iron += [meshes.tube(rear, 0.016, 8), meshes.tube(front, 0.016, 8)]
    put("bench iron", iron, paint("bench iron", (0.02, 0.022, 0.024), 0.45))


def _bag(put: Put, x: float, colour: Colour) -> None:
    ball = meshes.sphere(1.0, 28)
    swollen = np.sign(ball.vertices) * np.abs(ball.vertices) ** 0.55
    body = swollen * (0.25, 0.125, 0.122) + (x, -0.02, SEAT + 0.12)
    shader = materials.Shader("bag")
    weave = shader.noise(200.0, 2.0)
    tint = shader.mix(weave, tuple(0.7 * c for c in colour), tuple(1.25 * c for c in colour))
    creases = shader.bump(shader.noise(9.0), 0.6, 0.02)
    put("bag", [Shape(body, ball.faces)], shader.done(shader.principled(tint, 0.7, Normal=creases)))
    t = np.linspace(0.0, math.pi, 18)
    straps = [
        meshes.tube(np.stack([x + 0.12 * np.cos(t), y + 0 * t, SEAT + 0.225 + 0.09 * np.sin(t)], 1), 0.009, 8)
        for y in (-0.06, 0.02)
    ]
    put("straps", straps, materials.plain("strap", (0.03, 0.03, 0.035), 0.7))


def _towel(put: Put, x: float, colour: Colour) -> None:
    """Over the back rest, the seat and the front edge."""
    u, v = np.meshgrid(np.linspace(-0.14, 0.14, 12), np.linspace(0.0, 1.0, 30))
    bends = (0.0, 0.45, 0.52, 1.0)
    y = np.interp(v, bends, (-0.215, 0.16, 0.205, 0.275)) - 0.012 + 0.004 * np.sin(30 * u)
    z = np.interp(v, bends, (SEAT, SEAT, 0.52, 0.885)) + 0.009 + 0.003 * np.sin(40 * v + 9 * u)
    over = meshes.grid(u + x, y, z)
    front = meshes.grid(u + x, np.full_like(u, -0.228) - 0.006 * np.sin(25 * u) * v, SEAT + 0.009 - 0.20 * v)
    shader = materials.Shader("towel")
    pile = shader.noise(260.0, 2.0)
    across = shader.node("SeparateXYZ", {0: shader.coordinates(space="Generated")}).outputs["X"]
    bands = shader.math("GREATER_THAN", shader.math("SINE", shader.math("MULTIPLY", across, 30.0)), 0.5)
    tint = shader.mix(bands, (0.60, 0.58, 0.53), colour)
    put(
        "towel",
        [over, front],
        shader.done(shader.principled(tint, 0.95, Normal=shader.bump(pile, 0.6, 0.004))),
    )


def _racket(put: Put, x: float) -> None:
    """Leaning against the front of the seat."""
    a = np.linspace(0.0, 2.0 * math.pi, 48)
    hoop = np.stack([0.128 * np.cos(a), 0 * a, 0.165 * np.sin(a) + 0.52], axis=1)
    throat = [
        np.array([(s * 0.075, 0.0, 0.385), (s * 0.03, 0.0, 0.29), (0.0, 0.0, 0.22)]) for s in (-1.0, 1.0)
    ]
    tilt = meshes.rotation(x=-0.38, y=0.18)
    cords = []
    for k in np.linspace(-0.9, 0.9, 17):
        reach = math.sqrt(1.0 - k * k)
        high, wide = 0.165 * reach, 0.128 * reach
        cords.append(np.array([(0.128 * k, 0.0, 0.52 - high), (0.128 * k, 0.0, 0.52 + high)]))
        cords.append(np.array([(-wide, 0.0, 0.52 + 0.165 * k), (wide, 0.0, 0.52 + 0.165 * k)]))
    groups: tuple[tuple[str, list[Array], float, Any], ...] = (
        ("racket", [hoop, *throat], 0.0105, paint("racket", (0.50, 0.04, 0.03), 0.25)),
        (
            "grip",
            [np.array([(0, 0, 0), (0, 0, 0.235)])],
            0.0165,
            materials.plain("grip", (0.03, 0.028, 0.026), 0.8),
        ),
        ("strings", cords, 0.0008, materials.plain("string", (0.62, 0.60, 0.50), 0.5)),
    )
    for name, lines, radius, material in groups:
        shape = meshes.join([meshes.tube(line, radius, 8 if radius > 0.001 else 4) for line in lines])
        put(name, [shape.moved((x, -0.46, 0.012), tilt)], material)
