"""A loose bunch of flowers in a small vase, 30 cm tall, standing on z = 0."""

from __future__ import annotations

import math

import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.meshes import Shape
from bokehbench.blender.scripts.scenes import glassware, plants


def bunch(rng: np.random.Generator, count: int = 19) -> dict[str, Shape]:
    """The shapes by what they are of: vase, stem, petal, leaf."""
    outline = [(0.0, 0.002), (0.033, 0.0), (0.047, 0.03), (0.044, 0.07), (0.022, 0.105), (0.021, 0.12)]
    outer = glassware.curve([*outline, (0.025, 0.132)], 24)
    vase = meshes.lathe(glassware.pairs(outer, glassware.inward(outer, 0.003)[::-1][:12]), 40)
    leaf = plants.leaf(4, 8, 0.2)
    stems, blooms, leaves = [], [], []
    for index in range(count):
        a, lean = 2.4 * index, float(rng.uniform(0.1, 0.8))
        reach, lift = 0.14 * lean, 0.25 - 0.08 * lean**2 + float(rng.uniform(-0.02, 0.02))
        tip = np.array((math.cos(a) * reach, math.sin(a) * reach, lift))
        t = np.linspace(0, 1, 8)[:, None]
        line = np.array((0, 0, 0.10)) * (1 - t) + tip * t + np.array((0, 0, 0.03)) * t * (1 - t)
        stems.append(meshes.tube(line, 0.0012, 5))
        facing = meshes.facing(np.array([tip - (0, 0, 0.12)]), rng.uniform(0, 6, 1))[0]
        up = facing @ meshes.rotation(x=math.pi / 2)
        if index % 3:
            blooms += [petal.moved(tip, up) for petal in _bloom(rng, float(rng.uniform(0.021, 0.030)))]
        turns = meshes.facing(rng.normal((0, 0, 0.5), 1, (3, 3)), rng.uniform(-1, 1, 3))
        leaves.append(leaf.copies(line[[3, 5, 6]], turns, rng.uniform(0.035, 0.06, 3)))
    joined = {"stem": meshes.join(stems), "petal": meshes.join(blooms), "leaf": meshes.join(leaves)}
    return {"vase": vase, **joined}


def _bloom(rng: np.random.Generator, size: float) -> list[Shape]:
    """Rings of cupped petals around +z, the inner ones smaller and more upright."""
    u, v = np.meshgrid(np.linspace(-1.0, 1.0, 5), np.linspace(0.0, 1.0, 6))
    half = 0.52 * np.sin(math.pi * np.clip(v, 0.04, 0.93) ** 0.8) ** 0.6
    cup = 0.35 * u**2 * half + 0.45 * v**2 - 0.30 * np.clip(v - 0.75, 0.0, 1.0)
    petal = meshes.grid(half * u, v, cup)
    petals = []
    for ring, (count, open_, share) in enumerate(((7, 0.25, 1.0), (6, 0.75, 0.82), (4, 1.15, 0.55))):
        for index in range(count):
            a = 2 * math.pi * (index + 0.37 * ring) / count + float(rng.normal(0, 0.12))
            turn = meshes.rotation(z=a) @ meshes.rotation(x=open_ + float(rng.normal(0, 0.12)))
            petals.append(petal.moved((0.0, 0.0, 0.0), turn, size * share * float(rng.uniform(0.9, 1.1))))
    return petals
