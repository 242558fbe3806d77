"""What a training of MagicBokeh is made of; the files in `training/configs/magicbokeh` hold every value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

import bokehbench
from bokehbench.baselines.magicbokeh.compact import CompactConfig
from bokehbench.baselines.magicbokeh.model import CONDITION_UNIT_PX
from bokehbench.benchmarks.tracks import parse_track
from bokehbench.errors import ConfigError
from bokehbench.synth.degrade import load_preset
from bokehbench.synth.distributions import Strict
from bokehbench.training.benchmark import ValidationSettings
from bokehbench.training.diffusion.settings import VaeSettings
from bokehbench.training.optimiser import Optimiser, Positive
from bokehbench.training.photographs import PhotographSettings
from bokehbench.training.settings import StageSettings, Weight, load_settings

FOLDER = Path(bokehbench.__file__).parent / "training" / "configs" / "magicbokeh"
STAGES = ("vae", "isr", "alternate")
FREE = (
    *(("config", stage, name) for stage in STAGES for name in ("steps", "log_every", "checkpoint_every")),
    ("config", "validation"),
    ("config", "model", "gradient_checkpointing"),
)
"""Fields that a run may change on its way; a checkpoint refuses steps that would have changed its past."""

AtLeastOne = Annotated[float, Field(ge=1.0, le=64.0)]
Rank = Annotated[int, Field(ge=1, le=512)]


class PictureSettings(Strict):
    """Squares of the sharp pictures that ``--photographs`` names.

    Attributes:
        zoom: [low, high] of a random factor; the square that becomes a crop has the picture's shorter side
            over it.
        least: pixels; pictures with a smaller shorter side are left out. None: the crop.
        held_out: pictures that are never trained on.
    """

    zoom: tuple[AtLeastOne, AtLeastOne]
    least: Annotated[int, Field(ge=1)] | None
    held_out: Annotated[int, Field(ge=1)]


class DataSettings(PhotographSettings):
    """Photographs, and what is done to them.

    Attributes:
        degrade: preset of the low-quality input (`bokehbench degrade`); it has to enlarge.
        photographs: of a folder that restoration is learnt from; without one it is learnt from the
            all-in-focus pictures of ``--data``.
    """

    degrade: str
    photographs: PictureSettings

    @model_validator(mode="after")
    def _enlarging(self) -> DataSettings:
        if load_preset(self.degrade).enlarge is None:
            raise ValueError(
                f"degrade: {self.degrade} leaves pictures small; MagicBokeh is shown their enlargement"
            )
        return self


class Fama(Strict):
    """Focus-aware mask attention: the bokeh LoRA of the UNet's up blocks.

    Attributes:
        form: released (a branch beside the attention) or paper (the attention itself is masked).
        masked: False for the paper's ablation: attention over the whole picture.
        rank: of its matrices.
    """

    form: Literal["released", "paper"]
    masked: bool
    rank: Rank


class Ranks(Strict):
    """Of the LoRA on a base: of the VAE's encoder, and of the UNet (restoration)."""

    vae: Rank
    isr: Rank


class ModelSettings(Strict):
    """The networks.

    Attributes:
        kind: sd21, LoRA and a ControlNet on a base that ``--base`` names; compact, trained from nothing.
        ranks: of sd21.
        sizes: of compact, by the names of `compact.CompactConfig`; {} for its own. Its tile is that of the
            training.
        fama: its attention.
        gradient_checkpointing: blocks are computed again in the backward pass, which takes less memory and
            more time, and changes no result beyond rounding.
    """

    kind: Literal["sd21", "compact"]
    ranks: Ranks
    sizes: dict[str, Any]
    fama: Fama
    gradient_checkpointing: bool


class Losses(Strict):
    """Weights of the terms, in pixel space: mean squared error of the picture as it is; LPIPS-VGG."""

    mse: Weight
    lpips: Weight

    @model_validator(mode="after")
    def _some(self) -> Losses:
        if self.mse == self.lpips == 0.0:
            raise ValueError("losses: one of them has to count")
        return self


class IsrSettings(StageSettings):
    """Restoration of low-quality pictures, before anything is blurred.

    Attributes:
        optimiser: see there.
        losses: see there.
    """

    optimiser: Optimiser
    losses: Losses


class AlternateSettings(StageSettings):
    """Bokeh and restoration in turns; `lr` is that of bokeh.

    Attributes:
        strategy: alternate, each phase with weights of its own; joint, the paper's ablation: every step has
            both losses, and moves the weights of both phases.
        alt_every: steps of a phase before the other's turn; bokeh begins.
        isr_lr: learning rate of restoration.
        isr_weight: of restoration's loss, where the strategy is joint; 0 trains on bokeh alone.
        optimiser: see there; each phase has moments of its own.
        losses: of both phases.
    """

    strategy: Literal["alternate", "joint"]
    alt_every: Annotated[int, Field(ge=1)]
    isr_lr: Positive
    isr_weight: Weight
    optimiser: Optimiser
    losses: Losses


class MagicValidation(ValidationSettings):
    """Validation on a benchmark.

    Attributes:
        disparity: a track, as ``run --disparity`` takes it: gt, or predicted:MODEL, which sees the
            low-quality picture that the network sees.
    """

    disparity: str

    @model_validator(mode="after")
    def _known(self) -> MagicValidation:
        try:
            parse_track(self.disparity)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return self


class MagicBokehSettings(Strict):
    """A training of MagicBokeh.

    Attributes:
        seed: of weights and order.
        data, model: photographs and networks.
        vae: stage 0; an sd21 model has none.
        isr: restoration; None leaves it out.
        alternate: bokeh and restoration.
        keep: which weights of a stage are used: of its best validation, or its last.
        validation: on a benchmark.
    """

    seed: Annotated[int, Field(ge=0)]
    data: DataSettings
    model: ModelSettings
    vae: VaeSettings | None
    isr: IsrSettings | None
    alternate: AlternateSettings
    keep: Literal["best", "last"]
    validation: MagicValidation

    @model_validator(mode="after")
    def _agree(self) -> MagicBokehSettings:
        if (self.vae is None) == (self.model.kind == "compact"):
            raise ValueError("vae: a compact model needs the stage vae, an sd21 model has null there")
        if self.model.kind == "sd21" and self.model.sizes:
            raise ValueError("model.sizes: the base has its own; leave it {}")
        if "tile_px" in self.model.sizes:
            raise ValueError("model.sizes: tile_px is what data.crop says; set that")
        CompactConfig.from_json(self.model.sizes)
        if self.isr is None and self.alternate.strategy != "joint":
            raise ValueError(
                "isr: null goes with alternate.strategy joint alone: bokeh is learnt upon a restoration"
            )
        return self

    @property
    def unit_px(self) -> float:
        """Blur radius that the condition has as 1, pixels."""
        compact = self.model.kind == "compact"
        return CompactConfig.from_json(self.model.sizes).condition_unit_px if compact else CONDITION_UNIT_PX

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return self.model_dump(mode="json")


def load(config: str, assignments: tuple[str, ...] = ()) -> MagicBokehSettings:
    """See `training.settings.load_settings`."""
    return load_settings(MagicBokehSettings, FOLDER, config, assignments)
