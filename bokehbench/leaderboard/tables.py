"""What a table is: columns, rows, cells, groups by blur level. `build.py` makes it from results.

A row is a method with its weights. It is `ranked` when it is fresh and complete; an `oracle` is shown in its
place but is never best; an `incomplete` row has no mean; a `stale` one stands below with the command that
renews it. An outdated score leaves its row where it is: only its cell is n/a, with a footnote.
`export_text.py` and `export_data.py` print a table, `page.py` shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bokehbench.leaderboard.collect import RowKey, Stale
from bokehbench.leaderboard.efficiency import Efficiency
from bokehbench.leaderboard.lost import Why
from bokehbench.leaderboard.regions import FAMILY, PAIR_FAMILY
from bokehbench.leaderboard.statistics import MIN_SCENES, Comparison, Interval
from bokehbench.leaderboard.trained_on import NOTHING, Verdict
from bokehbench.metrics.catalogue import REGIONS
from bokehbench.registry import BenchmarkSpec, MethodSpec

ALL = "all"
WHERE = "Where it fails, by region and corrected"
"""Heads the columns by region, which stand in a table of their own."""
BREAKDOWN = frozenset((*FAMILY, *PAIR_FAMILY))


@dataclass(frozen=True)
class Column:
    """A metric as the table prints it.

    Attributes:
        known: registered here; without it there is no direction, no precision and no fingerprint of today.
        ranked: False for a diagnosis: no direction, nothing bold, no rank.
    """

    name: str
    id: str
    higher_is_better: bool
    decimals: int
    unit: str
    fingerprint: str
    summary: str
    known: bool = True
    ranked: bool = True

    @property
    def label(self) -> str:
        """What a list of rows and columns calls it."""
        return f"metric {self.name}"

    @property
    def by_region(self) -> bool:
        """Whether it says where a method fails: by region, or of corrected pictures (`--breakdown`)."""
        return self.name in BREAKDOWN or not set(REGIONS).isdisjoint(self.name.split("+")[1:])

    @property
    def arrow(self) -> str:
        """Towards better; empty where that is not known."""
        if not self.known:
            return ""
        return "" if not self.ranked else "↑" if self.higher_is_better else "↓"

    @property
    def heading(self) -> str:
        """Name, arrow towards better, unit: the id is printed, never just "SSIM"."""
        return " ".join(filter(None, [self.name, self.arrow, self.unit]))

    def show(self, value: float) -> str:
        """A mean at the metric's precision."""
        return f"{value:.{self.decimals}f}"


@dataclass(frozen=True)
class Cell:
    """A mean, or why there is none.

    Attributes:
        interval: mean over the cases; None where any case has no value.
        comparison: with the table's best row; None for that row itself and for rows that are not ranked.
        best: the best printed mean, or tied with it.
        second: the next printed mean where one row alone is best; never a floor.
        spread: standard deviation of the mean over the runs of a stochastic method; None with one run.
        identical: cases where the prediction equals the target.
        reason: one line where there is no mean.
    """

    interval: Interval | None = None
    comparison: Comparison | None = None
    best: bool = False
    second: bool = False
    identical: int = 0
    spread: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """A method with its weights.

    Attributes:
        label: what tables print; the weights' hash is added only where a method has several.
        status: ranked, oracle, incomplete or stale.
        seconds: median over the images of this row; None where no timing is known.
        restoration: seconds of the first of two stages, median; None for methods of one.
        missing: cases that other methods have and this one has not.
        stale: reasons and commands, each once.
        average_rank: over the columns that are complete for all ranked rows; None for others.
        uses_truth: what was chosen with the help of the ground truth, for every row to say.
        K: (smallest, largest) that was found where the set does not give K; None where it does.
        seeds: runs that the row is the mean of; 1 for a deterministic method.
        efficiency: where all its cases were measured with care, on one device.
        training: what it was trained on, and whether that has anything of this benchmark.
        left_out: cases that it has and that count for no row, with the reason (`lost`).
        damaged: of the missing cases, those of which its record is damaged.
        k_scale: what K is multiplied by for it, and why; empty where it gets K as it is.
        otherwise: what its records say of cases that were not rendered as asked for, each with the number of
            such cases.
    """

    key: RowKey
    label: str
    version: int | None
    spec: MethodSpec | None
    status: str
    seconds: float | None
    peak_memory_mb: float | None
    missing: tuple[str, ...] = ()
    stale: tuple[Stale, ...] = ()
    average_rank: float | None = None
    uses_truth: tuple[str, ...] = ()
    K: tuple[float, float] | None = None
    seeds: int = 1
    efficiency: Efficiency | None = None
    training: Verdict = NOTHING
    left_out: Mapping[str, Why] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    k_scale: str = ""
    otherwise: tuple[tuple[str, int], ...] = ()
    restoration: float | None = None

    @property
    def truth(self) -> str:
        """What of the ground truth the row rests on, in few words, with the K found; empty where none."""
        return ", ".join(what.partition(",")[0] + self._found(what) for what in self.uses_truth)

    def _found(self, what: str) -> str:
        if self.K is None or not what.startswith("K"):
            return ""
        low, high = self.K
        return f" {low:.4g} px" if low == high else f" {low:.4g} to {high:.4g} px"

    @property
    def category(self) -> str:
        """Of the spec; `unknown` for a method that is not registered here."""
        return self.spec.category if self.spec else "unknown"


@dataclass(frozen=True)
class Group:
    """All cases, or those of one blur level.

    Attributes:
        K: (smallest, largest); None where the set does not give it.
        seconds: median over the images of each row; None where it is not known.
    """

    level: str
    cases: tuple[str, ...]
    scenes: tuple[str, ...]
    K: tuple[float, float] | None
    cells: Mapping[RowKey, Mapping[str, Cell]]
    seconds: Mapping[RowKey, float | None] = field(default_factory=dict)

    @property
    def n_scenes(self) -> int:
        """Number of clusters."""
        return len(set(self.scenes))


@dataclass(frozen=True)
class Reported:
    """What a paper prints for a method at a level; never measured here, never ranked.

    Attributes:
        level: as `Group.level`.
        label: the method as the paper calls it.
        ours: its name here; empty for an ablation.
        values: column -> number as printed.
        other: metric as the paper calls it -> number, where no column is like it.
        seconds: an image, as printed.
        source: paper and table.
        note: how it is known, and in what its protocol differs.
    """

    level: str
    label: str
    ours: str
    values: Mapping[str, str]
    other: Mapping[str, str]
    seconds: str | None
    source: str
    note: str


def part_of_set(n: int, whole: int) -> str:
    """What is said of n cases of a set that has `whole`; empty for all, or where that is not known."""
    if not whole or n == whole:
        return ""
    if n > whole:
        return f"more than the set ({n} cases, the set has {whole})"
    return f"part of the set ({n} of {whole} cases)"


@dataclass(frozen=True)
class BelowFloor:
    """A row that is worse than the untouched all-in-focus image, overall or at some level."""

    row: Row
    differences: Mapping[str, float]
    reason: str


@dataclass(frozen=True)
class Table:
    """One benchmark under one protocol.

    Attributes:
        columns: metrics.
        groups: all cases first, then one a level (none where there is a single level).
        rows: ranked and oracle rows, best first by the first column.
        incomplete, stale_rows: the others.
        stale_columns: metrics that are not registered here or have outdated scores.
        stale_metrics: a line for each of them, with the rows that it touches, then what renews them.
        lost: cases that no row is counted on, with the reason (`lost`).
        below_floor: rows below `identity`, with their reason.
        noise: (worst, median) PSNR in dB of the targets' own noise, None where it is not known.
        reported: what papers print, where that was asked for.
        published: cases of the whole set (`Collected.whole`); 0 where nobody knows.
    """

    benchmark: str
    protocol: str
    spec: BenchmarkSpec | None
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    rows: tuple[Row, ...]
    incomplete: tuple[Row, ...] = ()
    stale_rows: tuple[Row, ...] = ()
    stale_columns: tuple[Column, ...] = ()
    stale_metrics: tuple[str, ...] = ()
    lost: Mapping[str, Why] = field(default_factory=dict)
    below_floor: tuple[BelowFloor, ...] = ()
    noise: tuple[float, float] | None = None
    footnotes: tuple[str, ...] = ()
    reported: tuple[Reported, ...] = ()
    published: int = 0

    @property
    def part(self) -> str:
        """What every print of a table over other cases than the published set's says; empty for the set."""
        return part_of_set(len(self.everything.cases), self.published)

    def parts(self) -> tuple[Table, Table | None]:
        """The table of pictures as they are, and that of `by_region`, which papers do not print, if any."""
        whole = tuple(column for column in self.columns if not column.by_region)
        regions = tuple(column for column in self.columns if column.by_region)
        if not whole or not regions:
            return self, None
        return replace(self, columns=whole), replace(self, columns=regions, reported=())

    @property
    def everything(self) -> Group:
        """The group of all cases."""
        return self.groups[0]

    @property
    def stale(self) -> tuple[Row | Column, ...]:
        """All that does not count any more; each has a label."""
        return (*self.stale_rows, *self.stale_columns)

    @property
    def uses_truth(self) -> tuple[str, ...]:
        """What rows rest on that the ground truth chose, each once, in full."""
        return tuple(dict.fromkeys(what for row in self.rows for what in row.uses_truth))

    @property
    def repeated(self) -> tuple[Row, ...]:
        """Rows that are means over several runs."""
        return tuple(row for row in self.rows if row.seeds > 1)

    @property
    def tested(self) -> bool:
        """Whether there are scenes enough for intervals and tests."""
        return self.everything.n_scenes >= MIN_SCENES

    @property
    def name(self) -> str:
        """For file names and anchors."""
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{self.benchmark}--{self.protocol}")

    def printed(self, level: str, row: Row) -> list[Reported]:
        """What papers print for the method of a row."""
        return [one for one in self.reported if one.level == level and one.ours == row.key[0]]

    def only_printed(self, level: str) -> list[Reported]:
        """What papers print for methods without a row here."""
        here = {row.key[0] for row in self.rows}
        return [one for one in self.reported if one.level == level and one.ours not in here]

    def footnote(self, cell: Cell) -> int:
        """Number of the footnote that says why a cell has no mean."""
        return self.footnotes.index(cell.reason) + 1
