"""The page's numbers by scene: one script a table, which the browser loads when a row is unfolded so far.

`assets/scenes/{table}.js` is a call, since a page from `file://` may load scripts and nothing else::

    BOKEHBENCH_SCENES("blb--gt-disparity-1", {"columns": ["psnr", …], "decimals": [2, …],
        "rows": {"scatter": {"all": [["scene 277", "277_L5_00", 50, 31.2, …], …], "L1": […]}}});

A line is scene, its worst case by the first metric, cases, and the mean of each metric over these.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bokehbench import records
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.frame import to_frame
from bokehbench.leaderboard.pictures import ASSETS
from bokehbench.leaderboard.stored import VALUED
from bokehbench.leaderboard.tables import ALL, Table

FOLDER = "scenes"
NOT_THERE = "undefined"
"""Status of a region that is too small in a case: no reason to have no mean over the others."""


def write_scenes(out: Path, boards: Sequence[tuple[Collected, Table]]) -> None:
    """Write OUT/assets/scenes, and remove what is of tables that are gone."""
    folder = out / ASSETS / FOLDER
    for board, table in boards:
        data = json.dumps(scene_data(board, table), allow_nan=False, separators=(",", ":"))
        records.write_text(
            folder / f"{table.name}.js", f"BOKEHBENCH_SCENES({json.dumps(table.name)},{data});\n"
        )
    for path in folder.glob("*.js"):
        if path.stem not in {table.name for _, table in boards}:
            path.unlink()


def scene_data(board: Collected, table: Table) -> dict[str, Any]:
    """Means by scene of the table's rows, over all levels and at each.

    A mean is None where a case of the scene has no number of today, unless its region is too small there.
    """
    frame = to_frame([board])
    levels = [group.level for group in table.groups]
    names = {row.key: row.label for row in table.rows}
    rows: dict[str, dict[str, list[Any]]] = {
        label: {level: [] for level in levels} for label in names.values()
    }
    for level in levels:
        part = frame if level == ALL else frame[frame.level == level]
        for key, label in names.items():
            own = part[(part.method == key[0]) & (part.weights == key[1])]
            rows[label][level] = list(_lines(own, table))
    return {
        "columns": [column.name for column in table.columns],
        "decimals": [column.decimals for column in table.columns],
        "rows": rows,
    }


def _lines(own: pd.DataFrame, table: Table) -> Iterator[list[Any]]:
    """One line a scene of one row of the table."""
    counted = own.status.isin(VALUED) & (own.stale == "")
    own = own.assign(value=own.value.where(counted), lacking=~counted & (own.status != NOT_THERE))
    by = own.groupby(["scene", "metric"], sort=False)
    means = by.value.mean().where(~by.lacking.any()).unstack("metric")
    worst = _worst(own, table)
    cases = own.groupby("scene").case.nunique()
    for scene in sorted(means.index):
        values = [
            _rounded(means.at[scene, column.name], column.decimals) if column.name in means else None
            for column in table.columns
        ]
        yield [scene, worst[scene], int(cases[scene]), *values]


def _worst(own: pd.DataFrame, table: Table) -> dict[str, str]:
    """Scene -> case that is worst by the first metric; the first case where it has no number."""
    first = table.columns[0]
    part = own[own.metric == first.name]
    sign = 1.0 if first.higher_is_better else -1.0
    order = part.assign(badness=(sign * part.value).fillna(float("inf"))).sort_values(["badness", "case"])
    found = order.groupby("scene", sort=False).case.first()
    return {str(scene): str(case) for scene, case in found.items()}


def _rounded(value: Any, decimals: int) -> float | None:
    return None if pd.isna(value) else round(float(value), decimals)
