"""What a training of BokehMe is made of; the files in `training/configs/bokehme` hold every value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

import bokehbench
from bokehbench.synth.distributions import Strict
from bokehbench.synth.truth.corruption import Corruption
from bokehbench.training.benchmark import ValidationSettings
from bokehbench.training.photographs import PhotographSettings
from bokehbench.training.settings import StageSettings, Weight, load_settings

FOLDER = Path(bokehbench.__file__).parent / "training" / "configs" / "bokehme"
RADIUS = 12.0
"""Largest blur radius in pixels that ARNet is trained for, at its own resolution."""
FREE = (
    *(
        ("config", stage, name)
        for stage in ("arnet", "iunet")
        for name in ("steps", "log_every", "checkpoint_every")
    ),
    ("config", "validation"),
)
"""Fields that a run may change on its way; a checkpoint refuses steps that would have changed its past."""


class DataSettings(PhotographSettings):
    """Photographs, and what is done to their parts.

    Attributes:
        crop: pixels on a side. Scattering sees as much more around it as light comes from.
        crops: taken out of a photograph each time that it is read.
        mixed: photographs whose crops are shuffled together, so that a batch holds crops of many.
        tries: parts that are drawn for each crop of a stored set, of which the one that depth edges reach
            most is taken: elsewhere scattering is right, and there is little to learn. A stream has one.
        corruption: of the disparity that the networks and the classical renderer see; None for none.
    """

    crops: Annotated[int, Field(ge=1, le=256)]
    mixed: Annotated[int, Field(ge=1, le=1024)]
    tries: Annotated[int, Field(ge=1, le=64)]
    corruption: Corruption | None

    @model_validator(mode="after")
    def _without_labels(self) -> DataSettings:
        if self.corruption and (self.corruption.elastic_p > 0.0 or self.corruption.ring_p > 0.0):
            raise ValueError(
                "corruption of BokehMe is blur, dilation and erosion: elastic_p and ring_p are 0"
            )
        if self.crop % 2:
            raise ValueError(f"crop must be even, not {self.crop}")
        return self


Optimiser = Literal["adam", "muon"]


class Losses(Strict):
    """Weights of the paper's terms (its section 3.2).

    Attributes:
        fused, neural: mean absolute error of B (eq. 9) and of the neural rendering.
        fused_gradient, neural_gradient: the same of forward differences.
        error: binary cross-entropy of the error map; ARNet alone.
    """

    fused: Weight
    fused_gradient: Weight
    neural: Weight
    neural_gradient: Weight
    error: Weight


class ARNetSettings(StageSettings):
    """Stage 1.

    Attributes:
        K: [low, high] of the photographs that it is trained on, pixels per unit of disparity.
        optimiser: adam, the paper's; muon (`training.muon`), which needs fewer steps.
    """

    K: tuple[float, float]
    optimiser: Optimiser
    losses: Losses

    @model_validator(mode="after")
    def _range(self) -> ARNetSettings:
        _check_K(self.K, RADIUS)
        return self


class IUNetSettings(StageSettings):
    """Stage 2.

    Attributes:
        K, optimiser: as in stage 1.
        scale: by which ARNet's picture is smaller; one pass of IUNet brings it to full size.
        variant: B1 to B5 of the paper's Table 3; B1 has no IUNet and no stage 2.
    """

    K: tuple[float, float]
    optimiser: Optimiser
    scale: Annotated[float, Field(gt=1.0, le=2.0)]
    variant: Literal["B1", "B2", "B3", "B4", "B5"]
    losses: Losses

    @model_validator(mode="after")
    def _range(self) -> IUNetSettings:
        _check_K(self.K, RADIUS * self.scale)
        return self


def _check_K(K: tuple[float, float], most: float) -> None:
    if not 0.0 < K[0] <= K[1] <= most:
        raise ValueError(f"K must be [low, high] with 0 < low <= high <= {most:g}, not [{K[0]:g}, {K[1]:g}]")


class BokehMeSettings(Strict):
    """A training of BokehMe.

    Attributes:
        seed: of weights and order.
        data, arnet, iunet: photographs and stages.
        initial: weights before the first step, random or such that the networks copy pictures (`initial`).
        keep: which weights of a stage are used: of its best validation, or its last.
        validation: on a benchmark.
    """

    seed: Annotated[int, Field(ge=0)]
    data: DataSettings
    arnet: ARNetSettings
    iunet: IUNetSettings
    initial: Literal["random", "copy"]
    keep: Literal["best", "last"]
    validation: ValidationSettings

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return self.model_dump(mode="json")


def load(config: str, assignments: tuple[str, ...] = ()) -> BokehMeSettings:
    """See `training.settings.load_settings`."""
    return load_settings(BokehMeSettings, FOLDER, config, assignments)
