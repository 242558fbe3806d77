"""Endless batches for training: the same for any number of workers, shared out over ranks, resumable."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from torch.utils.data import IterableDataset, get_worker_info

from bokehbench.errors import ConfigError
from bokehbench.records import sha256_json
from bokehbench.synth.assets.library import Library
from bokehbench.synth.config import Recipe
from bokehbench.synth.training.order import BLOCK, mixed
from bokehbench.synth.training.packs import SceneSource
from bokehbench.synth.training.window import Augment
from bokehbench.synth.truth.corruption import Corruption


class Source(Protocol):
    """Something that has an item at every position: `SynthDataset`, `SceneSource`, `Mix`."""

    def item(self, position: int) -> Any:
        """The item, a function of the position alone."""
        ...

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed."""
        ...


class Mix:
    """Several sources in fixed shares, in random order.

    Args:
        parts: (source, weight) pairs; weights count relative to their sum, to a thousandth.
        seed: of the order.

    Every source is gone through in its own order, without gaps or repetitions.
    """

    def __init__(self, parts: Sequence[tuple[Source, float]], seed: int = 0) -> None:
        if not parts or min(weight for _, weight in parts) < 0.0:
            raise ConfigError("a mixture needs at least one source, and weights >= 0")
        total = sum(weight for _, weight in parts)
        if total <= 0.0 or any(0.0 < weight / total < 1.0 / BLOCK for _, weight in parts):
            raise ConfigError(f"weights of a mixture must be at least 1/{BLOCK} of their sum (or 0)")
        self.sources = [source for source, _ in parts]
        self.weights = [weight / total for _, weight in parts]
        self.seed = seed

    def item(self, position: int) -> Any:
        """The item of the source whose turn it is."""
        source, place = mixed(position, self.weights, self.seed)
        return self.sources[source].item(place)

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed."""
        parts = [source.identity() for source in self.sources]
        return {"mix": parts, "weights": self.weights, "seed": self.seed}


class Batches(IterableDataset[list[Any]]):
    """Lists of items, endlessly.

    Step t of a run with `world` processes covers the positions t B world ... (t + 1) B world - 1; this
    process takes every world-th of them. DataLoader workers take whole batches in turn, so with
    `DataLoader(batches, batch_size=None, num_workers=...)` batches and their order are the same for any
    number of workers. The state is the number of the next step.

    Args:
        source: of items.
        batch_size: items a step and process, B.
        rank, world: this process among those that train together.
    """

    def __init__(self, source: Source, *, batch_size: int, rank: int = 0, world: int = 1) -> None:
        if batch_size < 1 or not 0 <= rank < world:
            raise ConfigError(
                f"batch_size must be at least 1 and rank below world, not {batch_size}, {rank} of {world}"
            )
        self.source, self.batch_size, self.rank, self.world = source, batch_size, rank, world
        self._step = 0
        self._owner = 0

    def positions(self, step: int) -> list[int]:
        """Positions that this process takes in a step."""
        first = step * self.batch_size * self.world + self.rank
        return [first + k * self.world for k in range(self.batch_size)]

    def __iter__(self) -> Iterator[list[Any]]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info is not None else (0, 1)
        if self._owner != os.getpid():
            self._step, self._owner = self._step + worker, os.getpid()
        while True:
            step, self._step = self._step, self._step + workers
            yield [self.source.item(position) for position in self.positions(step)]

    def state_dict(self) -> dict[str, Any]:
        """Where this process, or this worker, goes on."""
        return {"step": self._step, "identity": self.fingerprint()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken; ConfigError for the state of another stream.

        Called in the main process, workers share out what follows the step; called within a worker (as
        torchdata's StatefulDataLoader does), it is the worker's own next step.
        """
        if state.get("identity") != self.fingerprint():
            raise ConfigError(
                "this state belongs to another stream (recipe, assets, seed, keys or batch differ)"
            )
        self._step = int(state["step"])
        self._owner = os.getpid() if get_worker_info() is not None else 0

    def fingerprint(self) -> str:
        """Digest of what makes the batches, apart from the rank."""
        return sha256_json({"source": self.source.identity(), "batch": [self.batch_size, self.world]})


class SynthStream(Batches):
    """Scenes made on the fly: `Batches` over a `SceneSource`.

    Args:
        recipe, library, root_seed: as `synth build` takes them.
        batch_size, rank, world: see `Batches`.
        keys, epoch_size, augment, degrade, corruption: see `SceneSource`.
    """

    def __init__(
        self,
        recipe: Recipe,
        library: Library,
        *,
        root_seed: int,
        batch_size: int,
        keys: Sequence[str] = ("aif", "bokeh", "disp"),
        epoch_size: int = 10_000,
        augment: Augment | None = None,
        degrade: str | None = None,
        corruption: Corruption | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        source = SceneSource(
            recipe,
            library,
            root_seed=root_seed,
            keys=keys,
            epoch_size=epoch_size,
            augment=augment,
            degrade=degrade,
            corruption=corruption,
        )
        super().__init__(source, batch_size=batch_size, rank=rank, world=world)
