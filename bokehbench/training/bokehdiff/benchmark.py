"""What a benchmark shows of BokehDiff while it trains."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from bokehbench.baselines.bokehdiff.renderer import render_picture
from bokehbench.cases import Inputs
from bokehbench.images import quantise
from bokehbench.training.benchmark import Check
from bokehbench.training.bokehdiff.stages import DenoiserStage, judging
from bokehbench.training.stage import Task


class BenchmarkCheck(Check):
    """The rendering, and the all-in-focus picture that it has to beat."""

    def pictures(self, task: Task, inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
        """See `Check`."""
        assert isinstance(task, DenoiserStage)
        with judging(task.model, task.pisa):
            made = render_picture(task.model, inputs)
        return {"bokehdiff": quantise(made), "identity": quantise(inputs.image)}
