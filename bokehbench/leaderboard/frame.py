"""Results as one pandas table: the long form from which every other table is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bokehbench.leaderboard.collect import Collected, Entry, FoundCase, collect
from bokehbench.leaderboard.stored import VALUED

COLUMNS = {
    "benchmark": "str",
    "protocol": "str",
    "method": "str",
    "version": "Int64",
    "weights": "str",
    "seed": "Int64",
    "case": "str",
    "scene": "str",
    "level": "str",
    "K": "float64",
    "disp_focus": "float64",
    "metric": "str",
    "value": "float64",
    "status": "str",
    "fingerprint": "str",
    "reason": "str",
    "seconds": "float64",
    "peak_memory_mb": "float64",
    "device": "str",
    "stale": "str",
}
MISSING = "missing"
NOT_SCORED = "not-scored"


def load(*results: Path | str) -> pd.DataFrame:
    """Every number of one or several results folders.

    Args:
        results: folders that `bokehbench run` and `bokehbench evaluate` filled; several are merged.

    Returns:
        One row a (benchmark, protocol, method, weights, seed, case, metric), sorted by these, with the
        columns `COLUMNS`. `seed` is NA for deterministic methods. `value` is NaN unless `status` is ok or
        identical (prediction equals target); other statuses are those of the scores file, `not-scored`, and
        `missing` where the method has no result for a case that another one has (version is then NA). `K` in
        pixels at the case's size (where it was searched, the one found), `seconds` per image. `stale` says
        why a number no longer counts; it is empty for those that do.

    Raises:
        InputError: no results folder, broken files, or folders that contradict each other.

    Example:
        >>> frame = load("RESULTS")  # doctest: +SKIP
        >>> frame[frame.metric == "psnr"].pivot_table("value", "method", "level")  # doctest: +SKIP
    """
    return to_frame(collect([Path(root) for root in results]))


def to_frame(boards: Sequence[Collected]) -> pd.DataFrame:
    """`load` for folders that were read already."""
    rows = [row for board in boards for row in _rows(board)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _rows(board: Collected) -> Iterator[dict[str, Any]]:
    names = board.metrics or [""]
    for (method, weights), runs in board.runs.items():
        stochastic = any(entry.record.get("seed") is not None for entry in board.entries((method, weights)))
        row = {
            "benchmark": board.benchmark,
            "protocol": board.protocol,
            "method": method,
            "weights": weights,
        }
        for seed, entries in runs.items():
            for key, case in board.cases.items():
                entry = entries.get(key)
                about = {**row, "seed": seed if stochastic else None}
                about |= {**_about_case(key, case), **_about_entry(entry)}
                for name in names:
                    yield {**about, "metric": name, **_score(entry, name)}


def _about_case(key: str, case: FoundCase) -> dict[str, Any]:
    record = case.record
    lens = record["lens"]
    return {
        "case": key,
        "scene": record["scene"],
        "level": record["level"],
        "K": None if "K_search" in record else lens["K"],
        "disp_focus": lens["disp_focus"],
    }


def _about_entry(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {"version": None, "seconds": None, "peak_memory_mb": None, "device": ""}
    found = {"K": float(entry.record["K"])} if "K" in entry.record else {}
    return {
        **found,
        "version": int(entry.record["method"].rpartition("@")[2]),
        "seconds": entry.timing.get("seconds"),
        "peak_memory_mb": entry.timing.get("peak_memory_mb"),
        "device": entry.timing.get("device", ""),
    }


def _score(entry: Entry | None, name: str) -> dict[str, Any]:
    score = entry.scores.get(name) if entry else None
    stale = ""
    if entry is not None:
        found = entry.stale or entry.stale_scores.get(name)
        stale = found.reason if found else ""
    if score is None:
        status = MISSING if entry is None else NOT_SCORED
        return {"value": None, "status": status, "fingerprint": "", "reason": "", "stale": stale}
    return {
        "value": score["value"] if score["status"] in VALUED else None,
        "status": score["status"],
        "fingerprint": score["fingerprint"],
        "reason": score.get("reason", ""),
        "stale": stale,
    }
