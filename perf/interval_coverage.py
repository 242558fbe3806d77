"""How often the confidence intervals of the tables hold the true mean: simulated scenes, normal and skewed.

    python perf/interval_coverage.py [--quick] [--json FILE]

Goal: on normal scenes within 3 points of the nominal 95 %, for every size (the tests assert it). Skewed
scenes are printed, not asserted: no interval from ten scenes knows how long the tail is. `images` is the
interval that takes every image for independent, which nothing here does. The second table has other intervals
by scene on the same sets: percentiles of a bootstrap over scenes, BCa, and the bootstrap of t, each with 1000
draws. `--quick` draws fewer sets.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from bokehbench import rng
from bokehbench.leaderboard.statistics import interval_bounds, standard_error

FloatArray = npt.NDArray[np.float64]
Bounds = tuple[FloatArray, FloatArray]

GOAL_POINTS = 3.0
SETS, QUICK_SETS, DRAWS = 10_000, 1_000, 1_000
COMPARED_SETS = 2_000
SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, int]], FloatArray]] = {
    "normal": lambda draw, n: draw.normal(0.0, 1.0, n),
    "exponential": lambda draw, n: draw.exponential(1.0, n) - 1.0,
    "lognormal": lambda draw, n: draw.lognormal(0.0, 1.0, n) - math.exp(0.5),
    "one in ten": lambda draw, n: (draw.random(n) < 0.1) * 3.0 - 0.3,
}
"""Effects of scenes with mean 0."""
SIZES = ((6, 10), (10, 10), (10, 50), (20, 5), (40, 3), (60, 1), (200, 1))
"""(scenes, images a scene)."""
UNEQUAL = ((6, 10), (10, 10), (20, 10))
"""(scenes, mean number of images): a scene has 1 to 19."""
COMPARED = ((6, 10), (10, 10), (20, 5), (60, 1))


@dataclass(frozen=True)
class Simulated:
    """Many sets at once: sums, numbers of images and sums of squares of their scenes, each [sets, G]."""

    sums: FloatArray
    counts: FloatArray
    squares: FloatArray

    @property
    def means(self) -> FloatArray:
        """[sets]."""
        mean: FloatArray = self.sums.sum(axis=1) / self.counts.sum(axis=1)
        return mean


def simulate(shape: str, scenes: int, images: int, sets: int, unequal: bool = False) -> Simulated:
    """Images of a scene share its effect and differ by a normal error of standard deviation 1."""
    draw, size = rng.stream(3, scenes * 1000 + images, f"perf.coverage.{shape}.{unequal}"), (sets, scenes)
    counts = draw.integers(1, 2 * images, size).astype(float) if unequal else np.full(size, float(images))
    sums = counts * SHAPES[shape](draw, size) + np.sqrt(counts) * draw.normal(0.0, 1.0, size)
    within = 2.0 * draw.standard_gamma(np.maximum(counts - 1, 0) / 2)  # chi squared, 0 for a single image
    return Simulated(sums, counts, sums**2 / counts + within)


# ----------------------------------------------------------------------------------------- intervals


def ours(found: Simulated) -> Bounds:
    """The interval of the tables."""
    return interval_bounds(found.sums, found.counts)


def by_image(found: Simulated) -> Bounds:
    """t over images, as if they were independent."""
    n, mean = found.counts.sum(axis=1), found.means
    half = stats.t.ppf(0.975, n - 1) * np.sqrt((found.squares.sum(axis=1) / n - mean**2) / (n - 1))
    return mean - half, mean + half


def _resampled(found: Simulated) -> tuple[FloatArray, FloatArray]:
    """Means and standard errors [sets, DRAWS] of draws of G scenes with replacement."""
    G = found.sums.shape[1]
    weights = rng.stream(3, G, "perf.coverage.draws").multinomial(G, np.full(G, 1 / G), DRAWS).T.astype(float)
    n = found.counts @ weights
    means = (found.sums @ weights) / n
    squares = found.sums**2 @ weights - 2 * means * ((found.sums * found.counts) @ weights)
    squares += means**2 * (found.counts**2 @ weights)
    return means, np.sqrt(np.maximum(G / (G - 1) * squares, 1e-12)) / n


def percentile(found: Simulated) -> Bounds:
    """2.5 and 97.5 % of the resampled means."""
    low, high = np.quantile(_resampled(found)[0], [0.025, 0.975], axis=1)
    return low, high


def bca(found: Simulated) -> Bounds:
    """Efron's bias-corrected and accelerated percentiles, acceleration from leaving out each scene."""
    means = np.sort(_resampled(found)[0], axis=1)
    below = (means < found.means[:, None]).mean(axis=1)
    bias = stats.norm.ppf(np.clip(below, 1 / DRAWS, 1 - 1 / DRAWS))
    left = found.counts.sum(axis=1, keepdims=True) - found.counts
    moved = (found.sums - found.means[:, None] * found.counts) / left
    moved -= moved.mean(axis=1, keepdims=True)
    speed = (moved**3).sum(axis=1) / (6 * (moved**2).sum(axis=1) ** 1.5)

    def at(tail: float) -> FloatArray:
        z = bias + stats.norm.ppf(tail)
        place = (stats.norm.cdf(bias + z / (1 - speed * z)) * DRAWS).astype(int)
        return np.asarray(means[np.arange(len(means)), np.clip(place, 0, DRAWS - 1)])

    return at(0.025), at(0.975)


def bootstrap_t(found: Simulated) -> Bounds:
    """The mean less quantiles of the resampled t times its standard error."""
    means, errors = _resampled(found)
    low, high = np.quantile((means - found.means[:, None]) / errors, [0.025, 0.975], axis=1)
    error = standard_error(found.sums, found.counts)
    return found.means - high * error, found.means - low * error


OTHERS = {"t (the tables')": ours, "percentiles": percentile, "BCa": bca, "bootstrap of t": bootstrap_t}


# -------------------------------------------------------------------------------------------- tables


def coverage(bounds: Bounds) -> float:
    """Share of the intervals that hold the true mean, 0."""
    return float(np.mean((bounds[0] <= 0.0) & (bounds[1] >= 0.0)))


def rows(sets: int, shapes: Sequence[str] = tuple(SHAPES)) -> Iterator[tuple[str, dict[str, float]]]:
    """(scenes x images, coverage by shape and, of normal scenes, by image); `shapes` has normal."""
    for unequal, sizes in ((False, SIZES), (True, UNEQUAL)):
        for scenes, images in sizes:
            made = {shape: simulate(shape, scenes, images, sets, unequal) for shape in shapes}
            held = {shape: coverage(ours(found)) for shape, found in made.items()}
            name = f"{scenes} x 1 to {2 * images - 1}" if unequal else f"{scenes} x {images}"
            yield name, {**held, "images": coverage(by_image(made["normal"]))}


def coverage_table(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The lines that docs/results.md shows of `rows`."""
    return [
        f"| {name} | " + " | ".join(f"{value:.3f}" for value in held.values()) + " |"
        for name, held in found.items()
    ]


def comparison_table(sets: int) -> list[str]:
    """Other intervals on the same sets: coverage on normal and lognormal scenes, mean width beside ours."""
    lines = []
    for scenes, images in COMPARED:
        for shape in ("normal", "lognormal"):
            found = simulate(shape, scenes, images, sets)
            bounds = {name: method(found) for name, method in OTHERS.items()}
            widths = {name: float(np.mean(high - low)) for name, (low, high) in bounds.items()}
            own = widths["t (the tables')"]
            cells = [f"{coverage(one):.3f} ({widths[name] / own:.2f})" for name, one in bounds.items()]
            lines.append(f"| {scenes} x {images} {shape} | " + " | ".join(cells) + " |")
    return lines


def main() -> int:
    """Print the tables; 1 where a normal case misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = dict(rows(QUICK_SETS if arguments.quick else SETS))
    print("| scenes x images | " + " | ".join([*SHAPES, "normal, images"]) + " |\n|---|" + "---:|" * 5)
    print("\n".join(coverage_table(found)), end="\n\n")
    print("| scenes x images | " + " | ".join(OTHERS) + " |\n|---|" + "---:|" * len(OTHERS))
    print("\n".join(comparison_table(QUICK_SETS // 2 if arguments.quick else COMPARED_SETS)), end="\n\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    worst = max(abs(held["normal"] - 0.95) * 100 for held in found.values())
    print(f"worst on normal scenes: {worst:.1f} points from 95 % (goal: within {GOAL_POINTS:g})")
    return int(worst > GOAL_POINTS)


if __name__ == "__main__":
    sys.exit(main())
