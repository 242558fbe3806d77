"""The page's tables: what `_tables.html` prints of them.

Every metric is a column of the page, the regions of a breakdown too; those that would flood it are hidden
until they are asked for. The browser makes the rows of single scenes, from `page_scenes.py`'s files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from bokehbench.benchmarks.protocols import base_id
from bokehbench.leaderboard.pictures import slug
from bokehbench.leaderboard.sentences import (
    ORACLE_NOTE,
    below_floor_sentence,
    half_width,
    incomplete_sentence,
    k_scale_sentence,
    lost_sentence,
    noise_sentence,
    otherwise_sentence,
    profiled_sentence,
    rank_text,
    reported_sentences,
    seconds_text,
    size_sentence,
    spread_sentence,
    spread_text,
    stale_sentences,
    statistics_sentence,
    timed_text,
    truth_sentence,
    whole_size_sentence,
)
from bokehbench.leaderboard.tables import ALL, Cell, Column, Group, Reported, Row, Table
from bokehbench.metrics.catalogue import REGIONS

BEFORE = 2
"""Columns before the first metric: the method, and its dot with whiskers."""
MANY = 8
"""With more metrics of whole pictures than that, those without a direction are hidden at first."""
WHOLE, VARIANTS, DIAGNOSES = "whole picture", "variants", "diagnoses"


def grouped(table: Table) -> list[tuple[str, list[Column]]]:
    """Columns by what they are about: whole pictures, variants of these, diagnoses, each region."""
    groups: dict[str, list[Column]] = {name: [] for name in (WHOLE, VARIANTS, DIAGNOSES, *REGIONS)}
    names = {column.name for column in table.columns}
    for column in table.columns:
        plain, *parts = column.name.split("+")
        region = next((part for part in parts if part in REGIONS), "")
        other = DIAGNOSES if not column.ranked else VARIANTS if parts and plain in names else WHOLE
        groups[region or other].append(column)
    return [(name, columns) for name, columns in groups.items() if columns]


def in_groups(table: Table) -> Table:
    """The table with its columns in the order of the page."""
    columns = tuple(column for _, columns in grouped(table) for column in columns)
    return dataclasses.replace(table, columns=columns)


def table_view(table: Table) -> dict[str, Any]:
    """One table whose columns are `in_groups`."""
    first = table.columns[0]
    return {
        "id": table.name,
        "benchmark": table.benchmark,
        "protocol": table.protocol,
        "track": base_id(table.protocol) != table.protocol,
        "summary": table.spec.summary if table.spec else "",
        "size": whole_size_sentence(table),
        "columns": [column_view(column) for column in table.columns],
        "menu": _menu(table),
        "hidden": " ".join(map(str, _hidden(table))),
        "first": first.name,
        "levels": [group.level for group in table.groups[1:]],
        "rows": [_row_view(table, row, first) for row in table.rows],
        "only_printed": _only_printed(table),
        "stale": [{**_row_view(table, row, first), "why": stale_sentences(row)} for row in table.stale_rows],
        "stale_metrics": table.stale_metrics,
        "incomplete": [{"label": r.label, "text": incomplete_sentence(r, table)} for r in table.incomplete],
        "below": [below_floor_sentence(below, table) for below in table.below_floor],
        "footnotes": _footnotes(table),
        "sentences": _sentences(table),
        "reported": reported_sentences(table),
        "training": [
            f"{row.label}: {row.training.sentence}" for row in table.rows if row.training.trained_on
        ],
    }


def _sentences(table: Table) -> list[str]:
    oracle = any(row.status == "oracle" for row in table.rows)
    empty = _without_number(table)
    found = [
        lost_sentence(table.lost),
        truth_sentence(table),
        k_scale_sentence(table),
        otherwise_sentence(table),
        statistics_sentence(table),
        spread_sentence(table),
        profiled_sentence(table),
        f"{ORACLE_NOTE.capitalize()}." if oracle else "",
        noise_sentence(table),
        f"Without a number, hidden at first (under Columns): {', '.join(empty)}." if empty else "",
    ]
    return [sentence for sentence in found if sentence]


def _footnotes(table: Table) -> dict[str, list[tuple[int, str]]]:
    """(number, text) of the notes that the table shows as it is opened, and of the others."""
    hidden = set(_hidden(table))
    shown = [column.name for place, column in _places(table) if place not in hidden]
    cells = table.everything.cells
    first = {cells[row.key][name].reason for row in (*table.rows, *table.stale_rows) for name in shown}
    notes: dict[str, list[tuple[int, str]]] = {"shown": [], "others": []}
    for number, text in enumerate(table.footnotes, start=1):
        notes["shown" if text in first else "others"].append((number, text))
    return notes


def column_view(column: Column) -> dict[str, Any]:
    """What the heading of a metric says."""
    return {
        "name": column.name,
        "unit": column.unit,
        "arrow": column.arrow,
        "title": f"{column.id}: {column.summary}",
    }


def _places(table: Table) -> list[tuple[int, Column]]:
    """Columns with their places in a row of the page, from 1."""
    return list(enumerate(table.columns, start=BEFORE + 1))


def _positions(table: Table) -> Mapping[str, int]:
    return {column.name: place for place, column in _places(table)}


def _hidden(table: Table) -> list[int]:
    """Places of the columns that are not shown at first."""
    at, groups = _positions(table), dict(grouped(table))
    empty = _without_number(table)
    if WHOLE not in groups:
        return [at[name] for name in empty]
    crowded = len(groups[WHOLE]) + len(groups.get(DIAGNOSES, ())) > MANY
    kept = {WHOLE} if crowded else {WHOLE, DIAGNOSES}
    return [
        at[column.name]
        for name, columns in groups.items()
        for column in columns
        if name not in kept or column.name in empty
    ]


def _without_number(table: Table) -> list[str]:
    """Columns where neither a row nor a paper has a number; none where that is all of them."""
    cells = table.everything.cells
    rows = (*table.rows, *table.stale_rows)
    known = {c.name for c in table.columns if any(cells[row.key][c.name].interval for row in rows)}
    known |= {name for one in table.reported for name in one.values}
    empty = [column.name for column in table.columns if column.name not in known]
    return empty if len(empty) < len(table.columns) else []


def _menu(table: Table) -> list[dict[str, Any]]:
    """The choice of columns: groups with (name, place, whether it is shown at first)."""
    at, hidden = _positions(table), _hidden(table)
    return [
        {
            "group": name,
            "columns": [(c.name, at[c.name], at[c.name] not in hidden) for c in columns],
        }
        for name, columns in grouped(table)
    ]


def _row_view(table: Table, row: Row, first: Column) -> dict[str, Any]:
    return {
        "label": row.label,
        "anchor": f"method-{slug(row.key[0])}",
        "status": row.status,
        "category": row.category,
        "truth": row.truth,
        "tags": _tags(row),
        "cells": _cells(table, table.everything, row),
        "plot": _plot(table, row, first.name),
        "rank": row.average_rank,
        "rank_text": rank_text(row),
        "seconds": row.seconds,
        "seconds_text": seconds_text(row),
        "cost": row.efficiency.sentence if row.efficiency else "",
        "printed": [_reported_view(table, one) for one in table.printed(ALL, row)],
        "levels": [_level_view(table, group, row) for group in table.groups[1:]],
    }


def _level_view(table: Table, group: Group, row: Row) -> dict[str, Any]:
    seconds = group.seconds.get(row.key)
    return {
        "level": group.level,
        "size": size_sentence(group).replace(" px", "\N{NO-BREAK SPACE}px"),
        "cells": _cells(table, group, row),
        "seconds": "" if seconds is None else timed_text(row, seconds),
        "printed": [_reported_view(table, one) for one in table.printed(group.level, row)],
    }


def _tags(row: Row) -> list[tuple[str, str, str]]:
    """(text, explanation, kind) beside a row's name."""
    tags = []
    if row.status == "oracle":
        tags.append(("oracle", ORACLE_NOTE, ""))
    elif row.category == "floor":
        tags.append(("floor", "does nothing: what every method has to beat", ""))
    if row.truth:
        tags.append((f"truth: {row.truth}", f"chosen with the ground truth: {row.truth}", "warn"))
    if row.training.shared:
        tags.append(("trained on it", row.training.sentence, "warn"))
    elif row.training.shared is None:
        tags.append(("overlap unknown", row.training.sentence, "faint"))
    if row.left_out:
        n = len(row.left_out)
        tags.append((f"without {n} case{'' if n == 1 else 's'}", lost_sentence(row.left_out), "warn"))
    if row.seeds > 1:
        tags.append((f"{row.seeds} seeds", f"mean over {row.seeds} runs with other seeds", "faint"))
    return tags


def _only_printed(table: Table) -> list[dict[str, Any]]:
    """What papers print for methods without a row here: each once, with its levels."""
    found: dict[tuple[str, str], dict[str, Reported]] = {}
    for group in table.groups:
        for one in table.only_printed(group.level):
            found.setdefault((one.label, one.source), {})[one.level] = one
    return [
        {
            "label": label,
            "source": source,
            "all": _reported_view(table, levels[ALL]) if ALL in levels else None,
            "levels": [(level, _reported_view(table, one)) for level, one in levels.items() if level != ALL],
        }
        for (label, source), levels in found.items()
    ]


def _reported_view(table: Table, one: Reported) -> dict[str, Any]:
    other = ", ".join(f"{metric} {value}" for metric, value in one.other.items())
    return {
        "label": one.label,
        "other": other,
        "title": f"{one.source}; {one.note}",
        "source": one.source,
        "cells": [one.values.get(column.name, "") for column in table.columns],
        "seconds": one.seconds or "",
    }


# ------------------------------------------------------------------------------------------------ cells


def _cells(table: Table, group: Group, row: Row) -> list[dict[str, Any]]:
    return [cell_view(table, group.cells[row.key][column.name], column) for column in table.columns]


def cell_view(table: Table, cell: Cell, column: Column) -> dict[str, Any]:
    """One number with its interval, or n/a with its reason."""
    note = table.footnote(cell) if cell.reason in table.footnotes else None
    if cell.interval is None:
        return {"value": None, "note": note, "title": cell.reason}
    return {
        # repr: the shortest text that reads back as the same number, as in the CSV.
        "value": repr(cell.interval.mean),
        "text": column.show(cell.interval.mean),
        "half": half_width(cell, column),
        "spread": spread_text(cell, column),
        "best": cell.best,
        "second": cell.second,
        "note": note,
        "title": cell_title(cell, column),
    }


def cell_title(cell: Cell, column: Column) -> str:
    """What rests behind a number: its interval, n, and the test against the best row."""
    if cell.interval is None:
        return cell.reason
    parts = [f"{cell.interval.cases} cases of {cell.interval.scenes} scenes"]
    if cell.interval.low is not None and cell.interval.high is not None:
        low, high = column.show(cell.interval.low), column.show(cell.interval.high)
        parts.append(f"95 % interval {low} to {high}")
    if cell.comparison:
        difference = cell.comparison.difference
        parts.append(f"{difference.mean:+.{column.decimals}f} against the best row")
        parts.append(f"better on {cell.comparison.scenes_won:.0%} of scenes")
        if cell.comparison.p_holm is not None:
            tied = ", tied" if cell.comparison.tied else ""
            parts.append(f"p = {cell.comparison.p_holm:.3g} (Holm){tied}")
    if cell.identical:
        parts.append(f"{cell.identical} predictions equal their target")
    return "; ".join(parts)


def _plot(table: Table, row: Row, column: str) -> dict[str, float] | None:
    """Mean and interval of the first column in percent of the span of all rows: a dot with whiskers.

    An oracle has no say in the span: beside a ceiling far above them the methods would be one dot.
    """
    shown: Sequence[Row] = [other for other in table.rows if other.status != "oracle"]
    intervals = [table.everything.cells[other.key][column].interval for other in shown]
    known = [interval for interval in intervals if interval]
    own = table.everything.cells[row.key][column].interval
    if own is None or len(known) < 2:
        return None
    low = min(i.mean if i.low is None else i.low for i in known)
    high = max(i.mean if i.high is None else i.high for i in known)
    span = (high - low) or 1.0

    def at(value: float | None) -> float:
        share = ((own.mean if value is None else value) - low) / span
        return round(4 + 92 * min(max(share, 0.0), 1.0), 2)

    return {"mean": at(own.mean), "low": at(own.low), "high": at(own.high)}
