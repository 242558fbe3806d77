"""The box prefilter of `prefilter.py` in torch: batched, on any device, differentiable.

Gradients flow to the pixels and, through the weight f of the edge taps, to the side of the box; the number
of full taps m is piecewise constant, and the box is continuous where it changes.
"""

from __future__ import annotations

import torch
from torch import Tensor


def box_taps(h: Tensor) -> tuple[Tensor, Tensor]:
    """`prefilter.box_taps` for float64 sides of any shape; m as float."""
    wide = h.clamp(min=2.0)
    m = torch.where(h < 2.0, 0.0, torch.floor((wide - 1.0) / 2.0 + 1e-9)).detach()
    inner = torch.sin(torch.pi * (2.0 * m + 1.0) / wide) / torch.sin(torch.pi / wide)
    f = -inner / (2.0 * torch.cos(2.0 * torch.pi * (m + 1.0) / wide))
    f = torch.where(h < 2.0, (h - 1.0).clamp(max=0.5), f)
    return m, f.clamp(0.0, 1.0)


def box_blur(pixels: Tensor, side: Tensor) -> Tensor:
    """Rows, then columns, of the box.

    Args:
        pixels: [B, C, h, w], zero outside.
        side: [B, h, w] pixels, or [B, 1, 1] for one size in the whole raster.

    Returns:
        [B, C, h, w].
    """
    if float(side.detach().max()) <= 1.0:
        return pixels
    # As the kernel: the second pass filters along columns what the first has filtered along rows.
    rows = _blur_rows(pixels, side)
    return _blur_rows(rows.transpose(2, 3), side.transpose(1, 2)).transpose(2, 3)


def _blur_rows(pixels: Tensor, side: Tensor) -> Tensor:
    m, f = box_taps(side)
    width, reach = pixels.shape[3], int(m.max()) + 1
    total = 2.0 * m + 1.0 + 2.0 * f
    padded = torch.nn.functional.pad(pixels, (reach, reach))
    result = torch.zeros_like(pixels)
    for k in range(-reach, reach + 1):
        tap = torch.where(m >= abs(k), 1.0, torch.where(m == abs(k) - 1, f, 0.0)) / total
        result = result + tap[:, None].to(pixels.dtype) * padded[..., reach + k : reach + k + width]
    return result
