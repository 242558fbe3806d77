"""The photographer's studio of all cut-outs: camera, soft lights, nothing behind."""

from __future__ import annotations

from typing import Any

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array


def photograph(
    rng: np.random.Generator, points: Array, elevation: float = 0.15, softness: float = 1.0
) -> dict[str, Any]:
    """Light the things in the scene and frame `points` [N, 3]; what was chosen.

    Key light from the upper left or right, a rim light from behind, a bright sky for fill: soft edges are
    seen against light and dark alike. `softness` widens the lights, which shining things mirror.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    centre = (low + high) / 2.0
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    focal = float(rng.choice([85.0, 105.0, 135.0]))
    distance = 1.08 * radius * 2.0 * focal / 36.0
    turn = rng.uniform(-0.5, 0.5)
    towards = np.array([np.sin(turn), -np.cos(turn), elevation])
    scene = meshes.start_scene(focal, 36.0, centre + distance * towards / np.linalg.norm(towards), centre)
    side = float(rng.choice([-1.0, 1.0]))
    warm = rng.uniform(0.0, 1.0)
    key = (1.0, 0.9 - 0.1 * warm, 0.82 - 0.27 * warm)
    lights = (
        # where (in radii), size, colour, strength
        ((side * 1.6, -1.8, 1.9), 1.1, key, 1.0),
        ((-side * 1.5, 2.2, 1.4), 1.6, (0.85, 0.92, 1.0), 1.3),
        ((-side * 2.4, -1.5, 0.2), 2.4, (0.8, 0.88, 1.0), 0.3),
    )
    for index, (place, size, colour, strength) in enumerate(lights):
        light = materials.panel(
            f"light {index}",
            centre + radius * np.array(place),
            centre,
            (softness * size * radius, softness * size * radius),
            colour,
            # Light falls with the square of the distance, which grows with the subject.
            190.0 * strength * radius**2,
        )
        light.visible_glossy = True
    sky = [(0.0, (0.05, 0.045, 0.04)), (0.5, (0.16, 0.17, 0.19)), (1.0, (0.55, 0.6, 0.68))]
    materials.world_gradient(scene, sky, 0.8)
    return {"focal_mm": focal, "key": "left" if side < 0 else "right", "warmth": round(float(warm), 3)}
