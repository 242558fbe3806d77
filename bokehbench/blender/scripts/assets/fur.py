"""Fur: tens of thousands of strands with clumps, curl and weight on a body, shaded as hair."""

from __future__ import annotations

import math
from typing import Any

import bpy
import numpy as np
from scipy.spatial import cKDTree

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.assets.studio import photograph
from bokehbench.blender.scripts.meshes import Array

STRANDS = 36000
POINTS = 9
"""Points along a strand."""

COATS = {
    # melanin, redness, length, clumping, curl
    "white": (0.02, 0.1, 0.24, 0.35, 0.004),
    "cream": (0.07, 0.45, 0.30, 0.5, 0.010),
    "fox": (0.2, 0.95, 0.22, 0.45, 0.003),
    "brown": (0.3, 0.65, 0.18, 0.4, 0.006),
    "grey": (0.14, 0.05, 0.26, 0.5, 0.008),
    "black": (0.75, 0.3, 0.2, 0.45, 0.005),
    "alpaca": (0.1, 0.6, 0.34, 0.75, 0.022),
}


def build(rng: np.random.Generator) -> dict[str, Any]:
    """Put one furry thing before the camera; what it is."""
    shape = str(rng.choice(["ball", "loaf", "tail"]))
    coat = str(rng.choice(sorted(COATS)))
    spine, radii = _body(rng, shape)
    body = meshes.tube(spine, radii, 40)
    melanin, redness, length, clumping, curl = COATS[coat]
    length *= rng.uniform(0.8, 1.3)
    roots, normals, along = _roots(rng, spine, radii)
    strands = _grow(rng, roots, normals, along, length, clumping, curl)
    _add_strands(rng, strands, _hair(melanin, redness))
    meshes.add("body", body, materials.plain("skin", (0.03, 0.022, 0.018), 0.9), smooth=True)
    # Light that has met many strands changes little and costs most of the time and all of the fireflies.
    cycles = bpy.context.scene.cycles
    cycles.max_bounces, cycles.sample_clamp_direct, cycles.sample_clamp_indirect = 6, 3.0, 0.8
    facts = photograph(rng, strands[:, -1], softness=2.2)
    return {"shape": shape, "coat": coat, "strands": len(strands), "length": round(float(length), 4), **facts}


def _body(rng: np.random.Generator, shape: str) -> tuple[Array, Array]:
    """A spine [N, 3] and its radii [N]: all bodies are thick tubes with round ends, about a metre long."""
    t = np.linspace(-1.0, 1.0, 60)
    round_ = np.sqrt(np.clip(1.0 - t**2, 0.0, 1.0)) + 1e-3
    lumps = 1.0 + 0.1 * np.sin(3.0 * t + rng.uniform(0, 6)) + 0.05 * np.sin(7.0 * t + rng.uniform(0, 6))
    if shape == "ball":
        return np.stack([0 * t, 0 * t, 0.42 * t], axis=1), 0.42 * round_ * lumps
    if shape == "loaf":
        return np.stack([0.62 * t, 0.1 * t**2, 0.08 * np.cos(2 * t)], axis=1), 0.3 * round_**0.7 * lumps
    bend = rng.uniform(1.2, 2.4) * rng.choice([-1.0, 1.0])
    angle = 0.5 * bend * (t + 1.0)
    spine = np.cumsum(np.stack([np.sin(angle), 0.1 * t, np.cos(angle)], axis=1), axis=0) * (1.5 / 60)
    return spine - spine.mean(axis=0), 0.13 * np.clip(round_, 0.02, 1.0) * (1.15 - 0.35 * t) * lumps


def _roots(rng: np.random.Generator, spine: Array, radii: Array) -> tuple[Array, Array, Array]:
    """Points on the body, outward normals, directions along it; each [N, 3]."""
    tangents = np.gradient(spine, axis=0)
    steps = np.linalg.norm(tangents, axis=1)
    tangents /= steps[:, None]
    area = steps * (radii + 0.02)
    place = np.interp(rng.random(STRANDS), np.cumsum(area) / area.sum(), np.arange(len(spine)))
    at = np.clip(place, 0, len(spine) - 1.001)
    i, f = at.astype(int), (at % 1.0)[:, None]
    centre = spine[i] * (1 - f) + spine[i + 1] * f
    tangent = tangents[i] * (1 - f) + tangents[i + 1] * f
    radius = radii[i] * (1 - f[:, 0]) + radii[i + 1] * f[:, 0]
    turn = rng.uniform(0.0, 2.0 * math.pi, STRANDS)
    side = np.cross(tangent, (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(tangent, side)
    outward = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * other
    # The surface turns towards the tips of the body where its radius shrinks.
    slope = np.gradient(radii, axis=0) / steps
    normal = outward - tangent * np.clip(slope[i], -4.0, 4.0)[:, None]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return centre + outward * radius[:, None], normal, tangent


def _grow(
    rng: np.random.Generator,
    roots: Array,
    normals: Array,
    along: Array,
    length: float,
    clumping: float,
    curl: float,
) -> Array:
    """Strands [N, POINTS, 3]: outward, combed along the body, bent by weight, drawn to clumps, curled."""
    count = len(roots)
    lay = rng.uniform(0.35, 1.0)
    wave = np.stack([np.sin(roots @ rng.normal(0, 5, 3) + rng.uniform(0, 6)) for _ in range(3)], axis=1)
    first = normals + lay * along + 0.25 * wave + rng.normal(0.0, 0.14, (count, 3))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    # Under-coat: a third of the strands are short.
    lengths = length * np.where(
        rng.random(count) < 0.33, rng.uniform(0.3, 0.6, count), rng.gamma(18, 1 / 18, count)
    )
    s = np.linspace(0.0, 1.0, POINTS)
    weight = np.array([0.0, 0.0, -rng.uniform(0.3, 0.9)])
    strands = (
        roots[:, None]
        + first[:, None] * (lengths[:, None] * s)[..., None]
        + weight * (lengths[:, None] * 0.6 * s**2)[..., None]
        + (0.35 * lay * along)[:, None] * (lengths[:, None] * s**2)[..., None]
    )
    leaders = rng.choice(count, count // 28, replace=False)
    leader = leaders[cKDTree(roots[leaders]).query(roots)[1]]
    pull = (clumping * rng.uniform(0.5, 1.0, count))[:, None] * s**1.5
    strands += pull[..., None] * (strands[leader] - strands)
    phase = rng.uniform(0.0, 2.0 * math.pi, count)
    phase = np.where(rng.random(count) < clumping, phase[leader], phase)[:, None] + 14.0 * s
    spiral = np.stack([np.cos(phase), np.sin(phase), np.cos(phase + 1.0)], axis=2)
    strands += curl * s[:, None] * spiral + rng.normal(0.0, 0.0012, strands.shape) * s[:, None]
    return np.asarray(strands)


def _add_strands(rng: np.random.Generator, strands: Array, material: Any) -> None:
    count = len(strands)
    curves = bpy.data.hair_curves.new("fur")
    curves.add_curves([POINTS] * count)
    curves.attributes["position"].data.foreach_set("vector", strands.astype(np.float32).ravel())
    taper = np.array([1.0, 1.0, 0.97, 0.92, 0.84, 0.72, 0.55, 0.33, 0.08])
    radii = 0.0011 * rng.uniform(0.6, 1.3, count)[:, None] * taper
    radius = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", radii.astype(np.float32).ravel())
    curves.materials.append(material)
    thing = bpy.data.objects.new("fur", curves)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.scene.cycles_curves.shape = "THICK"


def _hair(melanin: float, redness: float) -> Any:
    shader = materials.Shader("hair")
    inputs = {
        "Melanin": melanin,
        "Melanin Redness": redness,
        "Roughness": 0.45,
        "Radial Roughness": 0.6,
        "Random Color": 0.45,
        "Random Roughness": 0.3,
    }
    node = shader.node("BsdfHairPrincipled", {}, parametrization="MELANIN", model="CHIANG")
    for name, value in inputs.items():
        node.inputs[name].default_value = value
    return shader.done(node.outputs[0])
