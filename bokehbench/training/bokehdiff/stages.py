"""The stage of the paper: the denoiser and the encoder's ends, in pixel space; the decoder stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from bokehbench.baselines.bokehdiff.model import BokehDiff
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.training.bokehdiff.data import scene_of
from bokehbench.training.bokehdiff.losses import DenoiserLoss
from bokehbench.training.bokehdiff.settings import DenoiserSettings, Pisa
from bokehbench.training.diffusion.showing import SHOWN, shown, table
from bokehbench.training.meter import psnr
from bokehbench.training.optimiser import made_for
from bokehbench.training.pairs import Pairs, partly_in_focus
from bokehbench.training.stage import Batch, Task


def training_settings(pisa: Pisa) -> PisaSettings:
    """Of PISA while training."""
    return PisaSettings(**pisa.model_dump())


def rendering_settings(pisa: Pisa) -> PisaSettings:
    """Of PISA with the weights: the same parts, sampled as finely as at inference."""
    return PisaSettings(coc=pisa.coc, query_softmax=pisa.query_softmax, occlusion=pisa.occlusion)


class DenoiserStage(Task):
    """One step from the latent of the sharp picture to that of its bokeh.

    Args:
        model: changed by training.
        settings: of the stage.
        pisa: of its attention.
        loss: with the networks that it needs.
        held_out: batches for validation.
        seed: of PISA's jitters and dropout.
    """

    def __init__(
        self,
        model: BokehDiff,
        settings: DenoiserSettings,
        pisa: Pisa,
        loss: DenoiserLoss,
        held_out: Sequence[Pairs],
        seed: int,
    ) -> None:
        super().__init__()
        self.model, self.settings, self.pisa = model, settings, pisa
        self.loss, self.held_out = loss, list(held_out)
        model.freeze("denoiser")
        model.processor.settings, model.processor.seed = training_settings(pisa), seed
        self.train()
        self.shown: dict[str, Tensor] = {}

    @property
    def network(self) -> nn.Module:
        """VAE and UNet."""
        return self.model

    def optimiser(self, lr: float) -> torch.optim.Optimizer:
        """UNet, the VAE's part, and the discriminator's head, each with a share of the rate."""
        settings = self.settings
        groups: list[dict[str, Any]] = [
            {"params": list(self.model.trained_unet().values()), "share": 1.0},
            {"params": list(self.model.trained_vae().values()), "share": settings.vae_share},
        ]
        if self.loss.adversary is not None:
            head = list(self.loss.adversary.head.parameters())
            groups.append({"params": head, "share": settings.losses.adversary.share})
        return made_for(groups, settings.optimiser, lr)

    def stored(self) -> dict[str, Tensor]:
        """What training changes: LoRA and the encoder's ends on a base, all of a compact model."""
        return self.model.trained_state()

    def load_stored(self, weights: Mapping[str, Tensor]) -> None:
        """Inverse of `stored`."""
        self.model.load_trained(weights)

    def aside(self) -> dict[str, Any]:
        """How hard PISA's mask has become, and the discriminator's head."""
        head = self.loss.adversary.head.state_dict() if self.loss.adversary is not None else {}
        return {"pisa_calls": self.model.processor.calls, "discriminator": head}

    def load_aside(self, state: Mapping[str, Any]) -> None:
        """Inverse of `aside`."""
        self.model.processor.calls = int(state["pisa_calls"])
        if self.loss.adversary is not None:
            self.loss.adversary.head.load_state_dict(state["discriminator"])

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch of `data.pairs`."""
        batch = partly_in_focus(batch, self.settings.all_in_focus, ("radius",))
        predicted = self.model(batch["image"], scene_of(batch))
        with torch.autocast(predicted.device.type, enabled=False):
            losses: dict[str, Tensor] = self.loss(
                predicted.float(), batch["target"], batch["image"], self.step
            )
            return losses

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR in dB, mean over what is held out.

        Of the rendering (the score), of the all-in-focus picture (`identity`), and of the target's round trip
        through the VAE as it now is: what encoder and decoder lose, which a rendering may come to exceed.
        """
        device = next(self.model.vae.parameters()).device
        found: dict[str, list[Tensor]] = {}
        rows: list[list[Tensor]] = []
        with judging(self.model, self.pisa):
            for batch in self.held_out:
                batch = {name: value.to(device) for name, value in batch.items()}
                image, target = batch["image"], batch["target"]
                made = {
                    "score": self.model(image, scene_of(batch)),
                    "identity": image,
                    "round_trip": self.model.decode(self.model.encode(target)),
                }
                for name, picture in made.items():
                    found.setdefault(name, []).append(psnr(shown(picture), shown(target)).cpu())
                if len(rows) < SHOWN:
                    rows.append([image, made["score"], target, made["round_trip"]])
        self.train()
        self.shown = {"image_rendering_target_roundtrip": table(rows)}
        return {name: float(torch.cat(values).double().mean()) for name, values in found.items()}

    def pictures(self) -> dict[str, Tensor]:
        """A row for each of some held-out pairs."""
        return self.shown


@contextmanager
def judging(model: BokehDiff, pisa: Pisa) -> Iterator[None]:
    """The model renders as at inference while the block lasts."""
    before, training = model.processor.settings, model.training
    model.eval()
    model.processor.settings = replace(rendering_settings(pisa), form=before.form)
    try:
        yield
    finally:
        model.processor.settings = before
        model.train(training)
