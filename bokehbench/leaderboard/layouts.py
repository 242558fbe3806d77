"""Tables in the layout of a paper, measured rows beside the paper's own numbers.

layout_types.py    grids, trends, what is missing
layout_parts.py    the cases of one level or track, with the paper's numbers
paper_layouts.py   which cases, columns and claims each paper's table has
layout_words.py    order, gains and falls in sentences
layout_gains.py    a gain by level, without the targets' noise too
layout_trends.py   claims of the papers as checks
layout_missing.py  what is not there, and the command that makes it
layout_export.py   text, Markdown, LaTeX; `_layouts.html` is the page's
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bokehbench.benchmarks.protocols import base_id
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard import paper_layouts
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.layout_types import Layout
from bokehbench.leaderboard.sets import SetTable

SINGLE: dict[str, Callable[[Collected, Sequence[SetTable]], Layout]] = {
    "bokehme-1": paper_layouts.bokehme_1,
    "bokehme-2": paper_layouts.bokehme_2,
    "bokehdiff-1": paper_layouts.bokehdiff_1,
    "magicbokeh-1": paper_layouts.magicbokeh_1,
}
"""Layouts of one benchmark and protocol."""
TRACKS: dict[str, Callable[[Sequence[Collected]], Layout]] = {"bokehme-fig11": paper_layouts.bokehme_fig11}
"""Layouts of all disparity tracks of a benchmark."""
NAMES = ("bokehme-1", "bokehme-2", "bokehme-fig11", "bokehdiff-1", "magicbokeh-1")


def check(name: str) -> None:
    """ConfigError where there is no such layout."""
    if name not in NAMES:
        raise ConfigError(f"--layout {name}: give {', '.join(NAMES)}")


def lay_out(name: str, boards: Sequence[Collected], sets: Sequence[SetTable] = ()) -> list[Layout]:
    """A layout of each of those boards that it fits.

    Args:
        name: of `NAMES`.
        boards: results; those without a case are passed over.
        sets: numbers over whole sets.

    Raises:
        ConfigError: no such layout.
        InputError: it fits none of the boards; says why for each, and what would fit.
    """
    check(name)
    found, reasons = [], []
    for group in _groups(name, [board for board in boards if board.cases]):
        try:
            found.append(SINGLE[name](group[0], sets) if name in SINGLE else TRACKS[name](group))
        except InputError as error:
            reasons.append(str(error))
    if not boards:
        raise InputError(f"--layout {name}: no results with a ground truth. {WANTS[name]}")
    if not found:
        raise InputError(f"--layout {name} fits none of these results: {'; '.join(reasons)}. {WANTS[name]}")
    there = {board.benchmark for board in boards}
    return [
        replace(one, missing=tuple(lack for lack in one.missing if there.isdisjoint(lack.sets)))
        for one in found
    ]


def _groups(name: str, boards: Sequence[Collected]) -> list[list[Collected]]:
    if name in SINGLE:
        return [[board] for board in boards]
    by_base: dict[tuple[str, str], list[Collected]] = {}
    for board in boards:
        by_base.setdefault((board.benchmark, base_id(board.protocol)), []).append(board)
    return list(by_base.values())


_RUN = "bokehbench run --benchmark {} --method all --out RESULTS && bokehbench evaluate RESULTS"
WANTS = {
    "bokehme-1": f"It wants BLB: {_RUN.format('blb-mini')} (or blb-lite:DIR, blb:DIR)",
    "bokehme-2": f"It wants EBB400 (bokehbench describe ebb400): {_RUN.format('ebb400:DIR')}",
    "bokehme-fig11": "It wants BLB with corrupted disparity maps: "
    + _RUN.format("blb-mini").replace("--method all", "--method all --disparity gt --disparity dilate:1"),
    "bokehdiff-1": "It wants EBB! Val294, or BLB: "
    f"{_RUN.format('ebb-val294:DIR --protocol bokehdiff')} (or blb-mini)",
    "magicbokeh-1": f"It wants low-quality input: {_RUN.format('blb-mini-lq')} (or ebb400-lq:DIR)",
}
