"""What a study shows: predictions of results folders, the cases that all chosen methods have, the focus."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import records, registry, rng
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result, case_keys, protocols, results
from bokehbench.registry import MethodSpec

PHOTOGRAPHS = ("reference", "target")
"""What can take part beside the methods: a photograph that a set has, or the ground truth."""
FOCUS_TOLERANCE = 0.02
"""Disparities so near to disp_focus count as the focal plane where the cross is placed."""

Row = tuple[str, str]


@dataclass(frozen=True)
class Candidate:
    """One picture to be judged: a prediction, or a photograph of `PHOTOGRAPHS` (then `result` is None)."""

    label: str
    path: Path
    result: Result | None = None


@dataclass(frozen=True)
class ShownCase:
    """A case, the folder that has its input, and its candidates by label."""

    at: Protocol
    case: str
    scene: str
    level: str
    disp_focus: float
    candidates: Mapping[str, Candidate]


@dataclass(frozen=True)
class Selection:
    """What to show: cases, labels in the order of reports, and what was left out."""

    cases: list[ShownCase]
    labels: list[str]
    notes: list[str]


def select(
    roots: Sequence[Path],
    *,
    methods: Sequence[str] = (),
    benchmarks: Sequence[str] = (),
    protocols: Sequence[str] = (),
    levels: Sequence[str] = (),
    also: Sequence[str] = (),
    count: int | None = None,
    seed: int = 0,
) -> Selection:
    """The cases of results folders that every chosen method has.

    Args:
        roots: results folders; several are merged, the first that has a prediction gives it.
        methods: names, all their weights included; none for every method without an oracle.
        benchmarks: names; none for all.
        protocols: names, or `name@version` with the disparity track as the folder has it; none for all.
        levels: blur levels; none for all.
        also: of `PHOTOGRAPHS`.
        count: of cases, spread over scenes as evenly as can be; None for all.
        seed: of the draw of cases.

    Raises:
        InputError: no results, nothing in common, or a prediction that is not what its record says.
        ConfigError: a method, benchmark, protocol or level that the results do not have.
    """
    found = _found(roots, benchmarks, protocols)
    known = {_case_record(at, key)["level"] for (*_, key), (at, _) in found.items()}
    _refuse_unknown("--level", levels, known)
    rows = _rows(found, methods)
    names = [name for name, _ in rows]
    labels = {row: row[0] if names.count(row[0]) == 1 else f"{row[0]} [{row[1]}]" for row in rows}
    cases, incomplete = [], 0
    for (_, _, key), (at, predictions) in sorted(found.items()):
        record = _case_record(at, key)
        if levels and record["level"] not in levels:
            continue
        candidates = {
            labels[row]: Candidate(labels[row], predictions[row].prediction, predictions[row])
            for row in rows
            if row in predictions
        }
        candidates |= {
            what: Candidate(what, path) for what in also if (path := at.case_image(key, what)).is_file()
        }
        if len(candidates) < len(rows) + len(also):
            incomplete += 1
            continue
        focus = float(record["lens"]["disp_focus"])
        cases.append(ShownCase(at, key, record["scene"], record["level"], focus, candidates))
    shown = [*labels.values(), *also]
    if not cases:
        wanted = f" at {', '.join(levels)}" if levels else ""
        raise InputError(
            f"no case{wanted} has pictures of all of {', '.join(shown)}; run the missing methods"
        )
    notes = [_left_out(incomplete)] if incomplete else []
    chosen = _spread(cases, count, seed)
    if count is not None and count > len(cases):
        notes.append(f"only {len(cases)} of the {count} cases asked for are there")
    for case in chosen:
        for candidate in case.candidates.values():
            _check(candidate, case)
    return Selection(chosen, shown, notes)


def _left_out(count: int) -> str:
    if count == 1:
        return "1 case left out: not every method has it"
    return f"{count} cases left out: not every method has them"


def _found(
    roots: Sequence[Path], benchmarks: Sequence[str], wanted: Sequence[str]
) -> dict[tuple[str, str, str], tuple[Protocol, dict[Row, Result]]]:
    """(benchmark, protocol, case) -> the folder that has its pictures, and its predictions."""
    found: dict[tuple[str, str, str], tuple[Protocol, dict[Row, Result]]] = {}
    known: set[str] = set()
    rules: set[str] = set()
    for root in roots:
        for at in protocols(root):
            known.add(at.benchmark)
            if benchmarks and at.benchmark not in benchmarks:
                continue
            names = {at.protocol, at.protocol.partition("@")[0]}
            rules |= names
            if wanted and names.isdisjoint(wanted):
                continue
            for key in case_keys(at):
                held = found.setdefault((at.benchmark, at.protocol, key), (at, {}))
                if _case_record(held[0], key)["data"] != _case_record(at, key)["data"]:
                    raise InputError(
                        f"case {key} differs between {held[0].folder} and {at.folder}: leave one folder out"
                    )
            for result in results(at):
                if result.seed:
                    continue  # a study shows one picture of a stochastic method: that of seed 0
                if (at.benchmark, at.protocol, result.case) not in found:
                    raise InputError(f"{result.record}: its case has no record; bokehbench run writes it")
                found[(at.benchmark, at.protocol, result.case)][1].setdefault(
                    (result.method, result.weights), result
                )
    _refuse_unknown("--benchmark", benchmarks, known)
    _refuse_unknown("--protocol", wanted, rules)
    return found


def _refuse_unknown(option: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"{option} {name}: not in these results, which have {', '.join(sorted(known))}")


def _case_record(at: Protocol, key: str) -> dict[str, Any]:
    record = records.read_json(at.case_record(key))
    if not isinstance(record, dict) or not {"scene", "level", "lens", "data"} <= record.keys():
        raise InputError(f"{at.case_record(key)}: not the record of a case; bokehbench run writes it again")
    return record


def _rows(
    found: Mapping[tuple[str, str, str], tuple[Protocol, dict[Row, Result]]], methods: Sequence[str]
) -> list[Row]:
    """(method, weights) to be shown, in registered order."""
    there = sorted({row for _, predictions in found.values() for row in predictions})
    have = {name for name, _ in there}
    _refuse_unknown("--method", [name for name in methods if name != "all"], have)
    if not methods or "all" in methods:
        oracles = {name for name in have if (spec := registry.find(MethodSpec, name)) and spec.oracle}
        methods = [name for name in have if name not in oracles or name in methods]
    order = {name: index for index, name in enumerate(registry.names(MethodSpec))}
    rows = [row for row in there if row[0] in methods]
    return sorted(rows, key=lambda row: (order.get(row[0], len(order)), row))


def _spread(cases: list[ShownCase], count: int | None, seed: int) -> list[ShownCase]:
    """`count` cases at random, one of each scene before the second of any."""
    if count is None or count >= len(cases):
        return cases
    turn: dict[tuple[str, str], int] = {}
    ranked = []
    for place, index in enumerate(rng.stream(seed, 0, "study.cases").permutation(len(cases))):
        scene = (cases[index].at.benchmark, cases[index].scene)
        turn[scene] = turn.get(scene, 0) + 1
        ranked.append((turn[scene], place, int(index)))
    return [cases[index] for index in sorted(index for _, _, index in sorted(ranked)[:count])]


def _check(candidate: Candidate, case: ShownCase) -> None:
    """A picture of a method must be what its record says, made by the method of today."""
    result = candidate.result
    if result is None:
        return
    if not result.prediction.is_file():
        raise InputError(f"{result.prediction}: no such file; bokehbench run makes it again")
    record = records.read_json(result.record)
    held = records.sha256_file(result.prediction)
    if not isinstance(record, dict) or record.get("prediction", held) != held:
        raise InputError(f"{result.prediction}: not the picture of its record; bokehbench run makes it again")
    if record.get("data") != _case_record(case.at, case.case)["data"]:
        raise InputError(f"{result.record}: made from other data than its case; bokehbench run --renew")
    spec = registry.find(MethodSpec, result.method)
    if spec is None:
        raise InputError(f"method {result.method} is not registered here; add --register FILE.py that has it")
    if record.get("method") != spec.id:
        raise InputError(
            f"{result.prediction}: stale, made by {record.get('method')}, now {spec.id}; "
            f"{_renewal(result, record)}, or leave {result.method} out by naming the others with --method"
        )


def _renewal(result: Result, record: Mapping[str, Any]) -> str:
    """The command that makes a picture of today's method."""
    from bokehbench.leaderboard.staleness import stale_result

    if "command" not in record:
        return "bokehbench run makes it again"
    return stale_result(result, record, "method", "", ()).command.partition(" && ")[0] + " renews it"


def made_by(candidate: Candidate) -> tuple[str, str]:
    """(method@version, weights) of a candidate."""
    if candidate.result is None:
        return candidate.label, NO_WEIGHTS
    return str(records.read_json(candidate.result.record)["method"]), candidate.result.weights


def focus_point(disparity: npt.NDArray[np.floating[Any]], disp_focus: float) -> tuple[float, float] | None:
    """Where a focus cross belongs: the middle of the largest part of the picture on the focal plane.

    The pixel farthest from everything that is not within `FOCUS_TOLERANCE` of disp_focus; where nothing
    is, within twice the smallest distance from it.

    Args:
        disparity: [H, W] in [0, 1].
        disp_focus: on the same scale.

    Returns:
        (x, y) of the pixel's centre as shares of width and height; None where the focal plane lies more
        than 0.1 beside every disparity of the picture.
    """
    import cv2

    away = np.abs(disparity.astype(np.float64) - disp_focus)
    nearest = float(away.min())
    if nearest > 0.1:
        return None
    inside = away <= max(FOCUS_TOLERANCE, 2 * nearest)
    # The border counts as an edge: a subject that it cuts is marked inside the picture, not at its rim.
    padded = np.pad(inside.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    height, width = disparity.shape
    return round((float(x) + 0.5) / width, 5), round((float(y) + 0.5) / height, 5)
