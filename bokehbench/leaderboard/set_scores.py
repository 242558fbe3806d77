"""Numbers over the whole set of a row: computed, and stored beside its predictions (`sets.py` shows them).

`{method}/{weights}/_set.scores.json` says what each was made from: when a picture is added or changes, or the
metric does, the number is stale. A row that lacks a case has none, since N is part of what such numbers mean.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bokehbench import jobs, records
from bokehbench.errors import InputError, Unavailable
from bokehbench.leaderboard import focus
from bokehbench.leaderboard.results import Protocol, Result, case_keys, has_truth, protocols, results
from bokehbench.leaderboard.stored import read_object
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

    def pictures(self, *, boxes: bool = False) -> list[Picture]:
        """What is measured, in the order of the cases; with the boxes in focus, which take long to find."""
        return [
            Picture(
                result.prediction,
                self.at.case_image(result.case, "target"),
                self._border(result.case),
                focus.box(self.at, result.case, self._border(result.case)) if boxes else None,
            )
            for result in self.cases
        ]

    def regions(self) -> str:
        """Digest of the regions that boxes in focus rest on; empty where they are still to be found."""
        found = [focus.digest(self.at, result.case) for result in self.cases]
        return records.sha256_json(found) if all(found) else ""

    def _border(self, case: str) -> int:
        return int(read_object(self.at.case_record(case), {}).get("crop", 0))

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

    `unavailable` is metric -> status and what to do; `failed` has one line for each.
    """

    computed: int = 0
    present: int = 0
    unavailable: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def is_set_metric(name: str) -> bool:
    """Whether a name is that of a metric over whole sets."""
    return find(SetMetricSpec, name) is not None


def evaluate_sets(
    root: Path,
    names: Sequence[str],
    *,
    workers: int = 1,
    ray: str | None = None,
    shard: tuple[int, int] = (0, 1),
    only_missing: bool = True,
) -> Summary:
    """Compute set metrics for every row of a results folder and store them.

    Args:
        root: results folder.
        names: of registered set metrics.
        workers: processes, a row each; numbers do not depend on it.
        ray: address of a Ray cluster, see `bokehbench.jobs.run_jobs`.
        shard: (i, n): the i-th of n parts of the rows.
        only_missing: False computes those that are there again.

    Raises:
        InputError: no results folder.
        ConfigError: no such metric.
    """
    summary = Summary()
    specs = [get(SetMetricSpec, name) for name in dict.fromkeys(names)]
    work: list[tuple[str, tuple[SetRow, tuple[str, ...]]]] = []
    for row in list(rows(root))[shard[0] :: shard[1]]:
        name = f"{row.at.benchmark} ({row.at.protocol}) {row.label}"
        try:
            stored = _stored(row, row.digest())
            held = [spec for spec in specs if only_missing and holds(stored.get(spec.name), spec, row)]
        except InputError as error:  # a picture or record of one of its cases is gone or damaged
            summary.failed.append(f"{name}: {error}")
            continue
        lacking = tuple(spec.name for spec in specs if spec not in held)
        summary.present += len(held)
        if lacking:
            work.append((name, (row, lacking)))
    for outcome in jobs.run_jobs(_measure, work, label="measuring sets", workers=workers, ray=ray):
        if outcome.error is not None:
            summary.failed.append(f"{outcome.key}: {outcome.error}")
        for name, score in (outcome.value or {}).items():
            _count(summary, outcome.key, name, score)
    summary.failed.sort()
    return summary


def _count(summary: Summary, key: str, name: str, score: SetScore) -> None:
    if score.status in ("unavailable", "sha-mismatch"):
        missing = (weights.status_of(file) for file in get(SetMetricSpec, name).weights)
        lines = [entry.instruction for entry in missing if entry.status == score.status]
        summary.unavailable.setdefault(name, f"{score.status}: {lines[0] if lines else score.reason}")
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
        if score.status in FINAL or not holds(kept.get(name), get(SetMetricSpec, name), row)
    }
    content = {"schema": SCHEMA, "made_from": digest, "scores": {**kept, **fresh}}
    records.write_json(row.folder / FILE, content)
    return found


def _score(row: SetRow, name: str) -> SetScore:
    spec = get(SetMetricSpec, name)
    if row.missing:
        reason = f"{row.missing} of {row.missing + len(row.cases)} cases are missing"
        return SetScore(
            None, None, len(row.cases), "undefined", spec.id, fingerprint(spec, ""), reason=reason
        )
    score = score_set(name, row.pictures(boxes=spec.in_focus))
    return replace(score, regions=row.regions()) if spec.in_focus else score


def holds(score: Mapping[str, Any] | None, spec: SetMetricSpec, row: SetRow) -> bool:
    """Whether a stored number is final, and made by what would make it today from the same regions."""
    if score is None or score.get("status") not in FINAL:
        return False
    if spec.in_focus and not row.missing and score.get("regions") != row.regions():
        return False
    return bool(score.get("fingerprint") == fingerprint(spec, str(score.get("made_by", ""))))


def read(path: Path) -> dict[str, Any]:
    """What is stored of a row.

    Raises:
        InputError: the file is broken, or a number in it is none.
    """
    content = read_object(path, {"schema": str, "made_from": str, "scores": dict})
    for name, score in content["scores"].items():
        whole = isinstance(score, dict) and {"value", "target", "n", "status", "fingerprint"} <= score.keys()
        numbers = [score[key] for key in ("value", "target")] if whole else ["none"]
        if content["schema"] != SCHEMA or not all(isinstance(x, (int, float, type(None))) for x in numbers):
            raise InputError(f"{path}: {name} is damaged; delete the file and evaluate again")
    return content


def _stored(row: SetRow, digest: str) -> dict[str, Any]:
    """The stored scores; none if they are about other pictures, or broken (then they are made again)."""
    with contextlib.suppress(InputError):
        if (row.folder / FILE).exists():
            content = read(row.folder / FILE)
            return dict(content["scores"]) if content["made_from"] == digest else {}
    return {}


def rows(root: Path) -> Iterator[SetRow]:
    """Every row of a results folder that has a case with a ground truth, or with one nobody can tell."""
    for at in protocols(root):
        every = list(results(at))
        keys = {*case_keys(at), *(result.case for result in every)}
        true = {case for case in keys if _may_have_truth(at, case)}
        by_folder: dict[Path, list[Result]] = {}
        for result in every:
            if result.case in true:
                by_folder.setdefault(result.folder, []).append(result)
        for folder, found in sorted(by_folder.items()):
            yield SetRow(at, folder, tuple(sorted(found)), len(true) - len(found))


def _may_have_truth(at: Protocol, case: str) -> bool:
    """Whether a case belongs to the set; one whose record is damaged does, and its rows have no numbers."""
    try:
        return has_truth(at, case)
    except InputError:
        return True


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path}: no such file; bokehbench run writes it again")
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=100_000)
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    return records.sha256_file(path)


def require(names: Sequence[str], unavailable: dict[str, str]) -> None:
    """Refuse to go on without metrics that were asked for by `--require`.

    Raises:
        Unavailable: one of them has no numbers here.
    """
    for name in names:
        if name in unavailable:
            raise Unavailable(f"--require {name}: {unavailable[name]}")
