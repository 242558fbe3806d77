"""Whether layers can be rendered exactly: order, gap, tilt, cover; and how far they must reach."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bokehbench.errors import InputError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.synth.render.quality import QUALITIES, quality_of
from bokehbench.synth.render.scene import Rect, Size, common, disparity_bounds, grown, largest_radius, support

GAP = 0.02
"""Least difference of disparity between a layer and a farther one wherever one ray can hit both."""
MAX_TILT = 0.5
"""Largest K |(p, q)|: beyond, a ray is nearly parallel to the plane."""


def margin(disparities: tuple[float, float], lens: Lens, *, quality: str = "standard") -> int:
    """Pixels that layers must reach beyond each side of the image, so that no ray leaves them.

    Args:
        disparities: least and largest disparity of the layers over the image and this margin.
        lens: what is asked for.
        quality: name in `QUALITIES`.
    """
    focus = [part.disp_focus for part, _ in lens.channels()]
    radius = lens.K * max(abs(d - f) for d in disparities for f in focus)
    return math.ceil(radius) + math.ceil(quality_of(quality).widest_cell(radius) / 2.0) + 2


def validate(
    layers: Sequence[Layer], lens: Lens, size: Size, *, quality: str = "standard", gap: float = GAP
) -> None:
    """Refuse layers that cannot be rendered exactly.

    Args:
        layers: near to far.
        lens: what is asked for.
        size: (W, H) of the image.
        quality: name in `QUALITIES`, for the margin.
        gap: least difference of disparity where one ray can hit two layers.

    Raises:
        InputError: no layers; a plane too steep for K (K |(p, q)| > 0.5); a layer that is not nearer by
            `gap` than a farther one where both can be hit; a last layer that is not opaque or does not
            cover the image and its margin.
    """
    if not layers:
        raise InputError("layers: there are none; give at least an opaque background")
    for index, layer in enumerate(layers):
        slope = lens.K * math.hypot(layer.plane.p, layer.plane.q)
        if slope > MAX_TILT:
            raise InputError(
                f"layer {index}: K |(p, q)| is {slope:.3f}, more than {MAX_TILT}; tilt it less or lower K"
            )
    _check_background(layers[-1], lens, size, quality)
    reach = [_reach(layer, lens, size) for layer in layers]
    for near, near_rect in enumerate(reach):
        for far in range(near + 1, len(layers)):
            shared = common(near_rect, reach[far])
            if shared is not None:
                _check_order(layers[near].plane, layers[far].plane, shared, gap, (near, far))


def _check_background(layer: Layer, lens: Lens, size: Size, quality: str) -> None:
    image = (0, 0, *size)
    pad = margin(disparity_bounds(layer.plane, image), lens, quality=quality)
    # A tilted plane blurs more in the margin itself; two rounds settle because K |(p, q)| <= 0.5.
    for _ in range(8):
        pad = margin(disparity_bounds(layer.plane, grown(image, pad)), lens, quality=quality)
    x0, y0, x1, y1 = grown(image, pad)
    height, width = layer.rgba.shape[:2]
    if layer.x > x0 or layer.y > y0 or layer.x + width < x1 or layer.y + height < y1:
        raise InputError(
            f"background: covers x {layer.x}..{layer.x + width}, y {layer.y}..{layer.y + height}, but this "
            f"lens needs x {x0}..{x1}, y {y0}..{y1} (margin {pad} pixels); make it larger or lower K"
        )
    alpha = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x, 3]
    if not np.all(alpha >= 1.0 - 1e-3):
        raise InputError(f"background: alpha is {alpha.min():.3f} somewhere; the last layer must be opaque")


def _reach(layer: Layer, lens: Lens, size: Size) -> Rect | None:
    """Image pixels that can receive light from the layer."""
    rect = support(layer)
    if rect is None:
        return None
    blur = math.ceil(max(largest_radius(layer.plane, rect, part) for part, _ in lens.channels())) + 1
    return common(grown(rect, blur), (0, 0, *size))


def _check_order(near: Plane, far: Plane, rect: Rect, gap: float, names: tuple[int, int]) -> None:
    difference = Plane(near.p - far.p, near.q - far.q, near.r - far.r)
    least = disparity_bounds(difference, rect)[0]
    if least < gap - 1e-9:
        raise InputError(
            f"layers {names[0]} and {names[1]}: disparities differ by {least:.4f} where both are seen, less "
            f"than {gap}; layers go near to far and must not meet"
        )


__all__ = ["GAP", "MAX_TILT", "QUALITIES", "margin", "validate"]
