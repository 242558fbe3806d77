"""DeepFocus's fast network for defocus (Xiao et al., ACM TOG 2018; methods spec C2).

Eight convolutions at half the resolution, on blocks of 2x2 pixels as channels; what layers 0, 2 and 4 make is
added to what layers 3, 5 and 7 are given.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from bokehbench.baselines.bokehme.networks import CONVOLUTIONS, TILE, tiled

WIDTH = 128
"""Channels of the paper's network."""
UNIT = 30.0
"""Diameter of the circle of confusion, pixels, that the network is told as 1."""
MIDDLE = 0.5
"""Taken from all that the network sees."""
SKIPS = {3: 0, 5: 2, 7: 4}
"""Layer -> the earlier layer that is added to what it is given."""
SEEN, SHOWN, BLOCK = 5, 3, 2
"""Channels in and out, pixels on a side of a block."""


class Layer(nn.Module):
    """A convolution, and a factor and a shift for each channel.

    These are what is left of a batch normalisation that never learns statistics, as the authors have it.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.scale, self.shift = nn.Parameter(torch.ones(outputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:  # [B, inputs, h, w] -> [B, outputs, h, w]
        """Before the nonlinearity."""
        convolved: Tensor = self.convolution(x)
        return convolved * self.scale[:, None, None] + self.shift[:, None, None]


class Trunk(nn.Module):
    """All layers: [B, 20, h, w] -> [B, 12, h, w] in [0, 1]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = [SEEN * BLOCK**2, *[width] * (CONVOLUTIONS - 1), SHOWN * BLOCK**2]
        self.layers = nn.ModuleList(Layer(inputs, outputs) for inputs, outputs in pairwise(sizes))

    def forward(self, cells: Tensor) -> Tensor:
        """See the class."""
        x, made = cells, list[Tensor]()
        for number, layer in enumerate(self.layers[:-1]):
            x = functional.elu(layer(x + made[SKIPS[number]] if number in SKIPS else x))
            made.append(x)
        last = len(self.layers) - 1
        # In full precision also under autocast: the eight bits of bf16 are too few for a picture.
        with torch.autocast(x.device.type, enabled=False):
            shown = self.layers[last]((x + made[SKIPS[last]]).to(self.layers[last].scale.dtype))
            return 0.5 + 0.5 * torch.tanh(shown)


class DeepFocusNet(nn.Module):
    """The network: 924,324 parameters at the paper's width.

    Args:
        width: channels.
    """

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.width, self.trunk = width, Trunk(width)

    def forward(self, image: Tensor, disparity: Tensor, radius: Tensor, tile: int = TILE) -> Tensor:
        """A blurred picture.

        Args:
            image: [B, 3, H, W] encoded, in [0, 1].
            disparity: [B, 1, H, W] in [0, 1], near large.
            radius: [B, 1, H, W], of the circle of confusion, pixels, >= 0.
            tile: blocks on a side above which the picture is worked through in parts.

        Returns:
            [B, 3, H, W] encoded, in [0, 1].
        """
        height, width = image.shape[-2:]
        seen = torch.cat([image, disparity, 2.0 * radius / UNIT], dim=1) - MIDDLE
        even = functional.pad(seen, (0, width % BLOCK, 0, height % BLOCK), mode="replicate")
        blocks = tiled(self.trunk, to_blocks(even), tile)
        return from_blocks(blocks)[..., :height, :width]

    @torch.no_grad()
    def begin_by_copying(self) -> None:
        """Weights with which the network shows the all-in-focus picture, nearly; ours.

        Twelve channels carry the pixels from layer to layer; the last one's tanh bends them a little.
        """
        carried, middle = range(SHOWN * BLOCK**2), 1
        for number, layer in enumerate(self.trunk.layers):
            assert isinstance(layer, Layer)
            weight, bias = layer.convolution.weight, layer.convolution.bias
            assert bias is not None
            weight[: len(carried)] = 0.0
            bias[: len(carried)] = 0.0
            if number in (0, 3, 4, 7):  # 2 and 6 are added to what is carried past them
                for channel in carried:
                    seen = channel // SHOWN * SEEN + channel % SHOWN if number == 0 else channel
                    weight[channel, seen, middle, middle] = 2.0 * STEEPNESS if number == 7 else 1.0
            if number == 0:
                bias[: len(carried)] = MIDDLE
            if number == 7:
                bias[: len(carried)] = -STEEPNESS


STEEPNESS = 1.3
"""Of `begin_by_copying`: 1/2 + 1/2 tanh(1.3 (2 I - 1)) is nearest to I."""


def to_blocks(picture: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, 4 C, H/2, W/2]: all channels of a block's first pixel, then of the second, ...

    TensorFlow's order, as the authors have it; `pixel_unshuffle` has all pixels of a channel first.
    """
    batch, channels, height, width = picture.shape
    blocks = functional.pixel_unshuffle(picture, BLOCK).view(batch, channels, BLOCK**2, height // BLOCK, -1)
    return blocks.transpose(1, 2).reshape(batch, -1, height // BLOCK, width // BLOCK)


def from_blocks(blocks: Tensor) -> Tensor:
    """Inverse of `to_blocks`."""
    batch, channels, height, width = blocks.shape
    planes = blocks.view(batch, BLOCK**2, -1, height, width).transpose(1, 2)
    return functional.pixel_shuffle(planes.reshape(batch, channels, height, width), BLOCK)
