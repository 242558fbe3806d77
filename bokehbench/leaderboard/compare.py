"""Two result sets, two methods or two dates: paired differences, what changed between them, what is stale.

A *side* is written ``RESULTS`` (every method of a folder), ``RESULTS::METHOD`` (one of them) or
``RESULTS::METHOD/WEIGHTS`` (one set of its weights, the first digits of the hash as in the path). Two folders
are compared method by method; with a method on both sides these two are compared. Differences are A − B, over
the cases that both have, made from the same data and scored against the same target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bokehbench.errors import InputError
from bokehbench.leaderboard.collect import Collected, Entry, RowKey, current_metric
from bokehbench.leaderboard.differences import Difference, SceneDifference, differences, over_scenes
from bokehbench.leaderboard.results import NO_WEIGHTS
from bokehbench.leaderboard.sides import Change, Side, Where, keys, matched, protocols, read, row_name
from bokehbench.leaderboard.statistics import holm
from bokehbench.leaderboard.stored import VALUED
from bokehbench.leaderboard.tables import part_of_set
from bokehbench.metrics import find

UNUSABLE = ("prediction", "scores")
"""Causes of staleness that say that a score is not one of its prediction."""


@dataclass(frozen=True)
class Pair:
    """One method of A against one of B, under one benchmark and protocol.

    Attributes:
        a, b: labels: method@version, with weights where there are any.
        cases: that are compared.
        same_bytes: of these, how many predictions are the same file.
        differences: metric by metric, level by level.
        scenes: metric by metric, scene by scene, over all levels.
        left_out: why cases or metrics are not compared, one line each.
        part: whether the cases are a part of a published set (`tables.part_of_set`).
    """

    benchmark: str
    protocol: str
    a: str
    b: str
    cases: int
    same_bytes: int
    differences: tuple[Difference, ...]
    scenes: tuple[SceneDifference, ...]
    left_out: tuple[str, ...]
    part: str = ""

    @property
    def is_same(self) -> bool:
        """Whether every number that both have is the same."""
        return all(one.same for one in self.differences)


@dataclass(frozen=True)
class StaleSide:
    """Results of a side that today's methods, data or metrics would not give."""

    side: str
    where: str
    cause: str
    reason: str
    command: str
    count: int


@dataclass(frozen=True)
class Report:
    """What `compare` found."""

    a: str
    b: str
    pairs: tuple[Pair, ...]
    changes: tuple[Change, ...]
    only: tuple[str, ...]
    stale: tuple[StaleSide, ...]


def compare(a: Side, b: Side, metrics: Sequence[str] = ()) -> Report:
    """Paired differences A − B of everything that both sides have.

    Args:
        a: first side.
        b: second side; both or neither name a method.
        metrics: which; empty for all that both are scored with.

    Raises:
        ConfigError: an unknown metric.
        InputError: no results, one side alone names a method, a method that a folder has not, nothing that
            both sides have, or a named metric without one number on both.
    """
    if (a.method is None) != (b.method is None):
        raise InputError(f"{a} and {b}: name a method on both sides, or on neither")
    for name in metrics:
        find(name)
    boards_a, boards_b = read(a), read(b)
    changes, only = protocols(boards_a, boards_b)
    pairs: list[Pair] = []
    for where in sorted(boards_a.keys() & boards_b.keys()):
        one, other = boards_a[where], boards_b[where]
        rows, alone = matched(a, b, one, other)
        only += alone
        for key_a, key_b in rows:
            pair, changed = _pair(one, other, key_a, key_b, metrics)
            pairs.append(pair)
            changes += changed
    if not pairs:
        raise InputError(f"{a} and {b} have nothing in common to compare: {'; '.join(only) or 'no method'}")
    _refuse_without_numbers(pairs, metrics, changes)
    stale = [line for side, boards in ((a, boards_a), (b, boards_b)) for line in _stale(side, boards)]
    return Report(
        str(a),
        str(b),
        tuple(_corrected(pairs)),
        tuple(dict.fromkeys(changes)),
        tuple(dict.fromkeys(only)),
        tuple(dict.fromkeys(stale)),
    )


def _refuse_without_numbers(pairs: Sequence[Pair], metrics: Sequence[str], changes: Sequence[Change]) -> None:
    """InputError for a metric that was asked for and no pair has on both sides, or if there is nothing.

    Without a number there may still be a change to report, which is why there is none.
    """
    compared = {one.metric for pair in pairs for one in pair.differences}
    reasons = list(dict.fromkeys(why for pair in pairs for why in pair.left_out))
    for name in metrics:
        if name not in compared:
            why = next((why for why in reasons if why.startswith(f"{name}: ")), f"{name}: no case in common")
            raise InputError(f"--metric {name}: nothing to compare; {why}")
    if not compared and not changes:
        why = f" ({'; '.join(reasons)})" if reasons else ""
        raise InputError(
            f"no case is scored on both sides{why}; bokehbench evaluate both, then compare again"
        )


# ------------------------------------------------------------------------------------------- one pair


def _pair(
    one: Collected, other: Collected, key_a: RowKey, key_b: RowKey, metrics: Sequence[str]
) -> tuple[Pair, list[Change]]:
    where = f"{one.benchmark} ({one.protocol})"
    runs_a, runs_b = _by_case(one, key_a), _by_case(other, key_b)
    both = [case for case in one.cases if case in runs_a and case in runs_b and case in other.cases]
    left_out, changes = [], _changed_method(where, key_a, key_b, runs_a, runs_b, both)
    cases = [case for case in both if _same_case(one, other, case)]
    if len(cases) < len(both):
        changes.append(Change("data", where, f"{len(both) - len(cases)} cases", "other data or target"))
        left_out.append(f"{len(both) - len(cases)} cases are of other data or have another target")
    for side, mine, others in (("A", runs_a, runs_b), ("B", runs_b, runs_a)):
        if alone := [case for case in mine if case not in others]:
            left_out.append(
                f"{len(alone)} cases are in {side} alone ({alone[0]}{', …' if alone[1:] else ''})"
            )
    found: list[Difference] = []
    scenes: list[SceneDifference] = []
    names = list(dict.fromkeys(metrics)) or [name for name in one.metrics if name in other.metrics]
    for name in names:
        metric = current_metric(name)
        if metric is None:
            left_out.append(f"{name}: not registered here; add --register FILE.py with the file that has it")
            continue
        values, why, changed = _values(name, cases, runs_a, runs_b, where)
        left_out += why
        changes += changed
        if not values:
            continue
        about = [(one.cases[case].record["scene"], one.cases[case].record["level"]) for case in values]
        strengths = [float(one.cases[case].record["lens"]["K"]) for case in values]
        numbers = np.array(list(values.values()))
        found += differences(metric, numbers, about, strengths)
        scenes += over_scenes(metric, numbers, about)
    return (
        Pair(
            benchmark=one.benchmark,
            protocol=one.protocol,
            a=_label(key_a, runs_a),
            b=_label(key_b, runs_b),
            cases=len(cases),
            same_bytes=sum(_bytes(runs_a[case]) == _bytes(runs_b[case]) for case in cases),
            differences=tuple(found),
            scenes=tuple(scenes),
            left_out=tuple(dict.fromkeys(left_out)),
            part=part_of_set(len(cases), max(one.whole, other.whole)),
        ),
        changes,
    )


def _by_case(board: Collected, key: RowKey) -> dict[str, list[Entry]]:
    """The results of each case, one a seed; cases that any seed lacks are left out."""
    runs = board.runs[key].values()
    return {case: [run[case] for run in runs] for case in board.cases if all(case in run for run in runs)}


def _bytes(entries: Sequence[Entry]) -> list[str]:
    return [entry.prediction for entry in entries]


def _same_case(one: Collected, other: Collected, case: str) -> bool:
    a, b = one.cases[case], other.cases[case]
    same = all(a.record[what] == b.record[what] for what in ("data", "scene", "level", "lens"))
    return same and a.target == b.target


def _label(key: RowKey, runs: Mapping[str, Sequence[Entry]]) -> str:
    ids = sorted({str(entry.record["method"]) for entries in runs.values() for entry in entries})
    weights = "" if key[1] == NO_WEIGHTS else f" [{key[1]}]"
    return (", ".join(ids) or key[0]) + weights


def _changed_method(
    where: str,
    key_a: RowKey,
    key_b: RowKey,
    a: Mapping[str, Sequence[Entry]],
    b: Mapping[str, Sequence[Entry]],
    cases: Sequence[str],
) -> list[Change]:
    """Version, options and weights of one method that differ between the sides; of two methods, nothing."""
    if key_a[0] != key_b[0]:
        return []
    changes = []
    if key_a[1] != key_b[1]:
        changes.append(Change("weights", f"{key_a[0]} on {where}", key_a[1], key_b[1]))
    for cause, field in (("method", "method"), ("options", "options")):
        pairs = {
            (str(x.record.get(field, {})), str(y.record.get(field, {})))
            for case in cases
            for x, y in zip(a[case], b[case], strict=False)
        }
        changes += [Change(cause, f"{key_a[0]} on {where}", x, y) for x, y in sorted(pairs) if x != y]
    return changes


def _values(
    name: str,
    cases: Sequence[str],
    a: Mapping[str, Sequence[Entry]],
    b: Mapping[str, Sequence[Entry]],
    where: str,
) -> tuple[dict[str, tuple[float, float]], list[str], list[Change]]:
    """(value of A, value of B) of each case that both have one for, by one form of the metric."""
    values: dict[str, tuple[float, float]] = {}
    reasons: dict[str, int] = {}
    changes = []
    for case in cases:
        one, why_one = _value(name, a[case])
        other, why_other = _value(name, b[case])
        prints = {entry.scores[name]["fingerprint"] for entry in (*a[case], *b[case]) if name in entry.scores}
        if one is None or other is None:
            sides = [f"in {side} {why}" for side, why in (("A", why_one), ("B", why_other)) if why]
            why = f"{name}: {'; '.join(sides)}"
        elif len(prints) > 1:
            why = f"{name}: scored by different forms; bokehbench evaluate both, then compare again"
            first = a[case][0].scores[name]["fingerprint"]
            changes.append(
                Change("metric", f"{name} on {where}", first, b[case][0].scores[name]["fingerprint"])
            )
        else:
            values[case] = (one, other)
            continue
        reasons[why] = reasons.get(why, 0) + 1
    return values, [f"{why} ({count} of {len(cases)} cases)" for why, count in reasons.items()], changes


def _value(name: str, entries: Sequence[Entry]) -> tuple[float | None, str]:
    """The mean over seeds, or why there is none."""
    found = []
    for entry in entries:
        if entry.stale is not None and entry.stale.cause in UNUSABLE:
            return None, entry.stale.reason
        score = entry.scores.get(name)
        if score is None:
            return None, f"not scored, bokehbench evaluate RESULTS --metric {name} does it"
        if score["status"] not in VALUED:
            return None, f"{score['status']}: {score.get('reason', '')}".rstrip(": ")
        found.append(float(score["value"]))
    return float(np.mean(found)), ""


def _corrected(pairs: Sequence[Pair]) -> list[Pair]:
    """Holm over the methods that are compared at one benchmark, protocol, level and metric."""
    families: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for i, pair in enumerate(pairs):
        for j, one in enumerate(pair.differences):
            if one.p is not None:
                family = (pair.benchmark, pair.protocol, one.level, one.metric)
                families.setdefault(family, []).append((i, j))
    found = [list(pair.differences) for pair in pairs]
    for places in families.values():
        corrected = holm([float(found[i][j].p or 0.0) for i, j in places])
        for (i, j), p in zip(places, corrected, strict=True):
            found[i][j] = replace(found[i][j], p_holm=p)
    return [replace(pair, differences=tuple(own)) for pair, own in zip(pairs, found, strict=True)]


def _stale(side: Side, boards: Mapping[Where, Collected]) -> list[StaleSide]:
    """What of a side counts no longer today, with the command that renews it."""
    counts: dict[tuple[str, str, str, str], int] = {}
    for board in boards.values():
        for key in keys(side, board):
            where = f"{row_name(key)} on {board.benchmark} ({board.protocol})"
            for entry in board.entries(key):
                for one in (*((entry.stale,) if entry.stale else ()), *entry.stale_scores.values()):
                    about = (where, one.cause, one.reason, one.command)
                    counts[about] = counts.get(about, 0) + 1
    return [StaleSide(str(side), *about, count) for about, count in counts.items()]
