"""BokehMe's two networks, convolutions alone (Peng et al., CVPR 2022, section 3.2; methods spec A1.5, A1.6).

ARNet renders small blur from scratch and says where scattering goes wrong; IUNet doubles the resolution of
its rendering. Both see pictures in blocks of 2x2 pixels as channels, so that every convolution works at half
the resolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CONVOLUTIONS = 8
"""3x3 convolutions in a row, in both networks: how many cells of 2x2 pixels away an input can matter."""
TILE = 512
"""Cells on a side that pass through the convolutions at once where a picture is larger."""
GAMMAS = (1.0, 5.0)
"""Range of gamma that the networks know; they see it as a number in [0, 1]."""


class Trunk(nn.Module):
    """Convolution, three residual blocks of two convolutions, convolution; ELU in between."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1),
                nn.ELU(),
                nn.Conv2d(width, width, 3, padding=1),
                nn.ELU(),
            )
            for _ in range(3)
        )
        self.last = nn.Conv2d(width, outputs, 3, padding=1)

    def forward(self, cells: Tensor) -> Tensor:
        """[B, inputs, h, w] -> [B, outputs, h, w]."""
        x = functional.elu(self.first(cells))
        for block in self.blocks:
            x = x + block(x)
        # In full precision also under autocast: the eight bits of bf16 are too few for a picture.
        with torch.autocast(x.device.type, enabled=False):
            result: Tensor = self.last(x.to(self.last.weight.dtype))
        return result


class ARNet(nn.Module):
    """Adaptive rendering network: 923,664 parameters; blur radii up to about 12 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(17, 128, 16)

    def forward(
        self, image: Tensor, defocus: Tensor, gamma: Tensor, tile: int = TILE
    ) -> tuple[Tensor, Tensor]:
        """Render, and say where the classical renderer should not be trusted.

        Args:
            image: [B, 3, H, W] encoded.
            defocus: [B, 1, H, W] signed, in units of 10 pixels of this size, about [-1, 1].
            gamma: [B], exponent of the encoding, 1 to 5.
            tile: cells on a side above which the picture is worked through in parts.

        Returns:
            bokeh image [B, 3, H, W], encoded, unbounded; error map [B, 1, H, W] in [0, 1].
        """
        cells = to_cells(torch.cat([image, defocus], dim=1))
        out = tiled(self.trunk, torch.cat([cells, gamma_plane(gamma, cells)], dim=1), tile)
        out = from_cells(out, image.shape[-2:])
        return out[:, :3], torch.sigmoid(out[:, 3:])


class IUNet(nn.Module):
    """Iterative upsampling network: 240,076 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(20, 64, 12)

    def forward(
        self, image: Tensor, defocus: Tensor, coarse: Tensor, gamma: Tensor, tile: int = TILE
    ) -> Tensor:
        """A rendering at twice the resolution.

        Args:
            image: [B, 3, H, W] encoded.
            defocus: [B, 1, H, W] signed, in units of 10 pixels of this size, clamped.
            coarse: [B, 3, h, w], the rendering so far, encoded; any size, H/2 x W/2 as a rule.
            gamma: [B], exponent of the encoding, 1 to 5.
            tile: cells on a side above which the picture is worked through in parts.

        Returns:
            bokeh image [B, 3, H, W], encoded, unbounded.
        """
        cells = to_cells(torch.cat([image, defocus], dim=1))
        if coarse.shape[-2:] != cells.shape[-2:]:
            coarse = functional.interpolate(coarse, cells.shape[-2:], mode="bilinear", align_corners=False)
        out = tiled(self.trunk, torch.cat([cells, coarse, gamma_plane(gamma, cells)], dim=1), tile)
        return from_cells(out, image.shape[-2:])


def resize(picture: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """[B, C, H, W] at another (height, width), bilinear, corner on corner as BokehMe resizes."""
    if picture.shape[-2:] == tuple(size):
        return picture
    return functional.interpolate(picture, tuple(size), mode="bilinear", align_corners=True)


def to_cells(picture: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, 4 C, floor(H/2), floor(W/2)], at least one cell each way.

    Odd sizes are resized to the even ones below them before, as the authors' networks do.
    """
    height, width = (max(2, side - side % 2) for side in picture.shape[-2:])
    return functional.pixel_unshuffle(resize(picture, (height, width)), 2)


def from_cells(cells: Tensor, size: torch.Size) -> Tensor:
    """Inverse of `to_cells` for a picture of (height, width)."""
    return resize(functional.pixel_shuffle(cells, 2), size)


def gamma_plane(gamma: Tensor, cells: Tensor) -> Tensor:  # [B], [B, ., h, w] -> [B, 1, h, w]
    """What the networks are told of gamma: (gamma - 1) / 4 everywhere."""
    low, high = GAMMAS
    plane = ((gamma - low) / (high - low)).to(cells).view(-1, 1, 1, 1)
    return plane.expand(cells.shape[0], 1, *cells.shape[-2:])


def tiled(trunk: nn.Module, cells: Tensor, tile: int) -> Tensor:
    """The trunk's output, computed in tiles of bounded memory without seams.

    Each tile is given all cells that can matter to it (one more on each side per convolution), so the result
    is that of the whole picture.
    """
    height, width = cells.shape[-2:]
    if torch.is_grad_enabled() or (height <= tile and width <= tile):
        whole: Tensor = trunk(cells)
        return whole
    rows = []
    for top in range(0, height, tile):
        row = []
        for left in range(0, width, tile):
            y, x = max(0, top - CONVOLUTIONS), max(0, left - CONVOLUTIONS)
            bottom, right = min(height, top + tile), min(width, left + tile)
            part = trunk(cells[..., y : bottom + CONVOLUTIONS, x : right + CONVOLUTIONS])
            row.append(part[..., top - y : bottom - y, left - x : right - x])
        rows.append(torch.cat(row, dim=3))
    return torch.cat(rows, dim=2)
