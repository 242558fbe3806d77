"""Box prefilter: every layer is blurred by the footprint that one lens cell has on it; differentiable.

At layer point x' the footprint of a cell is a square of side ``h = 2 K |d(x') - disp_focus| / n`` pixels, a
function of x' alone, also on tilted planes. The discrete box has 2m+1 full taps and two edge taps of equal
weight f. Cells lie h apart, so a point light spreads evenly only if the box has no energy at the frequency
1/h; f is chosen for that. What ripple is left on the light of a single pixel is nothing for whole h and
below 6 % (rms) between; boxes below one pixel are left to the tent of the bilinear lookup.

Gradients flow to the pixels and, through the weight f of the edge taps, to the side of the box; the number
of full taps m is piecewise constant, and the box is continuous where it changes.
"""

from __future__ import annotations

import torch
from torch import Tensor


def box_taps(h: Tensor) -> tuple[Tensor, Tensor]:
    """Taps of the discrete box.

    ``sin(pi (2m+1) / h) / sin(pi / h) + 2 f cos(2 pi (m+1) / h) = 0`` for h >= 2.
    Below, where that would blur more than it helps, f = min(h - 1, 1/2), and no filter for h <= 1.

    Args:
        h: sides in pixels, float64, any shape, >= 0.

    Returns:
        (m, f), floats: full taps reach m pixels to each side, the next tap has weight f in [0, 1].
    """
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
