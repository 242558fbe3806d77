"""What a table in a paper's layout is made of: `paper_layouts` makes them, `layout_export` prints them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

PLAIN, BEST, SECOND = "", "best", "second"
OURS, PRINTED = "ours", "reported"
HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not enough data"
NONE = "–"


@dataclass(frozen=True)
class Shown:
    """A cell.

    Attributes:
        text: the mean, or in a word why there is none.
        mark: PLAIN, BEST or SECOND.
        half: half of the 95 % interval, as text; empty where there is none.
        value: at full precision; None where there is none.
    """

    text: str
    mark: str = PLAIN
    half: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Head:
    """A column of a group.

    Attributes:
        name: as printed.
        metric: ours (`seconds` for time, `set:fid` for a number over the whole set); empty for none.
        printed: as the paper calls it; empty where it prints no number of just this metric.
        against: the paper's metric whose order is compared, where it is not `printed`: a paper's LPIPS
            without its network stands in a column of its own, and both of ours may be held against it.
    """

    name: str
    metric: str
    printed: str = ""
    against: str = ""

    @property
    def compared(self) -> str:
        """The paper's metric that ours is held against; empty for none."""
        return self.against or self.printed


@dataclass(frozen=True)
class Line:
    """A row: a method of ours, or what the paper prints of one."""

    label: str
    kind: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Grid:
    """A table: groups with the heads of their columns, and rows over all of these; `of` is what a row is."""

    title: str
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[Line, ...]
    of: str = "method"


@dataclass(frozen=True)
class Trend:
    """A claim of a paper, held against our figures.

    Attributes:
        verdict: HOLDS, FAILS or UNKNOWN.
        figures: ours, or what is lacking.
        theirs: the paper's own figures; empty where it prints none.
        scenes: that the figures rest on, the fewest of the groups; 0 where there are none.
    """

    claim: str
    verdict: str
    figures: str
    theirs: str = ""
    scenes: int = 0


@dataclass(frozen=True)
class Missing:
    """What the layout would show and the results have not.

    Attributes:
        what: in words.
        command: makes it; empty where none can.
        sets: other benchmarks that have it: with results of one of these beside them, it is not missing.
    """

    what: str
    command: str = ""
    sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A paper's table, ours beside theirs, and what the figures say of both.

    Attributes:
        name: of `--layout`.
        title: with benchmark and protocol.
        grids: the table itself first.
        findings: what agrees and what does not, made from the figures.
        trends: claims of the paper.
        missing: what is not there yet.
        notes: where numbers come from and what cells mean.
    """

    name: str
    title: str
    grids: tuple[Grid, ...]
    findings: tuple[str, ...]
    trends: tuple[Trend, ...]
    missing: tuple[Missing, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything, for other programs; values at full precision."""
        return dataclasses.asdict(self)
