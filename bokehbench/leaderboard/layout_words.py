"""What the figures of a paper's layout say: order, gains, falls, in sentences made from numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from bokehbench.benchmarks.protocols import base_id
from bokehbench.leaderboard.collect import RowKey
from bokehbench.leaderboard.layout_parts import SECONDS, Part
from bokehbench.leaderboard.layout_types import NONE, OURS, Grid, Head, Line, Shown
from bokehbench.leaderboard.statistics import Interval

NAMED = 3
"""Pairs of methods that a sentence names."""


@dataclass(frozen=True)
class Shared:
    """A method that both tables have: our row, our mean, the paper's number."""

    method: str
    key: RowKey
    ours: float
    theirs: float


def shared(part: Part, head: Head) -> list[Shared]:
    """Methods with a number of a metric in both tables, in the paper's order."""
    found = []
    for method in dict.fromkeys(one.ours for one in part.printed if one.ours):
        key, theirs = part.key(method, head.metric), part.theirs(method, head.compared)
        mean = part.mean(key, head.metric) if key else None
        if key is not None and mean is not None and theirs is not None:
            found.append(Shared(method, key, mean, theirs))
    return found


def signed(value: float, decimals: int) -> str:
    """With its sign, a true minus."""
    return f"{value:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def with_interval(difference: Interval, decimals: int, sign: int = 1) -> str:
    """A difference of ours; its half interval where there are scenes enough."""
    text, half = signed(sign * difference.mean, decimals), half_interval(difference, decimals)
    return f"{text} ± {half}" if half else text


def half_interval(difference: Interval, decimals: int) -> str:
    """Half of the interval of a difference; empty where there is none."""
    if difference.low is None or difference.high is None:
        return ""
    return f"{(difference.high - difference.low) / 2:.{decimals}f}"


def counted(n: int, thing: str) -> str:
    """1 scene, 2 scenes."""
    return f"{n} {thing}{'' if n == 1 else 's'}"


def told_apart(difference: Interval, threshold: float = 0.0) -> bool | None:
    """Whether a difference's interval leaves a threshold out; None where there is no interval."""
    if difference.low is None or difference.high is None:
        return None
    return not difference.low <= threshold <= difference.high


# ---------------------------------------------------------------------------------------------- sentences


@dataclass(frozen=True)
class Standing:
    """What a paper measured on.

    Attributes:
        benchmark: our name of its set.
        size: (width, height) of its frames; None where they differ.
        same: names here that read the very set; none where its files are not published.
        cases: of its set in each group of columns.
        protocols: those here that follow the paper's.
    """

    benchmark: str
    size: tuple[int, int] | None
    same: tuple[str, ...]
    cases: int
    protocols: tuple[str, ...]


def standing(parts: Sequence[Part], paper: Standing) -> str:
    """How far numbers may be compared at all, from the recorded sizes, the cases and the set's name."""
    benchmark, size = paper.benchmark, paper.size
    own = parts[0].board.benchmark
    sizes = sorted({one for part in parts for one in part.sizes()})
    shown = ", ".join(f"{w} x {h}" for w, h in sizes[:3]) + (", ..." if len(sizes) > 3 else "")
    why = _unlike(parts, paper)
    smaller = size is not None and sizes[0][0] < size[0]
    if not why and not smaller:
        what = f"{len(sizes)} sizes" if size is None and len(sizes) > 3 else f"frames of {shown}"
        return (
            f"{own} is read as the paper's {benchmark} ({what}): numbers may be compared, as far as the note "
            "on the paper's own protocol allows."
        )
    if smaller and size is not None:
        share = size[0] / sizes[0][0]
        why.insert(
            0,
            f"frames of {shown} are smaller than the paper's {size[0]} x {size[1]}, and blur is "
            f"{share:.3g} times smaller with them",
        )
    return (
        f"Trend only: {'; '.join(why)}. Order and signs of gains may be compared with the paper's, values "
        "may not."
    )


def _unlike(parts: Sequence[Part], paper: Standing) -> list[str]:
    """In what the pictures and the rules are not the paper's, apart from size."""
    board = parts[0].board
    own, run = board.benchmark, base_id(board.protocol).partition("@")[0]
    fewest = min(len(part.board.cases) for part in parts)
    why = []
    if own == paper.benchmark and not paper.same:
        why.append(f"the paper's own files of {own} are not published, these are others")
    elif own not in paper.same:
        why.append(f"{own} has other pictures than {paper.benchmark}")
    elif fewest < paper.cases:
        why.append(f"{fewest} of the paper's {paper.cases} cases{' in a group' if len(parts) > 1 else ''}")
    if own == paper.benchmark and run not in paper.protocols:
        why.append(f"the paper's protocol is {' or '.join(paper.protocols)} here, this is {run}")
    return why


def rests_on(parts: Sequence[Part]) -> str:
    """How many cases of how many scenes each group is over."""
    counts = [(part.name, len(part.board.cases), len(set(part.scenes))) for part in parts]
    kinds = {(cases, scenes) for _, cases, scenes in counts}
    if len(kinds) == 1:
        ((cases, scenes),) = kinds
        where = "each group" if len(parts) > 1 else parts[0].name
        return f"Ours rest on {counted(cases, 'case')} of {counted(scenes, 'scene')} in {where}."
    said = ", ".join(f"{name} {cases} of {scenes}" for name, cases, scenes in counts)
    return f"Ours rest on cases of scenes: {said}."


def order(part: Part, head: Head) -> str:
    """Whether the shared methods stand in the paper's order; empty with fewer than two of them."""
    both, column = shared(part, head), part.column(head.metric)
    if len(both) < 2 or column is None:
        return ""
    up = 1 if column.higher_is_better else -1
    tau = float(stats.kendalltau([one.ours for one in both], [one.theirs for one in both]).statistic)
    shown = "undefined" if math.isnan(tau) else signed(tau, 2)
    pairs = list(itertools.combinations(sorted(both, key=lambda one: -up * one.theirs), 2))
    pairs = [(a, b) for a, b in pairs if a.theirs != b.theirs]
    turned = [(a, b) for a, b in pairs if up * (a.ours - b.ours) < 0]
    text = f"{part.name}, {head.name}: Kendall's tau {shown} over {len(both)} shared methods; "
    if not turned:
        if len(pairs) < 2:
            return text + ("the pair stands as in the paper." if pairs else "the paper has them equal.")
        return text + f"all {len(pairs)} pairs stand as in the paper."
    turned.sort(key=lambda pair: -abs(pair[0].theirs - pair[1].theirs))
    said = "; ".join(_turned(part, head, a, b, column.decimals) for a, b in turned[:NAMED])
    more = f"; and {len(turned) - NAMED} more" if len(turned) > NAMED else ""
    stand = "stands" if len(turned) == 1 else "stand"
    return f"{text}{len(turned)} of {counted(len(pairs), 'pair')} {stand} the other way round: {said}{more}."


def _turned(part: Part, head: Head, a: Shared, b: Shared, decimals: int) -> str:
    difference = part.difference(a.key, b.key, head.metric)
    doubt = ", which may be chance" if told_apart(difference) is False else ""
    return (
        f"{a.method} against {b.method} (theirs {signed(a.theirs - b.theirs, decimals)}, here "
        f"{with_interval(difference, decimals)}{doubt})"
    )


def falls(parts: Sequence[Part], head: Head) -> str:
    """What each shared method loses from the first to the last group, here and in the paper."""
    first, last = parts[0], parts[-1]
    ends = [{one.method: one for one in shared(part, head)} for part in (first, last)]
    both = [method for method in ends[0] if method in ends[1]]
    column = first.column(head.metric)
    if len(parts) < 2 or not both or column is None:
        return ""
    said = ", ".join(
        f"{method} {signed(ends[1][method].ours - ends[0][method].ours, column.decimals)} "
        f"({signed(ends[1][method].theirs - ends[0][method].theirs, column.decimals)})"
        for method in both
    )
    return f"{head.name} from {first.name} to {last.name}, in brackets the paper's: {said}."


def slowdown(parts: Sequence[Part], printed: str) -> str:
    """By what factor each method's seconds grow from the first to the last group, here and in the paper."""
    said = []
    for method in dict.fromkeys(one.ours for one in parts[0].printed if one.ours):
        theirs = [part.theirs(method, printed) for part in (parts[0], parts[-1])]
        rows = [_timed(part, method) for part in (parts[0], parts[-1])]
        if all(rows) and all(theirs):
            ours = rows[1] / rows[0]  # type: ignore[operator]
            said.append(f"{method} {ours:.2g} ({theirs[1] / theirs[0]:.2g})")  # type: ignore[operator]
    if len(parts) < 2 or not said:
        return ""
    return (
        f"Seconds at {parts[-1].name} over those at {parts[0].name}, in brackets the paper's: "
        f"{', '.join(said)}. Seconds themselves are of other machines and sizes."
    )


def _timed(part: Part, method: str) -> float | None:
    rows = [row for row in (part.table.rows if part.table else ()) if row.key[0] == method]
    return next((row.seconds for row in rows if row.seconds), None)


# ------------------------------------------------------------------------------------------------- gains


def gains(parts: Sequence[Part], head: Head, baseline: str) -> Grid | None:
    """Ours less the baseline's beside the paper's, method by method; None where no group has two methods."""
    found: dict[str, list[Shown]] = {}
    by_part = [{one.method: one for one in shared(part, head)} for part in parts]
    methods = dict.fromkeys(method for both in by_part for method in both if method != baseline)
    for part, both in zip(parts, by_part, strict=True):
        base, column = both.get(baseline), part.column(head.metric)
        for method in methods:
            one = both.get(method)
            cells = found.setdefault(method, [])
            if base is None or one is None or column is None:
                cells += [Shown(NONE), Shown(NONE)]
                continue
            difference, decimals = part.difference(one.key, base.key, head.metric), column.decimals
            theirs = one.theirs - base.theirs
            cells.append(shown_difference(difference, decimals))
            cells.append(Shown(signed(theirs, decimals), value=round(theirs, 6)))
    rows = tuple(Line(method, OURS, tuple(cells)) for method, cells in found.items())
    if not any(cell.value is not None for row in rows for cell in row.cells):
        return None
    groups = tuple((part.name, ("here", "paper")) for part in parts)
    return Grid(f"{head.name}, gain over {baseline}: here, and by the paper's numbers", groups, rows)


def shown_difference(difference: Interval, decimals: int) -> Shown:
    """A cell with a difference of ours."""
    text, half = signed(difference.mean, decimals), half_interval(difference, decimals)
    return Shown(text, half=half, value=difference.mean)


def is_timed(head: Head) -> bool:
    """Whether a column has seconds."""
    return head.metric == SECONDS
