"""What layers are made of: assets with exposure, highlights and size; and what records say about them."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer, Plane
from bokehbench.optics import decode, encode
from bokehbench.records import sha256_file
from bokehbench.synth.assets import photographs
from bokehbench.synth.assets.folder import AssetFolder
from bokehbench.synth.assets.library import Library, Source, describe_source
from bokehbench.synth.highlights import as_srgb, bounded, brighten, with_lamps
from bokehbench.synth.place import box_area, fit, position
from bokehbench.synth.plan_types import ForegroundPlan, Grade, Plan
from bokehbench.synth.render import disparity_bounds
from bokehbench.synth.render.scene import support

Raster = npt.NDArray[np.float32]
HALF_MAX = 65504.0


def foreground(part: ForegroundPlan, plan: Plan, library: Library) -> tuple[Layer, dict[str, Any]]:
    """A cut-out in its place in the frame, flat for now, and what was done to it."""
    frame = plan.frame.size
    # Drawn a quarter larger than needed: rotation and the final average cost a little sharpness.
    side = 1.25 * float(np.sqrt(part.area * frame[0] * frame[1]))
    rgba, sides = library.foreground(part.source, side, plan.gamma)
    rgba = np.array(rgba, np.float32)
    if plan.transfer == "srgb" and Source.parse(part.source).kind != "proc":
        rgba[..., :3] = as_srgb(rgba[..., :3], rgba[..., 3], plan.gamma)
    rgba[..., :3] *= _gains(part.grade, plan)
    rgba[..., :3] = brighten(rgba[..., :3], rgba[..., 3], plan.highlight, plan.gamma)
    if plan.compat and plan.compat.short_boxes:
        rgba = rgba[:-1, :-1]
    area = box_area(rgba.shape, part, frame)
    scale = float(np.sqrt(area / (rgba.shape[0] * rgba.shape[1])))
    if plan.compat and plan.compat.lanczos_straight:
        rgba = _lanczos(rgba[:, ::-1] if part.flip else rgba, scale, plan.gamma)
    else:
        rgba = fit(rgba, area, part.rotation_deg, part.flip)
    # The published generator lets cut edges float.
    x, y = position(rgba[..., 3], part, () if plan.compat else sides, plan.frame, plan.size)
    facts = {"scale": round(scale, 6), "rotation_deg": part.rotation_deg, "flip": part.flip}
    rgba[..., :3] = bounded(rgba[..., :3], rgba[..., 3], plan.highlight)
    return Layer(half(rgba), Plane(0.0, 0.0, part.disparity), x, y), facts


def background(plan: Plan, library: Library, pad: int) -> tuple[Raster, float, str]:
    """Linear RGB [H + 2 pad, W + 2 pad, 3] behind the picture, scale, and what its border is made of.

    The picture's part of the frame, and of as much more around the frame as the margin needs.
    """
    part, frame = plan.background, plan.frame
    x0, y0, width, height = frame.x - pad, frame.y - pad, plan.size[0] + 2 * pad, plan.size[1] + 2 * pad
    if plan.compat:
        x0, y0, (width, height) = 0, 0, frame.size
    extra = max(0, -x0, -y0, x0 + width - frame.size[0], y0 + height - frame.size[1])
    canvas = (frame.size[0] + 2 * extra, frame.size[1] + 2 * extra)
    kind = Source.parse(part.source).kind
    if plan.compat and plan.compat.stretch_background and kind != "proc":
        rgb, scale, border = _stretched(plan, library, canvas)
    else:
        rgb, scale, border = library.background(
            part.source, canvas, part.at, part.crop, part.upscale_max, plan.gamma
        )
    if part.flip:
        rgb = rgb[:, ::-1]
    if plan.transfer == "srgb" and kind != "proc":
        rgb = as_srgb(rgb, None, plan.gamma)
    rgb = np.ascontiguousarray(rgb * _gains(part.grade, plan), np.float32)
    rgb = with_lamps(brighten(rgb, None, plan.highlight, plan.gamma), plan.highlight)
    rgb = bounded(rgb, None, plan.highlight)
    return rgb[y0 + extra : y0 + extra + height, x0 + extra : x0 + extra + width], float(scale), border


def _gains(grade: Grade, plan: Plan) -> Raster:
    """Linear gains of a layer; under `compat` the sample's own gain comes after rendering."""
    overall = 1.0 if plan.compat else plan.augment.gain**plan.gamma
    return np.asarray(grade.gains, np.float32) * np.float32(overall)


def half(rgba: Raster) -> Raster:
    """Rounded to half floats: what is stored is exactly what was rendered."""
    return np.minimum(rgba, HALF_MAX).astype(np.float16).astype(np.float32)


def opaque(rgb: Raster) -> Raster:
    """[h, w, 4] with alpha 1."""
    return np.concatenate([rgb, np.ones_like(rgb[..., :1])], axis=2)


def _lanczos(rgba: Raster, scale: float, gamma: float) -> Raster:
    """Resized as the published generator does: encoded straight colour and alpha apart, alpha not clipped.

    Colour under alpha 0 is black, which bleeds into soft edges: dark fringes.
    """
    size = (max(round(scale * rgba.shape[1]), 1), max(round(scale * rgba.shape[0]), 1))
    alpha = rgba[..., 3]
    straight = np.where(alpha[..., None] > 0.0, rgba[..., :3] / np.maximum(alpha, 1e-6)[..., None], 0.0)
    shown = cv2.resize(
        np.clip(encode(straight, gamma), 0.0, 1.0).astype(np.float32), size, interpolation=cv2.INTER_LANCZOS4
    )
    alpha = cv2.resize(np.ascontiguousarray(alpha), size, interpolation=cv2.INTER_LANCZOS4)
    linear = decode(np.clip(shown, 0.0, 1.0), gamma) * alpha[..., None]
    return np.concatenate([linear, alpha[..., None]], axis=2).astype(np.float32)


def _stretched(plan: Plan, library: Library, canvas: tuple[int, int]) -> tuple[Raster, float, str]:
    asset = Source.parse(plan.background.source)
    folder = library.background_folder
    path = photographs.shipped_path(asset.name) if folder is None else folder.path(asset.name)
    picture = encode(photographs.read_linear(path, plan.gamma), plan.gamma)
    shown = cv2.resize(picture.astype(np.float32), canvas, interpolation=cv2.INTER_LANCZOS4)
    linear = decode(np.clip(shown, 0.0, 1.0), plan.gamma).astype(np.float32)
    return linear, canvas[0] / picture.shape[1], "stretch"


# ------------------------------------------------------------------------------------------------- facts


def describe_layer(source: str, layer: Layer, role: str, library: Library) -> dict[str, Any]:
    """What a sample's JSON says about a layer."""
    alpha = layer.rgba[..., 3]
    height, width = alpha.shape
    seen = max(int((alpha > 0.01).sum()), 1)
    x0, y0, x1, y1 = support(layer) or (layer.x, layer.y, layer.x, layer.y)
    bounds = disparity_bounds(layer.plane, (layer.x, layer.y, layer.x + width, layer.y + height))
    return {
        "role": role,
        "source": source,
        **layer.to_json(),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "disparity_range": list(bounds),
        "alpha_mean": round(float(alpha.mean(dtype=np.float64)), 6),
        "soft_share": round(int(((alpha > 0.01) & (alpha < 0.99)).sum()) / seen, 6),
        "sha256": _digest(source, library.folder_of(role)),
        **describe_source(source, library.folder_of(role)),
    }


def _digest(source: str, own: AssetFolder | None) -> str | None:
    """Of the file's bytes; None for a drawing, which its name and seed make."""
    asset = Source.parse(source)
    if asset.kind == "skimage":
        return _shipped_digest(asset.name)
    file = own.find(asset.name) if own and asset.kind == "folder" else None
    return file.sha256 if file else None


@functools.cache
def _shipped_digest(name: str) -> str:
    return sha256_file(photographs.shipped_path(name))
