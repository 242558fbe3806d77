"""Holding every file of a results folder to its record: pictures, scores, breakdowns, numbers of sets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.errors import BokehbenchError
from bokehbench.leaderboard import set_scores
from bokehbench.leaderboard.regions import BREAKDOWN_SCHEMA
from bokehbench.leaderboard.results import Protocol, Result, case_keys, has_truth, results
from bokehbench.leaderboard.stored import RECORD, read_object, read_scores

PARTS = ("whole", "regions", "defocus")
"""What every breakdown has."""


def broken_cases(at: Protocol) -> Iterator[str]:
    """One line for each case record or picture that is missing or changed."""
    for key in sorted({*case_keys(at), *(result.case for result in results(at))}):
        path = at.case_record(key)
        if not path.exists():
            yield f"{path}: is missing"
            continue
        try:
            has_truth(at, key)  # reads it, and refuses what is no record of a case
            hashes = records.read_json(path).get("pictures", {"target": None})
        except BokehbenchError as error:
            yield _line(path.relative_to(at.root).as_posix(), error)
            continue
        for what, wanted in sorted(hashes.items()):
            picture = at.case_image(key, what)
            if not picture.is_file():
                yield f"{picture}: is missing"
            elif wanted is not None and records.sha256_file(picture) != wanted:
                yield f"{picture}: is not the picture of its record"


def broken_files(result: Result) -> Iterator[str]:
    """One line for each thing that is wrong with the files of one result."""
    name = result.name
    try:
        record = read_object(result.record, {**RECORD, "benchmark": str, "protocol": str, "case": str})
    except BokehbenchError as error:
        yield _line(f"{name}: its record cannot be read", error)
        return
    wanted = {"benchmark": result.at.benchmark, "protocol": result.at.protocol, "case": result.case}
    for what, value in wanted.items():
        if record[what] != value:
            yield f"{name}: its record is of {what} {record[what]}"
    if record["method"].partition("@")[0] != result.method:
        yield f"{name}: its record is of method {record['method']}"
    if (record.get("seed") or 0) != result.seed:
        yield f"{name}: its record is of seed {record['seed']}"
    if not result.prediction.is_file():
        yield f"{name}: the prediction is missing"
        return
    held = records.sha256_file(result.prediction)
    if held != record["prediction"]:
        yield f"{name}: the prediction is not the one of its record"
    path = result.at.case_image(result.case, "target")
    facts = {"prediction": held, "target": records.sha256_file(path) if path.is_file() else None}
    yield from _broken_scores(result, facts)
    yield from _broken_breakdown(result, facts)


def _broken_scores(result: Result, facts: dict[str, Any]) -> Iterator[str]:
    try:
        scores = read_scores(result.scores)
    except BokehbenchError as error:
        yield _line(f"{result.name}: its scores cannot be read", error)
        return
    yield from _of_others(result.name, "scores", scores if scores["scores"] else None, facts)


def _broken_breakdown(result: Result, facts: dict[str, Any]) -> Iterator[str]:
    if not result.breakdown.exists():
        return
    name = result.name
    try:
        parts = read_object(result.breakdown, {"schema": str, "version": int, **dict.fromkeys(PARTS, dict)})
    except BokehbenchError as error:
        yield _line(f"{name}: its breakdown cannot be read", error)
        return
    if parts["schema"] != BREAKDOWN_SCHEMA:
        yield f"{name}: its breakdown has the schema {parts['schema']}"
    yield from _of_others(name, "breakdown", parts, facts)


def _of_others(name: str, what: str, content: dict[str, Any] | None, facts: dict[str, Any]) -> Iterator[str]:
    """Whether something was made from the prediction and target that lie there."""
    for picture, held in facts.items() if content is not None else ():
        if held is not None and (content or {}).get(picture) != held:
            yield f"{name}: the {what} are of another {picture}".replace("breakdown are", "breakdown is")


def without_record(at: Protocol) -> Iterator[str]:
    """One line for each prediction that has no record."""
    for picture in sorted(at.folder.glob("[!_]*/*/*.png")):
        if ".part-" not in picture.name and not picture.with_suffix(".json").exists():
            yield f"{picture.relative_to(at.root).with_suffix('').as_posix()}: the record is missing"


def readable_rows(root: Path) -> Iterator[set_scores.SetRow]:
    """Rows that may have numbers over their whole set, up to what cannot be read, which is said elsewhere."""
    with contextlib.suppress(BokehbenchError):
        yield from set_scores.rows(root)


def broken_set_scores(root: Path) -> Iterator[str]:
    """One line for each row whose numbers over the whole set are broken, or of other pictures."""
    for row in readable_rows(root):
        path = row.folder / set_scores.FILE
        if not path.is_file():
            continue
        name = path.relative_to(root).as_posix()
        try:
            if set_scores.read(path)["made_from"] != row.digest():
                yield f"{name}: its numbers are of other pictures"
        except BokehbenchError as error:
            yield _line(f"{name}: cannot be read", error)


def _line(what: str, error: BokehbenchError) -> str:
    return f"{what}: {' '.join(str(error).split())}"
