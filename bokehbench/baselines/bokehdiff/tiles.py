"""Large pictures in square tiles whose noise predictions are blended; any size by reflection (spec A2.10).

Noise is blended, not pictures: one step and one decoding then see the whole latent, and no tile has a rim.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bokehbench.baselines.bokehdiff.model import BokehDiff
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.diffusion.pictures import up_to_multiples
from bokehbench.errors import ConfigError

WHOLE = 2
"""A latent of at most so many tiles' area is not cut."""


def starts(length: int, tile: int) -> list[int]:
    """Where tiles begin along an axis of `length` cells: evenly, a quarter of a tile or more shared by two.

    Raises:
        ConfigError: an axis shorter than a tile.
    """
    if length < tile:
        raise ConfigError(f"an axis of {length} cells is shorter than a tile of {tile}; pad it")
    overlap = tile // 4
    count = 1 + (length - overlap) // (tile - overlap)
    step = (length - tile) / max(count - 1, 1)
    return sorted({int(number * step) for number in range(count)})


def weight(tile: int) -> Tensor:
    """[tile, tile]: exp(-(x² + y²)) with x, y from -2 to 2; float32."""
    x = torch.linspace(-2.0, 2.0, tile)
    return torch.exp(-(x[:, None] ** 2 + x[None] ** 2))


def blended(
    z: Tensor,  # [B, C, h, w]
    tile: int,
    predict: Callable[[Tensor, int, int], Tensor],
) -> Tensor:  # [B, C, h, w], float32
    """Mean of the predictions of all tiles, weighted by `weight`.

    Args:
        z: latent, at least a tile high and wide.
        tile: side in cells.
        predict: (tile of z [B, C, tile, tile], its top row, its left column) -> the same shape.
    """
    total = torch.zeros(z.shape, device=z.device)
    light = torch.zeros(z.shape[-2:], device=z.device)
    share = weight(tile).to(z.device)
    for top in starts(z.shape[-2], tile):
        for left in starts(z.shape[-1], tile):
            zone = (slice(top, top + tile), slice(left, left + tile))
            total[..., zone[0], zone[1]] += share * predict(z[..., zone[0], zone[1]], top, left).float()
            light[zone] += share
    return total / light


def predicted_noise(
    model: BokehDiff,
    z: Tensor,  # [B, C, h, w]
    scene: Scene,
    *,
    compat: bool = False,
) -> Tensor:  # [B, C, h, w]
    """The noise of a latent of any size: in one piece where it is small, else by tiles.

    Args:
        model: in eval mode.
        z: as `BokehDiff.encode` gives it; a tile high and wide at least, where it is cut.
        scene: of the whole picture.
        compat: as the released code: always by tiles (its positions are for square ones), the size
            conditioning that of the whole picture with the tile's place in cells. Else, as in training, the
            tile's own size and its place in pixels.
    """
    unit = model.latent_px
    tile, (h, w) = model.layout.tile_px // unit, z.shape[-2:]
    if not compat and h * w <= WHOLE * tile * tile:
        return model.noise(z, scene)

    def predict(part: Tensor, top: int, left: int) -> Tensor:
        side = unit * tile
        place = [top, left] if compat else [unit * top, unit * left]
        target = [unit * h, unit * w] if compat else [side, side]
        sizes = torch.tensor([[unit * h, unit * w, *place, *target]])
        return model.noise(part, scene.crop(unit * top, unit * left, side, side), sizes)

    return blended(z, tile, predict)


def padded_size(size: tuple[int, int], multiple: int, tile_px: int, *, cut: bool = False) -> tuple[int, int]:
    """(height, width) that a picture is padded to: multiples, and a tile at least each way if it is cut.

    Args:
        size: (height, width), pixels.
        multiple: of the networks.
        tile_px: side of a tile.
        cut: whether it is cut whatever its size; else it is where its area is more than `WHOLE` tiles.
    """
    height, width = up_to_multiples(size, multiple)
    if cut or height * width > WHOLE * tile_px**2:
        return max(height, tile_px), max(width, tile_px)
    return height, width
