"""A tram that comes up the street with its lights on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes

HALF, LENGTH = 1.12, 9.0
"""Half its width, and its length, metres."""


def build(rng: np.random.Generator, x: float) -> None:
    """Put the tram on the rails whose middle is at `x`; how far off, and its line, are drawn."""
    y = float(rng.uniform(15.0, 17.0))
    red = materials.plain("tram red", (0.30, 0.022, 0.018), 0.25, Coat_Weight=0.5)
    cream = materials.plain("tram cream", (0.55, 0.47, 0.33), 0.3, Coat_Weight=0.4)
    dark = materials.plain("tram dark", (0.015, 0.016, 0.018), 0.25)
    _body(x, y, red, cream, dark)
    _inside(x, y, dark)
    _lights(x, y, dark)
    line = f"{int(rng.integers(1, 29))}  Central"
    amber = materials.emission("tram number", (1.0, 0.78, 0.35), 3.0)
    place, upright = (x, y - 0.04, 2.81), (math.pi / 2, 0.0, 0.0)
    meshes.text("tram text", line, amber, size=0.27, place=place, turn=upright)


def _body(x: float, y: float, red: Any, cream: Any, dark: Any) -> None:
    u = np.linspace(-1.0, 1.0, 17)
    for name, low, high, paint in (
        ("skirt", 0.45, 1.45, red),
        ("band", 1.45, 1.62, cream),
        ("head", 2.62, 3.2, cream),
    ):
        xs, zs = np.meshgrid(x + HALF * u, np.array([low, high]))
        ys = np.tile(y + 0.35 * np.abs(u) ** 3, (2, 1))
        meshes.add(f"tram {name}", meshes.grid(xs, ys, zs), paint, smooth=True)
    sides, eaves = [], []
    for edge in (x - HALF, x + HALF):
        sides += [meshes.box((edge - 0.02, y + 0.35, 0.45), (edge + 0.02, y + LENGTH, 1.62))]
        eaves += [meshes.box((edge - 0.02, y + 0.35, 2.6), (edge + 0.02, y + LENGTH, 3.2))]
        eaves += [meshes.box((edge - 0.07, y + 0.28, 1.6), (edge + 0.07, y + 0.42, 2.65))]
    eaves += [
        meshes.box((x + v - 0.03, y + 0.02, 1.62), (x + v + 0.03, y + 0.08, 2.62)) for v in (-0.36, 0.36)
    ]
    meshes.add("tram sides", sides, red)
    meshes.add("tram eaves", eaves, cream)
    xs, ys = np.meshgrid(x + 1.02 * HALF * u, np.array([y + 0.1, y + LENGTH]))
    roof = meshes.grid(xs, ys, np.tile(3.2 + 0.18 * (1 - u**2), (2, 1)))
    meshes.add("tram roof", roof, dark, smooth=True)
    board = meshes.box((x - 0.62, y - 0.03, 2.72), (x + 0.62, y + 0.04, 3.08))
    under = meshes.box((x - 0.95, y + 0.2, 0.1), (x + 0.95, y + LENGTH, 0.5))
    meshes.add("tram board", [board, under], dark)


def _inside(x: float, y: float, dark: Any) -> None:
    """What is seen through its windows: a lit saloon, and the driver before it."""
    shader = materials.Shader("tram inside")
    spots = shader.ramp(shader.noise(2.2, 2.0), [(0.3, (0.25, 0.17, 0.09)), (0.7, (1.0, 0.80, 0.5))])
    saloon = shader.done(shader.node("Emission", {"Color": spots, "Strength": 0.8}).outputs[0])
    saloon.cycles.emission_sampling = "NONE"
    panes = [meshes.quad((x - 1.08, y + 0.5, 1.62), (2.16, 0, 0), (0, 0, 1.0))]
    panes += [
        meshes.box((x + e - 0.01, y + 0.5, 1.65), (x + e + 0.01, y + LENGTH, 2.6)) for e in (-HALF, HALF)
    ]
    materials.seen_only(meshes.add("tram panes", panes, saloon))
    head = meshes.sphere(0.12, 16).moved((x + 0.05, y + 0.3, 2.2))
    trunk = meshes.lathe([(0.25, 1.6), (0.24, 1.9), (0.08, 2.1)], 14).moved((x + 0.05, y + 0.35, 0.0))
    meshes.add("driver", [head, trunk], dark, smooth=True)


def _lights(x: float, y: float, dark: Any) -> None:
    lamp = materials.emission("headlight", (1.0, 0.93, 0.78), 9.0)
    angle = np.linspace(0.0, 2 * math.pi, 25)
    ring = 0.14 * np.stack([np.cos(angle), np.zeros(25), np.sin(angle)], axis=1)
    for side in (-0.68, 0.68):
        place = np.array((x + side, y + 0.02, 0.95))
        materials.seen_only(meshes.disc("headlight", place, 0.12, lamp, (0.0, -1.0, 0.0)))
        meshes.add("headlight ring", meshes.tube(ring + place, 0.025), dark)
    beam, ahead = (x, y - 0.3, 0.95), (x + 0.2, y - 9.0, 0.0)
    materials.panel("tram beam", beam, ahead, (1.4, 0.2), (1.0, 0.92, 0.78), 60.0, 1.6)
