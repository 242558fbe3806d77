"""A user's .blend file: opened without its scripts, checked, and stripped of what is not the camera's view.

What cannot be rendered faithfully is refused with the reason (`blendcheck`); what is changed is reported
(`neutral`).
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from bokehbench import records
from bokehbench.blender.plan import StackRequest
from bokehbench.blender.scripts import blendcheck, neutral
from bokehbench.blender.scripts.cycles import Cycles
from bokehbench.errors import InputError

WHITE_QUANTILE = 0.98
"""This share of the all-in-focus image's pixels lies below 1 after the automatic exposure."""
MOST_EXPOSURE = 10.0
"""Cycles takes no larger factor; the rest is multiplied to what it renders."""


def open_file(request: StackRequest) -> tuple[dict[str, Any], list[str]]:
    """Open and neutralise the file of a request.

    Returns:
        What info.json says about the scene (`changed`: what was done to it), and warnings.

    Raises:
        InputError: unreadable, no usable camera, missing textures, libraries or caches, nothing to render.
    """
    path = Path(request.blend)
    _open(path)
    scene = bpy.context.scene
    if request.frame is not None:
        scene.frame_set(request.frame)
    warnings = blendcheck.warnings(scene)
    cameras = blendcheck.choose_camera(path, scene, request.camera)
    blendcheck.choose_view_layer(path, scene, request.view_layer)
    found = _find_textures(Path(request.texture_dir)) if request.texture_dir else []
    blendcheck.refuse_missing(path, request.allow_missing)
    blendcheck.refuse_empty(path, scene)
    changed = neutral.neutralise(scene, request.view_layer)
    facts = {
        "name": path.name,
        "blender_version": ".".join(str(part) for part in bpy.data.version),
        "scene": scene.name,
        "frame": scene.frame_current,
        "view_layer": neutral.enabled_layer().name,
        "camera": scene.camera.name,
        "changed": [*cameras, *found, *changed],
        "textures": _textures(path.parent),
    }
    return facts, warnings


def _open(path: Path) -> None:
    try:
        # Auto-run scripts, Python drivers and Freestyle modules stay off, whatever the preferences say.
        bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    except RuntimeError as error:
        reason = " ".join(str(error).replace("Error: ", "").split())
        raise InputError(f"{path}: Blender cannot open it ({reason})") from error
    if Path(bpy.data.filepath).resolve() != path.resolve():
        raise InputError(f"{path}: Blender cannot open it")  # the file before it would stay loaded


def _find_textures(folder: Path) -> list[str]:
    """Point images whose file is missing to the file of that name below a folder."""
    by_name: dict[str, Path] = {}
    for file in sorted(folder.rglob("*")):
        by_name.setdefault(file.name.lower(), file)
    found = []
    for image in blendcheck.missing_textures():
        name = Path(image.filepath.replace("\\", "/")).name.lower()
        first = str(image.tiles[0].number) if image.source == "TILED" else ""
        there = by_name.get(name.replace("<udim>", first))
        if there is not None:
            image.filepath = str(there.with_name(there.name.replace(first, "<UDIM>")) if first else there)
            image.reload()
            found.append(f"texture: {name} found with --texture-dir")
    return found


def _textures(folder: Path) -> dict[str, str]:
    """Hash of each texture file by its name, or its path from the scene's folder where names are equal."""
    files = blendcheck.external_textures()
    names = Counter(file.name for file in files)
    return {
        file.name if names[file.name] == 1 else os.path.relpath(file, folder): records.sha256_file(file)
        for file in files
    }


def expose(cycles: Cycles, seed: int) -> float:
    """Set the exposure so that few pixels exceed 1, from a small render; the factor on the scene's light."""
    scene = cycles.scene
    render = scene.render
    size = render.resolution_x, render.resolution_y
    shrink = max(1.0, size[0] / 320)
    render.resolution_x, render.resolution_y = (max(4, round(edge / shrink)) for edge in size)
    scene.camera.data.dof.use_dof = False
    brightest = cycles.render(16, seed).image.max(axis=2)
    render.resolution_x, render.resolution_y = size
    white = float(np.quantile(brightest, WHITE_QUANTILE))
    if white <= 1e-6:
        raise InputError(f"{bpy.data.filepath}: renders black as the camera sees it (no light?)")
    wanted = scene.cycles.film_exposure / white
    scene.cycles.film_exposure = min(MOST_EXPOSURE, wanted)
    cycles.gain = wanted / scene.cycles.film_exposure
    return float(wanted)
