"""DeepFocus as a method: `deepfocus`, and `deepfocus-dagger` with BokehMe's adaptive resizing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from bokehbench.baselines.bokehme.networks import TILE, resize
from bokehbench.baselines.bokehme.neural import scale_of
from bokehbench.baselines.comparators.one_network import OneNetwork
from bokehbench.baselines.comparators.pictures import shown
from bokehbench.baselines.deepfocus.network import DeepFocusNet
from bokehbench.cases import FloatImage, Inputs

METHOD = "deepfocus"


def build(config: Mapping[str, Any]) -> DeepFocusNet:
    """The network of a file of weights."""
    return DeepFocusNet(**config)


class DeepFocus(OneNetwork[DeepFocusNet]):
    """A network that sees image, disparity and circle of confusion (Xiao et al., 2018).

    Args:
        adaptive: render smaller, so that the largest radius is 10 pixels, and enlarge (DeepFocus†).
        device: "cpu", "cuda" or "cuda:1".

    Raises:
        Unavailable: the weights, or the device, are missing.
        InputError: a weight file of something else.
    """

    method = METHOD

    def __init__(self, adaptive: bool = False, device: str = "cpu") -> None:
        super().__init__(build, device)
        self.adaptive = adaptive

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`, no brighter than the input."""
        return render_picture(self.network, inputs, self.adaptive)


def render_picture(network: DeepFocusNet, inputs: Inputs, adaptive: bool) -> FloatImage:
    """See `DeepFocus.render`."""
    way = render_adaptively if adaptive else render
    device = next(network.parameters()).device
    return shown(inputs, device, lambda image, near, defocus: way(network, image, near, defocus))


def render(
    network: DeepFocusNet,
    image: Tensor,  # [B, 3, H, W]
    disparity: Tensor,  # [B, 1, H, W]
    defocus: Tensor,  # [B, 1, H, W]
    tile: int = TILE,
) -> Tensor:  # [B, 3, H, W]
    """The network alone; `defocus` is signed, pixels, the pictures are encoded and in [0, 1]."""
    made: Tensor = network(image, disparity, defocus.abs(), tile)
    return made


def render_adaptively(
    network: DeepFocusNet, image: Tensor, disparity: Tensor, defocus: Tensor, tile: int = TILE
) -> Tensor:
    """DeepFocus†: shrunk by BokehMe's rule, radii with it, and enlarged bilinearly; arguments as `render`."""
    scale, (height, width) = scale_of(defocus), image.shape[-2:]
    if scale == 1.0:
        return render(network, image, disparity, defocus, tile)
    size = max(2, int(height / scale)), max(2, int(width / scale))
    seen, near, blur = (resize(one, size) for one in (image, disparity, defocus / scale))
    return resize(render(network, seen, near, blur, tile), (height, width))
