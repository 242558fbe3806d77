"""The parts that every plot of the page is made of."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from bokehbench.leaderboard.tables import Cell, Column


@dataclass(frozen=True)
class Point:
    """One mark: where, its interval (None where it has none), and what it rests on.

    Attributes:
        about: lines for the reader who points at it.
    """

    x: float | str
    y: float
    low: float | None
    high: float | None
    about: tuple[str, ...]


@dataclass(frozen=True)
class Axis:
    """Title, `linear`, `log` or `category`, and ticks (value, text) where numbers alone say too little."""

    title: str
    kind: str = "linear"
    ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Plot:
    """One plot of one benchmark.

    Attributes:
        about: one sentence on how to read it.
        choices: (what, options) for each menu.
        y: first option of each combination's key -> title of the y axis.
        series: options joined by `|` -> method -> points.
        front: the same keys -> labels of methods that no other is both faster and better than.
        lines: whether the points of a method are joined.
    """

    id: str
    board: str
    title: str
    about: str
    x: Mapping[str, Axis]
    choices: tuple[tuple[str, tuple[str, ...]], ...]
    y: Mapping[str, str]
    series: Mapping[str, Mapping[str, Sequence[Point]]]
    front: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lines: bool = True

    def to_json(self) -> dict[str, Any]:
        """For `plots.js`: series as columns of numbers, hover texts escaped."""
        return {
            "board": self.board,
            "title": self.title,
            "x": {key: dataclasses.asdict(axis) for key, axis in self.x.items()},
            "choices": [{"name": name, "options": options} for name, options in self.choices],
            "y": dict(self.y),
            "lines": self.lines,
            "front": {key: list(labels) for key, labels in self.front.items()},
            "series": {
                key: {label: _columns(points) for label, points in methods.items()}
                for key, methods in self.series.items()
            },
        }


def _columns(points: Sequence[Point]) -> dict[str, list[Any]]:
    return {
        "x": [point.x for point in points],
        "y": [_short(point.y) for point in points],
        "low": [None if point.low is None else _short(point.low) for point in points],
        "high": [None if point.high is None else _short(point.high) for point in points],
        "text": ["<br>".join(escape(line, quote=False) for line in point.about) for point in points],
    }


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def plot_id(kind: str, board: str) -> str:
    """For the page's addresses."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", f"plot-{kind}-{board}")


def point_of(x: float | str, cell: Cell, column: Column, *about: str) -> Point | None:
    """A cell of a table as a mark; None where the cell has no mean."""
    interval = cell.interval
    if interval is None:
        return None
    value = f"{column.name} {column.show(interval.mean)} {column.unit}".strip()
    if interval.low is not None and interval.high is not None:
        value += f", 95 % interval {column.show(interval.low)} to {column.show(interval.high)}"
    rests = f"{interval.cases} cases of {interval.scenes} scenes"
    return Point(x, interval.mean, interval.low, interval.high, (value, rests, *about))


def axis_title(column: Column) -> str:
    """Name, unit, and which way is better."""
    unit = f" ({column.unit})" if column.unit else ""
    return f"{column.name}{unit} {column.arrow}".strip()
