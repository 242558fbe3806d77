"""Claims of the papers as checks: each holds, does not hold, or lacks data, with figures of both sides.

A claim is judged group by group; which groups must agree is said apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bokehbench.leaderboard.layout_gains import DECIMALS, METRIC, NOISELESS, gain
from bokehbench.leaderboard.layout_parts import Part
from bokehbench.leaderboard.layout_types import FAILS, HOLDS, UNKNOWN, Trend
from bokehbench.leaderboard.layout_words import counted, signed, told_apart, with_interval
from bokehbench.leaderboard.statistics import Interval, mean_interval

UNIT = "dB"
MODERATE = ("dilate:1", "dilate:2")

Check = Callable[[Sequence[Part]], Trend]


@dataclass(frozen=True)
class Judged:
    """What one group says of a claim.

    Attributes:
        holds: None where that cannot be said.
        figures: ours; empty where there are none.
        theirs: the paper's; empty where it prints none.
        why: it cannot be said.
    """

    holds: bool | None
    figures: str = ""
    theirs: str = ""
    why: str = ""


Judge = Callable[[Part], Judged]


# ---------------------------------------------------------------------------------- in which groups


def at_level(level: str, claim: str, judge: Judge) -> Check:
    """A claim about one group."""

    def check(parts: Sequence[Part]) -> Trend:
        part = _at(parts, level)
        if part is None:
            return Trend(claim, UNKNOWN, f"no cases of {level}")
        found = judge(part)
        if found.holds is None:
            return Trend(claim, UNKNOWN, f"{found.why} at {level}")
        verdict = HOLDS if found.holds else FAILS
        return Trend(claim, verdict, found.figures, found.theirs, _scenes([part]))

    return check


def at_every_level(claim: str, judge: Judge) -> Check:
    """A claim about all groups: it holds where it does in each, and fails with one."""

    def check(parts: Sequence[Part]) -> Trend:
        found = [(part, judge(part)) for part in parts]
        verdicts = [one.holds for _, one in found]
        verdict = FAILS if False in verdicts else UNKNOWN if None in verdicts or not found else HOLDS
        seen = [part for part, one in found if one.figures]
        return Trend(claim, verdict, _figures(found, verdict), _their_figures(found), _scenes(seen))

    return check


def _figures(found: Sequence[tuple[Part, Judged]], verdict: str) -> str:
    """In how many groups a claim holds, the figures of each, and why some have no say."""
    won, decided = sum(one.holds is True for _, one in found), any(one.holds is not None for _, one in found)
    count = f"{'' if verdict == HOLDS else 'holds '}in {won} of {counted(len(found), 'level')}: "
    why: dict[str, list[str]] = {}
    for part, one in found:
        if one.why:
            why.setdefault(one.why, []).append(part.name)
    said = [f"{part.name} {one.figures}" for part, one in found if one.figures]
    said += [f"{reason} at {', '.join(names)}" for reason, names in why.items()]
    return (count if decided else "") + "; ".join(said)


def _their_figures(found: Sequence[tuple[Part, Judged]]) -> str:
    return "; ".join(f"{part.name} {one.theirs}" for part, one in found if one.theirs)


def _scenes(parts: Sequence[Part]) -> int:
    return min((len(set(part.scenes)) for part in parts), default=0)


def _at(parts: Sequence[Part], name: str) -> Part | None:
    return next((part for part in parts if part.name == name), None)


# -------------------------------------------------------------------------------------- what is said


def _lacking(part: Part, *methods: str) -> str:
    """Why a claim about these methods cannot be looked at; empty where it can."""
    absent = [method for method in methods if part.key(method, METRIC) is None]
    return f"no {METRIC} of {', '.join(absent)}" if absent else ""


def _difference(part: Part, a: str, b: str) -> Interval:
    keys = part.key(a, METRIC), part.key(b, METRIC)
    assert keys[0] is not None and keys[1] is not None
    return part.difference(keys[0], keys[1], METRIC)


def _theirs(part: Part, a: str, b: str) -> str:
    values = part.theirs(a, "PSNR"), part.theirs(b, "PSNR")
    if values[0] is None or values[1] is None:
        return ""
    return f"{a} over {b} {signed(values[0] - values[1], DECIMALS)} {UNIT}"


def _open(difference: Interval, threshold: float = 0.0) -> str:
    """Said behind a difference whose interval does not settle on which side of a threshold it is."""
    return " (its interval leaves this open)" if told_apart(difference, threshold) is False else ""


def _said(part: Part, a: str, b: str, threshold: float = 0.0) -> str:
    difference = _difference(part, a, b)
    return f"{a} over {b} {with_interval(difference, DECIMALS)} {UNIT}{_open(difference, threshold)}"


# ---------------------------------------------------------------------------------------- of a group


def chain(*methods: str) -> Judge:
    """Each method's mean over the next one's."""

    def judge(part: Part) -> Judged:
        if why := _lacking(part, *methods):
            return Judged(None, why=why)
        pairs = list(itertools.pairwise(methods))
        holds = all(_difference(part, a, b).mean > 0.0 for a, b in pairs)
        figures = "; ".join(_said(part, a, b) for a, b in pairs)
        return Judged(holds, figures, "; ".join(filter(None, (_theirs(part, a, b) for a, b in pairs))))

    return judge


def gap(a: str, b: str, least: float) -> Judge:
    """One method over another by more than so many dB."""

    def judge(part: Part) -> Judged:
        if why := _lacking(part, a, b):
            return Judged(None, why=why)
        holds = _difference(part, a, b).mean > least
        return Judged(holds, _said(part, a, b, least), _theirs(part, a, b))

    return judge


def above(whole: str, *parts_of_it: str) -> Judge:
    """A method at least as good as each of its parts; the figures are of the best of these."""

    def judge(part: Part) -> Judged:
        if why := _lacking(part, whole, *parts_of_it):
            return Judged(None, why=why)
        lowest, other = min((_difference(part, whole, other).mean, other) for other in parts_of_it)
        return Judged(lowest >= 0.0, _said(part, whole, other), _theirs(part, whole, other))

    return judge


def certain(a: str, b: str) -> Judge:
    """The interval of one method over another above 0 as a whole."""

    def judge(part: Part) -> Judged:
        if why := _lacking(part, a, b):
            return Judged(None, why=why)
        difference = _difference(part, a, b)
        figures = f"{with_interval(difference, DECIMALS)} {UNIT}"
        if difference.low is None:
            return Judged(None, figures, why="too few scenes for an interval")
        return Judged(difference.low > 0.0, figures)

    return judge


def share_of_gain(a: str, b: str, least: float) -> Judge:
    """One method over another, without the targets' noise, by at least a share of what the paper prints."""

    def judge(part: Part) -> Judged:
        found = gain(part, a, b)
        if found is None:
            return Judged(None, why=_lacking(part, a, b))
        if found.noiseless is None:
            return Judged(None, why=f"no case with {NOISELESS} of both")
        if found.theirs is None or found.share is None:
            return Judged(None, why="the paper prints no gain")
        wanted = least * found.theirs
        figures = (
            f"{with_interval(found.noiseless, DECIMALS)} of {signed(found.theirs, DECIMALS)} {UNIT}, "
            f"{found.share:.2f} of it{_open(found.noiseless, wanted)}"
        )
        if found.without:
            figures += f" ({found.noiseless.cases} of {found.here.cases} cases)"
        return Judged(found.noiseless.mean >= wanted, figures)

    return judge


def best(method: str, *, trained: bool = False) -> Judge:
    """A method over every other one that is ranked, or over those that are trained alone."""
    kind = "trained " if trained else ""

    def judge(part: Part) -> Judged:
        own = part.key(method, METRIC)
        if own is None or part.table is None:
            return Judged(None, why=_lacking(part, method))
        rivals = {
            row.key: (mean, row.label)
            for row in part.table.rows
            if row.key[0] != method and row.status == "ranked" and (not trained or row.category == "neural")
            if (mean := part.mean(row.key, METRIC)) is not None
        }
        if not rivals:
            return Judged(None, why=f"no other {kind}method")
        first = max(rivals, key=lambda key: rivals[key])
        difference = part.difference(own, first, METRIC)
        place = 1 + sum(mean > (part.mean(own, METRIC) or 0.0) for mean, _ in rivals.values())
        lead = f"{with_interval(difference, DECIMALS)} {UNIT}{_open(difference)}"
        figures = f"over {rivals[first][1]} {lead}, place {place} of {len(rivals) + 1}"
        return Judged(place == 1, figures, _theirs(part, method, first[0]))

    return judge


# ------------------------------------------------------------------------------------ of several groups


def falls_less(claim: str, a: str, b: str, first: str, last: str) -> Check:
    """One method loses less than another from one level to another: its lead grows."""

    def check(parts: Sequence[Part]) -> Trend:
        ends = [part for level in (first, last) if (part := _at(parts, level)) is not None]
        if len(ends) < 2:
            return Trend(claim, UNKNOWN, f"needs {first} and {last}")
        if why := next((f"{why} at {part.name}" for part in ends if (why := _lacking(part, a, b))), ""):
            return Trend(claim, UNKNOWN, why)
        lead = _growth(ends[0], ends[1], a, b)
        losses = ", ".join(f"{method} {signed(_fall(ends, method), DECIMALS)}" for method in (a, b))
        figures = f"{losses}, apart {with_interval(lead, DECIMALS)} {UNIT}{_open(lead)}"
        theirs = ", ".join(filter(None, (_their_fall(ends, method) for method in (a, b))))
        return Trend(claim, HOLDS if lead.mean > 0.0 else FAILS, figures, theirs, _scenes(ends))

    return check


def _fall(ends: Sequence[Part], method: str) -> float:
    means = [part.mean(key, METRIC) for part in ends if (key := part.key(method, METRIC)) is not None]
    assert means[0] is not None and means[1] is not None
    return means[1] - means[0]


def _their_fall(ends: Sequence[Part], method: str) -> str:
    begin, end = (part.theirs(method, "PSNR") for part in ends)
    return "" if begin is None or end is None else f"{method} {signed(end - begin, DECIMALS)}"


def _growth(first: Part, last: Part, a: str, b: str) -> Interval:
    """The lead of a over b in one part less that in another, with its interval by scene.

    The leads of all cases are weighted so that their mean is the difference of both means; a scene is left
    out of both parts at once.
    """
    leads = []
    for part, sign in ((first, -1.0), (last, 1.0)):
        keys = part.key(a, METRIC), part.key(b, METRIC)
        assert keys[0] is not None and keys[1] is not None
        apart = part.values(keys[0], METRIC) - part.values(keys[1], METRIC)
        leads.append(sign * apart / len(apart))
    values = np.concatenate(leads)
    return mean_interval(values * len(values), [*first.scenes, *last.scenes])


def moderate_dilation(claim: str, category: str) -> Check:
    """A little dilation of the disparity map raises most methods of a kind; groups are tracks."""

    def check(parts: Sequence[Part]) -> Trend:
        true, moderate = _at(parts, "gt"), [part for part in parts if part.name in MODERATE]
        if true is None or true.table is None or not moderate:
            return Trend(claim, UNKNOWN, f"needs the tracks gt and {' or '.join(MODERATE)}")
        gained: dict[str, Interval] = {}
        for row in true.table.rows:
            found = [one for part in moderate if (one := part.change(true, row.key, METRIC)) is not None]
            if row.category == category and found:
                gained[row.label] = max(found, key=lambda one: one.mean)
        if not gained:
            return Trend(claim, UNKNOWN, f"no {category} method has both gt and a dilation")
        won = sum(one.mean > 0.0 for one in gained.values())
        said = ", ".join(f"{label} {with_interval(one, DECIMALS)}" for label, one in gained.items())
        figures = f"{won} of {len(gained)} gain at the better of the levels that were run: {said} {UNIT}"
        scenes = min(one.scenes for one in gained.values())
        return Trend(claim, HOLDS if 2 * won > len(gained) else FAILS, figures, scenes=scenes)

    return check


BOKEHME_1: tuple[Check, ...] = (
    at_level("L5", "Scattering over SteReFo over RVR at level 5", chain("scatter", "sterefo", "rvr")),
    at_level("L5", "RVR-dagger over RVR by more than 5 dB at level 5", gap("rvr-dagger", "rvr", 5.0)),
    at_every_level(
        "BokehMe at least as good as its two parts alone", above("bokehme", "scatter", "bokehme-nr")
    ),
    at_every_level(
        "The 95 % interval of BokehMe over scattering lies above 0 at every level",
        certain("bokehme", "scatter"),
    ),
    at_every_level(
        "BokehMe over scattering without the targets' noise reaches 0.9 of the paper's gain at every level",
        share_of_gain("bokehme", "scatter", 0.9),
    ),
    at_every_level(
        "BokehMe is the best of the trained methods at every level", best("bokehme", trained=True)
    ),
    at_every_level("BokehMe is the best of all methods at every level", best("bokehme")),
    falls_less(
        "BokehMe's neural part alone loses less than scattering from level 1 to level 5",
        *("bokehme-nr", "scatter", "L1", "L5"),
    ),
)
FIG_11: tuple[Check, ...] = (
    moderate_dilation("Moderate dilation of the disparity map raises most classical methods", "classical"),
)
