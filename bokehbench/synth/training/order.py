"""The order of training: an endless row of positions, each epoch a new permutation of the samples.

Position p lies in epoch p // N and stands for one index of that epoch. Everything that trains asks for
positions, so that what is seen does not depend on workers, ranks, or where a run was resumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from bokehbench.errors import ConfigError
from bokehbench.rng import stream

BLOCK = 1000
"""Positions over which the shares of a mixture hold exactly."""


@lru_cache(maxsize=8)
def _permutation(length: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    return stream(seed, epoch, "training.order").permutation(length)


def visit(position: int, length: int, seed: int) -> tuple[int, int]:
    """(epoch, index) at a position of the endless order of `length` samples."""
    epoch, place = divmod(position, length)
    return epoch, int(_permutation(length, seed, epoch)[place])


@lru_cache(maxsize=64)
def _shares(weights: tuple[float, ...], seed: int, block: int) -> tuple[npt.NDArray[np.int64], ...]:
    """(source of each place in a block, how many of that source came before it in the block, counts)."""
    exact = np.asarray(weights) / sum(weights) * BLOCK
    counts = np.floor(exact).astype(np.int64)
    left = BLOCK - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    sources = stream(seed, block, "training.mix").permutation(np.repeat(np.arange(len(weights)), counts))
    before = np.zeros(BLOCK, np.int64)
    for source in range(len(weights)):
        before[sources == source] = np.arange(counts[source])
    return sources, before, counts


def mixed(position: int, weights: Sequence[float], seed: int) -> tuple[int, int]:
    """(source, position within that source) at a position of a mixture.

    Every BLOCK positions hold the shares rounded to whole samples, in random order, and each source is
    used up in its own order without gaps.
    """
    block, place = divmod(position, BLOCK)
    sources, before, counts = _shares(tuple(float(w) for w in weights), seed, block)
    source = int(sources[place])
    return source, block * int(counts[source]) + int(before[place])


class EpochSampler(Sampler[int]):
    """Indices for a `SynthDataset` in a DataLoader of torch: epoch e yields e N + index, in random order.

    The dataset reads the epoch from the index, so augmentation changes from epoch to epoch also in workers
    that live on. Each iteration goes on with the next epoch; `set_epoch` chooses one.

    Args:
        length: of the dataset.
        seed: of the order.
        rank, world: this process among those that train together; an incomplete last round is left out.
    """

    def __init__(self, length: int, *, seed: int = 0, rank: int = 0, world: int = 1) -> None:
        if length < 1 or not 0 <= rank < world:
            raise ConfigError(f"EpochSampler: length {length}, rank {rank} of {world}")
        self.length, self.seed, self.rank, self.world, self.epoch = length, seed, rank, world, 0

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next iteration yields."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length // self.world

    def __iter__(self) -> Iterator[int]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        order = _permutation(self.length, self.seed, epoch)[: len(self) * self.world]
        yield from (epoch * self.length + int(index) for index in order[self.rank :: self.world])
