"""What makes a user's .blend file impossible to render faithfully, and what its user should be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from bokehbench.errors import InputError

RENDERED = {"MESH", "CURVE", "SURFACE", "META", "FONT", "CURVES", "POINTCLOUD", "VOLUME", "EMPTY"}
SHOWN = 4
"""Names in a message; the rest are counted."""


def warnings(scene: Any) -> list[str]:
    """What the file has that renders otherwise here than where it was made, or not at all."""
    found = []
    if bpy.data.version < (2, 80, 0):
        found.append("the file is older than Blender 2.80; its lamps and materials were converted")
    if bpy.data.version[:2] > bpy.app.version[:2]:  # the third number of a file counts formats, not releases
        made_by = ".".join(str(part) for part in bpy.data.version)
        found.append(f"the file is of Blender {made_by}, newer than {bpy.app.version_string}")
    if scene.render.engine != "CYCLES":
        found.append(f"the file is made for {scene.render.engine}; rendered with Cycles")
    if bpy.app.autoexec_fail:
        found.append(f"scripts of the file did not run ({bpy.app.autoexec_fail_message})")
    if drivers := broken_drivers():
        found.append(f"Python drivers of the file did not run: {_some(drivers)}")
    modules = [item for layer in scene.view_layers for item in layer.freestyle_settings.modules]
    if any(item.script for item in modules):
        found.append("Freestyle modules of the file did not run")
    if nodes := _materials_with("SHADERTORGB"):
        found.append(f"Cycles has no Shader to RGB (black): materials {_some(nodes)}")
    pencils = [thing.name for thing in scene.objects if thing.type in ("GPENCIL", "GREASEPENCIL")]
    if pencils:
        found.append(f"Cycles does not render grease pencil: {_some(pencils)}")
    if clear := transparent_materials():
        found.append(f"depth of half-transparent surfaces is dithered: materials {_some(clear)}")
    return found


def broken_drivers() -> list[str]:
    """Owner and property of each driver that does not work, those in Python that were not run among them."""
    data = bpy.data
    blocks = [*data.objects, *data.materials, *data.scenes, *data.cameras, *data.meshes]
    animated = [(block.name, block.animation_data) for block in blocks if block.animation_data]
    return [
        f"{name} {curve.data_path}"
        for name, animation in animated
        for curve in animation.drivers
        if not (curve.is_valid and curve.driver.is_valid)
    ]


def transparent_materials() -> list[str]:
    """Materials that let part of the light straight through."""
    found = _materials_with("BSDF_TRANSPARENT")
    for material in _used_materials():
        for node in material.node_tree.nodes if material.use_nodes and material.node_tree else ():
            alpha = node.inputs.get("Alpha") if node.type == "BSDF_PRINCIPLED" else None
            if alpha is not None and (alpha.is_linked or 0.0 < alpha.default_value < 1.0):
                found.append(material.name)
    return sorted(set(found))


def _materials_with(kind: str) -> list[str]:
    return sorted(
        material.name
        for material in _used_materials()
        if material.use_nodes
        and material.node_tree
        and any(node.type == kind for node in material.node_tree.nodes)
    )


def _used_materials() -> list[Any]:
    return [material for material in bpy.data.materials if material.users]


def bound_to_picture() -> list[str]:
    """What looks otherwise from a camera that is a shader: Window coordinates, and meshes diced by pixels."""
    owners = [*_used_materials(), *bpy.data.worlds, *bpy.data.lights]
    trees = [(owner.name, owner.node_tree) for owner in owners if owner.use_nodes and owner.node_tree]
    dices = bpy.context.scene.cycles.feature_set == "EXPERIMENTAL"
    diced = [thing.name for thing in bpy.data.objects if dices and thing.cycles.use_adaptive_subdivision]
    return sorted({name for name, tree in trees if _reads_window(tree)}.union(diced))


def _reads_window(tree: Any) -> bool:
    inner = [node.node_tree for node in tree.nodes if node.type == "GROUP" and node.node_tree]
    here = (node.outputs["Window"].is_linked for node in tree.nodes if node.type == "TEX_COORD")
    return any(here) or any(_reads_window(group) for group in inner)


def choose_camera(path: Path, scene: Any, name: str) -> list[str]:
    """Make the camera asked for active; InputError where there is none that can blur.

    Markers on the timeline that switch cameras do so no more, since they would at every render.

    Returns:
        What was changed, one line or none.
    """
    bound = [marker for marker in scene.timeline_markers if marker.camera]
    if bound:
        so_far = [marker for marker in bound if marker.frame <= scene.frame_current]
        at = max(so_far, key=_when) if so_far else min(bound, key=_when)
        scene.camera = at.camera
        for marker in bound:
            marker.camera = None
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
    return [f"markers that switch cameras: {len(bound)} -> {scene.camera.name}"] if bound else []


def _when(marker: Any) -> int:
    return int(marker.frame)


def choose_view_layer(path: Path, scene: Any, name: str) -> None:
    """InputError where the file has no view layer of that name."""
    names = [layer.name for layer in scene.view_layers]
    if name and name not in names:
        raise InputError(f"{path}: no view layer {name!r}; there are: {', '.join(names)}")


def refuse_empty(path: Path, scene: Any) -> None:
    """InputError where nothing can be seen."""
    if not any(thing.type in RENDERED and not thing.hide_render for thing in scene.objects):
        raise InputError(f"{path}: there is nothing to render in scene {scene.name!r}")


def refuse_missing(path: Path, allow_textures: bool) -> None:
    """InputError where files that the scene needs are not there."""
    libraries = [library.filepath for library in bpy.data.libraries if library.is_missing]
    caches = [
        block.filepath
        for block in (*bpy.data.cache_files, *bpy.data.volumes)
        if block.filepath and not _file(block).is_file()
    ]
    if absent := [*libraries, *caches, *_missing_fonts(), *_missing_light_profiles()]:
        raise InputError(f"{path}: linked files are missing: {_some(absent)}")
    textures = [image.filepath for image in missing_textures()]
    if textures and not allow_textures:
        raise InputError(
            f"{path}: textures are missing ({_some(textures)}); put them where the file looks for them, name "
            "a folder with --texture-dir, or render with --allow-missing"
        )


def _missing_fonts() -> list[str]:
    """Without one, Blender writes in its own."""
    fonts = [font for font in bpy.data.fonts if font.users and not font.packed_file]
    return [font.filepath for font in fonts if font.filepath != "<builtin>" and not _file(font).is_file()]


def _missing_light_profiles() -> list[str]:
    """IES files without which a light is a plain one."""
    owners = [*bpy.data.lights, *bpy.data.materials, *bpy.data.worlds]
    trees = [owner.node_tree for owner in owners if owner.use_nodes and owner.node_tree]
    nodes = [
        node for tree in (*trees, *bpy.data.node_groups) for node in tree.nodes if node.type == "TEX_IES"
    ]
    files = [node.filepath for node in nodes if node.mode == "EXTERNAL" and node.filepath]
    return sorted({file for file in files if not Path(bpy.path.abspath(file)).is_file()})


def missing_textures() -> list[Any]:
    """Images in use whose file is not there (bpy.types.Image)."""
    return [image for image in bpy.data.images if _is_external(image) and not texture_files(image)]


def texture_files(image: Any) -> list[Path]:
    """The files of an image that exist: one, or its tiles."""
    path = _file(image)
    if image.source == "TILED":
        tiles = (Path(str(path).replace("<UDIM>", str(tile.number))) for tile in image.tiles)
        return [tile for tile in tiles if tile.is_file()]
    return [path] if path.is_file() else []


def external_textures() -> list[Path]:
    """Every texture file that the scene reads, sorted."""
    images = [image for image in bpy.data.images if _is_external(image)]
    return sorted({file for image in images for file in texture_files(image)})


def _is_external(image: Any) -> bool:
    in_files = image.source in ("FILE", "SEQUENCE", "MOVIE", "TILED")
    return bool(image.users) and not image.packed_file and in_files and bool(image.filepath)


def _file(block: Any) -> Path:
    return Path(bpy.path.abspath(block.filepath, library=block.library))


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
