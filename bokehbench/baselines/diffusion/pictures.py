"""Pictures on their way into the networks and back: encoding, tensors, sides."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bokehbench.cases import FloatImage
from bokehbench.optics import decode, encode

GAMMA = 2.2
"""Of the pictures that the networks know; others are encoded anew on their way in and back."""
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def reencoded(image: FloatImage, gamma: float, wanted: float) -> FloatImage:
    """A picture of one encoding in another one."""
    return image if gamma == wanted else np.asarray(encode(decode(image, gamma), wanted), np.float32)


def to_tensor(planes: FloatImage, device: torch.device) -> Tensor:
    """[H, W, C] or [H, W] -> [1, C, H, W]."""
    whole = planes[..., None] if planes.ndim == 2 else planes
    return torch.from_numpy(np.ascontiguousarray(whole.transpose(2, 0, 1), np.float32))[None].to(device)


def to_picture(tensor: Tensor) -> FloatImage:
    """[1, C, H, W] -> [H, W, C]."""
    return np.ascontiguousarray(tensor[0].permute(1, 2, 0).float().cpu().numpy())


def up_to_multiples(size: tuple[int, int], multiple: int) -> tuple[int, int]:
    """(height, width), each the next multiple."""
    height, width = (-(-side // multiple) * multiple for side in size)
    return height, width


def padded(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """[..., H, W] continued to the right and below by reflection, as often as it takes, to [..., *size]."""
    for axis, target in zip((-2, -1), size, strict=True):
        length = planes.shape[axis]
        if target > length:
            index = torch.arange(target, device=planes.device) % max(2 * length - 2, 1)
            planes = planes.index_select(axis, torch.minimum(index, (2 * length - 2 - index).clamp_min(0)))
    return planes
