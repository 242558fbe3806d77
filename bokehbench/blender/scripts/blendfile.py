"""A user's .blend file: opened without its scripts, checked, and stripped of what is not the camera's view.

What cannot be rendered faithfully is refused with the reason; what is changed is reported as a warning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from bokehbench.blender.plan import StackRequest
from bokehbench.blender.scripts.cycles import Cycles, only_stills
from bokehbench.errors import InputError

RENDERED = {"MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "POINTCLOUD", "VOLUME", "GPENCIL", "EMPTY"}
WHITE_QUANTILE = 0.98
"""This share of the all-in-focus image's pixels lies below 1 after the automatic exposure."""


def open_file(request: StackRequest) -> tuple[dict[str, Any], list[str]]:
    """Open and neutralise the file of a request.

    Returns:
        What info.json says about the scene, and warnings.

    Raises:
        InputError: unreadable, no usable camera, missing textures, libraries or caches, nothing to render.
    """
    path = Path(request.blend)
    try:
        # Auto-run scripts, Python drivers and Freestyle modules stay off, whatever the preferences say.
        bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        reason = str(error).replace("Error: ", "").strip()
        raise InputError(f"{path}: Blender cannot open it ({reason})") from error
    if Path(bpy.data.filepath).resolve() != path.resolve():
        raise InputError(f"{path}: Blender cannot open it")
    scene = bpy.context.scene
    warnings = _warnings(scene)
    _choose_camera(path, scene, request.camera)
    _refuse_missing(path, request.allow_missing)
    if not any(o.type in RENDERED and not o.hide_render for o in scene.objects):
        raise InputError(f"{path}: there is nothing to render in scene {scene.name!r}")
    scene.render.engine = "CYCLES"
    only_stills(scene)
    scene.cycles.shading_system = False  # Open Shading Language is code of the file
    scene.cycles.film_exposure *= 2.0**scene.view_settings.exposure
    facts = {
        "name": path.name,
        "blender_version": ".".join(str(part) for part in bpy.data.version),
        "scene": scene.name,
        "frame": scene.frame_current,
        "camera": scene.camera.name,
    }
    return facts, warnings


def expose(cycles: Cycles, seed: int) -> float:
    """Set the exposure so that few pixels exceed 1, from a small render; the factor on the scene's light."""
    render = cycles.scene.render
    size = render.resolution_x, render.resolution_y
    shrink = max(1.0, size[0] / 320)
    render.resolution_x, render.resolution_y = (max(4, round(edge / shrink)) for edge in size)
    cycles.scene.camera.data.dof.use_dof = False
    brightest = cycles.render(16, seed).image.max(axis=2)
    render.resolution_x, render.resolution_y = size
    white = float(np.quantile(brightest, WHITE_QUANTILE))
    if white <= 1e-6:
        raise InputError(f"{bpy.data.filepath}: renders black as the camera sees it (no light?)")
    # Cycles takes at most 10, the rest would be lost without a word.
    cycles.scene.cycles.film_exposure = min(10.0, cycles.scene.cycles.film_exposure / white)
    return float(cycles.scene.cycles.film_exposure)


def _warnings(scene: Any) -> list[str]:
    found = []
    if bpy.data.version < (2, 80, 0):
        found.append("the file is older than Blender 2.80; its lamps and materials were converted")
    if scene.render.engine != "CYCLES":
        found.append(f"the file is made for {scene.render.engine}; rendered with Cycles")
    if bpy.app.autoexec_fail:
        found.append(f"scripts of the file did not run ({bpy.app.autoexec_fail_message})")
    if scene.use_nodes or scene.render.use_freestyle or scene.render.use_motion_blur:
        found.append("compositing, Freestyle and motion blur of the file are switched off")
    return found


def _choose_camera(path: Path, scene: Any, name: str) -> None:
    cameras = sorted(thing.name for thing in scene.objects if thing.type == "CAMERA")
    if name:
        if name not in cameras:
            raise InputError(f"{path}: no camera {name!r}; there are: {', '.join(cameras) or 'none'}")
        scene.camera = scene.objects[name]
    if scene.camera is None or scene.camera.type != "CAMERA":
        hint = f"choose one with --camera: {', '.join(cameras)}" if cameras else "add one in Blender"
        raise InputError(f"{path}: scene {scene.name!r} has no active camera; {hint}")
    kind = scene.camera.data.type
    if kind != "PERSP":
        raise InputError(
            f"{path}: camera {scene.camera.name!r} is {kind.lower()}; only perspective ones blur"
        )


def _refuse_missing(path: Path, allow_textures: bool) -> None:
    libraries = [library.filepath for library in bpy.data.libraries if library.is_missing]
    caches = [c.filepath for c in (*bpy.data.cache_files, *bpy.data.volumes) if c.filepath and not _exists(c)]
    if libraries or caches:
        raise InputError(f"{path}: linked files are missing: {', '.join([*libraries, *caches][:5])}")
    textures = [image.filepath for image in bpy.data.images if _is_missing(image)]
    if textures and not allow_textures:
        raise InputError(
            f"{path}: {len(textures)} textures are missing ({', '.join(textures[:3])}); put them where "
            "the file looks for them, or render with --allow-missing"
        )


def _is_missing(image: Any) -> bool:
    if not image.users or image.packed_file or image.source not in ("FILE", "SEQUENCE", "MOVIE", "TILED"):
        return False
    if image.source == "TILED":
        folder = Path(bpy.path.abspath(image.filepath, library=image.library))
        tiles = [str(folder).replace("<UDIM>", str(tile.number)) for tile in image.tiles]
        return not any(Path(tile).is_file() for tile in tiles)
    return not _exists(image)


def _exists(block: Any) -> bool:
    return Path(bpy.path.abspath(block.filepath, library=block.library)).is_file()
