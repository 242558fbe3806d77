"""Pictures of any size from square patches that are rendered on their own (methods spec A3.7).

Patches begin every half of their side, with one more at the end where that leaves a rest. Finished pictures
are blended: along each axis a patch weighs 1, but falls to 0 over half its side towards a neighbour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bokehbench.baselines.diffusion.pictures import padded
from bokehbench.errors import ConfigError

if TYPE_CHECKING:
    from bokehbench.baselines.magicbokeh.model import MagicBokeh


def starts(length: int, tile: int) -> list[int]:
    """Where patches begin along an axis: every half of a tile, and the last one at the end.

    Raises:
        ConfigError: an axis shorter than a tile.
    """
    if length < tile:
        raise ConfigError(f"an axis of {length} pixels is shorter than a tile of {tile}; pad it")
    return sorted({*range(0, length - tile + 1, max(tile // 2, 1)), length - tile})


def ramps(start: int, tile: int, length: int) -> Tensor:
    """[tile]: weight of a patch along an axis of `length`; never 0, 1 towards the picture's border."""
    side = max(tile // 2, 1)
    rise = (torch.arange(tile) + 0.5).div(side).clamp(max=1.0)
    weight = torch.ones(tile)
    if start > 0:
        weight = torch.minimum(weight, rise)
    if start + tile < length:
        weight = torch.minimum(weight, rise.flip(0))
    return weight


def blended(
    size: tuple[int, int],
    tile: int,
    render: Callable[[int, int], Tensor],
) -> Tensor:  # [B, C, H, W], float32
    """Mean of all patches, weighted by `ramps`.

    Args:
        size: (H, W) of the picture, a tile at least each way.
        tile: side of a patch, pixels.
        render: (top row, left column) of a patch -> its picture [B, C, tile, tile].
    """
    total = light = torch.zeros(())
    for top in starts(size[0], tile):
        for left in starts(size[1], tile):
            made = render(top, left).float()
            if total.ndim == 0:
                total = made.new_zeros(*made.shape[:-2], *size)
                light = made.new_zeros(size)
            share = (ramps(top, tile, size[0])[:, None] * ramps(left, tile, size[1])).to(made)
            total[..., top : top + tile, left : left + tile] += share * made
            light[top : top + tile, left : left + tile] += share
    return total / light


def rendered(
    model: MagicBokeh,
    picture: Tensor,  # [B, 3, H, W] in [-1, 1]
    condition: Tensor | None,  # [B, 1, H, W] in [0, 1]
) -> Tensor:  # [B, 3, H, W] in [-1, 1]
    """A picture of any size; what is smaller than a tile is continued by reflection, and cropped.

    Args:
        model: in eval mode.
        picture: all in focus, of low quality or not.
        condition: see `condition.condition`; cut by the same grid. None restores and does not blur.
    """
    tile, (height, width) = model.layout.tile_px, picture.shape[-2:]
    size = max(height, tile), max(width, tile)
    seen = padded(picture, size)
    blur = None if condition is None else padded(condition, size)

    def render(top: int, left: int) -> Tensor:
        zone = (..., slice(top, top + tile), slice(left, left + tile))
        return model(seen[zone], None if blur is None else blur[zone]).clamp(-1.0, 1.0)

    return blended(size, tile, render)[..., :height, :width]
