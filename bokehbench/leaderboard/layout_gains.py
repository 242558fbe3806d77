"""One method's gain over another by level, as measured and without the targets' noise, beside the paper's.

A rendered target has noise of its own. It is in the squared error of both methods and makes the better one's
lead look smaller; `psnr-noiseless` takes it out, but has no value where the noise is most of the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bokehbench.leaderboard.layout_parts import Part
from bokehbench.leaderboard.layout_types import NONE, OURS, Grid, Line, Missing, Shown
from bokehbench.leaderboard.layout_words import NAMED, shown_difference, signed
from bokehbench.leaderboard.staleness import scoring
from bokehbench.leaderboard.statistics import Interval

METRIC, NOISELESS, PRINTED = "psnr", "psnr-noiseless", "PSNR"
DECIMALS = 2


@dataclass(frozen=True)
class Gain:
    """In dB, in one group.

    Attributes:
        here: over all cases.
        noiseless: the targets' noise taken out, over the cases in which both methods have a value; None
            where no case has.
        without: the cases in which they have not.
        theirs: by the paper's numbers; None where it prints none.
    """

    here: Interval
    noiseless: Interval | None
    without: tuple[str, ...]
    theirs: float | None

    @property
    def share(self) -> float | None:
        """Of the paper's gain that is reached without the targets' noise."""
        return self.noiseless.mean / self.theirs if self.noiseless and self.theirs else None


def gain(part: Part, a: str, b: str) -> Gain | None:
    """Of method a over method b; None where one of them has no mean."""
    ours, base = part.key(a, METRIC), part.key(b, METRIC)
    if ours is None or base is None:
        return None
    printed = part.theirs(a, PRINTED), part.theirs(b, PRINTED)
    theirs = None if printed[0] is None or printed[1] is None else printed[0] - printed[1]
    noiseless, without = part.difference_of_both(ours, base, NOISELESS)
    return Gain(part.difference(ours, base, METRIC), noiseless, without, theirs)


def gain_by_level(parts: Sequence[Part], a: str, b: str) -> Grid | None:
    """One row a group: as measured, without the targets' noise over so many cases, the paper's, the share."""
    found = {part.name: one for part in parts if (one := gain(part, a, b)) is not None}
    if not found:
        return None
    heads = ("here", "without the targets' noise", "of cases", "paper", "of the paper's")
    rows = tuple(Line(name, OURS, _cells(one)) for name, one in found.items())
    title = f"{PRINTED}, {a} over {b}: here, without the targets' noise, by the paper's numbers"
    return Grid(title, ((f"{a} over {b}", heads),), rows, of="level")


def _cells(one: Gain) -> tuple[Shown, ...]:
    without, theirs, share = one.noiseless, one.theirs, one.share
    counted = without.cases if without else 0
    return (
        shown_difference(one.here, DECIMALS),
        shown_difference(without, DECIMALS) if without else Shown(NONE),
        Shown(f"{counted} of {one.here.cases}", value=float(counted)),
        Shown(NONE) if theirs is None else Shown(signed(theirs, DECIMALS), value=round(theirs, 6)),
        Shown(NONE) if share is None else Shown(f"{share:.2f}", value=share),
    )


def cases_without(parts: Sequence[Part], a: str, b: str) -> str:
    """Over which cases the gains without the targets' noise are; empty where there are no gains."""
    found = {part.name: one for part in parts if (one := gain(part, a, b)) is not None}
    if not found:
        return ""
    what = f"{a} over {b} without the targets' noise"
    if not any(one.noiseless for one in found.values()):
        return f"Not known: {what}; no case has a {NOISELESS} of both."
    few = {name: one for name, one in found.items() if one.without}
    if not few:
        return f"Means of {what} ({NOISELESS}) are over all cases."
    said = "; ".join(
        f"{name} {len(one.without)} of {one.here.cases} ({_some(one.without)})" for name, one in few.items()
    )
    return (
        f"Means of {what} ({NOISELESS}) are over the cases in which both have a value; one of them has none "
        f"in {said}."
    )


def _some(cases: Sequence[str]) -> str:
    more = f" and {len(cases) - NAMED} more" if len(cases) > NAMED else ""
    return ", ".join(cases[:NAMED]) + more


def missing_noiseless(parts: Sequence[Part], a: str, b: str) -> list[Missing]:
    """Levels whose noise is known, but which are not scored without it."""
    lacking = [part for part in parts if part.table and part.table.noise and _unscored(part, (a, b))]
    if not lacking:
        return []
    root = next(iter(lacking[0].board.cases.values())).at.root
    what = f"{NOISELESS} of {a} and {b} at {', '.join(part.name for part in lacking)}"
    return [Missing(f"not evaluated: {what}", scoring(root, [NOISELESS], always_named=True))]


def _unscored(part: Part, methods: Sequence[str]) -> bool:
    """Whether a case of methods that all have means lacks a score of today, be it `undefined`."""
    keys = [part.key(method, METRIC) for method in methods]
    entries = [entry for key in keys if key is not None for entry in part.board.entries(key)]
    return None not in keys and any(
        NOISELESS not in entry.scores or NOISELESS in entry.stale_scores for entry in entries
    )
