"""What PISA knows of a picture: disparity and blur radius, by pixel and reduced to a grid of tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bokehbench.errors import ConfigError

NEAREST, FARTHEST = 0.999, 0.001
"""Disparities are kept in between: at 1 a point lies on the lens, at 0 at infinity."""
FINER = 3
"""Entries of the map that rays are looked up in, for each token, along each axis."""
COMPAT_SIDE = 512.0
"""Pixels that the released code takes every picture to be wide: its 51.2 is this by the mask's 10 px."""


@dataclass(frozen=True)
class Scene:
    """Depth and blur of a batch of pictures, at the size of the pictures.

    Attributes:
        disparity: [B, 1, H, W], near = 1, far = 0.
        radius: [B, 1, H, W], radius of the circle of confusion, pixels of the picture, at least 0.

    Raises:
        ConfigError: shapes that differ or are no such maps.
    """

    disparity: Tensor
    radius: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.disparity.shape)
        if len(shape) != 4 or shape[1] != 1 or 0 in shape:
            raise ConfigError(f"PISA: a disparity map is [B, 1, H, W], not {list(shape)}")
        if tuple(self.radius.shape) != shape:
            raise ConfigError(
                f"PISA: the radius map is {list(self.radius.shape)}, the disparity map {list(shape)}; "
                "both must have the picture's size"
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture, pixels."""
        return int(self.disparity.shape[2]), int(self.disparity.shape[3])

    def crop(self, y0: int, x0: int, h: int, w: int) -> Scene:
        """The maps of one tile; radii are still pixels."""
        tile = (..., slice(y0, y0 + h), slice(x0, x0 + w))
        return Scene(self.disparity[tile], self.radius[tile])

    def to(self, device: torch.device | str) -> Scene:
        """The same on another device."""
        return Scene(self.disparity.to(device), self.radius.to(device))


@dataclass(frozen=True)
class TokenScene:
    """A scene on a grid of h x w tokens, listed row by row: N = h w. Float32, without gradients.

    Attributes:
        grid: (h, w).
        pitch: distance of neighbouring tokens down and across, pixels.
        radius: [B, N], pixels.
        disparity: [B, N], between `FARTHEST` and `NEAREST`.
        fine: [B, 1, 3h, 3w], the map that rays are looked up in, within the same bounds.
    """

    grid: tuple[int, int]
    pitch: tuple[float, float]
    radius: Tensor
    disparity: Tensor
    fine: Tensor

    @property
    def tokens(self) -> int:
        """N."""
        return self.grid[0] * self.grid[1]

    def centres(self) -> Tensor:
        """[N, 2]: (x, y) of the tokens' centres, in tokens; the first one's is (0.5, 0.5)."""
        index = torch.arange(self.tokens, device=self.radius.device)
        return torch.stack([index % self.grid[1], index // self.grid[1]], dim=-1).float() + 0.5

    def distance(self, rows: slice, columns: slice) -> Tensor:
        """[rows, columns]: Euclidean distance of tokens, pixels of the picture."""
        x, y = self.centres().unbind(-1)
        across = (x[rows, None] - x[columns]).mul_(self.pitch[1]).square_()
        down = (y[rows, None] - y[columns]).mul_(self.pitch[0]).square_()
        return across.add_(down).sqrt_()

    def look_up(self, place: Tensor, item: slice) -> Tensor:
        """Disparity at points: [B', ..., 2], tokens (x, y), to [B', ...]; bilinear, 0 outside the picture."""
        h, w = self.grid
        scale = torch.tensor([2.0 / w, 2.0 / h], device=place.device)
        at = (place * scale - 1.0).flatten(1, -2)[:, None]
        found = functional.grid_sample(self.fine[item], at, padding_mode="zeros", align_corners=False)
        return found.reshape(place.shape[:-1])


def on_grid(scene: Scene, grid: tuple[int, int], batch: int, compat: bool = False) -> TokenScene:
    """Reduces a scene to tokens: bilinear, pixel centres (`align_corners=False`), as the released code does.

    Args:
        scene: of as many pictures as `batch`, or of one that stands for all.
        grid: (h, w) of the tokens.
        batch: pictures that attention is computed for.
        compat: distances of the released code, which places the centres of the outer tokens on the borders
            of a square of 512 px, whatever the size of the picture.

    Raises:
        ConfigError: another number of pictures; `compat` with a picture that is not square.
    """
    h, w = grid
    if scene.disparity.shape[0] not in (1, batch):
        raise ConfigError(f"PISA: a scene of {scene.disparity.shape[0]} pictures for a batch of {batch}")
    if compat and (h != w or scene.size[0] != scene.size[1]):
        raise ConfigError(
            f"PISA: the released positions (compat) are for square tiles, not "
            f"{scene.size[1]}x{scene.size[0]}; cut the picture into square tiles, or take compat=False"
        )

    def reduced(maps: Tensor, size: tuple[int, int]) -> Tensor:
        maps = maps.detach().float().expand(batch, -1, -1, -1)
        return functional.interpolate(maps, size, mode="bilinear", align_corners=False)

    pitch = (scene.size[0] / h, scene.size[1] / w)
    if compat:
        pitch = (COMPAT_SIDE / max(h - 1, 1), COMPAT_SIDE / max(w - 1, 1))
    return TokenScene(
        grid=grid,
        pitch=pitch,
        radius=reduced(scene.radius, grid).flatten(1),
        disparity=reduced(scene.disparity, grid).flatten(1).clamp(FARTHEST, NEAREST),
        fine=reduced(scene.disparity, (FINER * h, FINER * w)).clamp(FARTHEST, NEAREST),
    )
