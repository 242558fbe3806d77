"""The four questions that the page's plots answer; each returns None where there is no data for it."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bokehbench.leaderboard.collect import Collected, RowKey
from bokehbench.leaderboard.plot_series import Axis, Plot, Point, axis_title, plot_id, point_of
from bokehbench.leaderboard.tables import Column, Group, Row, Table

Series = dict[str, dict[str, list[Point]]]

CORRUPTIONS = {
    "dilate": "dilation N: a square of 2N + 1 px",
    "erode": "erosion N: a square of 2N + 1 px",
    "blur": "Gaussian blur N: a kernel of 2N + 1 px",
    "noise": "noise N: N % of the range",
}
_TRACK = re.compile(rf"\+({'|'.join(CORRUPTIONS)})-(\d+)$")
MEASURES = {
    "psnr": "PSNR (dB) ↑",
    "rms error": "root mean square error, 8-bit units ↓",
    "share of error": "share of the squared error, %",
}
CHANNELS = 3
MOST_TICKS = 8
"""Of an axis: more do not fit beside each other on a phone."""


def _known(table: Table) -> list[Column]:
    """Columns that any row has a mean of."""
    cells = table.everything.cells
    return [c for c in table.columns if any(cells[row.key][c.name].interval for row in table.rows)]


def _choice(columns: Iterable[Column]) -> tuple[str, tuple[str, ...]]:
    return "Metric", tuple(column.name for column in columns)


# ------------------------------------------------------------------------------------------- blur level


def by_level(table: Table) -> Plot | None:
    """Quality against blur level: the strength K in pixels, or the level's name where K is searched."""
    groups, columns = table.groups[1:], _known(table)
    if len(groups) < 2 or not columns:
        return None
    numeric = all(group.K is not None for group in groups)
    at = {group.level: _strength(group) if numeric else group.level for group in groups}
    series: Series = {}
    for column in columns:
        methods = {}
        for row in table.rows:
            made = (
                point_of(at[g.level], g.cells[row.key][column.name], column, _level_text(g)) for g in groups
            )
            methods[row.label] = [point for point in made if point]
        series[column.name] = {label: points for label, points in methods.items() if points}
    ticks = tuple((float(at[g.level]), f"{g.level}<br>{at[g.level]:.3g}") for g in groups) if numeric else ()
    axis = Axis(
        "blur level, K in px" if numeric else "blur level", "linear" if numeric else "category", ticks
    )
    return Plot(
        plot_id("level", table.name),
        table.name,
        "Quality against blur level",
        "Mean over the cases of each level; bars are 95 % intervals by scene, where there are scenes enough.",
        {"": axis},
        (_choice(columns),),
        {column.name: axis_title(column) for column in columns},
        series,
    )


def _strength(group: Group) -> float:
    assert group.K is not None
    return round((group.K[0] + group.K[1]) / 2, 4)


def _level_text(group: Group) -> str:
    if group.K is None:
        return group.level
    low, high = group.K
    return f"{group.level}, K = {low:.4g} px" + ("" if low == high else f" to {high:.4g} px")


# ------------------------------------------------------------------------------------------------- time


def by_time(board: Collected, table: Table) -> Plot | None:
    """Quality against median seconds an image, with the methods that none is both faster and better than."""
    columns = _known(table)
    timed = [row for row in table.rows if row.seconds is not None and row.seconds > 0]
    if len(timed) < 2 or not columns:
        return None
    devices = {row.key: _devices(board, row.key) for row in timed}
    series: Series = {}
    front = {}
    for column in columns:
        points: dict[str, list[Point]] = {}
        for row in timed:
            cell = table.everything.cells[row.key][column.name]
            assert row.seconds is not None
            lines = (f"{row.seconds:.3g} s an image", _measured(row), *devices[row.key])
            if made := point_of(row.seconds, cell, column, *lines):
                points[row.label] = [made]
        series[column.name] = points
        ranked = {row.label: points[row.label][0] for row in timed if _counts(row) and row.label in points}
        if column.ranked:
            front[column.name] = pareto(ranked, column.higher_is_better)
    several = len({text for texts in devices.values() for text in texts}) > 1
    about = (
        "Median seconds an image. Rims and the dotted line mark the Pareto front: nothing is both faster and "
        "better."
    )
    if len(timed) < len(table.rows):
        about += " Rows without a time, or with none that the clock resolves, are not on the axis."
    if several:
        about += " NOT ALL ON ONE DEVICE: times of different devices do not compare."
    return Plot(
        plot_id("time", table.name),
        table.name,
        "Quality against time",
        about,
        {"": Axis("seconds an image", "log", log_ticks([row.seconds for row in timed if row.seconds]))},
        (_choice(columns),),
        {column.name: axis_title(column) for column in columns},
        series,
        front,
        lines=False,
    )


def log_ticks(values: Sequence[float]) -> tuple[tuple[float, str], ...]:
    """Ticks 1, 2, 5 of each decade, from the last that is below all values to the first above; > 0.

    Over more than two decades the powers of ten alone, and of these at most `MOST_TICKS`.
    """
    low, high = min(values), max(values)
    first, last = math.floor(math.log10(low)) - 1, math.floor(math.log10(high)) + 1
    for mantissas in ((1, 2, 5), (1,)):
        steps = [float(f"{m}e{exponent}") for exponent in range(first, last + 1) for m in mantissas]
        inner = [step for step in steps if low < step < high]
        ticks = [max(s for s in steps if s <= low), *inner, min(s for s in steps if s >= high)]
        if len(ticks) <= MOST_TICKS:
            break
    ticks = sorted({*ticks[:: math.ceil(len(ticks) / MOST_TICKS)], ticks[-1]})
    return tuple((tick, f"{tick:g}") for tick in ticks)


def pareto(points: Mapping[str, Point], higher_is_better: bool) -> list[str]:
    """Labels from fast to slow, each better than all that are as fast or faster."""
    sign = 1 if higher_is_better else -1
    best, found = -math.inf, []
    for label, point in sorted(points.items(), key=lambda item: (item[1].x, -sign * item[1].y)):
        if sign * point.y > best:
            best = sign * point.y
            found.append(label)
    return found


def _counts(row: Row) -> bool:
    return row.status == "ranked" and row.category != "floor"


def _measured(row: Row) -> str:
    if row.efficiency:
        return f"profiled: median of {row.efficiency.repeats} after a warm-up"
    return "as run, once, not profiled"


def _devices(board: Collected, key: RowKey) -> tuple[str, ...]:
    timings = [entry.timing for entry in board.entries(key)]
    names = {
        ", ".join(filter(None, [str(t["device"]), str(t.get("profile", {}).get("gpu", ""))]))
        for t in timings
        if t.get("device")
    }
    return tuple(sorted(names))


# ------------------------------------------------------------------------------------------- corruption


def by_corruption(table: Table, tracks: Sequence[Table]) -> Plot | None:
    """Quality against the strength of a corruption of the disparity map; N = 0 is the map as it is."""
    found: dict[str, dict[int, Table]] = {}
    for track in tracks:
        if match := _TRACK.search(track.protocol):
            found.setdefault(match[1], {})[int(match[2])] = track
    columns = [c for c in _known(table) if any(c.name in {k.name for k in _known(t)} for t in tracks)]
    if not found or not columns:
        return None
    kinds = tuple(kind for kind in CORRUPTIONS if kind in found)
    series: Series = {}
    for kind, column in itertools.product(kinds, columns):
        at = {0: table, **dict(sorted(found[kind].items()))}
        series[f"{column.name}|{kind}"] = _along(at, column, kind)
    levels = tuple((float(level), str(level)) for level in range(6))
    return Plot(
        plot_id("corruption", table.name),
        table.name,
        "Quality against disparity corruption",
        "The same cases with a worse and worse disparity map (BokehMe, Fig. 11); 0 is the map as it is.",
        {kind: Axis(CORRUPTIONS[kind], "linear", levels) for kind in kinds},
        (_choice(columns), ("Corruption", kinds)),
        {column.name: axis_title(column) for column in columns},
        series,
    )


def _along(tables: Mapping[int, Table], column: Column, kind: str) -> dict[str, list[Point]]:
    lines: dict[str, list[Point]] = {}
    for level, table in tables.items():
        for row in table.rows:
            cell = table.everything.cells[row.key].get(column.name)
            about = f"{kind} {level}" if level else "map as it is"
            if cell is not None and (made := point_of(float(level), cell, column, about)):
                lines.setdefault(row.label, []).append(made)
    return lines


# --------------------------------------------------------------------------------------- signed defocus


def by_defocus(table: Table, curves: Mapping[str, Any]) -> Plot | None:
    """Error by signed defocus, from the breakdowns of this benchmark and protocol."""
    labels = {row.key: row.label for row in table.rows}
    own = [
        curve
        for curve in curves["curves"]
        if (curve["benchmark"], curve["protocol"]) == (table.benchmark, table.protocol)
        and (curve["method"], curve["weights"]) in labels
    ]
    if not own:
        return None
    there = {curve["level"] for curve in own}
    levels = [group.level for group in table.groups if group.level in there]
    series: Series = {f"{measure}|{level}": {} for measure in MEASURES for level in levels}
    for curve in own:
        label = labels[(curve["method"], curve["weights"])]
        for measure in MEASURES:
            points = _bins(curve["bins"], measure)
            if points and curve["level"] in levels:
                series[f"{measure}|{curve['level']}"][label] = points
    ticks = tuple((float(index), _span(b)) for index, b in enumerate(own[0]["bins"]))
    return Plot(
        plot_id("defocus", table.name),
        table.name,
        "Error by signed defocus",
        "Where a method fails: far behind focus left, sharp in the middle, in front of focus right. PSNR is "
        "the mean over the cases that have enough of a bin; the others are pooled over all pixels.",
        {"": Axis("signed defocus S in px (S > 0: in front of the focal plane)", "linear", ticks)},
        (("Measure", tuple(MEASURES)), ("Level", tuple(levels))),
        MEASURES,
        series,
    )


def _span(one: Mapping[str, Any]) -> str:
    low, high = one["low"], one["high"]
    if low is None:
        return f"< {high:g}"
    return f"> {low:g}" if high is None else f"{low:g} to {high:g}"


def _bins(bins: Sequence[Mapping[str, Any]], measure: str) -> list[Point]:
    total = sum(one["squared_error"] for one in bins)
    points = []
    for index, one in enumerate(bins):
        pixels, error = one["pixels"], one["squared_error"]
        where = f"S {_span(one)} px, {pixels} pixels"
        if measure == "psnr" and one["psnr"] is not None:
            low, high = one["psnr_low"], one["psnr_high"]
            value = f"PSNR {one['psnr']:.2f} dB"
            value += "" if low is None else f", 95 % interval {low:.2f} to {high:.2f}"
            rests = f"{one['cases']} cases of {one['scenes']} scenes"
            points.append(Point(float(index), one["psnr"], low, high, (value, rests, where)))
        elif measure == "rms error" and pixels:
            rms = math.sqrt(error / (CHANNELS * pixels))
            points.append(Point(float(index), rms, None, None, (f"{rms:.2f} of 255", where)))
        elif measure == "share of error" and total:
            share = 100 * error / total
            points.append(Point(float(index), share, None, None, (f"{share:.1f} % of the error", where)))
    return points
