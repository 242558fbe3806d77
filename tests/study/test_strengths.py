"""Claims about Bradley-Terry scores: the maximum of a known likelihood, honest about what is not there."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from bokehbench import rng
from bokehbench.study.strengths import Choice, fit


def duels(wins: dict[tuple[str, str], int], ties: dict[tuple[str, str], int] | None = None) -> list[Choice]:
    found = [Choice("P", pair, pair[0]) for pair, count in wins.items() for _ in range(count)]
    return found + [Choice("P", pair, None) for pair, count in (ties or {}).items() for _ in range(count)]


def test_two_methods_have_the_log_odds_of_their_wins() -> None:
    found = fit(duels({("a", "b"): 30, ("b", "a"): 10}), ["a", "b"])
    assert found.scores["a"].score - found.scores["b"].score == pytest.approx(math.log(3), abs=1e-9)
    assert found.scores["a"].score + found.scores["b"].score == pytest.approx(0, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=12, max_size=12))
def test_scores_are_a_logistic_regression_on_signed_indicators(counts: list[int]) -> None:
    names = ["a", "b", "c", "d"]
    wins = dict(zip(itertools.permutations(names, 2), counts, strict=True))
    rows = np.array([[(n == i) - (n == j) for n in names] for i, j in wins], float)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Logistic regression: -sum n log sigmoid(x theta), the first coefficient fixed at 0."""
        x = rows[:, 1:] @ theta
        return float(np.dot(counts, np.logaddexp(0, -x))), -rows[:, 1:].T @ (counts / (1 + np.exp(x)))

    theta = np.array([0, *optimize.minimize(loss, np.zeros(3), jac=True, method="BFGS", tol=1e-10).x])
    scores = fit(duels(wins), names).scores
    assert [scores[n].score for n in names] == pytest.approx(list(theta - theta.mean()), abs=1e-5)


def test_the_likelihood_equations_hold_with_ties() -> None:
    """Davidson (1970): expected wins plus half the expected ties are the counted ones; so are all ties."""
    names = ["a", "b", "c"]
    wins = {("a", "b"): 12, ("b", "a"): 5, ("b", "c"): 9, ("c", "b"): 4, ("a", "c"): 11, ("c", "a"): 1}
    ties = {("a", "b"): 4, ("b", "c"): 7, ("a", "c"): 2}
    found = fit(duels(wins, ties), names)
    strength = {n: math.exp(found.scores[n].score) for n in names}
    points, tied = dict.fromkeys(names, 0.0), 0.0
    for i, j in itertools.combinations(names, 2):
        n = wins[i, j] + wins[j, i] + ties[i, j]
        draw = found.tie * math.sqrt(strength[i] * strength[j])
        total = strength[i] + strength[j] + draw
        points[i] += n * (strength[i] + draw / 2) / total
        points[j] += n * (strength[j] + draw / 2) / total
        tied += n * draw / total
    counted = {
        n: sum(c for (w, _), c in wins.items() if w == n) + sum(c / 2 for p, c in ties.items() if n in p)
        for n in names
    }
    assert points == pytest.approx(counted, abs=1e-7) and tied == pytest.approx(13, abs=1e-7)


def test_known_strengths_come_back_with_intervals_that_hold_them() -> None:
    truth = {"a": 1.0, "b": 0.3, "c": -0.4, "d": -0.9}
    draw = rng.stream(1, 0, "test.duels")
    choices = []
    for person in range(40):
        for i, j in itertools.combinations(truth, 2):
            for _ in range(6):
                won = draw.random() < 1 / (1 + math.exp(truth[j] - truth[i]))
                choices.append(Choice(f"P{person}", (i, j), i if won else j))
    found = fit(choices, list(truth), seed=2, resamples=300)
    assert list(found.scores) == ["a", "b", "c", "d"] and not found.smoothed
    for name, value in truth.items():
        score = found.scores[name]
        assert score.score == pytest.approx(value, abs=0.2)
        assert score.low is not None and score.high is not None
        assert score.low < score.score < score.high and score.low - 0.05 < value < score.high + 0.05
    again = fit(choices[::-1], list(truth), seed=2, resamples=300)
    assert {n: s.low for n, s in again.scores.items()} == {n: s.low for n, s in found.scores.items()}


def test_best_of_all_gives_the_log_of_the_shares() -> None:
    """Luce: where all are shown each time, a strength is proportional to how often it is chosen."""
    counts = {"a": 20, "b": 10, "c": 5}
    choices = [Choice("P", ("a", "b", "c"), name) for name, n in counts.items() for _ in range(n)]
    scores = fit(choices, list(counts)).scores
    assert scores["a"].score - scores["b"].score == pytest.approx(math.log(2), abs=1e-9)
    assert scores["b"].score - scores["c"].score == pytest.approx(math.log(2), abs=1e-9)


def test_methods_that_were_never_compared_have_no_common_scale() -> None:
    found = fit(duels({("a", "b"): 3, ("b", "a"): 2, ("c", "d"): 4, ("d", "c"): 1}), ["a", "b", "c", "d"])
    assert found.scores == {} and "{a, b} and {c, d}" in found.reason
    assert "{lonely}" in fit(duels({("a", "b"): 3, ("b", "a"): 2}), ["a", "b", "lonely"]).reason


def test_a_method_that_always_wins_gets_a_finite_score_that_says_so() -> None:
    found = fit(duels({("a", "b"): 8, ("b", "c"): 4, ("c", "b"): 4, ("a", "c"): 8}), ["a", "b", "c"])
    assert found.smoothed and next(iter(found.scores)) == "a"
    assert all(abs(score.score) < 5 for score in found.scores.values())


def test_under_six_participants_nothing_is_claimed() -> None:
    choices = [Choice(f"P{person}", ("a", "b"), name) for person in range(5) for name in ("a", "a", "b")]
    assert all(score.low is None for score in fit(choices, ["a", "b"]).scores.values())


def test_a_method_that_lost_everything_has_no_bounds() -> None:
    """Its score rests on votes that nobody gave; those that beat each other keep their intervals."""
    pairs = [("a", "b", "a"), ("a", "b", "b"), ("a", "c", "a"), ("b", "c", "b")]
    choices = [Choice(f"P{person}", (x, y), won) for person in range(8) for x, y, won in pairs]
    scores = fit(choices, ["a", "b", "c"], resamples=50).scores
    assert [(name, score.finite, score.low is None) for name, score in scores.items()] == [
        ("a", True, False),
        ("b", True, False),
        ("c", False, True),
    ]
    chain = [Choice(f"P{person}", (x, y), x) for person in range(8) for x, y in (("a", "b"), ("b", "c"))]
    assert not any(score.finite for score in fit(chain, ["a", "b", "c"], resamples=50).scores.values())
