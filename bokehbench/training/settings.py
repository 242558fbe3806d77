"""Typed settings of a training run, read from YAML files that may extend one another."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from bokehbench.errors import ConfigError
from bokehbench.synth.config import override, read_yaml
from bokehbench.synth.distributions import Share, Strict

Steps = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
EXTENDS = "extends"
"""Key of a settings file that names the one it changes."""


class Schedule(Strict):
    """The learning rate over the steps, as a share of `StageSettings.lr` (`schedule.learning_rate`).

    Attributes:
        shape: constant; cosine, down to 0 at the last step; trapezoid, constant and then linear to 0.
        warm_up: steps of linear increase at the start.
        decay: trapezoid: the share of all steps that the way down takes.
    """

    shape: Literal["constant", "cosine", "trapezoid"]
    warm_up: Annotated[int, Field(ge=0)]
    decay: Share


class StageSettings(Strict):
    """What the loop needs to know of one stage; there are no defaults, so that a file shows everything.

    Attributes:
        steps: of the optimiser (Adam).
        batch: crops a step, over all processes.
        lr: learning rate.
        schedule: of the learning rate.
        clip_norm: largest norm of the gradient, None for any.
        ema: decay of the moving average of the weights that is then kept, None for none.
        precision: fp32, or bf16 for what autocast computes so (weights, losses and the last layer stay fp32).
        log_every, validate_every, checkpoint_every: steps.
    """

    steps: Steps
    batch: Annotated[int, Field(ge=1)]
    lr: Annotated[float, Field(gt=0.0, le=1.0)]
    schedule: Schedule
    clip_norm: Annotated[float, Field(gt=0.0)] | None
    ema: Annotated[float, Field(gt=0.0, lt=1.0)] | None
    precision: Literal["fp32", "bf16"]
    log_every: Steps
    validate_every: Steps
    checkpoint_every: Steps

    @model_validator(mode="after")
    def _warm(self) -> StageSettings:
        if self.schedule.warm_up >= self.steps:
            raise ValueError(f"schedule.warm_up must be less than the {self.steps} steps")
        return self


S = TypeVar("S", bound=BaseModel)


def load_settings(kind: type[S], folder: Path, config: str, assignments: tuple[str, ...] = ()) -> S:
    """Read settings.

    Args:
        kind: their type.
        folder: of the files that come with the package.
        config: name of one of those, or a YAML file.
        assignments: ``key.path=value`` of the command line, applied last.

    Raises:
        ConfigError: no such settings, an unknown field, or a value out of range.
        InputError: a file that cannot be read.
    """
    values = override(_merged(folder, _path(folder, config), ()), assignments)
    where = f"{config} with --set" if assignments else config
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"--config {where}: {_first(error, kind)}") from error


def names(folder: Path) -> list[str]:
    """Settings that come with the package."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _path(folder: Path, config: str, beside: Path | None = None) -> Path:
    if config.endswith((".yaml", ".yml")):
        return (beside or Path()) / config
    if config not in names(folder):
        near = difflib.get_close_matches(config, names(folder), n=1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(names(folder))}, or a YAML file"
        raise ConfigError(f"--config {config}: no such settings; {hint}")
    return folder / f"{config}.yaml"


def _merged(folder: Path, path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ConfigError(f"{path.name}: settings are fields and values, as bokehbench's own files show")
    base = values.pop(EXTENDS, None)
    if base is None:
        return values
    if path.resolve() in above:
        raise ConfigError(f"{path.name}: {EXTENDS} goes round in a circle")
    below = _path(folder, str(base), path.parent)
    return merge(_merged(folder, below, (*above, path.resolve())), values)


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Nested fields of `changes` over those of `base`; None replaces a section."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _first(error: ValidationError, kind: type[BaseModel]) -> str:
    """The first error in one line, unknown fields before the rest."""
    found = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    one = found[0]
    field = ".".join(str(part) for part in one["loc"]) or "settings"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if one["type"] != "extra_forbidden":
        message = " ".join(one["msg"].removeprefix("Value error, ").split())
        return f"{field}: {message}{more}"
    near = difflib.get_close_matches(field, list(_fields(kind)), n=1, cutoff=0.6)
    return f"{field}: no such field{f'; did you mean {near[0]}?' if near else ''}{more}"


def _fields(kind: type[BaseModel], above: str = "") -> Iterator[str]:
    """`section.field` of all fields."""
    for name, info in kind.model_fields.items():
        yield f"{above}{name}"
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _fields(info.annotation, f"{above}{name}.")
