"""What a benchmark shows of MagicBokeh while it trains."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from bokehbench.baselines.magicbokeh.renderer import render_picture
from bokehbench.benchmarks.tracks import parse_track
from bokehbench.cases import Inputs
from bokehbench.images import quantise
from bokehbench.training.benchmark import Check
from bokehbench.training.magicbokeh.settings import MagicValidation
from bokehbench.training.magicbokeh.stages import AlternateStage
from bokehbench.training.stage import Task


class BenchmarkCheck(Check):
    """The rendering, and the picture as it is given, enlarged where it was small.

    Args:
        reference: `NAME:DIR`.
        settings: how often, how many cases of each level, and with whose disparity.
    """

    def __init__(self, reference: str, settings: MagicValidation) -> None:
        super().__init__(reference, settings, parse_track(settings.disparity))

    def pictures(self, task: Task, inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
        """See `Check`."""
        assert isinstance(task, AlternateStage)
        training = task.training
        task.eval()
        made = render_picture(task.model, inputs)
        task.train(training)
        return {"magicbokeh": quantise(made), "input": quantise(inputs.image)}
