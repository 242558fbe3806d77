"""What a training of BokehMe is made of; the files in `training/configs/bokehme` hold every value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

import bokehbench
from bokehbench.registry import RecipeSpec, get
from bokehbench.synth.config import Recipe, load_recipe
from bokehbench.synth.distributions import Share, Strict
from bokehbench.synth.truth.corruption import Corruption
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


class DataSettings(Strict):
    """Where photographs come from, and what is done to them.

    Attributes:
        recipe: of `bokehbench synth build`, for a stream and for the command that makes a stored set.
        changes: its ``--set`` assignments.
        scenes: of the stored set; a stream takes as many for an epoch.
        seed: root of the scenes.
        crop: pixels on a side. Scattering sees as much more around it as light comes from.
        crops: taken out of a photograph each time that it is read.
        mixed: photographs whose crops are shuffled together, so that a batch holds crops of many.
        flip, flip_vertical: probabilities.
        quality: of the lens sampling of a stream.
        corruption: of the disparity that the networks and the classical renderer see; None for none.
        held_out: scenes of a stored set, its last, that are never trained on.
        validation_crops: of the scenes that are held out.
        validation_side: of them, pixels; they are rendered as at inference.
    """

    recipe: str
    changes: tuple[str, ...]
    scenes: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0)]
    crop: Annotated[int, Field(ge=16, le=1024)]
    crops: Annotated[int, Field(ge=1, le=256)]
    mixed: Annotated[int, Field(ge=1, le=1024)]
    flip: Share
    flip_vertical: Share
    quality: Literal["draft", "standard", "high", "final"]
    corruption: Corruption | None
    held_out: Annotated[int, Field(ge=1)]
    validation_crops: Annotated[int, Field(ge=1)]
    validation_side: Annotated[int, Field(ge=16, le=1024)]

    @model_validator(mode="after")
    def _without_labels(self) -> DataSettings:
        if self.corruption and (self.corruption.elastic_p > 0.0 or self.corruption.ring_p > 0.0):
            raise ValueError(
                "corruption of BokehMe is blur, dilation and erosion: elastic_p and ring_p are 0"
            )
        if self.crop % 2:
            raise ValueError(f"crop must be even, not {self.crop}")
        return self

    def load_recipe(self) -> Recipe:
        """The recipe with its changes."""
        is_file = self.recipe.endswith((".yaml", ".yml"))
        path = Path(self.recipe) if is_file else get(RecipeSpec, self.recipe).load()()
        return load_recipe(path, assignments=self.changes)

    def build_command(self) -> str:
        """What makes the stored set."""
        changes = "".join(f" --set '{change}'" for change in self.changes)
        return (
            f"bokehbench synth build --recipe {self.recipe}{changes} --count {self.scenes} "
            f"--seed {self.seed} --out SET"
        )


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
    """

    K: tuple[float, float]
    losses: Losses

    @model_validator(mode="after")
    def _range(self) -> ARNetSettings:
        _check_K(self.K, RADIUS)
        return self


class IUNetSettings(StageSettings):
    """Stage 2.

    Attributes:
        K: as in stage 1.
        scale: by which ARNet's picture is smaller; one pass of IUNet brings it to full size.
        variant: B1 to B5 of the paper's Table 3; B1 has no IUNet and no stage 2.
    """

    K: tuple[float, float]
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


class ValidationSettings(Strict):
    """Validation on a benchmark (``--validate``), beside that on held-out crops; it chooses nothing.

    Attributes:
        every: so many validations on crops to one on the benchmark.
        cases: per level; 0 for all.
    """

    every: Annotated[int, Field(ge=1)]
    cases: Annotated[int, Field(ge=0)]


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
