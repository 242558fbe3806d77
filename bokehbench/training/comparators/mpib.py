"""MPIB's stages: MPINet at the photographs' size, then AUPNet from half of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bokehbench.baselines.mpib import renderer as mpib
from bokehbench.baselines.mpib.background import background
from bokehbench.baselines.mpib.networks import MPIBNet, resized
from bokehbench.baselines.mpib.procedure import composite, render
from bokehbench.cases import FloatImage, Inputs
from bokehbench.training.bokehme.data import Crop
from bokehbench.training.comparators.methods import Comparator
from bokehbench.training.comparators.settings import ComparatorSettings, MPIBSettings, PictureStage
from bokehbench.training.comparators.stages import PartTask
from bokehbench.training.loop import Batch, Task


class MPIB(Comparator):
    """Both networks."""

    method, stages = "mpib", ("mpinet", "aupnet")

    def config(self, settings: ComparatorSettings) -> dict[str, Any]:
        """See `Comparator`."""
        assert isinstance(settings, MPIBSettings)
        return {
            "encoder": list(settings.encoder),
            "decoder": list(settings.decoder),
            "embedded": settings.embedded,
            "planes": settings.planes,
        }

    def build(self, config: Mapping[str, Any]) -> MPIBNet:
        """See `Comparator`."""
        return mpib.build(config)

    def begin(self, network: MPIBNet) -> None:
        """See `Comparator`."""
        network.begin_by_copying()

    def task(
        self,
        stage: str,
        network: MPIBNet,
        earlier: Mapping[str, Mapping[str, Tensor]],
        settings: PictureStage,
        held_out: Sequence[Crop],
    ) -> Task:
        """See `Comparator`."""
        if stage == "mpinet":
            return PartTask(network, stage, at_size, settings, held_out)
        network.mpinet.load_state_dict(dict(earlier["mpinet"]))
        return PartTask(network, stage, from_half, settings, held_out, infer=whole)

    def shown(self, network: MPIBNet, inputs: Inputs) -> dict[str, FloatImage]:
        """See `Comparator`."""
        return {"mpib": mpib.render_picture(network, inputs)}


def at_size(network: MPIBNet, batch: Batch) -> Tensor:
    """Pictures by MPINet alone."""
    return _composited(batch, *network.mpinet(batch["image"], batch["disparity"]))


def from_half(network: MPIBNet, batch: Batch) -> Tensor:
    """Pictures whose planes MPINet finds at half the size, and AUPNet brings to the whole one."""
    image, disparity = batch["image"], batch["disparity"]
    size = image.shape[-2:]
    half = (size[0] // 2, size[1] // 2)
    with torch.no_grad():
        share, alpha = network.mpinet(resized(image, half), resized(disparity, half))
        share = resized(functional.max_pool2d(share, 5, 1, 2), size)
    return _composited(batch, share, network.aupnet(image, disparity, alpha))


def whole(network: MPIBNet, batch: Batch) -> Tensor:
    """Pictures as they are rendered."""
    made = [
        render(network, image[None], disparity[None], *lens)
        for image, disparity, lens in zip(batch["image"], batch["disparity"], _lenses(batch), strict=True)
    ]
    return torch.cat(made)


def _composited(batch: Batch, share: Tensor, alpha: Tensor) -> Tensor:
    """One by one: each has a lens of its own."""
    made = []
    with torch.autocast(share.device.type, enabled=False):
        for n, lens in enumerate(_lenses(batch)):
            image, part = batch["image"][n : n + 1], slice(n, n + 1)
            behind = background(image, batch["disparity"][part], lens[0])
            made.append(composite(image, behind, share[part].float(), alpha[part].float(), *lens))
    return torch.cat(made)


def _lenses(batch: Batch) -> list[tuple[float, float, float]]:
    """K, disp_focus and gamma of each."""
    names = ("K", "disp_focus", "gamma")
    return list(zip(*(batch[name].tolist() for name in names), strict=True))
