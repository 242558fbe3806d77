"""MPIB as a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from bokehbench.baselines.comparators.one_network import OneNetwork
from bokehbench.baselines.diffusion.pictures import to_picture, to_tensor
from bokehbench.baselines.mpib.networks import MPIBNet
from bokehbench.baselines.mpib.procedure import render
from bokehbench.cases import FloatImage, Inputs

METHOD = "mpib"


def build(config: Mapping[str, Any]) -> MPIBNet:
    """The networks of a file of weights."""
    return MPIBNet(**config)


class MPIB(OneNetwork[MPIBNet]):
    """A multi-plane image over a filled background (Peng et al., ECCV 2022).

    Args:
        device: of the networks, "cpu", "cuda" or "cuda:1"; planes are blurred on the CPU.

    Raises:
        Unavailable: the weights, or the device, are missing.
        InputError: a weight file of something else.
    """

    method = METHOD

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(build, device)

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`; with K = 0 the input."""
        return render_picture(self.network, inputs)


def render_picture(network: MPIBNet, inputs: Inputs) -> FloatImage:
    """See `MPIB.render`."""
    lens, device = inputs.lens, next(network.parameters()).device
    image = to_tensor(np.maximum(inputs.image, 0.0), device)
    if lens.K == 0.0:
        return to_picture(image)
    with torch.inference_mode():
        disparity = to_tensor(inputs.disparity, device)
        return to_picture(render(network, image, disparity, lens.K, lens.disp_focus, lens.gamma))
