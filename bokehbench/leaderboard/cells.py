"""The cells of one column: means with their intervals, who is best, and why there is no number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from bokehbench.leaderboard.collect import Collected, RowKey, Stale, current_metric, not_registered
from bokehbench.leaderboard.frame import MISSING, NOT_SCORED
from bokehbench.leaderboard.pooled import Scores
from bokehbench.leaderboard.statistics import SMALLEST_DIFFERENCE, against_best, family, mean_interval
from bokehbench.leaderboard.stored import VALUED
from bokehbench.leaderboard.tables import Cell, Column, Row
from bokehbench.metrics import weights


def column_cells(
    column: Column, mask: np.ndarray, board: Collected, rows: Sequence[Row], scores: Scores
) -> dict[RowKey, Cell]:
    """The cell of each row, over those of the board's cases that `mask` [cases] names."""
    counted = _with_region(column, mask, rows, scores)
    cases = [key for key, chosen in zip(board.cases, mask, strict=True) if chosen]
    within = [case.record["scene"] for case, kept in zip(board.cases.values(), counted, strict=True) if kept]
    parts = {row.key: scores.of(row.key, column.name)[counted] for row in rows}
    stale = {row.key: _stale_scores(column, board, row.key, cases) for row in rows}
    found = {}
    for key, cell in _compared(column, rows, parts, stale, within).items():
        spread = _spread(cell, scores.seeds(key, column.name)[:, counted])
        note = _fewer(column, len(within), len(cases)) if cell.interval else cell.reason
        found[key] = replace(cell, spread=spread, reason=note)
    return found


def _with_region(column: Column, mask: np.ndarray, rows: Sequence[Row], scores: Scores) -> np.ndarray:
    """Of the cases in `mask`, those whose region is large enough to have a number; all where none is.

    A region is a matter of the case alone, so that it is too small for all methods alike.
    """
    if not _region(column):
        return mask
    statuses = [scores.of(row.key, column.name).status.to_numpy() for row in rows]
    lacking = np.all([np.isin(found, ("undefined", MISSING)) for found in statuses], axis=0)
    counted = mask & ~lacking
    return counted if counted.any() else mask


def _region(column: Column) -> str:
    metric = current_metric(column.name)
    return metric.region if metric else ""


def _fewer(column: Column, counted: int, n: int) -> str:
    region = _region(column)
    return f"+{region}: {counted} of {n} cases have enough of this region" if counted < n else ""


def _spread(cell: Cell, values: npt.NDArray[np.float64]) -> float | None:
    """Standard deviation over seeds of the mean over cases; `values` [seeds, cases]."""
    if cell.interval is None or len(values) < 2:
        return None
    return float(values.mean(axis=1).std(ddof=1))


def _stale_scores(column: Column, board: Collected, key: RowKey, cases: Sequence[str]) -> list[Stale]:
    """One for each of the cases whose score is outdated."""
    if not column.known:
        return [not_registered(column.name)] * len(cases)  # also where it was never scored
    runs = board.runs[key].values()
    entries = [run[case] for run in runs for case in cases if case in run]
    return [entry.stale_scores[column.name] for entry in entries if column.name in entry.stale_scores]


def _compared(
    column: Column,
    rows: Sequence[Row],
    parts: Mapping[RowKey, pd.DataFrame],
    stale: Mapping[RowKey, Sequence[Stale]],
    scenes: Sequence[str],
) -> dict[RowKey, Cell]:
    cells = {row.key: _cell(column, row, parts[row.key], stale[row.key], scenes) for row in rows}
    ranked = [row.key for row in rows if row.status == "ranked" and cells[row.key].interval]
    if len(ranked) < 2 or not column.ranked:
        return cells
    sign = 1 if column.higher_is_better else -1
    values = {key: parts[key].value.to_numpy() for key in ranked}
    best = max(ranked, key=lambda key: sign * values[key].mean())
    tests = against_best(
        values,
        best,
        scenes,
        higher_is_better=column.higher_is_better,
        smallest=SMALLEST_DIFFERENCE.get(family(column.name), 0.0),
    )
    printed = {key: printed_mean(cells[key], column) for key in ranked}
    bold = {key for key in ranked if printed[key] == printed[best] or (key in tests and tests[key].tied)}
    floors = {row.key for row in rows if row.category == "floor"}
    after = max((sign * printed[key] for key in ranked if key not in bold), default=None)
    for key in ranked:
        # After two that share the first place nobody is second; and doing nothing is no second place.
        second = len(bold) == 1 and key not in bold | floors and sign * printed[key] == after
        cells[key] = replace(cells[key], comparison=tests.get(key), best=key in bold, second=second)
    return cells


def printed_mean(cell: Cell, column: Column) -> float:
    """The mean of a cell that has one as it is printed: equal after rounding is a tie."""
    assert cell.interval is not None
    return float(column.show(cell.interval.mean))


def _cell(
    column: Column, row: Row, part: pd.DataFrame, stale: Sequence[Stale], scenes: Sequence[str]
) -> Cell:
    if row.status == "incomplete" or (part.status == MISSING).any():
        return Cell(reason="cases are missing" if row.status != "incomplete" else "")
    if stale:
        why = "; ".join(dict.fromkeys(f"{one.reason}: {one.command}" for one in stale))
        return Cell(reason=_of_cases(why, len(stale), len(part)))
    without = part[~part.status.isin(VALUED)]
    if len(without):
        return Cell(reason=_why_not(column, without, len(part)))
    interval = mean_interval(part.value.to_numpy(), scenes)
    return Cell(interval, identical=int((part.status == "identical").sum()))


def _why_not(column: Column, without: pd.DataFrame, n: int) -> str:
    first = without.iloc[0]
    if first.status == NOT_SCORED:
        reason = f"{column.name} is not scored: bokehbench evaluate RESULTS --metric {column.name}"
    else:
        region = _region(column) if first.status == "undefined" else ""
        # A region is a matter of the case: one footnote for all metrics of it.
        reason = f"{f'+{region}' if region else column.name} {first.status}"
        reason += (f": {first.reason}" if first.reason else "") + _how_to_get(column, first.reason)
    return _of_cases(reason, len(without), n)


def _of_cases(reason: str, count: int, n: int) -> str:
    return reason if count == n else f"{count} of {n} cases: {reason}"


def _how_to_get(column: Column, reason: str) -> str:
    """The instruction for weights that a reason names; of no machine in particular."""
    metric = current_metric(column.name)
    files = [weights.FILES[name] for name in metric.spec.weights if name in weights.FILES] if metric else []
    sources = [file.source for file in files if file.name in reason and not file.package]
    if not sources:
        return ""
    return (
        f"; published at {' and '.join(sources)}: put it into ${weights.FOLDER_VARIABLE} or --weights-dir, "
        "then bokehbench evaluate RESULTS"
    )
