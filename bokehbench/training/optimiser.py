"""AdamW or Muon, as settings and as the optimiser of groups with rates of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field, model_validator

from bokehbench.synth.distributions import Share, Strict
from bokehbench.training.muon import ConvolutionMuon
from bokehbench.training.settings import Weight

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Optimiser(Strict):
    """AdamW, or Muon for the kernels of convolutions.

    Attributes:
        betas, weight_decay, eps: of AdamW; with Muon for all that is no kernel, without decay.
        muon: learning rate of kernels, over that of Adam for all else (`training.muon`); null for AdamW. It
            makes two groups of weights of each, kernels and others, whose gradients are clipped apart.
    """

    betas: tuple[Share, Share]
    weight_decay: Weight
    eps: Positive
    muon: Positive | None

    @model_validator(mode="after")
    def _of_adamw(self) -> Optimiser:
        if self.muon is not None and (self.weight_decay, self.eps) != (0.0, 1e-8):
            raise ValueError("muon: goes with weight_decay 0 and eps 1e-8, it has no others")
        return self


def made_for(
    groups: Sequence[Mapping[str, Any]], settings: Optimiser, lr: float, smallest: int = 32
) -> torch.optim.Optimizer:
    """The optimiser of groups that may have a `share`; `smallest`, see `ConvolutionMuon`."""
    if settings.muon is not None:
        (weights, share), *others = [(group["params"], group.get("share", 1.0)) for group in groups]
        muon = ConvolutionMuon(
            weights, lr, settings.muon, betas=settings.betas, smallest=smallest, share=share
        )
        for weights, share in others:
            muon.add(weights, lr, share)
        return muon
    return torch.optim.AdamW(
        [dict(group) for group in groups],
        lr=lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        eps=settings.eps,
    )
