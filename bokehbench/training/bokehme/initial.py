"""Weights before the first step: random as convolutions come, or a network that already shows a picture.

Neither network has a path around its convolutions: from random weights they spend many steps on learning to
copy. Both can be set to copy exactly: some channels of the first convolution hand on the pixels (ELU leaves
alone what is not negative), the residual blocks add nothing yet, and the last convolution puts the pixels
back. ARNet then begins with the all-in-focus image, IUNet with the coarse rendering, each pixel of it four
times. What is left to learn is the blur. This is ours; number and kind of the weights are the paper's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from bokehbench.baselines.bokehme.networks import Trunk
from bokehbench.baselines.bokehme.neural import NeuralRenderer

COLOURS, CELL = 3, 4
"""Of a picture; pixels of a cell of 2x2."""
IMAGE = tuple(range(COLOURS * CELL))
"""Channels of the image's pixels in both networks' cells, and in ARNet's output."""
COARSE = tuple(COLOURS * CELL + CELL + colour for colour in range(COLOURS))
"""Channels of the coarse rendering in IUNet's input: after the cells of image and defocus."""


def copy_pictures(renderer: NeuralRenderer) -> None:
    """Set both networks so that they copy; other weights of the first layers stay as they are."""
    _copy(renderer.arnet.trunk, IMAGE, range(len(IMAGE)))
    _copy(renderer.iunet.trunk, COARSE, [colour for colour in range(COLOURS) for _ in range(CELL)])


@torch.no_grad()
def _copy(trunk: Trunk, seen: Sequence[int], shown: Sequence[int]) -> None:
    """Input channel `seen[i]` goes through hidden channel i; output j shows hidden channel `shown[j]`."""
    middle = 1
    trunk.first.weight[: len(seen)] = 0.0
    trunk.first.bias[: len(seen)] = 0.0
    for hidden, channel in enumerate(seen):
        trunk.first.weight[hidden, channel, middle, middle] = 1.0
    for block in trunk.blocks:
        assert isinstance(block, nn.Sequential)
        for parameter in block[2].parameters():
            parameter.zero_()
    trunk.last.weight[: len(shown)] = 0.0
    trunk.last.bias[: len(shown)] = 0.0
    for output, hidden in enumerate(shown):
        trunk.last.weight[output, hidden, middle, middle] = 1.0
