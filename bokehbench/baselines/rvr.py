"""RVR's renderer (Zhang et al., ToG 2019, "casual videography"): soft layers, composited back to front.

Only the rendering module, as BokehMe compares it: like SteReFo, with masks that fall off softly in disparity,

    m_i = 1/2 + 1/2 tanh(a (1/2 - |D - d_i| / thickness)),      a = 10,

which are not made to sum to 1. RVR shows the composited light as it is; where the shares of a surface lie in
many layers they cover less than everything, and slopes darken the more, the larger the blur. RVR† divides by
the weight, as BokehMe's authors added it for their comparison. The form of the mask and the layers'
thickness (SteReFo's) are our reading (methods spec B3). Shares below 1/1000 are dropped.

The darkening is there at K = 0 too, in a band around each boundary of layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.baselines.layer_stack import Layers, composite
from bokehbench.baselines.sterefo import layer_thickness
from bokehbench.cases import FloatImage, Inputs
from bokehbench.optics import Lens, decode, encode

STEEPNESS = 10.0
"""a of the masks."""
LEAST = 1e-3
"""Shares below this are none."""
REACH = 1
"""Layers on either side of a pixel's own in which it may have a share."""


class RVR:
    """The method: decode, composite blurred soft layers, encode.

    Args:
        normalise: divide by the composited weight (RVR†).
    """

    def __init__(self, normalise: bool = False) -> None:
        self.normalise = normalise

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        light = decode(inputs.image, lens.gamma).astype(np.float32)
        layers = soft_layers(inputs.disparity, lens)
        blurred = composite(light, layers, lens.aperture, normalise=self.normalise)
        return encode(blurred, lens.gamma).astype(np.float32)


def soft_layers(disparity: npt.NDArray[Any], lens: Lens) -> Layers:
    """Cut [H, W] disparity into soft layers, the focal plane in the middle of one."""
    thickness = layer_thickness(disparity, lens)
    place = ((disparity.astype(np.float64) - lens.disp_focus) / thickness).ravel()
    own = np.rint(place).astype(np.int64)
    pixels = np.arange(place.size)
    near, steps, shares = [], [], []
    for away in range(-REACH, REACH + 1):
        step = own + away
        share = mask(place - step)
        kept = share >= LEAST
        near.append(pixels[kept])
        steps.append(step[kept])
        shares.append(share[kept])
    step, pixel, share = (np.concatenate(parts) for parts in (steps, near, shares))
    order = np.lexsort((pixel, step))
    found, counts = np.unique(step, return_counts=True)
    return Layers(
        (disparity.shape[0], disparity.shape[1]),
        pixel[order],
        share[order].astype(np.float32),
        np.cumsum(counts),
        lens.K * thickness * found,
    )


def mask(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The share of a layer in a pixel, by their distance in units of the layers' thickness."""
    return np.asarray(0.5 + 0.5 * np.tanh(STEEPNESS * (0.5 - np.abs(distance))))
