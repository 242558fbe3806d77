"""What is done to one picture: every number drawn beforehand, kept as JSON, applied later.

A plan is a list of steps. Sampling draws the same count of numbers whichever branch they lead to, so a
preset that changes one distribution moves nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bokehbench.errors import ConfigError
from bokehbench.synth.degrade import kernels
from bokehbench.synth.degrade.preset import (
    Compat,
    Family,
    FinalConfig,
    JpegConfig,
    KernelConfig,
    NoiseConfig,
    Preset,
    ResizeConfig,
    Sharpen,
    SincConfig,
    StageConfig,
    load_preset,
)

Size = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
ResizeMode = Literal["area", "bilinear", "bicubic", "adaptive"]


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Blur(_Step):
    """Convolution with one kernel; the border is mirrored without repeating the rim."""

    step: Literal["blur"] = "blur"
    family: Family | Literal["sinc"]
    size: int
    sigma: tuple[float, float] = (1.0, 1.0)
    theta: float = 0.0
    beta: float = 1.0
    cutoff: float = 0.0

    def kernel(self) -> kernels.Kernel:
        """[size, size] float32, sum 1."""
        if self.family == "sinc":
            return kernels.sinc(self.size, self.cutoff)
        make = kernels.plateau if self.family.startswith("plateau") else kernels.gaussian
        return make(self.size, self.sigma, self.theta, self.beta)


class Resize(_Step):
    """To a size (W, H); `drift` is a nominal factor that coordinates follow instead (`Compat`)."""

    step: Literal["resize"] = "resize"
    size: Size
    mode: ResizeMode
    drift: float | None = None


class Noise(_Step):
    """Strength is σ for images in [0, 1], or the factor of the shot noise; `field` names the stream."""

    step: Literal["noise"] = "noise"
    kind: Literal["gaussian", "poisson"]
    strength: float
    grey: bool
    field: int


class Jpeg(_Step):
    """Through the codec and back; a whole quality for libjpeg, any for its differentiable imitation."""

    step: Literal["jpeg"] = "jpeg"
    quality: float
    codec: Literal["libjpeg", "diff"] = "libjpeg"


Step = Annotated[Blur | Resize | Noise | Jpeg, Field(discriminator="step")]


class DegradePlan(BaseModel):
    """All that is done to one picture.

    Attributes:
        preset: its name (the plan needs nothing else from it).
        size: (W, H) of the clean picture, without margin.
        margin: pixels around it that are degraded along and cut off at the end, a multiple of `scale`.
        scale: the small picture is `small_size` large.
        sharpen: of the clean picture, before everything else.
        steps: in the order they are applied.
        enlarge: how the small picture becomes `size` again; None leaves it small.
        noise_seed: root of the streams that noise comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: str
    size: Size
    margin: Annotated[int, Field(ge=0)] = 0
    scale: Annotated[int, Field(ge=1)]
    sharpen: Sharpen | None = None
    steps: tuple[Step, ...]
    enlarge: ResizeMode | None
    noise_seed: int

    @property
    def outer_size(self) -> tuple[int, int]:
        """(W, H) of the picture that `apply` takes: with the margin."""
        return self.size[0] + 2 * self.margin, self.size[1] + 2 * self.margin

    @property
    def small_size(self) -> tuple[int, int]:
        """(W, H) of the small picture without margin."""
        return _divided(self.size, self.scale)

    @classmethod
    def sample(
        cls, rng: np.random.Generator, preset: str | Path | Preset, size: tuple[int, int], margin: int = 0
    ) -> DegradePlan:
        """Draw a plan for a picture of `size` (W, H).

        Raises:
            ConfigError: an unknown preset, an empty size, or a margin that is no multiple of its scale.
        """
        preset = preset if isinstance(preset, Preset) else load_preset(preset)
        if min(size) < 1:
            raise ConfigError(f"a picture of {size[0]}x{size[1]} pixels cannot be degraded")
        if margin < 0 or margin % preset.scale:
            raise ConfigError(f"a margin must be a multiple of the scale {preset.scale}, not {margin}")
        outer = size[0] + 2 * margin, size[1] + 2 * margin
        noise_seed = int(rng.integers(2**31))
        steps: list[Step] = []
        now, small = outer, _divided(outer, preset.scale)
        for number, stage in enumerate(preset.stages):
            made = _sample_stage(_draw(rng), stage, preset.compat, now, small, number)
            now = next((s.size for s in reversed(made) if isinstance(s, Resize)), now)
            steps += made
        steps += _sample_final(_draw(rng), preset.final, preset.compat, small)
        enlarge = _mode(_draw(rng)["mode"], preset.enlarge, preset.compat) if preset.enlarge else None
        return cls(
            preset=preset.name,
            size=size,
            margin=margin,
            scale=preset.scale,
            sharpen=preset.sharpen,
            steps=tuple(steps),
            enlarge=enlarge,
            noise_seed=noise_seed,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` gives an equal plan, which gives equal pixels."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, fields: object) -> DegradePlan:
        """Inverse of `to_json`; ConfigError names the field that is wrong."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"degradation plan: {field}: {first['msg']}") from error


DRAWS = (
    *("blur", "sinc", "kernel_size", "family", "sigma_x", "sigma_y", "theta", "beta_side", "beta", "cutoff"),
    *("direction", "factor", "mode", "noise", "strength", "grey", "quality", "order"),
)
"""One number in [0, 1) for each is drawn a stage, used or not."""


def _draw(rng: np.random.Generator) -> dict[str, float]:
    return dict(zip(DRAWS, rng.random(len(DRAWS)).tolist(), strict=True))


def _divided(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Sides divided and rounded (halves up), at least 1."""
    return max(1, int(size[0] / scale + 0.5)), max(1, int(size[1] / scale + 0.5))


def _between(u: float, limits: tuple[float, float]) -> float:
    return limits[0] + u * (limits[1] - limits[0])


def _choose(u: float, weights: Mapping[Any, float]) -> Any:
    keys = sorted(weights)
    bounds = np.cumsum([weights[key] for key in keys])
    return keys[min(int(np.searchsorted(bounds, u * bounds[-1], side="right")), len(keys) - 1)]


def _mode(u: float, modes: Mapping[Any, float], compat: Compat) -> ResizeMode:
    mode: ResizeMode = _choose(u, modes)
    return "adaptive" if mode == "area" and compat.area == "adaptive" else mode


def _sample_stage(
    u: dict[str, float],
    stage: StageConfig,
    compat: Compat,
    now: tuple[int, int],
    small: tuple[int, int],
    number: int,
) -> list[Step]:
    steps: list[Step] = []
    if stage.kernel is not None and u["blur"] < stage.kernel.p:
        steps.append(_sample_blur(u, stage.kernel))
    if stage.resize is not None:
        steps += _sample_resize(u, stage.resize, compat, now, small)
    if stage.noise is not None:
        steps.append(_sample_noise(u, stage.noise, number))
    if stage.jpeg is not None:
        steps.append(_sample_jpeg(u["quality"], stage.jpeg, compat))
    return steps


def _sample_blur(u: dict[str, float], config: KernelConfig) -> Blur:
    size = config.sizes[int(u["kernel_size"] * len(config.sizes))]
    if u["sinc"] < config.sinc_p:
        limits = config.sinc_cutoff_small if size < 13 else config.sinc_cutoff
        return Blur(family="sinc", size=size, cutoff=_between(u["cutoff"], limits))
    family: Family = _choose(u["family"], config.families)
    sigma_x, sigma_y = _between(u["sigma_x"], config.sigma), _between(u["sigma_y"], config.sigma)
    theta = _between(u["theta"], (-np.pi, np.pi))
    if family.endswith("_iso") or family == "iso":
        sigma_y, theta = sigma_x, 0.0
    beta = 1.0
    if family.startswith(("generalised", "plateau")):
        low, high = config.beta_plateau if family.startswith("plateau") else config.beta_generalised
        beta = _between(u["beta"], (low, 1.0) if u["beta_side"] < 0.5 else (1.0, high))
    return Blur(family=family, size=size, sigma=(sigma_x, sigma_y), theta=theta, beta=beta)


def _sample_resize(
    u: dict[str, float],
    config: ResizeConfig,
    compat: Compat,
    now: tuple[int, int],
    small: tuple[int, int],
) -> list[Step]:
    factor = 1.0
    if u["direction"] < config.up_p:
        factor = _between(u["factor"], config.up)
    elif u["direction"] < config.up_p + config.down_p:
        factor = _between(u["factor"], config.down)
    mode = _mode(u["mode"], config.modes, compat)
    base = now if config.relative_to == "input" else small
    size, drift = _divided(base, 1.0 / factor), None
    if compat.scale_factor_drift and config.relative_to == "input" and mode in ("bilinear", "bicubic"):
        size, drift = (max(1, int(now[0] * factor)), max(1, int(now[1] * factor))), factor
    return [] if size == now else [Resize(size=size, mode=mode, drift=drift)]


def _sample_noise(u: dict[str, float], config: NoiseConfig, number: int) -> Noise:
    grey = u["grey"] < config.grey_p
    if u["noise"] < config.gaussian_p:
        strength = _between(u["strength"], config.sigma) / 255.0
        return Noise(kind="gaussian", strength=strength, grey=grey, field=number)
    strength = _between(u["strength"], config.poisson)
    return Noise(kind="poisson", strength=strength, grey=grey, field=number)


def _sample_jpeg(u: float, config: JpegConfig, compat: Compat) -> Jpeg:
    quality = _between(u, config.quality)
    return Jpeg(quality=quality if compat.jpeg == "diff" else round(quality), codec=compat.jpeg)


def _sample_sinc(u: dict[str, float], config: SincConfig) -> Blur:
    size = config.sizes[int(u["kernel_size"] * len(config.sizes))]
    return Blur(family="sinc", size=size, cutoff=_between(u["cutoff"], config.cutoff))


def _sample_final(
    u: dict[str, float], config: FinalConfig, compat: Compat, small: tuple[int, int]
) -> list[Step]:
    shrink: list[Step] = [Resize(size=small, mode=_mode(u["mode"], config.modes, compat))]
    if config.sinc is not None and u["sinc"] < config.sinc.p:
        shrink.append(_sample_sinc(u, config.sinc))
    code: list[Step] = [_sample_jpeg(u["quality"], config.jpeg, compat)] if config.jpeg else []
    return shrink + code if u["order"] < config.resize_first_p else code + shrink
