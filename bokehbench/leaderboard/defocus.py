"""Error by defocus: where between far behind and far in front of the focal plane each method fails.

From the breakdowns that `bokehbench evaluate --breakdown` stores. Squared error and pixels of the bins sum to
those of the pictures; PSNR of a bin is, like every number of a table, the mean over cases, with its interval
by scene. Curves are of the same cases for every method: those of which all have a breakdown, and in a bin
those of them that have `LEAST` pixels there. As in the tables, a method that lacks results has no curve.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bokehbench import records
from bokehbench.leaderboard import regions
from bokehbench.leaderboard.collect import Collected, Entry, RowKey, collect
from bokehbench.leaderboard.statistics import ID, mean_interval
from bokehbench.leaderboard.tables import ALL
from bokehbench.metrics.breakdown import EDGES, psnr_of

SCHEMA = "bokehbench.defocus/2"
LEAST = 500
"""Pixels of a part that a picture must have for its PSNR there to count."""
BIN = "bin"
KEYS = ("benchmark", "protocol", "method", "weights", "level", "part")
VALUES = ("low", "high", "pixels", "squared_error", "psnr", "psnr_low", "psnr_high", "cases", "scenes")
SHARES = ("common", "of")
Parts = Mapping[str, Any]
"""A stored breakdown (`bokehbench.metrics.breakdown`)."""


def load(*results: Path | str) -> pd.DataFrame:
    """Error by signed defocus and by region of results folders that were evaluated with `--breakdown`.

    Args:
        results: folders; several are merged.

    Returns:
        One row a (benchmark, protocol, method, weights, level, part). `part` is `bin` for one from
        `low` to `high` pixels of signed defocus (infinite at the ends, > 0 in front of focus), else the name
        of a region or `whole`. `pixels` and `squared_error` (8-bit code values, three channels) are sums over
        cases; `psnr` is the mean in dB over the `cases` that have enough of the part, `psnr_low` and
        `psnr_high` its 95 % interval by scene (NaN under 6 scenes). Of a stochastic method all are means over
        seeds. Every row is of the `common` cases, of which all methods have a breakdown, `of` those that the
        level has; methods that lack results, or have no breakdown, are left out.

    Raises:
        InputError: no results folder, or folders that contradict each other.
    """
    return to_frame(collect([Path(root) for root in results]))


def to_frame(boards: Sequence[Collected]) -> pd.DataFrame:
    """`load` for folders that were read already."""
    rows = [row for board in boards for row in _rows(board)]
    return pd.DataFrame(rows, columns=[*KEYS, *VALUES, *SHARES])


def to_json(boards: Sequence[Collected]) -> dict[str, Any]:
    """The same for other programs: a list of curves, None for what is infinite or not known."""
    curves = []
    frame = to_frame(boards)
    for names, part in frame.groupby(list(KEYS[:5]), sort=False):
        about = dict(zip(KEYS, names, strict=False))
        about |= {share: int(part[share].iloc[0]) for share in SHARES}
        entries = [{name: _plain(value) for name, value in row.items()} for row in _values(part)]
        bins = [entry for entry in entries if entry["part"] == BIN]
        others = {entry["part"]: entry for entry in entries if entry["part"] != BIN}
        for entry in entries:
            del entry["part"]
        curves.append({**about, "bins": bins, "regions": others})
    left_out = [line for board in boards for line in _left_out(board)] if curves else []
    head = {"schema": SCHEMA, "statistics": ID, "edges": list(EDGES)}
    return {**head, "curves": curves, "left_out": left_out}


def write(out: Path, boards: Sequence[Collected]) -> bool:
    """Write OUT/defocus.json if anything was evaluated with `--breakdown`; whether it was."""
    content = to_json(boards)
    path = out / "defocus.json"
    if content["curves"]:
        records.write_json(path, content)
    else:
        path.unlink(missing_ok=True)  # of other results
    return bool(content["curves"])


def _values(part: pd.DataFrame) -> list[dict[str, Any]]:
    columns = ["part", *VALUES]
    return [dict(zip(columns, row, strict=True)) for row in part[columns].itertuples(index=False)]


def _plain(value: Any) -> Any:
    """A number as JSON has it: whole ones whole, nothing that is not finite."""
    if isinstance(value, str):
        return value
    if value is None or not np.isfinite(value):
        return None
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


def _rows(board: Collected) -> Iterator[dict[str, Any]]:
    """All levels of the methods of one benchmark, each with all of its parts."""
    found = {key: _breakdowns(board, key) for key in board.runs if _is_whole(board, key)}
    found = {key: own for key, own in found.items() if own}
    common = [case for case in board.cases if found and all(case in own for own in found.values())]
    about = {case: board.cases[case].record for case in board.cases}
    levels = sorted({about[case]["level"] for case in common})
    for key, own in found.items():
        named = {
            "benchmark": board.benchmark,
            "protocol": board.protocol,
            "method": key[0],
            "weights": key[1],
        }
        for level in [ALL, *levels] if len(levels) > 1 else [ALL] if levels else []:
            cases = [case for case in common if level in (ALL, about[case]["level"])]
            of = sum(level in (ALL, record["level"]) for record in about.values())
            chosen = [(about[case]["scene"], own[case]) for case in cases]
            for part, low, high, numbers in _parts(chosen):
                shares = {"common": len(cases), "of": of}
                yield {**named, "level": level, "part": part, "low": low, "high": high, **numbers, **shares}


def _left_out(board: Collected) -> Iterator[dict[str, str]]:
    """Methods without a curve, and why."""
    for key in board.runs:
        whole = _is_whole(board, key)
        if not whole or not _breakdowns(board, key):
            why = (
                "no breakdown of today: bokehbench evaluate RESULTS --breakdown" if whole else "lacks results"
            )
            named = {
                "benchmark": board.benchmark,
                "protocol": board.protocol,
                "method": key[0],
                "weights": key[1],
            }
            yield {**named, "why": why}


def _is_whole(board: Collected, key: RowKey) -> bool:
    return all(case in run for run in board.runs[key].values() for case in board.cases)


def _breakdowns(board: Collected, key: RowKey) -> dict[str, list[Parts]]:
    """Of each case that has one today in every run: the breakdowns, one a seed."""
    found: dict[str, list[Parts]] = {}
    for case, about in board.cases.items():
        runs = [_read(run[case], about.target, about.record) for run in board.runs[key].values()]
        parts: list[Parts] = [part for part in runs if part is not None]
        if parts and len(parts) == len(runs):
            found[case] = parts
    return found


def _read(entry: Entry, target: str, record: Mapping[str, Any]) -> dict[str, Any] | None:
    result = entry.result
    path = regions.record_path(result.at, result.case)
    if entry.stale is not None or not path.is_file() or not result.breakdown.is_file():
        return None
    made_from = {"prediction": entry.prediction, "target": target, "border": record.get("crop", 0)}
    identity = regions.breakdown_identity(made_from, records.sha256_file(path))
    return regions.read_breakdown(result, identity)


def _parts(
    found: Sequence[tuple[str, Sequence[Parts]]],
) -> Iterator[tuple[str, float, float, dict[str, Any]]]:
    """(part, low, high, numbers): every bin from far to near, then the regions and the whole.

    Args:
        found: scene of each case, and its breakdowns, one a seed.
    """
    infinite, unknown = float("inf"), float("nan")
    for index, (low, high) in enumerate(itertools.pairwise((-infinite, *EDGES, infinite))):
        inside = [(scene, [one["defocus"] for one in own]) for scene, own in found]
        bins = [
            (scene, [(one["pixels"][index], one["squared_error"][index]) for one in own])
            for scene, own in inside
        ]
        yield BIN, low, high, _numbers(bins)
    for name in (*found[0][1][0]["regions"], "whole"):
        areas = [
            (scene, [one["whole"] if name == "whole" else one["regions"][name] for one in own])
            for scene, own in found
        ]
        parts = [(scene, [(one["pixels"], one["squared_error"]) for one in own]) for scene, own in areas]
        yield name, unknown, unknown, _numbers(parts)


def _numbers(found: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> dict[str, Any]:
    """Sums over cases, and the mean PSNR of those that have enough of a part.

    Args:
        found: scene of each case, and (pixels, squared error) of its part, one a seed.
    """
    numbers: dict[str, Any] = {
        "pixels": sum(statistics.mean(pixels for pixels, _ in own) for _, own in found),
        "squared_error": sum(statistics.mean(error for _, error in own) for _, own in found),
    }
    # A part is the case's, whatever the seed: one that is large enough is so in all runs.
    enough = [(scene, own) for scene, own in found if own[0][0] >= LEAST]
    if not enough:
        return {**numbers, "psnr": None, "psnr_low": None, "psnr_high": None, "cases": 0, "scenes": 0}
    values = [statistics.mean(psnr_of(pixels, error) for pixels, error in own) for _, own in enough]
    interval = mean_interval(values, [scene for scene, _ in enough])
    return {
        **numbers,
        "psnr": interval.mean,
        "psnr_low": interval.low,
        "psnr_high": interval.high,
        "cases": interval.cases,
        "scenes": interval.scenes,
    }
