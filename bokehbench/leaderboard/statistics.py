"""Uncertainty of table cells: intervals and tests by scene, never by image.

Cases of one scene are not independent, so the scene is the unit (the "cluster" of the formulas below). Under
`MIN_SCENES` scenes nothing is claimed: no interval and no test.

One interval serves all numbers of scenes: t with the jackknife's standard error. Percentiles of a bootstrap
and BCa are narrower up to some hundred scenes and hold the truth less often; the bootstrap of t holds it more
often on skewed scenes, by intervals up to twice as wide, and not as often as it says either
(`perf/interval_coverage.py` has all of them).
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats

from bokehbench import rng

Key = TypeVar("Key", bound=Hashable)
FloatArray = npt.NDArray[np.float64]

ID = "statistics@2"
"""Of the intervals and tests of this file: another one whenever a bound or a p could become another."""
MIN_SCENES = 6
"""With G scenes the smallest p of a sign-flip test is 2 / 2^G: 0.0625 at 5, never below 0.05."""
MAX_SCENES_EXACT = 13
"""Up to it all 2^G sign flips are done, above it `RESAMPLES` random ones."""
RESAMPLES = 9_999
ALPHA = 0.05
SEED = 20250101

SMALLEST_DIFFERENCE = {"psnr": 0.05, "ssim": 0.001, "lpips": 0.002, "dists": 0.002}
"""Differences of means below it are ties, however certain they are; by metric family."""


@dataclass(frozen=True)
class Interval:
    """A mean over cases with its confidence interval by scene; no bounds under `MIN_SCENES` scenes."""

    mean: float
    low: float | None
    high: float | None
    cases: int
    scenes: int


@dataclass(frozen=True)
class Comparison:
    """One row against the table's best row.

    Attributes:
        difference: mean difference over cases, positive where the row is better, with its interval.
        scenes_won: share of scenes on which the row is better; ties count half.
        p: of the sign-flip test on the same mean difference; None under `MIN_SCENES` scenes.
        p_holm: after Holm's correction over the tests of the column.
        tied: not distinguishable from the best: p_holm >= `ALPHA`, or a difference under the smallest
            that counts. Never claimed without a test.
    """

    difference: Interval
    scenes_won: float
    p: float | None
    p_holm: float | None = None
    tied: bool = False


def family(metric: str) -> str:
    """The metric that a variant belongs to: `lpips-alex` and `lpips-vgg` are lpips, `psnr+lin` is psnr."""
    base = metric.partition("+")[0]
    head = base.partition("-")[0]
    return head if head in SMALLEST_DIFFERENCE else base


def scene_sums(values: npt.ArrayLike, scenes: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Sum of `values` [n] and number of cases of every scene, both [G], scenes in sorted order."""
    _, index = np.unique(np.asarray(scenes), return_inverse=True)
    values = np.asarray(values, np.float64)
    sums: FloatArray = np.bincount(index, weights=values).astype(np.float64)
    return sums, np.bincount(index).astype(np.float64)


def standard_error(sums: FloatArray, counts: FloatArray) -> FloatArray:
    """Standard error of means over cases, by leaving out one scene after the other.

    The mean is a ratio, m = sum of scenes' sums / n. Without scene g it is m - u_g / (n - n_g), where
    u_g = sum_g - m n_g is the scene's residual, so that the jackknife's is

        sqrt((G - 1) / G * sum (u_g / (n - n_g))^2).

    Where all scenes have as many cases this is exactly that of the mean of scenes' means (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11).

    Args:
        sums: [..., G] of the values of each scene, G > 1.
        counts: [..., G] of its cases.
    """
    G, n = sums.shape[-1], counts.sum(axis=-1, keepdims=True)
    moved = (sums - sums.sum(axis=-1, keepdims=True) / n * counts) / (n - counts)
    error: FloatArray = np.sqrt((G - 1) / G * (moved**2).sum(axis=-1))
    return error


def interval_bounds(
    sums: FloatArray, counts: FloatArray, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Bounds [...] of means over cases, m -+ t(G - 1) `standard_error`; arguments as there."""
    mean = sums.sum(axis=-1) / counts.sum(axis=-1)
    half = stats.t.ppf(0.5 + confidence / 2, df=sums.shape[-1] - 1) * standard_error(sums, counts)
    return mean - half, mean + half


def mean_interval(values: npt.ArrayLike, scenes: Sequence[str], confidence: float = 0.95) -> Interval:
    """Mean over cases and its confidence interval by scene (`interval_bounds`).

    Args:
        values: [n] finite.
        scenes: [n] scene of every case.
        confidence: nominal coverage.
    """
    sums, counts = scene_sums(values, scenes)
    G, n = len(sums), int(counts.sum())
    mean = float(sums.sum() / n)
    if G < MIN_SCENES:
        return Interval(mean, None, None, n, G)
    low, high = interval_bounds(sums, counts, confidence)
    return Interval(mean, float(low), float(high), n, G)


def compare(a: npt.ArrayLike, b: npt.ArrayLike, scenes: Sequence[str], higher_is_better: bool) -> Comparison:
    """Paired comparison of row a with row b on the same cases.

    Args:
        a: [n] values of the row.
        b: [n] values of the best row.
        scenes: [n] scene of every case.
        higher_is_better: direction of the metric; differences are turned so that positive means a is better.

    Returns:
        Difference and p, not yet corrected (`against_best` does that).
    """
    sign = 1.0 if higher_is_better else -1.0
    difference = sign * (np.asarray(a, np.float64) - np.asarray(b, np.float64))
    sums, _ = scene_sums(difference, scenes)
    won = float(np.mean(np.where(sums > 0, 1.0, np.where(sums < 0, 0.0, 0.5))))
    p = sign_flip_test(sums) if len(sums) >= MIN_SCENES else None
    return Comparison(mean_interval(difference, scenes), won, p)


def sign_flip_test(sums: FloatArray) -> float:
    """Two-sided p that differences of scenes are symmetric about 0: exact up to 13 scenes.

    Args:
        sums: [G] of the differences of each scene's cases. Their sum is the mean over cases times n, so that
            what is tested is the mean that is printed, also where scenes have unequal numbers of cases.
    """
    exact = len(sums) <= MAX_SCENES_EXACT
    result = stats.permutation_test(
        (sums, np.zeros_like(sums)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf if exact else RESAMPLES,
        rng=rng.stream(SEED, len(sums), "leaderboard.sign_flip"),
    )
    return float(result.pvalue)


def name_of_test(scenes: int) -> str:
    """What the sign-flip test of so many scenes is to be called."""
    if scenes <= MAX_SCENES_EXACT:
        return "exact sign-flip test by scene"
    return f"sign-flip test by scene, {RESAMPLES} random flips"


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction: h_(i) = max over j <= i of min(1, (m - j) p_(j)), j from 0."""
    order = np.argsort(p, kind="stable")
    corrected = [0.0] * len(p)
    largest = 0.0
    for j, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - j) * float(p[index])))
        corrected[index] = largest
    return corrected


def is_tie(p_holm: float, difference: float, smallest: float) -> bool:
    """Whether a tested difference of means is none: too likely by chance, or too small to count."""
    return p_holm >= ALPHA or abs(difference) < smallest


def against_best(
    columns: Mapping[Key, npt.ArrayLike],
    best: Key,
    scenes: Sequence[str],
    *,
    higher_is_better: bool,
    smallest: float,
) -> dict[Key, Comparison]:
    """Every other row of a column against its best row, corrected over these tests.

    Args:
        columns: row -> [n] values on the same cases.
        best: the row to compare with.
        scenes: [n].
        higher_is_better: direction.
        smallest: differences of means below it are ties (with a test; without one nothing is claimed).
    """
    found = {
        name: compare(values, columns[best], scenes, higher_is_better)
        for name, values in columns.items()
        if name != best
    }
    tested = {name: c.p for name, c in found.items() if c.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    for name, p in corrected.items():
        tied = is_tie(p, found[name].difference.mean, smallest)
        found[name] = replace(found[name], p_holm=p, tied=tied)
    return found


def all_pairs(
    columns: Mapping[Key, npt.ArrayLike], scenes: Sequence[str], *, higher_is_better: bool
) -> dict[tuple[Key, Key], Comparison]:
    """Every row of a column against every other one, corrected by Holm over all these tests.

    Args:
        columns: row -> [n] values on the same cases.
        scenes: [n].
        higher_is_better: direction; differences are positive where the first of the pair is better.
    """
    found = {
        (a, b): compare(columns[a], columns[b], scenes, higher_is_better)
        for a, b in itertools.combinations(columns, 2)
    }
    tested = {pair: c.p for pair, c in found.items() if c.p is not None}
    for pair, p in zip(tested, holm(list(tested.values())), strict=True):
        found[pair] = replace(found[pair], p_holm=p, tied=p >= ALPHA)
    return found


def average_ranks(
    columns: Sequence[Mapping[Key, float]], higher_is_better: Sequence[bool]
) -> dict[Key, float]:
    """Mean over columns of each row's rank (1 best, ties share the mean of their ranks).

    Args:
        columns: one mapping row -> printed (rounded) mean a column; all have the same rows.
        higher_is_better: direction of each.
    """
    if not columns:
        return {}
    rows = list(columns[0])
    ranks = [
        stats.rankdata([-column[row] if up else column[row] for row in rows], method="average")
        for column, up in zip(columns, higher_is_better, strict=True)
    ]
    return dict(zip(rows, np.mean(ranks, axis=0).tolist(), strict=True))
