"""The page's picture comparison: what its scripts know, and the files they are.

`assets/data.js` holds `compare_data`; `SCRIPTS` and `STYLES` are copied from `templates/` as they are, in the
order in which the page loads them; `templates/_compare.html` sees what `view` returns as `compare`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.leaderboard.collect import Collected, Entry
from bokehbench.leaderboard.pictures import ASSETS, ERROR_TICKS, case_folder, slug
from bokehbench.leaderboard.tables import Row, Table

DATA = "data.js"
SCRIPTS = ("compare.js",)
STYLES = ("compare.css",)


def view() -> dict[str, Any]:
    """What `_compare.html` is rendered with."""
    return {"error_ticks": ERROR_TICKS}


def write_data(out: Path, boards: Sequence[tuple[Collected, Table]]) -> None:
    """Write OUT/assets/data.js."""
    data = json.dumps(compare_data(boards), sort_keys=True, allow_nan=False, separators=(",", ":"))
    records.write_text(out / ASSETS / DATA, f"window.BOKEHBENCH={data};\n")


def compare_data(boards: Sequence[tuple[Collected, Table]]) -> dict[str, Any]:
    """What `compare.js` needs: benchmarks, their cases with scores, the methods and their files."""
    return {"benchmarks": [_compare_board(*pair) for pair in boards]}


def _compare_board(board: Collected, table: Table) -> dict[str, Any]:
    rows = [*table.rows, *table.incomplete]
    metrics = [
        {
            "name": column.name,
            "arrow": column.arrow,
            "up": column.higher_is_better,
            "decimals": column.decimals,
            "unit": column.unit,
        }
        for column in table.columns
        if any(
            group.interval for group in (table.everything.cells[row.key][column.name] for row in table.rows)
        )
    ]
    names = [str(metric["name"]) for metric in metrics]
    return {
        "id": table.name,
        "title": f"{table.benchmark} ({table.protocol})",
        "metrics": metrics,
        "methods": [
            {"label": row.label, "file": slug(row.label), "oracle": row.status == "oracle"} for row in rows
        ],
        "cases": [_compare_case(board, table, rows, names, key) for key in board.cases],
    }


def _compare_score(entry: Entry, metric: str) -> float | None:
    if metric in entry.stale_scores:
        return None  # as in the table: not comparable with the numbers beside it
    value: float | None = entry.scores.get(metric, {}).get("value")
    return value


def _compare_case(
    board: Collected, table: Table, rows: Sequence[Row], metrics: Sequence[str], key: str
) -> dict[str, Any]:
    case = board.cases[key]
    scores = {}
    for row in rows:
        entry = board.rows[row.key].get(key)
        if entry is not None:
            scores[row.label] = [_compare_score(entry, name) for name in metrics]
    record = case.record
    return {
        "key": key,
        "scene": record["scene"],
        "level": record["level"],
        "K": None if "K_search" in record else record["lens"]["K"],
        "focus": record["lens"]["disp_focus"],
        "size": record["size"],
        "noise": record.get("notes", {}).get("target_noise_psnr"),
        "folder": f"{ASSETS}/{case_folder(table, key)}",
        "disparity": case.at.case_image(key, "disparity").is_file(),
        "image": case.at.case_image(key, "image").is_file(),
        "scores": scores,
    }
