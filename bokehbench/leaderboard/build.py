"""From the long form of the results to tables: who is ranked, who is not and why, what is best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from bokehbench.errors import InputError
from bokehbench.leaderboard.collect import (
    Collected,
    Entry,
    RowKey,
    Stale,
    benchmark_spec,
    current_metric,
    method_spec,
    not_registered,
)
from bokehbench.leaderboard.efficiency import of_timings
from bokehbench.leaderboard.frame import MISSING, NOT_SCORED, VALUED
from bokehbench.leaderboard.pooled import Scores
from bokehbench.leaderboard.statistics import (
    SMALLEST_DIFFERENCE,
    against_best,
    average_ranks,
    family,
    mean_interval,
)
from bokehbench.leaderboard.tables import ALL, BelowFloor, Cell, Column, Group, Row, Table
from bokehbench.leaderboard.trained_on import of_results
from bokehbench.metrics import weights
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
    return Table(
        benchmark=board.benchmark,
        protocol=board.protocol,
        spec=benchmark_spec(board.benchmark),
        columns=columns,
        groups=groups,
        rows=tuple(shown),
        incomplete=tuple(row for row in rows if row.status == "incomplete"),
        stale_rows=tuple(stale),
        stale_columns=tuple(column for column in columns if _is_stale(column, board)),
        below_floor=_below_floor(shown, columns, groups),
        noise=_noise(board),
        footnotes=tuple(dict.fromkeys(reasons)),
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
        uses_truth=tuple(
            dict.fromkeys(what for entry in entries for what in entry.record.get("uses_truth", ()))
        ),
        K=_found_K(entries),
        seeds=len(runs),
        efficiency=of_timings([entry.timing for entry in entries]),
        training=of_results([entry.result for entry in entries], spec, board.benchmark),
    )


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
        {row.key: _printed(group.cells[row.key][column.name], column) for row in ranked} for column in used
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
        counted = _with_region(column, mask, rows, scores)
        parts = {row.key: scores.of(row.key, column.name)[counted] for row in rows}
        stale = {row.key: _stale_scores(column, board, row.key, cases) for row in rows}
        within = [scene for scene, kept in zip(scenes, counted[mask], strict=True) if kept]
        for key, cell in _column_cells(column, rows, parts, stale, within).items():
            spread = _spread(cell, scores.seeds(key, column.name)[:, counted])
            note = _fewer(column, len(within), len(cases)) if cell.interval else cell.reason
            cells[key][column.name] = replace(cell, spread=spread, reason=note)
    first = columns[0].name
    seconds = {row.key: _median(scores.of(row.key, first)[mask].seconds) for row in rows}
    searched = any("K_search" in board.cases[key].record for key in cases)
    K = None if searched else (min(strengths), max(strengths))
    return Group(level, tuple(cases), tuple(scenes), K, cells, seconds)


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


def _column_cells(
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
    printed = {key: _printed(cells[key], column) for key in ranked}
    bold = {key for key in ranked if printed[key] == printed[best] or (key in tests and tests[key].tied)}
    floors = {row.key for row in rows if row.category == "floor"}
    after = max((sign * printed[key] for key in ranked if key not in bold), default=None)
    for key in ranked:
        # After two that share the first place nobody is second; and doing nothing is no second place.
        second = len(bold) == 1 and key not in bold | floors and sign * printed[key] == after
        cells[key] = replace(cells[key], comparison=tests.get(key), best=key in bold, second=second)
    return cells


def _printed(cell: Cell, column: Column) -> float:
    """The mean as it is printed: equal after rounding is a tie."""
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
