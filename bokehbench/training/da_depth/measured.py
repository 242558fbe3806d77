"""Validation on measured depth while training: NYUv2 or KITTI, clean and degraded; it chooses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bokehbench.depth.accuracy import accuracy
from bokehbench.depth.degraded import keyed
from bokehbench.depth.evaluate import Test
from bokehbench.depth.network import infer
from bokehbench.depth.sets import open_set
from bokehbench.errors import InputError
from bokehbench.synth.degrade import load_preset
from bokehbench.training.benchmark import ValidationSettings
from bokehbench.training.da_depth.stage import Distillation
from bokehbench.training.stage import Task


class MeasuredCheck:
    """AbsRel and δ1 as `bokehbench depth --evaluate` has them, of some pictures of a set.

    Args:
        reference: `NAME:DIR`.
        settings: how often, and how many pictures, spread evenly; 0 for all.
        processor: what the network's pictures go through.
        trained_on: folder of the training's pictures.

    Raises:
        InputError: the set's pictures are among those that are trained on.
    """

    def __init__(
        self, reference: str, settings: ValidationSettings, processor: Any, trained_on: Path
    ) -> None:
        spec, root, self.set = open_set(reference)
        self.name, self.settings, self.processor = spec.name, settings, processor
        cases = self.set.cases()
        inside = trained_on.resolve()
        for case in cases:
            if (root / case.image).resolve().is_relative_to(inside):
                raise InputError(
                    f"--validate {reference}: its pictures lie below --data; train on a folder without them"
                )
        count = min(settings.cases or len(cases), len(cases))
        self.cases = [cases[number * len(cases) // count] for number in range(count)]
        test = Test((), ())
        self.preset, self.seed = load_preset(test.preset), test.seed

    def __call__(self, task: Task, number: int) -> dict[str, float]:
        """Figures with the task's weights, on the validations whose turn it is."""
        if (number + 1) % self.settings.every:
            return {}
        assert isinstance(task, Distillation)
        device = task.student.mean.device
        task.student.eval()
        found: dict[str, list[float]] = {}
        for case in self.cases:
            measured = self.set.load(case)
            degraded = keyed(measured.image, case.key, self.preset, self.seed)
            for name, image in (("clean", measured.image), ("degraded", degraded)):
                raw = infer(task.network, self.processor, image, device)
                figures = accuracy(raw, measured.depth, measured.valid, self.set.reach)
                found.setdefault(f"{self.name}/{name}/abs_rel", []).append(figures.abs_rel)
                found.setdefault(f"{self.name}/{name}/delta1", []).append(figures.delta1)
        task.student.train()
        return {name: float(np.mean(values)) for name, values in found.items()}
