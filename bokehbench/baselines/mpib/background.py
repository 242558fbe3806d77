"""What lies behind near rims: where it is needed, and a stand-in for the authors' inpainting network.

The authors follow the disparity's gradient from depth edges into the nearer side, for twice the largest
radius, and fill with LaMa. Ours: the nearer side of an edge is what lies within that distance of it and is
clearly nearer than its farther side, and the fill is a pyramid of means in which farther pixels count more.
It has no texture; it is seen blurred, as a rule.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

EDGE = 0.1
"""Least step of disparity between neighbours (5 x 5 pixels) that is a depth edge."""
WINDOW = 5
AROUND = 2
"""Pixels by which the part to be filled is widened: 5 x 5, as the authors'."""
FARTHER = 16.0
"""A pixel whose disparity is less by 1 counts e**16 times as much in the fill."""
COARSE = 0.05
"""How much of the next coarser level is mixed in where both have equal weight."""


def background(image: Tensor, disparity: Tensor, K: float) -> Tensor:
    """A picture in which near rims are replaced.

    Args:
        image: [1, 3, H, W] encoded.
        disparity: [1, 1, H, W] in [0, 1].
        K: pixels of radius per unit of disparity. With 0 nothing is hidden: the picture itself.

    Returns:
        [1, 3, H, W] encoded.
    """
    hole = hidden_behind(disparity, 2.0 * K)
    if not bool(hole.any()):
        return image
    return torch.where(hole > 0.0, filled(image, hole, disparity), image)


def hidden_behind(disparity: Tensor, reach: float) -> Tensor:
    """1 on the nearer side of depth edges, as far as `reach` pixels from them; [1, 1, H, W]."""
    steps = math.ceil(reach)
    if steps == 0:
        return torch.zeros_like(disparity)
    low = -extended(-disparity, WINDOW // 2)
    edge = extended(disparity, WINDOW // 2) - low > EDGE
    # The farthest side of all edges that are near; 2 where there is none.
    behind = -extended(-torch.where(edge, low, 2.0), steps)
    hole = (disparity - behind > EDGE / 2.0).to(disparity)
    return extended(hole, AROUND)


def filled(image: Tensor, hole: Tensor, disparity: Tensor) -> Tensor:
    """The picture with means of what is around the hole in it, farther pixels before nearer ones."""
    weight = (1.0 - hole) * torch.exp(-FARTHER * disparity)
    levels = [(image * weight, weight)]
    while max(levels[-1][1].shape[-2:]) > 1:
        light, amount = levels[-1]
        levels.append((_halved(light), _halved(amount)))
    light, amount = levels.pop()
    made = light / amount.clamp(min=1e-30)
    while levels:
        light, own = levels.pop()
        size = own.shape[-2:]
        made, amount = _enlarged(made, size), _enlarged(amount, size)
        trust = own / (own + COARSE * amount).clamp(min=1e-30)
        made = trust * light / own.clamp(min=1e-30) + (1.0 - trust) * made
        amount = torch.maximum(own, amount)
    return made


def extended(planes: Tensor, steps: int) -> Tensor:
    """The largest value within so many pixels along both axes."""
    for window, pad in (((1, 2 * steps + 1), (0, steps)), ((2 * steps + 1, 1), (steps, 0))):
        padded = functional.pad(planes, (pad[1], pad[1], pad[0], pad[0]), value=-math.inf)
        planes = functional.max_pool2d(padded, window, stride=1)
    return planes


def _halved(planes: Tensor) -> Tensor:
    return functional.avg_pool2d(planes, 2, ceil_mode=True, count_include_pad=False)


def _enlarged(planes: Tensor, size: torch.Size) -> Tensor:
    return functional.interpolate(planes, tuple(size), mode="bilinear", align_corners=False)
