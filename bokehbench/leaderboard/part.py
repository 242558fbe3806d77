"""The cases of a benchmark: all of them, how many they are, and which of them a run is for."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from bokehbench import records
from bokehbench.benchmarks.locate import Opened, Reference
from bokehbench.cases import CaseInfo
from bokehbench.errors import BokehbenchError, ConfigError, InputError
from bokehbench.leaderboard.results import Protocol

SCHEMA = "bokehbench.set/1"
EXAMPLES = 3


@dataclass(frozen=True)
class Part:
    """Which cases of each benchmark a run is for.

    Attributes:
        patterns: shell patterns of names, `KEY` or `SCENE/KEY`; none for all cases.
        shard: (i, n): the i-th of n parts of those cases.
    """

    patterns: tuple[str, ...] = ()
    shard: tuple[int, int] = (0, 1)

    @property
    def option(self) -> str:
        """What makes it less than all cases, as on the command line; empty where it is all."""
        return "--cases" if self.patterns else "--shard" if self.shard[1] > 1 else ""

    def of(self, cases: Sequence[CaseInfo]) -> list[CaseInfo]:
        """The cases of this part, in order."""
        asked = [info for info in cases if not self.patterns or any(_is(info, p) for p in self.patterns)]
        return asked[self.shard[0] :: self.shard[1]]

    def refuse_unmatched(self, listed: Mapping[Reference, Sequence[CaseInfo]]) -> None:
        """ConfigError for a pattern that no case of any benchmark matches."""
        every = [info for cases in listed.values() for info in cases]
        for pattern in self.patterns:
            if not any(_is(info, pattern) for info in every):
                names = [f"{info.scene}/{info.key}" for info in every[:: max(1, len(every) // EXAMPLES)]]
                shown = ", ".join(names[:EXAMPLES])
                raise ConfigError(f"--cases {pattern}: no case is called so; there are {shown}, ...")


def _is(info: CaseInfo, pattern: str) -> bool:
    return fnmatchcase(info.key, pattern) or fnmatchcase(f"{info.scene}/{info.key}", pattern)


def cases_of(opened: Opened) -> list[CaseInfo]:
    """The benchmark's cases; InputError for a key that cannot be a file name."""
    try:
        cases = opened.cases()
    except BokehbenchError:
        raise
    except Exception as error:
        # A benchmark may be anybody's code, like a method.
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{opened.spec.name}: its cases could not be listed: {said}") from error
    keys = [info.key for info in cases]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise InputError(
            f"{opened.spec.name}: two cases have the key {twice[0]!r}; rename one of the pictures"
        )
    for info in cases:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", info.key):
            raise InputError(
                f"{opened.spec.name}: case key {info.key!r} may have letters, digits, _ and - only"
            )
    return cases


def note_size(at: Protocol, cases: int) -> None:
    """Write of how many cases the whole set is, so that tables of a part of it can say so."""
    if size_of(at) != cases:
        records.write_json(_path(at), {"schema": SCHEMA, "cases": cases})


def size_of(at: Protocol) -> int:
    """What `note_size` wrote; 0 where it wrote nothing, or that is damaged (the next run writes it again)."""
    with contextlib.suppress(InputError, AttributeError):
        cases = records.read_json(_path(at)).get("cases")
        return cases if isinstance(cases, int) else 0
    return 0


def _path(at: Protocol) -> Path:
    return at.folder / "_set.json"
