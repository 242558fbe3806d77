"""`raylayers`: layers cut from the disparity map, hidden parts filled in, rendered by the exact ray tracer.

The idea: where a surface is continuous, slices of little blur difference overlap backwards, so that every ray
meets it once and the exact tracer sees a surface without gaps. Where it ends at a depth edge, what is
hidden behind is made up from what is beside it, as far as the lens can look, and light is blended with the
true transmittance: a soft rim in front of a background that goes on behind it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from bokehbench.baselines.raylayers.mattes import soften
from bokehbench.baselines.raylayers.slices import cut, layers_of
from bokehbench.baselines.raylayers.surfaces import (
    SOFT,
    Surface,
    hidden_surface,
    ramp_width,
    reach_of,
    sharpen_edges,
    snap_edges,
)
from bokehbench.cases import FloatImage, Inputs
from bokehbench.optics import decode, encode, signed_defocus
from bokehbench.synth.render import margin, render_bokeh

BLOCK = 512
"""Side of the parts that are rendered one by one, pixels: bounds the memory of the layers."""
OVERLAP = 4
"""Pixels by which slices of one surface overlap: half a lens cell and the bilinear lookup."""


class RayLayers:
    """Layered ray tracing from image and disparity, without training.

    Args:
        quality: name in `bokehbench.synth.render.QUALITIES`.
    """

    def __init__(self, quality: str = "standard") -> None:
        self.quality = quality

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        bounds = (float(inputs.disparity.min()), float(inputs.disparity.max()))
        if lens.K * max(abs(d - lens.disp_focus) for d in bounds) < 0.05:
            return inputs.image.copy()
        height, width = inputs.image.shape[:2]
        pad = margin(bounds, lens, quality=self.quality)
        pieces = cut(self._surfaces(inputs, pad), lens, OVERLAP)
        light = np.empty((height, width, 4), np.float32)
        # A lens that is not the same all over the image must see all of it at once.
        varies = lens.aperture.cat_eye > 0.0 or lens.vignette == "physical"
        block = max(height, width) if varies else BLOCK
        for y in range(0, height, block):
            for x in range(0, width, block):
                size = (min(block, width - x), min(block, height - y))
                window = (slice(y, y + size[1] + 2 * pad), slice(x, x + size[0] + 2 * pad))
                layers = layers_of(pieces, lens, window, (-pad, -pad))
                part = render_bokeh(layers, lens, size, quality=self.quality)
                light[y : y + size[1], x : x + size[0]] = part
        # Rays that found nothing (hidden parts nobody can know) count as what the others found.
        colour = light[..., :3] / np.maximum(light[..., 3:], 1e-3)
        return encode(colour, lens.gamma).astype(np.float32)

    def _surfaces(self, inputs: Inputs, pad: int) -> list[Surface]:
        """The visible surface, soft rims and the hidden surface, reflected into a margin of `pad` pixels."""
        lens = inputs.lens
        linear = decode(inputs.image, lens.gamma).astype(np.float32)
        defocus = signed_defocus(inputs.disparity, lens).astype(np.float32)
        border = cv2.BORDER_REFLECT_101 if pad < min(defocus.shape) else cv2.BORDER_REPLICATE
        colour = cv2.copyMakeBorder(linear, pad, pad, pad, pad, border)
        defocus = cv2.copyMakeBorder(defocus, pad, pad, pad, pad, border)
        width = ramp_width(defocus)
        away = 2.0
        if width > SOFT:
            reach = reach_of(width, limit=max(12, round(0.01 * math.hypot(*inputs.image.shape[:2]))))
            defocus = sharpen_edges(defocus, width, reach)
            away = float(reach)
        defocus = snap_edges(defocus)
        seen = Surface.opaque(colour, defocus)
        hidden = hidden_surface(seen, extra=OVERLAP, away=away)
        seen, rim = soften(seen, hidden)
        return [seen, rim, hidden]
