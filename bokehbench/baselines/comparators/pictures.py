"""Pictures into networks that know one encoding, and light up to white, and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bokehbench.baselines.diffusion.pictures import GAMMA, reencoded, to_picture, to_tensor
from bokehbench.cases import FloatImage, Inputs
from bokehbench.optics import signed_defocus

Show = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A picture, of image [1, 3, H, W] in [0, 1], disparity and signed defocus in pixels [1, 1, H, W]."""


def shown(inputs: Inputs, device: torch.device, show: Show) -> FloatImage:
    """The picture of a network, [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
    gamma = inputs.lens.gamma
    image = np.maximum(reencoded(inputs.image, gamma, GAMMA), 0.0)
    # Light beyond white is scaled down, which blur commutes with.
    brightest = max(1.0, float(image.max(initial=0.0)))
    defocus = to_tensor(signed_defocus(inputs.disparity, inputs.lens), device)
    with torch.inference_mode():
        made = show(to_tensor(image / brightest, device), to_tensor(inputs.disparity, device), defocus)
    return np.asarray(reencoded(brightest * to_picture(made), GAMMA, gamma), np.float32)
