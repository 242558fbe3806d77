"""Shares and means of answers with intervals over participants, never over single answers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import stats

from bokehbench.leaderboard.statistics import mean_interval, scene_sums, standard_error
from bokehbench.study.strengths import MIN_PARTICIPANTS

Key = TypeVar("Key", bound=Hashable)
Votes = Sequence[tuple[float, str]]
"""(hit, participant) of each answer."""

ID = "study-intervals@2"
"""Of the intervals of a report: another one whenever a bound could become another."""


@dataclass(frozen=True)
class Estimate:
    """A share or a mean with its 95 % interval; no bounds under `MIN_PARTICIPANTS` participants."""

    value: float
    low: float | None
    high: float | None
    answers: int
    participants: int


def share(hits: Sequence[float], participants: Sequence[str]) -> Estimate:
    """Share of answers in [0, 1] and its interval, where nothing else was asked beside it (`shares`).

    Args:
        hits: 1 or 0 for each answer, 0.5 for half a vote.
        participants: who gave it.
    """
    return shares({"": list(zip(hits, participants, strict=True))})[""]


def shares(question: Mapping[Key, Votes]) -> dict[Key, Estimate]:
    """All shares of one question (of every method and answer) with their intervals.

    Answers of one participant are not independent: the variance is that of a mean of clusters
    (`leaderboard.statistics.standard_error`), by which a share of n answers is worth
    n' = p (1 - p) / variance independent ones. The interval is Wilson's for n' (1927) with the t quantile of
    the number of participants: it stays within [0, 1].

    A share of few hits has hardly a variance to go by, one of 0 or 1 none. So no share counts for more than
    n / D, D being the design effect of the whole question, sum n^2 variance / sum n p (1 - p) over its shares
    (Kish, Survey Sampling, 1965), 1 at least: no bound of 0 hits of n lies beyond that of more hits of n.
    Where no share of the question has a variance, n' is the number of participants.

    Args:
        question: (hit, participant) of every answer, by share; a hit is 1 or 0, 0.5 for half a vote.
    """
    found = {key: _Clusters.of(votes) for key, votes in question.items()}
    enough = [one for one in found.values() if one.people >= MIN_PARTICIPANTS]
    binomial = sum(one.n * one.p * (1 - one.p) for one in enough)
    effect = max(1.0, sum(one.n**2 * one.variance for one in enough) / binomial) if binomial > 0 else None
    return {key: _wilson(one, effect) for key, one in found.items()}


@dataclass(frozen=True)
class _Clusters:
    """A share of n answers of some people, and the variance of its mean."""

    p: float
    n: float
    people: int
    variance: float

    @staticmethod
    def of(votes: Votes) -> _Clusters:
        sums, counts = scene_sums([hit for hit, _ in votes], [person for _, person in votes])
        n = float(counts.sum())
        variance = float(standard_error(sums, counts)) ** 2 if len(sums) > 1 else 0.0
        return _Clusters(float(sums.sum() / n), n, len(sums), variance)


def _wilson(one: _Clusters, effect: float | None) -> Estimate:
    p, people = one.p, one.people
    if people < MIN_PARTICIPANTS:
        return Estimate(p, None, None, int(one.n), people)
    worth = float(people) if effect is None else one.n / effect
    if 0 < p < 1 and one.variance > 0:
        worth = min(worth, p * (1 - p) / one.variance)
    t2 = float(stats.t.ppf(0.975, df=people - 1)) ** 2
    middle = (p + t2 / (2 * worth)) / (1 + t2 / worth)
    half = math.sqrt(t2 * (p * (1 - p) / worth + t2 / (4 * worth**2))) / (1 + t2 / worth)
    low, high = max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))
    return Estimate(p, low, high, int(one.n), people)


def mean(values: Sequence[float], participants: Sequence[str], scale: tuple[float, float]) -> Estimate:
    """Mean of ratings and its interval, which ends where the scale ends."""
    found = mean_interval(np.asarray(values, np.float64), participants)
    if found.low is None or found.high is None:
        return Estimate(found.mean, None, None, found.cases, found.scenes)
    low, high = max(found.low, scale[0]), min(found.high, scale[1])
    return Estimate(found.mean, low, high, found.cases, found.scenes)
