"""A comparison for readers (Markdown) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bokehbench.leaderboard.compare import Pair, Report
from bokehbench.leaderboard.differences import Difference, SceneDifference
from bokehbench.leaderboard.statistics import ID, MAX_SCENES_EXACT, MIN_SCENES, RESAMPLES, Interval

MANY = 30
"""Scenes above which the Markdown shows the ends alone; the JSON has them all."""


def to_json(report: Report) -> dict[str, Any]:
    """Everything, at full precision; no date and no path but those that were given."""
    pairs = []
    for pair in report.pairs:
        content = asdict(pair)
        for one, plain in zip(pair.differences, content["differences"], strict=True):
            plain["better"] = one.better
        pairs.append({**content, "same": pair.is_same})
    return {
        "schema": "bokehbench.comparison/2",
        "statistics": ID,
        "a": report.a,
        "b": report.b,
        "pairs": pairs,
        "changes": [asdict(change) for change in report.changes],
        "only": list(report.only),
        "stale": [asdict(one) for one in report.stale],
    }


def to_markdown(report: Report) -> str:
    """Differences, what changed, what is in one side alone, what is stale."""
    lines = [f"# {report.a} − {report.b}", "", f"A: `{report.a}`  ", f"B: `{report.b}`", "", _legend(), ""]
    for pair in report.pairs:
        lines += [*_pair(pair), ""]
    changes = [f"{c.cause}: {c.where}: {_short(c.a)} → {_short(c.b)}" for c in report.changes]
    stale = [f"{s.side}: {s.where}: {s.reason} ({s.count}) → `{s.command}`" for s in report.stale]
    for heading, items in (
        ("What changed from A to B", changes),
        ("Not compared", report.only),
        ("Stale today", stale),
    ):
        if items:
            lines += [f"## {heading}", "", *(f"- {item}" for item in items), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _legend() -> str:
    return (
        "Differences are A − B over the same cases; ↑ larger is better, ↓ smaller is better. The interval is "
        "the 95 % one by scene, p that of the sign-flip test by scene on the same mean (all flips up to "
        f"{MAX_SCENES_EXACT} scenes, {RESAMPLES} random ones above; Holm over the methods compared); under "
        f"{MIN_SCENES} scenes there is neither. Won: share of scenes on which A is better, where the metric "
        "has a direction."
    )


def _pair(pair: Pair) -> list[str]:
    lines = [f"## {pair.benchmark} ({pair.protocol}): {pair.a} − {pair.b}", ""]
    of = ", ".join(filter(None, [f"{pair.cases} cases", pair.part]))
    lines.append(
        f"{of}; {pair.same_bytes} predictions are the same file."
        + (" Every number is the same." if pair.differences and pair.is_same else "")
    )
    lines += [f"Left out: {why}." for why in pair.left_out]
    if pair.differences and not pair.is_same:
        lines += ["", *_differences(pair.differences), "", *_scenes(pair)]
    return [line + "  " if line and not line.startswith(("|", "#")) else line for line in lines]


def _differences(found: Sequence[Difference]) -> list[str]:
    lines = ["| metric | level | scenes | cases | A | B | A − B | 95 % interval | won | p | better |"]
    lines.append("|---|---|" + "---:|" * 8 + "---|")
    for one in found:
        arrow = ("↑" if one.higher_is_better else "↓") if one.ranked else ""
        digits = one.decimals
        interval = one.interval
        cells = [
            " ".join(filter(None, [one.metric, arrow, one.unit])),
            one.level,
            str(interval.scenes),
            str(interval.cases),
            f"{one.a:.{digits}f}",
            f"{one.b:.{digits}f}",
            f"{interval.mean:+.{digits}f}",
            _bounds(interval, digits),
            "–" if one.scenes_won is None else f"{one.scenes_won:.0%}",
            "–" if one.p_holm is None else f"{one.p_holm:.2g}",
            one.better or "–",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _bounds(interval: Interval, digits: int) -> str:
    if interval.low is None or interval.high is None:
        return f"n/a: {'one scene' if interval.scenes == 1 else f'{interval.scenes} scenes'}"
    return f"{interval.low:+.{digits}f} to {interval.high:+.{digits}f}"


def _scenes(pair: Pair) -> list[str]:
    """A line a scene, a column a metric: mean difference, and the range over its cases."""
    metrics = list(dict.fromkeys(one.metric for one in pair.scenes))
    by_scene: dict[str, dict[str, SceneDifference]] = {}
    for one in pair.scenes:
        by_scene.setdefault(one.scene, {})[one.metric] = one
    decimals = {one.metric: one.decimals for one in pair.differences}
    scenes = sorted(by_scene, key=lambda scene: -_first(by_scene[scene]))
    shown = scenes if len(scenes) <= MANY else [*scenes[:5], *scenes[-5:]]
    lines = (
        [] if shown is scenes else [f"The five scenes at either end, of {len(scenes)} (all in the JSON):", ""]
    )
    lines += ["| scene | cases | " + " | ".join(f"{name}: A − B" for name in metrics) + " |"]
    lines.append("|---|" + "---:|" * (len(metrics) + 1))
    for scene in shown:
        own = by_scene[scene]
        cells = [_scene_cell(own.get(name), decimals[name]) for name in metrics]
        count = max(one.cases for one in own.values())
        lines.append("| " + " | ".join([scene, str(count), *cells]) + " |")
    return lines


def _first(own: dict[str, SceneDifference]) -> float:
    return next(iter(own.values())).mean


def _scene_cell(one: SceneDifference | None, digits: int) -> str:
    if one is None:
        return "–"
    if one.low is None or one.high is None:
        return f"{one.mean:+.{digits}f}"
    return f"{one.mean:+.{digits}f} ({one.low:+.{digits}f} to {one.high:+.{digits}f})"
