"""Claims about the statistics: what is resampled, what is exact, and what is not claimed."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bokehbench import rng
from bokehbench.leaderboard import statistics as st

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("interval_coverage", ROOT / "perf" / "interval_coverage.py")
assert _spec is not None and _spec.loader is not None
perf = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = perf  # dataclasses look their module up
_spec.loader.exec_module(perf)


def scenes(G: int, n: int) -> list[str]:
    return [f"scene{g}" for g in range(G) for _ in range(n)]


def test_interval_is_the_t_interval_on_scene_means_where_scenes_are_equal() -> None:
    values = rng.stream(1, 0, "test").normal(30, 2, (9, 4))
    found = st.mean_interval(values.ravel(), scenes(9, 4))
    means = values.mean(axis=1)
    expected = stats.t.interval(0.95, 8, means.mean(), stats.sem(means))
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)
    assert found.mean == pytest.approx(values.mean(), abs=1e-12)
    assert (found.cases, found.scenes) == (36, 9)


def test_the_mean_is_over_cases_also_where_scenes_differ_in_size() -> None:
    labels = ["a"] * 10 + [f"s{g}" for g in range(7)]
    values = np.arange(17.0)
    found = st.mean_interval(values, labels)
    assert found.mean == pytest.approx(8.0)
    assert found.low is not None and found.high is not None and found.low < 8.0 < found.high


def test_more_images_of_the_same_scenes_add_no_certainty() -> None:
    means = rng.stream(1, 1, "test").normal(30, 2, 10)
    one = st.mean_interval(means, scenes(10, 1))
    fifty = st.mean_interval(np.repeat(means, 50), scenes(10, 50))
    assert one.low is not None and one.low == pytest.approx(fifty.low, abs=1e-9)


ROWS = [(G, n, unequal) for unequal, sizes in ((False, perf.SIZES), (True, perf.UNEQUAL)) for G, n in sizes]


@pytest.mark.parametrize(("G", "n", "unequal"), ROWS)
def test_coverage_on_normal_scenes_is_within_3_points_of_nominal(G: int, n: int, unequal: bool) -> None:
    """Every row of the table in the documentation; scenes made image by image, not as their sums."""
    sets = 2000
    draw = rng.stream(1, G * n, "test.coverage")
    counts = draw.integers(1, 2 * n, (sets, G)) if unequal else np.full((sets, G), n)
    sums = np.zeros((sets, G))
    effects = draw.normal(0, 1, (sets, G))
    for image in range(int(counts.max())):
        sums += np.where(image < counts, effects + draw.normal(0, 1, (sets, G)), 0.0)
    low, high = st.interval_bounds(sums, counts.astype(float))
    assert abs(np.mean((low <= 0) & (high >= 0)) - 0.95) < 0.03


def test_the_documentation_has_the_coverage_of_the_full_run() -> None:
    text = (ROOT / "docs" / "results.md").read_text()
    for name, held in perf.rows(perf.SETS, ["normal"]):
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
        cells = [float(cell) for cell in line.split("|")[2:-1]]
        assert (cells[0], cells[-1]) == (round(held["normal"], 3), round(held["images"], 3))


def test_one_interval_serves_all_numbers_of_scenes() -> None:
    """No step where the form would change, and t's limit where there are many."""
    values = rng.stream(1, 2, "test").normal(0, 1, 2000)
    for G in (6, 39, 40, 41, 42, 2000):
        found = st.mean_interval(values[:G], scenes(G, 1))
        expected = stats.t.interval(0.95, G - 1, values[:G].mean(), stats.sem(values[:G]))
        assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)


def test_the_standard_error_is_that_of_leaving_out_scene_by_scene() -> None:
    draw = rng.stream(1, 8, "test")
    counts = draw.integers(1, 20, 9)
    labels = [f"s{g}" for g, n in enumerate(counts) for _ in range(n)]
    values, which = draw.normal(0, 1, len(labels)), np.array(labels)
    without = np.array([values[which != scene].mean() for scene in np.unique(which)])
    by_hand = np.sqrt(8 / 9 * ((without - values.mean()) ** 2).sum())
    found = st.standard_error(*st.scene_sums(values, labels))
    assert found == pytest.approx(by_hand, abs=1e-12)


def test_the_test_is_about_the_mean_that_is_printed() -> None:
    """Five small scenes favour a by 1, one large scene b by 1: over cases b is far ahead, by scenes a."""
    labels = [*(f"s{g}" for g in range(7)), *["large"] * 60]
    apart = np.array([1.0] * 7 + [-1.0] * 60)
    compared = st.compare(apart, np.zeros(67), labels, True)
    assert compared.difference.mean == pytest.approx(-53 / 67)
    sums = np.array([1.0] * 7 + [-60.0])
    flips = np.array(list(itertools.product((1, -1), repeat=8))) @ sums
    assert compared.p == pytest.approx(np.mean(np.abs(flips) >= 53 - 1e-9))


def test_the_sign_flip_test_is_called_exact_where_it_is() -> None:
    assert st.name_of_test(13) == "exact sign-flip test by scene"
    assert st.name_of_test(14) == "sign-flip test by scene, 9999 random flips"


def test_under_six_scenes_nothing_is_claimed() -> None:
    found = st.mean_interval(np.arange(50.0), scenes(5, 10))
    assert (found.low, found.high) == (None, None)
    compared = st.compare(np.ones(50), np.zeros(50), scenes(5, 10), True)
    assert compared.p is None
    rows = {"a": np.ones(50), "b": np.zeros(50)}
    against = st.against_best(rows, "a", scenes(5, 10), higher_is_better=True, smallest=0.0)
    assert against["b"].p_holm is None and not against["b"].tied


def test_sign_flip_test_equals_all_flips_by_hand() -> None:
    means = rng.stream(1, 3, "test").normal(0.4, 1, 8)
    flips = np.array(list(itertools.product((1, -1), repeat=8))) @ means / 8
    by_hand = np.mean(np.abs(flips) >= abs(means.mean()) - 1e-12)
    assert st.sign_flip_test(means) == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize("G", [6, 7, 10])
def test_a_row_that_wins_every_scene_has_the_smallest_possible_p(G: int) -> None:
    compared = st.compare(np.full(G, 3.0) + np.arange(G), np.arange(G), scenes(G, 1), True)
    assert compared.p == pytest.approx(2 / 2**G)
    assert compared.scenes_won == 1.0


def test_many_scenes_use_random_flips_and_repeat_exactly() -> None:
    means = rng.stream(1, 4, "test").normal(0.3, 1, 30)
    p = st.sign_flip_test(means)
    assert p == st.sign_flip_test(means)
    assert p == pytest.approx(stats.ttest_1samp(means, 0).pvalue, abs=0.02)


def test_turning_the_comparison_round_turns_the_sign_alone() -> None:
    draw = rng.stream(1, 5, "test")
    a, b, labels = draw.random(24), draw.random(24), scenes(8, 3)
    forth, back = st.compare(a, b, labels, True), st.compare(b, a, labels, True)
    assert forth.difference.mean == pytest.approx(-back.difference.mean)
    assert forth.p == pytest.approx(back.p) and forth.scenes_won == pytest.approx(1 - back.scenes_won)
    assert st.compare(a, b, labels, False).difference.mean == pytest.approx(back.difference.mean)


def test_the_order_of_cases_is_nothing() -> None:
    draw = rng.stream(1, 6, "test")
    values, labels = draw.random(24), scenes(8, 3)
    order = draw.permutation(24)
    shuffled = st.mean_interval(values[order], [labels[i] for i in order])
    assert shuffled.low == pytest.approx(st.mean_interval(values, labels).low, abs=1e-12)


def test_holm_of_the_worked_example() -> None:
    assert st.holm([0.01, 0.04, 0.03, 0.2]) == pytest.approx([0.04, 0.09, 0.09, 0.2])
    assert st.holm([]) == []
    assert st.holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_certain_difference_that_is_too_small_is_a_tie() -> None:
    base = rng.stream(1, 7, "test").normal(30, 3, 10)
    rows = {"best": base + 0.04, "near": base, "far": base - 1.0}
    found = st.against_best(rows, "best", scenes(10, 1), higher_is_better=True, smallest=0.05)
    assert found["near"].p_holm < 0.05 and found["near"].tied  # type: ignore[operator]
    assert not found["far"].tied
    assert set(found) == {"near", "far"}


def test_families_hold_the_variants_of_one_metric() -> None:
    names = ["psnr", "psnr+lin", "lpips-alex", "lpips-vgg+crop8", "dists-256", "ms-ssim", "gmsd"]
    expected = ["psnr", "psnr", "lpips", "lpips", "dists", "ms-ssim", "gmsd"]
    assert [st.family(name) for name in names] == expected


def test_average_rank_shares_ties() -> None:
    psnr = {"a": 30.0, "b": 30.0, "c": 20.0}
    lpips = {"a": 0.1, "b": 0.2, "c": 0.3}
    assert st.average_ranks([psnr, lpips], [True, False]) == {"a": 1.25, "b": 1.75, "c": 3.0}
