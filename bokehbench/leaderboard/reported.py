"""What papers print, to stand beside what was measured here: marked, with its source, never ranked.

`reported.csv` has one number a line: who prints it, in which table, how it is known (`evidence`: read in the
paper itself, in a third party's `note` on it, in a user's `report`; `conflicting` ones are kept and never
shown), our benchmark and level, the method as the paper calls it and its name here, metric and value.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bokehbench.benchmarks.protocols import base_id
from bokehbench.errors import ConfigError
from bokehbench.leaderboard.tables import Column, Reported, Table

FILE = Path(__file__).with_name("reported.csv")
EVIDENCE = {
    "paper": "",
    "note": "known from a third party's note on the paper",
    "report": "reported by a user of the authors' repository, not by the paper",
}
SECONDS = "time_s"
SAME_SCENES = ("blb", "blb-raw", "blb-norm")
"""Names under which the authors' BLB is read; `blb-lite` has its levels, not its scenes."""


@dataclass(frozen=True)
class Paper:
    """Where numbers come from, and in what its protocol differs from ours.

    Attributes:
        title: as a table names it.
        protocols: benchmark -> the protocol here that follows it.
        differences: benchmark -> what to know before comparing.
    """

    title: str
    protocols: Mapping[str, str]
    differences: Mapping[str, str] = field(default_factory=dict)


PAPERS = {
    "bokehme": Paper(
        "BokehMe, CVPR 2022",
        {"blb": "gt-disparity", "ebb400": "bokehme-dpt"},
        {
            "blb": "500 images of ten scenes at 1920 x 1080, on a GTX 1080 Ti; its SSIM is undocumented",
            "ebb400": "DPT disparity (MiDaS, says its author), best K of 1 to 100; its SSIM is undocumented",
        },
    ),
    "bokehdiff": Paper(
        "BokehDiff, ICCV 2025",
        {"blb": "gt-disparity", "ebb-val294": "bokehdiff"},
        {
            "blb": "500 images of ten scenes at 1920 x 1080; the network of its LPIPS is not documented",
            "ebb-val294": "input's colours turned to the target's; its LPIPS and DISTS are not documented",
        },
    ),
    "magicbokeh": Paper(
        "MagicBokeh, CVPR 2026",
        {"ebb400-lq": "magicbokeh"},
        {
            "ebb400-lq": "its pairs and degraded files are not published; PSNR and SSIM are probably "
            "of luma; times at 512 x 512 on an L40S",
        },
    ),
}


@dataclass(frozen=True)
class Value:
    """One printed number.

    Attributes:
        paper: key of `PAPERS`.
        table: where it stands there.
        evidence: paper, note, report or conflicting.
        kind: main or ablation.
        benchmark: ours.
        level: all, L1 to L5; empty where it is not said.
        method: as the paper calls it.
        ours: the method's name here, also where it is not built in yet; empty for ablations.
        metric: as the paper calls it; `time_s` for seconds.
        value: as printed.
    """

    paper: str
    table: str
    evidence: str
    kind: str
    benchmark: str
    level: str
    method: str
    ours: str
    metric: str
    value: str


@functools.cache
def values() -> tuple[Value, ...]:
    """Every number of the file, in its order."""
    with FILE.open(newline="") as lines:
        return tuple(Value(**row) for row in csv.DictReader(lines))


def choose(paper: str) -> tuple[str, ...]:
    """Keys of the papers that `--reported PAPER` names; ConfigError for an unknown one."""
    if paper == "all":
        return tuple(PAPERS)
    if paper not in PAPERS:
        raise ConfigError(f"--reported {paper}: give {', '.join(PAPERS)}, or all")
    return (paper,)


def with_reported(table: Table, papers: Collection[str]) -> Table:
    """The table with what those papers print on its benchmark.

    Ablations are left out where several papers are asked for. A table of a corrupted or predicted disparity
    map gets none: no paper prints its numbers.
    """
    if base_id(table.protocol) != table.protocol:
        return table
    low_quality = table.benchmark.endswith("-lq")
    benchmark = "blb" if table.benchmark.startswith("blb") and not low_quality else table.benchmark
    levels = [group.level for group in table.groups]
    chosen = [
        value
        for value in values()
        if value.paper in papers
        and value.benchmark == benchmark
        and value.level in levels
        and value.evidence in EVIDENCE
        and (value.kind == "main" or len(papers) == 1)
    ]
    rows: dict[tuple[str, ...], list[Value]] = {}
    for value in chosen:
        key = (value.level, value.paper, value.table, value.evidence, value.method)
        rows.setdefault(key, []).append(value)
    return replace(table, reported=tuple(_row(group, table, benchmark) for group in rows.values()))


def _row(group: Sequence[Value], table: Table, benchmark: str) -> Reported:
    first = group[0]
    shown: dict[str, str] = {}
    other: dict[str, str] = {}
    for value in group:
        column = _column(value.metric, table.columns)
        if column is not None:
            shown[column.name] = value.value
        elif value.metric != SECONDS:
            other[value.metric] = value.value
    return Reported(
        level=first.level,
        label=first.method,
        ours=first.ours,
        values=shown,
        other=other,
        seconds=next((value.value for value in group if value.metric == SECONDS), None),
        source=f"{PAPERS[first.paper].title}, {first.table}",
        note=_note(first, table, benchmark),
    )


def _column(metric: str, columns: Sequence[Column]) -> Column | None:
    """The column of that very name: a paper's "LPIPS" is not known to be our lpips-alex."""
    return next((column for column in columns if column.name == metric.lower()), None)


def _note(value: Value, table: Table, benchmark: str) -> str:
    paper = PAPERS[value.paper]
    followed, run = paper.protocols.get(benchmark), base_id(table.protocol).partition("@")[0]
    parts = [EVIDENCE[value.evidence], paper.differences.get(benchmark, "")]
    if followed is not None and followed != run:
        parts.append(f"its protocol is {followed} here, this is {run}")
    if benchmark == "blb" and table.benchmark not in SAME_SCENES:
        parts.append(f"{table.benchmark} has other scenes")
    return "; ".join(filter(None, parts))
