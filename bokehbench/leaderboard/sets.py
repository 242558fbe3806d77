"""Numbers over the whole set of a row: computed, stored beside its predictions, in a table of their own.

`{method}/{weights}/_set.scores.json` says what each was made from: when a picture is added or changes, or the
metric does, the number is stale. A row that lacks a case has none, since N is part of what such numbers mean.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokehbench import jobs, records
from bokehbench.errors import InputError, Unavailable
from bokehbench.leaderboard.results import Protocol, Result, case_keys, has_truth, protocols, results
from bokehbench.metrics import weights
from bokehbench.metrics.sets import Picture, SetScore, fingerprint, score_set
from bokehbench.registry import SetMetricSpec, find, get

FILE = "_set.scores.json"
SCHEMA = "bokehbench.set-scores/1"
FINAL = ("ok", "undefined")


@dataclass(frozen=True)
class SetRow:
    """The predictions of one method with its weights and one seed.

    Attributes:
        at: benchmark and protocol.
        folder: of its predictions.
        cases: that it has, sorted.
        missing: cases with a ground truth that it lacks.
    """

    at: Protocol
    folder: Path
    cases: tuple[Result, ...]
    missing: int

    @property
    def label(self) -> str:
        """Method, with weights and seed where there are any."""
        of = self.folder.name
        return self.cases[0].method + ("" if of == "none" else f" [{of}]")

    def pictures(self) -> list[Picture]:
        """What is measured, in the order of the cases."""
        return [
            Picture(result.prediction, self.at.case_image(result.case, "target"), self._border(result.case))
            for result in self.cases
        ]

    def _border(self, case: str) -> int:
        return int(records.read_json(self.at.case_record(case)).get("crop", 0))

    def digest(self) -> str:
        """Of all that the numbers are made from."""
        facts = [
            [result.case, _sha256(picture.prediction), _sha256(picture.target), picture.border]
            for result, picture in zip(self.cases, self.pictures(), strict=True)
        ]
        return records.sha256_json(facts)


@dataclass
class Summary:
    """What `evaluate_sets` did: numbers computed, numbers that were there, and why others are not.

    `unavailable` is metric -> what to do; `failed` has one line for each.
    """

    computed: int = 0
    present: int = 0
    unavailable: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def is_set_metric(name: str) -> bool:
    """Whether a name is that of a metric over whole sets."""
    return find(SetMetricSpec, name) is not None


def evaluate_sets(
    root: Path, names: Sequence[str], *, workers: int = 1, only_missing: bool = True
) -> Summary:
    """Compute set metrics for every row of a results folder and store them.

    Args:
        root: results folder.
        names: of registered set metrics.
        workers: processes, a row each; numbers do not depend on it.
        only_missing: False computes those that are there again.

    Raises:
        InputError: no results folder.
        ConfigError: no such metric.
    """
    summary = Summary()
    specs = [get(SetMetricSpec, name) for name in dict.fromkeys(names)]
    work: list[tuple[str, tuple[SetRow, tuple[str, ...]]]] = []
    for row in rows(root):
        stored = _stored(row, row.digest())
        lacking = tuple(
            spec.name for spec in specs if not (only_missing and _holds(stored.get(spec.name), spec))
        )
        summary.present += len(specs) - len(lacking)
        if lacking:
            work.append((f"{row.at.benchmark} ({row.at.protocol}) {row.label}", (row, lacking)))
    for outcome in jobs.run_jobs(_measure, work, label="measuring sets", workers=workers):
        if outcome.error is not None:
            summary.failed.append(f"{outcome.key}: {outcome.error}")
        for name, score in (outcome.value or {}).items():
            _count(summary, outcome.key, name, score)
    summary.failed.sort()
    return summary


def _count(summary: Summary, key: str, name: str, score: SetScore) -> None:
    if score.status in ("unavailable", "sha-mismatch"):
        missing = (weights.status_of(file) for file in get(SetMetricSpec, name).weights)
        lines = [entry.instruction for entry in missing if entry.instruction]
        summary.unavailable.setdefault(name, lines[0] if lines else score.reason)
    elif score.status == "failed":
        summary.failed.append(f"{key} {name}: {score.reason}")
    else:
        summary.computed += 1


def _measure(work: tuple[SetRow, tuple[str, ...]]) -> dict[str, SetScore]:
    row, names = work
    digest = row.digest()
    found = {name: _score(row, name) for name in names}
    kept = _stored(row, digest)
    # A number from a machine that has the weights stays a number on one that has not.
    fresh = {
        name: score.to_json()
        for name, score in found.items()
        if score.status in FINAL or not _holds(kept.get(name), get(SetMetricSpec, name))
    }
    content = {"schema": SCHEMA, "made_from": digest, "scores": {**kept, **fresh}}
    records.write_json(row.folder / FILE, content)
    return found


def _score(row: SetRow, name: str) -> SetScore:
    if not row.missing:
        return score_set(name, row.pictures())
    spec = get(SetMetricSpec, name)
    reason = f"{row.missing} of {row.missing + len(row.cases)} cases are missing"
    return SetScore(None, None, len(row.cases), "undefined", spec.id, fingerprint(spec, ""), reason=reason)


def _holds(score: dict[str, Any] | None, spec: SetMetricSpec) -> bool:
    if score is None or score.get("status") not in FINAL:
        return False
    return score.get("fingerprint") == fingerprint(spec, str(score.get("made_by", "")))


def _stored(row: SetRow, digest: str) -> dict[str, Any]:
    """The stored scores; none if they are about other pictures, or broken (then they are made again)."""
    with contextlib.suppress(InputError, KeyError, TypeError):
        content = records.read_json(row.folder / FILE)
        if content["schema"] == SCHEMA and content["made_from"] == digest:
            return dict(content["scores"])
    return {}


def rows(root: Path) -> Iterator[SetRow]:
    """Every row of a results folder that has a case with a ground truth."""
    for at in protocols(root):
        true = {case for case in case_keys(at) if has_truth(at, case)}
        by_folder: dict[Path, list[Result]] = {}
        for result in results(at):
            if result.case in true:
                by_folder.setdefault(result.folder, []).append(result)
        for folder, found in sorted(by_folder.items()):
            yield SetRow(at, folder, tuple(sorted(found)), len(true) - len(found))


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path}: no such file; bokehbench run writes it again")
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=100_000)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    return records.sha256_file(path)


# ------------------------------------------------------------------------------------------------ tables


@dataclass
class SetTable:
    """One benchmark under one protocol: label -> metric -> stored score, and metrics whose score is stale."""

    benchmark: str
    protocol: str
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    stale: set[tuple[str, str]] = field(default_factory=set)

    @property
    def metrics(self) -> list[SetMetricSpec]:
        """Columns, in registered order."""
        from bokehbench.registry import names

        found = {name for row in self.rows.values() for name in row}
        return [get(SetMetricSpec, name) for name in names(SetMetricSpec) if name in found]


def collect_sets(roots: Sequence[Path]) -> list[SetTable]:
    """The stored numbers of several folders, merged: of one row in two of them, the first that is fresh."""
    tables: dict[tuple[str, str], SetTable] = {}
    for root in roots:
        for row in rows(root):
            if (row.folder / FILE).is_file():
                key = (row.at.benchmark, row.at.protocol)
                _add(tables.setdefault(key, SetTable(*key)), row)
    return [tables[key] for key in sorted(tables)]


def _add(table: SetTable, row: SetRow) -> None:
    fresh = _stored(row, row.digest())
    content = records.read_json(row.folder / FILE)
    into = table.rows.setdefault(row.label, {})
    for name, score in dict(content.get("scores", {})).items():
        spec = find(SetMetricSpec, name)
        current = name in fresh and spec is not None and (score["value"] is None or _holds(score, spec))
        if current and ((row.label, name) in table.stale or into.get(name, {}).get("value") is None):
            into[name] = score
            table.stale.discard((row.label, name))
        elif name not in into:
            into[name] = score
            table.stale.add((row.label, name))


def to_markdown(tables: Sequence[SetTable]) -> str:
    """The tables with their notes; empty where there is none."""
    return "\n".join(line for table in tables for line in _markdown(table))


def _markdown(table: SetTable) -> list[str]:
    columns = table.metrics
    heads = ["method", "pictures", *(_heading(spec) for spec in columns)]
    lines = [f"## {table.benchmark} ({table.protocol}), over the whole set", ""]
    lines += [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    notes: dict[str, int] = {}
    for label, scores in sorted(table.rows.items()):
        count = max(int(score["n"]) for score in scores.values())
        cells = [_cell(table, label, spec, scores.get(spec.name), notes) for spec in columns]
        lines.append(f"| {' | '.join([label, str(count), *cells])} |")
    lines += ["", *(f"[{number}] {text}  " for text, number in notes.items())]
    return [*lines, "None of these numbers is ranked.", ""]


def _heading(spec: SetMetricSpec) -> str:
    arrow = "↑" if spec.higher_is_better else "↓"
    beside = "(targets')" if spec.library else ""
    return " ".join(filter(None, [spec.name, arrow, spec.unit, beside]))


def _cell(
    table: SetTable, label: str, spec: SetMetricSpec, score: dict[str, Any] | None, notes: dict[str, int]
) -> str:
    def note(text: str) -> str:
        return f"[{notes.setdefault(text, len(notes) + 1)}]"

    if score is None:
        return "–"
    if (label, spec.name) in table.stale:
        return f"n/a {note(f'stale: bokehbench evaluate RESULTS --metric {spec.name}')}"
    if score["value"] is None:
        return f"n/a {note(score['reason'])}"
    text = f"{score['value']:.{spec.decimals}f}"
    if score["target"] is not None:
        text += f" ({score['target']:.{spec.decimals}f})"
    if score["made_by"]:
        text += " " + note(f"by {score['made_by']}")
    if score["n"] < spec.least:
        text += " " + note(
            f"small set, {score['n']} pictures, fewer than {spec.least}: FID is mostly bias, KID uncertain"
        )
    return text


def to_json(tables: Sequence[SetTable]) -> list[dict[str, Any]]:
    """For machines: every stored number, `stale` where it no longer holds."""
    return [
        {
            "benchmark": table.benchmark,
            "protocol": table.protocol,
            "rows": {
                label: {
                    name: {**score, "stale": (label, name) in table.stale} for name, score in scores.items()
                }
                for label, scores in sorted(table.rows.items())
            },
        }
        for table in tables
    ]


def write(roots: Sequence[Path], out: Path) -> list[SetTable]:
    """Write OUT/sets.md and OUT/sets.json, where any set metric was computed."""
    tables = collect_sets(roots)
    if tables:
        records.write_text(out / "sets.md", to_markdown(tables))
        records.write_json(out / "sets.json", to_json(tables))
    return tables


def require(names: Sequence[str], unavailable: dict[str, str]) -> None:
    """Refuse to go on without metrics that were asked for by `--require`.

    Raises:
        Unavailable: one of them has no numbers here.
    """
    for name in names:
        if name in unavailable:
            raise Unavailable(f"--require {name}: {unavailable[name]}")
