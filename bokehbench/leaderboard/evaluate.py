"""Score the predictions of a results folder: what is missing, nothing twice.

The unit of work is one case with the predictions of all methods, so that its target is decoded once. A score
is kept as long as prediction, target, gamma and the metric's fingerprint are the ones it was made from.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokehbench import images, jobs, records
from bokehbench.errors import BokehbenchError, InputError
from bokehbench.leaderboard import pairs
from bokehbench.leaderboard.results import Protocol, Result, has_truth, protocols, results
from bokehbench.metrics.catalogue import Metric, find
from bokehbench.metrics.score import Score, score_images_detailed, unavailable
from bokehbench.metrics.specs import DEFAULT

if TYPE_CHECKING:
    from bokehbench.metrics.pair import Pair

SCHEMA = "bokehbench.scores/1"


@dataclass(frozen=True)
class Task:
    """The scores that one prediction lacks.

    Attributes:
        result: whose prediction.
        made_from: hashes of prediction and target and the lens's gamma; what a scores file is about.
        compute: metrics to be computed.
        lacking: scores without a value, known before any image is read (weights are missing).
    """

    result: Result
    made_from: dict[str, Any]
    compute: tuple[str, ...]
    lacking: dict[str, Score]


@dataclass
class Summary:
    """What an evaluation did.

    Attributes:
        results: predictions looked at.
        computed: scores computed now, undefined and failed ones included.
        present: scores that were there and still hold.
        unavailable: metric -> the one line that says how to get what it needs.
        undefined: one line for each metric and reason that has no value on some image, with their number.
        without_truth: benchmark and protocol -> predictions that no ground truth exists for.
        failed: one line a prediction or metric that could not be scored.
        unaligned: one line for each reason why pairs were not registered (they count as they lie), with
            their number.
    """

    results: int = 0
    computed: int = 0
    present: int = 0
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
    only_missing: bool = True,
) -> Summary:
    """Score every complete result below `root` and write `{case}.scores.json` beside it.

    Args:
        root: results folder (layout: bokehbench.leaderboard.results).
        metrics: as written, variants included; None for `bokehbench.metrics.specs.DEFAULT`. Scores of other
            metrics stay as they are.
        workers: processes; the scores do not depend on it.
        only_missing: False computes those that are there again.

    Raises:
        InputError: no results folder.
        ConfigError: unknown metric or variant.
    """
    wanted = [find(name) for name in dict.fromkeys(DEFAULT if metrics is None else metrics)]
    found = protocols(root)
    records.remove_parts(root)
    summary = Summary()
    lacking = {metric.name: score for metric in wanted if (score := unavailable(metric)) is not None}
    work: list[tuple[str, list[Task]]] = []
    for at in found:
        work += _missing(at, wanted, lacking, only_missing, summary)
    undefined: dict[str, int] = {}
    unaligned: dict[str, set[str]] = {}
    for outcome in jobs.run_jobs(score_case, work, label="scoring", workers=workers):
        for name, scores in sorted((outcome.value or {}).items()):
            _count(name, scores, summary, undefined)
            _count_unaligned(outcome.key, scores, unaligned)
        if outcome.error is not None:
            summary.failed.append(f"{outcome.key}: {outcome.error}")
    _instruct(wanted, summary)
    summary.undefined = [f"{line} (of {count} predictions)" for line, count in sorted(undefined.items())]
    summary.unaligned = [f"{why} ({len(cases)} cases)" for why, cases in sorted(unaligned.items())]
    summary.failed.sort()
    return summary


def _count_unaligned(case: str, scores: dict[str, Score] | str, unaligned: dict[str, set[str]]) -> None:
    for score in () if isinstance(scores, str) else scores.values():
        if score.value is not None and score.reason:
            unaligned.setdefault(re.sub(r"-?\d+\.\d+", "…", score.reason), set()).add(case)


def _instruct(wanted: Sequence[Metric], summary: Summary) -> None:
    """Say how to get what the unavailable metrics need, once each."""
    for metric in wanted:
        for entry in metric.missing() if metric.name in summary.unavailable else ():
            summary.unavailable[metric.name] = summary.unavailable[metric.name] or entry.instruction


def _count(name: str, scores: dict[str, Score] | str, summary: Summary, undefined: dict[str, int]) -> None:
    if isinstance(scores, str):
        summary.failed.append(f"{name}: {scores}")
        return
    summary.computed += len(scores)
    for metric, score in scores.items():
        if score.status == "failed":
            summary.failed.append(f"{name} {metric}: {score.reason}")
        elif score.status == "undefined":
            line = f"{metric}: {score.reason}"
            undefined[line] = undefined.get(line, 0) + 1


# ----------------------------------------------------------------------------------------- what is missing


def _missing(
    at: Protocol,
    wanted: Sequence[Metric],
    lacking: dict[str, Score],
    only_missing: bool,
    summary: Summary,
) -> list[tuple[str, list[Task]]]:
    """Tasks by case, in the order of the cases; predictions that need nothing are counted."""
    by_case: dict[str, list[Task]] = {}
    targets: dict[str, dict[str, Any]] = {}
    found_pairs: dict[str, str] = {}
    paired = any(metric.needs_pair for metric in wanted)
    for result in results(at):
        if not has_truth(at, result.case):
            name = f"{at.benchmark} ({at.protocol})"
            summary.without_truth[name] = summary.without_truth.get(name, 0) + 1
            continue
        summary.results += 1
        try:
            if result.case not in targets:
                targets[result.case] = _target_facts(at, result.case)
            made_from = {"prediction": _prediction_hash(result), **targets[result.case]}
            if paired and result.case not in found_pairs:
                found_pairs[result.case] = pairs.digest(at, result.case)
            present = _present(result, made_from)
        except BokehbenchError as error:
            summary.failed.append(f"{_name(result)}: {error}")
            continue
        pair = found_pairs.get(result.case, "")
        task = _task(result, made_from, wanted, lacking, present, only_missing, pair)
        summary.present += len(wanted) - len(task.compute) - len(task.lacking)
        summary.unavailable |= dict.fromkeys(task.lacking, "")
        if task.compute or any(present.get(name) != score.to_json() for name, score in task.lacking.items()):
            by_case.setdefault(result.case, []).append(task)
    return [(f"{at.benchmark} {case}", tasks) for case, tasks in sorted(by_case.items())]


def _task(
    result: Result,
    made_from: dict[str, Any],
    wanted: Sequence[Metric],
    lacking: dict[str, Score],
    present: dict[str, Any],
    only_missing: bool,
    pair: str,
) -> Task:
    holding = {metric.name for metric in wanted if _holds(present.get(metric.name), metric, pair)}
    compute = tuple(
        metric.name
        for metric in wanted
        if metric.name not in lacking and not (only_missing and metric.name in holding)
    )
    # A number from a machine that has the weights stays a number on one that has not.
    return Task(result, made_from, compute, {n: score for n, score in lacking.items() if n not in holding})


def _holds(score: dict[str, Any] | None, metric: Metric, pair: str) -> bool:
    """Whether a stored score needs no second look: final, and made by what would make it today."""
    return (
        score is not None
        and score.get("status") in ("ok", "identical", "undefined")
        and score.get("fingerprint") == metric.fingerprint
        and (not metric.needs_pair or (pair != "" and score.get("pair") == pair))
    )


def _prediction_hash(result: Result) -> str:
    """sha256 of the prediction; it must be the one that the record is about."""
    if not result.prediction.is_file():
        raise InputError("the prediction is missing; bokehbench run makes it again")
    digest = records.sha256_file(result.prediction)
    if records.read_json(result.record).get("prediction", digest) != digest:
        raise InputError("the prediction is not the one of its record; bokehbench run makes it again")
    return digest


def _target_facts(at: Protocol, case: str) -> dict[str, Any]:
    """Hash of the target, gamma by which `+lin` decodes it, border that the protocol drops, known noise."""
    target = at.case_image(case, "target")
    if not target.is_file():
        raise InputError(f"{target}: no such file; bokehbench run writes it")
    record = records.read_json(at.case_record(case))
    try:
        gamma = float(record["lens"]["gamma"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{at.case_record(case)}: has no lens; bokehbench run writes it again") from error
    border = {"border": int(record["crop"])} if "crop" in record else {}
    known = record.get("notes", {}).get("target_noise_psnr")
    noise = {} if known is None else {"noise": float(known)}
    return {"target": records.sha256_file(target), "gamma": gamma, **border, **noise}


def _present(result: Result, made_from: dict[str, Any]) -> dict[str, Any]:
    """The stored scores; none if they are about other images, or broken (then they are made again)."""
    if not result.scores.exists():
        return {}
    with contextlib.suppress(InputError, AttributeError, KeyError, TypeError):
        content = records.read_json(result.scores)
        if content["schema"] == SCHEMA and made_from.items() <= content.items():
            return dict(content["scores"])
    return {}


def _name(result: Result) -> str:
    return f"{result.at.benchmark} {result.case} {result.method}"


# ---------------------------------------------------------------------------------------- one unit of work


def score_case(tasks: list[Task]) -> dict[str, dict[str, Score] | str]:
    """Score the predictions of one case and write their scores.

    Returns:
        By prediction, the scores computed, or one line that says why it could not be scored.
    """
    target = images.quantise(images.read_image(tasks[0].result.at.case_image(tasks[0].result.case, "target")))
    # Made with the first prediction that needs it, the same for all of them.
    pair = functools.cache(lambda: pairs.load(tasks[0].result.at, tasks[0].result.case))
    done: dict[str, dict[str, Score] | str] = {}
    for task in tasks:
        try:
            done[_name(task.result)] = _score(task, target, pair)
        except BokehbenchError as error:
            done[_name(task.result)] = str(error)
    return done


def _score(task: Task, target: Any, pair: Callable[[], tuple[Pair, str]]) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    if task.compute:
        prediction = images.quantise(images.read_image(task.result.prediction))
        gamma = task.made_from["gamma"]
        simple = [name for name in task.compute if not find(name).needs_pair]
        border, noise = task.made_from.get("border", 0), task.made_from.get("noise")
        scores = score_images_detailed(prediction, target, simple, gamma=gamma, border=border, noise=noise)
        if len(simple) < len(task.compute):
            paired = [name for name in task.compute if name not in simple]
            scores |= _score_paired(paired, prediction, target, gamma, *pair())
    # Read again, just before writing: another evaluation may have added its metrics meanwhile.
    kept = _present(task.result, task.made_from)
    fresh = {name: score.to_json() for name, score in {**task.lacking, **scores}.items()}
    content = {"schema": SCHEMA, **task.made_from, "scores": {**kept, **fresh}}
    records.write_json(task.result.scores, content)
    return scores


def _score_paired(
    names: Sequence[str], prediction: Any, target: Any, gamma: float, pair: Pair, digest: str
) -> dict[str, Score]:
    """Scores that need to know how input and target lie to each other; they say which record they rest on."""
    found = score_images_detailed(prediction, target, names, gamma=gamma, pair=pair)
    why = "" if pair.homography.accepted else f"as it lies, since {pair.homography.reason}"
    return {name: replace(score, pair=digest, reason=score.reason or why) for name, score in found.items()}
