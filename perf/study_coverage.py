"""How often the intervals of a user study hold the truth: simulated studies, people who differ.

    python perf/study_coverage.py --runs 120 --resamples 250    # scores, minutes
    python perf/study_coverage.py --pairs                       # shares of each pair, 2000 studies a row

Three methods, every pair asked ten times of every participant, ties allowed; each participant has strengths
of their own (normal, standard deviation 0.5) around common ones. The truth is what 4000 participants give.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np

from bokehbench import rng
from bokehbench.study.rates import share
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


def pair_coverage(people: int, studies: int) -> list[float]:
    """Share of intervals of each pair's share preferred (ties half) that hold the truth."""
    draw = rng.stream(11, people, "perf.study_pairs")
    held = []
    for i, j in itertools.combinations(range(len(METHODS)), 2):
        truth = _hits(i, j, 200_000, draw).mean()
        found = [_share(_hits(i, j, people, draw)) for _ in range(studies)]
        held.append(float(np.mean([low <= truth <= high for low, high in found])))
    return held


def _hits(i: int, j: int, people: int, draw: np.random.Generator) -> np.ndarray:
    """Votes [people, EACH] for i against j: 1, 0, or 0.5 for a tie."""
    one, other = np.exp(COMMON[[i, j], None] + draw.normal(0, DIFFERENCE, (2, people)))
    tie = TIES * np.sqrt(one * other)
    ends = np.stack([one, one + tie]) / (one + tie + other)
    said = draw.random((people, EACH))
    return np.where(said < ends[0, :, None], 1.0, np.where(said < ends[1, :, None], 0.5, 0.0))


def _share(hits: np.ndarray) -> tuple[float, float]:
    found = share(hits.ravel().tolist(), np.repeat(np.arange(len(hits)), EACH).astype(str).tolist())
    assert found.low is not None and found.high is not None
    return found.low, found.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=120)
    parser.add_argument("--resamples", type=int, default=250)
    parser.add_argument("--pairs", action="store_true")
    chosen = parser.parse_args()
    if chosen.pairs:
        names = [f"{a} to {b}" for a, b in itertools.combinations(METHODS, 2)]
        print(f"| participants | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
        for people in (6, 8, 12, 30):
            print(f"| {people} | {' | '.join(f'{held:.1%}' for held in pair_coverage(people, 2000))} |")
        return
    everybody = fit(answers(4000, rng.stream(11, 0, "perf.study_truth")), METHODS, resamples=0).scores
    truth = {method: score.score for method, score in everybody.items()}
    print("| participants | intervals that hold the truth |\n|---|---|")
    for people in (6, 8, 12, 30):
        print(f"| {people} | {coverage(people, chosen.runs, chosen.resamples, truth):.1%} |", flush=True)


if __name__ == "__main__":
    main()
