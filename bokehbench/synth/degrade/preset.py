"""The typed configuration of a degradation: every random variable a named field with its distribution.

The structure is that of Real-ESRGAN (Wang et al., ICCVW 2021, section 3): stages of blur, resize, noise and
JPEG, then a final resize with a sinc filter and a JPEG in either order. Presets are YAML files beside this
module; a path to one's own file serves as well.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bokehbench.errors import ConfigError

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Family = Literal["iso", "aniso", "generalised_iso", "generalised_aniso", "plateau_iso", "plateau_aniso"]
Mode = Literal["area", "bilinear", "bicubic"]
Modes = Annotated[dict[Mode, Weight], Field(min_length=1)]
Range = tuple[Annotated[float, Field(allow_inf_nan=False)], Annotated[float, Field(allow_inf_nan=False)]]
Sizes = Annotated[list[Annotated[int, Field(ge=3, le=51)]], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _ordered(name: str, limits: Range, least: float, most: float = float("inf")) -> None:
    low, high = limits
    if not least <= low <= high <= most:
        raise ValueError(f"{name} must be [low, high] within {least:g} to {most:g}, not [{low:g}, {high:g}]")


class Sharpen(_Strict):
    """Unsharp masking of the clean picture, which then is the target as well.

    Attributes:
        size: side of the Gaussian kernel, odd; its σ follows from it, 0.3 (0.5 (size − 1) − 1) + 0.8.
        weight: share of the residual that is added.
        threshold: least residual, in 1/255, where anything is added.
    """

    size: Annotated[int, Field(ge=3, le=101)]
    weight: Annotated[float, Field(ge=0.0, le=4.0)]
    threshold: Annotated[float, Field(ge=0.0, le=255.0)]


class KernelConfig(_Strict):
    """Blur: a sinc filter with `sinc_p`, else a kernel of a family drawn by weight.

    Attributes:
        p: how often there is any blur.
        sizes: odd sides, all equally likely.
        sigma: of both axes, pixels; drawn apart for the `aniso` families, which are turned at random.
        beta_generalised, beta_plateau: shape; half of the draws in [low, 1], half in [1, high].
        sinc_cutoff, sinc_cutoff_small: range of the cut-off in radians, for sizes from 13 and below.
    """

    p: Share
    sizes: Sizes
    families: Annotated[dict[Family, Weight], Field(min_length=1)]
    sigma: Range
    beta_generalised: Range
    beta_plateau: Range
    sinc_p: Share
    sinc_cutoff: Range
    sinc_cutoff_small: Range

    @model_validator(mode="after")
    def _limits(self) -> KernelConfig:
        if any(size % 2 == 0 for size in self.sizes):
            raise ValueError("kernel sizes must be odd")
        if sum(self.families.values()) <= 0.0:
            raise ValueError("the weights of families add up to 0")
        _ordered("sigma", self.sigma, 0.05, 50.0)
        for name in ("beta_generalised", "beta_plateau"):
            low, high = getattr(self, name)
            if not 0.1 <= low <= 1.0 <= high <= 20.0:
                raise ValueError(f"{name} must be [low, high] with 0.1 <= low <= 1 <= high <= 20")
        for name in ("sinc_cutoff", "sinc_cutoff_small"):
            _ordered(name, getattr(self, name), 0.1, 3.1416)
        return self


class ResizeConfig(_Strict):
    """A random change of size by a factor of `relative_to` (this stage's input, or the final size)."""

    up_p: Share
    down_p: Share
    up: Range
    down: Range
    relative_to: Literal["input", "output"]
    modes: Modes

    @model_validator(mode="after")
    def _limits(self) -> ResizeConfig:
        if self.up_p + self.down_p > 1.0 + 1e-9:
            raise ValueError("up_p and down_p add up to more than 1")
        _ordered("up", self.up, 1.0, 4.0)
        _ordered("down", self.down, 0.05, 1.0)
        _some(self.modes)
        return self


def _some(modes: dict[Mode, float]) -> None:
    if sum(modes.values()) <= 0.0:
        raise ValueError("the weights of modes add up to 0")


class NoiseConfig(_Strict):
    """Gaussian noise with `gaussian_p`, else Poisson noise; one field for all channels with `grey_p`.

    Attributes:
        sigma: of Gaussian noise, in 1/255.
        poisson: factor of the shot noise that the picture's own number of code values stands for.
    """

    gaussian_p: Share
    sigma: Range
    poisson: Range
    grey_p: Share

    @model_validator(mode="after")
    def _limits(self) -> NoiseConfig:
        _ordered("sigma", self.sigma, 0.0, 255.0)
        _ordered("poisson", self.poisson, 0.0, 20.0)
        return self


class JpegConfig(_Strict):
    """Quality of libjpeg, rounded to a whole number."""

    quality: Range

    @model_validator(mode="after")
    def _limits(self) -> JpegConfig:
        _ordered("quality", self.quality, 1.0, 100.0)
        return self


class StageConfig(_Strict):
    """Blur, resize, noise, JPEG; what is null is left out."""

    kernel: KernelConfig | None = None
    resize: ResizeConfig | None = None
    noise: NoiseConfig | None = None
    jpeg: JpegConfig | None = None


class SincConfig(_Strict):
    """The sinc filter at the end, which makes ringing and overshoot."""

    p: Share
    sizes: Sizes
    cutoff: Range

    @model_validator(mode="after")
    def _limits(self) -> SincConfig:
        if any(size % 2 == 0 for size in self.sizes):
            raise ValueError("kernel sizes must be odd")
        _ordered("cutoff", self.cutoff, 0.1, 3.1416)
        return self


class FinalConfig(_Strict):
    """To the final size: [resize, sinc, JPEG] with `resize_first_p`, else [JPEG, resize, sinc]."""

    resize_first_p: Share
    modes: Modes
    sinc: SincConfig | None = None
    jpeg: JpegConfig | None = None

    @model_validator(mode="after")
    def _limits(self) -> FinalConfig:
        _some(self.modes)
        return self


class Compat(_Strict):
    """Quirks of published code, off unless a comparison with it needs them.

    Attributes:
        scale_factor_drift: stages that resize relative to their input map coordinates with the nominal
            factor although the size was rounded down (torch's interpolate with scale_factor), so content
            drifts towards the far corner.
        area: "adaptive" averages whole pixels per output pixel (torch's adaptive pooling) instead of exact
            areas.
        jpeg: "diff" is the differentiable imitation of JPEG instead of libjpeg: no chroma interpolation,
            floating-point tables and quality.
    """

    scale_factor_drift: bool = False
    area: Literal["exact", "adaptive"] = "exact"
    jpeg: Literal["libjpeg", "diff"] = "libjpeg"


class Preset(_Strict):
    """A degradation: see the fields of its parts.

    Attributes:
        scale: the small picture's sides are those of the clean one divided by it, rounded.
        enlarge: how the small picture is brought back to full size, by weight; null keeps it small.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    summary: str
    source: str
    scale: Annotated[int, Field(ge=1, le=16)]
    sharpen: Sharpen | None = None
    stages: Annotated[list[StageConfig], Field(min_length=1, max_length=4)]
    final: FinalConfig
    enlarge: Modes | None
    compat: Compat = Compat()

    @model_validator(mode="after")
    def _limits(self) -> Preset:
        if self.enlarge is not None:
            _some(self.enlarge)
        return self


def preset_names() -> tuple[str, ...]:
    """Names of the presets that come with the package, sorted."""
    folder = resources.files("bokehbench.synth.degrade") / "presets"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_preset(name: str | Path) -> Preset:
    """A preset by name, or from a YAML file (a name that ends in .yaml or .yml).

    Raises:
        ConfigError: an unknown name, an unreadable file, or a field that is unknown or out of range.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        if str(name) not in preset_names():
            raise ConfigError(
                f"unknown preset {str(name)!r}; one of {', '.join(preset_names())}, or a YAML file"
            )
        path = Path(str(resources.files("bokehbench.synth.degrade") / "presets" / f"{name}.yaml"))
    try:
        fields = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such preset file") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not readable as YAML ({' '.join(str(error).split())})") from error
    return parse_preset(fields, str(path))


def parse_preset(fields: object, where: str) -> Preset:
    """A preset from plain data; ConfigError names the field that is wrong."""
    try:
        return Preset.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "preset"
        raise ConfigError(f"{where}: {field}: {first['msg']}") from error
