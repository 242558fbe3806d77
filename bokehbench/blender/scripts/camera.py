"""The camera: from K and a focal plane to Cycles' f-stop and focus distance, and back."""

from __future__ import annotations

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
    """A round thin lens focused at a planar distance in metres; any f-number > 0 is meant as it is."""
    dof = camera.dof
    dof.use_dof = True
    dof.focus_object = None  # it would override the distance
    dof.focus_distance = distance
    dof.aperture_fstop = f_number
    dof.aperture_blades = 0
    dof.aperture_ratio = 1.0
    dof.aperture_rotation = 0.0
