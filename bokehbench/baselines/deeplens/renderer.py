"""DeepLens as a method: how small the lens-blur module sees a picture, and the way there and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from bokehbench.baselines.comparators.one_network import OneNetwork
from bokehbench.baselines.comparators.pictures import shown
from bokehbench.baselines.deeplens.network import DeepLensNet
from bokehbench.cases import FloatImage, Inputs

METHOD = "deeplens"
REACH = 7.0
"""Pixels from which the lens-blur module's features come: blur is shrunk until it is at most that."""
SIDES = (640, 1280)
"""A picture whose longer side is above one of these is rendered at half the size, above both at a quarter."""


def build(config: Mapping[str, Any]) -> DeepLensNet:
    """The network of a file of weights."""
    return DeepLensNet(**config)


class DeepLens(OneNetwork[DeepLensNet]):
    """Lens blur at a small size, and guided upsampling (Wang et al., 2018).

    Args:
        device: "cpu", "cuda" or "cuda:1".

    Raises:
        Unavailable: the weights, or the device, are missing.
        InputError: a weight file of something else.
    """

    method = METHOD

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(build, device)

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`, >= 0."""
        return render_picture(self.network, inputs)


def render_picture(network: DeepLensNet, inputs: Inputs) -> FloatImage:
    """See `DeepLens.render`."""
    device = next(network.parameters()).device
    return shown(inputs, device, lambda image, _, defocus: render(network, image, defocus))


def render(network: DeepLensNet, image: Tensor, defocus: Tensor) -> Tensor:
    """Pictures with as much upsampling as the one with the largest blur asks for; see `DeepLensNet`."""
    made: Tensor = network(image, defocus, max(steps_for_size(image.shape), steps_for_blur(defocus)))
    return made


def steps_for_size(shape: Sequence[int]) -> int:
    """Halvings that the size asks for: the authors'."""
    return sum(max(shape[-2:]) > side for side in SIDES)


def steps_for_blur(defocus: Tensor) -> int:
    """Halvings after which the largest radius is within reach; ours, since the authors' blur ends there."""
    largest = float(defocus.abs().max()) if defocus.numel() else 0.0
    return max(0, math.ceil(math.log2(largest / REACH))) if largest > 0.0 else 0
