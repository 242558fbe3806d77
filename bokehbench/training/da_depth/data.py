"""Pairs of a clean picture and its low-quality twin, from any folder of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehbench.depth.degraded import low_quality
from bokehbench.errors import ConfigError, InputError
from bokehbench.records import sha256_json
from bokehbench.rng import stream
from bokehbench.synth.degrade import load_preset
from bokehbench.synth.training import Batches, StreamLoader
from bokehbench.training.da_depth.settings import PairSettings
from bokehbench.training.picture_folder import FloatImage, PictureFolder

Pair = dict[str, Tensor]


class Pairs:
    """Pairs at positions of an endless order, a source of `synth.training.Batches`.

    Args:
        root: folder of pictures.
        settings: of the data.
        seed: of all random numbers.

    Raises:
        InputError: no folder, or not enough pictures in it.
    """

    def __init__(self, root: Path, settings: PairSettings, seed: int) -> None:
        self.folder, self.settings, self.seed = PictureFolder(root, settings, seed), settings, seed
        self.preset = load_preset(settings.degradation)

    def item(self, position: int) -> Pair:
        """hq, lq: [3, crop, crop] in [0, 1]."""
        rng = stream(self.seed, position, "da-depth.degrade")
        clean = stream(self.seed, position, "da-depth.clean").random() < self.settings.clean
        return self._pair(self.folder.square(position), rng, clean)

    def held_out(self) -> list[Pair]:
        """Batches of one for validation, all degraded; InputError where nothing held out can be used."""
        made = []
        for number, square in self.folder.held_squares():
            pair = self._pair(square, stream(self.seed, number, "da-depth.held_out"), clean=False)
            made.append({key: value[None] for key, value in pair.items()})
        if not made:
            raise InputError(f"{self.folder.where}: none of the pictures that are held out can be used")
        return made

    def identity(self) -> dict[str, Any]:
        """What the pairs are made of."""
        preset = self.preset.model_dump(mode="json")
        return {**self.folder.identity(), "degradation_sha256": sha256_json(preset)}

    def loader(self, batch: int, *, workers: int = 0, rank: int = 0, world: int = 1) -> StreamLoader:
        """Endless batches of `batch` pairs a step over all processes."""
        if batch % world:
            raise ConfigError(f"a batch of {batch} cannot be shared out among {world} processes")
        batches = Batches(self, batch_size=batch // world, rank=rank, world=world)
        return StreamLoader(batches, stacked, workers=workers)

    def _pair(self, square: FloatImage, rng: np.random.Generator, clean: bool) -> Pair:
        lq, hq = low_quality(rng, self.preset, square)
        return {"hq": _tensor(hq), "lq": _tensor(hq if clean else lq)}


def stacked(items: list[Pair]) -> Pair:
    """hq, lq: [B, 3, H, W]."""
    return {key: torch.stack([item[key] for item in items]) for key in items[0]}


def _tensor(image: npt.NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
