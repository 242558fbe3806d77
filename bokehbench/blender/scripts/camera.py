"""The camera: from K and a focal plane to Cycles' f-stop and focus distance, and back."""

from __future__ import annotations

import math
from typing import Any

from bokehbench.optics import PhysicalCamera


def physical(camera: Any, width: int, height: int) -> PhysicalCamera:
    """The thin lens that Cycles will use for `camera` (bpy.types.Camera) at width × height.

    AUTO counts the sensor's width along the longer side of the image, also where that is its height.
    """
    if camera.sensor_fit == "VERTICAL":
        return PhysicalCamera(camera.lens, camera.sensor_height, height)
    pixels = width if camera.sensor_fit == "HORIZONTAL" else max(width, height)
    return PhysicalCamera(camera.lens, camera.sensor_width, pixels)


def focus_everywhere(camera: Any) -> None:
    """A pinhole: the all-in-focus view."""
    camera.dof.use_dof = False


def focus_at(camera: Any, distance: float, f_number: float) -> None:
    """A thin lens focused at a planar distance in metres; any f-number > 0 is meant as it is."""
    dof = camera.dof
    dof.use_dof = True
    dof.focus_object = None  # it would override the distance
    dof.focus_distance = distance
    dof.aperture_fstop = f_number


def shape_aperture(camera: Any, blades: int, rotation: float, ratio: float) -> None:
    """The opening of the lens.

    Args:
        camera: bpy.types.Camera.
        blades: corners of a regular polygon, 0 for a disc.
        rotation: radians from a corner on +x towards +y, which is down, as `optics.Aperture` has it. Cycles
            counts from the middle of a side, and upwards.
        ratio: height over width, >= 1.
    """
    dof = camera.dof
    dof.aperture_blades = blades
    dof.aperture_rotation = -rotation - math.pi / blades if blades else 0.0
    dof.aperture_ratio = ratio
