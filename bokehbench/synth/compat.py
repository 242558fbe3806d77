"""Samples as the published generators make them, faults included (`fields.Compat` names each).

The whole frame is rendered without padding, then the picture is cut out of it, mirrored and brightened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer
from bokehbench.optics import encode
from bokehbench.synth.plan_types import CompatPlan, Plan
from bokehbench.synth.render import render_all_in_focus
from bokehbench.synth.render.published import render_published
from bokehbench.synth.scene import Scene, to_picture

FloatImage = npt.NDArray[np.float32]


def render_compat(plan: Plan, scene: Scene) -> tuple[FloatImage, FloatImage, Scene]:
    """(all-in-focus, bokeh, scene), pictures [H, W, 3] encoded, the scene cut out of the frame.

    The scene's lens has the K that the published set would write down; `K_rendered` in the facts is true.
    """
    compat = plan.compat
    assert compat is not None
    lens, size = scene.lens, plan.frame.size
    x, y = plan.frame.x, plan.frame.y
    region = (x, y, x + plan.size[0], y + plan.size[1])
    blurred = render_published(
        scene.layers, lens, size, kernel=compat.kernel, samples=compat.samples, region=region
    )
    if compat.aif_in_gamma:
        sharp = composite_encoded(scene.layers, size, plan.gamma)
    else:
        sharp = encode(render_all_in_focus(scene.layers, size)[..., :3], plan.gamma).astype(np.float32)
    disparity = soft_disparity(scene.layers, size) if compat.soft_disparity else scene.disparity
    label = lens.K if compat.label_factor is None else plan.lens.value * compat.label_factor
    radius = lens.K * float(np.abs(_cut(plan, disparity) - lens.disp_focus).max())
    facts = scene.settings[0].facts | {"K_rendered": lens.K, "samples": compat.samples}
    setting = replace(scene.settings[0], lens=replace(lens, K=label), radius=radius, facts=facts)
    bokeh = encode(blurred[..., :3], plan.gamma).astype(np.float32)
    moved = tuple(to_picture(plan, layer) for layer in scene.layers)
    cut = Scene(moved, (setting,), _cut(plan, disparity), scene.facts | {"compat": _named(compat)})
    return _finished(plan, _cut(plan, sharp)), _finished(plan, _mirrored(plan, bokeh)), cut


def composite_encoded(layers: Sequence[Layer], size: tuple[int, int], gamma: float) -> FloatImage:
    """[H, W, 3]: layers mixed far to near in encoded values, as no light mixes."""
    image = np.zeros((size[1], size[0], 3), np.float32)
    for alpha, straight, window in _rasters(layers, size):
        image[window] = alpha * encode(straight, gamma) + (1.0 - alpha) * image[window]
    return np.clip(image, 0.0, 1.0)


def soft_disparity(layers: Sequence[Layer], size: tuple[int, int]) -> FloatImage:
    """[H, W]: disparities mixed far to near by alpha; soft edges lie at depths where nothing is."""
    disparity = np.zeros((size[1], size[0]), np.float32)
    for layer, (alpha, _, window) in zip(reversed(layers), _rasters(layers, size), strict=True):
        y, x = (np.arange(part.start, part.stop) for part in window)
        plane = layer.plane.disparity(x[None, :], y[:, None])
        disparity[window] = alpha[..., 0] * plane + (1.0 - alpha[..., 0]) * disparity[window]
    return np.clip(disparity, 0.0, 1.0)


def _rasters(
    layers: Sequence[Layer], size: tuple[int, int]
) -> list[tuple[FloatImage, FloatImage, tuple[slice, slice]]]:
    """Far to near: alpha [h, w, 1], straight linear colour [h, w, 3], and where they lie in the image."""
    found = []
    for layer in reversed(layers):
        height, width = layer.rgba.shape[:2]
        x0, y0 = max(layer.x, 0), max(layer.y, 0)
        x1, y1 = max(min(layer.x + width, size[0]), x0), max(min(layer.y + height, size[1]), y0)
        part = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x]
        alpha = part[..., 3:4]
        safe = np.where(np.abs(alpha) > 1e-4, alpha, 1.0)
        found.append((alpha, part[..., :3] / safe, (slice(y0, y1), slice(x0, x1))))
    return found


def _cut(plan: Plan, picture: FloatImage) -> FloatImage:
    """The picture's part of the frame, mirrored as the plan says."""
    x, y = plan.frame.x, plan.frame.y
    return _mirrored(plan, picture[y : y + plan.size[1], x : x + plan.size[0]])


def _mirrored(plan: Plan, picture: FloatImage) -> FloatImage:
    picture = picture[:, ::-1] if plan.augment.hflip else picture
    return np.ascontiguousarray(picture[::-1] if plan.augment.vflip else picture)


def _finished(plan: Plan, picture: FloatImage) -> FloatImage:
    return np.clip(np.clip(picture, 0.0, 1.0) * plan.augment.gain, 0.0, 1.0).astype(np.float32)


def _named(compat: CompatPlan) -> list[str]:
    """The faults that are on."""
    values = compat.model_dump(exclude={"samples", "kernel"})
    return [f"kernel_{compat.kernel}", *(name for name, value in values.items() if value)]
