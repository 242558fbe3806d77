"""Paired differences of two sets of scores: by level, by scene, with intervals and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehbench.leaderboard.statistics import SMALLEST_DIFFERENCE, Interval, compare, family, is_tie
from bokehbench.leaderboard.statistics import mean_interval as interval_of
from bokehbench.leaderboard.tables import ALL
from bokehbench.metrics import Metric

FloatArray = npt.NDArray[np.float64]
About = tuple[str, str]
"""(scene, level) of a case."""


@dataclass(frozen=True)
class Difference:
    """A − B of one metric over the cases of one level.

    Attributes:
        metric: name as written.
        level: `all`, or a blur level.
        a, b: means over the same cases.
        interval: of A − B, over scenes; in the metric's own unit and direction.
        scenes_won: share of scenes on which A is better, ties count half; None where the metric has no
            direction.
        p: of the sign-flip test on the mean of `interval`; None under six scenes.
        p_holm: corrected over the methods compared at this level by this metric.
        higher_is_better, ranked, unit, decimals: the metric's.
        same: not one case differs.
    """

    metric: str
    level: str
    a: float
    b: float
    interval: Interval
    scenes_won: float | None
    p: float | None
    higher_is_better: bool
    ranked: bool
    unit: str
    decimals: int
    same: bool
    p_holm: float | None = None

    @property
    def better(self) -> str:
        """A, B, tied, the same, or empty where there are too few scenes to say, or nothing to rank."""
        if self.same:
            return "the same"
        if self.p_holm is None or not self.ranked:
            return ""
        if is_tie(self.p_holm, self.interval.mean, SMALLEST_DIFFERENCE.get(family(self.metric), 0.0)):
            return "tied"
        return "A" if (self.interval.mean > 0) == self.higher_is_better else "B"


@dataclass(frozen=True)
class SceneDifference:
    """A − B of one metric within one scene: mean, smallest and largest over its cases.

    No interval: the cases of a scene are not independent. One case alone has no smallest and largest.
    """

    metric: str
    scene: str
    cases: int
    mean: float
    low: float | None
    high: float | None


def differences(
    metric: Metric, values: FloatArray, about: Sequence[About], strengths: Sequence[float]
) -> list[Difference]:
    """Over all cases, then level by level in order of blur where there are several.

    Args:
        metric: what the values are of.
        values: [n, 2], A and B of the same cases.
        about: [n] scene and level.
        strengths: [n] K in pixels, which orders the levels.
    """
    levels = np.array([level for _, level in about])
    scenes = np.array([scene for scene, _ in about])
    K = np.asarray(strengths)
    names = sorted(set(levels.tolist()), key=lambda name: (float(np.median(K[levels == name])), name))
    chosen = [(ALL, np.ones(len(levels), bool))]
    if len(names) > 1:
        chosen += [(name, levels == name) for name in names]
    return [_difference(metric, level, values[mask], scenes[mask].tolist()) for level, mask in chosen]


def _difference(metric: Metric, level: str, values: FloatArray, scenes: Sequence[str]) -> Difference:
    compared = compare(values[:, 0], values[:, 1], scenes, metric.higher_is_better)
    return Difference(
        metric=metric.name,
        level=level,
        a=float(values[:, 0].mean()),
        b=float(values[:, 1].mean()),
        interval=interval_of(values[:, 0] - values[:, 1], scenes),
        scenes_won=compared.scenes_won if metric.spec.ranked else None,
        p=compared.p,
        higher_is_better=metric.higher_is_better,
        ranked=metric.spec.ranked,
        unit=metric.spec.unit,
        decimals=metric.decimals,
        same=bool((values[:, 0] == values[:, 1]).all()),
    )


def over_scenes(metric: Metric, values: FloatArray, about: Sequence[About]) -> list[SceneDifference]:
    """Scene by scene, by name; `values` [n, 2]."""
    scenes = np.array([scene for scene, _ in about])
    apart = values[:, 0] - values[:, 1]
    found = []
    for scene in np.unique(scenes).tolist():
        own = apart[scenes == scene]
        low, high = (float(own.min()), float(own.max())) if len(own) > 1 else (None, None)
        found.append(SceneDifference(metric.name, scene, len(own), float(own.mean()), low, high))
    return found
