"""Stage 0: the VAE of a compact model, which bounds all that its denoiser can show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from bokehbench.baselines.diffusion.states import check_keys
from bokehbench.errors import InputError
from bokehbench.training.diffusion.edge import edge_loss
from bokehbench.training.diffusion.perceptual import open_perceptual
from bokehbench.training.diffusion.settings import VaeSettings
from bokehbench.training.diffusion.showing import SHOWN, shown, table
from bokehbench.training.meter import psnr
from bokehbench.training.optimiser import made_for
from bokehbench.training.pairs import Pairs
from bokehbench.training.stage import Batch, Task

NARROWEST = 16
"""Rows of a kernel that Muon takes: those of the VAE's first stage."""


class WithVae(Protocol):
    """What of a compact model is asked for."""

    vae: Any

    def freeze(self, stage: Any) -> None:
        """Let gradients reach what a stage trains, and nothing else."""

    def encode(self, image: Tensor) -> Tensor:
        """[B, 3, H, W] in [-1, 1] -> the mode of its latent."""

    def decode(self, z0: Tensor) -> Tensor:
        """The picture of a latent, in about [-1, 1]."""

    def set_scaling(self, latents: Tensor) -> None:
        """Scale latents to unit variance from now on."""

    def eval(self) -> Any:
        """As for inference."""


class VaeStage(Task):
    """Round trips of sharp and of blurred pictures: the encoder sees the first, the decoder makes the second.

    Args:
        model: changed by training, its VAE alone.
        settings: of the stage.
        held_out: batches for validation.
    """

    def __init__(self, model: WithVae, settings: VaeSettings, held_out: Sequence[Pairs]) -> None:
        super().__init__()
        self.model, self.settings, self.held_out = model, settings, list(held_out)
        losses = settings.losses
        self.perceptual = open_perceptual("vae.losses.lpips") if losses.lpips > 0.0 else None
        model.freeze("vae")
        self.train()
        self.shown: dict[str, Tensor] = {}

    @property
    def network(self) -> nn.Module:
        """The VAE."""
        vae: nn.Module = self.model.vae
        return vae

    def optimiser(self, lr: float) -> torch.optim.Optimizer:
        """Of the whole VAE."""
        weights = [{"params": list(self.network.parameters())}]
        return made_for(weights, self.settings.optimiser, lr, NARROWEST)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of both pictures of each pair."""
        pictures = torch.cat([batch["image"], batch["target"]])
        posterior = self.model.vae.encode(pictures).latent_dist
        made = self.model.vae.decode(posterior.sample()).sample
        with torch.autocast(pictures.device.type, enabled=False):
            made = made.float()
            terms = {
                "l1": functional.l1_loss(made, pictures),
                "edge": edge_loss(made, pictures, pictures),
                "kl": _divergence(posterior.mean.float(), posterior.logvar.float()),
            }
            if self.perceptual is not None:
                terms["lpips"] = self.perceptual(made.clamp(-1.0, 1.0), pictures)
            weighted = [getattr(self.settings.losses, name) * value for name, value in terms.items()]
            return {"loss": torch.stack(weighted).sum(), **terms}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR in dB of round trips, mean over what is held out: of all (the score), of each kind."""
        self.model.eval()
        found: dict[str, list[Tensor]] = {"sharp": [], "blurred": []}
        device = next(self.network.parameters()).device
        rows: list[list[Tensor]] = []
        for batch in self.held_out:
            for name, key in (("sharp", "image"), ("blurred", "target")):
                picture = batch[key].to(device)
                made = self.model.decode(self.model.encode(picture))
                found[name].append(psnr(shown(made), shown(picture)).cpu())
                if name == "sharp" and len(rows) < SHOWN:
                    rows.append([picture, made])
        self.shown = {"round_trip": table(rows)}
        self.train()
        figures = {name: float(torch.cat(values).double().mean()) for name, values in found.items()}
        return {"score": (figures["sharp"] + figures["blurred"]) / 2.0, **figures}

    def pictures(self) -> dict[str, Tensor]:
        """A row for each of some held-out pictures: itself, and its round trip."""
        return self.shown


def _divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """Of the posterior from the unit Gaussian, nats per value of the latent."""
    return 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar).mean()


@torch.no_grad()
def fill_vae(model: WithVae, weights: Mapping[str, Tensor], file: Path, pictures: Iterable[Tensor]) -> None:
    """Give a model the VAE that stage 0 has learnt, and the scale of its latents.

    Args:
        model: that goes on with it.
        weights: of the VAE.
        file: that they were read from, for errors.
        pictures: held-out, [B, 3, H, W] in [-1, 1] each, whose latents shall have unit variance.

    Raises:
        InputError: weights of a VAE of other sizes.
    """
    try:
        check_keys(
            model.vae.state_dict(), weights, "the VAE of these settings (model.sizes) and this version"
        )
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    model.vae.load_state_dict(weights)
    model.set_scaling(torch.cat([model.encode(picture).flatten() for picture in pictures]))
