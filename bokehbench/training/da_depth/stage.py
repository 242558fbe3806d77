"""The one stage: a student on low-quality pictures against its teacher on clean ones."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bokehbench.training.da_depth.anything import Anything
from bokehbench.training.da_depth.data import Pair
from bokehbench.training.da_depth.losses import disparity_distance, feature_distance, gradient_distance
from bokehbench.training.da_depth.settings import StudentSettings
from bokehbench.training.optimiser import made_for
from bokehbench.training.stage import Batch, Task

SHOWN = 4
"""Held-out pictures that TensorBoard is given."""
CLOSEST = 1e-8
"""Feature distance that counts as none: 80 dB."""


class Distillation(Task):
    """A frozen teacher, and a student that starts as its copy.

    Args:
        teacher: never changed.
        settings: of the stage.
        held_out: batches for validation.
    """

    def __init__(self, teacher: Anything, settings: StudentSettings, held_out: Sequence[Pair]) -> None:
        super().__init__()
        self.settings, self.held_out = settings, list(held_out)
        self.student = copy.deepcopy(teacher)
        self.teacher = teacher.requires_grad_(False).eval()
        if settings.gradient_checkpointing:
            encoder = self.student.network.backbone
            # Its name in transformers 6, and before 5.
            enable = getattr(encoder, "activation_checkpointing_enable", None)
            (enable or encoder.gradient_checkpointing_enable)({"use_reentrant": False})
        self.student.train()
        self.shown: dict[str, Tensor] = {}

    @property
    def network(self) -> nn.Module:
        """The student, by the names of transformers."""
        network: nn.Module = self.student.network
        return network

    def optimiser(self, lr: float) -> torch.optim.Optimizer:
        """AdamW: the encoder moves more slowly than neck and head."""
        groups: list[dict[str, object]] = [
            {"params": self.student.backbone(), "share": self.settings.backbone_share},
            {"params": self.student.rest()},
        ]
        return made_for(groups, self.settings.optimiser, lr)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of hq and lq, [B, 3, H, W] in [0, 1]."""
        with torch.no_grad():
            wanted = self.teacher(batch["hq"])
        seen, losses = self.student(batch["lq"]), self.settings.losses
        with torch.autocast(batch["lq"].device.type, enabled=False):
            terms = {
                "features": feature_distance(seen.features, wanted.features).sum(),
                "disparity": disparity_distance(seen.disparity, wanted.disparity),
                "gradient": gradient_distance(seen.disparity, wanted.disparity, losses.scales),
            }
            weighted = [getattr(losses, name) * value for name, value in terms.items()]
            return {"loss": torch.stack(weighted).sum(), **terms}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """How near the student comes to what the teacher sees in clean pictures; means over what is held out.

        Returns:
            score: of degraded pictures, −10 log10 of the feature distance, dB; cosine: of the features, 1 for
            the same; disparity: mean absolute error after alignment. `…_clean` are the student's on clean
            pictures, `…_before` the teacher's own on degraded ones: where the student started.
        """
        self.student.eval()
        device = self.student.mean.device
        found: dict[str, list[float]] = {}
        rows: list[list[Tensor]] = []
        for batch in self.held_out:
            hq, lq = batch["hq"].to(device), batch["lq"].to(device)
            wanted = self.teacher(hq)
            views = {"": self.student(lq), "_clean": self.student(hq), "_before": self.teacher(lq)}
            for name, seen in views.items():
                distance = float(feature_distance(seen.features, wanted.features).mean())
                found.setdefault(f"cosine{name}", []).append(1.0 - distance)
                error = float(disparity_distance(seen.disparity, wanted.disparity))
                found.setdefault(f"disparity{name}", []).append(error)
            if len(rows) < SHOWN:
                maps = (wanted, views[""], views["_before"])
                rows.append([hq[0], lq[0], *(_grey(seen.disparity[0]) for seen in maps)])
        self.student.train()
        lines = [torch.cat([picture.cpu() for picture in row], dim=2) for row in rows]
        self.shown = {"pictures": torch.cat(lines, dim=1)}
        figures = {name: math.fsum(values) / len(values) for name, values in found.items()}
        score = -10.0 * math.log10(max(1.0 - figures["cosine"], CLOSEST))
        return {"score": score, **figures}

    def pictures(self) -> dict[str, Tensor]:
        """A row for some held-out pictures each: clean, degraded, teacher, student, teacher on degraded."""
        return self.shown


def _grey(disparity: Tensor) -> Tensor:  # [H, W] -> [3, H, W] in [0, 1]
    low, high = disparity.min(), disparity.max()
    return ((disparity - low) / (high - low).clamp(min=1e-6)).expand(3, -1, -1)
