"""The parts of a paper's layout, side by side: cases of one level or track, ours and the paper's numbers.

A part is a table of its own, built from its cases alone: a method that has level 1 and not yet level 5 has
numbers, rank and interval at level 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import Collected, Entry, RowKey
from bokehbench.leaderboard.layout_types import BEST, NONE, PLAIN, SECOND, Head, Shown
from bokehbench.leaderboard.pooled import Scores
from bokehbench.leaderboard.reported import EVIDENCE, values
from bokehbench.leaderboard.sentences import half_width, timed_text
from bokehbench.leaderboard.sets import SetTable
from bokehbench.leaderboard.statistics import Interval, mean_interval
from bokehbench.leaderboard.tables import Cell, Column, Row, Table

SECONDS, SET = "seconds", "set:"
NOT_RUN, NOT_TRAINED, PARTLY, STALE, NO_VALUE = "not run", "not trained", "partly run", "stale", "n/a"


@dataclass(frozen=True)
class Printed:
    """What a paper prints for one method in one part.

    Attributes:
        label: the method as the paper calls it.
        ours: its name here; empty for none.
        values: metric as the paper calls it -> number as printed.
        table, evidence: as of `reported.Value`.
    """

    label: str
    ours: str
    values: Mapping[str, str]
    table: str
    evidence: str


def printed_of(paper: str, tables: Sequence[str], benchmark: str, level: str) -> tuple[Printed, ...]:
    """Rows of those tables of a paper, in its order; ablations and contradicting notes are left out."""
    found: dict[tuple[str, str, str, str], dict[str, str]] = {}
    for value in values():
        chosen = (value.paper, value.benchmark, value.level) == (paper, benchmark, level)
        if chosen and value.table in tables and value.kind == "main" and value.evidence in EVIDENCE:
            key = (value.method, value.ours, value.table, value.evidence)
            found.setdefault(key, {})[value.metric] = value.value
    return tuple(
        Printed(label, ours, numbers, table, evidence)
        for (label, ours, table, evidence), numbers in found.items()
    )


@dataclass(frozen=True)
class Part:
    """Cases that stand in one group of columns.

    Attributes:
        name: of the group.
        board: these cases alone, with the scores that its columns or its claims need.
        heads: its columns.
        printed: the paper's numbers.
        sets: numbers over the whole set: row label -> metric -> value.
    """

    name: str
    board: Collected
    heads: tuple[Head, ...]
    printed: tuple[Printed, ...] = ()
    sets: Mapping[str, Mapping[str, float]] | None = None

    @cached_property
    def table(self) -> Table | None:
        """Of these cases; None where nothing is scored by any of the metrics."""
        try:
            return build(self.board)
        except InputError:
            return None

    @cached_property
    def scores(self) -> Scores:
        """Values by case."""
        return Scores(self.board)

    def row(self, key: RowKey) -> Row | None:
        """The row of a method with its weights, whatever its status."""
        rows = (*self.table.rows, *self.table.incomplete, *self.table.stale_rows) if self.table else ()
        return next((row for row in rows if row.key == key), None)

    def key(self, method: str, metric: str) -> RowKey | None:
        """The best row of a method that has a mean; None where none has."""
        rows = [row for row in (self.table.rows if self.table else ()) if row.key[0] == method]
        return next((row.key for row in rows if self.mean(row.key, metric) is not None), None)

    def column(self, metric: str) -> Column | None:
        """The column of a metric."""
        return next((one for one in (self.table.columns if self.table else ()) if one.name == metric), None)

    def cell(self, key: RowKey, metric: str) -> Cell | None:
        """A row's cell; None where the metric has no column, or the row is stale or incomplete."""
        if self.table is None or self.column(metric) is None:
            return None
        counts = any(row.key == key for row in self.table.rows)
        return self.table.everything.cells[key][metric] if counts else None

    def mean(self, key: RowKey, metric: str) -> float | None:
        """A row's mean over the cases; None where it has none that counts today."""
        cell = self.cell(key, metric)
        return cell.interval.mean if cell and cell.interval else None

    def values(self, key: RowKey, metric: str) -> npt.NDArray[np.float64]:
        """A row's values [cases]."""
        return self.scores.of(key, metric).value.to_numpy(np.float64)

    @property
    def scenes(self) -> list[str]:
        """The scene of each case [cases]."""
        return [str(case.record["scene"]) for case in self.board.cases.values()]

    def difference(self, a: RowKey, b: RowKey, metric: str) -> Interval:
        """a - b over the same cases, with its interval by scene; both have means."""
        return mean_interval(self.values(a, metric) - self.values(b, metric), self.scenes)

    def difference_of_both(
        self, a: RowKey, b: RowKey, metric: str
    ) -> tuple[Interval | None, tuple[str, ...]]:
        """a - b over the cases in which both have a value that counts today, and the cases left out.

        None where no case is left.
        """
        cases = list(self.board.cases)
        if metric not in self.board.metrics:
            return None, tuple(cases)
        rows = [self.scores.of(key, metric) for key in (a, b)]
        counts = np.all([(row.value.notna() & (row.stale == "")).to_numpy() for row in rows], axis=0)
        without = tuple(case for case, kept in zip(cases, counts, strict=True) if not kept)
        if not counts.any():
            return None, without
        apart = self.values(a, metric) - self.values(b, metric)
        return mean_interval(apart[counts], np.array(self.scenes)[counts].tolist()), without

    def change(self, other: Part, key: RowKey, metric: str) -> Interval | None:
        """This part less another, over the cases of both, with its interval by scene.

        None where the row has no mean in one of them, or they have no case in common.
        """
        ours, before = list(self.board.cases), list(other.board.cases)
        both = [case for case in ours if case in other.board.cases]
        if not both or self.mean(key, metric) is None or other.mean(key, metric) is None:
            return None
        here = dict(zip(ours, self.values(key, metric), strict=True))
        there = dict(zip(before, other.values(key, metric), strict=True))
        scenes = [str(self.board.cases[case].record["scene"]) for case in both]
        return mean_interval([here[case] - there[case] for case in both], scenes)

    def theirs(self, method: str, metric: str) -> float | None:
        """What the paper prints for a method of ours; None where it prints nothing."""
        found = (one.values[metric] for one in self.printed if one.ours == method and metric in one.values)
        return next(map(float, found), None)

    def shown(self, key: RowKey) -> tuple[Shown, ...]:
        """The cells of a row of ours."""
        return tuple(self._shown(key, head) for head in self.heads)

    def _shown(self, key: RowKey, head: Head) -> Shown:
        row = self.row(key)
        if not head.metric:
            return Shown(NONE)
        if row is None or row.status in ("incomplete", "stale") or not any(self.board.entries(key)):
            return Shown(self.lacking(key))
        if head.metric == SECONDS:
            return Shown(timed_text(row, row.seconds), value=row.seconds)
        if head.metric.startswith(SET):
            value = (self.sets or {}).get(row.label, {}).get(head.metric.removeprefix(SET))
            return Shown(NO_VALUE) if value is None else Shown(f"{value:.2f}", value=value)
        cell, column = self.cell(key, head.metric), self.column(head.metric)
        if cell is None or column is None or cell.interval is None:
            return Shown(NO_VALUE)
        mean = cell.interval.mean
        mark = BEST if cell.best else SECOND if cell.second else PLAIN
        return Shown(column.show(mean), mark, half_width(cell, column), mean)

    def lacking(self, key: RowKey) -> str:
        """Why a row has no numbers here."""
        if not self.board.runs.get(key) or not any(self.board.entries(key)):
            return NOT_RUN
        row = self.row(key)
        return STALE if row is not None and row.status == "stale" else PARTLY if row is not None else NO_VALUE

    def shown_printed(self, one: Printed | None) -> tuple[Shown, ...]:
        """The cells of a row of the paper."""
        texts = (one.values.get(head.printed, NONE) if one else NONE for head in self.heads)
        return tuple(Shown(text, value=None if text == NONE else float(text)) for text in texts)

    def sizes(self) -> list[tuple[int, int]]:
        """(width, height) of the cases, each once, smallest first."""
        return sorted(
            {(int(w), int(h)) for w, h in (case.record["size"] for case in self.board.cases.values())}
        )


def part(
    name: str,
    board: Collected,
    heads: Sequence[Head],
    *,
    level: str = "",
    printed: Sequence[Printed] = (),
    sets: Iterable[SetTable] = (),
    beside: Sequence[str] = (),
) -> Part:
    """The cases of one level of a board (all of them where that is empty).

    `beside` are metrics without a column.
    """
    cases = {key: case for key, case in board.cases.items() if level in ("", case.record["level"])}
    wanted = {head.metric for head in heads} | {*beside}

    def kept(entry: Entry) -> Entry:
        scores = {metric: score for metric, score in entry.scores.items() if metric in wanted}
        stale = {metric: why for metric, why in entry.stale_scores.items() if metric in wanted}
        return replace(entry, scores=scores, stale_scores=stale)

    runs = {
        key: {
            seed: {case: kept(entry) for case, entry in run.items() if case in cases}
            for seed, run in runs.items()
        }
        for key, runs in board.runs.items()
    }
    own = replace(board, cases=cases, runs=runs)
    return Part(name, own, tuple(heads), tuple(printed), _over_sets(board, sets))


def _over_sets(board: Collected, sets: Iterable[SetTable]) -> dict[str, dict[str, float]]:
    """Numbers over the whole set that count today."""
    own = (one for one in sets if (one.benchmark, one.protocol) == (board.benchmark, board.protocol))
    return {
        label: {
            name: float(score["value"])
            for name, score in scores.items()
            if score["value"] is not None and (label, name) not in table.stale
        }
        for table in own
        for label, scores in table.rows.items()
    }


def levels(board: Collected) -> list[str]:
    """Names of the levels that the cases have, weakest blur first."""
    by_level: dict[str, list[float]] = {}
    for case in board.cases.values():
        by_level.setdefault(str(case.record["level"]), []).append(float(case.record["lens"]["K"]))
    return sorted(by_level, key=lambda level: (float(np.median(by_level[level])), level))
