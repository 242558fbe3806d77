"""Smooth random relief for land and stones, and stones themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.meshes import Array, Shape

CELLS = 64
"""The noise repeats after this many cells."""


class Relief:
    """Fractal value noise over the plane: about −1 to 1, features of size 1 and their halves."""

    def __init__(self, rng: np.random.Generator, octaves: int = 5, gain: float = 0.5) -> None:
        self.tables = rng.uniform(-1.0, 1.0, (octaves, CELLS, CELLS))
        self.gain = gain

    def __call__(self, x: Any, y: Any) -> Any:
        """Height at coordinates of any equal shape."""
        x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
        total = np.zeros(x.shape)
        for octave, table in enumerate(self.tables):
            total += self.gain**octave * _interpolated(table, x * 2.0**octave, y * 2.0**octave)
        return total


def _interpolated(table: Array, x: Array, y: Array) -> Array:
    column, row = np.floor(x), np.floor(y)
    u, v = x - column, y - row
    u, v = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v)
    i, j = column.astype(np.int64) % CELLS, row.astype(np.int64) % CELLS
    after_i, after_j = (i + 1) % CELLS, (j + 1) % CELLS
    low = table[j, i] * (1.0 - u) + table[j, after_i] * u
    high = table[after_j, i] * (1.0 - u) + table[after_j, after_i] * u
    return np.asarray(low * (1.0 - v) + high * v)


def stone(
    rng: np.random.Generator,
    sides: int = 10,
    roundness: float = 0.55,
    chips: tuple[float, float] = (0.75, 1.05),
) -> Shape:
    """An irregular block within ±1 on every axis.

    Args:
        rng: of this stone.
        sides: faces around it.
        roundness: 1 is a ball, 0 a cube.
        chips: how far from its middle four flakes are struck off, from and to; √3 leaves a cube whole.
    """
    ball = meshes.sphere(1.0, sides)
    v = np.sign(ball.vertices) * np.abs(ball.vertices) ** roundness
    knock = rng.normal(0.0, 1.0, (4, 3))
    for direction in knock / np.linalg.norm(knock, axis=1, keepdims=True):
        # A corner broken off: what stands out beyond a plane is pushed back onto it.
        beyond = np.clip(v @ direction - float(rng.uniform(*chips)), 0.0, None)
        v = v - beyond[:, None] * direction
    waves = rng.normal(0.0, 1.6, (3, 3))
    v = v + 0.06 * roundness / 0.55 * np.sin(v @ waves.T + rng.uniform(0.0, 6.3, 3))
    return Shape(v, ball.faces)
