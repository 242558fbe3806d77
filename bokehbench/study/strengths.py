"""Strengths of methods from choices: Bradley-Terry, with ties (Davidson) and for more than two (Luce).

A method i has a strength exp(s_i). Of the pictures shown, i is chosen with probability (Bradley and Terry,
1952; Luce, Individual Choice Behavior, 1959)

    P(i) = exp(s_i) / sum over shown j of exp(s_j),

and where two pictures may tie, the tie is a third answer of weight nu sqrt(exp(s_i + s_j)) (Davidson, 1970).
All of it is one multinomial logit, whose likelihood is concave: Newton's method finds the maximum. Scores sum
to 0; a difference of 1 is odds of e. The maximum exists where each method is reached from each by a chain of
"was chosen over or tied with" (Ford, 1957).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from bokehbench import rng
from bokehbench.leaderboard.statistics import MIN_SCENES

FloatArray = npt.NDArray[np.float64]

MIN_PARTICIPANTS = MIN_SCENES
"""Under it nothing is claimed: no interval. The rule of the tables, with people in the place of scenes."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Choice:
    """One decision: what was shown, and what was chosen; None is a tie of two."""

    participant: str
    among: tuple[str, ...]
    chosen: str | None


@dataclass(frozen=True)
class Strength:
    """A score with its 95 % interval over participants; no bounds under `MIN_PARTICIPANTS`.

    Attributes:
        finite: False for a method that won or lost everything against others: its score rests on half votes
            that nobody gave, and has no bounds.
    """

    score: float
    low: float | None = None
    high: float | None = None
    finite: bool = True


@dataclass(frozen=True)
class Strengths:
    """What choices say about all methods together.

    Attributes:
        scores: by method, best first; empty where the choices do not link all methods.
        tie: Davidson's nu: 0 without ties, 2 where as many ties as choices between equals.
        smoothed: a method won or lost against all the others, so that every answer that was possible got
            half a vote more; else its score would be infinite.
        resamples: of the bootstrap over participants.
        resamples_smoothed: those of them that needed the half votes.
        reason: why there are no scores.
    """

    scores: dict[str, Strength]
    tie: float = 0.0
    smoothed: bool = False
    resamples: int = 0
    resamples_smoothed: int = 0
    reason: str = ""


def fit(
    choices: Sequence[Choice], methods: Sequence[str], *, seed: int = 0, resamples: int = RESAMPLES
) -> Strengths:
    """Scores of methods with intervals of a bootstrap that draws participants.

    Plain percentiles of a bootstrap over a dozen people hold the truth in less than 90 of 100 studies; the
    expanded ones fall short of 95 by less (docs/study.md has the figures).

    Args:
        choices: of all participants; their order does not matter.
        methods: all that took part.
        seed: of the bootstrap.
        resamples: 0 for no intervals.

    Returns:
        No scores, and the reason, where some methods were never compared with the others.
    """
    ballot = Ballot(choices, methods)
    groups = ballot.linked()
    if len(groups) > 1:
        apart = " and ".join("{" + ", ".join(group) + "}" for group in groups)
        return Strengths({}, reason=f"no answer compares {apart}: their scores have no common scale")
    values, tie, smoothed = ballot.strengths(ballot.counts.sum(axis=0))
    people = len(ballot.counts)
    bounds: list[tuple[float | None, float | None]] = [(None, None)] * len(methods)
    drawn, rescued = 0, 0
    if people >= MIN_PARTICIPANTS and resamples:
        draws = rng.stream(seed, people, "study.bootstrap").integers(0, people, size=(resamples, people))
        fits = [ballot.strengths(ballot.counts[draw].sum(axis=0)) for draw in draws]
        tail = expanded_tail(people)
        ends = np.quantile([values for values, _, _ in fits], [tail, 1 - tail], axis=0)
        bounds = [(float(low), float(high)) for low, high in ends.T]
        drawn, rescued = resamples, sum(s for _, _, s in fits)
    finite = ballot.finite() if smoothed else [True] * len(methods)
    scores = {
        method: Strength(float(value), *(bound if known else (None, None)), known)
        for method, value, bound, known in zip(methods, values, bounds, finite, strict=True)
    }
    ranked = dict(sorted(scores.items(), key=lambda item: (-item[1].score, item[0])))
    return Strengths(ranked, tie, smoothed, drawn, rescued)


def expanded_tail(people: int, tail: float = 0.025) -> float:
    """Which percentile of the bootstrap to take for a tail of the t distribution with `people` - 1 degrees.

    Phi(sqrt(n / (n - 1)) t_tail), the expanded percentile interval (Hesterberg, What Teachers Should Know
    About the Bootstrap, The American Statistician 69(4), 2015).
    """
    return float(stats.norm.cdf(math.sqrt(people / (people - 1)) * stats.t.ppf(tail, people - 1)))


class Ballot:
    """Counts of all answers that were possible, by participant, and what each means.

    Attributes:
        counts: [people, answers], people in sorted order; answers of one set of pictures stand together.
        design: [answers, methods + 1]: log of an answer's weight as a sum of scores and log nu.
        starts: first answer of each set.
        is_tie: [answers].
    """

    def __init__(self, choices: Sequence[Choice], methods: Sequence[str]) -> None:
        index = {method: number for number, method in enumerate(methods)}
        sets = sorted({tuple(sorted(index[m] for m in choice.among)) for choice in choices})
        ties = any(choice.chosen is None for choice in choices)
        rows: list[tuple[tuple[int, ...], int | None]] = []
        self.starts = np.zeros(len(sets), np.int64)
        for number, shown in enumerate(sets):
            self.starts[number] = len(rows)
            rows += [(shown, one) for one in shown]
            rows += [(shown, None)] if ties and len(shown) == 2 else []
        place = {row: number for number, row in enumerate(rows)}
        people = sorted({choice.participant for choice in choices})
        person = {name: number for number, name in enumerate(people)}
        self.methods = list(methods)
        self.counts = np.zeros((len(people), len(rows)))
        for choice in choices:
            shown = tuple(sorted(index[m] for m in choice.among))
            one = None if choice.chosen is None else index[choice.chosen]
            self.counts[person[choice.participant], place[shown, one]] += 1
        self.is_tie = np.array([one is None for _, one in rows], bool)
        self.design = np.zeros((len(rows), len(methods) + 1))
        self._beats = np.zeros((len(rows), len(methods), len(methods)), bool)
        for number, (shown, one) in enumerate(rows):
            if one is None:
                self.design[number, list(shown)] = 0.5
                self.design[number, -1] = 1.0
            else:
                self.design[number, one] = 1.0
            for winner in shown if one is None else (one,):
                self._beats[number, winner, list(shown)] = True

    def linked(self) -> list[list[str]]:
        """Methods in groups that no answer compares with each other."""
        labels = self._components(self.counts.sum(axis=0), "weak")
        groups = [[m for m, own in zip(self.methods, labels, strict=True) if own == g] for g in set(labels)]
        return sorted(groups, key=lambda group: self.methods.index(group[0]))

    def finite(self) -> list[bool]:
        """Which methods are of the one largest group within which all won and lost.

        Between such groups scores have no finite difference; within the largest they have.
        """
        labels = self._components(self.counts.sum(axis=0), "strong")
        sizes = Counter(labels).most_common(2)
        single = sizes[0][1] > 1 and (len(sizes) == 1 or sizes[1][1] < sizes[0][1])
        return [single and label == sizes[0][0] for label in labels]

    def strengths(self, counts: FloatArray) -> tuple[FloatArray, float, bool]:
        """Scores [methods] of some counts [answers], Davidson's nu, and whether half votes were needed."""
        bounded = len(set(self._components(counts, "strong"))) == 1 and counts[~self.is_tie].any()
        if not bounded:
            counts = counts + 0.5
        if counts[self.is_tie].any():
            theta = _maximum(self.design, self.starts, counts, len(self.methods))
            return theta[:-1], float(np.exp(theta[-1])), not bounded
        kept = ~self.is_tie
        before = np.concatenate([[0], np.cumsum(kept)])
        theta = _maximum(self.design[kept, :-1], before[self.starts], counts[kept], len(self.methods))
        return theta, 0.0, not bounded

    def _components(self, counts: FloatArray, connection: str) -> list[int]:
        from scipy.sparse.csgraph import connected_components

        graph = self._beats[counts > 0].any(axis=0)
        return [int(label) for label in connected_components(graph, connection=connection)[1]]


def _maximum(
    design: FloatArray, starts: npt.NDArray[np.int64], counts: FloatArray, methods: int
) -> FloatArray:
    """Parameters [P], scores first, of the largest likelihood of counts [A], by Newton's method."""
    groups = np.repeat(np.arange(len(starts)), np.diff([*starts, len(counts)]))
    totals = np.add.reduceat(counts, starts)[groups]
    # Scores are known up to a constant: their sum is held at 0, which the likelihood does not feel.
    gauge = np.zeros((design.shape[1], design.shape[1]))
    gauge[:methods, :methods] = 1.0
    theta = np.zeros(design.shape[1])
    for _ in range(200):
        weights = np.exp(design @ theta)
        share = weights / np.add.reduceat(weights, starts)[groups]
        expected = totals * share
        gradient = design.T @ (counts - expected) - gauge @ theta
        means = np.add.reduceat(share[:, None] * design, starts)
        spread = design - means[groups]
        hessian = spread.T @ (expected[:, None] * spread) + gauge
        step = np.linalg.solve(hessian, gradient)
        theta += step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-10:
            break
    return theta
