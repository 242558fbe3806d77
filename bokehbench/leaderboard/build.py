"""From the long form of the results to tables: who is ranked, who is not and why, what is best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bokehbench.errors import InputError
from bokehbench.leaderboard import find_k, k_scale
from bokehbench.leaderboard.cells import column_cells, printed_mean
from bokehbench.leaderboard.collect import (
    Collected,
    Entry,
    RowKey,
    benchmark_spec,
    current_metric,
    method_spec,
)
from bokehbench.leaderboard.efficiency import of_timings
from bokehbench.leaderboard.pooled import Scores
from bokehbench.leaderboard.sentences import stale_metrics
from bokehbench.leaderboard.statistics import average_ranks, family
from bokehbench.leaderboard.tables import ALL, BelowFloor, Cell, Column, Group, Row, Table
from bokehbench.leaderboard.trained_on import of_results
from bokehbench.registry import MethodSpec

FLOOR = "identity"
NOISE = "target_noise_psnr"


def build(board: Collected) -> Table:
    """The table of one benchmark under one protocol, from all its results.

    Raises:
        InputError: not one result is scored.
    """
    if not board.metrics:
        raise InputError(
            f"{board.benchmark}/{board.protocol}: nothing is scored; bokehbench evaluate RESULTS comes first"
        )
    columns = _columns(board)
    scores = Scores(board)
    rows = [_row(key, board, scores) for key in board.runs]
    groups = _groups(board, columns, rows, scores)
    rows = _with_ranks(rows, columns, groups[0])
    shown = _sorted([row for row in rows if row.status in ("ranked", "oracle")], columns, groups[0])
    stale = _sorted([row for row in rows if row.status == "stale"], columns, groups[0])
    reasons = [
        cell.reason
        for group in groups
        for row in (*shown, *stale)
        for cell in group.cells[row.key].values()
        if cell.reason
    ]
    spec = benchmark_spec(board.benchmark)
    outdated = tuple(column for column in columns if _is_stale(column, board))
    return Table(
        benchmark=board.benchmark,
        protocol=board.protocol,
        spec=spec,
        columns=columns,
        groups=groups,
        rows=tuple(shown),
        incomplete=tuple(row for row in rows if row.status == "incomplete"),
        stale_rows=tuple(stale),
        stale_columns=outdated,
        stale_metrics=stale_metrics(board, outdated, {row.key: row.label for row in rows}),
        lost=board.lost,
        below_floor=_below_floor(shown, columns, groups),
        noise=_noise(board),
        footnotes=tuple(dict.fromkeys(reasons)),
        published=board.whole,
    )


# ------------------------------------------------------------------------------------------------ rows


def _columns(board: Collected) -> tuple[Column, ...]:
    """Metrics without one number of today come last: rows are sorted by the first."""

    def outdated(name: str) -> bool:
        entries = [entry for key in board.runs for entry in board.entries(key) if name in entry.scores]
        return all(name in entry.stale_scores for entry in entries)

    return tuple(_column(name) for name in sorted(board.metrics, key=outdated))


def _is_stale(column: Column, board: Collected) -> bool:
    return any(column.name in entry.stale_scores for key in board.runs for entry in board.entries(key))


def _column(name: str) -> Column:
    metric = current_metric(name)
    if metric is None:
        return Column(name, name, True, 4, "", "", "not registered here", known=False)
    spec = metric.spec
    return Column(
        name,
        metric.id,
        metric.higher_is_better,
        metric.decimals,
        spec.unit,
        metric.fingerprint,
        spec.summary,
        ranked=spec.ranked,
    )


def _row(key: RowKey, board: Collected, scores: Scores) -> Row:
    method, weights = key
    runs, entries = board.runs[key], board.entries(key)
    spec = method_spec(method)
    missing = tuple(case for case in board.cases if any(case not in run for run in runs.values()))
    # A stale score is not here: it says nothing about the row's other scores, and shows in its own cell.
    stale = tuple(dict.fromkeys(entry.stale for entry in entries if entry.stale is not None))
    status = "stale" if stale else "incomplete" if missing else "oracle" if _is_oracle(spec) else "ranked"
    timed = scores.of(key, (board.metrics or [""])[0])
    scale, chosen = k_scale.of_results([entry.result for entry in entries], spec)
    several = sum(other == method for other, _ in board.runs) > 1
    return Row(
        key=key,
        label=f"{method} [{weights}]" if several else method,
        version=None if timed.version.isna().all() else int(timed.version.max()),
        spec=spec,
        status=status,
        seconds=_median(timed.seconds),
        peak_memory_mb=_median(timed.peak_memory_mb),
        missing=missing,
        stale=stale,
        uses_truth=(*_uses_truth(entries), *chosen),
        K=_found_K(entries),
        seeds=len(runs),
        efficiency=of_timings([entry.timing for entry in entries]),
        training=of_results([entry.result for entry in entries], spec, board.benchmark),
        left_out={case: board.lost[case] for case in sorted(board.left_out.get(key, ()))},
        damaged=tuple(sorted(board.damaged.get(key, set()) & {*missing})),
        k_scale=scale,
        otherwise=_otherwise(board.rows[key].values()),
        restoration=_restoration([entry.timing for entry in entries]),
    )


def _otherwise(entries: Iterable[Entry]) -> tuple[tuple[str, int], ...]:
    """The notes of `rendered` in the records of a run, and how many cases have each."""
    notes = (entry.record.get("rendered", {}).get("note", "") for entry in entries)
    return tuple(sorted(Counter(note for note in notes if note).items()))


def _restoration(timings: Sequence[Mapping[str, Any]]) -> float | None:
    """Median seconds of the first of two stages."""
    stages = (timing.get("stages") for timing in timings)
    seconds = [stage.get("restoration") for stage in stages if isinstance(stage, dict)]
    return _median(pd.Series(seconds, dtype=float))


def _uses_truth(entries: Iterable[Entry]) -> tuple[str, ...]:
    """What the truth chose, by the records; and whether cases that failed had no say in the K of the set."""
    found = dict.fromkeys(what for entry in entries for what in entry.record.get("uses_truth", ()))
    for folder in dict.fromkeys(entry.result.folder for entry in entries):
        if lost := find_k.left_out(folder):
            which = (
                f"case that failed ({lost[0]})" if len(lost) == 1 else f"cases that failed ({lost[0]}, ...)"
            )
            found[f"K, chosen without {len(lost)} {which}"] = None
    return tuple(found)


def _found_K(entries: Iterable[Entry]) -> tuple[float, float] | None:
    found = [float(entry.record["K"]) for entry in entries if "K" in entry.record]
    return (min(found), max(found)) if found else None


def _is_oracle(spec: MethodSpec | None) -> bool:
    return spec is not None and (spec.oracle is not None or spec.category == "oracle")


def _median(values: pd.Series) -> float | None:
    known = values.dropna()
    return round(float(known.median()), 4) if len(known) else None


def _sorted(rows: Sequence[Row], columns: Sequence[Column], group: Group) -> list[Row]:
    """Best first by the first column; rows without its mean last; equal means by name."""

    def order(row: Row) -> tuple[bool, float, str]:
        cell = group.cells[row.key][columns[0].name]
        if cell.interval is None:
            return True, 0.0, row.label
        return False, -cell.interval.mean if columns[0].higher_is_better else cell.interval.mean, row.label

    return sorted(rows, key=order)


def _with_ranks(rows: Sequence[Row], columns: Sequence[Column], group: Group) -> list[Row]:
    """Rows with their average rank: over one variant of each metric that all ranked rows have."""
    ranked = [row for row in rows if row.status == "ranked"]
    used: list[Column] = []
    for column in columns:
        complete = all(group.cells[row.key][column.name].interval for row in ranked)
        if complete and column.ranked and family(column.name) not in [family(other.name) for other in used]:
            used.append(column)
    if len(ranked) < 2 or not used:
        return list(rows)
    printed = [
        {row.key: printed_mean(group.cells[row.key][column.name], column) for row in ranked}
        for column in used
    ]
    ranks = average_ranks(printed, [column.higher_is_better for column in used])
    return [replace(row, average_rank=ranks.get(row.key)) for row in rows]


# ----------------------------------------------------------------------------------------------- cells


def _groups(
    board: Collected, columns: Sequence[Column], rows: Sequence[Row], scores: Scores
) -> tuple[Group, ...]:
    cases = list(board.cases)
    levels = np.array([board.cases[key].record["level"] for key in cases])
    strengths = np.array([board.cases[key].record["lens"]["K"] for key in cases])
    names = sorted(set(levels.tolist()), key=lambda name: (np.median(strengths[levels == name]), name))
    chosen = [(ALL, np.ones(len(cases), bool))]
    if len(names) > 1:
        chosen += [(name, levels == name) for name in names]
    return tuple(_group(level, mask, board, columns, rows, scores) for level, mask in chosen)


def _group(
    level: str,
    mask: np.ndarray,
    board: Collected,
    columns: Sequence[Column],
    rows: Sequence[Row],
    scores: Scores,
) -> Group:
    cases = [key for key, chosen in zip(board.cases, mask, strict=True) if chosen]
    scenes = [board.cases[key].record["scene"] for key in cases]
    strengths = [board.cases[key].record["lens"]["K"] for key in cases]
    cells: dict[RowKey, dict[str, Cell]] = {row.key: {} for row in rows}
    for column in columns:
        for key, cell in column_cells(column, mask, board, rows, scores).items():
            cells[key][column.name] = cell
    first = columns[0].name
    seconds = {row.key: _median(scores.of(row.key, first)[mask].seconds) for row in rows}
    searched = any("K_search" in board.cases[key].record for key in cases)
    K = None if searched else (min(strengths), max(strengths))
    return Group(level, tuple(cases), tuple(scenes), K, cells, seconds)


# ----------------------------------------------------------------------------------------- floor, noise


def _below_floor(
    rows: Sequence[Row], columns: Sequence[Column], groups: Sequence[Group]
) -> tuple[BelowFloor, ...]:
    """Rows whose printed mean is under that of `identity`, overall or at a level, by the first column."""
    floor = next((row for row in rows if row.key[0] == FLOOR), None)
    column = next((column for column in columns if column.name == "psnr"), columns[0])
    if floor is None:
        return ()
    found = []
    for row in rows:
        differences = {}
        for group in groups:
            cells = (group.cells[row.key][column.name], group.cells[floor.key][column.name])
            if cells[0].interval and cells[1].interval:
                sign = 1 if column.higher_is_better else -1
                differences[group.level] = sign * (cells[0].interval.mean - cells[1].interval.mean)
        if any(round(value, column.decimals) < 0 for value in differences.values()):
            notes = row.spec.notes if row.spec else ""
            found.append(BelowFloor(row, differences, notes or "its spec gives no reason"))
    return tuple(found)


def _noise(board: Collected) -> tuple[float, float] | None:
    known = [case.record.get("notes", {}).get(NOISE) for case in board.cases.values()]
    values = [float(value) for value in known if value is not None]
    return (min(values), float(np.median(values))) if values else None
