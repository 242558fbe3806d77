"""What stands near on the coast path: a weathered fingerpost and a bare thorn tree bent by the wind."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import moor, plants
from bokehbench.blender.scripts.scenes.weather import Haze

WORDS = (("COAST PATH", "FERRY"), ("CLIFF WALK", "CHAPEL"), ("LIGHTHOUSE", "INN"))
LETTER = 0.034
"""Metres of board that a letter takes."""


def silvered(name: str, along: str) -> Any:
    """Old oak: grey with cracks along the axis `along` of the object, lichen in spots."""
    stretch = tuple(1.0 if axis == along else 14.0 for axis in "XYZ")
    shader = materials.Shader(name)
    grain = shader.noise(5.0, 7.0, shader.coordinates(stretch), 0.62)
    crack = shader.noise(2.2, 3.0, shader.coordinates(tuple(1.8 * s if s > 1 else 0.7 for s in stretch)))
    wood = shader.ramp(
        grain, [(0.34, (0.085, 0.07, 0.055)), (0.52, (0.24, 0.20, 0.16)), (0.68, (0.38, 0.34, 0.29))]
    )
    split = shader.ramp(crack, [(0.36, (1, 1, 1)), (0.40, (0, 0, 0))])
    cracked = shader.mix(split, wood, (0.03, 0.024, 0.018))
    spots = shader.ramp(shader.noise(17.0, 5.0), [(0.60, (0, 0, 0)), (0.645, (1, 1, 1))])
    colour = shader.mix(spots, cracked, (0.36, 0.39, 0.27))
    height = shader.math("SUBTRACT", grain, shader.math("MULTIPLY", split, 0.6))
    return shader.done(shader.principled(colour, 0.85, Normal=shader.bump(height, 0.8, 0.012)))


def _beam(length: float, wide: float, deep: float, bevel: float, point: float = 0.0) -> Shape:
    """A board along +x with bevelled edges, its end cut to a point of that length; rings of eight corners."""
    w, d = wide / 2, deep / 2
    ring = [(w, d - bevel), (w - bevel, d), (bevel - w, d), (-w, d - bevel)]
    ring += [(-z, -y) for z, y in ring]
    z, y = np.array(ring).T
    stations = [(0.0, 0.8), (bevel, 1.0), (length - point, 1.0), (length, 0.06 if point else 0.8)]
    if not point:
        stations.insert(2, (length - bevel, 1.0))
    x = np.repeat([[s] for s, _ in stations], 9, axis=1)
    grow = np.array([[g] for _, g in stations])
    z, y = np.append(z, z[0]) * grow, np.append(y, y[0]) * np.maximum(grow, 0.8)
    sheet = meshes.grid(x, y, z)
    caps = np.array([np.arange(8)[i] for i in (0, 1, 2, 3)]), np.array([0, 3, 4, 7]), np.array([4, 5, 6, 7])
    ends = [cap + start for start in (0, 9 * (len(stations) - 1)) for cap in caps]
    return Shape(sheet.vertices, np.concatenate([sheet.faces, np.array(ends)]))


def fingerpost(rng: np.random.Generator, land: moor.Land, hand: float) -> None:
    """A post with two boards whose letters are cut and painted, on the side of the sea."""
    y = float(rng.uniform(2.2, 2.45))
    x = -hand * float(rng.uniform(0.22, 0.26)) * y
    foot = np.array((x, y, float(land.height(x, y))))
    top = float(rng.uniform(1.36, 1.46)) - foot[2]
    lean = meshes.rotation(x=float(rng.normal(0.0, 0.02)), y=float(rng.normal(0.0, 0.025)), z=0.25 * hand)
    post = _beam(top + 0.2, 0.095, 0.095, 0.012).moved((0, 0, -0.2), meshes.rotation(y=-math.pi / 2))
    cap = meshes.lathe([(0.066, 0.0), (0.060, 0.014), (0.0, 0.05)], 4).moved(
        (0, 0, top), meshes.rotation(z=math.pi / 4)
    )
    meshes.add("post", [s.moved(foot, lean) for s in (post, cap)], silvered("old oak", "Z"))
    words = WORDS[int(rng.integers(len(WORDS)))]
    paint = materials.plain("letter paint", (0.025, 0.03, 0.025), 0.6)
    boards, bolts = silvered("board oak", "X"), []
    for number, word in enumerate(words):
        points = hand * (1.0 if number == 0 else -1.0)  # the first towards the picture's middle
        swing = float(rng.uniform(-0.16, 0.16)) - 0.25 * points
        length = 0.215 + LETTER * len(word)
        middle = np.array((0.0, -0.062, top - 0.10 - 0.145 * number))
        turn = lean @ meshes.rotation(z=swing)
        board = _beam(length, 0.098, 0.03, 0.005, 0.065).moved((-0.09, 0.0, 0.0), scale=1.0)
        if points < 0.0:
            board = Shape(board.vertices * (-1.0, 1.0, 1.0), board.faces[:, ::-1])
        thing = meshes.add(f"board {number}", board, boards)
        place = foot + lean @ middle
        _pose(thing, place, turn)
        label = meshes.text(
            f"word {number}", word, paint, size=0.060, place=(0, 0, 0), turn=(0, 0, 0), extrude=0.0012
        )
        centre = points * (0.055 + 0.5 * LETTER * len(word))
        upright = turn @ meshes.rotation(x=math.pi / 2)
        _pose(label, place + turn @ np.array((centre, -0.0158, -0.021)), upright)
        bolts += [
            meshes.sphere(0.009, 12).moved(place + turn @ np.array((bx, -0.016, bz)))
            for bx in (-0.025, 0.025)
            for bz in (-0.03, 0.03)
        ]
    meshes.add("bolts", bolts, materials.plain("bolt", (0.10, 0.05, 0.03), 0.6, Metallic=0.6), smooth=True)


def _pose(thing: Any, place: Array, turn: Array) -> None:
    from mathutils import Matrix

    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, place
    thing.matrix_world = Matrix(matrix.tolist())


def thorn(rng: np.random.Generator, land: moor.Land, hand: float, haze: Haze) -> None:
    """A leafless hawthorn whose twigs cut into the sky on the landward side, with a few red haws."""
    habit = plants.Habit(levels=4, leaves=3, sides=8, bare=0.25, spread=0.85)
    x, y = hand * float(rng.uniform(1.24, 1.34)), float(rng.uniform(2.45, 2.65))
    foot = np.array((x, y, float(land.height(x, y)) - 0.1))
    grown = plants.tree(rng, foot, 1.9, 0.07, (-0.30 * hand, -0.02), habit)
    beside = np.add(foot, (0.12 * hand, -0.55, 0.0))
    near = plants.tree(rng, beside, 1.6, 0.04, (-0.22 * hand, -0.12), replace(habit, levels=3))
    bough = _bough(rng, hand)
    trees = (grown, near, bough)
    twigs = [Shape(_crooked(wood.vertices), wood.faces) for tree in trees for wood in tree.wood]
    shader = materials.Shader("thorn bark")
    ridges = shader.noise(22.0, 6.0, shader.coordinates((1.0, 1.0, 0.3)), 0.65)
    grey = shader.ramp(
        ridges, [(0.36, (0.028, 0.024, 0.02)), (0.56, (0.10, 0.088, 0.075)), (0.7, (0.20, 0.19, 0.15))]
    )
    lichen = shader.ramp(shader.noise(9.0, 5.0), [(0.56, (0, 0, 0)), (0.62, (1, 1, 1))])
    colour = shader.mix(lichen, grey, (0.30, 0.31, 0.17))
    bark = haze.over(shader, shader.principled(colour, 0.9, Normal=shader.bump(ridges, 0.8, 0.015)))
    meshes.add("thorn", twigs, bark, smooth=True)
    tips = np.concatenate([np.array(tree.points) for tree in trees])
    hung = np.repeat(_crooked(tips[rng.random(len(tips)) < 0.04]), 3, axis=0)
    drop = hung + rng.normal(0.0, 0.007, hung.shape) - (0.0, 0.0, 0.016)
    turns = np.repeat(np.eye(3)[None], len(hung), axis=0)
    haws = meshes.sphere(1.0, 6).copies(drop, turns, rng.uniform(0.0045, 0.0065, len(hung)))
    meshes.add("haws", haws, materials.plain("haw", (0.22, 0.012, 0.01), 0.35), smooth=True)
    ends = zip(hung, drop, strict=True)
    stalks = [meshes.tube(np.linspace(start, end, 2), 0.0009, 4) for start, end in ends]
    meshes.add("haw stalks", stalks, bark)


def _bough(rng: np.random.Generator, hand: float) -> plants.Tree:
    """A twig of the same tree that comes into the frame above, nearer than everything else."""
    t = np.linspace(0.0, 1.0, 26)[:, None]
    start, end = np.array((0.80 * hand, 1.70, 1.36)), np.array((0.22 * hand, 1.34, 1.12))
    line = start * (1 - t) + end * t + (0.0, 0.0, 0.05) * np.sin(math.pi * t)
    line += np.cumsum(rng.normal(0.0, 0.004, line.shape), axis=0)
    made = plants.twig(line, 0.006, rng, 0.045)
    for start_at in (0.25, 0.42, 0.6, 0.76):
        root = plants.along(line, start_at)
        aim = np.array((-0.5 * hand, -0.25, float(rng.uniform(-0.6, 0.5)))) + rng.normal(0.0, 0.25, 3)
        reach = np.linspace(0.0, float(rng.uniform(0.16, 0.30)), 12)[:, None]
        side = root + aim / np.linalg.norm(aim) * reach + np.cumsum(rng.normal(0, 0.003, (12, 3)), axis=0)
        shoot = plants.twig(side, 0.0028, rng, 0.035)
        made.wood += shoot.wood
        made.points += shoot.points
    return made


def _crooked(v: Array) -> Array:
    """Points moved so that wood gets the small knees that wind and salt make."""
    k = np.array(((11.0, 5.0, 7.0), (-6.0, 12.0, 9.0), (8.0, -7.0, 13.0)))
    return np.asarray(v + 0.010 * np.sin(v @ k.T))
