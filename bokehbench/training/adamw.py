"""AdamW, as settings and as the optimiser of groups with rates of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from pydantic import Field

from bokehbench.synth.distributions import Share, Strict
from bokehbench.training.settings import Weight

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Optimiser(Strict):
    """AdamW."""

    betas: tuple[Share, Share]
    weight_decay: Weight
    eps: Positive


def adamw(groups: Sequence[Mapping[str, object]], settings: Optimiser, lr: float) -> torch.optim.Optimizer:
    """AdamW of groups that may have a `share`."""
    return torch.optim.AdamW(
        [dict(group) for group in groups],
        lr=lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        eps=settings.eps,
    )
