"""Somebody under a red umbrella, walking away."""

from __future__ import annotations

import math

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape

SPAN, ARCH, DROP = 0.58, 1.25, 0.30
"""The canopy: radius in metres, half the angle of its arch, height of the arch."""


def build(rng: np.random.Generator) -> None:
    """Put the figure on the right of the street; where exactly is drawn."""
    foot = np.array((float(rng.uniform(0.75, 1.25)), float(rng.uniform(5.6, 6.6)), 0.0))
    _figure(foot)
    _umbrella(foot)


def _figure(foot: Array) -> None:
    coat = materials.plain("coat", (0.03, 0.035, 0.055), 0.75, Sheen_Weight=0.3)
    hem_to_shoulder = [(0.28, 0.48), (0.245, 0.75), (0.19, 1.02), (0.215, 1.25), (0.225, 1.36)]
    collar = [(0.15, 1.45), (0.06, 1.49), (0.05, 1.55)]
    body = meshes.lathe([*hem_to_shoulder, *collar], 20).moved(foot, scale=(1.0, 0.62, 1.0))
    raised = np.array([(0.2, 0.0, 1.38), (0.27, -0.02, 1.15), (0.13, 0.18, 1.18)])
    hanging = np.array([(-0.2, 0.0, 1.38), (-0.29, -0.02, 1.1), (-0.27, 0.06, 0.86)])
    sleeve = np.array((0.07, 0.06, 0.045))
    sleeves = [meshes.tube(foot + arm, sleeve, 10) for arm in (raised, hanging)]
    shoulders = [meshes.sphere(0.072, 14).moved(foot + arm[0]) for arm in (raised, hanging)]
    meshes.add("coat", [body, *sleeves, *shoulders], coat, smooth=True)
    head = meshes.sphere(0.105, 18).moved(np.add(foot, (0.0, 0.0, 1.63)), scale=(1.0, 1.0, 1.18))
    bun = meshes.sphere(0.05, 12).moved(np.add(foot, (0.0, -0.09, 1.66)))
    meshes.add("head", [head, bun], materials.plain("hair", (0.03, 0.018, 0.012), 0.5), smooth=True)
    legs: list[Shape] = []
    for side, step in ((-0.085, -0.14), (0.085, 0.16)):
        leg = np.array([(side, 0.0, 0.6), (side, step * 0.4, 0.35), (side, step, 0.06)])
        legs += [meshes.tube(foot + leg, np.array((0.075, 0.058, 0.05)), 10)]
        legs += [
            meshes.sphere(0.06, 12).moved(np.add(foot, (side, step + 0.07, 0.045)), scale=(0.85, 2.0, 0.75))
        ]
    meshes.add("boots", legs, materials.plain("boots", (0.012, 0.011, 0.010), 0.3), smooth=True)


def _umbrella(foot: Array) -> None:
    top, tilt = np.add(foot, (0.10, 0.10, 2.06)), meshes.rotation(x=-0.12, y=0.1)
    shader = materials.Shader("umbrella")
    cloth = shader.principled((0.42, 0.022, 0.026), 0.55)
    through = shader.node("BsdfTranslucent", {"Color": (0.7, 0.05, 0.04)}).outputs[0]
    red = shader.done(shader.node("MixShader", {0: 0.45, 1: cloth, 2: through}).outputs[0])
    u, v = np.meshgrid(np.linspace(0.0, 2 * math.pi, 49), np.linspace(0.02, 1.0, 14))
    slack = np.abs(np.sin(4.0 * u))  # 0 on the eight ribs; the cloth hangs in between
    out, down = _arch(v)
    out = out * (1.0 - 0.07 * slack * v)
    canopy = meshes.grid(out * np.cos(u), out * np.sin(u), down + 0.045 * slack * v**2)
    meshes.add("umbrella", canopy.moved(top, tilt), red, smooth=True)
    out, down = _arch(np.linspace(0.02, 1.02, 8))
    sticks = [
        meshes.tube(np.array([np.add(foot, (0.13, 0.18, 1.14)), np.add(top, (0.0, 0.0, 0.09))]), 0.008, 6)
    ]
    for angle in np.arange(8) * math.pi / 4:
        rib = np.stack([out * math.cos(angle), out * math.sin(angle), down - 0.006], axis=1)
        sticks.append(meshes.tube(rib @ tilt.T + top, 0.004, 5))
    meshes.add(
        "umbrella ribs", sticks, materials.plain("umbrella metal", (0.4, 0.4, 0.42), 0.25, Metallic=1.0)
    )


def _arch(v: Array) -> tuple[Array, Array]:
    """Distance from the stick and height below the top, for 0 (top) to 1 (rim)."""
    out = SPAN * np.sin(v * ARCH) / math.sin(ARCH)
    down = -DROP * (1.0 - np.cos(v * ARCH)) / (1.0 - math.cos(ARCH))
    return out, down
