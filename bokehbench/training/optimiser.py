"""AdamW or Muon, as settings and as the optimiser of groups with rates of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field

from bokehbench.synth.distributions import Share, Strict
from bokehbench.training.muon import ConvolutionMuon
from bokehbench.training.settings import Weight

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Optimiser(Strict):
    """AdamW, or Muon for the kernels of convolutions.

    Attributes:
        betas, weight_decay, eps: of AdamW; Muon takes the betas alone, for all that is no kernel.
        muon: learning rate of kernels, over that of Adam for all else (`training.muon`); null for AdamW.
    """

    betas: tuple[Share, Share]
    weight_decay: Weight
    eps: Positive
    muon: Positive | None


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
