"""Super-resolution networks of published weight files (`spandrel_file`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bokehbench.baselines import spandrel_file
from bokehbench.baselines.restorers.stages import low_quality
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError

PURPOSES = ("SR", "Restoration")


class SuperResolution:
    """A `bokehbench.cases.Restorer`.

    Args:
        path: file of weights.
        device: of torch; empty for a GPU where there is one.
        tile: pixels of the small picture that are restored at a time; a larger one goes in tiles.
        border: pixels that tiles see around them and that are cut off.

    Raises:
        InputError: not weights, or not of a network that spandrel knows.
        ConfigError: a network for something else, or not for RGB.
    """

    def __init__(self, path: Path, device: str = "", tile: int = 512, border: int = 32) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.tile, self.border, self.name = tile, border, path.name
        self.network = _network(path).to(self.device).eval()

    def restore(self, inputs: Inputs) -> FloatImage:
        """[h s, w s, 3] in [0, 1], s the factor of the network."""
        small = torch.from_numpy(np.ascontiguousarray(low_quality(inputs, self.name)))
        picture = small.permute(2, 0, 1)[None].float().clamp(0.0, 1.0)  # [1, 3, h, w]
        restored = torch.cat(
            [self._row(picture, top) for top in range(0, picture.shape[2], self.tile)], dim=2
        )
        return np.ascontiguousarray(restored[0].permute(1, 2, 0).numpy(), np.float32)

    def _row(self, picture: torch.Tensor, top: int) -> torch.Tensor:
        """Tiles of one height, side by side: [1, 3, tile s, w s]."""
        return torch.cat([self._one(picture, top, left) for left in range(0, picture.shape[3], self.tile)], 3)

    @torch.inference_mode()
    def _one(self, picture: torch.Tensor, top: int, left: int) -> torch.Tensor:
        s, (height, width) = self.network.scale, picture.shape[2:]
        y, x = max(top - self.border, 0), max(left - self.border, 0)
        bottom, right = min(top + self.tile, height), min(left + self.tile, width)
        seen = picture[:, :, y : min(bottom + self.border, height), x : min(right + self.border, width)]
        made = self.network(seen.to(self.device)).float().cpu()
        return made[:, :, (top - y) * s : (bottom - y) * s, (left - x) * s : (right - x) * s]


def _network(path: Path) -> Any:
    """A spandrel descriptor."""
    from spandrel import ImageModelDescriptor

    network = spandrel_file.load(path)
    if not isinstance(network, ImageModelDescriptor) or network.purpose not in PURPOSES:
        raise ConfigError(f"{path}: a network for {network.purpose}, not for super-resolution or restoration")
    channels = network.input_channels, network.output_channels
    if channels != (3, 3):
        raise ConfigError(f"{path}: a network from {channels[0]} to {channels[1]} channels, not of RGB")
    return network
