"""A tennis court or a football pitch on a late afternoon, seen through a chain-link fence close to the lens.

x points right, y into the picture, z up; metres. The fence runs across the frame at 1.2 m to 1.8 m.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import bench, chain_link, court, pitch, plants, suburb
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 42.0, 36.0
EYE = 1.15
TOP = EYE + 0.165
"""Upper edge of the fence."""
GROUNDS = ("blue", "football", "clay", "green")
"""What lies behind it: a tennis court of some colour, or a football pitch."""


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed draws ground, side and season, and moves what stands and lies about."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, 0, f"chain_fence/{name}")

    drawn = random("ground")
    ground = GROUNDS[seed % len(GROUNDS)]
    side = 1.0 if seed == 0 else float(drawn.choice((-1.0, 1.0)))
    slant = side * float(drawn.uniform(0.34, 0.43))
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, (0.0, 0.0, EYE), (0.0, 12.0, EYE - 0.42))
    _render_settings(scene)
    _light(scene, drawn, side)
    frame = chain_link.Frame(np.array((0.0, 1.47, 0.0)), slant)
    span = (-1.25, 1.35) if side > 0 else (-1.35, 1.25)
    chain_link.fence(random("fence"), frame, TOP, span, np.array((side * float(drawn.uniform(0.22, 0.42)),)))
    chain_link.bindweed(random("bindweed"), frame, -side * 0.56, TOP)
    along = -side * float(drawn.uniform(0.05, 0.22))
    chain_link.caught_leaves(random("leaves"), frame, (-0.6, 0.75), (0.70, TOP - 0.06), along)
    if ground == "football":
        place, far = _placed(slant, (side * float(drawn.uniform(1.6, 2.6)), 6.2, 0.0)), pitch.LENGTH + 4.0
        pitch.build(random("pitch"), place)
        chain_link.scarf(random("scarf"), frame, along, TOP)
        _football(random("things"), side, place)
    else:
        place, far = _placed(slant, (side * 4.6, 5.0, 0.0)), court.LENGTH + 6.4
        court.build(place, ground)
        _wedged_ball(random("ball"), frame, along)
        _tennis(random("things"), side)
    _fallen_leaves(random("fallen"))
    autumn = float(drawn.uniform(0.15, 0.6))
    trees = _surroundings(random("surroundings"), place, side, far, autumn)
    return {"name": "chain_fence", "variation": seed, "ground": ground, "trees": trees, "autumn": autumn}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 3, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces = 3, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 5.0
    cycles.use_light_tree = True  # measured: 1.9 dB better before denoising, 7 % slower


def _light(scene: Any, rng: np.random.Generator, side: float) -> None:
    """Low sun from beside and beyond the court, clouds in a clear sky."""
    sky = [(0.0, (1.30, 1.08, 0.80)), (0.10, (1.00, 0.98, 0.92)), (0.30, (0.46, 0.62, 0.88))]
    materials.world_gradient(scene, [*sky, (1.0, (0.16, 0.28, 0.58))], 0.82, clouds=0.22)
    towards = (side * 0.80, -0.44 + float(rng.uniform(-0.1, 0.1)), -0.46)
    materials.sun(towards, (1.0, 0.79, 0.52), 11.0, 1.2)


def _placed(slant: float, offset: tuple[float, float, float]) -> suburb.Place:
    """From the ground's own frame to the world: parallel to the fence, `offset` from its middle."""
    turn = meshes.rotation(z=slant)
    origin = np.array((0.0, 1.47, 0.0)) + turn @ np.array(offset)

    def place(shape: Shape) -> Shape:
        return shape.moved(origin, turn)

    return place


def _wedged_ball(rng: np.random.Generator, frame: chain_link.Frame, along: float) -> None:
    """A tennis ball that has stuck in a diamond of the mesh, on the far side."""
    column = 2 * round(along / (2 * chain_link.PITCH))
    rows = round((TOP - 0.93) / (2 * chain_link.PITCH))
    at = suburb.point(frame.moved, chain_link.PITCH * column, 0.021, TOP - 2 * chain_link.PITCH * rows)
    court.balls([at], rng, 40)


def _tennis(rng: np.random.Generator, side: float) -> None:
    """Bench and basket behind the fence, balls all over the ground."""
    seat = (-side * float(rng.uniform(0.50, 0.72)), float(rng.uniform(3.6, 4.1)))
    crate = (side * float(rng.uniform(1.2, 1.5)), float(rng.uniform(4.3, 4.9)))
    bench.bench(rng, (*seat, 0.0), side * float(rng.uniform(0.55, 0.85)), rackets=True)
    court.basket(rng, (*crate, 0.0))
    spots: list[Array] = []
    while len(spots) < 34:
        y = float(3.6 * (19.0 / 3.6) ** rng.random())
        spot = np.array((float(rng.uniform(-0.42, 0.42)) * y, y, court.BALL + 0.006))
        if np.hypot(*(spot[:2] - seat)) > 1.1 and np.hypot(*(spot[:2] - crate)) > 0.3:
            spots.append(spot)
    court.balls(spots, rng)


def _football(rng: np.random.Generator, side: float, place: suburb.Place) -> None:
    """Bench behind the fence, footballs before it, in the goal and on the pitch."""
    seat = (side * float(rng.uniform(0.75, 0.95)), float(rng.uniform(3.7, 4.2)))
    bench.bench(rng, (*seat, 0.0), -side * float(rng.uniform(0.0, 0.3)), rackets=False)
    high = pitch.BALL + 0.012
    spots = [np.array((-side * x, y, high)) for x, y in ((0.62, 4.1), (0.95, 4.7), (1.25, 4.35))]
    far = ((-1.1, -0.9), (0.7, -1.1), (-2.6, 5.0), (1.4, 11.0))
    spots += [suburb.point(place, x, y, high) for x, y in far]
    pitch.balls([np.add(spot, (*rng.normal(0.0, 0.06, 2), 0.0)) for spot in spots], rng)


def _fallen_leaves(rng: np.random.Generator) -> None:
    y = 3.2 * (16.0 / 3.2) ** rng.random(420)
    drift = np.abs(rng.normal(0.0, 0.55, y.size)) - 0.6
    at = np.stack([rng.uniform(-0.5, 0.5, y.size) * y + drift, y, np.full(y.size, 0.012)], axis=1)
    tilts = rng.normal(0.0, (0.25, 0.3, 3.0), (y.size, 3))
    turns = np.array([meshes.rotation(*tilt) for tilt in tilts])
    litter = plants.leaf(3, 5, 0.38).copies(at, turns, rng.uniform(0.03, 0.065, y.size))
    brown = chain_link.leaf_colour("fallen leaf", suburb.AUTUMN, 0.25)
    meshes.add("fallen leaves", litter, brown, smooth=True)


def _surroundings(
    rng: np.random.Generator, place: suburb.Place, side: float, far: float, autumn: float
) -> int:
    """What ends the view at y = `far` of the ground's frame and beyond; how many trees."""
    suburb.lawn(float(rng.uniform(0.0, 50.0)))
    low, high = sorted((-17.0 * side, 27.2 * side))
    suburb.far_fence(place, (low, high), far)
    for x in (-8.6, 8.6):
        for y in (1.5, far - 8.0):
            suburb.floodlight(place, (x, y))
    low, high = sorted((-30.0 * side, 44.0 * side))
    suburb.hedge(rng, place, (low, high), far + 3.0)
    suburb.houses(rng, far + 34.0)
    return suburb.trees(rng, far + 17.0, autumn)
