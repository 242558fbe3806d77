"""The loss of the denoiser (methods spec A2.7), in pixel space, in full precision."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bokehbench.training.bokehdiff.discriminator import Discriminator, open_discriminator
from bokehbench.training.bokehdiff.settings import Losses
from bokehbench.training.diffusion.edge import edge_loss
from bokehbench.training.diffusion.perceptual import Perceptual, open_perceptual


class DenoiserLoss(nn.Module):
    """All terms with their weights, and the discriminator's own loss.

    One optimiser makes one step for both sides: the discriminator's loss sees the prediction detached, the
    generator's term sees the head frozen, so no gradient of one side reaches the other.

    Args:
        settings: weights.
        perceptual, adversary: None where their weight is 0.
    """

    def __init__(
        self, settings: Losses, perceptual: Perceptual | None, adversary: Discriminator | None
    ) -> None:
        super().__init__()
        self.settings, self.perceptual, self.adversary = settings, perceptual, adversary

    def forward(self, predicted: Tensor, target: Tensor, sharp: Tensor, step: int) -> dict[str, Tensor]:
        """Terms by name, and `loss`, which is made smaller.

        Args:
            predicted: [B, 3, H, W], about [-1, 1], not clamped.
            target, sharp: [B, 3, H, W] in [-1, 1], with bokeh and all in focus.
            step: steps finished.
        """
        own = self.settings
        terms = {"mse": functional.mse_loss(predicted, target)}
        shown = predicted.clamp(-1.0, 1.0)
        weighted = [own.mse * terms["mse"]]
        if own.edge > 0.0:
            terms["edge"] = edge_loss(shown, target, sharp, own.edges)
            weighted.append(own.edge * terms["edge"])
        if self.perceptual is not None:
            terms["lpips"] = self.perceptual(shown, target)
            weighted.append(own.lpips * terms["lpips"])
        if self.adversary is not None:
            if step >= own.adversary.start:
                terms["adversarial"] = self.adversary.judgement((shown + 1.0) / 2.0)
                weighted.append(own.adversary.weight * terms["adversarial"])
            terms["discriminator"] = self.adversary.loss((target + 1.0) / 2.0, (shown + 1.0) / 2.0)
            weighted.append(terms["discriminator"])
        return {"loss": torch.stack(weighted).sum(), **terms}


def open_loss(settings: Losses, seed: int = 0) -> DenoiserLoss:
    """With the networks that terms of weight above 0 need; Unavailable where their weights are missing.

    Args:
        settings: weights of the terms.
        seed: of the discriminator's head.
    """
    at = "denoiser.losses"
    perceptual = open_perceptual(f"{at}.lpips") if settings.lpips > 0.0 else None
    weighted = settings.adversary.weight > 0.0
    switch = f"{at}.adversary.weight"
    adversary = open_discriminator(settings.adversary, switch, seed) if weighted else None
    return DenoiserLoss(settings, perceptual, adversary)
