"""Error by defocus: where between far behind and far in front of the focal plane each method fails.

From the breakdowns that `bokehbench evaluate --breakdown` stores. Squared error and pixels of the bins sum to
those of the pictures; PSNR of a bin is, like every number of a table, the mean over cases, with its interval
by scene. A case counts in a bin of which it has `LEAST` pixels, the same cases for every method.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bokehbench import records
from bokehbench.leaderboard import regions
from bokehbench.leaderboard.collect import Collected, Entry, RowKey, collect
from bokehbench.leaderboard.statistics import mean_interval
from bokehbench.leaderboard.tables import ALL
from bokehbench.metrics.breakdown import EDGES, psnr_of

SCHEMA = "bokehbench.defocus/1"
LEAST = 500
"""Pixels of a part that a picture must have for its PSNR there to count."""
BIN = "bin"
KEYS = ("benchmark", "protocol", "method", "weights", "level", "part")
VALUES = ("low", "high", "pixels", "squared_error", "psnr", "psnr_low", "psnr_high", "cases", "scenes")


def load(*results: Path | str) -> pd.DataFrame:
    """Error by signed defocus and by region of results folders that were evaluated with `--breakdown`.

    Args:
        results: folders; several are merged.

    Returns:
        One row a (benchmark, protocol, method, weights, level, part). `part` is `bin` for one from
        `low` to `high` pixels of signed defocus (infinite at the ends, > 0 in front of focus), else the name
        of a region or `whole`. `pixels` and `squared_error` (8-bit code values, three channels) are sums over
        cases; `psnr` is the mean in dB over the `cases` that have enough of the part, `psnr_low` and
        `psnr_high` its 95 % interval by scene (NaN under 6 scenes). Of a stochastic method every seed counts.

    Raises:
        InputError: no results folder, or folders that contradict each other.
    """
    return to_frame(collect([Path(root) for root in results]))


def to_frame(boards: Sequence[Collected]) -> pd.DataFrame:
    """`load` for folders that were read already."""
    rows = [row for board in boards for key in board.runs for row in _rows(board, key)]
    return pd.DataFrame(rows, columns=[*KEYS, *VALUES])


def to_json(boards: Sequence[Collected]) -> dict[str, Any]:
    """The same for other programs: a list of curves, None for what is infinite or not known."""
    curves = []
    frame = to_frame(boards)
    for names, part in frame.groupby(list(KEYS[:5]), sort=False):
        about = dict(zip(KEYS, names, strict=False))
        entries = [{name: _plain(value) for name, value in row.items()} for row in _values(part)]
        bins = [entry for entry in entries if entry["part"] == BIN]
        others = {entry["part"]: entry for entry in entries if entry["part"] != BIN}
        for entry in entries:
            del entry["part"]
        curves.append({**about, "bins": bins, "regions": others})
    return {"schema": SCHEMA, "edges": list(EDGES), "curves": curves}


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


def _rows(board: Collected, key: RowKey) -> Iterator[dict[str, Any]]:
    """All levels of one method, each with all of its parts."""
    found = list(_breakdowns(board, key))
    levels = sorted({level for level, _, _ in found})
    about = {"benchmark": board.benchmark, "protocol": board.protocol, "method": key[0], "weights": key[1]}
    for level in [ALL, *levels] if len(levels) > 1 else [ALL] if levels else []:
        chosen = [(scene, parts) for at, scene, parts in found if level in (ALL, at)]
        for part, low, high, numbers in _parts(chosen):
            yield {**about, "level": level, "part": part, "low": low, "high": high, **numbers}


def _breakdowns(board: Collected, key: RowKey) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(level, scene, breakdown) of every result that counts today and has one."""
    for case, found in board.cases.items():
        for run in board.runs[key].values():
            if case in run and (parts := _read(run[case], found.target, found.record)) is not None:
                yield found.record["level"], found.record["scene"], parts


def _read(entry: Entry, target: str, record: Mapping[str, Any]) -> dict[str, Any] | None:
    result = entry.result
    path = regions.record_path(result.at, result.case)
    if entry.stale is not None or not path.is_file() or not result.breakdown.is_file():
        return None
    made_from = {"prediction": entry.prediction, "target": target, "border": record.get("crop", 0)}
    identity = regions.breakdown_identity(made_from, records.sha256_file(path))
    return regions.read_breakdown(result, identity)


def _parts(
    found: Sequence[tuple[str, Mapping[str, Any]]],
) -> Iterator[tuple[str, float, float, dict[str, Any]]]:
    """(part, low, high, numbers): every bin from far to near, then the regions and the whole."""
    infinite = float("inf")
    for index, (low, high) in enumerate(itertools.pairwise((-infinite, *EDGES, infinite))):
        pairs = [
            (scene, parts["defocus"]["pixels"][index], parts["defocus"]["squared_error"][index])
            for scene, parts in found
        ]
        yield BIN, low, high, _numbers(pairs)
    unknown = float("nan")
    for name in (*found[0][1]["regions"], "whole"):
        those = [
            (scene, parts["whole"] if name == "whole" else parts["regions"][name]) for scene, parts in found
        ]
        pairs = [(scene, part["pixels"], part["squared_error"]) for scene, part in those]
        yield name, unknown, unknown, _numbers(pairs)


def _numbers(found: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    """Sums over cases, and the mean PSNR of those that have enough of a part; found: scene, pixels, error."""
    numbers: dict[str, Any] = {
        "pixels": sum(pixels for _, pixels, _ in found),
        "squared_error": sum(error for _, _, error in found),
    }
    enough = [(scene, psnr_of(pixels, error)) for scene, pixels, error in found if pixels >= LEAST]
    if not enough:
        return {**numbers, "psnr": None, "psnr_low": None, "psnr_high": None, "cases": 0, "scenes": 0}
    interval = mean_interval([value for _, value in enough], [scene for scene, _ in enough])
    return {
        **numbers,
        "psnr": interval.mean,
        "psnr_low": interval.low,
        "psnr_high": interval.high,
        "cases": interval.cases,
        "scenes": interval.scenes,
    }
