"""Small discs of light at known depths, on and off axis, on black: the scene that measures the lens."""

from __future__ import annotations

from typing import Any

from bokehbench.blender.scripts import materials, meshes
from bokehbench.rng import stream

FOCAL_MM, SENSOR_MM = 50.0, 36.0
DEPTHS = (1.5, 1.9, 2.5, 3.3, 4.5, 7.0, 12.0, 40.0, 1000.0)
RADIUS = 0.0045
"""Radius of a disc over its distance: 3 pixels at width 480."""

SHIFT = (0.03, 0.02)
"""Tangents, right and down, by which the shifted lens looks past the middle."""


def build(seed: int) -> dict[str, Any]:
    """Nine discs parallel to the image plane on a 3 × 3 grid; the seed shuffles which depth lies where.

    The seed chooses the view as well: 0, 3, ... for landscape pictures, 1, 4, ... for landscape pictures with
    the sensor's height (24 mm) fitted, 2, 5, ... for portrait ones; 4 and 5 have a shifted lens.
    """
    scene = meshes.start_scene(FOCAL_MM, SENSOR_MM, (0.0, 0.0, 0.0), (0.0, 10.0, 0.0))
    if seed % 3 == 1:
        scene.camera.data.sensor_fit, scene.camera.data.sensor_height = "VERTICAL", 24.0
    shift = SHIFT if seed in (4, 5) else (0.0, 0.0)
    # Blender counts in units of the edge that is fitted, upwards; here it is a tangent, right and down.
    fitted = scene.camera.data.sensor_height if seed % 3 == 1 else SENSOR_MM
    scene.camera.data.shift_x = shift[0] * FOCAL_MM / fitted
    scene.camera.data.shift_y = -shift[1] * FOCAL_MM / fitted
    materials.world_colour(scene, (0.0, 0.0, 0.0), 0.0)
    scene.cycles.max_bounces = 0
    depths = stream(seed, 0, "point_lights").permutation(DEPTHS)
    light = materials.emission("disc", (1.0, 1.0, 1.0), 1.0)
    lights = []
    for index, z in enumerate(depths):
        # Tangents of the viewing angle; a landscape frame reaches to ±0.36 and (at 16:9) ±0.2.
        x, y = 0.24 * (index % 3 - 1), 0.13 * (index // 3 - 1)
        if seed % 3 == 2:
            x, y = y, x
        meshes.disc(f"disc {index}", (x * z, z, -y * z), RADIUS * z, light, normal=(0.0, -1.0, 0.0))
        lights.append({"tangent": [float(x), float(y)], "depth": float(z), "radius": float(RADIUS * z)})
    return {"name": "point_lights", "lights": lights, "shift": list(shift)}
