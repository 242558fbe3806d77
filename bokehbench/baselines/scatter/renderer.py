"""BokehMe's classical renderer as a method: decode, scatter, encode (Peng et al., CVPR 2022)."""

from __future__ import annotations

import numpy as np

from bokehbench.baselines.scatter.direct import scatter_direct
from bokehbench.baselines.scatter.kernel import scatter
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError
from bokehbench.optics import Lens, decode, encode, signed_defocus


class Scatter:
    """Scatters every pixel into its circle of confusion, in linear light; knows no occlusion.

    Args:
        highlight_boost: gain of bright, defocused pixels before scattering; the authors' code uses 0.4, 0 is
            off.
        donut: 0 to 0.5, strength of the authors' soft donut (slow, O(r²)); the lens's `aperture.inner` is the
            physical one and always honoured.
    """

    def __init__(self, highlight_boost: float = 0.0, donut: float = 0.0) -> None:
        if highlight_boost < 0.0:
            raise ConfigError(f"scatter: highlight_boost must be at least 0, not {highlight_boost}")
        if not 0.0 <= donut <= 0.5:
            raise ConfigError(f"scatter: donut must lie in [0, 0.5], not {donut}")
        self.highlight_boost = highlight_boost
        self.donut = donut

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        image = boost_highlights(inputs.image, inputs.disparity, lens, self.highlight_boost)
        light = decode(image, lens.gamma).astype(np.float32)
        defocus = signed_defocus(inputs.disparity, lens)
        if self.donut > 0.0:
            blurred = scatter_direct(light, defocus, lens.aperture, self.donut)
        else:
            blurred = scatter(light, defocus, lens.aperture)
        return encode(blurred, lens.gamma).astype(np.float32)


def boost_highlights(image: FloatImage, disparity: FloatImage, lens: Lens, gain: float) -> FloatImage:
    """Brighten highlights out of focus, which an 8-bit photograph has clipped (methods spec A1.7).

    Args:
        image: [H, W, 3] encoded.
        disparity: [H, W].
        lens: for the focal plane.
        gain: 0 leaves the image as it is.

    Returns:
        [H, W, 3]: ``image (1 + gain m1 m2)`` with m1 = clip(tanh(200 ((d - disp_focus)² - 0.01)), 0, 1) and
        m2 = clip(tanh(10 (image - 220/255)), 0, 1).
    """
    if gain == 0.0:
        return image
    defocused = np.clip(np.tanh(200.0 * ((disparity - lens.disp_focus) ** 2 - 0.01)), 0.0, 1.0)
    bright = np.clip(np.tanh(10.0 * (image - 220.0 / 255.0)), 0.0, 1.0)
    return np.asarray(image * (1.0 + gain * defocused[..., None] * bright), np.float32)
