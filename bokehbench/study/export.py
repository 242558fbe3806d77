"""A report as Markdown to read, CSV to plot, JSON to keep, and every unblinded answer as CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.leaderboard.statistics import ID
from bokehbench.study import rates
from bokehbench.study.rates import Estimate
from bokehbench.study.report import ALL, Line, Report, summary
from bokehbench.study.strengths import Strength


def write_report(report: Report, out: Path) -> None:
    """Write OUT/report.md, report.csv, report.json and answers.csv; the report.md last."""
    records.write_json(out / "report.json", to_json(report))
    records.write_text(out / "report.csv", to_csv(report))
    records.write_text(out / "answers.csv", answers_csv(report))
    records.write_text(out / "report.md", to_markdown(report))


# --------------------------------------------------------------------------------------------- markdown


def to_markdown(report: Report) -> str:
    """The report to read."""
    study, numbers = report.study, summary(report)
    parts = [
        f"# {_cell(study.title)}",
        f"{_cell(study.question)} ({study.kind}, study `{study.hash}`)",
        f"{numbers['participants']} participants gave {numbers['answers']} answers about "
        f"{numbers['cases']} cases; half of the answers took {numbers['median_seconds']:g} s or less.",
    ]
    for group in dict.fromkeys(line.group for line in report.lines):
        for criterion in dict.fromkeys(line.criterion for line in report.lines):
            lines = [line for line in report.lines if (line.group, line.criterion) == (group, criterion)]
            if lines:
                parts += [_heading(group, criterion), _rates_table(lines)]
    if report.strengths is not None and report.strengths.scores:
        parts += ["## Scores", _scores_table(report), _scores_sentence(report)]
    if report.wins:
        parts += ["## Won, tied, lost", _wins_table(report)]
    parts += ["## Agreement and attention", _agreement_text(report), _attendance_table(report)]
    if report.notes:
        parts += ["## Notes", "\n".join(f"- {_cell(note)}" for note in report.notes)]
    parts.append(
        "Intervals are 95 %, over participants: they speak of other people before these pictures, not of "
        "other pictures."
    )
    return "\n\n".join(parts) + "\n"


def _heading(group: str, criterion: str) -> str:
    title = criterion or "Choices"
    return f"## {_cell(title)}" if group == ALL else f"### {_cell(title)}: {_cell(group)}"


def _rates_table(lines: Sequence[Line]) -> str:
    quantities = list(dict.fromkeys(line.quantity for line in lines))
    by_method: dict[str, dict[str, Line]] = {}
    for line in lines:
        by_method.setdefault(line.method, {})[line.quantity] = line
    rows = [
        [method, *(_estimate(own[q]) for q in quantities), str(own[quantities[0]].estimate.answers)]
        for method, own in by_method.items()
    ]
    return _table(["method", *quantities, "answers"], rows)


def _estimate(line: Line) -> str:
    if line.quantity == "mean":
        return _bounded(line.estimate, 1.0, 2, "")
    return _bounded(line.estimate, 100.0, 1, " %")


def _bounded(estimate: Estimate, scale: float, decimals: int, unit: str) -> str:
    text = f"{scale * estimate.value:.{decimals}f}{unit}"
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} ({scale * estimate.low:.{decimals}f} to {scale * estimate.high:.{decimals}f})"


def _scores_table(report: Report) -> str:
    assert report.strengths is not None  # the caller has asked
    rows = [[method, _score(score)] for method, score in report.strengths.scores.items()]
    return _table(["method", "score"], rows)


def _score(score: Strength) -> str:
    if not score.finite:
        return f"n/a ({score.score:+.2f} with half votes)"
    if score.low is None or score.high is None:
        return f"{score.score:+.2f}"
    return f"{score.score:+.2f} ({score.low:+.2f} to {score.high:+.2f})"


def _scores_sentence(report: Report) -> str:
    assert report.strengths is not None  # the caller has asked
    model = "Bradley-Terry" if report.study.kind == "pairwise" else "Luce"
    text = f"{model} scores: they sum to 0, and a difference of 1 is odds of 2.7 to 1."
    if report.strengths.tie:
        text += f" Ties after Davidson, nu = {report.strengths.tie:.2f}."
    if report.strengths.resamples:
        text += f" Intervals: {report.strengths.resamples} resamples of participants."
    return text


def _wins_table(report: Report) -> str:
    methods = report.key.methods
    rows = []
    for method in methods:
        cells = ["–" if other == method else _against(report, method, other) for other in methods]
        rows.append([method, *cells])
    return _table(["against", *methods], rows)


def _against(report: Report, method: str, other: str) -> str:
    counts = report.wins.get((method, other))
    if counts is None:
        return ""
    share = _bounded(report.preferred[method, other], 100.0, 1, " %")
    return f"{' / '.join(str(count) for count in counts)}: {share}"


def _agreement_text(report: Report) -> str:
    said = [
        f"{name} {'not defined' if alpha is None else format(alpha, '.3f')}"
        for name, alpha in report.agreement.items()
    ]
    text = f"Krippendorff's alpha ({report.level}): {', '.join(said)}."
    numbers = summary(report)
    if numbers["repeated"]:
        text += (
            f" Of {numbers['repeated']} questions asked twice, {numbers['contradicted']} were answered in "
            "contradiction."
        )
    return text


def _attendance_table(report: Report) -> str:
    rows = [
        [
            seen.code,
            f"{seen.answered} of {seen.asked}",
            f"{seen.contradicted} of {seen.repeated}" if seen.repeated else "",
            "" if seen.median_seconds is None else f"{seen.median_seconds:.1f}",
            "yes" if seen.counted else "no",
        ]
        for seen in report.attendance
    ]
    return _table(["participant", "answered", "contradicted", "median seconds", "counted"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


# ------------------------------------------------------------------------------------------------- data


def to_json(report: Report) -> dict[str, Any]:
    """Everything but the single answers."""
    strengths = report.strengths
    return {
        "schema": "bokehbench.study-report/1",
        "statistics": ID,
        "intervals": rates.ID,
        "study": report.study.hash,
        "kind": report.study.kind,
        "title": report.study.title,
        "question": report.study.question,
        "methods": [_method(report, label) for label in report.key.methods],
        **summary(report),
        "rates": [_flat(line) for line in report.lines],
        "scores": None if strengths is None else dataclasses.asdict(strengths),
        "wins": [
            {
                "method": own,
                "against": other,
                "won": won,
                "tied": tied,
                "lost": lost,
                "preferred": dataclasses.asdict(report.preferred[own, other]),
            }
            for (own, other), (won, tied, lost) in sorted(report.wins.items())
        ],
        "agreement": {"level": report.level, "krippendorff_alpha": report.agreement},
        "attendance": [dataclasses.asdict(seen) for seen in report.attendance],
        "notes": report.notes,
        "code": records.code_version(),
    }


def _method(report: Report, label: str) -> dict[str, Any]:
    made = sorted({(p.made_by, p.weights) for p in report.key.pictures.values() if p.label == label})
    return {"label": label, "made_by": [{"method": method, "weights": weights} for method, weights in made]}


def _flat(line: Line) -> dict[str, Any]:
    own = dataclasses.asdict(line)
    return {**{name: own[name] for name in ("group", "criterion", "method", "quantity")}, **own["estimate"]}


def to_csv(report: Report) -> str:
    """One row a number: rates, of pairs `preferred to OTHER`, then scores."""
    rows = [_flat(line) for line in report.lines]
    rows += [
        _flat(Line(ALL, "", own, f"preferred to {other}", estimate))
        for (own, other), estimate in sorted(report.preferred.items())
    ]
    if report.strengths is not None:
        rows += [
            {
                "group": ALL,
                "criterion": "",
                "method": method,
                "quantity": "score",
                "value": score.score,
                "low": score.low,
                "high": score.high,
                "answers": "",
                "participants": "",
            }
            for method, score in report.strengths.scores.items()
        ]
    names = ["group", "criterion", "method", "quantity", "value", "low", "high", "answers", "participants"]
    return _csv(names, rows)


def answers_csv(report: Report) -> str:
    """One row an answer (and criterion), unblinded; methods shown are separated by semicolons."""
    rows = []
    for v in report.verdicts:
        common = {
            "participant": v.participant,
            "trial": v.trial,
            "repeat": int(v.repeat),
            **v.case.model_dump(),
            "shown": "; ".join(v.among),
            "seconds": v.seconds,
        }
        answers = v.ratings or {"": "tie" if v.chosen is None else v.chosen}
        rows += [{**common, "criterion": name, "answer": answer} for name, answer in answers.items()]
    names = ["participant", "trial", "repeat", "benchmark", "protocol", "case", "scene", "level"]
    return _csv([*names, "shown", "criterion", "answer", "seconds"], rows)


def _csv(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
