"""What a training of da-depth is made of; the files in `training/configs/da_depth` hold every value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

import bokehbench
from bokehbench.synth.degrade import preset_names
from bokehbench.synth.distributions import Share, Strict
from bokehbench.training.benchmark import ValidationSettings
from bokehbench.training.optimiser import Optimiser, Positive
from bokehbench.training.picture_folder import SquareSettings
from bokehbench.training.settings import StageSettings, Weight, load_settings

FOLDER = Path(bokehbench.__file__).parent / "training" / "configs" / "da_depth"
STAGE = "student"
FREE = (
    *(("config", STAGE, name) for name in ("steps", "log_every", "checkpoint_every")),
    ("config", STAGE, "gradient_checkpointing"),
    ("config", "validation"),
)
"""Fields that a run may change on its way; a checkpoint refuses steps that would have changed its past."""


class PairSettings(SquareSettings):
    """Pictures of a folder, and their low-quality twins.

    Attributes:
        degradation: a preset of `bokehbench degrade`, or its file.
        clean: share of pictures that the student sees as its teacher does.
    """

    degradation: str
    clean: Share

    @field_validator("degradation")
    @classmethod
    def _known(cls, name: str) -> str:
        if not name.endswith((".yaml", ".yml")) and name not in preset_names():
            raise ValueError(f"no such preset; one of {', '.join(preset_names())}, or a YAML file")
        return name


class Losses(Strict):
    """Weights of the terms (`losses.py`).

    Attributes:
        features: of each tap of the encoder.
        disparity: mean absolute error of the aligned disparities.
        gradient: that of their gradients.
        scales: of the gradients, each half as fine as the one before.
    """

    features: Weight
    disparity: Weight
    gradient: Weight
    scales: Annotated[int, Field(ge=1, le=8)]


class StudentSettings(StageSettings):
    """The one stage.

    Attributes:
        backbone_share: the encoder's learning rate, over that of neck and head.
        optimiser: AdamW.
        losses: see there.
        gradient_checkpointing: the encoder's blocks are computed again in the backward pass, which takes less
            memory and more time, and changes no result beyond rounding.
    """

    backbone_share: Positive
    optimiser: Optimiser
    losses: Losses
    gradient_checkpointing: bool


class DaDepthSettings(Strict):
    """A training of da-depth.

    Attributes:
        seed: of order, crops and degradations.
        teacher: also the student's start: a registered network, or OWNER/NAME of the hub.
        data, student: pictures; what is learnt from them.
        keep: which weights are used: of the best validation, or the last.
        validation: on measured depth.
    """

    seed: Annotated[int, Field(ge=0)]
    teacher: str
    data: PairSettings
    student: StudentSettings
    keep: Literal["best", "last"]
    validation: ValidationSettings

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return self.model_dump(mode="json")


def load(config: str, assignments: tuple[str, ...] = ()) -> DaDepthSettings:
    """See `training.settings.load_settings`."""
    return load_settings(DaDepthSettings, FOLDER, config, assignments)
