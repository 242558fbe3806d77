"""SteReFo's renderer (Busam et al., ICCVW 2019): layers blurred apart, composited back to front, normalised.

Only the rendering module, as BokehMe compares it; what the paper leaves open is said here (methods spec B2).
Disparity is cut into N = clip(ceil(K range), 8, 64) hard layers of equal thickness, so that neighbours differ
by at most one pixel of radius while K range <= 64; the focal plane is the middle of a layer, so that K = 0
returns the input. `layer_stack` says how they are composited. Where layers meet, W < 1, because the two masks
were blurred by different discs: dividing by it removes dark seams.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.baselines.layer_stack import Layers, composite, hard_layers
from bokehbench.cases import FloatImage, Inputs
from bokehbench.optics import Lens, decode, encode

MIN_LAYERS, MAX_LAYERS = 8, 64


class SteReFo:
    """The method: decode, composite blurred layers, encode."""

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        light = decode(inputs.image, lens.gamma).astype(np.float32)
        blurred = composite(light, cut_layers(inputs.disparity, lens), lens.aperture)
        return encode(blurred, lens.gamma).astype(np.float32)


def cut_layers(disparity: npt.NDArray[Any], lens: Lens) -> Layers:
    """Cut [H, W] disparity into hard layers, the focal plane in the middle of one."""
    thickness = layer_thickness(disparity, lens)
    step = np.rint((disparity.astype(np.float64) - lens.disp_focus) / thickness).astype(np.int64)
    steps, index = np.unique(step, return_inverse=True)
    return hard_layers(index.reshape(disparity.shape).astype(np.int32), lens.K * thickness * steps)


def layer_thickness(disparity: npt.NDArray[Any], lens: Lens) -> float:
    """Of a layer, in units of disparity."""
    span = float(disparity.max() - disparity.min())
    count = min(max(math.ceil(lens.K * span), MIN_LAYERS), MAX_LAYERS)
    return span / count if span > 0.0 else 1.0
