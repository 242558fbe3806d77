"""Trees, leaves, ferns and grass as numpy geometry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.meshes import Array, Shape, Vector


@dataclass
class Tree:
    """Wood as tubes, and where leaves grow: points [N, 3] and directions [N, 3]."""

    wood: list[Shape] = field(default_factory=list)
    points: list[Array] = field(default_factory=list)
    directions: list[Array] = field(default_factory=list)

    def leaves(
        self, rng: np.random.Generator, leaf: Shape, size: tuple[float, float], keep: float = 1.0
    ) -> Shape:
        """A leaf at each point, outward and drooping, with sizes drawn from `size`; `keep` is the share."""
        points, directions = np.array(self.points), np.array(self.directions)
        chosen = rng.random(len(points)) < keep
        points, directions = points[chosen], directions[chosen]
        outward = directions + rng.normal(0.0, 0.55, points.shape) - (0.0, 0.0, 0.35)
        turns = meshes.facing(outward, rng.uniform(-0.9, 0.9, len(points)))
        return leaf.copies(points, turns, rng.uniform(*size, len(points)))


def leaf(columns: int = 2, rows: int = 5, width: float = 0.34) -> Shape:
    """A pointed oval of length 1 along +y, folded along its midrib and bent down at the tip."""
    v = np.linspace(0.0, 1.0, rows)
    half = width * np.sin(math.pi * v**0.75) ** 0.9 + 0.004
    u = np.linspace(-1.0, 1.0, columns + 1)
    x = half[:, None] * u
    y = np.repeat(v[:, None], columns + 1, axis=1)
    z = 0.28 * np.abs(x) - 0.22 * y**2
    return meshes.grid(x, y, z)


@dataclass(frozen=True)
class Habit:
    """How a kind of tree grows.

    Attributes:
        levels: how often a branch has branches.
        leaves: per ten centimetres of the last twigs.
        sides: corners of the trunk's section.
        bare: share of the trunk without branches.
        spread: angle between a branch and what it grows from, radians.
    """

    levels: int = 3
    leaves: int = 7
    sides: int = 10
    bare: float = 0.35
    spread: float = 0.9


def tree(
    rng: np.random.Generator,
    foot: Vector,
    height: float,
    radius: float,
    lean: tuple[float, float],
    habit: Habit,
) -> Tree:
    """A tree with a trunk of `height` and `radius` (metres) at `foot`, leaning by `lean` per metre."""
    made = Tree()
    up = np.array((lean[0], lean[1], 1.0))
    _grow(rng, made, np.asarray(foot), up / np.linalg.norm(up), (height, radius), habit)
    return made


def _grow(
    rng: np.random.Generator,
    made: Tree,
    start: Array,
    direction: Array,
    size: tuple[float, float],
    habit: Habit,
) -> None:
    """Add a branch of `size` (length, radius) and all that grows from it."""
    length, radius = size
    count = 9 if habit.levels else 5
    bends = rng.normal(0.0, 0.10 if habit.levels > 1 else 0.2, (count, 3))
    way = direction + np.cumsum(bends, axis=0) * np.linspace(0.0, 1.0, count)[:, None]
    way[:, 2] += np.linspace(0.0, 0.25, count)  # towards the light
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    points = start + np.concatenate([np.zeros((1, 3)), np.cumsum(way[:-1], axis=0)]) * (length / (count - 1))
    radii = radius * (1.0 - 0.72 * np.linspace(0.0, 1.0, count))
    made.wood.append(meshes.tube(points, radii, max(4, habit.sides)))
    if habit.levels == 0:
        where = rng.uniform(0.15, 1.0, max(2, round(habit.leaves * length * 10)))
        leaves = along(points, where)
        made.points.extend(leaves)
        made.directions.extend(way[-1] + rng.normal(0.0, 0.5, leaves.shape))
        return
    children = int(rng.integers(5, 8)) if habit.levels > 1 else int(rng.integers(4, 7))
    places = np.sort(rng.uniform(habit.bare, 1.0, children))
    places[-1] = 1.0
    turn = rng.uniform(0.0, 2 * math.pi)
    smaller = replace(habit, levels=habit.levels - 1, sides=max(4, habit.sides - 2), bare=0.2)
    for number, place in enumerate(places):
        tilt = habit.spread * float(rng.uniform(0.7, 1.15)) * (1.0 if place < 1.0 else 0.3)
        axis = way[min(int(place * count), count - 1)]
        heading = _aside(axis, turn + number * 2.4, tilt)  # the golden angle keeps neighbours apart
        thickness = 0.62 * float(np.interp(place, np.linspace(0.0, 1.0, count), radii))
        shorter = length * float(rng.uniform(0.34, 0.5)), thickness
        _grow(rng, made, along(points, place), heading, shorter, smaller)


def _aside(axis: Array, around: float, tilt: float) -> Array:
    """The direction `tilt` away from an axis, on the side that the angle `around` says."""
    side = np.cross(axis, (0.3, 0.2, 1.0) if abs(axis[2]) < 0.9 else (1.0, 0.1, 0.0))
    side /= np.linalg.norm(side)
    outward = math.cos(around) * side + math.sin(around) * np.cross(axis, side)
    return np.asarray(math.cos(tilt) * axis + math.sin(tilt) * outward)


def along(points: Array, share: Any) -> Array:
    """Points of a line [N, 3] at shares of its way, 0 to 1 by point number; [3] or [M, 3]."""
    steps = np.linspace(0.0, 1.0, len(points))
    return np.stack([np.interp(share, steps, points[:, axis]) for axis in range(3)], axis=-1)


def twig(points: Array, radius: float, rng: np.random.Generator, spacing: float) -> Tree:
    """A single bough along a line, with short side shoots; leaves sit on the shoots."""
    made = Tree()
    made.wood.append(meshes.tube(points, np.linspace(radius, 0.25 * radius, len(points)), 8))
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    for place in np.arange(0.15 * length[-1], length[-1], spacing):
        here = np.array([np.interp(place, length, points[:, axis]) for axis in range(3)])
        ahead = np.array(
            [np.interp(min(place + 0.05, length[-1]), length, points[:, axis]) for axis in range(3)]
        )
        direction = (ahead - here) / (np.linalg.norm(ahead - here) + 1e-9) * 0.6 + rng.normal(0.0, 0.7, 3)
        direction /= np.linalg.norm(direction)
        reach = float(rng.uniform(0.05, 0.16))
        shoot = (
            here
            + direction * np.linspace(0.0, reach, 4)[:, None]
            + (0, 0, -0.15) * np.linspace(0, reach, 4)[:, None] ** 1.5
        )
        made.wood.append(meshes.tube(shoot, np.linspace(0.3, 0.15, 4) * radius, 5))
        for part in (0.45, 0.75, 1.0):
            made.points.append(here + direction * reach * part)
            made.directions.append(direction + rng.normal(0.0, 0.4, 3))
    return made


def blades(rng: np.random.Generator, feet: Array, height: tuple[float, float], width: float) -> Shape:
    """Bent grass blades at `feet` [N, 3]."""
    v = np.linspace(0.0, 1.0, 5)
    half = width * (1.0 - v) ** 0.7 + 0.0004
    blade = meshes.grid(
        np.stack([-half, half], axis=1),
        np.stack([0.35 * v**2] * 2, axis=1),
        np.stack([v - 0.12 * v**3] * 2, axis=1),
    )
    turns = np.array(
        [
            meshes.rotation(x=a, z=b)
            for a, b in zip(
                rng.normal(0.0, 0.18, len(feet)), rng.uniform(0, 2 * math.pi, len(feet)), strict=True
            )
        ]
    )
    return blade.copies(feet, turns, rng.uniform(*height, len(feet)))


def fern(rng: np.random.Generator, foot: Array, size: float) -> tuple[Shape, Shape]:
    """Fronds in a ring: (leaflets, stems)."""
    leaflet = leaf(2, 4, 0.17)
    points, directions, sizes, rolls, stems = [], [], [], [], []
    for heading in np.arange(0.0, 2 * math.pi, 2 * math.pi / 9) + rng.uniform(0.0, 1.0):
        reach, rise = size * float(rng.uniform(0.75, 1.1)), float(rng.uniform(0.65, 0.95))
        t = np.linspace(0.0, 1.0, 26)
        out = reach * t
        up = rise * size * (1.5 * t - 1.35 * t**2)
        way = np.array((math.cos(heading), math.sin(heading)))
        line = foot + np.stack([out * way[0], out * way[1], up], axis=1)
        stems.append(meshes.tube(line, np.linspace(0.006, 0.001, 26) * size / 0.6, 4))
        for index in range(4, 26):
            along = line[index] - line[index - 1]
            along /= np.linalg.norm(along)
            side = np.cross(along, (0.0, 0.0, 1.0))
            for sign in (-1.0, 1.0):
                points.append(line[index])
                directions.append(sign * side + 0.45 * along - (0.0, 0.0, 0.15))
                sizes.append(size * 0.34 * math.sin(math.pi * (0.12 + 0.88 * index / 26)) ** 0.8 + 0.01)
                rolls.append(0.0)
    turns = meshes.facing(np.array(directions), np.array(rolls))
    return leaflet.copies(np.array(points), turns, np.array(sizes)), meshes.join(stems)
