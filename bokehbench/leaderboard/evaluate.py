"""Score the predictions of a results folder: what is missing (`missing.py`), nothing twice.

The unit of work is one case with the predictions of all methods, so that its target is decoded once.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokehbench import images, jobs, records
from bokehbench.errors import BadImage, BokehbenchError, InputError
from bokehbench.leaderboard import pairs, regions
from bokehbench.leaderboard.holding import SCHEMA, stored_scores
from bokehbench.leaderboard.missing import Found, Task, asked_for, missing
from bokehbench.leaderboard.results import Protocol, protocols
from bokehbench.metrics.catalogue import find
from bokehbench.metrics.score import Score, score_images_detailed
from bokehbench.metrics.specs import DEFAULT

if TYPE_CHECKING:
    from bokehbench.metrics.pair import Pair
    from bokehbench.metrics.regions import Regions


@dataclass
class Summary:
    """What an evaluation did.

    Attributes:
        results: predictions looked at.
        computed: scores computed now, undefined and failed ones included.
        present: scores that were there and still hold.
        broken_down: predictions whose squared error was to be taken apart now.
        noted: files of scores that got nothing but the reason why a number is lacking.
        unavailable: metric -> status of its weights, and the one line that says how to get what it needs.
        undefined: one line for each metric and reason that has no value on some image, with their number.
        without_truth: benchmark and protocol -> predictions that no ground truth exists for.
        failed: one line a prediction or metric that could not be scored.
        unaligned: one line for each reason why pairs were not registered (they count as they lie), with
            their number.
    """

    results: int = 0
    computed: int = 0
    present: int = 0
    broken_down: int = 0
    noted: int = 0
    unavailable: dict[str, str] = field(default_factory=dict)
    undefined: list[str] = field(default_factory=list)
    without_truth: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    unaligned: list[str] = field(default_factory=list)


def evaluate(
    root: Path,
    metrics: Sequence[str] | None = None,
    *,
    workers: int = 1,
    ray: str | None = None,
    shard: tuple[int, int] = (0, 1),
    only_missing: bool = True,
    breakdown: bool = False,
) -> Summary:
    """Score every complete result below `root` and write `{case}.scores.json` beside it.

    Args:
        root: results folder (layout: bokehbench.leaderboard.results).
        metrics: as written, variants included; None for `bokehbench.metrics.specs.DEFAULT`. Scores of other
            metrics stay as they are.
        workers: processes; the scores do not depend on it.
        ray: address of a Ray cluster, see `bokehbench.jobs.run_jobs`.
        shard: (i, n): the i-th of n parts of each benchmark's cases.
        only_missing: False computes those that are there again.
        breakdown: also the metrics by region that fit each benchmark (`leaderboard.regions.FAMILY`), and,
            where the true defocus is known, `{case}.breakdown.json`: squared error by region and defocus.

    Raises:
        InputError: no results folder.
        ConfigError: unknown metric or variant.
    """
    wanted = asked_for(
        DEFAULT if metrics is None else metrics, breakdown=breakdown, only_missing=only_missing
    )
    found = protocols(root)
    records.remove_parts(root)
    summary = Summary()
    work: list[tuple[str, list[Task]]] = []
    for at in found:
        lacking = missing(at, wanted, shard)
        _add(at, lacking, summary)
        work += lacking.work
    undefined: dict[str, int] = {}
    unaligned: dict[str, set[str]] = {}
    for outcome in jobs.run_jobs(score_case, work, label="scoring", workers=workers, ray=ray):
        for name, scores in sorted((outcome.value or {}).items()):
            _count(name, scores, summary, undefined)
            _count_unaligned(outcome.key, scores, unaligned)
        if outcome.error is not None:
            summary.failed.append(f"{outcome.key}: {outcome.error}")
    _instruct(summary)
    summary.undefined = [f"{line} (of {count} predictions)" for line, count in sorted(undefined.items())]
    summary.unaligned = [f"{why} ({len(cases)} cases)" for why, cases in sorted(unaligned.items())]
    summary.failed.sort()
    return summary


def _add(at: Protocol, found: Found, summary: Summary) -> None:
    """What one protocol has and lacks."""
    summary.results += found.results
    summary.present += found.present
    summary.broken_down += sum(task.breakdown for _, tasks in found.work for task in tasks)
    summary.noted += sum(not (task.compute or task.breakdown) for _, tasks in found.work for task in tasks)
    summary.unavailable |= dict.fromkeys(found.unavailable, "")
    summary.failed += found.failed
    if found.without_truth:
        summary.without_truth[f"{at.benchmark} ({at.protocol})"] = found.without_truth


def _count_unaligned(case: str, scores: dict[str, Score] | str, unaligned: dict[str, set[str]]) -> None:
    for score in () if isinstance(scores, str) else scores.values():
        if score.value is not None and score.reason:
            unaligned.setdefault(re.sub(r"-?\d+\.\d+", "…", score.reason), set()).add(case)


def _instruct(summary: Summary) -> None:
    """Say how to get what the unavailable metrics need, once each."""
    for name in summary.unavailable:
        # A wrong file before a missing one, as in the score.
        entries = sorted(find(name).missing(), key=lambda entry: entry.status != "sha-mismatch")
        lines = [f"{entry.status}: {entry.instruction}" for entry in entries if entry.instruction]
        summary.unavailable[name] = lines[0] if lines else ""


def _count(name: str, scores: dict[str, Score] | str, summary: Summary, undefined: dict[str, int]) -> None:
    if isinstance(scores, str):
        summary.failed.append(f"{name}: {scores}")
        return
    summary.computed += len(scores)
    for metric, score in scores.items():
        if score.status == "failed":
            summary.failed.append(f"{name} {metric}: {score.reason}")
        elif score.status == "undefined":
            # Each picture has its own number of pixels; one line says it of all.
            line = re.sub(r"only \d+ pixels( \([0-9.]+ %\))?", "too few pixels", f"{metric}: {score.reason}")
            undefined[line] = undefined.get(line, 0) + 1


# ---------------------------------------------------------------------------------------- one unit of work


def score_case(tasks: list[Task]) -> dict[str, dict[str, Score] | str]:
    """Score the predictions of one case and write their scores.

    Returns:
        By prediction, the scores computed, or one line that says why it could not be scored.
    """
    at, case = tasks[0].result.at, tasks[0].result.case
    try:
        target = images.quantise(images.read_image(at.case_image(case, "target")))
    except BadImage as error:
        raise InputError(f"{error}; bokehbench run writes it again") from error
    known = _OfCase(at, case)
    done: dict[str, dict[str, Score] | str] = {}
    for task in tasks:
        try:
            done[task.result.name] = _score(task, target, known)
        except BokehbenchError as error:
            done[task.result.name] = str(error)
    return done


class _OfCase:
    """What is known of a case; made with the first prediction that needs it, the same for all of them.

    Attributes:
        pair: () -> how its input and target lie to each other, and the digest of that record.
        regions: () -> its regions, None where there is no true defocus, and the digest of their record.
        why_not: () -> why there are no regions.
    """

    def __init__(self, at: Protocol, case: str) -> None:
        self.pair: Callable[[], tuple[Pair, str]] = functools.cache(lambda: pairs.load(at, case))
        self.regions: Callable[[], tuple[Regions | None, str]] = functools.cache(
            lambda: regions.load(at, case)
        )
        self.why_not = functools.cache(lambda: regions.why_not(at, case))


def _score(task: Task, target: Any, known: _OfCase) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    if task.compute or task.breakdown:
        prediction = images.quantise(images.read_image(task.result.prediction))
        scores = _computed(task, prediction, target, known)
        found, digest = known.regions() if task.breakdown else (None, "")
        if found is not None:
            identity = regions.breakdown_identity(task.made_from, digest)
            regions.write_breakdown(task.result, identity, prediction, target, found)
    # Read again, just before writing: another evaluation may have added its metrics meanwhile.
    kept = stored_scores(task.result, task.made_from)
    fresh = {name: score.to_json() for name, score in {**task.lacking, **scores}.items()}
    content = {"schema": SCHEMA, **task.made_from, "scores": {**kept, **fresh}}
    records.write_json(task.result.scores, content)
    return scores


def _computed(task: Task, prediction: Any, target: Any, known: _OfCase) -> dict[str, Score]:
    """The scores that a prediction lacks; those that rest on a pair or on regions say on which record."""
    metrics = {name: find(name) for name in task.compute}
    pair, of_pair = known.pair() if any(metric.needs_pair for metric in metrics.values()) else (None, "")
    needs_regions = any(metric.needs_regions for metric in metrics.values())
    found, of_regions = known.regions() if needs_regions else (None, "")
    scores = score_images_detailed(
        prediction,
        target,
        task.compute,
        gamma=task.made_from["gamma"],
        pair=pair,
        regions=found,
        border=task.made_from.get("border", 0),
        noise=task.made_from.get("noise"),
    )
    as_it_lies = "" if pair is None or pair.homography.accepted else pair.homography.reason
    for name, score in scores.items():
        if metrics[name].needs_pair:
            why = f"as it lies, since {as_it_lies}" if as_it_lies else ""
            scores[name] = replace(score, pair=of_pair, reason=score.reason or why)
        elif metrics[name].needs_regions:
            why = score.reason if found is not None else known.why_not()
            scores[name] = replace(score, regions=of_regions, reason=why)
    return scores
