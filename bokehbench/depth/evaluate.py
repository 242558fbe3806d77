"""Depth networks on pictures with measured depth, clean and degraded: AbsRel and delta1 after alignment.

    OUT/SET/MODEL-weights/INPUT/KEY.json   one picture's numbers, written when it is done
    OUT/depth.json, OUT/depth.md           all of them with their means; the table

Predictions are aligned in inverse depth by scale and shift for each picture, metric networks as well, and
means are over pictures.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench.depth.accuracy import accuracy
from bokehbench.depth.choice import Choice
from bokehbench.depth.models import identity, predict_raw, preload
from bokehbench.depth.sets import DepthCase, DepthSet, Measured, open_set
from bokehbench.errors import ConfigError, InputError
from bokehbench.jobs import run_jobs
from bokehbench.records import (
    code_version,
    library_versions,
    read_json,
    remove_parts,
    sha256_json,
    write_json,
    write_text,
)
from bokehbench.registry import DepthSetSpec

PROTOCOL = "affine-disparity@1"
CLEAN = "clean"


@dataclass(frozen=True)
class Test:
    """What is asked: sets as NAME:DIR, networks, the degradation of the second input, how many pictures."""

    sets: tuple[str, ...]
    models: tuple[Choice, ...]
    preset: str = "osediff_512"
    seed: int = 7
    limit: int | None = None

    def check(self) -> None:
        """ConfigError where it asks for nothing, or for what cannot be."""
        if not self.models:
            raise ConfigError("say which networks: --model NAME (repeatable)")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"--limit must be at least 1, not {self.limit}")
        if self.seed < 0:
            raise ConfigError(f"--seed must be at least 0, not {self.seed}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the two inputs: the pictures as they are, and degraded."""
        return (CLEAN, f"{Path(self.preset).stem}-{self.seed}")


@dataclass(frozen=True)
class Unit:
    """One picture, one input, one network; `request` makes the number, with the data of `digest`."""

    set_text: str
    case: DepthCase
    input: str
    test: Test
    model: Choice
    request: dict[str, Any]
    digest: str
    path: Path

    @property
    def group(self) -> tuple[str, str, str]:
        """Set, network and input: what means are over."""
        model = self.request["model"]
        return self.request["set"].partition("@")[0], f"{model['spec']} {model['weights']}", self.input


@dataclass(frozen=True)
class Row:
    """Means of one network on one set and input; `partial` where pictures are missing or left out."""

    set: str
    model: str
    input: str
    abs_rel: float
    delta1: float
    images: int
    expected: int
    reversed: int

    @property
    def partial(self) -> bool:
        """Not the whole set."""
        return self.images != self.expected


def evaluate(test: Test, out: Path, *, workers: int = 1) -> list[Row]:
    """Evaluate networks, or what is missing below `out`; returns the table's rows.

    Raises:
        ConfigError, InputError, Unavailable: see `sets.open_set` and `models.predict`; InputError also where
            pictures failed, after the others are done.
    """
    test.check()
    remove_parts(out)
    identities = {choice.name: identity(choice) for choice in test.models}
    units, facts = _units(test, out, identities)
    todo = [(unit.path.relative_to(out).as_posix(), unit) for unit in units if not _is_done(unit)]
    if todo and workers == 1:
        for choice in test.models:
            preload(choice)
    failed = [
        outcome for outcome in run_jobs(_do, todo, label="evaluating", workers=workers) if outcome.error
    ]
    if failed:
        first = failed[0]
        raise InputError(f"{len(failed)} of {len(units)} failed; the first: {first.key}: {first.error}")
    rows = _rows(units, facts)
    _write(out, test, identities, facts, units, rows)
    return rows


def _units(
    test: Test, out: Path, identities: dict[str, dict[str, Any]]
) -> tuple[list[Unit], dict[str, dict[str, Any]]]:
    """Every picture, input and network; and of each set what was found."""
    units, facts = [], {}
    degraded = _degradation(test)
    for text in test.sets:
        spec, _, depth_set = open_set(text)
        if spec.name in facts:
            raise ConfigError(f"--evaluate names {spec.name} twice")
        cases = depth_set.cases()[: test.limit]
        digests = [depth_set.digest(case) for case in cases]
        facts[spec.name] = {
            "set": spec.id,
            "layout": depth_set.layout,
            "expected": depth_set.expected,
            "images": len(cases),
            "reach": list(depth_set.reach),
            "rules": spec.protocol,
        }
        for choice in test.models:
            who = identities[choice.name]
            folder = f"{_slug(who['spec'])}-{who['weights']}"
            for name in test.inputs:
                request = {
                    "protocol": PROTOCOL,
                    "set": spec.id,
                    "layout": depth_set.layout,
                    "model": who,
                    "input": None if name == CLEAN else degraded,
                }
                place = out / spec.name / folder / name
                units += [
                    Unit(text, case, name, test, choice, request, digest, place / f"{case.key}.json")
                    for case, digest in zip(cases, digests, strict=True)
                ]
    return units, facts


def _slug(spec_id: str) -> str:
    return spec_id.partition("@")[0].replace("/", "--")


def _degradation(test: Test) -> dict[str, Any]:
    """What makes the second input, for records; ConfigError for an unknown preset."""
    from bokehbench.synth.degrade import load_preset

    return {"preset": load_preset(test.preset).model_dump(mode="json"), "seed": test.seed}


def _is_done(unit: Unit) -> bool:
    if not unit.path.is_file():
        return False
    record = read_json(unit.path)
    same = {"request_sha256": sha256_json(unit.request), "data": unit.digest}
    return isinstance(record, dict) and all(record.get(key) == value for key, value in same.items())


def _do(unit: Unit) -> None:
    """One picture's numbers, into its file."""
    _, _, depth_set = _opened(unit.set_text)
    measured = depth_set.load(unit.case)
    image = measured.image if unit.input == CLEAN else _degraded(measured, unit)
    prediction = predict_raw(unit.model, image)
    try:
        result = accuracy(prediction.inverse, measured.depth, measured.valid, depth_set.reach)
    except InputError as error:
        raise InputError(f"{unit.case.depth}: {error}") from error
    record = {
        "key": unit.case.key,
        "request_sha256": sha256_json(unit.request),
        "data": unit.digest,
        "accuracy": result.to_json(),
    }
    write_json(unit.path, record)


_sets: dict[str, tuple[DepthSetSpec, Path, DepthSet]] = {}
"""In each process: sets that are open (the .mat file is opened once)."""


def _opened(text: str) -> tuple[DepthSetSpec, Path, DepthSet]:
    if text not in _sets:
        _sets[text] = open_set(text)
    return _sets[text]


def _degraded(measured: Measured, unit: Unit) -> Any:
    """The low-quality picture, at the size of the clean one."""
    from bokehbench.depth.degraded import keyed
    from bokehbench.synth.degrade import load_preset

    return keyed(measured.image, unit.case.key, load_preset(unit.test.preset), unit.test.seed)


def _rows(units: Sequence[Unit], facts: dict[str, dict[str, Any]]) -> list[Row]:
    """Means over pictures, in the order asked."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for unit in units:
        groups.setdefault(unit.group, []).append(read_json(unit.path)["accuracy"])
    return [
        Row(
            *group,
            abs_rel=statistics.fmean(entry["abs_rel"] for entry in entries),
            delta1=statistics.fmean(entry["delta1"] for entry in entries),
            images=len(entries),
            expected=facts[group[0]]["expected"],
            reversed=sum(entry["scale"] < 0.0 for entry in entries),
        )
        for group, entries in groups.items()
    ]


def table(rows: Sequence[Row]) -> str:
    """Markdown: a line a set and network, AbsRel and delta1 of clean, degraded and both."""
    lines = [
        "| set | model | images | clean AbsRel ↓ | δ1 ↑ | degraded AbsRel ↓ | δ1 ↑ | mean AbsRel ↓ | δ1 ↑ |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for first in rows:
        if first.input != CLEAN:
            continue
        second = next(r for r in rows if (r.set, r.model) == (first.set, first.model) and r.input != CLEAN)
        count = f"{first.images} of {first.expected}" if first.partial else str(first.images)
        means = ((first.abs_rel + second.abs_rel) / 2, (first.delta1 + second.delta1) / 2)
        numbers = (first.abs_rel, first.delta1, second.abs_rel, second.delta1, *means)
        cells = [first.set, first.model, count, *(f"{value:.4f}" for value in numbers)]
        lines.append(f"| {' | '.join(cells)} |")
    wrong = {row.model: row.reversed for row in rows if row.reversed > row.images / 2}
    lines += [
        f"\n{model}: near and far are the wrong way round in {count} pictures."
        for model, count in wrong.items()
    ]
    return "\n".join(lines) + "\n"


def _write(
    out: Path,
    test: Test,
    identities: dict[str, dict[str, Any]],
    facts: dict[str, dict[str, Any]],
    units: Sequence[Unit],
    rows: Sequence[Row],
) -> None:
    """The record of everything, and the table."""
    pictures: dict[str, Any] = {}
    for unit in units:
        record = read_json(unit.path)
        entry = {"data": record["data"], **record["accuracy"]}
        pictures[unit.path.relative_to(out).with_suffix("").as_posix()] = entry
    record = {
        "version": 1,
        "code": code_version(),
        "libraries": library_versions("numpy", "opencv-python-headless", "torch", "transformers"),
        "protocol": PROTOCOL,
        "degradation": _degradation(test),
        "models": identities,
        "sets": facts,
        "rows": [vars(row) for row in rows],
        "pictures": pictures,
    }
    write_json(out / "depth.json", record)
    write_text(out / "depth.md", table(rows))
