"""Where a training gets its photographs: a stored set, or a stream of new scenes.

What a method makes of them is its own: it adds loaders to these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from bokehbench.errors import ConfigError, InputError
from bokehbench.rng import stream
from bokehbench.synth.assets.library import Library
from bokehbench.synth.dataset import make_library
from bokehbench.synth.store.reader import RECORD
from bokehbench.synth.training import Augment, Batches, StreamLoader, SynthDataset
from bokehbench.synth.training.stream import Source as Items
from bokehbench.training.photographs import PhotographSettings, stored_identity, stream_identity

S = TypeVar("S", bound=PhotographSettings)
Collate = Callable[[list[Any]], dict[str, Any]]
AHEAD = 2
"""Batches of a stream that are rendered before they are asked for, where other processes draw its scenes."""


class Photographs(ABC, Generic[S]):
    """Photographs for all stages.

    Args:
        settings: of the data.
        seed: of the order, and of crops and flips.
        workers: processes that prepare batches; results do not depend on it.
        rank, world: this process among those that train together.
        device: that the light of a stream is made on.

    Attributes:
        library: what a stream's layers are made of; None of a stored set.
    """

    library: Library | None = None

    def __init__(
        self,
        settings: S,
        seed: int,
        *,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings, self.seed, self.workers = settings, seed, workers
        self.rank, self.world, self.device = rank, world, torch.device(device)

    def batches(self, items: Items, batch: int, collate: Collate, ahead: int = 0) -> StreamLoader:
        """Endless batches of `batch` items a step over all processes; this one's share of them.

        Raises:
            ConfigError: the batch cannot be shared out.
        """
        if batch % self.world:
            raise ConfigError(f"a batch of {batch} cannot be shared out among {self.world} processes")
        shared = Batches(items, batch_size=batch // self.world, rank=self.rank, world=self.world)
        return StreamLoader(shared, collate, workers=self.workers, ahead=ahead if self.workers else 0)

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Width and height of the photographs, pixels."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What the photographs are, for records; plain values."""


class StoredPhotographs(Photographs[S]):
    """A set that `bokehbench synth build` has made.

    Args:
        root: its folder.
        settings, seed, others: see `Photographs`.

    Raises:
        InputError: no set there; says what makes the one of the settings.
    """

    def __init__(self, root: Path, settings: S, seed: int, **others: Any) -> None:
        super().__init__(settings, seed, **others)
        if not (root / RECORD).is_file():
            command = settings.build_command().replace("SET", str(root))
            raise InputError(f"--data {root}: no synthetic set; this makes the one of --config: {command}")
        self.root = root

    def dataset(self, keys: Sequence[str] = (), augment: Augment | None = None) -> SynthDataset:
        """All of the set."""
        return SynthDataset(self.root, keys, augment=augment, seed=self.seed)

    def size(self) -> tuple[int, int]:
        """All photographs of a set have one size."""
        data = self.dataset()
        width, height = data.store.meta(data.samples[0])["out_size"]
        return int(width), int(height)

    def identity(self) -> dict[str, Any]:
        """Recipe, seed and assets of the set, and how much of it there is."""
        return stored_identity(self.dataset())


class StreamedPhotographs(Photographs[S]):
    """Scenes of the recipe, made while training; none is seen twice."""

    def __init__(self, settings: S, seed: int, **others: Any) -> None:
        super().__init__(settings, seed, **others)
        self.recipe = settings.load_recipe()
        self.library: Library = make_library(self.recipe)

    @property
    def held_out_seed(self) -> int:
        """Root of the scenes for validation, which are never trained on."""
        return int(stream(self.settings.seed, 0, "training.held_out").integers(2**31))

    def size(self) -> tuple[int, int]:
        """As the recipe says."""
        return self.recipe.size

    def identity(self) -> dict[str, Any]:
        """Recipe, seed and assets."""
        return stream_identity(self.recipe, self.library, self.settings.seed)


def first_held_out(data: SynthDataset, held_out: int) -> int:
    """Number of the first of a set's last scenes, which are held out.

    Args:
        data: the set.
        held_out: scenes.

    Raises:
        ConfigError: not enough scenes.
    """
    scenes = len(data.samples)
    if scenes <= held_out:
        raise ConfigError(
            f"{data.store.root}: {scenes} scenes are too few to hold {held_out} out (data.held_out); "
            "build more"
        )
    return scenes - held_out
