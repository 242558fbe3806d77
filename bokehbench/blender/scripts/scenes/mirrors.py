"""Mirrors and pictures in moulded frames: on a wall, on a stand, on a table.

Made in the xz plane around the middle of the lower edge, facing -y, and then turned and placed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape
from bokehbench.blender.scripts.scenes import finishes

GILT_MOULDING = (
    # how far outside the glass, and how far before it
    (-0.012, 0.004),
    (-0.012, 0.014),
    (0.004, 0.020),
    (0.012, 0.016),
    (0.022, 0.030),
    (0.040, 0.046),
    (0.058, 0.050),
    (0.070, 0.044),
    (0.078, 0.048),
    (0.090, 0.040),
    (0.104, 0.018),
    (0.106, 0.0),
)
SLIM_MOULDING = (
    (-0.008, 0.003),
    (-0.008, 0.010),
    (0.0, 0.016),
    (0.012, 0.018),
    (0.022, 0.013),
    (0.024, -0.012),
)


def rectangle(width: float, height: float) -> Array:
    """Outline [4, 2], counterclockwise seen from the front."""
    return np.array([(-width / 2, 0.0), (width / 2, 0.0), (width / 2, height), (-width / 2, height)])


def arch(width: float, height: float, rise: float, steps: int = 28) -> Array:
    """Outline of a rectangle whose top is half an ellipse of the given rise."""
    a = np.linspace(0.0, math.pi, steps)
    top = np.stack([width / 2 * np.cos(a), height - rise + rise * np.sin(a)], axis=1)
    return np.concatenate([[(-width / 2, 0.0), (width / 2, 0.0)], top])


def oval(width: float, height: float, steps: int = 56) -> Array:
    """Outline of an ellipse that stands on z = 0."""
    a = np.linspace(0.0, 2 * math.pi, steps, endpoint=False)
    return np.stack([width / 2 * np.cos(a), height / 2 * (1 + np.sin(a))], axis=1)


def moulding(outline: Array, profile: Sequence[tuple[float, float]]) -> Shape:
    """A frame along a closed outline, mitred at its corners; `profile` as GILT_MOULDING."""
    edge = np.roll(outline, -1, axis=0) - outline
    edge /= np.linalg.norm(edge, axis=1, keepdims=True)
    out = np.stack([edge[:, 1], -edge[:, 0]], axis=1)
    before = np.roll(out, 1, axis=0)
    mitre = (out + before) / (1.0 + np.sum(out * before, axis=1, keepdims=True))
    closed = np.arange(len(outline) + 1) % len(outline)
    p, n = outline[closed], mitre[closed]
    d, h = np.array(profile, np.float64).T
    x = p[None, :, 0] + d[:, None] * n[None, :, 0]
    z = p[None, :, 1] + d[:, None] * n[None, :, 1]
    return meshes.grid(x, np.repeat(-h[:, None], len(closed), axis=1), z)


def pane(outline: Array, forward: float = 0.005) -> Shape:
    """The flat face inside an outline, one polygon."""
    flat = np.stack([outline[:, 0], np.full(len(outline), -forward), outline[:, 1]], axis=1)
    return Shape(flat, np.arange(len(outline))[None])


def silvered(name: str, age: float = 0.5) -> Any:
    """Mirror glass, foxed towards its edges by `age` (0 to 1)."""
    shader = materials.Shader(name)
    bright = shader.node("BsdfAnisotropic", {"Color": (0.88, 0.90, 0.88), "Roughness": 0.0}).outputs[0]
    split = shader.node("SeparateXYZ", {0: shader.node("TexCoord").outputs["Generated"]}).outputs
    sides = [shader.math("ABSOLUTE", shader.math("SUBTRACT", split[axis], 0.5)) for axis in ("X", "Z")]
    edge = shader.math("POWER", shader.math("MULTIPLY", shader.math("MAXIMUM", *sides), 2.0), 9.0)
    spots = shader.math("MULTIPLY", shader.noise(13.0, 6.0, roughness=0.7), shader.math("ADD", edge, 0.42))
    dull = shader.ramp(spots, [(0.66 - 0.12 * age, (0, 0, 0)), (0.74 - 0.12 * age, (0.8, 0.8, 0.8))])
    stain = shader.principled((0.10, 0.085, 0.07), 0.35, Metallic=0.6)
    return shader.done(shader.node("MixShader", {0: dull, 1: bright, 2: stain}).outputs[0])


def gilded(name: str, colour: materials.Colour = (0.72, 0.47, 0.17)) -> Any:
    """Old gold leaf: rubbed to the red ground on ridges, dark in hollows, carved by its bump."""
    shader = materials.Shader(name)
    carved = shader.node("TexVoronoi", {"Vector": shader.coordinates(), "Scale": 34.0}).outputs["Distance"]
    rub = shader.noise(5.0, 6.0, roughness=0.62)
    leaf = shader.ramp(
        rub, [(0.30, tuple(0.42 * c for c in colour)), (0.46, colour), (0.75, (0.84, 0.62, 0.30))]
    )
    rough = shader.math("ADD", 0.12, shader.math("MULTIPLY", rub, 0.26))
    normal = shader.bump(shader.math("ADD", carved, shader.math("MULTIPLY", rub, 0.4)), 0.35, 0.01)
    return shader.done(shader.principled(leaf, rough, Metallic=1.0, Normal=normal))


def painting(name: str, rng: np.random.Generator) -> Any:
    """A landscape in oils: sky over hills over a meadow, in loose strokes."""
    shader = materials.Shader(name)
    where = shader.node("TexCoord").outputs["Generated"]
    height = shader.node("SeparateXYZ", {0: where}).outputs["Z"]
    shift = tuple(float(v) for v in rng.uniform(0, 30, 3))
    moved = shader.node("Mapping", {"Vector": where, "Location": shift, "Scale": (1.0, 1.0, 2.6)}).outputs[0]
    strokes = shader.noise(5.0, 7.0, moved, 0.66)
    level = shader.math("ADD", height, shader.math("MULTIPLY", shader.math("SUBTRACT", strokes, 0.5), 0.55))
    hue = rng.uniform(0.8, 1.2, 3)

    def toned(*colour: float) -> tuple[float, float, float]:
        r, g, b = np.array(colour) * hue
        return float(r), float(g), float(b)

    horizon = float(rng.uniform(0.40, 0.55))
    stops = [(0.0, toned(0.05, 0.045, 0.018)), (0.6 * horizon, toned(0.16, 0.15, 0.04))]
    stops += [(horizon - 0.03, toned(0.06, 0.085, 0.06)), (horizon + 0.02, toned(0.62, 0.50, 0.33))]
    stops += [(0.5 * (1 + horizon), toned(0.33, 0.42, 0.50)), (1.0, toned(0.14, 0.22, 0.36))]
    oils = shader.ramp(level, stops)
    relief = shader.bump(shader.noise(60.0, 4.0, moved), 0.3, 0.003)
    return shader.done(shader.principled(oils, 0.32, Normal=relief))


class Hanging:
    """Puts framed things at places: `turn` is about the vertical, facing -y where it is 0."""

    def __init__(self) -> None:
        self.gilt, self.glass = gilded("gilt"), silvered("mirror")
        self.dark = finishes.wood("dark frame", (0.07, 0.035, 0.018), 0.3, 0.5, 2)

    def mirror(self, outline: Array, place: Sequence[float], turn: float, lean: float = 0.0) -> None:
        """A gilt mirror; `lean` tips its top backwards, radians."""
        turning = meshes.rotation(z=turn) @ meshes.rotation(x=-lean)
        meshes.add("mirror", pane(outline).moved(place, turning), self.glass)
        meshes.add("mirror frame", moulding(outline, GILT_MOULDING).moved(place, turning), self.gilt)

    def picture(self, outline: Array, place: Sequence[float], turn: float, rng: np.random.Generator) -> None:
        """A painting in a gilt or dark frame."""
        turning = meshes.rotation(z=turn)
        meshes.add("painting", pane(outline).moved(place, turning), painting("oils", rng))
        frame = moulding(outline, [(1.1 * d, 0.9 * h) for d, h in GILT_MOULDING])
        meshes.add(
            "picture frame", frame.moved(place, turning), self.gilt if rng.random() < 0.6 else self.dark
        )

    def cheval(self, place: Sequence[float], turn: float, lean: float) -> None:
        """A tall oval mirror that swings between two turned posts."""
        spin, swing = meshes.rotation(z=turn), meshes.rotation(x=-lean)
        outline = oval(0.58, 1.42)
        middle = np.array((0.0, 0.0, 0.71))
        up = np.array((0.0, 0.0, 0.30))

        def placed(shape: Shape) -> Shape:
            return shape.moved(-middle).moved(middle + up, swing).moved(place, spin)

        meshes.add("cheval mirror", placed(pane(outline)), self.glass)
        meshes.add("cheval frame", placed(moulding(outline, SLIM_MOULDING)), self.dark)
        back = pane(outline, -0.012)
        meshes.add("cheval back", placed(back), self.dark)
        post = [
            (0.0, 0.0),
            (0.022, 0.0),
            (0.018, 0.10),
            (0.027, 0.16),
            (0.017, 0.22),
            (0.020, 0.62),
            (0.029, 0.70),
        ]
        post += [(0.018, 0.78), (0.016, 1.18), (0.026, 1.24), (0.012, 1.29), (0.022, 1.34), (0.0, 1.37)]
        parts = []
        for x in (-0.36, 0.36):
            parts.append(meshes.lathe(post, 20).moved((x, 0.0, 0.08)))
            foot = np.array(
                [(x, -0.26, 0.02), (x, -0.15, 0.05), (x, 0.0, 0.10), (x, 0.15, 0.05), (x, 0.26, 0.02)]
            )
            parts.append(meshes.tube(foot, np.array((0.016, 0.02, 0.028, 0.02, 0.016)), 10))
            parts.append(meshes.tube(np.linspace((x, 0, 1.01), (0.8 * x, 0, 1.01), 3), 0.008, 8))
        parts.append(meshes.tube(np.linspace((-0.36, 0, 0.2), (0.36, 0, 0.2), 3), 0.016, 10))
        meshes.add("cheval stand", [part.moved(place, spin) for part in parts], self.dark, smooth=True)

    def vanity(self, place: Sequence[float], turn: float, lean: float) -> None:
        """A small round mirror on a brass foot, 40 cm tall."""
        spin, swing = meshes.rotation(z=turn), meshes.rotation(x=-lean)
        brass = finishes.metal("vanity brass", (0.70, 0.46, 0.18), 0.2)
        outline = oval(0.23, 0.23)
        middle, up = np.array((0.0, 0.0, 0.115)), np.array((0.0, 0.0, 0.155))

        def placed(shape: Shape) -> Shape:
            return shape.moved(-middle).moved(middle + up, swing).moved(place, spin)

        meshes.add("vanity mirror", placed(pane(outline, 0.003)), silvered("clean mirror", 0.0))
        meshes.add("vanity back", placed(pane(outline, -0.008)), brass)
        foot = [
            (0.0, 0.0),
            (0.062, 0.0),
            (0.064, 0.004),
            (0.05, 0.012),
            (0.012, 0.02),
            (0.008, 0.05),
            (0.012, 0.07),
        ]
        a = np.linspace(math.pi, 2 * math.pi, 25)
        fork = np.stack([0.132 * np.cos(a), 0 * a, 0.27 + 0.132 * np.sin(a)], axis=1)
        parts = [meshes.lathe([*foot, (0.006, 0.08), (0.006, 0.14)], 28), meshes.tube(fork, 0.0055, 8)]
        slim = [(0.62 * d, 0.62 * h) for d, h in SLIM_MOULDING]
        meshes.add(
            "vanity frame",
            [placed(moulding(outline, slim)), *(p.moved(place, spin) for p in parts)],
            brass,
            smooth=True,
        )
