"""How often the intervals of a user study's scores hold the truth: simulated studies, people who differ.

    python perf/study_coverage.py --runs 120 --resamples 250

Three methods, every pair asked ten times of every participant, ties allowed; each participant has strengths
of their own (normal, standard deviation 0.5) around common ones. The truth is what 4000 participants give.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np

from bokehbench import rng
from bokehbench.study.strengths import Choice, fit

METHODS = ("a", "b", "c")
COMMON = np.array([0.8, 0.2, -1.0])
DIFFERENCE, EACH, TIES = 0.5, 10, 0.5


def answers(people: int, draw: np.random.Generator) -> list[Choice]:
    """One study."""
    choices = []
    for person in range(people):
        strength = np.exp(COMMON + draw.normal(0, DIFFERENCE, len(METHODS)))
        for i, j in itertools.combinations(range(len(METHODS)), 2):
            weights = np.array([strength[i], strength[j], TIES * np.sqrt(strength[i] * strength[j])])
            for said in draw.choice(3, size=EACH, p=weights / weights.sum()):
                chosen = (METHODS[i], METHODS[j], None)[said]
                choices.append(Choice(f"P{person}", (METHODS[i], METHODS[j]), chosen))
    return choices


def coverage(people: int, runs: int, resamples: int, truth: dict[str, float]) -> float:
    """Share of all intervals of all methods that hold the truth."""
    draw = rng.stream(11, people, "perf.study_coverage")
    held = 0
    for run in range(runs):
        scores = fit(answers(people, draw), METHODS, seed=run, resamples=resamples).scores
        for method, score in scores.items():
            assert score.low is not None and score.high is not None
            held += score.low <= truth[method] <= score.high
    return held / (runs * len(METHODS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=120)
    parser.add_argument("--resamples", type=int, default=250)
    chosen = parser.parse_args()
    everybody = fit(answers(4000, rng.stream(11, 0, "perf.study_truth")), METHODS, resamples=0).scores
    truth = {method: score.score for method, score in everybody.items()}
    print("| participants | intervals that hold the truth |\n|---|---|")
    for people in (6, 8, 12, 30):
        print(f"| {people} | {coverage(people, chosen.runs, chosen.resamples, truth):.1%} |", flush=True)


if __name__ == "__main__":
    main()
