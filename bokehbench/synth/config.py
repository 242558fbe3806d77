"""The typed configuration of a recipe: every random variable a named field with its distribution."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bokehbench.errors import ConfigError, InputError
from bokehbench.records import sha256_json
from bokehbench.synth.assets.catalogue import BACKGROUNDS, FOREGROUNDS
from bokehbench.synth.assets.library import PHOTOGRAPH, weighted


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Distribution(_Strict):
    """A random number; in YAML a plain number, or a mapping with one of the fields below.

    Attributes:
        constant: always this.
        uniform: [low, high].
        loguniform: [low, high], both > 0.
        lognormal: [median, sigma of the logarithm].
    """

    constant: float | None = None
    uniform: tuple[float, float] | None = None
    loguniform: tuple[float, float] | None = None
    lognormal: tuple[float, float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"constant": value} if isinstance(value, (int, float)) else value

    @model_validator(mode="after")
    def _one(self) -> Distribution:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of constant, uniform, loguniform, lognormal")
        for name in ("uniform", "loguniform"):
            bounds = getattr(self, name)
            if bounds and bounds[0] > bounds[1]:
                raise ValueError(f"{name} [low, high] needs low <= high, not {list(bounds)}")
        if (self.loguniform and self.loguniform[0] <= 0) or (self.lognormal and self.lognormal[0] <= 0):
            raise ValueError(f"{given[0]} needs positive numbers")
        return self

    def draw(self, rng: np.random.Generator) -> float:
        """One number; always one draw from `rng`."""
        if self.lognormal:
            return float(self.lognormal[0] * np.exp(self.lognormal[1] * rng.standard_normal()))
        u = rng.random()
        if self.uniform:
            return float(self.uniform[0] + u * (self.uniform[1] - self.uniform[0]))
        if self.loguniform:
            low, high = np.log(self.loguniform)
            return float(np.exp(low + u * (high - low)))
        assert self.constant is not None
        return self.constant

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest value (infinite for a lognormal)."""
        if self.lognormal:
            return 0.0, float("inf")
        if self.constant is not None:
            return self.constant, self.constant
        return self.uniform or self.loguniform or (0.0, 0.0)


Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weights = Annotated[dict[str, Annotated[float, Field(ge=0.0)]], Field(min_length=1)]
Counts = Annotated[
    dict[Annotated[int, Field(ge=0, le=12)], Annotated[float, Field(ge=0.0)]], Field(min_length=1)
]


def _known(weights: dict[str, float], names: set[str], what: str) -> None:
    unknown = sorted(set(weights) - names)
    if unknown:
        raise ValueError(f"unknown {what} {', '.join(unknown)}; one of {', '.join(sorted(names))}")
    if sum(weights.values()) <= 0.0:
        raise ValueError(f"the weights of {what} add up to 0")


class Foregrounds(_Strict):
    """Which cut-outs, how large, where."""

    count: Counts
    kinds: Weights
    area: Distribution
    rotation_deg: Distribution
    flip_p: Share
    inside_min: Share
    candidates: Annotated[int, Field(ge=1, le=64)]
    brightness: Distribution
    white_balance: Distribution

    @model_validator(mode="after")
    def _kinds(self) -> Foregrounds:
        _known(self.kinds, set(FOREGROUNDS), "foreground kinds")
        return self


class Backgrounds(_Strict):
    """Which pictures, and which part of them."""

    kinds: Weights
    crop: Distribution
    upscale_max: Annotated[float, Field(ge=1.0, le=4.0)]
    flip_p: Share
    brightness: Distribution
    white_balance: Distribution

    @model_validator(mode="after")
    def _kinds(self) -> Backgrounds:
        _known(self.kinds, {*BACKGROUNDS, PHOTOGRAPH}, "background kinds")
        return self


class Planes(_Strict):
    """Disparities and tilts."""

    background_base: Distribution
    background_range: Distribution
    background_direction_deg: Distribution
    gap: Annotated[float, Field(ge=0.02, le=0.5)]
    foreground_range: Distribution
    foreground_direction_deg: Distribution
    gap_share: Share


class Optics(_Strict):
    """K by the largest radius it makes, and the shape of the opening."""

    sharp_p: Share
    radius_at_512: Distribution
    K_max_at_512: Annotated[float, Field(gt=0.0)]
    tilt_max: Annotated[float, Field(gt=0.0, le=0.5)]
    aperture: dict[Literal["disc", "polygon", "donut"], Annotated[float, Field(ge=0.0)]]
    blades: Counts
    curvature: Distribution
    rotation_deg: Distribution
    inner: Distribution


class Focus(_Strict):
    """Where the focal plane lies."""

    rules: dict[
        Literal["layer_median", "background_median", "pixel", "uniform", "between"],
        Annotated[float, Field(ge=0.0)],
    ]
    uniform: Distribution
    between: Distribution


class Highlights(_Strict):
    """What is done about clipped lights, before both images are rendered."""

    modes: dict[Literal["none", "lift", "lights"], Annotated[float, Field(ge=0.0)]]
    lift_log2_gain: Distribution
    lift_from: Share
    lift_to: Share
    lift_limit: Annotated[float, Field(gt=1.0)]
    lights_count: Distribution
    lights_radius_at_512: Distribution
    lights_radiance: Distribution
    lights_radiance_max: Annotated[float, Field(gt=1.0)]
    lights_below: Annotated[float, Field(gt=0.0)]


class Recipe(_Strict):
    """All that makes a sample, apart from the root seed and the pictures in folders."""

    recipe: str
    version: Annotated[int, Field(ge=1)]
    size: tuple[Annotated[int, Field(ge=64, le=4096)], Annotated[int, Field(ge=64, le=4096)]]
    gamma: Annotated[float, Field(gt=0.0, le=5.0)]
    quality: Literal["draft", "standard", "high", "final"]
    attempts: Annotated[int, Field(ge=1, le=100)]
    folder_share: Share
    foregrounds: Foregrounds
    backgrounds: Backgrounds
    planes: Planes
    optics: Optics
    focus: Focus
    highlights: Highlights

    @model_validator(mode="after")
    def _room(self) -> Recipe:
        far = self.planes.background_base.bounds[1] + self.planes.background_range.bounds[1]
        most = max(self.foregrounds.count)
        if far + most * self.planes.gap >= 1.0:
            raise ValueError(
                f"planes: a background up to {far:g} and {most} foregrounds with gaps of "
                f"{self.planes.gap:g} do not fit below disparity 1"
            )
        return self

    @property
    def id(self) -> str:
        """`name@version`."""
        return f"{self.recipe}@{self.version}"

    def to_json(self) -> dict[str, Any]:
        """Plain values, inverse of `parse_recipe`."""
        return self.model_dump(mode="json", exclude_none=True)

    @property
    def hash(self) -> str:
        """Digest of every value."""
        return sha256_json(self.to_json())


def parse_recipe(values: Any, where: str) -> Recipe:
    """Check plain values; ConfigError names the field, unknown fields are refused."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        found = error.errors()
        first = found[0]
        field = ".".join(str(part) for part in first["loc"]) or "recipe"
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = "no such field"
        raise ConfigError(f"{where}: {field}: {message}{more}") from error


def read_yaml(path: Path) -> Any:
    """Values of a YAML file; InputError where it cannot be read."""
    try:
        return yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not readable as YAML ({error})") from error


def override(values: Any, assignments: tuple[str, ...]) -> Any:
    """Apply `key.path=value` (value in YAML) to nested mappings; ConfigError for a key that is not there."""
    for text in assignments:
        key, equals, value = text.partition("=")
        parts = key.strip().split(".")
        if not equals:
            raise ConfigError(f"--set {text}: write key.path=value, for example optics.sharp_p=0")
        target = values
        for part in parts[:-1]:
            if not isinstance(target, dict) or part not in target:
                raise ConfigError(f"--set {text}: the recipe has no field {key}")
            target = target[part]
        if not isinstance(target, dict) or parts[-1] not in target:
            raise ConfigError(f"--set {text}: the recipe has no field {key}")
        try:
            target[parts[-1]] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {text}: {value!r} is not YAML") from error
    return values


def load_recipe(
    path: Path, *, size: tuple[int, int] | None = None, assignments: tuple[str, ...] = ()
) -> Recipe:
    """Read a recipe file and apply what the command line changes."""
    values = override(read_yaml(path), assignments)
    if size is not None and isinstance(values, dict):
        values["size"] = list(size)
    return parse_recipe(values, path.name)


def builtin_path(name: str) -> Path:
    """The YAML file of a recipe that comes with the package."""
    return Path(str(resources.files("bokehbench.synth.recipes") / f"{name}.yaml"))


def bokehbench_v1() -> Path:
    """The recipe `bokehbench_v1`: the implementation that its spec names."""
    return builtin_path("bokehbench_v1")


def draw_key(rng: np.random.Generator, weights: Any) -> Any:
    """One key of a mapping of weights; always one draw."""
    return weighted(rng.random(), weights)
