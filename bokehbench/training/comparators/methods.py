"""What a training has to know of each comparator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bokehbench.baselines.deepfocus import renderer as deepfocus
from bokehbench.baselines.deepfocus.network import DeepFocusNet
from bokehbench.baselines.deeplens import renderer as deeplens
from bokehbench.baselines.deeplens.network import DeepLensNet
from bokehbench.baselines.diffusion.pictures import GAMMA
from bokehbench.cases import FloatImage, Inputs
from bokehbench.training.bokehme.data import Crop
from bokehbench.training.comparators.settings import (
    ComparatorSettings,
    DeepFocusSettings,
    DeepLensSettings,
    PictureStage,
)
from bokehbench.training.comparators.stages import PictureTask
from bokehbench.training.loop import Batch, Task


class Comparator(ABC):
    """A method and its stages.

    Attributes:
        method: its name, that of the command and of the file of weights.
        stages: in order; fields of its settings.
        encoded: gamma that its networks know alone; None where they are told.
    """

    method: ClassVar[str]
    stages: ClassVar[tuple[str, ...]] = ("network",)
    encoded: ClassVar[float | None] = None

    @abstractmethod
    def config(self, settings: Any) -> dict[str, Any]:
        """Plain values that build the networks."""

    @abstractmethod
    def build(self, config: Mapping[str, Any]) -> nn.Module:
        """All networks, with random weights."""

    @abstractmethod
    def begin(self, network: Any) -> None:
        """Give them the weights of `initial: copy`."""

    @abstractmethod
    def task(
        self,
        stage: str,
        network: Any,
        earlier: Mapping[str, Mapping[str, Tensor]],
        settings: Any,
        held_out: Sequence[Crop],
    ) -> Task:
        """A stage.

        Args:
            stage: one of `stages`.
            network: of `build`.
            earlier: weights of the stages before.
            settings: of the stage.
            held_out: batches for validation.
        """

    @abstractmethod
    def shown(self, network: Any, inputs: Inputs) -> dict[str, FloatImage]:
        """Renderings by the names of methods."""

    def whole(self, task: Task) -> nn.Module:
        """All networks, of the task of the last stage."""
        assert isinstance(task, PictureTask)
        return task.own


class DeepFocus(Comparator):
    """DeepFocus, and DeepFocus† with the same weights."""

    method, encoded = "deepfocus", GAMMA

    def config(self, settings: ComparatorSettings) -> dict[str, Any]:
        """See `Comparator`."""
        assert isinstance(settings, DeepFocusSettings)
        return {"width": settings.width}

    def build(self, config: Mapping[str, Any]) -> DeepFocusNet:
        """See `Comparator`."""
        return deepfocus.build(config)

    def begin(self, network: DeepFocusNet) -> None:
        """See `Comparator`."""
        network.begin_by_copying()

    def task(
        self,
        stage: str,
        network: DeepFocusNet,
        earlier: Mapping[str, Mapping[str, Tensor]],
        settings: PictureStage,
        held_out: Sequence[Crop],
    ) -> Task:
        """See `Comparator`."""

        def predict(network: DeepFocusNet, batch: Batch) -> Tensor:
            return deepfocus.render(network, batch["image"], batch["disparity"], batch["defocus"])

        return PictureTask(network, predict, settings, held_out)

    def shown(self, network: DeepFocusNet, inputs: Inputs) -> dict[str, FloatImage]:
        """See `Comparator`."""
        return {
            "deepfocus": deepfocus.render_picture(network, inputs, adaptive=False),
            "deepfocus-dagger": deepfocus.render_picture(network, inputs, adaptive=True),
        }


class DeepLens(Comparator):
    """DeepLens-style: both modules at once."""

    method, encoded = "deeplens", GAMMA

    def config(self, settings: ComparatorSettings) -> dict[str, Any]:
        """See `Comparator`."""
        assert isinstance(settings, DeepLensSettings)
        return {"blur_width": settings.blur_width, "upsampling_width": settings.upsampling_width}

    def build(self, config: Mapping[str, Any]) -> DeepLensNet:
        """See `Comparator`."""
        return deeplens.build(config)

    def begin(self, network: DeepLensNet) -> None:
        """See `Comparator`."""
        network.begin_by_copying()

    def task(
        self,
        stage: str,
        network: DeepLensNet,
        earlier: Mapping[str, Mapping[str, Tensor]],
        settings: PictureStage,
        held_out: Sequence[Crop],
    ) -> Task:
        """See `Comparator`."""

        def infer(network: DeepLensNet, batch: Batch) -> Tensor:
            return deeplens.render(network, batch["image"], batch["defocus"])

        return PictureTask(network, by_steps, settings, held_out, infer)

    def shown(self, network: DeepLensNet, inputs: Inputs) -> dict[str, FloatImage]:
        """See `Comparator`."""
        return {"deeplens": deeplens.render_picture(network, inputs)}


MOST_STEPS = 2
"""Of upsampling in training."""


def by_steps(network: DeepLensNet, batch: Batch) -> Tensor:
    """Each crop with as much upsampling as its blur asks for, and every second one with a step more.

    Large pictures are upsampled whatever their blur is: the networks have to know small blur at all sizes.
    """
    image, defocus = batch["image"], batch["defocus"]
    needed = [
        min(MOST_STEPS, deeplens.steps_for_blur(one) + number % 2) for number, one in enumerate(defocus)
    ]
    made, order = list[Tensor](), list[int]()
    for steps in sorted(set(needed)):
        chosen = [number for number, own in enumerate(needed) if own == steps]
        made.append(network(image[chosen], defocus[chosen], steps))
        order += chosen
    back = torch.tensor(order, device=image.device).argsort()
    return torch.cat(made)[back]
