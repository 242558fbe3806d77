"""A stage of a comparator as a task of the loop: a network's picture is compared with the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bokehbench.training.bokehme.data import Crop
from bokehbench.training.bokehme.losses import forward_differences
from bokehbench.training.comparators.settings import Losses, PictureStage
from bokehbench.training.loop import Batch, Task
from bokehbench.training.meter import psnr
from bokehbench.training.muon import ConvolutionMuon
from bokehbench.training.pairs import partly_in_focus

LEAST = 1e-6
"""Mean absolute error below which its logarithm is not followed."""
Render = Callable[[Any, Batch], Tensor]
"""A picture [B, 3, H, W] by a network, of a batch of `data.prepare`."""


class PictureTask(Task):
    """A network that makes pictures.

    Args:
        network: changed by training.
        predict: makes pictures with it. Given the network, since a moving average of this task has another.
        settings: of the stage.
        held_out: batches for validation.
        infer: as `predict`, the way that pictures are rendered; None where that is the same.
    """

    def __init__(
        self,
        network: nn.Module,
        predict: Render,
        settings: PictureStage,
        held_out: Sequence[Crop],
        infer: Render | None = None,
    ) -> None:
        super().__init__()
        self.own, self.predict, self.infer = network, predict, infer or predict
        self.settings, self.held_out = settings, list(held_out)

    @property
    def network(self) -> nn.Module:
        """See `Task`."""
        return self.own

    def optimiser(self, lr: float) -> torch.optim.Optimizer:
        """Adam, or Muon."""
        if self.settings.optimiser != "muon":
            return super().optimiser(lr)
        return ConvolutionMuon([weight for weight in self.parameters() if weight.requires_grad], lr)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch."""
        batch = darkened(batch, self.settings.darkest)
        batch = partly_in_focus(batch, self.settings.all_in_focus, ("defocus", "K"))
        made = self.predict(self.own, batch)
        with torch.autocast(made.device.type, enabled=False):
            return losses(made.float(), batch["target"], self.settings.losses)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR in dB, mean over what is held out: of the rendering (the score), and of the sharp picture."""
        device = next(self.parameters()).device
        found: dict[str, list[Tensor]] = {}
        for batch in self.held_out:
            batch = {name: value.to(device) for name, value in batch.items()}
            for name, picture in {"score": self.infer(self.own, batch), "input": batch["image"]}.items():
                found.setdefault(name, []).append(psnr(picture, batch["target"]).cpu())
        return {name: float(torch.cat(values).double().mean()) for name, values in found.items()}


class PartTask(PictureTask):
    """Of several networks that make a picture together, one that is trained; the others stay as they are.

    Args:
        networks: with the part as an attribute.
        part: its name.
        others: see `PictureTask`.
    """

    def __init__(self, networks: nn.Module, part: str, *others: Any, **more: Any) -> None:
        super().__init__(networks, *others, **more)
        self.part = part
        networks.requires_grad_(False)
        self.network.requires_grad_(True)

    @property
    def network(self) -> nn.Module:
        """The part."""
        part = getattr(self.own, self.part)
        assert isinstance(part, nn.Module)
        return part


def darkened(batch: Batch, darkest: float) -> Batch:
    """A batch whose pictures and targets are multiplied by a factor for each crop; see `PictureStage`.

    Torch's random numbers stand in checkpoints, so that a resumed training draws the same.
    """
    if darkest == 1.0:
        return batch
    image = batch["image"]
    factor = darkest ** torch.rand(len(image), 1, 1, 1).to(image.device)
    return {**batch, "image": factor * image, "target": factor * batch["target"]}


def losses(picture: Tensor, target: Tensor, weights: Losses) -> dict[str, Tensor]:
    """`loss`, the weighted sum, and the mean absolute errors of values and of differences in x and y."""
    pairs = zip(forward_differences(picture), forward_differences(target), strict=True)
    across, down = (functional.l1_loss(own, true) for own, true in pairs)
    terms = {"value": functional.l1_loss(picture, target), "gradient_x": across, "gradient_y": down}
    scaled = dict(terms)
    if weights.scale == "log10":
        scaled = {name: torch.log10(term.clamp(min=LEAST)) for name, term in terms.items()}
    gradient = scaled["gradient_x"] + scaled["gradient_y"]
    return {"loss": weights.value * scaled["value"] + weights.gradient * gradient, **terms}
