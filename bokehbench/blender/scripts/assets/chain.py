"""Chains: links of metal that hang, cross and lie in loops, with holes and highlights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.assets.studio import photograph
from bokehbench.blender.scripts.meshes import Array, Shape

METALS = {
    # colour, roughness
    "steel": ((0.72, 0.73, 0.75), 0.2),
    "gold": ((1.0, 0.78, 0.38), 0.16),
    "brass": ((0.9, 0.75, 0.42), 0.28),
    "iron": ((0.3, 0.29, 0.28), 0.42),
    "copper": ((0.95, 0.58, 0.42), 0.22),
    "rust": ((0.3, 0.13, 0.06), 0.75),
}


def build(rng: np.random.Generator) -> dict[str, Any]:
    """Put chains before the camera; what they are."""
    metal = str(rng.choice(sorted(METALS)))
    wire = rng.uniform(0.011, 0.02)
    link = _link(rng.uniform(3.2, 5.0) * wire, rng.uniform(2.1, 2.8) * wire, wire)
    step = float(np.ptp(link.vertices[:, 1])) - 4.0 * wire
    chains = [_along(rng, link, line, step) for line in _lines(rng)]
    meshes.add("chain", chains, _metal(metal), smooth=True)
    points = np.concatenate([shape.vertices for shape in chains])
    facts = photograph(rng, points, elevation=rng.uniform(-0.1, 0.3))
    return {"metal": metal, "chains": len(chains), "wire": round(float(wire), 4), **facts}


def _link(half_length: float, half_width: float, wire: float) -> Shape:
    """A stadium-shaped ring in the xy plane, long along y."""
    a = np.linspace(0.0, 2.0 * math.pi, 48, endpoint=False)
    straight = max(half_length - half_width, 0.0)
    x = half_width * np.cos(a)
    y = half_width * np.sin(a) + straight * np.sign(np.sin(a))
    line = np.stack([x, y, 0 * a], axis=1)
    # The ring closes on itself: a few points more than once around hide the seam.
    return meshes.tube(np.concatenate([line, line[:3]]), wire, 10)


def _lines(rng: np.random.Generator) -> list[Array]:
    """Curves [N, 3] that chains follow: hanging between posts, a loop, or a spiral on the ground."""
    form = int(rng.integers(3))
    t = np.linspace(0.0, 1.0, 600)
    if form == 0:
        count = int(rng.integers(2, 5))
        return [
            meshes.sagging(
                (-0.9, 0.12 * k, rng.uniform(-0.1, 0.5)),
                (0.9, 0.12 * k + rng.uniform(-0.1, 0.1), rng.uniform(-0.1, 0.5)),
                rng.uniform(0.2, 0.7),
                600,
            )
            for k in range(count)
        ]
    if form == 1:
        a = 2.0 * math.pi * t
        drop = rng.uniform(1.1, 1.6)
        loop = np.stack([0.55 * np.sin(a), 0.08 * np.sin(2 * a), -drop * 0.5 * np.cos(a) ** 1], axis=1)
        pendant = np.linspace((0.0, 0.0, -drop * 0.5), (0.02, 0.0, -drop * 0.5 - 0.5), 300)
        return [loop, pendant]
    turns = rng.uniform(2.0, 3.4)
    a = 2.0 * math.pi * turns * t
    r = 0.18 + 0.7 * t
    return [np.stack([r * np.cos(a), 0.15 * t * np.sin(3 * a), 0.75 * r * np.sin(a)], axis=1)]


def _along(rng: np.random.Generator, link: Shape, line: Array, step: float) -> Shape:
    """Links every `step` along a line, each turned a quarter against the one before."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    count = max(int(lengths[-1] / step), 2)
    at = (np.arange(count) + 0.5) * lengths[-1] / count
    places = np.stack([np.interp(at, lengths, line[:, axis]) for axis in range(3)], axis=1)
    ahead = np.stack([np.interp(at + 0.5 * step, lengths, line[:, axis]) for axis in range(3)], axis=1)
    behind = np.stack([np.interp(at - 0.5 * step, lengths, line[:, axis]) for axis in range(3)], axis=1)
    roll = 0.5 * math.pi * np.arange(count) + 0.25 * math.pi + rng.normal(0.0, 0.12, count)
    return link.copies(places, meshes.facing(ahead - behind, roll), np.ones(count))


def _metal(name: str) -> Any:
    colour, roughness = METALS[name]
    shader = materials.Shader(name)
    wear = shader.noise(26.0, 6.0)
    # Scratches and grease: roughness varies by a third around that of the metal.
    rough = shader.math("MULTIPLY", shader.math("ADD", wear, 0.5), roughness)
    dark = tuple(0.7 * c for c in colour)
    tint = shader.ramp(wear, [(0.3, dark), (0.6, colour)])
    normal = shader.bump(shader.noise(180.0, 3.0), 0.1 if name != "rust" else 0.7, 0.002)
    metallic = 0.0 if name == "rust" else 1.0
    return shader.done(shader.principled(tint, rough, Metallic=metallic, Normal=normal))
