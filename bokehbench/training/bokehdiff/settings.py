"""What a training of BokehDiff is made of; the files in `training/configs/bokehdiff` hold every value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

import bokehbench
from bokehbench.baselines.bokehdiff.compact import CompactConfig
from bokehbench.synth.distributions import Share, Strict
from bokehbench.training.benchmark import ValidationSettings
from bokehbench.training.diffusion.settings import VaeSettings
from bokehbench.training.optimiser import Optimiser, Positive
from bokehbench.training.photographs import PhotographSettings
from bokehbench.training.settings import StageSettings, Weight, load_settings

FOLDER = Path(bokehbench.__file__).parent / "training" / "configs" / "bokehdiff"
STAGES = ("vae", "denoiser")
FREE = (
    *(("config", stage, name) for stage in STAGES for name in ("steps", "log_every", "checkpoint_every")),
    ("config", "validation"),
    ("config", "model", "gradient_checkpointing"),
)
"""Fields that a run may change on its way; a checkpoint refuses steps that would have changed its past."""

LEAST = 32
"""Pixels for which the discriminator's backbone has one place."""


class Pisa(Strict):
    """PISA while training; at inference its sampling is finer, and nothing is dropped.

    Attributes:
        coc, query_softmax, occlusion: its parts; the paper's ablations leave one out.
        samples: points along each ray.
        jitters: rays for each pair of tokens.
        dropout: share of the attention's weights.
    """

    coc: bool
    query_softmax: bool
    occlusion: bool
    samples: Annotated[int, Field(ge=1, le=64)]
    jitters: Annotated[int, Field(ge=1, le=64)]
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]


class ModelSettings(Strict):
    """The networks.

    Attributes:
        kind: sdxl, LoRA on a base that ``--base`` names; compact, trained from nothing.
        timestep: T of the one step.
        lora_rank: of sdxl.
        sizes: of compact, by the names of `compact.CompactConfig`; {} for its own. Its timestep and tile are
            those of the training.
        pisa: its attention.
        gradient_checkpointing: the UNet's blocks are computed again in the backward pass, which takes less
            memory and more time, and changes no result beyond rounding.
    """

    kind: Literal["sdxl", "compact"]
    timestep: Annotated[int, Field(ge=0, le=999)]
    lora_rank: Annotated[int, Field(ge=1, le=256)]
    sizes: dict[str, Any]
    pisa: Pisa
    gradient_checkpointing: bool


class Adversary(Strict):
    """The vision-aided discriminator, and its part of the loss.

    Attributes:
        weight: of the generator's term; 0 for no discriminator.
        start: steps before the generator's term counts; the discriminator learns from the first.
        backbone: timm's name of the frozen network whose features it sees.
        weights: its file, looked for in the folders of weights, or `hub`.
        sha256: that the file must have; empty: whatever it has is written into the card.
        hidden: channels of its head.
        real: the label of true pictures, also the generator's aim.
        share: of the stage's learning rate.
    """

    weight: Weight
    start: Annotated[int, Field(ge=0)]
    backbone: str
    weights: str
    sha256: str
    hidden: Annotated[int, Field(ge=1)]
    real: Share
    share: Positive


class Losses(Strict):
    """Weights of the terms (methods spec A2.7).

    Attributes:
        mse: mean squared error of the prediction as it is, in [-1, 1].
        lpips: LPIPS-VGG.
        edge: multi-scale edge loss.
        edges: how edges are found, differences (as released) or sobel (as the paper says).
        adversary: see there.
    """

    mse: Weight
    lpips: Weight
    edge: Weight
    edges: Literal["differences", "sobel"]
    adversary: Adversary


class DenoiserSettings(StageSettings):
    """The stage of the paper: UNet and the encoder's ends.

    Attributes:
        optimiser: see there.
        vae_share: learning rate of the VAE's part, over that of the UNet.
        all_in_focus: share of the pictures that are told a blur of 0, and have the sharp picture as target.
        losses: see there.
    """

    optimiser: Optimiser
    vae_share: Positive
    all_in_focus: Share
    losses: Losses


class BokehDiffSettings(Strict):
    """A training of BokehDiff.

    Attributes:
        seed: of weights and order.
        data, model: photographs and networks.
        vae, denoiser: stages; an sdxl model has no stage vae.
        keep: which weights of a stage are used: of its best validation, or its last.
        validation: on a benchmark.
    """

    seed: Annotated[int, Field(ge=0)]
    data: PhotographSettings
    model: ModelSettings
    vae: VaeSettings | None
    denoiser: DenoiserSettings
    keep: Literal["best", "last"]
    validation: ValidationSettings

    @model_validator(mode="after")
    def _agree(self) -> BokehDiffSettings:
        if (self.vae is None) == (self.model.kind == "compact"):
            raise ValueError("vae: a compact model needs the stage vae, an sdxl model has null there")
        if self.model.kind == "sdxl" and self.model.sizes:
            raise ValueError("model.sizes: the base has its own; leave it {}")
        for name, field in (("timestep", "model.timestep"), ("tile_px", "data.crop")):
            if name in self.model.sizes:
                raise ValueError(f"model.sizes: {name} is what {field} says; set that")
        CompactConfig.from_json(self.model.sizes)
        if self.denoiser.losses.adversary.weight > 0.0 and self.data.crop < LEAST:
            raise ValueError(f"data.crop: the discriminator needs {LEAST} pixels, not {self.data.crop}")
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return self.model_dump(mode="json")


def load(config: str, assignments: tuple[str, ...] = ()) -> BokehDiffSettings:
    """See `training.settings.load_settings`."""
    return load_settings(BokehDiffSettings, FOLDER, config, assignments)
