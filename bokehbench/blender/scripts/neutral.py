"""A user's file made to render its camera's plain picture; what was changed for that is said, one line each.

The table is the whole of it: every setting that can change pixels beyond what scene, light and camera are.
"""

from __future__ import annotations

from typing import Any

import bpy

NEUTRAL: tuple[tuple[str, Any], ...] = (
    ("render.engine", "CYCLES"),
    ("use_nodes", False),
    ("render.use_compositing", False),
    ("render.use_sequencer", False),
    ("render.use_freestyle", False),
    ("render.use_stamp", False),
    ("render.use_border", False),
    ("render.use_crop_to_border", False),
    ("render.use_motion_blur", False),
    ("render.use_multiview", False),
    ("render.use_simplify", False),
    ("render.film_transparent", False),
    ("render.resolution_percentage", 100),
    ("render.pixel_aspect_x", 1.0),
    ("render.pixel_aspect_y", 1.0),
    # Open Shading Language is code of the file.
    ("cycles.shading_system", False),
    # Light that is capped or made up: highlights would blur to discs that are too dark.
    ("cycles.sample_clamp_direct", 0.0),
    ("cycles.sample_clamp_indirect", 0.0),
    ("cycles.use_fast_gi", False),
    ("cycles.texture_limit_render", "OFF"),
    ("cycles.pixel_filter_type", "BLACKMAN_HARRIS"),
    ("cycles.filter_width", 1.5),
    ("cycles.use_adaptive_sampling", False),
    ("cycles.use_sample_subset", False),
    ("cycles.use_animated_seed", False),
    ("cycles.time_limit", 0.0),
)
"""Path below the scene, and the value it gets."""
SILENT = (
    "render.engine",  # a warning says it
    "use_nodes",
    "render.use_compositing",
    "render.use_sequencer",
    "render.pixel_aspect_x",
    "render.pixel_aspect_y",
    "cycles.pixel_filter_type",  # a stack has its own, and info.json says which
    "cycles.filter_width",
    "cycles.use_adaptive_sampling",
    "cycles.use_animated_seed",
    "cycles.use_sample_subset",
)
"""Changed without a word: on in every file, of no picture of its own, or said elsewhere (`_contents`)."""


def neutralise(scene: Any, view_layer: str = "") -> list[str]:
    """Set everything to what a stack needs.

    Args:
        scene: bpy.types.Scene with a camera.
        view_layer: the one to render; empty for the first that the file renders.

    Returns:
        What was changed, one line each, as `setting: before -> after`.
    """
    changed = _hold_still(scene) + _contents(scene)
    for path, value in NEUTRAL:
        owner, _, name = path.rpartition(".")
        thing = scene.path_resolve(owner) if owner else scene
        before = getattr(thing, name)
        if before != value:
            setattr(thing, name, value)
            if path not in SILENT:
                changed.append(f"{path}: {_plain(before)} -> {_plain(value)}")
    for name, value in (("use_placeholder", False), ("use_overwrite", True)):
        setattr(scene.render, name, value)
    scene.render.image_settings.color_management = "FOLLOW_SCENE"
    return changed + _view_layers(scene, view_layer) + _depth_of_field(scene.camera.data) + _exposure(scene)


def _hold_still(scene: Any) -> list[str]:
    """Animated and driven settings of scene and camera keep the values that they have in this frame.

    Blender would write them anew at every evaluation, over a stack's seed, focal plane, aperture, exposure.
    """
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    depsgraph, changed = bpy.context.evaluated_depsgraph_get(), []
    for thing in (scene, scene.camera.data):
        paths = _animated(thing)
        values = [_valued(thing.evaluated_get(depsgraph), path) for path in paths]
        thing.animation_data_clear()
        for path, value in zip(paths, values, strict=True):
            _set(thing, path, value)
        if paths:
            changed.append(
                f"animation of {thing.name} ({', '.join(paths)}) -> as in frame {scene.frame_current}"
            )
    return changed


def _animated(thing: Any) -> list[str]:
    """Paths of a data-block's properties that keys, strips or drivers set."""
    animation = thing.animation_data
    if animation is None:
        return []
    strips = [strip for track in animation.nla_tracks for strip in track.strips]
    actions = [action for action in (animation.action, *(strip.action for strip in strips)) if action]
    curves = [*animation.drivers, *(curve for action in actions for curve in action.fcurves)]
    return sorted({curve.data_path for curve in curves})


def _valued(thing: Any, path: str) -> Any:
    """What a property is; None where the path leads nowhere (any more)."""
    try:
        value = thing.path_resolve(path)
    except ValueError:
        return None
    return value if isinstance(value, bool | int | float | str) else tuple(value)


def _set(thing: Any, path: str, value: Any) -> None:
    owner, _, name = path.rpartition(".")
    if value is not None and not path.endswith("]"):  # else it is a property of the user's own
        setattr(thing.path_resolve(owner) if owner else thing, name, value)


def _contents(scene: Any) -> list[str]:
    """What is only worth a word where the file makes use of it."""
    changed = []
    render = scene.render
    if scene.use_nodes and render.use_compositing and len(scene.node_tree.nodes) > 2:
        changed.append(f"compositing: {len(scene.node_tree.nodes)} nodes -> off")
    if render.use_sequencer and scene.sequence_editor and scene.sequence_editor.strips_all:
        changed.append(f"sequencer: {len(scene.sequence_editor.strips_all)} strips -> off")
    if render.pixel_aspect_x != render.pixel_aspect_y:
        changed.append(f"pixel aspect: {render.pixel_aspect_x:g}:{render.pixel_aspect_y:g} -> 1:1")
    return changed


def _view_layers(scene: Any, wanted: str) -> list[str]:
    before = [layer.name for layer in scene.view_layers if layer.use]
    chosen = wanted or next(iter(before), scene.view_layers[0].name)
    for layer in scene.view_layers:
        layer.use = layer.name == chosen
    layer, changed = scene.view_layers[chosen], []
    layer.cycles.use_denoising = True  # the scene's switch decides; with this one off there are no guides
    if before != [chosen]:
        changed.append(f"view layers: {', '.join(before) or 'none'} -> {chosen}")
    if layer.material_override is not None:
        changed.append(f"material override: {layer.material_override.name} -> none")
        layer.material_override = None
    if layer.samples:
        changed.append(f"view layer samples: {layer.samples} -> 0")
        layer.samples = 0
    return changed


def _depth_of_field(camera: Any) -> list[str]:
    """What the camera had is replaced by each image's own focal plane and aperture."""
    dof = camera.dof
    if not dof.use_dof:
        return []
    focus = dof.focus_object.name if dof.focus_object else f"{dof.focus_distance:.4g} m"
    blades = f", {dof.aperture_blades} blades" if dof.aperture_blades else ""
    return [f"camera depth of field: f/{dof.aperture_fstop:.3g} at {focus}{blades} -> that of each image"]


def _exposure(scene: Any) -> list[str]:
    """The view's exposure is applied to the light, since EXR files do not have it."""
    exposure = scene.view_settings.exposure
    if exposure == 0.0:
        return []
    scene.cycles.film_exposure *= 2.0**exposure
    scene.view_settings.exposure = 0.0
    return [f"exposure: {exposure:+.3g} stops of the view -> in the light"]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def enabled_layer() -> Any:
    """The view layer that renders (bpy.types.ViewLayer)."""
    return next(layer for layer in bpy.context.scene.view_layers if layer.use)
