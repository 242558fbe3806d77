"""Validation under a real protocol while training: cases of a benchmark, rendered at full size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bokehbench.baselines.bokehme import procedure
from bokehbench.baselines.bokehme.neural import NeuralRenderer
from bokehbench.benchmarks.locate import open_benchmark
from bokehbench.cases import CaseInfo, Inputs
from bokehbench.images import quantise
from bokehbench.metrics.psnr import psnr
from bokehbench.optics import signed_defocus
from bokehbench.training.bokehme.settings import ValidationSettings
from bokehbench.training.bokehme.stages import BokehMeStage
from bokehbench.training.loop import Task


class BenchmarkCheck:
    """PSNR by level, of pictures clipped and rounded as the leaderboard has them. It chooses nothing.

    Args:
        reference: `NAME:DIR`.
        settings: how often, and how many cases of each level.
    """

    def __init__(self, reference: str, settings: ValidationSettings) -> None:
        self.opened, self.settings = open_benchmark(reference), settings
        self.name = self.opened.spec.name
        self.cases = chosen(self.opened.cases(), settings.cases)

    def __call__(self, task: Task, number: int) -> dict[str, float]:
        """Figures with the task's weights, on the validations whose turn it is."""
        if (number + 1) % self.settings.every:
            return {}
        assert isinstance(task, BokehMeStage)
        found: dict[str, list[float]] = {}
        for info in self.cases:
            case = self.opened.load(info)
            if case.target is None:
                continue
            target = quantise(case.target)
            for part, picture in render(task.renderer, case.inputs).items():
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


@torch.inference_mode()
def render(renderer: NeuralRenderer, inputs: Inputs) -> dict[str, np.ndarray]:
    """B, the neural and the classical rendering, each [H, W, 3] uint8."""
    device = next(renderer.parameters()).device
    image = _tensor(inputs.image, device)
    defocus = _tensor(signed_defocus(inputs.disparity, inputs.lens)[..., None], device)
    gamma = torch.tensor([inputs.lens.gamma], device=device)
    made = procedure.render(renderer, image, defocus, gamma, inputs.lens.aperture)
    shown = {"bokehme": made.fused, "neural": made.neural, "classical": made.classical}
    return {name: quantise(picture[0].permute(1, 2, 0).cpu().numpy()) for name, picture in shown.items()}


def _tensor(picture: np.ndarray, device: torch.device) -> Tensor:
    """[H, W, C] -> [1, C, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))[None].to(device)
