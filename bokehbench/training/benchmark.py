"""Validation under a real protocol while training: cases of a benchmark, rendered at full size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from bokehbench.benchmarks.locate import Reference, open_benchmark
from bokehbench.benchmarks.tracks import Track
from bokehbench.cases import CaseInfo, Inputs
from bokehbench.images import quantise
from bokehbench.metrics.psnr import psnr
from bokehbench.synth.distributions import Strict
from bokehbench.training.stage import Task


class ValidationSettings(Strict):
    """Validation on a benchmark (``--validate``), beside that on held-out crops; it chooses nothing.

    Attributes:
        every: so many validations on crops to one on the benchmark.
        cases: per level; 0 for all.
    """

    every: Annotated[int, Field(ge=1)]
    cases: Annotated[int, Field(ge=0)]


class Check(ABC):
    """PSNR by level, of pictures clipped and rounded as the leaderboard has them. It chooses nothing.

    Args:
        reference: `NAME:DIR`.
        settings: how often, and how many cases of each level.
        track: which disparity map the method gets.
    """

    def __init__(self, reference: str, settings: ValidationSettings, track: Track | None = None) -> None:
        opened = open_benchmark(Reference(reference, track=track or Track()))
        self.opened, self.settings = opened, settings
        self.name = self.opened.spec.name
        self.cases = chosen(self.opened.cases(), settings.cases)

    @abstractmethod
    def pictures(self, task: Task, inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
        """What is scored, by name: each [H, W, 3] uint8."""

    def __call__(self, task: Task, number: int) -> dict[str, float]:
        """Figures with the task's weights, on the validations whose turn it is."""
        return {} if (number + 1) % self.settings.every else self._mean(task, self.cases)

    def rows(self, task: Task) -> dict[str, float]:
        """The same with all cases, for a card: the table's rows of these weights, dB."""
        return {name: round(value, 4) for name, value in self._mean(task, self.opened.cases()).items()}

    def _mean(self, task: Task, cases: Sequence[CaseInfo]) -> dict[str, float]:
        found: dict[str, list[float]] = {}
        for info in cases:
            case = self.opened.load(info)
            if case.target is None:
                continue
            target = quantise(case.target)
            for part, picture in self.pictures(task, case.inputs).items():
                found.setdefault(f"{self.name}/{info.level}/{part}", []).append(psnr(picture, target))
        return {name: float(np.mean(values)) for name, values in found.items()}


def chosen(cases: Sequence[CaseInfo], count: int) -> list[CaseInfo]:
    """So many cases of each level, spread evenly; all of them for 0."""
    levels: dict[str, list[CaseInfo]] = {}
    for info in cases:
        levels.setdefault(info.level, []).append(info)
    if count == 0:
        return list(cases)
    return [
        own[index * len(own) // min(count, len(own))]
        for own in levels.values()
        for index in range(min(count, len(own)))
    ]
