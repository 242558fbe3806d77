"""Computing stored numbers again from the stored pictures: scores, breakdowns, numbers over whole sets.

Each result is asked for the metrics that it has itself, and for no other: registering a pair takes long.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokehbench import jobs, records
from bokehbench.leaderboard import set_scores
from bokehbench.leaderboard.evaluate import score_case
from bokehbench.leaderboard.holding import FINAL, target_facts
from bokehbench.leaderboard.missing import Task
from bokehbench.leaderboard.results import Result, has_truth
from bokehbench.leaderboard.staleness import current_metric
from bokehbench.leaderboard.stored import read_scores
from bokehbench.leaderboard.verify_files import PARTS, readable_rows
from bokehbench.metrics.breakdown import VERSION as BREAKDOWN_VERSION
from bokehbench.metrics.score import unavailable
from bokehbench.metrics.sets import score_set
from bokehbench.registry import SetMetricSpec, find

TOLERANCE = 1e-6
"""Relative difference of a value between machines that is none."""

Pairs = Sequence[tuple[Result, Result]]
"""(as it is stored, made again in a folder of its own)."""


@dataclass
class Again:
    """What came of it.

    Attributes:
        scores: numbers computed again.
        problems: one line for each that came out otherwise.
        not_computed: why a number was not computed again -> how many.
    """

    scores: int = 0
    problems: list[str] = field(default_factory=list)
    not_computed: dict[str, int] = field(default_factory=dict)

    def leave_out(self, why: str, count: int = 1) -> None:
        """Count numbers that are not computed again."""
        self.not_computed[why] = self.not_computed.get(why, 0) + count


def score_again(pairs: Pairs, workers: int) -> Again:
    """Score the stored pictures of some results in the folders of the fresh ones, and compare the numbers.

    Args:
        pairs: whose case was made again as well; the fresh predictions are replaced by the stored.
        workers: processes, a case each.
    """
    found = Again()
    scored = [pair for pair in pairs if pair[0].scores.exists() and has_truth(pair[0].at, pair[0].case)]
    work: dict[str, list[Task]] = {}
    for stored, fresh in scored:
        shutil.copyfile(stored.prediction, fresh.prediction)
        key = f"{stored.at.benchmark} ({stored.at.protocol}) {stored.case}"
        work.setdefault(key, []).append(_task(stored, fresh, found))
    failed: dict[str, str] = {}
    for outcome in jobs.run_jobs(score_case, list(work.items()), label="scoring again", workers=workers):
        for task in work[outcome.key]:
            made = outcome.error or (outcome.value or {}).get(task.result.name)
            if not isinstance(made, dict):
                failed[task.result.name] = str(made)
    for stored, fresh in scored:
        if stored.name in failed:
            found.problems.append(f"{stored.name}: cannot be scored any more: {failed[stored.name]}")
            continue
        _compare(stored, fresh, found)
    _measure_sets_again([stored for stored, _ in pairs], found)
    return found


def _task(stored: Result, fresh: Result, found: Again) -> Task:
    """What can be computed here of what a result has; the rest is counted."""
    compute = []
    for name, score in read_scores(stored.scores)["scores"].items():
        if score["status"] in FINAL:
            if why := _why_not(name, score):
                found.leave_out(why)
            else:
                compute.append(name)
    made_from = {
        "prediction": records.sha256_file(fresh.prediction),
        **target_facts(fresh.at, fresh.case),
    }
    return Task(fresh, made_from, tuple(compute), {}, _has_breakdown(stored, found))


def _why_not(name: str, score: Mapping[str, Any]) -> str:
    """Why a score cannot be computed again here; empty where it can."""
    metric = current_metric(name)
    if metric is None:
        return f"{name}: is not registered here (--register FILE.py)"
    if metric.fingerprint != score["fingerprint"]:
        return f"{name}: made by another form of the metric, {score['fingerprint']}, now {metric.fingerprint}"
    lacking = unavailable(metric)
    return f"{name}: {lacking.reason}" if lacking is not None else ""


def _has_breakdown(stored: Result, found: Again) -> bool:
    if not stored.breakdown.exists():
        return False
    version = records.read_json(stored.breakdown)["version"]
    if version != BREAKDOWN_VERSION:
        found.leave_out(f"breakdown: of version {version}, now {BREAKDOWN_VERSION}")
    return bool(version == BREAKDOWN_VERSION)


def _compare(stored: Result, fresh: Result, found: Again) -> None:
    now = read_scores(fresh.scores)["scores"]
    for name, score in sorted(read_scores(stored.scores)["scores"].items()):
        if name not in now:
            continue
        if now[name]["status"] not in FINAL:
            found.problems.append(f"{stored.name}: {name} cannot be computed: {now[name]['reason']}")
            continue
        found.scores += 1
        if not _is_same(score["value"], now[name]["value"]):
            found.problems.append(
                f"{stored.name}: {name} is stored as {score['value']}, computed as {now[name]['value']}"
            )
    if fresh.breakdown.exists():
        found.scores += 1
        was, again = records.read_json(stored.breakdown), records.read_json(fresh.breakdown)
        apart = next((line for part in PARTS for line in _apart(part, was[part], again[part])), "")
        if apart:
            found.problems.append(f"{stored.name}: of the breakdown, {apart}")


def _apart(where: str, was: Any, now: Any) -> Iterator[str]:
    """Where two trees of numbers differ."""
    if isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
        for key in sorted(now):
            yield from _apart(f"{where}.{key}", was[key], now[key])
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _apart(f"{where}[{index}]", one, other)
    elif not _is_same(was, now):
        yield f"{where} is stored as {was!s:.60}, computed as {now!s:.60}"


def _is_same(was: Any, now: Any) -> bool:
    if not isinstance(was, (int, float)) or not isinstance(now, (int, float)):
        return type(was) is type(now) and was == now
    if isinstance(was, int) and isinstance(now, int):  # sums over bytes: exact everywhere
        return was == now
    return abs(was - now) <= TOLERANCE * max(1.0, abs(now))


# ------------------------------------------------------------------------------------------ whole sets


def _measure_sets_again(sample: Sequence[Result], found: Again) -> None:
    """Numbers over whole sets, of the rows that the sample is from; what asks networks is left out."""
    folders: set[Path] = {result.folder for result in sample if (result.folder / set_scores.FILE).is_file()}
    for root in sorted({result.at.root for result in sample}) if folders else ():
        for row in readable_rows(root):
            if row.folder in folders:
                _measure_again(row, found)


def _measure_again(row: set_scores.SetRow, found: Again) -> None:
    content = set_scores.read(row.folder / set_scores.FILE)
    if content["made_from"] != row.digest():
        return  # said when the files were looked at
    for name, score in sorted(content["scores"].items()):
        spec = find(SetMetricSpec, name)
        if score["status"] not in set_scores.FINAL:
            continue
        if spec is None or not set_scores.holds(score, spec, row):
            found.leave_out(f"{name}: made by another form of the metric, or not registered here")
        elif spec.weights or spec.library:
            found.leave_out(f"{name}: asks a network for every picture; bokehbench evaluate --again does")
        elif not row.missing:
            found.scores += 1
            now = score_set(name, row.pictures())
            if not _is_same(score["value"], now.value):
                path = (row.folder / set_scores.FILE).relative_to(row.at.root).as_posix()
                found.problems.append(
                    f"{path}: {name} is stored as {score['value']}, computed as {now.value}"
                )
