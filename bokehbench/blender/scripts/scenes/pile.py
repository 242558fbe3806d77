"""The fur of soft toys: strands on stuffed ellipsoids, in clumps, with a lay and weight of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from scipy.spatial import cKDTree

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Vector

POINTS = 6
"""Points along a strand."""
THICK = 0.00062
"""Radius of a tuft's root, metres: a strand stands for a few fibres that cling together."""


@dataclass(frozen=True, eq=False)
class Blob:
    """A stuffed part: an ellipsoid [centre, radii, turn], its fur cut to the share `shave` of the toy's."""

    centre: Array
    radii: Array
    turn: Array = field(default_factory=lambda: np.eye(3))
    shave: float = 1.0

    def moved(self, offset: Vector, turn: Array, scale: float) -> Blob:
        """Scaled, turned, then shifted."""
        centre = turn @ (self.centre * scale) + np.asarray(offset)
        return Blob(centre, self.radii * scale, turn @ self.turn, self.shave)

    def mirrored(self) -> Blob:
        """The part on the other side, x turned to -x."""
        flip = np.diag((-1.0, 1.0, 1.0))
        return Blob(flip @ self.centre, self.radii, flip @ self.turn @ flip, self.shave)

    def depth(self, points: Array) -> Array:
        """Where points [N, 3] lie: 0 in the middle, 1 on the surface, more outside; [N]."""
        return np.asarray(np.linalg.norm((points - self.centre) @ self.turn / self.radii, axis=1))

    def area(self) -> float:
        """About the surface, square metres."""
        a, b, c = self.radii**1.6
        return float(4.0 * np.pi * ((a * b + a * c + b * c) / 3.0) ** (1 / 1.6))

    def surface(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        """Points spread evenly over the surface and outward normals, each [count, 3]."""
        sphere = rng.normal(size=(4 * count, 3))
        sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
        normal = sphere / self.radii
        stretch = np.linalg.norm(normal, axis=1)
        kept = np.nonzero(rng.random(len(sphere)) < stretch / stretch.max())[0]
        kept = np.resize(kept, count)
        points = sphere[kept] * self.radii @ self.turn.T + self.centre
        return points, (normal[kept] / stretch[kept, None]) @ self.turn.T


def grow(
    rng: np.random.Generator,
    parts: Sequence[tuple[Blob, tuple[float, float, float]]],
    strands: int,
    length: float,
    curl: float,
    bare: Sequence[tuple[Array, float]] = (),
) -> int:
    """Put furry parts of one toy into the scene; how many strands they got.

    Args:
        rng: for roots, lengths and directions.
        parts: blobs and their colours; roots inside another blob are left out.
        strands: about how many.
        length: of the fur, metres.
        curl: how much strands turn away from the lay, 0 straight to 1 woolly.
        bare: balls (centre, radius) in which no strand has its root: round eyes and nose.
    """
    blobs = [blob for blob, _ in parts]
    total = sum(blob.area() for blob in blobs)
    skins: dict[tuple[float, float, float], list[meshes.Shape]] = {}
    coats: dict[tuple[float, float, float], list[Array]] = {}
    for number, (blob, colour) in enumerate(parts):
        skins.setdefault(colour, []).append(_skin(blob))
        roots, normals = blob.surface(rng, max(50, int(1.35 * strands * blob.area() / total)))
        outside = np.ones(len(roots), bool)
        for other in (*blobs[:number], *blobs[number + 1 :]):
            outside &= other.depth(roots) > 1.0
        for centre, radius in bare:
            outside &= np.linalg.norm(roots - centre, axis=1) > radius
        if outside.sum() > 20:
            grown = _strands(rng, roots[outside], normals[outside], length * blob.shave, curl)
            coats.setdefault(colour, []).append(grown)
    made = 0
    for colour, groups in coats.items():
        lines = np.concatenate(groups)
        _add(rng, lines, _fibre(colour))
        under = tuple(0.45 * c for c in colour)
        meshes.add("skin", skins[colour], materials.plain("skin", under, 1.0), smooth=True)
        made += len(lines)
    return made


def _skin(blob: Blob) -> meshes.Shape:
    return meshes.sphere(1.0, 24).moved((0, 0, 0), scale=blob.radii * 0.995).moved(blob.centre, blob.turn)


def _strands(rng: np.random.Generator, roots: Array, normals: Array, length: float, curl: float) -> Array:
    """Strands [N, POINTS, 3]: outward, brushed downwards, each tuft of some thirty leaning its own way."""
    count = len(roots)
    lay = np.array((0.0, 0.0, -1.0)) - normals * (normals @ np.array((0.0, 0.0, -1.0)))[:, None]
    swirl = np.stack([np.sin(roots @ rng.normal(0.0, 30.0, 3) + rng.uniform(0, 6)) for _ in range(3)], axis=1)
    heading = normals + 0.55 * lay + 0.35 * swirl + rng.normal(0.0, 0.22 + 0.3 * curl, (count, 3))
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    lengths = length * rng.uniform(0.55, 1.15, count)
    s = np.linspace(0.0, 1.0, POINTS)
    down = np.array((0.0, 0.0, -0.35))
    lines = roots[:, None] + heading[:, None] * (lengths[:, None] * s)[..., None]
    lines = lines + (0.3 * lay + down)[:, None] * (lengths[:, None] * s**2)[..., None]
    leaders = rng.choice(count, max(1, count // 26), replace=False)
    leader = leaders[cKDTree(roots[leaders]).query(roots)[1]]
    pull = rng.uniform(0.2, 0.6, count)[:, None] * s**1.4
    lines += pull[..., None] * (lines[leader] - lines)
    phase = rng.uniform(0.0, 6.3, count)[:, None] + 7.0 * s
    spiral = np.stack([np.cos(phase), np.sin(phase), np.cos(phase + 1.0)], axis=2)
    return np.asarray(lines + (curl * lengths[:, None] * 0.35 * s)[..., None] * spiral)


def _add(rng: np.random.Generator, strands: Array, material: Any) -> None:
    count = len(strands)
    curves = bpy.data.hair_curves.new("fur")
    curves.add_curves([POINTS] * count)
    curves.attributes["position"].data.foreach_set("vector", strands.astype(np.float32).ravel())
    taper = np.array((1.0, 1.0, 0.92, 0.78, 0.55, 0.18))
    radii = THICK * rng.uniform(0.6, 1.25, count)[:, None] * taper
    radius = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", radii.astype(np.float32).ravel())
    curves.materials.append(material)
    thing = bpy.data.objects.new("fur", curves)
    bpy.context.scene.collection.objects.link(thing)


def _fibre(colour: tuple[float, float, float]) -> Any:
    """Diffuse fibres, lit through from behind: a fifth of the cost of the hair scattering model."""
    shader = materials.Shader("fibre")
    hair = shader.node("HairInfo").outputs
    dark, light = tuple(0.55 * c for c in colour), tuple(min(0.95, 1.45 * c) for c in colour)
    tone = shader.mix(hair["Random"], dark, light)
    root = shader.ramp(hair["Intercept"], [(0.0, (0.45, 0.42, 0.40)), (0.75, (1.0, 1.0, 1.0))])
    multiply = shader.node("Mix", data_type="RGBA", blend_type="MULTIPLY")
    sockets = [s for s in multiply.inputs if s.enabled]
    sockets[0].default_value = 1.0
    shader.tree.links.new(tone, sockets[1])
    shader.tree.links.new(root, sockets[2])
    tinted = next(s for s in multiply.outputs if s.enabled)
    diffuse = shader.node("BsdfDiffuse", {"Color": tinted}).outputs[0]
    through = shader.node("BsdfTranslucent", {"Color": tinted}).outputs[0]
    return shader.done(shader.node("MixShader", {0: 0.42, 1: diffuse, 2: through}).outputs[0])
