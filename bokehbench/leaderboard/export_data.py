"""Tables for other programs: CSV and JSON, at full precision.

No date and no path is in them: the same results give the same bytes.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from typing import Any

from bokehbench.leaderboard.statistics import ID
from bokehbench.leaderboard.tables import ALL, Cell, Column, Group, Reported, Row, Table

SUFFIXES = ("", "_low", "_high", "_cases", "_scenes", "_p", "_spread")
"""Of the columns of one metric."""


def to_csv(tables: Sequence[Table]) -> str:
    """One line a (benchmark, protocol, level, row), numbers at full precision, empty where there is none.

    `cases` and `scenes` are those of the level, `METRIC_cases` and `METRIC_scenes` those of the number, which
    are fewer where a region is too small to have one; `published` is the number of cases of the whole set,
    `left_out` that of a row's cases, of any level, whose target or record is lost.
    `timing` says whether the seconds were measured with care (`profiled`) or are those of one rendering
    (`as run`). `reported_other` is what a paper prints that no column here is like, as it calls it.
    """
    names = list(dict.fromkeys(column.name for table in tables for column in table.columns))
    head = ["benchmark", "protocol", "level", "method", "version", "weights", "category", "status"]
    head += ["seeds", "uses_truth", "cases", "left_out", "scenes", "published"]
    head += ["average_rank", "seconds", "restoration_seconds", "timing", "peak_memory_mb"]
    head += [f"{name}{suffix}" for name in names for suffix in SUFFIXES]
    head += ["reported_other", "source", "note"]
    out = io.StringIO()
    writer = csv.DictWriter(out, head, restval="", lineterminator="\n")
    writer.writeheader()
    for table in tables:
        for group in table.groups:
            for row in (*table.rows, *table.incomplete, *table.stale_rows):
                writer.writerow(_csv_row(table, group, row))
            for one in table.reported:
                if one.level == group.level:
                    writer.writerow(_csv_reported(table, one))
    return out.getvalue()


def _csv_row(table: Table, group: Group, row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {
        "benchmark": table.benchmark,
        "protocol": table.protocol,
        "level": group.level,
        "method": row.key[0],
        "version": row.version,
        "weights": row.key[1],
        "category": row.category,
        "status": row.status,
        "seeds": row.seeds,
        "uses_truth": row.truth,
        "cases": len(group.cases),
        "left_out": len(row.left_out) or None,
        "scenes": group.n_scenes,
        "published": table.published or None,
    }
    if group.level == ALL:
        values |= {
            "average_rank": row.average_rank,
            "seconds": row.seconds,
            "restoration_seconds": row.restoration,
            "timing": None if row.seconds is None else "profiled" if row.efficiency else "as run",
            "peak_memory_mb": row.peak_memory_mb,
        }
    for name, cell in group.cells[row.key].items():
        if cell.interval:
            interval = cell.interval
            values |= {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}
            values |= {f"{name}_cases": interval.cases, f"{name}_scenes": interval.scenes}
            values[f"{name}_spread"] = cell.spread
        if cell.comparison:
            values[f"{name}_p"] = cell.comparison.p_holm
    return {key: "" if value is None else value for key, value in values.items()}


def _csv_reported(table: Table, one: Reported) -> dict[str, Any]:
    about = {"benchmark": table.benchmark, "protocol": table.protocol, "level": one.level}
    about |= {"method": one.ours or one.label, "status": "reported", "seconds": one.seconds or ""}
    about["reported_other"] = "; ".join(f"{metric} {value}" for metric, value in one.other.items())
    return {**about, **one.values, "source": one.source, "note": one.note}


def to_json(tables: Sequence[Table]) -> dict[str, Any]:
    """Everything the tables say, for other programs."""
    return {
        "schema": "bokehbench.leaderboard/1",
        "statistics": ID,
        "tables": [_json_table(table) for table in tables],
    }


def _json_table(table: Table) -> dict[str, Any]:
    everyone = (*table.rows, *table.incomplete, *table.stale_rows)
    noise = {"worst": table.noise[0], "median": table.noise[1]} if table.noise else None
    return {
        "benchmark": table.benchmark,
        "protocol": table.protocol,
        "metrics": [_json_column(column) for column in table.columns],
        "target_noise_psnr": noise,
        "published_cases": table.published or None,
        "part": table.part,
        "lost": list(table.lost),
        "stale_metrics": list(table.stale_metrics),
        "rows": [_json_row(row) for row in everyone],
        "levels": [
            {
                "level": group.level,
                "cases": len(group.cases),
                "scenes": group.n_scenes,
                "K": None if group.K is None else list(group.K),
                "cells": {
                    row.label: {name: _json_cell(cell) for name, cell in group.cells[row.key].items()}
                    for row in everyone
                },
                "reported": [dataclasses.asdict(one) for one in table.reported if one.level == group.level],
            }
            for group in table.groups
        ],
        "below_identity": [
            {"method": below.row.label, "differences": dict(below.differences), "reason": below.reason}
            for below in table.below_floor
        ],
    }


def _json_column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "id": column.id,
        "fingerprint": column.fingerprint,
        "higher_is_better": column.higher_is_better if column.known else None,
        "unit": column.unit,
    }


def _json_row(row: Row) -> dict[str, Any]:
    return {
        "label": row.label,
        "method": row.key[0],
        "weights": row.key[1],
        "version": row.version,
        "category": row.category,
        "uses_truth": list(row.uses_truth),
        "K": None if row.K is None else list(row.K),
        "status": row.status,
        "seeds": row.seeds,
        "average_rank": row.average_rank,
        "seconds": row.seconds,
        "restoration_seconds": row.restoration,
        "peak_memory_mb": row.peak_memory_mb,
        "efficiency": row.efficiency.to_json() if row.efficiency else None,
        "training": dataclasses.asdict(row.training),
        "missing": list(row.missing),
        "left_out": list(row.left_out),
        "stale": [{"reason": stale.reason, "command": stale.command} for stale in row.stale],
    }


def _json_cell(cell: Cell) -> dict[str, Any]:
    value: dict[str, Any] = {"best": cell.best, "second": cell.second, "reason": cell.reason}
    if cell.interval:
        interval = cell.interval
        value |= {"mean": interval.mean, "low": interval.low, "high": interval.high}
        value |= {"cases": interval.cases, "scenes": interval.scenes}
        value |= {"identical": cell.identical, "spread": cell.spread}
    if cell.comparison:
        difference = cell.comparison.difference
        value["against_best"] = {
            "difference": difference.mean,
            "low": difference.low,
            "high": difference.high,
            "scenes_won": cell.comparison.scenes_won,
            "p": cell.comparison.p,
            "p_holm": cell.comparison.p_holm,
            "tied": cell.comparison.tied,
        }
    return value
