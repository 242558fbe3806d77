"""The multi-scale edge loss (methods spec A2.7): the released form, and Sobel operators of two sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Edges = Literal["differences", "sobel"]
SCALES = (1, 2, 3)
"""By which pictures are made smaller; each counts 1 / scale."""
SMOOTH = {3: (1.0, 2.0, 1.0), 5: (1.0, 4.0, 6.0, 4.0, 1.0)}
SLOPE = {3: (-1.0, 0.0, 1.0), 5: (-1.0, -2.0, 0.0, 2.0, 1.0)}
"""Sobel's operator of 3 pixels, and what the same construction gives for 5."""


def differences(picture: Tensor) -> list[Tensor]:
    """[B, C, H, W] -> forward differences in x, [B, C, H, W - 1], and in y, [B, C, H - 1, W]."""
    return [picture[..., :, 1:] - picture[..., :, :-1], picture[..., 1:, :] - picture[..., :-1, :]]


def sobel(picture: Tensor) -> list[Tensor]:
    """Slopes in x and y by the operators of 3 and of 5 pixels, each half, where they lie inside the picture.

    A ramp that rises by 1 per pixel has slope 1 in either; half of each makes their sum one operator.
    """
    channels, found = picture.shape[1], []
    for size in SMOOTH:
        smooth, slope = picture.new_tensor(SMOOTH[size]), picture.new_tensor(SLOPE[size])
        places = torch.arange(size, device=picture.device, dtype=picture.dtype)
        kernel = torch.outer(smooth, slope) / (2.0 * smooth.sum() * (slope * places).sum())
        found += [
            functional.conv2d(picture, one.expand(channels, 1, -1, -1), groups=channels)
            for one in (kernel, kernel.T)
        ]
    return found


OPERATORS: dict[str, Callable[[Tensor], list[Tensor]]] = {"differences": differences, "sobel": sobel}


def edge_loss(
    prediction: Tensor,  # [B, 3, H, W]
    target: Tensor,  # [B, 3, H, W]
    sharp: Tensor,  # [B, 3, H, W]
    edges: Edges = "differences",
) -> Tensor:
    """Errors of edges, heavier where the target or the all-in-focus picture has one.

    sum over scales s of 1/s · mean(|∇P − ∇G| (1 + max(|∇G|, |∇I|))), summed over the directions; pictures are
    made smaller by means over areas. A side of fewer than 15 pixels leaves no room for all operators.
    """
    found = OPERATORS[edges]
    total = prediction.new_zeros(())
    for scale in SCALES:
        size = (prediction.shape[-2] // scale, prediction.shape[-1] // scale)
        small = [functional.interpolate(one, size, mode="area") for one in (prediction, target, sharp)]
        for own, true, before in zip(*map(found, small), strict=True):
            heavier = 1.0 + torch.maximum(true.abs(), before.abs())
            total = total + ((own - true).abs() * heavier).mean() / scale
    return total
