"""Claims about shares, means and agreement: published values, limits, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bokehbench import rng
from bokehbench.study.agreement import krippendorff_alpha
from bokehbench.study.rates import mean, share, shares

CODERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
"""The worked example of Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C."""


@pytest.mark.parametrize(("level", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_the_published_one(level: str, printed: float) -> None:
    units = [[value - 1 for value in unit if value is not None] for unit in zip(*CODERS, strict=True)]
    assert krippendorff_alpha(units, 5, level) == pytest.approx(printed, abs=5e-4)  # type: ignore[arg-type]


def test_alpha_has_its_limits() -> None:
    assert krippendorff_alpha([[0, 0], [2, 2], [1, 1]], 3, "ordinal") == 1
    assert krippendorff_alpha([[0], [2]], 3, "nominal") is None
    assert krippendorff_alpha([[1, 1], [1, 1]], 3, "interval") is None
    draw = rng.stream(1, 0, "test.alpha").integers(0, 3, size=(4000, 3)).tolist()
    assert krippendorff_alpha(draw, 3, "nominal") == pytest.approx(0, abs=0.03)


def cover(p: float, people: int, each: int, spread: float, runs: int = 400) -> float:
    """Share of intervals that hold p where each person has a rate of their own, Beta with mean p."""
    draw = rng.stream(5, people, f"test.cover {p} {spread}")
    held = 0
    for _ in range(runs):
        own = draw.beta(p * spread, (1 - p) * spread, people)
        hits = (draw.random((people, each)) < own[:, None]).astype(float)
        found = share(hits.ravel(), np.repeat([f"P{i}" for i in range(people)], each).tolist())
        assert found.low is not None and found.high is not None
        held += found.low <= p <= found.high
    return held / runs


@pytest.mark.parametrize(("p", "people", "spread"), [(0.5, 12, 8.0), (0.25, 30, 5.0), (0.1, 30, 20.0)])
def test_intervals_of_shares_cover_although_people_differ(p: float, people: int, spread: float) -> None:
    assert 0.92 <= cover(p, people, 15, spread) <= 0.99


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=6), min_size=6, max_size=9))
def test_a_share_lies_in_its_interval_and_that_in_0_to_1(answers: list[list[float]]) -> None:
    people = [f"P{index}" for index, own in enumerate(answers) for _ in own]
    hits = [hit for own in answers for hit in own]
    found = share(hits, people)
    assert found.low is not None and found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1 and found.value == pytest.approx(np.mean(hits))
    other = share([1 - hit for hit in hits], people)
    assert (other.low, other.high) == pytest.approx((1 - found.high, 1 - found.low))


def test_when_all_agree_the_share_is_not_certain() -> None:
    people = [f"P{index}" for index in range(10) for _ in range(4)]
    found = share([1.0] * 40, people)
    assert found.value == 1 and found.high == 1 and found.low is not None and 0.5 < found.low < 0.9
    assert share([1.0] * 3, ["a", "b", "c"]).low is None


def test_means_stay_on_their_scale() -> None:
    people = [f"P{index}" for index in range(6)]
    found = mean([5, 5, 5, 5, 5, 2], people, (1, 5))
    assert found.high == 5 and found.low is not None and found.low < 4.5


@pytest.mark.parametrize("together", [False, True])
def test_no_hit_has_no_wider_interval_than_some(together: bool) -> None:
    """Of 28 answers by 7 people: hits by different people, or all of a person's answers alike."""
    people = [f"P{index % 7}" for index in range(28)]
    order = sorted(range(28), key=lambda index: (index % 7, index)) if together else list(range(28))
    question = {}
    for hits in range(0, 15, 4):
        hit = set(order[:hits])
        question[hits] = [(float(index in hit), people[index]) for index in range(28)]
    highs = [found.high for found in shares(question).values()]
    assert all(high is not None for high in highs)
    assert highs == sorted(highs, key=float)  # type: ignore[arg-type]
    assert (float(highs[0] or 0) > 0.3) == together  # people who answer alike are worth fewer answers
