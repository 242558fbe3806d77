"""Which scores a results folder lacks: what no stored number that holds (`holding.py`) answers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bokehbench import records
from bokehbench.errors import BokehbenchError, InputError
from bokehbench.leaderboard import regions
from bokehbench.leaderboard.holding import Known, holds, stored_scores
from bokehbench.leaderboard.results import Protocol, Result, case_keys, has_truth, results
from bokehbench.leaderboard.stored import read_object
from bokehbench.metrics.catalogue import find
from bokehbench.metrics.score import Score, unavailable


@dataclass(frozen=True)
class Task:
    """What one prediction lacks.

    Attributes:
        result: whose prediction.
        made_from: hashes of prediction and target and the lens's gamma; what a scores file is about.
        compute: metrics to be computed.
        lacking: scores without a value, known before any image is read (weights are missing).
        breakdown: whether its squared error is to be taken apart.
    """

    result: Result
    made_from: dict[str, Any]
    compute: tuple[str, ...]
    lacking: dict[str, Score]
    breakdown: bool = False


@dataclass(frozen=True)
class Wanted:
    """What is asked for of every prediction.

    Attributes:
        metrics: names, each once.
        breakdown: squared error in parts, and the metrics that fit a benchmark's kind of regions.
        only_missing: False computes what is there again.
    """

    metrics: tuple[str, ...]
    breakdown: bool = False
    only_missing: bool = True

    def of(self, at: Protocol, case: str) -> Wanted:
        """With the breakdown's metrics of a benchmark, told by one of its cases."""
        added = regions.family(at, case) if self.breakdown else ()
        return replace(self, metrics=tuple(dict.fromkeys((*self.metrics, *added))))


@dataclass
class Found:
    """What a protocol's results lack, and what they do not.

    Attributes:
        work: (benchmark and case, tasks) in the order of the cases.
        results: predictions looked at.
        present: scores that hold.
        unavailable: metrics whose weights are missing.
        without_truth: predictions that no ground truth exists for.
        failed: one line for each prediction that cannot be scored.
    """

    work: list[tuple[str, list[Task]]]
    results: int = 0
    present: int = 0
    unavailable: tuple[str, ...] = ()
    without_truth: int = 0
    failed: tuple[str, ...] = ()


def missing(at: Protocol, asked: Wanted, shard: tuple[int, int] = (0, 1)) -> Found:
    """Tasks of one benchmark under one protocol, by case; with (i, n), of the i-th of n parts of cases."""
    found = Found([])
    every = list(results(at))
    # Counted over all cases, not over what is missing: each of several machines then has its own.
    mine = set(sorted({*case_keys(at), *(result.case for result in every)})[shard[0] :: shard[1]])
    by_case: dict[str, list[Task]] = {}
    known = Known(at)
    lacking = functools.cache(lambda metric: unavailable(find(metric)))
    wanted: Wanted | None = None
    for result in every:
        if result.case not in mine:
            continue
        try:
            if not has_truth(at, result.case):
                found.without_truth += 1
                continue
            found.results += 1
            wanted = wanted or asked.of(at, result.case)
            task, holding = _task(result, wanted, known, lacking)
        except BokehbenchError as error:
            found.failed += (f"{result.name}: {error}",)
            continue
        found.present += holding
        found.unavailable = tuple(dict.fromkeys((*found.unavailable, *task.lacking)))
        if task.compute or task.breakdown or task.lacking.items() - _stored_lacking(task):
            by_case.setdefault(result.case, []).append(task)
    found.work = [(f"{at.benchmark} {case}", tasks) for case, tasks in sorted(by_case.items())]
    return found


def _task(
    result: Result, wanted: Wanted, known: Known, lacking: Callable[[str], Score | None]
) -> tuple[Task, int]:
    """What a prediction lacks, and the number of scores that it does not lack."""
    made_from = {"prediction": _prediction_hash(result), **known.target(result.case)}
    present = stored_scores(result, made_from)
    metrics = [find(name) for name in wanted.metrics]
    holding = {
        metric.name for metric in metrics if holds(present.get(metric.name), metric, result.case, known)
    }
    # A number from a machine that has the weights stays a number on one that has not.
    without = {
        metric.name: score
        for metric in metrics
        if (score := lacking(metric.name)) is not None and metric.name not in holding
    }
    again = set() if wanted.only_missing else {name for name in holding if lacking(name) is None}
    compute = tuple(
        metric.name for metric in metrics if metric.name not in without and metric.name not in holding - again
    )
    breakdown = wanted.breakdown and _lacks_breakdown(result, made_from, wanted, known)
    return Task(result, made_from, compute, without, breakdown), len(metrics) - len(compute) - len(without)


def _lacks_breakdown(result: Result, made_from: dict[str, Any], wanted: Wanted, known: Known) -> bool:
    of = known.regions(result.case)
    if of == regions.NONE:
        return False
    identity = regions.breakdown_identity(made_from, of)
    return not wanted.only_missing or of == "" or regions.read_breakdown(result, identity) is None


def _stored_lacking(task: Task) -> set[tuple[str, Score]]:
    """Of the scores without a value, those that the scores file says already."""
    present = stored_scores(task.result, task.made_from)
    return {(name, score) for name, score in task.lacking.items() if present.get(name) == score.to_json()}


def _prediction_hash(result: Result) -> str:
    """sha256 of the prediction; it must be the one that the record is about."""
    if not result.prediction.is_file():
        raise InputError("the prediction is missing; bokehbench run makes it again")
    digest = records.sha256_file(result.prediction)
    try:
        record = read_object(result.record, {})
    except InputError as error:
        raise InputError("its record is damaged; bokehbench run makes it again") from error
    if record.get("prediction", digest) != digest:
        raise InputError("the prediction is not the one of its record; bokehbench run makes it again")
    return digest


def asked_for(metrics: Sequence[str], *, breakdown: bool = False, only_missing: bool = True) -> Wanted:
    """What a user asks for; ConfigError for an unknown metric or variant."""
    names = tuple(find(name).name for name in dict.fromkeys(metrics))
    return Wanted(names, breakdown, only_missing)
