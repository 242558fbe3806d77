"""The page: one folder that opens from `file://`, without a network and without a framework.

The tables are plain HTML made here; `templates/tables.js` only sorts and unfolds them. (itables was weighed:
its bundle is an ES module, which browsers refuse to load from `file://` unless 0.8 MB of it is pasted into
every page, and its rows cannot carry their levels along when they are sorted. Twenty rows need neither.)
The picture comparison is `page_compare.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bokehbench
from bokehbench import records
from bokehbench.leaderboard import page_compare
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.pictures import ASSETS, slug, strip_image
from bokehbench.leaderboard.sentences import (
    ORACLE_NOTE,
    below_floor_sentence,
    half_width,
    incomplete_sentence,
    noise_sentence,
    rank_text,
    seconds_text,
    size_sentence,
    stale_sentences,
    statistics_sentence,
    truth_sentence,
)
from bokehbench.leaderboard.strips import Strip
from bokehbench.leaderboard.tables import Cell, Column, Group, Row, Table

STYLES = ("style.css", *page_compare.STYLES)
SCRIPTS = ("tables.js", *page_compare.SCRIPTS)


def write_page(out: Path, boards: Sequence[tuple[Collected, Table]], strips: Sequence[Strip]) -> Path:
    """Write OUT/index.html and its style, scripts and data; the pictures are `pictures.write_pictures`'."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bokehbench.leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("index.html").render(
        version=bokehbench.__version__,
        counts=_counts(boards),
        tables=[_table_view(board, table) for board, table in boards],
        strips=[_strip_view(index, strip) for index, strip in enumerate(strips)],
        methods=_method_views(boards),
        compare=page_compare.view(),
        styles=STYLES,
        scripts=(page_compare.DATA, *SCRIPTS),
    )
    source = Path(__file__).parent / "templates"
    for name in (*STYLES, *SCRIPTS):
        records.write_bytes(out / ASSETS / name, (source / name).read_bytes())
    page_compare.write_data(out, boards)
    records.write_text(out / "index.html", html)
    return out / "index.html"


def _counts(boards: Sequence[tuple[Collected, Table]]) -> dict[str, int]:
    return {
        "methods": len({key for board, _ in boards for key in board.rows}),
        "benchmarks": len(boards),
        "cases": sum(len(board.cases) for board, _ in boards),
        "images": sum(len(row) for board, _ in boards for row in board.rows.values()),
    }


# ---------------------------------------------------------------------------------------------- tables


def _table_view(board: Collected, table: Table) -> dict[str, Any]:
    first = table.columns[0]
    return {
        "id": table.name,
        "benchmark": table.benchmark,
        "protocol": table.protocol,
        "summary": table.spec.summary if table.spec else "",
        "size": size_sentence(table.everything),
        "columns": [_column_view(column) for column in table.columns],
        "first": first.name,
        "levels": [group.level for group in table.groups[1:]],
        "rows": [_row_view(table, row) for row in table.rows],
        "stale": [{**_row_view(table, row), "why": stale_sentences(row)} for row in table.stale_rows],
        "incomplete": [incomplete_sentence(row, table) for row in table.incomplete],
        "below": [below_floor_sentence(below, table) for below in table.below_floor],
        "footnotes": table.footnotes,
        "statistics": statistics_sentence(table),
        "oracle": ORACLE_NOTE if any(row.status == "oracle" for row in table.rows) else "",
        "noise": noise_sentence(table),
        "truth": truth_sentence(table),
        "provenance": _provenance(board, table),
    }


def _column_view(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "unit": column.unit,
        "arrow": column.arrow,
        "title": f"{column.id}: {column.summary}",
    }


def _row_view(table: Table, row: Row) -> dict[str, Any]:
    return {
        "label": row.label,
        "anchor": f"method-{slug(row.key[0])}",
        "version": row.version,
        "status": row.status,
        "category": row.category,
        "truth": row.truth,
        "cells": _cells(table, table.everything, row),
        "plot": _plot(table, row),
        "rank": row.average_rank,
        "rank_text": rank_text(row),
        "seconds": row.seconds,
        "seconds_text": seconds_text(row),
        "levels": [
            {"level": group.level, "size": size_sentence(group), "cells": _cells(table, group, row)}
            for group in table.groups[1:]
        ],
    }


def _cells(table: Table, group: Group, row: Row) -> list[dict[str, Any]]:
    return [_cell_view(table, group.cells[row.key][column.name], column) for column in table.columns]


def _cell_view(table: Table, cell: Cell, column: Column) -> dict[str, Any]:
    if cell.interval is None:
        note = table.footnote(cell) if cell.reason in table.footnotes else None
        return {"value": None, "text": "n/a", "note": note, "title": cell.reason}
    return {
        # repr: the shortest text that reads back as the same number, as in the CSV.
        "value": repr(cell.interval.mean),
        "text": column.show(cell.interval.mean),
        "half": half_width(cell, column),
        "best": cell.best,
        "second": cell.second,
        "title": _cell_title(cell, column),
    }


def _cell_title(cell: Cell, column: Column) -> str:
    interval = cell.interval
    parts = []
    if interval and interval.low is not None and interval.high is not None:
        parts.append(f"95 % interval {column.show(interval.low)} to {column.show(interval.high)}")
    if cell.comparison:
        difference = cell.comparison.difference
        parts.append(f"{difference.mean:+.{column.decimals}f} against the best row")
        parts.append(f"better on {cell.comparison.scenes_won:.0%} of scenes")
        if cell.comparison.p_holm is not None:
            parts.append(
                f"p = {cell.comparison.p_holm:.3g} (Holm)" + (", tied" if cell.comparison.tied else "")
            )
    if cell.identical:
        parts.append(f"{cell.identical} predictions equal their target")
    return "; ".join(parts)


def _plot(table: Table, row: Row) -> dict[str, float] | None:
    """Mean and interval of the first column in percent of the span of all rows: a dot with whiskers.

    An oracle has no say in the span: beside a ceiling far above them the methods would be one dot.
    """
    column = table.columns[0].name
    shown = [other for other in table.rows if other.status != "oracle"]
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


# ----------------------------------------------------------------------------- provenance, methods, strips


def _provenance(board: Collected, table: Table) -> list[tuple[str, list[str]]]:
    """What is needed to repeat the table: (heading, lines)."""
    entries = [entry for row in board.rows.values() for entry in row.values()]
    codes = {_code(entry.record.get("code", {})) for entry in entries}
    libraries = {
        f"{name} {version}"
        for entry in entries
        for name, version in entry.record.get("libraries", {}).items()
    }
    dates = sorted(str(entry.timing["date"]) for entry in entries if "date" in entry.timing)
    data = records.sha256_json({key: case.record["data"] for key, case in board.cases.items()})
    facts = [
        ("Commands", sorted({str(entry.record["command"]) for entry in entries})),
        ("Code", sorted(codes)),
        ("Libraries", [", ".join(sorted(libraries))] if libraries else []),
        ("Metrics (fingerprint)", [f"{c.id} ({c.fingerprint})" for c in table.columns if c.known]),
        ("Data", [f"{len(board.cases)} cases, sha256 {data}"]),
        ("Devices", sorted({str(e.timing["device"]) for e in entries if e.timing.get("device")})),
        ("Rendered", [dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"] if dates else []),
    ]
    return [(heading, lines) for heading, lines in facts if lines]


def _code(code: dict[str, Any]) -> str:
    commit = code.get("commit")
    text = f"bokehbench {code.get('version', 'unknown')}" + (f", commit {commit}" if commit else "")
    return text + (", with changes that are not committed" if code.get("dirty") else "")


def _method_views(boards: Sequence[tuple[Collected, Table]]) -> list[dict[str, Any]]:
    """A card for every method that is registered, in order of registration."""
    found: dict[str, dict[str, Any]] = {}
    for _, table in boards:
        for row in (*table.rows, *table.incomplete, *table.stale_rows):
            if row.spec is None:
                continue
            spec = row.spec
            card = found.setdefault(
                spec.name, {"spec": spec, "anchor": f"method-{slug(spec.name)}", "speed": []}
            )
            if row.seconds is not None:
                card["speed"].append(f"{seconds_text(row)} s an image on {table.benchmark}")
            card["command"] = f"bokehbench run --benchmark NAME:DIR --method {spec.name} --out RESULTS"
    order = {name: index for index, name in enumerate(_registered_names())}
    return sorted(found.values(), key=lambda card: order.get(card["spec"].name, len(order)))


def _registered_names() -> list[str]:
    from bokehbench.registry import MethodSpec, names

    return names(MethodSpec)


def _strip_view(index: int, strip: Strip) -> dict[str, Any]:
    content = strip.content
    pictures = [
        {"src": f"{ASSETS}/{strip_image(index, number, strip)}", "label": image.label, "note": image.note}
        for number, image in enumerate(content.images)
    ]
    return {"title": content.title, "caption": content.caption, "images": pictures}
