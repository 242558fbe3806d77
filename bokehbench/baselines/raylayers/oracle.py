"""The layered tracer given the true layers: what a perfect understanding of the scene would score."""

from __future__ import annotations

from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import InputError
from bokehbench.optics import encode
from bokehbench.synth.render import render_bokeh


class RayLayersOracle:
    """Renders `inputs.layers`.

    Args:
        quality: name in `bokehbench.synth.render.QUALITIES`.
    """

    def __init__(self, quality: str = "high") -> None:
        self.quality = quality

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded; InputError where the case comes without layers."""
        if not inputs.layers:
            raise InputError(f"{inputs.key}: raylayers-oracle needs the true layers, this case has none")
        height, width = inputs.image.shape[:2]
        light = render_bokeh(inputs.layers, inputs.lens, (width, height), quality=self.quality)
        return encode(light[..., :3], inputs.lens.gamma).astype(light.dtype)
