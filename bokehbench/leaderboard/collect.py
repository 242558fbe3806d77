"""Read results folders, merge those of several machines, and say which results are stale, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bokehbench import records, registry
from bokehbench.errors import InputError
from bokehbench.leaderboard.holding import FINAL, Known, changed
from bokehbench.leaderboard.lost import RECORD as CASE_RECORD
from bokehbench.leaderboard.lost import Why
from bokehbench.leaderboard.part import size_of
from bokehbench.leaderboard.results import (
    Protocol,
    Result,
    case_keys,
    has_truth,
    protocols,
    results,
    weights_and_seed,
)
from bokehbench.leaderboard.staleness import (
    Stale,
    Today,
    benchmark_spec,
    current_metric,
    method_spec,
    not_registered,
    of_protocol,
    of_score,
    scoring,
    stale_result,
)
from bokehbench.leaderboard.stored import CASE, RECORD, read_object, read_scores, read_timing

__all__ = [
    "Collected",
    "Entry",
    "FoundCase",
    "RowKey",
    "Stale",
    "benchmark_spec",
    "collect",
    "current_metric",
    "method_spec",
    "not_registered",
]

RowKey = tuple[str, str]
"""(method name, weights hash or none): what a row of a table is."""


@dataclass(frozen=True)
class Entry:
    """One complete result as found on disk.

    Attributes:
        result: where it lies.
        record: what makes the number.
        scores: metric name -> {value, status, metric, fingerprint, reason}.
        timing: seconds, peak_memory_mb, device, date; empty where there is no such file.
        prediction: sha256 of the prediction file, empty where it is missing.
        stale: of the whole result.
        stale_scores: of single metrics.
    """

    result: Result
    record: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, Any]]
    timing: Mapping[str, Any]
    prediction: str
    stale: Stale | None = None
    stale_scores: Mapping[str, Stale] = field(default_factory=dict)


@dataclass(frozen=True)
class FoundCase:
    """What was asked, the folder that has its pictures, and its target's hash; empty where that is lost."""

    at: Protocol
    record: Mapping[str, Any]
    target: str


@dataclass
class Collected:
    """One benchmark under one protocol, from all the folders.

    Attributes:
        benchmark, protocol: names as in the path.
        cases: every case that any method was run on, by key, sorted.
        runs: for each method and weights, by seed, its complete results by case; a case without one is
            missing. A deterministic method has seed 0 alone.
        counted: cases of the whole set, as runs have listed them; 0 where none said so.
        unscored: cases without a ground truth, which are in no table.
        lost: cases whose record or target picture is whole in none of the folders, and why: in no table until
            it is there again.
        left_out: what each row has of the lost cases.
        damaged: cases of which a row's own record is damaged; it counts as not there.
    """

    benchmark: str
    protocol: str
    cases: dict[str, FoundCase] = field(default_factory=dict)
    runs: dict[RowKey, dict[int, dict[str, Entry]]] = field(default_factory=dict)
    counted: int = 0
    unscored: set[str] = field(default_factory=set)
    lost: dict[str, Why] = field(default_factory=dict)
    left_out: dict[RowKey, set[str]] = field(default_factory=dict)
    damaged: dict[RowKey, set[str]] = field(default_factory=dict)

    @property
    def rows(self) -> dict[RowKey, dict[str, Entry]]:
        """The first run of each method and weights: the one whose pictures are shown."""
        return {key: runs[min(runs)] for key, runs in self.runs.items()}

    def entries(self, key: RowKey) -> list[Entry]:
        """Every result of a row, those of further seeds too."""
        return [entry for run in self.runs[key].values() for entry in run.values()]

    @property
    def whole(self) -> int:
        """Cases of the whole set that can be scored; 0 where nobody knows.

        They are as many as are published, else as runs have listed without those that have no ground truth.
        """
        spec = benchmark_spec(self.benchmark)
        return (spec.published if spec else 0) or max(0, self.counted - len(self.unscored))

    @cached_property
    def metrics(self) -> list[str]:
        """Every metric that any result was scored with: in registered order, then by name."""
        order = {name: index for index, name in enumerate(registry.names(registry.MetricSpec))}
        found = {name for key in self.runs for entry in self.entries(key) for name in entry.scores}
        return sorted(found, key=lambda name: (order.get(name.partition("+")[0], len(order)), name))


def collect(roots: Sequence[Path]) -> list[Collected]:
    """Read every result below the folders, merged, sorted by benchmark and protocol.

    Raises:
        InputError: no results folder; files that are not what `run` and `evaluate` write; or two folders
            that have different data or different predictions under one name.
    """
    found: dict[tuple[str, str], Collected] = {}
    read = [(at, Known(at)) for root in roots for at in protocols(root)]
    for at, known in read:
        key = (at.benchmark, at.protocol)
        into = found.setdefault(key, Collected(*key))
        into.counted = max(into.counted, size_of(at))
        _read_cases(at, into, known)
    for collected in found.values():
        collected.cases = {case: about for case, about in collected.cases.items() if about.target}
        whole = collected.cases.keys() | collected.unscored
        collected.lost = {case: why for case, why in sorted(collected.lost.items()) if case not in whole}
    today, of = Today(), dict(read)
    for at, known in read:
        _read_results(at, found[at.benchmark, at.protocol], today, known, of)
    for collected in found.values():
        collected.cases = dict(sorted(collected.cases.items()))
        collected.runs = {
            key: {seed: dict(sorted(run.items())) for seed, run in sorted(runs.items())}
            for key, runs in sorted(collected.runs.items())
        }
    return [found[key] for key in sorted(found)]


# --------------------------------------------------------------------------------------------- reading


def _read_cases(at: Protocol, into: Collected, known: Known) -> None:
    """Every case of one folder, also those of which only results are left."""
    for key in sorted({*case_keys(at), *(result.case for result in results(at))}):
        why = known.lost(key)
        if why is not None:
            into.lost.setdefault(key, why)
            if why.what == CASE_RECORD:
                continue
        record = read_object(at.case_record(key), CASE)
        if not has_truth(at, key):
            into.unscored.add(key)
            continue
        case = FoundCase(at, record, "" if why else known.target(key)["target"])
        before = into.cases.get(key)
        _refuse_conflict(before, case)
        if before is None or not before.target:
            into.cases[key] = case


def _read_results(
    at: Protocol, into: Collected, today: Today, known: Known, of: Mapping[Protocol, Known]
) -> None:
    """Results of one folder; what it says of a case that is lost in it is asked of one that has it."""
    # A method whose every case failed has a folder without a result: it must not vanish from the table.
    for folder in sorted(at.folder.glob("[!_]*/*/")):
        weights, seed = weights_and_seed(folder.name)
        into.runs.setdefault((folder.parent.name, weights), {}).setdefault(seed, {})
    protocol = of_protocol(at)
    for result in results(at):
        if result.case in into.unscored:
            continue
        if result.case in into.lost:
            into.left_out.setdefault((result.method, result.weights), set()).add(result.case)
            continue
        case = into.cases[result.case]
        own = known if known.lost(result.case) is None else of[case.at]
        try:
            record = read_object(result.record, RECORD)
        except InputError:  # no result, then: run makes it again
            into.damaged.setdefault((result.method, result.weights), set()).add(result.case)
            continue
        entry = _read_entry(result, record, case, today, protocol, own)
        run = into.runs[(result.method, result.weights)][result.seed]
        before = run.get(result.case)
        _refuse_other_prediction(before, entry)
        run[result.case] = entry if before is None else _joined(before, entry)


def _refuse_conflict(known: FoundCase | None, case: FoundCase) -> None:
    same = ("data", "scene", "level", "lens")
    targets = {one.target for one in (known, case) if one and one.target}
    if known and (len(targets) > 1 or any(known.record[k] != case.record[k] for k in same)):
        key = case.record.get("case", "")
        raise InputError(
            f"case {key} differs between {known.at.folder} and {case.at.folder}: other data under one name; "
            "leave one of the folders out"
        )


def _refuse_other_prediction(known: Entry | None, entry: Entry) -> None:
    if known and known.prediction != entry.prediction:
        raise InputError(
            f"two different predictions of one case, {known.result.prediction} and "
            f"{entry.result.prediction}; leave one of the folders out"
        )


def _read_entry(
    result: Result, record: Mapping[str, Any], case: FoundCase, today: Today, protocol: str, known: Known
) -> Entry:
    held = records.sha256_file(result.prediction) if result.prediction.is_file() else ""
    content = read_scores(result.scores)
    scores = content["scores"]
    stale = None
    cause, reason = today.why_stale(result, record, held, case.record, protocol)
    if cause:
        stale = stale_result(result, record, cause, reason, list(scores))
    elif scores and (others := changed(content, {"prediction": held, **known.target(result.case)})):
        again = scoring(result.at.root, list(scores), breakdown=result.breakdown.exists())
        stale = Stale(f"scores are of another {', '.join(others)}", again, "scores")
    stale_scores = {
        name: why
        for name, score in scores.items()
        if (why := _why_stale_score(result, name, score, known)) is not None
    }
    return Entry(result, record, scores, read_timing(result.timing), held, stale, stale_scores)


def _why_stale_score(result: Result, name: str, score: Mapping[str, Any], known: Known) -> Stale | None:
    """Why one score of a result no longer counts; None where it does."""
    metric, root = current_metric(name), result.at.root
    found = of_score(root, name, score["fingerprint"])
    if found is not None or metric is None or score["status"] not in FINAL:
        return found
    try:
        ground = known.other_ground(score, metric, result.case)
    except InputError as error:  # the picture that would tell is gone: evaluate says the same
        return Stale(f"{name}: {error}", scoring(root, [name], always_named=True), "scores")
    if not ground:
        return None
    reason = f"the {ground} that {name} rests on changed"
    return Stale(reason, scoring(root, [name], always_named=True), "scores")


def _joined(known: Entry, other: Entry) -> Entry:
    """One prediction that lies in two folders, with the scores of both: of a metric the first that counts."""
    if known.stale is not None or other.stale is not None:
        return known if known.stale is None or other.stale is not None else other

    def counts(entry: Entry, name: str) -> bool:
        score = entry.scores.get(name)
        return score is not None and name not in entry.stale_scores and score["value"] is not None

    source = {
        name: other
        if name not in known.scores or (counts(other, name) and not counts(known, name))
        else known
        for name in sorted({*known.scores, *other.scores})
    }
    return replace(
        known,
        scores={name: entry.scores[name] for name, entry in source.items()},
        stale_scores={
            name: entry.stale_scores[name] for name, entry in source.items() if name in entry.stale_scores
        },
        timing=known.timing or other.timing,
    )
