"""Claims of the papers as checks: each holds, does not hold, or lacks data, with figures of both sides."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from bokehbench.leaderboard.layout_parts import Part
from bokehbench.leaderboard.layout_types import FAILS, HOLDS, UNKNOWN, Trend
from bokehbench.leaderboard.layout_words import signed, told_apart, with_interval
from bokehbench.leaderboard.statistics import Interval

METRIC, UNIT, DECIMALS = "psnr", "dB", 2
MODERATE = ("dilate:1", "dilate:2")

Check = Callable[[Sequence[Part]], Trend]


def _lacking(part: Part | None, methods: Sequence[str], where: str) -> str:
    """Why a claim about these methods cannot be looked at; empty where it can."""
    if part is None:
        return f"no cases of {where}"
    absent = [method for method in methods if part.key(method, METRIC) is None]
    return f"no {METRIC} of {', '.join(absent)} at {part.name}" if absent else ""


def _difference(part: Part, a: str, b: str) -> Interval:
    keys = part.key(a, METRIC), part.key(b, METRIC)
    assert keys[0] is not None and keys[1] is not None
    return part.difference(keys[0], keys[1], METRIC)


def _theirs(part: Part, a: str, b: str) -> str:
    values = part.theirs(a, "PSNR"), part.theirs(b, "PSNR")
    if values[0] is None or values[1] is None:
        return ""
    return f"{a} over {b} {signed(values[0] - values[1], DECIMALS)} {UNIT}"


def _said(part: Part, a: str, b: str, threshold: float = 0.0) -> str:
    difference = _difference(part, a, b)
    text = f"{a} over {b} {with_interval(difference, DECIMALS)} {UNIT}"
    if told_apart(difference, threshold) is False:
        text += " (its interval leaves this open)"
    return text


def _at(parts: Sequence[Part], name: str) -> Part | None:
    return next((part for part in parts if part.name == name), None)


def chain(claim: str, methods: Sequence[str], at: str) -> Check:
    """Each method's mean over the next one's, in one group."""

    def check(parts: Sequence[Part]) -> Trend:
        part = _at(parts, at)
        if part is None or (why := _lacking(part, methods, at)):
            return Trend(claim, UNKNOWN, why if part else _lacking(None, methods, at))
        pairs = list(itertools.pairwise(methods))
        holds = all(_difference(part, a, b).mean > 0.0 for a, b in pairs)
        figures = "; ".join(_said(part, a, b) for a, b in pairs)
        theirs = "; ".join(filter(None, (_theirs(part, a, b) for a, b in pairs)))
        return Trend(claim, HOLDS if holds else FAILS, figures, theirs)

    return check


def gap(claim: str, a: str, b: str, least: float, at: str) -> Check:
    """One method over another by more than so many dB, in one group."""

    def check(parts: Sequence[Part]) -> Trend:
        part = _at(parts, at)
        if part is None or (why := _lacking(part, (a, b), at)):
            return Trend(claim, UNKNOWN, why if part else _lacking(None, (a, b), at))
        holds = _difference(part, a, b).mean > least
        return Trend(claim, HOLDS if holds else FAILS, _said(part, a, b, least), _theirs(part, a, b))

    return check


def above(claim: str, whole: str, parts_of_it: Sequence[str]) -> Check:
    """A method at least as good as each of its parts, in every group that has all of them."""

    def check(parts: Sequence[Part]) -> Trend:
        usable = [part for part in parts if not _lacking(part, (whole, *parts_of_it), part.name)]
        if not usable:
            first = parts[0] if parts else None
            return Trend(claim, UNKNOWN, _lacking(first, (whole, *parts_of_it), "any level"))
        lowest = {
            part.name: min((_difference(part, whole, other).mean, other) for other in parts_of_it)
            for part in usable
        }
        figures = "; ".join(f"{part.name} {_said(part, whole, lowest[part.name][1])}" for part in usable)
        theirs = "; ".join(
            f"{part.name} {said}" for part in usable if (said := _theirs(part, whole, lowest[part.name][1]))
        )
        holds = all(value >= 0.0 for value, _ in lowest.values())
        return Trend(claim, HOLDS if holds else FAILS, figures, theirs)

    return check


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
        return Trend(claim, HOLDS if 2 * won > len(gained) else FAILS, figures)

    return check


BOKEHME_1: tuple[Check, ...] = (
    chain("Scattering over SteReFo over RVR at level 5", ("scatter", "sterefo", "rvr"), "L5"),
    gap("RVR-dagger over RVR by more than 5 dB at level 5", "rvr-dagger", "rvr", 5.0, "L5"),
    above("BokehMe at least as good as its two parts alone", "bokehme", ("scatter", "bokehme-nr")),
)
FIG_11: tuple[Check, ...] = (
    moderate_dilation("Moderate dilation of the disparity map raises most classical methods", "classical"),
)
