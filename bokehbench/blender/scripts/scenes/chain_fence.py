"""A tennis court on a late afternoon, seen through its chain-link fence: wires close to the lens.

x points right, y into the picture, z up; metres. The fence runs across the frame at 1.2 m to 1.8 m.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import chain_link, court, plants, suburb
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 42.0, 36.0
EYE = 1.15
TOP = EYE + 0.165
"""Upper edge of the fence."""


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed draws the surface, side and season, and moves what stands and lies about."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, 0, f"chain_fence/{name}")

    drawn = random("ground")
    kind = "blue" if seed == 0 else str(drawn.choice(sorted(court.SURFACES)))
    slant = 0.385 * (1.0 if seed == 0 else float(drawn.choice((-1.0, 1.0)))) + float(
        drawn.uniform(-0.04, 0.04)
    )
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, (0.0, 0.0, EYE), (0.0, 12.0, EYE - 0.42))
    _render_settings(scene)
    _light(scene, drawn, slant)
    frame = chain_link.Frame(np.array((0.0, 1.47, 0.0)), slant)
    post = math.copysign(float(drawn.uniform(0.30, 0.42)), slant)
    span = (-1.25, 1.35) if slant > 0 else (-1.35, 1.25)
    chain_link.fence(random("fence"), frame, TOP, span, np.array((post,)))
    chain_link.caught_leaves(random("leaves"), frame, (-0.6, 0.75), (0.70, TOP - 0.06))
    chain_link.bindweed(random("bindweed"), frame, -math.copysign(0.56, slant), TOP)
    _wedged_ball(random("ball"), frame, -math.copysign(0.14, slant))
    place = _court(slant)
    court.surface(place, kind)
    court.net(place)
    court.chair(place)
    _foreground(random("things"), slant)
    autumn = float(drawn.uniform(0.15, 0.6))
    trees = _surroundings(random("surroundings"), place, slant, autumn)
    return {"name": "chain_fence", "variation": seed, "surface": kind, "trees": trees, "autumn": autumn}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 3, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces = 3, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 5.0


def _light(scene: Any, rng: np.random.Generator, slant: float) -> None:
    """Low sun from beside and beyond the court, clouds in a clear sky."""
    sky = [(0.0, (1.30, 1.08, 0.80)), (0.10, (1.00, 0.98, 0.92)), (0.30, (0.46, 0.62, 0.88))]
    materials.world_gradient(scene, [*sky, (1.0, (0.16, 0.28, 0.58))], 0.82, clouds=0.22)
    side = math.copysign(1.0, slant)
    materials.sun((side * 0.80, -0.44 + float(rng.uniform(-0.1, 0.1)), -0.46), (1.0, 0.79, 0.52), 11.0, 1.2)


def _court(slant: float) -> Any:
    """Where the court lies: parallel to the fence, seen from near one of its corners."""
    turn = meshes.rotation(z=slant)
    corner = np.array((0.0, 1.47, 0.0)) + turn @ np.array((math.copysign(4.6, slant), 5.0, 0.0))

    def place(shape: Shape) -> Shape:
        return shape.moved(corner, turn)

    return place


def _wedged_ball(rng: np.random.Generator, frame: chain_link.Frame, along: float) -> None:
    """A ball that has stuck in a diamond of the mesh, on the far side."""
    column = 2 * round(along / (2 * chain_link.PITCH))
    rows = round((TOP - 0.93) / (2 * chain_link.PITCH))
    middle = (chain_link.PITCH * column, 0.021, TOP - 2 * chain_link.PITCH * rows)
    at = frame.moved(Shape(np.array([middle]), np.zeros((0, 3), np.int64))).vertices[0]
    court.balls([at], rng, 40)


def _foreground(rng: np.random.Generator, slant: float) -> None:
    """Bench and basket behind the fence, balls and fallen leaves on the ground."""
    side = math.copysign(1.0, slant)
    court.bench((-0.62 * side, 3.75, 0.0), slant + 0.35 * side)
    court.basket(rng, (0.86 * side, 4.5, 0.0))
    spots: list[Array] = []
    while len(spots) < 34:
        y = float(3.6 * (19.0 / 3.6) ** rng.random())
        spot = np.array((float(rng.uniform(-0.42, 0.42)) * y, y, court.BALL + 0.006))
        if (
            np.hypot(*(spot[:2] - (-0.62 * side, 3.75))) > 1.1
            and np.hypot(*(spot[:2] - (0.86 * side, 4.5))) > 0.3
        ):
            spots.append(spot)
    court.balls(spots, rng)
    y = 3.2 * (16.0 / 3.2) ** rng.random(420)
    drift = np.abs(rng.normal(0.0, 0.55, y.size)) - 0.6
    at = np.stack([rng.uniform(-0.5, 0.5, y.size) * y + drift, y, np.full(y.size, 0.012)], axis=1)
    turns = np.array(
        [meshes.rotation(x=a, y=b, z=c) for a, b, c in rng.normal(0.0, (0.25, 0.3, 3.0), (y.size, 3))]
    )
    litter = plants.leaf(3, 5, 0.38).copies(at, turns, rng.uniform(0.03, 0.065, y.size))
    meshes.add(
        "fallen leaves", litter, chain_link.leaf_colour("fallen leaf", suburb.AUTUMN, 0.25), smooth=True
    )


def _surroundings(rng: np.random.Generator, place: Any, slant: float, autumn: float) -> int:
    suburb.lawn(float(rng.uniform(0.0, 50.0)))
    back = court.LENGTH + 6.4
    screen = meshes.grid(*_cloth((-17.0, 27.2), back, 1.9))
    shader = materials.Shader("windscreen")
    weave = shader.noise(3.0, 5.0)
    green = shader.mix(weave, (0.018, 0.065, 0.040), (0.035, 0.105, 0.062))
    meshes.add("windscreen", place(screen), shader.done(shader.principled(green, 0.8)), smooth=True)
    steel = [
        meshes.lathe([(0.04, 0.0), (0.04, 3.0), (0.0, 3.03)], 10).moved((x, back + 0.08, 0.0))
        for x in np.arange(-17, 27.3, 3.4)
    ]
    steel += [
        meshes.tube(np.array([(-17.0, back + 0.08, z), (27.2, back + 0.08, z)]), 0.025, 8)
        for z in (1.95, 3.0)
    ]
    mesh = []
    for x in np.arange(-17.0, 27.2, 0.16):
        mesh += [
            meshes.tube(np.array([(x, back + 0.06, 1.9), (x + s * 1.1, back + 0.06, 3.0)]), 0.004, 3)
            for s in (-1, 1)
        ]
    dark = materials.plain("far steel", (0.10, 0.12, 0.11), 0.5, Metallic=0.4)
    meshes.add("far fence", [place(part) for part in (*steel, *mesh)], dark, smooth=True)
    for x in (-8.6, 8.6):
        for y in (1.5, court.LENGTH - 1.5):
            at = place(Shape(np.array([(x, y, 0.0)]), np.zeros((0, 3), np.int64))).vertices[0]
            suburb.floodlight((float(at[0]), float(at[1])), slant)
    ends = place(
        Shape(np.array([(-30.0, back + 3.0, 0.0), (44.0, back + 3.0, 0.0)]), np.zeros((0, 3), np.int64))
    ).vertices
    suburb.hedge(rng, tuple(ends[0][:2]), tuple(ends[1][:2]), 2.3)
    suburb.houses(rng, 0.0)
    return suburb.trees(rng, 0.0, 46.0, autumn)


def _cloth(x: tuple[float, float], y: float, height: float) -> tuple[Array, Array, Array]:
    """Windscreen cloth that bellies between its posts."""
    u, v = np.meshgrid(np.linspace(*x, 200), np.linspace(0.05, height, 8))
    belly = 0.10 * np.abs(np.sin(u * math.pi / 3.4)) * np.sin(v / height * math.pi)
    return u, y - belly + 0.02 * np.sin(7.0 * u), v
