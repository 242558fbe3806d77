"""`raylayers`: layers cut from the disparity map, hidden parts filled in, rendered by the exact ray tracer.

The idea (docs/raylayers.md has the pictures): a pixel that no circle of confusion at a depth edge reaches
sees one surface, and is the mean of the picture over its own circle, with weights that are exact at any
radius. All others are traced. Where a surface is continuous, slices of little blur difference overlap
backwards, so that every ray meets it once and the tracer sees a surface without gaps. Where it ends at a
depth edge, what is hidden behind is made up from what is beside it, as far as the lens can look, and light
is blended with the true transmittance: a soft rim in front of a background that goes on behind it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.raylayers.edges import across, jump_of, untouched
from bokehbench.baselines.raylayers.mattes import soften
from bokehbench.baselines.raylayers.slices import cut, layers_of
from bokehbench.baselines.raylayers.surfaces import (
    CRISP,
    SOFT,
    Surface,
    hidden_surface,
    ramp_width,
    reach_of,
    sharpen_edges,
    snap_edges,
)
from bokehbench.baselines.raylayers.texture import LARGEST, gather, sharpened
from bokehbench.cases import FloatImage, Inputs
from bokehbench.optics import Lens, decode, encode, signed_defocus
from bokehbench.synth.render import margin, render_bokeh

BLOCK = 512
"""Side of the parts that are rendered one by one, pixels: bounds the memory of the layers."""
SHARP = 1e-3
"""Blur radius below which the picture is handed back, pixels."""
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
        if lens.K * max(abs(d - f) for d in bounds for f in _focal_planes(lens)) < SHARP:
            return inputs.image.copy()
        pad = margin(bounds, lens, quality=self.quality)
        scene = _understood(inputs, pad)
        height, width = inputs.image.shape[:2]
        inside = (slice(pad, pad + height), slice(pad, pad + width))
        # A lens that is not the same everywhere, or for all colours, is the tracer's alone.
        alone = np.zeros_like(scene.untouched)
        if not _varies(lens) and lens.vignette == "normalise" and not any(lens.focus_shift):
            alone[inside] = (scene.untouched & (np.abs(scene.defocus) <= LARGEST))[inside]
        light = gather(scene.colour, scene.defocus, alone, lens.aperture)[inside]
        self._trace(scene, lens, pad, ~alone[inside], light)
        return encode(light, lens.gamma).astype(np.float32)

    def _trace(
        self, scene: Scene, lens: Lens, pad: int, wanted: npt.NDArray[np.bool_], light: FloatImage
    ) -> None:
        """Fill in the pixels of `light` [H, W, 3] that are `wanted`, block by block."""
        height, width = wanted.shape
        pieces = cut([sharpened(surface, scene.jump) for surface in scene.surfaces], OVERLAP, scene.jump)
        side = max(height, width) if _varies(lens) else BLOCK
        for top in range(0, height, side):
            for left in range(0, width, side):
                within = wanted[top : top + side, left : left + side]
                x, y, w, h = cv2.boundingRect(within.astype(np.uint8))
                if w == 0:
                    continue
                if not _varies(lens):
                    within = within[y : y + h, x : x + w]
                else:
                    x, y, (h, w) = 0, 0, within.shape
                x, y = left + x, top + y
                window = (slice(y, y + h + 2 * pad), slice(x, x + w + 2 * pad))
                layers = layers_of(pieces, lens, window, (-pad, -pad))
                part = render_bokeh(layers, lens, (w, h), quality=self.quality)
                # Rays that found nothing (hidden parts nobody can know) count as what the others found.
                colour = part[..., :3] / np.maximum(part[..., 3:], 1e-3)
                light[y : y + h, x : x + w][within] = colour[within]


@dataclass(frozen=True, eq=False)
class Scene:
    """What is made of an image and its disparity, with a margin.

    Attributes:
        colour: [H, W, 3] float32, the picture, linear.
        defocus: [H, W] float32, signed, pixels, with crisp depth edges.
        untouched: [H, W] bool, from `edges.untouched`.
        surfaces: near to far.
        jump: from `edges.jump_of`.
    """

    colour: FloatImage
    defocus: FloatImage
    untouched: npt.NDArray[np.bool_]
    surfaces: list[Surface]
    jump: float


def _varies(lens: Lens) -> bool:
    """Whether the opening differs over the image, which must then be traced as one block."""
    return lens.aperture.cat_eye > 0.0 or lens.vignette == "physical"


def _focal_planes(lens: Lens) -> list[float]:
    return [part.disp_focus for part, _ in lens.channels()]


def _understood(inputs: Inputs, pad: int) -> Scene:
    """The scene, continued into a margin of `pad` pixels: visible surface, soft rims, hidden surface."""
    linear = decode(inputs.image, inputs.lens.gamma).astype(np.float32)
    defocus = signed_defocus(inputs.disparity, inputs.lens).astype(np.float32)
    # The best guess at what lies outside is the pixel at the rim: a mirrored one is twice as far away.
    colour = cv2.copyMakeBorder(linear, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    defocus = cv2.copyMakeBorder(defocus, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    rise = 2.0 * jump_of(defocus)
    width, away, band = ramp_width(defocus, rise), 2.0, 1
    if width > SOFT:
        reach = reach_of(width, limit=max(12, round(0.01 * math.hypot(*inputs.image.shape[:2]))))
        defocus = sharpen_edges(defocus, width, reach, rise)
        away, band = float(reach), 2
    if width > CRISP:  # in a crisp map, what lies between two depths is a third surface
        defocus = snap_edges(defocus, rise)
    jump = jump_of(defocus)
    other_side = across(defocus, jump, band)
    seen = Surface.opaque(colour, defocus)
    hidden = hidden_surface(seen, extra=OVERLAP, away=away, jump=jump)
    surfaces = soften(seen, hidden, other_side, band)
    return Scene(colour, defocus, untouched(defocus, other_side), surfaces, jump)
