"""What a training of a comparator is made of; the files in `training/configs/METHOD` hold every value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

import bokehbench
from bokehbench.synth.distributions import Share, Strict
from bokehbench.training.benchmark import ValidationSettings
from bokehbench.training.bokehme.settings import DataSettings, Optimiser
from bokehbench.training.comparators.data import Plain
from bokehbench.training.settings import StageSettings, Weight, load_settings

LARGEST_K = 30.0
"""`mpib.procedure.REACH`, without what that imports."""
FOLDER = Path(bokehbench.__file__).parent / "training" / "configs"


class Losses(Strict):
    """What is compared with the target.

    Attributes:
        value: weight of the mean absolute error.
        gradient: weight of that of forward differences, in x and in y.
        scale: linear, or the decimal logarithm of each term, which weighs what is nearly right like the rest.
    """

    value: Weight
    gradient: Weight
    scale: Literal["linear", "log10"]


class PictureStage(StageSettings):
    """A stage that learns to make the picture.

    Attributes:
        K: [low, high] of the photographs, pixels per unit of disparity.
        gamma: [low, high] of their encoding.
        optimiser: adam, or muon (`training.muon`), which needs fewer steps.
        darkest: crops are darkened by a factor from this to 1, log-uniform: pictures with light beyond white
            are scaled down before they are rendered, and have to be known as well. 1 for none of it.
        all_in_focus: share of the crops that are told K = 0, and have the sharp picture as their target.
        losses: of the picture.
    """

    K: tuple[float, float]
    gamma: tuple[float, float]
    optimiser: Optimiser
    darkest: Annotated[float, Field(gt=0.0, le=1.0)]
    all_in_focus: Share
    losses: Losses

    @model_validator(mode="after")
    def _ranges(self) -> PictureStage:
        for name, (low, high) in (("K", self.K), ("gamma", self.gamma)):
            if not 0.0 < low <= high:
                raise ValueError(f"{name} must be [low, high] with 0 < low <= high, not [{low:g}, {high:g}]")
        return self

    def wanted(self, encoded: float | None) -> Plain:
        """The photographs of this stage."""
        return Plain(self.K, self.gamma, encoded)


class ComparatorSettings(Strict):
    """A training of a comparator; a method adds its stages and its networks' sizes.

    Attributes:
        seed: of weights and order.
        data: photographs.
        initial: weights before the first step, random or such that the network begins with the sharp picture.
        keep: which weights of a stage are used: of its best validation, or its last.
        validation: on a benchmark.
    """

    seed: Annotated[int, Field(ge=0)]
    data: DataSettings
    initial: Literal["random", "copy"]
    keep: Literal["best", "last"]
    validation: ValidationSettings

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return self.model_dump(mode="json")


class DeepFocusSettings(ComparatorSettings):
    """DeepFocus.

    Attributes:
        width: channels of the network; the paper's has 128.
        network: its one stage.
    """

    width: Annotated[int, Field(ge=12, le=512)]
    network: PictureStage


class DeepLensSettings(ComparatorSettings):
    """DeepLens.

    Attributes:
        blur_width, upsampling_width: channels of its modules, see `deeplens.network.DeepLensNet`.
        network: its one stage, both modules at once.
    """

    blur_width: Annotated[int, Field(ge=4, le=256)]
    upsampling_width: Annotated[int, Field(ge=4, le=256)]
    network: PictureStage

    @model_validator(mode="after")
    def _aligned(self) -> DeepLensSettings:
        if self.data.crop % 32:
            raise ValueError(f"data.crop must be a multiple of 32, not {self.data.crop}")
        return self


Five = tuple[int, int, int, int, int]


class MPIBSettings(ComparatorSettings):
    """MPIB.

    Attributes:
        encoder, decoder, embedded, planes: channels of MPINet, and how many planes, see `mpib.networks`.
        mpinet: its first stage: MPINet at the photographs' size.
        aupnet: its second: AUPNet, from half that size.
    """

    encoder: Five
    decoder: Five
    embedded: Annotated[int, Field(ge=1, le=256)]
    planes: Annotated[int, Field(ge=2, le=128)]
    mpinet: PictureStage
    aupnet: PictureStage

    @model_validator(mode="after")
    def _aligned(self) -> MPIBSettings:
        for name in ("crop", "validation_side"):
            if getattr(self.data, name) % 64:
                raise ValueError(f"data.{name} must be a multiple of 64, not {getattr(self.data, name)}")
        if min(*self.encoder, *self.decoder) < 1:
            raise ValueError("encoder and decoder have at least 1 channel everywhere")
        for stage in ("mpinet", "aupnet"):
            if getattr(self, stage).K[1] > LARGEST_K:
                raise ValueError(f"{stage}.K must be at most {LARGEST_K:g}, the largest that MPINet sees")
        return self


def load_deepfocus(config: str, assignments: tuple[str, ...] = ()) -> DeepFocusSettings:
    """See `training.settings.load_settings`."""
    return load_settings(DeepFocusSettings, FOLDER / "deepfocus", config, assignments)


def load_deeplens(config: str, assignments: tuple[str, ...] = ()) -> DeepLensSettings:
    """See `training.settings.load_settings`."""
    return load_settings(DeepLensSettings, FOLDER / "deeplens", config, assignments)


def load_mpib(config: str, assignments: tuple[str, ...] = ()) -> MPIBSettings:
    """See `training.settings.load_settings`."""
    return load_settings(MPIBSettings, FOLDER / "mpib", config, assignments)
