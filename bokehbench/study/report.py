"""What the answers to a study say: rates, scores, agreement, attention."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokehbench.errors import ConfigError, InputError
from bokehbench.study import rates
from bokehbench.study.agreement import Level, krippendorff_alpha
from bokehbench.study.answers import Participant, Verdict, contradicts, read_answers, unblind
from bokehbench.study.models import Key, Study, read_key, read_study
from bokehbench.study.rates import Estimate
from bokehbench.study.strengths import MIN_PARTICIPANTS, RESAMPLES, Choice, Strengths, fit

ALL = "all"


@dataclass(frozen=True)
class Line:
    """One number of a method: how often an answer was given, or its mean.

    Attributes:
        group: `all`, or a benchmark where there are several.
        criterion: of a rating; empty for choices.
        quantity: a label of the scale, `mean`, `preferred` (ties count half) or `chosen`.
        estimate: the number; shares lie in [0, 1].
    """

    group: str
    criterion: str
    method: str
    quantity: str
    estimate: Estimate


@dataclass(frozen=True)
class Attendance:
    """What is to be known of a participant before the answers are trusted."""

    code: str
    answered: int
    asked: int
    repeated: int
    contradicted: int
    median_seconds: float | None
    counted: bool


@dataclass(frozen=True)
class Report:
    """Everything that `export` writes.

    Attributes:
        lines: shares and means.
        strengths: Bradley-Terry scores; None for ratings.
        wins: for pairwise, (method, other) -> (won, tied, lost).
        preferred: for pairwise, (method, other) -> share of answers that prefer the method, ties half.
        agreement: criterion (or `choice`) -> Krippendorff's alpha; None where it is not defined.
        level: of alpha.
        attendance: by participant.
        verdicts: every counted answer, unblinded, repeats included.
        notes: whatever else a reader must know.
    """

    study: Study
    key: Key
    lines: list[Line]
    strengths: Strengths | None
    wins: dict[tuple[str, str], tuple[int, int, int]]
    preferred: dict[tuple[str, str], Estimate]
    agreement: dict[str, float | None]
    level: Level
    attendance: list[Attendance]
    verdicts: list[Verdict]
    notes: list[str] = field(default_factory=list)


def analyse(
    paths: Sequence[Path],
    folder: Path,
    key: Path | None = None,
    *,
    complete_only: bool = False,
    max_contradicted: float | None = None,
    resamples: int = RESAMPLES,
) -> Report:
    """Read answers, check and unblind them, and compute what they say; the order of files does not matter.

    Args:
        paths: answer files, or folders of them.
        folder: what `study build` wrote.
        key: `FOLDER.key.json` unless said.
        complete_only: leave participants out who did not answer every question.
        max_contradicted: leave those out who contradicted themselves in more than this share of the
            repeated questions.
        resamples: of the bootstrap of scores.

    Raises:
        InputError: files that do not belong together, or nobody is left.
        ConfigError: a share outside [0, 1].
    """
    if max_contradicted is not None and not 0 <= max_contradicted <= 1:
        raise ConfigError(f"--max-contradicted {max_contradicted:g}: a share, from 0 to 1")
    study = read_study(folder)
    secret = read_key(key or folder.with_name(f"{folder.name}.key.json"), study)
    people, notes = read_answers(paths, study, secret)
    attendance = [_attend(person, study, complete_only, max_contradicted) for person in people]
    counted = [person for person, seen in zip(people, attendance, strict=True) if seen.counted]
    verdicts = [verdict for person in counted for verdict in unblind(person, secret)]
    first = [verdict for verdict in verdicts if not verdict.repeat]
    if not first:
        raise InputError("no answers are left to report: everybody was left out, or nobody answered")
    strengths = None
    if study.kind != "rating":
        choices = [Choice(v.participant, v.among, v.chosen) for v in first]
        strengths = fit(choices, secret.methods, seed=secret.seed, resamples=resamples)
    level: Level = _level(study)
    return Report(
        study=study,
        key=secret,
        lines=_lines(study, secret, first),
        strengths=strengths,
        wins=_wins(first) if study.kind == "pairwise" else {},
        preferred=_preferred(first) if study.kind == "pairwise" else {},
        agreement=_agreement(study, secret, first, level),
        level=level,
        attendance=attendance,
        verdicts=verdicts,
        notes=[*secret.notes, *notes, *_notes(secret, attendance, strengths)],
    )


# ------------------------------------------------------------------------------------------ participants


def _attend(
    person: Participant, study: Study, complete_only: bool, max_contradicted: float | None
) -> Attendance:
    pairs = list(person.repeated())
    contradicted = sum(contradicts(first, again, study) for first, again in pairs)
    counted = bool(person.answers) and (person.complete or not complete_only)
    if max_contradicted is not None and pairs:
        counted = counted and contradicted / len(pairs) <= max_contradicted
    seconds = [answer.seconds for answer in person.answers]
    return Attendance(
        code=person.code,
        answered=len(person.answers),
        asked=person.asked,
        repeated=len(pairs),
        contradicted=contradicted,
        median_seconds=statistics.median(seconds) if seconds else None,
        counted=counted,
    )


def _notes(key: Key, attendance: Sequence[Attendance], strengths: Strengths | None) -> list[str]:
    notes = []
    incomplete = [f"{a.code} ({a.answered} of {a.asked})" for a in attendance if a.answered < a.asked]
    if incomplete:
        notes.append(f"incomplete: {', '.join(incomplete)}")
    left_out = [a.code for a in attendance if not a.counted]
    if left_out:
        notes.append(f"left out: {', '.join(left_out)}")
    missing = sorted(set(key.codes) - {a.code for a in attendance})
    if missing:
        notes.append(f"no answers from: {', '.join(missing)}")
    counted = sum(a.counted for a in attendance)
    if counted < MIN_PARTICIPANTS:
        notes.append(f"{counted} participants: no intervals under {MIN_PARTICIPANTS}")
    if strengths is not None and strengths.reason:
        notes.append(f"no scores: {strengths.reason}")
    if strengths is not None and strengths.smoothed:
        notes.append(
            "a method (or group of methods) won or lost every comparison with the others: its score has no "
            "finite value and no interval, and what is printed counts half a vote more for every possible "
            "answer"
        )
    elif strengths is not None and strengths.resamples_smoothed:
        notes.append(
            f"in {strengths.resamples_smoothed} of {strengths.resamples} resamples of the scores' "
            "intervals a method won or lost everything; there every possible answer counts half a vote more"
        )
    return notes


# ------------------------------------------------------------------------------------------ rates


def _lines(study: Study, key: Key, verdicts: Sequence[Verdict]) -> list[Line]:
    benchmarks = sorted({f"{v.case.benchmark} ({v.case.protocol})" for v in verdicts})
    lines = []
    for group in [ALL, *(benchmarks if len(benchmarks) > 1 else [])]:
        inside = [v for v in verdicts if group in (ALL, f"{v.case.benchmark} ({v.case.protocol})")]
        own = {method: [v for v in inside if method in v.among] for method in key.methods}
        own = {method: found for method, found in own.items() if found}
        lines += _rated(study, group, own) if study.scale else _chosen(study, group, own)
    return lines


def _rated(study: Study, group: str, own: Mapping[str, Sequence[Verdict]]) -> list[Line]:
    """By method, then criterion; a criterion is one question, of all methods and labels."""
    assert study.scale is not None  # the kind is rating
    labels = study.scale.labels
    ends = (float(labels[0]), float(labels[-1])) if study.scale.numeric else (0.0, 0.0)
    lines = []
    for criterion in study.criteria:
        given = {
            method: [(v.ratings[criterion.name], v.participant) for v in found if criterion.name in v.ratings]
            for method, found in own.items()
        }
        given = {method: ratings for method, ratings in given.items() if ratings}
        question = {
            (method, label): [(float(one == label), person) for one, person in ratings]
            for method, ratings in given.items()
            for label in labels
        }
        estimates = rates.shares(question)
        for method, ratings in given.items():
            if study.scale.numeric:
                values, people = [float(label) for label, _ in ratings], [person for _, person in ratings]
                estimate = rates.mean(values, people, ends)
                lines.append(Line(group, criterion.name, method, "mean", estimate))
            lines += [
                Line(group, criterion.name, method, label, estimates[method, label]) for label in labels
            ]
    return sorted(lines, key=lambda line: list(own).index(line.method))


def _chosen(study: Study, group: str, own: Mapping[str, Sequence[Verdict]]) -> list[Line]:
    quantity = "preferred" if study.kind == "pairwise" else "chosen"
    question = {
        method: [(0.5 if v.chosen is None else float(v.chosen == method), v.participant) for v in found]
        for method, found in own.items()
    }
    estimates = rates.shares(question)
    return [Line(group, "", method, quantity, estimate) for method, estimate in estimates.items()]


def _wins(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], tuple[int, int, int]]:
    wins: dict[tuple[str, str], tuple[int, int, int]] = {}
    for verdict in verdicts:
        one, other = verdict.among
        for own, against in ((one, other), (other, one)):
            won, tied, lost = wins.get((own, against), (0, 0, 0))
            wins[own, against] = (
                won + (verdict.chosen == own),
                tied + (verdict.chosen is None),
                lost + (verdict.chosen == against),
            )
    return wins


def _preferred(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], Estimate]:
    hits: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for verdict in verdicts:
        one, other = verdict.among
        for own, against in ((one, other), (other, one)):
            hit = 0.5 if verdict.chosen is None else float(verdict.chosen == own)
            hits.setdefault((own, against), []).append((hit, verdict.participant))
    return rates.shares(hits)


# -------------------------------------------------------------------------------------------- agreement


def _level(study: Study) -> Level:
    """What differences of answers mean: numbers, an order (a tie lies between two), or nothing."""
    if study.scale is not None:
        return "interval" if study.scale.numeric else "ordinal"
    return "ordinal" if study.kind == "pairwise" else "nominal"


def _agreement(study: Study, key: Key, verdicts: Sequence[Verdict], level: Level) -> dict[str, float | None]:
    if study.scale is not None:
        labels = study.scale.labels

        def rating(name: str) -> Callable[[Verdict], int]:
            return lambda v: labels.index(v.ratings[name])

        rated = {c.name: [v for v in verdicts if c.name in v.ratings] for c in study.criteria}
        return {name: _alpha(own, rating(name), len(labels), level) for name, own in rated.items()}
    if study.kind == "pairwise":
        # The method that reports list first, a tie, the other: the same three values in every question.
        def side(v: Verdict) -> int:
            return 1 if v.chosen is None else 2 * v.among.index(v.chosen)

        return {"choice": _alpha(verdicts, side, 3, level)}
    return {"choice": _alpha(verdicts, lambda v: key.methods.index(str(v.chosen)), len(key.methods), level)}


def _alpha(
    verdicts: Sequence[Verdict], value: Callable[[Verdict], int], values: int, level: Level
) -> float | None:
    units: dict[str, list[int]] = {}
    for verdict in verdicts:
        units.setdefault(verdict.trial, []).append(value(verdict))
    alpha = krippendorff_alpha([units[trial] for trial in sorted(units)], values, level)
    return None if alpha is None or math.isnan(alpha) else alpha


def summary(report: Report) -> dict[str, Any]:
    """Numbers of the study as a whole."""
    seconds = [v.seconds for v in report.verdicts]
    return {
        "participants": sum(a.counted for a in report.attendance),
        "answers": sum(not v.repeat for v in report.verdicts),
        "questions": len(report.study.trials),
        "cases": len(report.key.cases),
        "median_seconds": round(statistics.median(seconds), 2),
        "repeated": sum(a.repeated for a in report.attendance if a.counted),
        "contradicted": sum(a.contradicted for a in report.attendance if a.counted),
    }
