"""The stages on low-quality pictures: restoration, then it and bokeh in turns (methods spec A3.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bokehbench.baselines.magicbokeh.model import MagicBokeh
from bokehbench.training.diffusion.perceptual import Perceptual, open_perceptual
from bokehbench.training.diffusion.showing import SHOWN, shown, table
from bokehbench.training.magicbokeh.data import PHASE, on_device
from bokehbench.training.magicbokeh.settings import AlternateSettings, IsrSettings, Losses
from bokehbench.training.meter import psnr
from bokehbench.training.optimiser import made_for
from bokehbench.training.pairs import Pairs
from bokehbench.training.stage import Batch, Task


class PictureLoss(nn.Module):
    """L2 and LPIPS-VGG of decoded pictures, in full precision.

    Args:
        settings: weights of the terms.
        perceptual: None where its weight is 0.
    """

    def __init__(self, settings: Losses, perceptual: Perceptual | None) -> None:
        super().__init__()
        self.settings, self.perceptual = settings, perceptual

    def forward(self, made: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Terms, and `loss`; made [B, 3, H, W] about [-1, 1], not clamped, target [B, 3, H, W] in [-1, 1]."""
        with torch.autocast(made.device.type, enabled=False):
            made = made.float()
            terms = {"mse": functional.mse_loss(made, target)}
            loss = self.settings.mse * terms["mse"]
            if self.perceptual is not None:
                terms["lpips"] = self.perceptual(made.clamp(-1.0, 1.0), target)
                loss = loss + self.settings.lpips * terms["lpips"]
            return {"loss": loss, **terms}


def open_loss(settings: Losses, stage: str) -> PictureLoss:
    """With LPIPS where it counts; Unavailable where its weights are missing, naming the stage's setting."""
    return PictureLoss(settings, open_perceptual(f"{stage}.losses.lpips") if settings.lpips > 0.0 else None)


class MagicBokehStage(Task):
    """What both have in common: the whole model is stored, as far as any stage changes it.

    Args:
        model: changed by training.
        loss: of pictures.
        held_out: batches of `data.bokeh_pairs` for validation.
    """

    def __init__(self, model: MagicBokeh, loss: PictureLoss, held_out: Sequence[Pairs]) -> None:
        super().__init__()
        self.model, self.loss, self.held_out = model, loss, list(held_out)
        self.shown: dict[str, Tensor] = {}

    @property
    def network(self) -> nn.Module:
        """VAE, UNet and ControlNet."""
        return self.model

    def stored(self) -> dict[str, Tensor]:
        """What training changes: of a model on a base LoRA, ControlNet and conv_in; all of a compact one."""
        return self.model.trained_state()

    def load_stored(self, weights: Mapping[str, Tensor]) -> None:
        """Inverse of `stored`."""
        self.model.load_trained(weights)

    def pictures(self) -> dict[str, Tensor]:
        """A row for each of some held-out pictures."""
        return self.shown

    def restoration(self, batch: Batch, target: str = "target") -> dict[str, Tensor]:
        """Terms of the restored picture: no blur, no mask."""
        terms: dict[str, Tensor] = self.loss(self.model(batch["lq"], None), batch[target])
        return terms

    def _device(self) -> torch.device:
        return next(self.model.vae.parameters()).device


class IsrStage(MagicBokehStage):
    """Restoration alone: encoder and UNet learn to make sharp pictures of low-quality ones.

    Args:
        model, loss, held_out: see `MagicBokehStage`.
        settings: of the stage.
        squares: batches of restoration from held-out pictures of a folder.
    """

    def __init__(
        self,
        model: MagicBokeh,
        settings: IsrSettings,
        loss: PictureLoss,
        held_out: Sequence[Pairs],
        squares: Sequence[Pairs] = (),
    ) -> None:
        super().__init__(model, loss, held_out)
        self.settings, self.squares = settings, list(squares)
        model.freeze("isr")
        self.train()

    def optimiser(self, lr: float) -> torch.optim.Optimizer:
        """Of encoder and UNet."""
        return made_for([{"params": list(self.model.trained("isr").values())}], self.settings.optimiser, lr)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch of `data.sharp_pairs`."""
        return self.restoration(batch)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR in dB, mean over what is held out.

        Of restored pictures (the score), of the enlarged low-quality ones (`input`), and of restored ones of
        the folder of photographs, where there is one (`photographs`).
        """
        self.eval()
        found, rows = _Scores(), []
        for batch in (on_device(one, self._device()) for one in self.held_out):
            restored = self.model(batch["lq"], None)
            found.add("score", restored, batch["sharp"])
            found.add("input", batch["lq"], batch["sharp"])
            rows.append([batch["lq"], restored, batch["sharp"]])
        for batch in (on_device(one, self._device()) for one in self.squares):
            found.add("photographs", self.model(batch["lq"], None), batch["target"])
        self.shown = {"lq_restored_sharp": table(rows[:SHOWN])}
        self.train()
        return found.means()


class AlternateStage(MagicBokehStage):
    """Bokeh and restoration in turns, each with weights and moments of its own.

    A batch says whose turn it is (`data.PHASE`). What does not belong to the phase has no gradient, so that
    the optimiser leaves it, and its moments, as they are.

    Args:
        model, loss, held_out: see `MagicBokehStage`.
        settings: of the stage.
        restored: phase of `MagicBokeh.trained` that restoration trains: "isr-alternate", or "isr" where there
            was no restoration before.
    """

    def __init__(
        self,
        model: MagicBokeh,
        settings: AlternateSettings,
        loss: PictureLoss,
        held_out: Sequence[Pairs],
        restored: str = "isr-alternate",
    ) -> None:
        super().__init__(model, loss, held_out)
        self.settings, self.phases = settings, ("bokeh", restored)
        self.train()
        self._let(*self.phases)

    def _let(self, *phases: str) -> None:
        """Let gradients reach what these phases train, and nothing else."""
        self.model.requires_grad_(False)
        for phase in phases:
            for weight in self.model.trained(phase).values():
                weight.requires_grad_(True)

    def optimiser(self, lr: float) -> torch.optim.Optimizer:
        """Groups of each phase: of bokeh with `lr`, of restoration with its own rate."""
        shares = (1.0, self.settings.isr_lr / self.settings.lr)
        groups: list[dict[str, Any]] = [
            {"params": list(self.model.trained(phase).values()), "share": share}
            for phase, share in zip(self.phases, shares, strict=True)
        ]
        return made_for(groups, self.settings.optimiser, lr)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch of `data.bokeh_pairs` or `data.sharp_pairs`, named by their phase."""
        if self.settings.strategy == "joint":
            return self._both(batch)
        if PHASE in batch:
            self._let(self.phases[0])
            return _named("bokeh", self._bokeh(batch))
        self._let(self.phases[1])
        return _named("isr", self.restoration(batch))

    def _bokeh(self, batch: Batch) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = self.loss(self.model(batch["lq"], batch[PHASE]), batch["target"])
        return terms

    def _both(self, batch: Batch) -> dict[str, Tensor]:
        """Both losses of the same pictures, for the weights of both phases."""
        terms, weight = _named("bokeh", self._bokeh(batch)), self.settings.isr_weight
        if weight == 0.0:
            return terms
        restored = _named("isr", self.restoration(batch, "sharp"))
        return {**terms, **restored, "loss": terms["loss"] + weight * restored["loss"]}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR in dB, mean over what is held out.

        Of renderings (the score) and restored pictures (`restoration`); of the enlarged low-quality picture
        in place of either (`input`, `input_restoration`); of the target's round trip through the VAE.
        """
        self.eval()
        found, rows = _Scores(), []
        for batch in (on_device(one, self._device()) for one in self.held_out):
            lq, target, sharp = batch["lq"], batch["target"], batch["sharp"]
            rendered, restored = self.model(lq, batch[PHASE]), self.model(lq, None)
            found.add("score", rendered, target)
            found.add("restoration", restored, sharp)
            found.add("input", lq, target)
            found.add("input_restoration", lq, sharp)
            found.add("round_trip", self.model.decode(self.model.encode(target)), target)
            rows.append([lq, rendered, target, restored, sharp])
        self.shown = {"lq_rendering_target_restored_sharp": table(rows[:SHOWN])}
        self.train()
        return found.means()


class _Scores:
    """PSNR of pictures in [-1, 1], by name."""

    def __init__(self) -> None:
        self.found: dict[str, list[Tensor]] = {}

    def add(self, name: str, made: Tensor, target: Tensor) -> None:
        self.found.setdefault(name, []).append(psnr(shown(made), shown(target)).cpu())

    def means(self) -> dict[str, float]:
        return {name: float(torch.cat(values).double().mean()) for name, values in self.found.items()}


def _named(phase: str, terms: dict[str, Tensor]) -> dict[str, Tensor]:
    """The loss by its own name, and all terms by their phase's."""
    return {"loss": terms["loss"], **{f"{phase}_{name}": value for name, value in terms.items()}}
