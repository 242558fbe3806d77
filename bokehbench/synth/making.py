"""Making what is missing of a set: units of one sample, claims between processes, packing of shards."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bokehbench.jobs import run_jobs
from bokehbench.records import code_version, write_json
from bokehbench.synth.assets.library import Library
from bokehbench.synth.config import Recipe
from bokehbench.synth.sample import make_first_valid, truths
from bokehbench.synth.scene import AttemptFailed
from bokehbench.synth.store import claims, shards
from bokehbench.synth.store.folder import SampleFiles, write_sample
from bokehbench.synth.store.profile import Profile

FAILED = "failed"
"""Folder with one JSON for each index that was given up."""
Done = Literal["made", "there", "claimed"]
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Making:
    """A set that is being made.

    Attributes:
        root: folder of the set.
        recipe, library, root_seed: what makes the samples.
        count: samples in all.
        profile: how pictures become files.
        shard_size: samples in a shard, None for a folder store.
        code: what code makes them.
    """

    root: Path
    recipe: Recipe
    library: Library
    root_seed: int
    count: int
    profile: Profile
    shard_size: int | None = None
    code: dict[str, Any] = field(default_factory=code_version)

    @property
    def samples(self) -> Path:
        """Folder store that samples are written into."""
        return self.root if self.shard_size is None else self.root / shards.WAITING

    def is_made(self, index: int) -> bool:
        """Whether the sample lies in its folder, or in a shard that has all it should."""
        if SampleFiles(self.samples, f"{index:09d}").meta.is_file():
            return True
        return self.shard_size is not None and self.is_packed(index // self.shard_size)

    def indices_of(self, shard: int) -> range:
        """Indices of a shard, as far as the set goes."""
        assert self.shard_size is not None
        return range(shard * self.shard_size, min((shard + 1) * self.shard_size, self.count))

    def is_packed(self, shard: int) -> bool:
        """Whether a shard is there with every index but those given up."""
        path = shards.shard_path(self.root, shard)
        if not path.is_file():
            return False
        there = shards.index(path)
        return all(f"{i:09d}" in there or is_given_up(self.root, i) for i in self.indices_of(shard))


def is_given_up(root: Path, index: int) -> bool:
    """Whether no attempt at an index made a valid scene."""
    return (root / FAILED / f"{index:09d}.json").is_file()


def make_one(making: Making, index: int) -> Done:
    """Make one sample, unless it is there or another process is at it."""
    key = f"{index:09d}"
    with claims.claim(making.root / claims.FOLDER / key) as mine:
        if not mine:
            return "claimed"
        if making.is_made(index):
            return "there"
        given_up = making.root / FAILED / f"{key}.json"
        try:
            sample, failures = make_first_valid(making.recipe, making.library, making.root_seed, index)
        except AttemptFailed as error:
            write_json(given_up, {"index": index, "error": str(error)})
            raise
        write_sample(
            sample,
            making.samples,
            truths(sample),
            config_hash=making.recipe.hash,
            code=making.code,
            failures=failures,
            profile=making.profile,
        )
        given_up.unlink(missing_ok=True)
        return "made"


def make_missing(
    making: Making, *, workers: int, ray: str | None, shard: tuple[int, int]
) -> tuple[int, list[tuple[int, str]]]:
    """Make what is missing of the i-th of n parts, and wait for what others make of it.

    Returns:
        Samples made now, and the indices given up with the reason.
    """
    part, parts = shard
    mine = range(making.count * part // parts, making.count * (part + 1) // parts)
    pack = _Packer(making, mine) if making.shard_size is not None else None
    missing = pack.missing() if pack else [index for index in mine if not making.is_made(index)]
    failed: dict[int, str] = {}
    made = 0
    while missing:
        claimed = []
        jobs = [(f"{index:09d}", index) for index in missing]
        function: Callable[[int], Done] = functools.partial(make_one, making)
        for outcome in run_jobs(function, jobs, label="synthesizing", workers=workers, ray=ray):
            index = int(outcome.key)
            if outcome.error is not None:
                failed[index] = str(outcome.error)
            elif outcome.value == "claimed":
                claimed.append(index)
            else:
                made += outcome.value == "made"
            if pack and outcome.value != "claimed":
                pack.sample_is_done(index)
        missing = _wait_for_others(making, claimed)
    if pack:
        pack.all_done()
    return made, sorted(failed.items())


def _wait_for_others(making: Making, claimed: Sequence[int]) -> list[int]:
    """Wait until every claim has ended; the indices that their owners did not make."""
    while any(claims.held(making.root, f"{index:09d}") for index in claimed):
        time.sleep(POLL_SECONDS)
    return [i for i in claimed if not making.is_made(i) and not is_given_up(making.root, i)]


class _Packer:
    """Packs each shard as soon as its last sample is there."""

    def __init__(self, making: Making, mine: range) -> None:
        assert making.shard_size is not None
        self.making = making
        self.mine = mine
        self.shard_size = making.shard_size
        self.shards = range(mine.start // self.shard_size, -(-mine.stop // self.shard_size)) if mine else ()
        self.left: dict[int, int] = {}

    def missing(self) -> list[int]:
        """Indices of this part that are to be made; shards that have to grow are unpacked."""
        indices: list[int] = []
        for shard in self.shards:
            with claims.wait_for(self._claim(shard)):
                if self.making.is_packed(shard):
                    shards.remove_waiting(self.making.root, self._keys(shard))
                    continue
                if shards.shard_path(self.making.root, shard).is_file():
                    shards.unpack(self.making.root, shard)
            todo = [i for i in self.making.indices_of(shard) if i in self.mine]
            todo = [i for i in todo if not self._waits(i)]
            self.left[shard] = len(todo)
            indices += todo
        return indices

    def sample_is_done(self, index: int) -> None:
        """Count one; pack its shard after the last."""
        shard = index // self.shard_size
        self.left[shard] -= 1
        if self.left[shard] <= 0:
            self._pack(shard)

    def all_done(self) -> None:
        """Pack what the others' last samples completed."""
        for shard in self.shards:
            self._pack(shard)

    def _pack(self, shard: int) -> None:
        root, indices = self.making.root, self.making.indices_of(shard)
        with claims.wait_for(self._claim(shard)):
            if not self.making.is_packed(shard):
                if not all(self._waits(i) or is_given_up(root, i) for i in indices):
                    return
                if keys := [f"{i:09d}" for i in indices if self._waits(i)]:
                    shards.pack(root, shard, keys, self._most_layers())
            shards.remove_waiting(root, self._keys(shard))

    def _most_layers(self) -> int:
        return max(self.making.recipe.foregrounds.count) + 1

    def _waits(self, index: int) -> bool:
        return SampleFiles(self.making.samples, f"{index:09d}").meta.is_file()

    def _keys(self, shard: int) -> list[str]:
        return [f"{i:09d}" for i in self.making.indices_of(shard)]

    def _claim(self, shard: int) -> Path:
        return self.making.root / claims.FOLDER / f"shard-{shard:06d}"
