"""LPIPS-VGG as a loss, from the same verified files as the metric."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bokehbench.errors import Unavailable
from bokehbench.metrics import weights
from bokehbench.metrics.lpips import TRUNKS, build

NET = "vgg"


class Perceptual(nn.Module):
    """Mean LPIPS of a batch.

    Args:
        model: of `metrics.lpips.build`; it stays as it is.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Perceptual:
        """It is never trained: its heads have a dropout."""
        super().train(False)
        return self

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """[B, 3, H, W] in [-1, 1] each -> a number, at least 0."""
        distance: Tensor = self.model(prediction, target).mean()
        return distance


def open_perceptual(switch: str) -> Perceptual:
    """The network with its published weights.

    Args:
        switch: the setting that does without, named in the error.

    Raises:
        Unavailable: a file is missing; says how to get it, and how to train without.
    """
    try:
        trunk, head = weights.require(TRUNKS[NET]), weights.require(f"lpips-v0.1-{NET}.pth")
    except Unavailable as error:
        raise Unavailable(f"the loss LPIPS-VGG {error}; or train without it: --set {switch}=0") from error
    return Perceptual(build(NET, torch.load(trunk, map_location="cpu", weights_only=True), head))
