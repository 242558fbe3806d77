"""Shares and means of answers with intervals over participants, never over single answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bokehbench.leaderboard.statistics import mean_interval, scene_sums, standard_error
from bokehbench.study.strengths import MIN_PARTICIPANTS


@dataclass(frozen=True)
class Estimate:
    """A share or a mean with its 95 % interval; no bounds under `MIN_PARTICIPANTS` participants."""

    value: float
    low: float | None
    high: float | None
    answers: int
    participants: int


def share(hits: Sequence[float], participants: Sequence[str]) -> Estimate:
    """Share of answers in [0, 1] and its interval.

    Answers of one participant are not independent: the variance is that of a mean of clusters
    (`leaderboard.statistics.standard_error`), which makes them worth n' = p (1 - p) / variance independent
    answers, and the interval is Wilson's for n' (1927) with the t quantile of the number of participants: it
    stays within [0, 1]. Where everyone says the same there is no variance to go by, and n' is the number of
    participants.

    Args:
        hits: 1 or 0 for each answer, 0.5 for half a vote.
        participants: who gave it.
    """
    sums, counts = scene_sums(hits, participants)
    people, n = len(sums), float(counts.sum())
    p = float(sums.sum() / n)
    if people < MIN_PARTICIPANTS:
        return Estimate(p, None, None, int(n), people)
    variance = float(standard_error(sums, counts)) ** 2
    worth = float(people)
    if 0 < p < 1:
        worth = min(n, p * (1 - p) / variance) if variance > 0 else n
    t2 = float(stats.t.ppf(0.975, df=people - 1)) ** 2
    middle = (p + t2 / (2 * worth)) / (1 + t2 / worth)
    half = math.sqrt(t2 * (p * (1 - p) / worth + t2 / (4 * worth**2))) / (1 + t2 / worth)
    low, high = max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))
    return Estimate(p, low, high, int(n), people)


def mean(values: Sequence[float], participants: Sequence[str], scale: tuple[float, float]) -> Estimate:
    """Mean of ratings and its interval, which ends where the scale ends."""
    found = mean_interval(np.asarray(values, np.float64), participants)
    if found.low is None or found.high is None:
        return Estimate(found.mean, None, None, found.cases, found.scenes)
    low, high = max(found.low, scale[0]), min(found.high, scale[1])
    return Estimate(found.mean, low, high, found.cases, found.scenes)
