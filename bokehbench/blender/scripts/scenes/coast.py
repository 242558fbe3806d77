"""The far part of the coast: sea, headlands one behind the other, a lighthouse, boats and gulls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Shape
from bokehbench.blender.scripts.scenes.relief import Relief
from bokehbench.blender.scripts.scenes.weather import Haze

SEA = -38.0
"""z of the water."""
HEADLANDS = (
    # distance, hand · x of the tip, height above the sea, metres
    (170.0, -34.0, 33.0),
    (400.0, -88.0, 50.0),
    (900.0, -250.0, 88.0),
    (1900.0, -640.0, 165.0),
    (4200.0, -900.0, 330.0),
)


def sea(haze: Haze) -> None:
    """Water to the horizon, with wind streaks."""
    shader = materials.Shader("sea")
    streaks = shader.noise(0.011, 6.0, shader.coordinates((0.25, 1.0, 1.0)), 0.6)
    swell = shader.noise(0.16, 5.0, shader.coordinates((0.5, 1.0, 1.0)), 0.6)
    deep = shader.ramp(
        streaks, [(0.36, (0.008, 0.042, 0.066)), (0.55, (0.014, 0.075, 0.10)), (0.68, (0.04, 0.13, 0.145))]
    )
    crest = shader.ramp(
        shader.noise(0.09, 7.0, shader.coordinates((0.4, 1.0, 1.0)), 0.7),
        [(0.655, (0, 0, 0)), (0.69, (1, 1, 1))],
    )
    flecked = shader.mix(crest, deep, (0.55, 0.60, 0.62))
    surface = shader.principled(flecked, 0.34, Normal=shader.bump(swell, 0.55, 1.2), Specular_IOR_Level=0.5)
    far = np.array([20.0, 60.0, 200.0, 700.0, 2500.0, 9000.0, 42000.0])
    across = np.linspace(-0.8, 0.8, 9)
    y, u = np.meshgrid(far, across, indexing="ij")
    x = u * (y + 60.0)
    meshes.add("sea", meshes.grid(x, y, np.full_like(x, SEA)), haze.over(shader, surface))


def headlands(rng: np.random.Generator, hand: float, haze: Haze) -> None:
    """Cliffs with turf on top, each running out from the land into the sea."""
    rock = _cliff(haze)
    foam = haze.over(*_surf())
    for number, (distance, tip, height) in enumerate(HEADLANDS):
        distance *= float(rng.uniform(0.9, 1.12))
        tip *= float(rng.uniform(0.8, 1.2))
        height *= float(rng.uniform(0.86, 1.14))
        face, surf = _headland(rng, distance, tip, height, hand)
        meshes.add(f"headland {number}", face, rock, smooth=True)
        meshes.add(f"surf {number}", surf, foam)


def _headland(
    rng: np.random.Generator, distance: float, tip: float, height: float, hand: float
) -> tuple[Shape, Shape]:
    """A ridge from its tip to beyond the frame, (its face and top, the surf at its foot)."""
    skyline, gully, ledge = Relief(rng, 6, 0.55), Relief(rng, 5, 0.6), Relief(rng, 4)
    right = 0.62 * distance + 60.0
    s = np.linspace(0.0, 1.0, 170) ** 1.25
    t = np.concatenate([np.linspace(0.0, 0.55, 20), np.linspace(0.6, 1.0, 8)])
    along, up = np.meshgrid(s, t)
    x = tip + (right - tip) * along
    unit = x / height
    rise = np.clip(1.0 - np.exp(-along * (right - tip) / (0.9 * height)), 0.0, 1.0) ** 0.6
    rise = rise * (0.72 + 0.24 * along + 0.20 * skyline(0.5 * unit, 0.0 * unit))
    cliff = np.clip(up / 0.55, 0.0, 1.0)
    shelf = 0.05 * np.sin(9.0 * cliff + 3.0 * ledge(0.6 * unit, 0.3))
    steep = np.where(
        up < 0.55,
        0.72 * (cliff + shelf * np.sin(math.pi * cliff)),
        0.72 + 0.28 * np.sin((up - 0.55) / 0.45 * math.pi / 2),
    )
    back = np.where(up < 0.55, 0.34 * cliff**1.6, 0.34 + 2.6 * (up - 0.55) / 0.45)
    carve = 0.20 * gully(1.5 * unit, 0.35 * cliff) + 0.05 * gully(6.0 * unit, 5.0 * cliff)
    bays = 0.9 * skyline(0.33 * unit, 3.0) - 0.5 * along
    y = distance + height * (back + carve * (1.0 - 0.9 * np.clip((up - 0.5) / 0.2, 0.0, 1.0)) + bays)
    z = SEA - 0.5 + height * rise * steep
    face = meshes.grid(hand * x, y, z)
    foot_x, foot_y = x[0], y[0]
    width = height * 0.05 * np.clip(0.6 + 2.2 * gully(3.0 * unit[0], 9.0), 0.05, None)
    surf_y = np.stack([foot_y - width, foot_y + 0.04 * height])
    surf = meshes.grid(hand * np.stack([foot_x, foot_x]), surf_y, np.full_like(surf_y, SEA + 0.15))
    return face, surf


def _cliff(haze: Haze) -> Any:
    """Banded rock where it is steep, turf where it is not."""
    shader = materials.Shader("cliff")
    level = shader.node("NewGeometry")
    flat = shader.node("SeparateXYZ", {0: level.outputs["Normal"]}).outputs["Z"]
    rough = shader.noise(0.09, 8.0, roughness=0.65)
    bands = shader.noise(0.05, 6.0, shader.coordinates((0.25, 0.25, 3.0)), 0.6)
    rock = shader.ramp(
        bands, [(0.36, (0.075, 0.06, 0.052)), (0.5, (0.20, 0.165, 0.135)), (0.64, (0.36, 0.31, 0.26))]
    )
    stained = shader.mix(
        shader.ramp(rough, [(0.4, (0, 0, 0)), (0.62, (1, 1, 1))]),
        shader.mix(0.6, rock, (0.05, 0.05, 0.045)),
        rock,
    )
    turf = shader.ramp(
        rough, [(0.36, (0.045, 0.075, 0.02)), (0.52, (0.10, 0.125, 0.035)), (0.66, (0.17, 0.155, 0.065))]
    )
    cover = shader.math("ADD", flat, shader.math("MULTIPLY", shader.math("SUBTRACT", rough, 0.5), 0.6))
    colour = shader.mix(shader.ramp(cover, [(0.62, (0, 0, 0)), (0.74, (1, 1, 1))]), stained, turf)
    return haze.over(shader, shader.principled(colour, 0.95, Normal=shader.bump(rough, 0.6, 2.0)))


def _surf() -> tuple[materials.Shader, Any]:
    shader = materials.Shader("surf")
    broken = shader.ramp(shader.noise(0.35, 5.0), [(0.42, (0.10, 0.24, 0.26)), (0.56, (0.75, 0.79, 0.80))])
    return shader, shader.principled(broken, 0.7)


def lighthouse_and_boats(rng: np.random.Generator, hand: float, haze: Haze) -> None:
    """A white tower on the second headland, sails and a trawler on the water."""
    x, y, ground = hand * float(rng.uniform(-62.0, -48.0)), 395.0, 2.0
    shader = materials.Shader("lighthouse white")
    worn = shader.mix(
        shader.noise(0.6, 5.0, shader.coordinates((1.0, 1.0, 0.3))), (0.62, 0.60, 0.56), (0.80, 0.79, 0.76)
    )
    white = haze.over(shader, shader.principled(worn, 0.7))
    shader = materials.Shader("lighthouse red")
    red = haze.over(shader, shader.principled((0.42, 0.05, 0.035), 0.5))
    shader = materials.Shader("lighthouse dark")
    dark = haze.over(shader, shader.principled((0.05, 0.05, 0.055), 0.4))
    tower = meshes.lathe([(3.6, -6.0), (3.2, 2.0), (2.2, 16.0), (2.1, 18.0), (3.0, 18.4), (3.0, 18.9)], 28)
    band = meshes.lathe([(2.86, 8.0), (2.60, 12.0)], 28)
    lamp = meshes.lathe([(1.5, 18.9), (1.5, 21.6)], 12)
    roof = meshes.lathe([(1.9, 21.5), (1.5, 22.4), (0.3, 23.6), (0.0, 24.6)], 20)
    house = meshes.box((4.0, -3.0, -4.0), (15.0, 4.0, 3.2))
    gable = meshes.join(
        [
            meshes.quad((3.5, -3.5, 3.0), (12.0, 0, 0), (0, 4.0, 2.6)),
            meshes.quad((3.5, 4.5, 3.0), (12.0, 0, 0), (0, -4.0, 2.6)),
        ]
    )
    for name, parts, material in (
        ("tower", [tower, house], white),
        ("band", [band, roof], red),
        ("lamp", [lamp, gable], dark),
    ):
        meshes.add(f"lighthouse {name}", [part.moved((x, y, ground)) for part in parts], material)
    sails, hulls = [], []
    for _ in range(5):
        far = float(rng.uniform(420.0, 1500.0))
        place = np.array((-hand * far * float(rng.uniform(0.12, 0.40)), far, SEA))
        turn = meshes.rotation(
            x=float(rng.normal(0.0, 0.06)), y=float(rng.uniform(0.05, 0.2)), z=float(rng.uniform(0, 6.3))
        )
        sails += [sail.moved(place, turn) for sail in _sails()]
        profile = np.linspace(-5.5, 5.5, 9)
        half = 1.6 * (1.0 - (np.abs(profile) / 5.7) ** 2.2)
        hull = meshes.grid(
            np.stack([profile] * 3),
            np.stack([-half, 0.0 * half, half]),
            np.stack([0 * half + 1.2, 0 * half - 0.6, 0 * half + 1.2]),
        )
        hulls.append(hull.moved(place, turn))
    meshes.add("sails", sails, white, smooth=True)
    meshes.add("hulls", hulls, dark, smooth=True)


def _sails() -> list[Shape]:
    u, v = np.meshgrid(np.linspace(0.0, 1.0, 7), np.linspace(0.0, 1.0, 9))
    belly = 0.9 * np.sin(math.pi * u) * (1.0 - 0.5 * v)
    main = meshes.grid(-0.2 - 4.6 * u * (1.0 - v), belly, 2.0 + 11.5 * v)
    jib = meshes.grid(0.3 + 4.4 * u * (1.0 - v) + 0.2 * v, 0.8 * belly, 1.8 + 9.6 * v)
    return [main, jib]


def gulls(rng: np.random.Generator, haze: Haze) -> None:
    """A few birds on the wind."""
    shader = materials.Shader("gull")
    look = haze.over(shader, shader.principled((0.62, 0.63, 0.65), 0.7))
    birds = []
    for _ in range(7):
        far = float(rng.uniform(14.0, 60.0))
        place = np.array(
            (float(rng.uniform(-0.34, 0.22)) * far, far, 1.0 + far * float(rng.uniform(0.03, 0.17)))
        )
        turn = meshes.rotation(
            x=float(rng.uniform(0.0, 0.6)), y=float(rng.normal(0.0, 0.35)), z=float(rng.uniform(0.0, 6.3))
        )
        birds += [part.moved(place, turn) for part in _gull(float(rng.uniform(-0.25, 0.5)))]
    meshes.add("gulls", birds, look, smooth=True)


def _gull(lift: float) -> list[Shape]:
    """A bird that glides along +y; `lift` bends its wings."""
    span = np.linspace(-1.0, 1.0, 17)
    reach = np.abs(span)
    chord = 0.17 * (1.0 - reach**2.2) + 0.012
    sweep = np.where(reach < 0.4, 0.10 * reach / 0.4, 0.10 - 0.35 * (reach - 0.4))
    z = lift * (0.35 * np.minimum(reach, 0.4) - 0.18 * np.clip(reach - 0.4, 0.0, None))
    wing = meshes.grid(
        np.stack([0.66 * span] * 2), np.stack([sweep - chord / 2, sweep + chord / 2]), np.stack([z, z + 0.01])
    )
    outline: list[tuple[float, float]] = [
        (0.0, -0.26),
        (0.025, -0.22),
        (0.06, -0.05),
        (0.065, 0.08),
        (0.035, 0.2),
        (0.0, 0.27),
    ]
    body = meshes.lathe(outline, 10).moved((0.0, 0.0, -0.02), meshes.rotation(x=-math.pi / 2))
    return [wing, body]
