"""What a benchmark shows of BokehMe while it trains."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bokehbench.baselines.bokehme import procedure
from bokehbench.baselines.bokehme.neural import NeuralRenderer
from bokehbench.cases import Inputs
from bokehbench.images import quantise
from bokehbench.optics import signed_defocus
from bokehbench.training.benchmark import Check
from bokehbench.training.bokehme.stages import BokehMeStage
from bokehbench.training.stage import Task


class BenchmarkCheck(Check):
    """The fused picture, the neural and the classical one."""

    def pictures(self, task: Task, inputs: Inputs) -> dict[str, np.ndarray]:
        """See `Check`."""
        assert isinstance(task, BokehMeStage)
        return render(task.renderer, inputs)


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
