"""What stands on the two sides of a comparison, and which of their rows belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bokehbench.benchmarks.protocols import base_id
from bokehbench.errors import InputError
from bokehbench.leaderboard.collect import Collected, RowKey, collect
from bokehbench.leaderboard.results import NO_WEIGHTS
from bokehbench.registry import MethodSpec, find

MARK = "::"

Where = tuple[str, str]
"""(benchmark, protocol)."""


@dataclass(frozen=True)
class Side:
    """What stands on one side.

    Attributes:
        root: results folder.
        method: one method, or None for all.
        weights: first digits of the hash of its weights, or empty for the only ones.
    """

    root: Path
    method: str | None = None
    weights: str = ""

    def __str__(self) -> str:
        weights = f"/{self.weights}" if self.weights else ""
        return f"{self.root}{MARK}{self.method}{weights}" if self.method else str(self.root)


@dataclass(frozen=True)
class Change:
    """Something that makes the numbers of A and B differ in kind: cause, where, both states."""

    cause: str
    where: str
    a: str
    b: str


def parse_side(text: str) -> Side:
    """Read ``RESULTS``, ``RESULTS::METHOD`` or ``RESULTS::METHOD/WEIGHTS``; an alias becomes the name."""
    folder, mark, method = text.partition(MARK)
    if not mark:
        return Side(Path(folder))
    name, _, weights = method.partition("/")
    if not folder or not name:
        raise InputError(f"{text}: give RESULTS, RESULTS::METHOD or RESULTS::METHOD/WEIGHTS")
    spec = find(MethodSpec, name)
    return Side(Path(folder), spec.name if spec else name, weights)


def read(side: Side) -> dict[Where, Collected]:
    """What a side has, by benchmark and protocol; InputError where it has no such method."""
    boards = {(board.benchmark, board.protocol): board for board in collect([side.root])}
    if side.method is not None:
        kept = {where: board for where, board in boards.items() if keys(side, board)}
        if not kept:
            known = ", ".join(sorted({method for board in boards.values() for method, _ in board.runs}))
            raise InputError(f"{side}: no such results; {side.root} has {known}")
        return kept
    return boards


def keys(side: Side, board: Collected) -> list[RowKey]:
    """Rows of a board that a side means."""
    return [
        (method, weights)
        for method, weights in board.runs
        if side.method in (None, method) and weights.startswith(side.weights)
    ]


def protocols(a: Mapping[Where, Collected], b: Mapping[Where, Collected]) -> tuple[list[Change], list[str]]:
    """Protocols that changed their version, and those that one side alone has."""
    changes, only = [], []
    versions: dict[tuple[str, str], list[list[str]]] = {}
    for number, boards in enumerate((a, b)):
        for where in boards:
            if where not in (b, a)[number]:
                name, track = base_id(where[1]).partition("@")[0], where[1].partition("+")[2]
                versions.setdefault((where[0], f"{name}+{track}"), [[], []])[number].append(where[1])
    for (benchmark, _), (in_a, in_b) in sorted(versions.items()):
        if in_a and in_b:
            changes.append(Change("protocol", benchmark, ", ".join(in_a), ", ".join(in_b)))
        only += [f"{benchmark} ({name}) is in A alone" for name in in_a]
        only += [f"{benchmark} ({name}) is in B alone" for name in in_b]
    return changes, only


def matched(
    a: Side, b: Side, one: Collected, other: Collected
) -> tuple[list[tuple[RowKey, RowKey]], list[str]]:
    """Which rows are compared: the two named, or each method with itself, by weights where it has several."""
    keys_a, keys_b = keys(a, one), keys(b, other)
    where = f"{one.benchmark} ({one.protocol})"
    if a.method is not None:
        for side, own in ((a, keys_a), (b, keys_b)):
            if len(own) > 1:
                known = ", ".join(f"{method}/{weights}" for method, weights in own)
                raise InputError(f"{side}: several weights in {where}; name one of {known}")
        return [(keys_a[0], keys_b[0])], []
    pairs: list[tuple[RowKey, RowKey]] = []
    alone: list[str] = []
    for method in sorted({key[0] for key in (*keys_a, *keys_b)}):
        own_a = [key for key in keys_a if key[0] == method]
        own_b = [key for key in keys_b if key[0] == method]
        if len(own_a) == len(own_b) == 1:
            pairs.append((own_a[0], own_b[0]))  # also where the weights changed
            continue
        pairs += [(key, key) for key in own_a if key in own_b]
        for letter, own, others in (("A", own_a, own_b), ("B", own_b, own_a)):
            alone += [f"{row_name(key)} on {where} is in {letter} alone" for key in own if key not in others]
    return pairs, alone


def row_name(key: RowKey) -> str:
    """The method, with its weights where it has any."""
    return key[0] if key[1] == NO_WEIGHTS else f"{key[0]}/{key[1]}"
