"""A courtyard at noon seen past a vine and an open iron gate: fountain, flower pots, laundry, a blue door.

x points right, y into the picture, z up; metres. The vine hangs 1.2 to 1.7 m before the camera, across the
frame; with the fountain in focus it is a veil.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import fountain, patio, pots, vine
from bokehbench.blender.scripts.scenes.relief import stone
from bokehbench.blender.scripts.scenes.weather import Clouds, cloudy_sky
from bokehbench.rng import stream

SENSOR_MM = 36.0
EYE = 1.5
GATE = 2.05
"""y of the outer face of the wall with the gate."""
DOOR, WINDOW, SILL = -1.15, 1.35, 1.15
"""hand · x of the door and of the window in the far wall; height of its sill."""
WASHES = (
    # wall, its band, doors and shutters, flower of the climber
    ((0.70, 0.66, 0.58), (0.34, 0.19, 0.05), (0.03, 0.13, 0.27), ((0.42, 0.03, 0.20), (0.60, 0.07, 0.34))),
    ((0.62, 0.42, 0.22), (0.30, 0.10, 0.05), (0.07, 0.20, 0.12), ((0.60, 0.16, 0.03), (0.70, 0.30, 0.05))),
    ((0.64, 0.50, 0.42), (0.17, 0.22, 0.25), (0.10, 0.26, 0.28), ((0.58, 0.10, 0.22), (0.72, 0.26, 0.40))),
    ((0.68, 0.66, 0.62), (0.04, 0.11, 0.28), (0.26, 0.06, 0.035), ((0.46, 0.05, 0.30), (0.62, 0.16, 0.44))),
)


def build(seed: int) -> dict[str, Any]:
    """Make the scene; the seed draws the light, the colours of the walls, plants, furniture and the vine."""

    def random(name: str) -> np.random.Generator:
        return stream(seed, 0, f"courtyard/{name}")

    rng = random("view")
    hand = 1.0 if seed % 2 == 0 else -1.0
    focal = float(rng.uniform(40.0, 44.0))
    aim = (float(rng.uniform(-0.15, 0.15)), 10.0, EYE + float(rng.uniform(-0.08, 0.10)))
    scene = meshes.start_scene(focal, SENSOR_MM, (float(rng.uniform(-0.08, 0.08)), 0.0, EYE), aim)
    _render_settings(scene)
    _light(scene, random("light"))
    wall, band, wood, flower = WASHES[(seed + seed // 4) % len(WASHES)]
    basin = (float(rng.uniform(-0.15, 0.25)), float(rng.uniform(5.6, 6.2)), 0.0)
    patio.floor(basin)
    patio.walls(random("walls"), wall, band)
    patio.door(random("door"), DOOR * hand, wood)
    patio.window(random("window"), (WINDOW * hand, patio.BACK, SILL), 0.0, wood, 2.6)
    patio.window(random("side window"), (patio.RIGHT, 7.6, 1.35), -math.pi / 2, wood, 2.7)
    patio.laundry(random("laundry"), float(rng.uniform(7.6, 8.4)))
    patio.beyond(random("beyond"))
    fountain.build(random("fountain"), basin)
    _garden(random("garden"), hand, wood, flower)
    _gateway(random("gate"), hand)
    leaves = vine.hang(random("vine"), _shoots(random("shoots"), hand), float(rng.uniform(0.0, 0.25)))
    vine.grapes(random("grapes"), [(-0.36 * hand, 1.42, EYE + 0.14), (-0.29 * hand, 1.50, EYE + 0.10)])
    facts = {"leaves": leaves, "focal_mm": focal, "fountain_distance": basin[1]}
    return {"name": "courtyard", "variation": seed, **facts}


def _render_settings(scene: Any) -> None:
    cycles = scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 3, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces = 2, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    cycles.use_light_tree = False  # one lamp


def _light(scene: Any, rng: np.random.Generator) -> None:
    """Sun from behind the left shoulder, high; a few clouds."""
    aside, height = float(rng.uniform(0.30, 0.55)), float(rng.uniform(0.80, 1.05))
    towards = np.array((aside, 0.42, -height))
    materials.sun(towards / np.linalg.norm(towards), (1.0, 0.91, 0.77), 7.0, 0.8)
    sky = [
        (0.0, (0.62, 0.70, 0.78)),
        (0.12, (0.38, 0.56, 0.82)),
        (0.4, (0.17, 0.35, 0.72)),
        (1.0, (0.08, 0.20, 0.52)),
    ]
    clouds = Clouds(
        cover=float(rng.uniform(0.3, 0.55)), shift=float(rng.uniform(0.0, 90.0)), sunward=(-aside, -0.42)
    )
    cloudy_sky(scene, sky, 1.05, clouds)


def _garden(rng: np.random.Generator, hand: float, paint: materials.Colour, flower: Any) -> None:
    """Pots along the walls and hung on them, the lemon tree, the climber, table and chairs."""
    near = patio.LEFT if hand > 0 else patio.RIGHT
    pots.lemon_tree(rng, (near + 0.62 * hand, 5.9, 0.0), float(rng.uniform(1.35, 1.6)))
    pots.geraniums(rng, [*_along_the_side(rng, near, hand), *_along_the_back(rng, hand)], None)
    pots.geraniums(rng, _on_the_walls(rng, hand), (0.03, 0.10, 0.34))
    t = np.linspace(0.0, 1.0, 24)
    x = hand * (2.55 - 0.35 * t - 0.9 * t**3)
    way = np.stack([x, np.full(24, patio.BACK - 0.12), 0.1 + 2.95 * np.sqrt(t)], axis=1)
    pots.climber(rng, way, flower)
    pots.table(rng, (hand * float(rng.uniform(1.1, 1.25)), float(rng.uniform(4.1, 4.4)), 0.0), paint)


def _along_the_side(rng: np.random.Generator, wall: float, hand: float) -> list[pots.Stand]:
    """Places and rim radii of pots at the foot of the wall where the lemon tree stands."""
    rows = np.array((4.9, 5.25, 6.6, 7.0, 7.5, 8.1, 8.6, 9.1))
    sizes, steps = rng.uniform(0.11, 0.19, len(rows)), rng.uniform(0.1, 0.35, len(rows))
    x = wall + hand * (1.2 * sizes + steps)
    return [((float(a), float(b), 0.0), float(size)) for a, b, size in zip(x, rows, sizes, strict=True)]


def _along_the_back(rng: np.random.Generator, hand: float) -> list[pots.Stand]:
    """Pots before the far wall, beside the door, and three on the window sill."""
    door, sill = DOOR * hand, WINDOW * hand
    x = np.array([place for place in np.arange(-2.3, 2.5, 0.42) if abs(place - door) > 0.85])
    y, sizes = 9.85 - rng.uniform(0.0, 0.2, len(x)), rng.uniform(0.10, 0.18, len(x))
    ground = [((float(a), float(b), 0.0), float(c)) for a, b, c in zip(x, y, sizes, strict=True)]
    return [*ground, *(((sill + dx, patio.BACK - 0.10, SILL), 0.075) for dx in (-0.3, 0.0, 0.3))]


def _on_the_walls(rng: np.random.Generator, hand: float) -> list[pots.Stand]:
    """Small pots hung in rows on the side wall, around its window, and between door and window."""
    side = (patio.RIGHT if hand > 0 else patio.LEFT) - 0.13 * hand
    spots = [(y, z) for y in np.arange(5.2, 9.9, 0.62) for z in (1.2, 1.85, 2.5) if not 6.7 < y < 8.5]
    kept = [spot for spot in spots if rng.random() < 0.85]
    jitter = rng.normal(0.0, 0.045, (len(kept), 2))
    hung = [((side, y + a, z + b), 0.095) for (y, z), (a, b) in zip(kept, jitter.tolist(), strict=True)]
    back = [(x * hand, patio.BACK - 0.12, z) for x in (-0.25, 0.35) for z in (1.3, 1.95)]
    return [*hung, *((place, 0.09) for place in back)]


def _gateway(rng: np.random.Generator, hand: float) -> None:
    """Jambs of cut stone, a lintel above the frame, and one leaf of the iron gate, half open."""
    blocks: list[Shape] = []
    for side in (-1.0, 1.0):
        for row, low in enumerate(np.arange(0.0, 2.6, 0.31)):
            wide = 0.22 + 0.06 * (row % 2)
            middle = side * (0.88 + wide + float(rng.normal(0.0, 0.006)))
            shape = stone(rng, 20, 0.16, (1.25, 1.7))
            blocks.append(shape.moved((middle, GATE + 0.2, low + 0.155), scale=(wide / 0.95, 0.215, 0.163)))
    blocks.append(meshes.box((-1.5, GATE, 2.62), (1.5, GATE + 0.4, 3.2)))
    meshes.add("gateway", blocks, fountain.limestone("gate stone", (0.38, 0.32, 0.24)), smooth=False)
    fill = [meshes.box((low, GATE + 0.03, 0.0), (low + 2.2, GATE + 0.37, 2.9)) for low in (-3.4, 1.2)]
    meshes.add("street wall", fill, patio.limewash("street wash", (0.52, 0.45, 0.36), (0.3, 0.25, 0.2)))
    _gate(rng, hand)


def _gate(rng: np.random.Generator, hand: float) -> None:
    angle = math.radians(float(rng.uniform(58.0, 74.0)))
    turn = meshes.rotation(z=-hand * angle)
    leaf = _gate_leaf()
    if hand > 0:
        leaf = [Shape(part.vertices * (-1.0, 1.0, 1.0), part.faces) for part in leaf]
    hinge = np.array((0.86 * hand, GATE + 0.30, 0.0))
    shader = materials.Shader("gate iron")
    rust = shader.ramp(shader.noise(14.0, 6.0, roughness=0.7), [(0.50, (0, 0, 0)), (0.66, (1, 1, 1))])
    colour = shader.mix(rust, (0.020, 0.024, 0.024), (0.13, 0.05, 0.02))
    rough = shader.math("ADD", 0.36, shader.math("MULTIPLY", rust, 0.5))
    iron = shader.done(shader.principled(colour, rough, Normal=shader.bump(shader.noise(60.0), 0.3, 0.004)))
    meshes.add("gate", [part.moved(hinge, turn) for part in leaf], iron, smooth=True)


def _gate_leaf() -> list[Shape]:
    """A leaf of the gate from its hinge along +x: bars, rails, scrolls, spear heads."""
    wide = 0.70
    parts = [
        meshes.tube(np.array([(x, 0, 0.05), (x, 0, z)]), 0.016, 8) for x, z in ((0.0, 2.1), (wide, 1.86))
    ]
    parts += [meshes.tube(np.array([(0.0, 0, z), (wide, 0, z)]), 0.013, 8) for z in (0.12, 0.82, 1.0, 1.62)]
    spear = [(0.0, -0.01), (0.012, 0.0), (0.022, 0.03), (0.012, 0.075), (0.0, 0.11)]
    for x in np.arange(0.10, wide - 0.04, 0.10):
        top = 1.72 + 0.22 * (1.0 - x / wide)
        parts += [
            meshes.tube(np.array([(x, 0, 0.12), (x, 0, 0.82)]), 0.008, 6),
            meshes.tube(np.array([(x, 0, 1.0), (x, 0, top)]), 0.008, 6),
        ]
        parts.append(meshes.lathe(spear, 8).moved((x, 0.0, top)))
    a = np.linspace(0.0, 8.2, 44)
    curl = 0.006 + 0.0085 * a
    for middle in np.arange(0.0875, wide, 0.175):
        for flip in (1.0, -1.0):
            way = np.stack(
                [middle + flip * (curl * np.cos(a) - 0.02), np.zeros(44), 0.91 + flip * curl * np.sin(a)],
                axis=1,
            )
            parts.append(meshes.tube(way, 0.0055, 6))
    for middle in (0.2, 0.5):
        for flip in (1.0, -1.0):
            way = np.stack(
                [middle + flip * 1.3 * curl * np.cos(a), np.zeros(44), 1.34 + 1.3 * flip * curl * np.sin(a)],
                axis=1,
            )
            parts.append(meshes.tube(way, 0.006, 6))
    return parts


def _shoots(rng: np.random.Generator, hand: float) -> list[tuple[Array, Array, float, float]]:
    """Where the vine hangs: dense above and on one side, a spray below on the other, a few across."""

    def shoot(
        x0: float, z0: float, x1: float, z1: float, y: float, sag: float, size: float
    ) -> tuple[Array, Array, float, float]:
        wander = rng.normal(0.0, 0.03, 4)
        start = np.array((hand * (x0 + wander[0]), y + 0.1, EYE + z0 + wander[1]))
        end = np.array((hand * (x1 + wander[2]), y - 0.05, EYE + z1 + wander[3]))
        return start, end, sag, size

    return [
        shoot(-0.75, 0.36, 0.75, 0.40, 1.45, 0.10, 0.105),
        shoot(-0.70, 0.42, 0.10, 0.22, 1.35, 0.06, 0.10),
        shoot(0.75, 0.36, 0.16, 0.24, 1.55, 0.05, 0.095),
        shoot(-0.62, 0.38, -0.46, -0.42, 1.32, 0.0, 0.105),
        shoot(-0.72, 0.20, -0.60, -0.40, 1.50, 0.0, 0.11),
        shoot(-0.50, 0.30, -0.26, -0.08, 1.40, 0.0, 0.085),
        shoot(0.60, 0.36, 0.52, -0.02, 1.42, 0.0, 0.085),
        shoot(0.10, 0.34, 0.05, 0.10, 1.38, 0.0, 0.07),
        shoot(0.74, -0.42, 0.34, -0.24, 1.30, -0.06, 0.085),
        shoot(-0.66, -0.36, -0.10, -0.28, 1.28, -0.03, 0.08),
    ]
