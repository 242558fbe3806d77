"""Uncertainty of table cells: intervals and tests that resample scenes, never images.

Cases of one scene are not independent, so the scene is the unit (the "cluster" of the formulas below). Under
`MIN_SCENES` scenes nothing is claimed: no interval and no test.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import stats

from bokehbench import rng

Key = TypeVar("Key", bound=Hashable)
FloatArray = npt.NDArray[np.float64]

MIN_SCENES = 6
"""With G scenes the smallest p of a sign-flip test is 2 / 2^G: 0.0625 at 5, never below 0.05."""
MAX_SCENES_T = 40
"""Above it, intervals are percentiles of a bootstrap over scenes, which need no symmetry."""
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
        p: of the exact sign-flip test on the scenes' means; None under `MIN_SCENES` scenes.
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


def mean_interval(values: npt.ArrayLike, scenes: Sequence[str], confidence: float = 0.95) -> Interval:
    """Mean over cases and its confidence interval by scene.

    The mean is a ratio, m = sum of scenes' sums / n, with the scenes' residuals u_g = sum_g - m n_g and

        standard error = sqrt(G / (G - 1) * sum u_g^2) / n,    interval = m -+ t(G - 1) * standard error.

    Where all scenes have as many cases this is exactly the t interval on the scenes' means (Cochran,
    Sampling Techniques, 1977, 9A.2). Above `MAX_SCENES_T` scenes: percentiles of 10,000 draws of G scenes.

    Args:
        values: [n] finite.
        scenes: [n] scene of every case.
        confidence: nominal coverage.
    """
    sums, counts = scene_sums(values, scenes)
    G, n = len(sums), counts.sum()
    mean = float(sums.sum() / n)
    if G < MIN_SCENES:
        return Interval(mean, None, None, int(n), G)
    if G <= MAX_SCENES_T:
        error = math.sqrt(G / (G - 1) * float(((sums - mean * counts) ** 2).sum())) / n
        half = float(stats.t.ppf(0.5 + confidence / 2, df=G - 1)) * error
        return Interval(mean, mean - half, mean + half, int(n), G)
    draws = rng.stream(SEED, G, "leaderboard.bootstrap").integers(0, G, size=(10_000, G))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(mean, float(low), float(high), int(n), G)


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
    sums, counts = scene_sums(difference, scenes)
    means = sums / counts
    won = float(np.mean(np.where(means > 0, 1.0, np.where(means < 0, 0.0, 0.5))))
    p = sign_flip_test(means) if len(means) >= MIN_SCENES else None
    return Comparison(mean_interval(difference, scenes), won, p)


def sign_flip_test(means: FloatArray) -> float:
    """Two-sided p that differences [G] of scenes are symmetric about 0: exact up to 13 scenes."""
    exact = len(means) <= MAX_SCENES_EXACT
    result = stats.permutation_test(
        (means, np.zeros_like(means)),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf if exact else RESAMPLES,
        rng=rng.stream(SEED, len(means), "leaderboard.sign_flip"),
    )
    return float(result.pvalue)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction: h_(i) = max over j <= i of min(1, (m - j) p_(j)), j from 0."""
    order = np.argsort(p, kind="stable")
    corrected = [0.0] * len(p)
    largest = 0.0
    for j, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - j) * float(p[index])))
        corrected[index] = largest
    return corrected


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
        tied = p >= ALPHA or abs(found[name].difference.mean) < smallest
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
