"""The two stages as tasks of the loop: ARNet alone, then IUNet upon it (methods spec A1.8)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bokehbench.baselines.bokehme.networks import resize
from bokehbench.baselines.bokehme.neural import UNIT, NeuralRenderer, fuse
from bokehbench.training.bokehme.data import Crop
from bokehbench.training.bokehme.losses import losses
from bokehbench.training.bokehme.settings import RADIUS, Losses
from bokehbench.training.loop import Batch, Task
from bokehbench.training.meter import psnr
from bokehbench.training.muon import ConvolutionMuon

REACH = RADIUS / UNIT
"""Units to which defocus is clamped in training, so that 1 lies inside of what the networks know."""


class BokehMeStage(Task):
    """What both have in common.

    Args:
        renderer: both networks; changed by training.
        weights: of the losses.
        held_out: batches for validation.
        muon: take steps by it, not by Adam.
    """

    def __init__(
        self, renderer: NeuralRenderer, weights: Losses, held_out: Sequence[Crop], muon: bool = False
    ) -> None:
        super().__init__()
        self.renderer, self.weights, self.held_out, self.muon = renderer, weights, list(held_out), muon

    def optimiser(self, lr: float) -> torch.optim.Optimizer:
        """Adam, or Muon."""
        if not self.muon:
            return super().optimiser(lr)
        return ConvolutionMuon([weight for weight in self.parameters() if weight.requires_grad], lr)

    @abstractmethod
    def predict(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The neural rendering [B, 3, H, W] and the error map [B, 1, H, W]."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch of `data.prepare`."""
        neural, error = self.predict(batch)
        with torch.autocast(neural.device.type, enabled=False):
            neural, error = neural.float(), error.float()
            fused = fuse(batch["classical"], neural, error)
            return losses(fused, neural, batch["target"], self.weights, *self._error_pair(batch, error))

    def infer(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """As `predict`, the way that pictures are rendered with the weights."""
        return self.predict(batch)

    def _error_pair(self, batch: Batch, error: Tensor) -> tuple[Tensor, ...]:
        """What the error map is compared with, where it is trained."""
        return ()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR in dB, mean over what is held out, as inferred: of B (the score), and of its two parts."""
        device = next(self.parameters()).device
        found: dict[str, list[Tensor]] = {}
        for batch in self.held_out:
            batch = {name: value.to(device) for name, value in batch.items()}
            neural, error = self.infer(batch)
            shown = {
                "score": fuse(batch["classical"], neural, error),
                "neural": neural,
                "classical": batch["classical"],
            }
            for name, picture in shown.items():
                found.setdefault(name, []).append(psnr(picture, batch["target"]).cpu())
        return {name: float(torch.cat(values).double().mean()) for name, values in found.items()}


class ARNetStage(BokehMeStage):
    """Stage 1: no resizing, radii up to 12 pixels."""

    def __init__(
        self, renderer: NeuralRenderer, weights: Losses, held_out: Sequence[Crop], muon: bool = False
    ) -> None:
        super().__init__(renderer, weights, held_out, muon)
        renderer.iunet.requires_grad_(False)

    @property
    def network(self) -> nn.Module:
        """ARNet."""
        return self.renderer.arnet

    def predict(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """ARNet's rendering and error map."""
        defocus = (batch["defocus"] / UNIT).clamp(-REACH, REACH)
        neural, error = self.renderer.arnet(batch["image"], defocus, batch["gamma"])
        return neural, error

    def _error_pair(self, batch: Batch, error: Tensor) -> tuple[Tensor, ...]:
        return error, batch["error"]


class IUNetStage(BokehMeStage):
    """Stage 2: ARNet, which stays as it is, at 1/scale of the size, and one pass of IUNet.

    Args:
        renderer, weights, held_out, muon: see `BokehMeStage`.
        scale: of all crops.
    """

    def __init__(
        self,
        renderer: NeuralRenderer,
        weights: Losses,
        held_out: Sequence[Crop],
        scale: float,
        muon: bool = False,
    ) -> None:
        super().__init__(renderer, weights, held_out, muon)
        self.scale = scale
        renderer.arnet.requires_grad_(False)

    @property
    def network(self) -> nn.Module:
        """IUNet."""
        return self.renderer.iunet

    def predict(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The rendering at full size, and ARNet's error map enlarged."""
        image, defocus, gamma = batch["image"], batch["defocus"], batch["gamma"]
        height, width = image.shape[-2:]
        with torch.no_grad():
            coarse, error = self.renderer.coarse(image, defocus, gamma, self.scale)
        neural = self.renderer.refine(
            image, defocus, batch["dilated"], coarse, gamma, (height, width), reach=REACH, bounded=False
        )
        return neural, resize(error, (height, width))

    def infer(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """With the scale that the largest blur asks for, and as many passes."""
        neural, error = self.renderer(batch["image"], batch["defocus"], batch["dilated"], batch["gamma"])
        return neural, error
