"""How often the confidence intervals of the tables hold the true mean: simulated scenes, normal and skewed.

    python perf/interval_coverage.py [--quick] [--json FILE]

Goal: on normal scenes within 3 points of the nominal 95 % (the tests assert it, 2,000 sets each). Skewed
scenes and scenes of unequal size are printed, not asserted: no interval from ten scenes knows how long the
tail is.
`images` is the interval that takes every image for independent, which the tables do not use. `--quick` draws
fewer sets.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from bokehbench import rng
from bokehbench.leaderboard.statistics import mean_interval

GOAL_POINTS = 3.0
SHAPES: dict[str, Callable[[np.random.Generator, int], npt.NDArray[np.float64]]] = {
    "normal": lambda draw, n: draw.normal(0.0, 1.0, n),
    "exponential": lambda draw, n: draw.exponential(1.0, n) - 1.0,
    "lognormal": lambda draw, n: draw.lognormal(0.0, 1.0, n) - math.exp(0.5),
    "one in ten": lambda draw, n: (draw.random(n) < 0.1) * 3.0 - 0.3,
}
"""Effects of scenes with mean 0."""
SIZES = ((6, 10), (10, 10), (10, 50), (20, 5), (40, 3), (60, 1))
"""(scenes, images a scene); above 40 scenes the interval is a bootstrap."""


def coverage(shape: str, scenes: int, images: int, sets: int, unequal: bool = False) -> tuple[float, float]:
    """Share of sets whose interval holds the true mean 0: by scene, and by image."""
    draw = rng.stream(3, scenes * 1000 + images, f"perf.coverage.{shape}.{unequal}")
    hits = np.zeros(2)
    for _ in range(sets):
        counts = draw.integers(1, 2 * images, scenes) if unequal else np.full(scenes, images)
        labels = np.repeat([f"s{n}" for n in range(scenes)], counts)
        values = np.repeat(SHAPES[shape](draw, scenes), counts) + draw.normal(0.0, 1.0, len(labels))
        found = mean_interval(values, labels.tolist())
        half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
        hits += (found.low <= 0.0 <= found.high, abs(values.mean()) <= half)  # type: ignore[operator]
    by_scene, by_image = (hits / sets).tolist()
    return by_scene, by_image


def main() -> int:
    """Print the table; 1 where a normal case misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    many, few = (600, 60) if arguments.quick else (4000, 400)
    rows = []
    print(f"{'scenes':>12}  {'n':>9}  {'by scene':>8}  {'images':>6}")
    for shape in SHAPES:
        for scenes, images in SIZES:
            sets = few if scenes > 40 else many
            by_scene, by_image = coverage(shape, scenes, images, sets)
            rows.append({"shape": shape, "scenes": scenes, "images": images, "sets": sets})
            rows[-1] |= {"by_scene": by_scene, "by_image": by_image}
            print(f"{shape:>12}  {f'{scenes} x {images}':>9}  {by_scene:8.3f}  {by_image:6.3f}")
    by_scene, by_image = coverage("normal", 10, 10, many, unequal=True)
    print(f"{'normal':>12}  {'10 x 1-19':>9}  {by_scene:8.3f}  {by_image:6.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    worst = max(
        abs(row["by_scene"] - 0.95) * 100 for row in rows if row["shape"] == "normal" and row["scenes"] <= 40
    )
    print(f"worst on normal scenes: {worst:.1f} points from 95 % (goal: within {GOAL_POINTS:g})")
    return int(worst > GOAL_POINTS)


if __name__ == "__main__":
    sys.exit(main())
