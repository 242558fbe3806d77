"""The cells of the tables as one pandas table: what is printed, at full precision, with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.tables import Cell, Table

COLUMNS = {
    "benchmark": "str",
    "protocol": "str",
    "level": "str",
    "method": "str",
    "weights": "str",
    "status": "str",
    "metric": "str",
    "mean": "float64",
    "low": "float64",
    "high": "float64",
    "cases": "Int64",
    "scenes": "Int64",
    "published": "Int64",
    "spread": "float64",
    "best": "bool",
    "difference": "float64",
    "p_holm": "float64",
    "tied": "bool",
    "reason": "str",
}


def load(*results: Path | str) -> pd.DataFrame:
    """Every cell of the tables of one or several results folders.

    Args:
        results: folders that `bokehbench run` and `bokehbench evaluate` filled; several are merged.

    Returns:
        One row a (benchmark, protocol, level, method, weights, metric), with the columns `COLUMNS`. `mean` is
        over `cases` of `scenes` (fewer than the level has where a region is too small), `low` and `high` its
        95 % interval by scene, NaN under six scenes. `difference` is that to the table's best row, positive
        where this one is better, `p_holm` of its test. `published` is the number of cases of the whole set,
        NA where that is not fixed. A cell without a mean says why in `reason`.

    Raises:
        InputError: no results folder, broken files, folders that contradict each other, or nothing scored.
    """
    boards = [board for board in collect([Path(root) for root in results]) if board.cases]
    return to_frame([build(board) for board in boards])


def to_frame(tables: Sequence[Table]) -> pd.DataFrame:
    """`load` for tables that were built already."""
    rows = [row for table in tables for row in _rows(table)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    for group in table.groups:
        about: dict[str, Any] = {"benchmark": table.benchmark, "protocol": table.protocol}
        about |= {"level": group.level, "published": table.published or None}
        for row in (*table.rows, *table.incomplete, *table.stale_rows):
            about |= {"method": row.key[0], "weights": row.key[1], "status": row.status}
            for metric, cell in group.cells[row.key].items():
                yield {**about, "metric": metric, **_numbers(cell)}


def _numbers(cell: Cell) -> dict[str, Any]:
    interval, compared = cell.interval, cell.comparison
    return {
        "mean": interval.mean if interval else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "cases": interval.cases if interval else None,
        "scenes": interval.scenes if interval else None,
        "spread": cell.spread,
        "best": cell.best,
        "difference": compared.difference.mean if compared else None,
        "p_holm": compared.p_holm if compared else None,
        "tied": compared is not None and compared.tied,
        "reason": cell.reason,
    }
