"""The renderer of `kernel.py` in readable torch: same cells, same prefilter, whole images at a time.

For every lens sample, every layer is looked up where the rays hit it and composited front to back. Nothing
is skipped, nothing is tiled; it runs on any device. Tests hold the kernel against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehbench.optics import Lens
from bokehbench.synth.render.cells import lens_cells
from bokehbench.synth.render.occupancy import HEIGHT, LEFT, TOP, WIDTH

if TYPE_CHECKING:
    from bokehbench.synth.render.scene import Stack


def render_stack(
    stack: Stack,
    lens: Lens,
    size: tuple[int, int],
    counts: npt.NDArray[np.int64],
    tile: int,
    depth: int,
    device: str,
) -> npt.NDArray[np.float32]:
    """Render the image with every n that a tile asks for and keep each tile's own.

    Args:
        stack: layers, unfiltered.
        lens: what is asked for.
        size: (W, H).
        counts: [rows, columns] cells per axis of each tile of side `tile`.
        depth: how often cells at the rim are halved.
        device: of torch.

    Returns:
        [H, W, 4] float32, linear premultiplied RGB and coverage.
    """
    width, height = size
    wanted = np.kron(counts, np.ones((tile, tile), np.int64))[:height, :width]
    out = torch.zeros(height, width, 4, device=device)
    for n in np.unique(counts):
        mask = torch.from_numpy(wanted == n).to(device)
        out[mask] = _render(stack, lens, size, int(n), depth, device).permute(1, 2, 0)[mask]
    return out.cpu().numpy()


def _render(stack: Stack, lens: Lens, size: tuple[int, int], n: int, depth: int, device: str) -> Tensor:
    """[4, H, W] with n cells per axis."""
    cells = lens_cells(lens.aperture, n, depth)
    sharp = [torch.from_numpy(stack.pixels(index)).to(device) for index in range(len(stack))]
    levels = []
    for level in range(int(cells.level.max()) + 1):
        sides = [_cell_side(stack, index, lens, n << level, device) for index in range(len(stack))]
        levels.append(sharp if n == 1 else [box_blur(*pair) for pair in zip(sharp, sides, strict=True)])
    y, x = torch.meshgrid(
        torch.arange(size[1], device=device, dtype=torch.float64),
        torch.arange(size[0], device=device, dtype=torch.float64),
        indexing="ij",
    )
    total = torch.zeros(4, size[1], size[0], device=device)
    for s, t, weight, level in zip(cells.s, cells.t, cells.weight, cells.level, strict=True):
        u, v = lens.K * s, lens.K * t
        through = torch.full_like(total[0], float(weight))
        for index, (p, q, r) in enumerate(stack.planes):
            delta = (p * x + q * y + r - lens.disp_focus) / (1.0 - (p * u + q * v))
            left, top = stack.table[index, LEFT], stack.table[index, TOP]
            value = bilinear(levels[level][index], x + u * delta - left, y + v * delta - top)
            total += through * value
            through = through * (1.0 - value[3])
    return total


def _cell_side(stack: Stack, index: int, lens: Lens, n: int, device: str) -> Tensor:
    """[h, w] float64, side of a lens cell's footprint at each pixel of a layer."""
    height, width, left, top = (int(v) for v in stack.table[index, [HEIGHT, WIDTH, LEFT, TOP]])
    p, q, r = stack.planes[index]
    x = torch.arange(left, left + width, device=device, dtype=torch.float64)
    y = torch.arange(top, top + height, device=device, dtype=torch.float64)[:, None]
    return (2.0 * lens.K / n) * (p * x + q * y + r - lens.disp_focus).abs()


def box_blur(pixels: Tensor, side: Tensor) -> Tensor:
    """Rows, then columns, of the box of `prefilter.box_taps`.

    Args:
        pixels: [C, h, w], zero outside.
        side: [h, w] pixels.

    Returns:
        [C, h, w].
    """
    # As the kernel: the second pass filters along columns what the first has filtered along rows.
    rows = _blur_rows(pixels, side)
    return _blur_rows(rows.transpose(1, 2), side.transpose(0, 1)).transpose(1, 2)


def _blur_rows(pixels: Tensor, side: Tensor) -> Tensor:
    m, f = _taps(side)
    width = pixels.shape[2]
    result = torch.zeros_like(pixels)
    total = 2.0 * m + 1.0 + 2.0 * f
    for k in range(-int(m.max()) - 1, int(m.max()) + 2):
        tap = torch.where(m >= abs(k), 1.0, torch.where(m == abs(k) - 1, f, 0.0)) / total
        first, end = max(-k, 0), min(width - k, width)
        if first < end:
            result[..., first:end] += tap[:, first:end].float() * pixels[..., first + k : end + k]
    return result


def _taps(h: Tensor) -> tuple[Tensor, Tensor]:
    """`prefilter.box_taps` in torch, m as float."""
    wide = h.clamp(min=2.0)
    m = torch.where(h < 2.0, 0.0, torch.floor((wide - 1.0) / 2.0 + 1e-9))
    inner = torch.sin(torch.pi * (2.0 * m + 1.0) / wide) / torch.sin(torch.pi / wide)
    f = -inner / (2.0 * torch.cos(2.0 * torch.pi * (m + 1.0) / wide))
    f = torch.where(h < 2.0, (h - 1.0).clamp(max=0.5), f)
    return m, f.clamp(0.0, 1.0)


def bilinear(pixels: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear lookup, zero outside.

    Args:
        pixels: [C, h, w].
        x, y: [H, W] float64 positions, pixel centres at integers.

    Returns:
        [C, H, W].
    """
    height, width = pixels.shape[1:]
    i, k = torch.floor(x), torch.floor(y)
    fx, fy = (x - i).float(), (y - k).float()
    inside = (i >= 0) & (k >= 0) & (i < width - 1) & (k < height - 1)
    i, k = i.long().clamp(0, width - 2), k.long().clamp(0, height - 2)
    upper = (1.0 - fx) * pixels[:, k, i] + fx * pixels[:, k, i + 1]
    lower = (1.0 - fx) * pixels[:, k + 1, i] + fx * pixels[:, k + 1, i + 1]
    return torch.where(inside, (1.0 - fy) * upper + fy * lower, 0.0)
