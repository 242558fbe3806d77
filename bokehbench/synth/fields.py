"""The sections of a recipe that make a scene: layers, planes, light, and what is stored besides.

Every random variable is a named field; `lens_fields` has those of the photograph.

Numbers that end with `_at_512` are pixels at a frame 512 wide and grow with the frame.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer, field_validator, model_validator

from bokehbench.errors import BokehbenchError
from bokehbench.synth.assets.catalogue import BACKGROUNDS, FOREGROUNDS
from bokehbench.synth.assets.library import PHOTOGRAPH
from bokehbench.synth.degrade import Preset, load_preset, preset_names
from bokehbench.synth.distributions import (
    INFINITE,
    Counts,
    Distribution,
    Share,
    Strict,
    Weight,
    Weights,
    weigh,
    within,
)

GAP_LEAST = 0.02


# ------------------------------------------------------------------------------------------------ layers


class ByArea(Strict):
    """A cut-out's size by the area of its bounding box, over the frame."""

    rule: Literal["area"]
    area: Distribution

    @model_validator(mode="after")
    def _range(self) -> ByArea:
        within(self.area, 1e-4, 4.0, "area")
        return self


class BySide(Strict):
    """A cut-out's size by the side of a square of equal area, over the frame's, then shrunk until it fits.

    Attributes:
        side: square root of the bounding box's area over that of the frame.
        shrink: factor that is applied again and again while a side is longer than the frame.
    """

    rule: Literal["side"]
    side: Distribution
    shrink: Annotated[float, Field(ge=0.5, lt=1.0)]

    @model_validator(mode="after")
    def _range(self) -> BySide:
        within(self.side, 1e-2, 2.0, "side")
        return self


class Anywhere(Strict):
    """Uniform over every place that keeps enough of the cut-out in the picture.

    Attributes:
        inside_min: least share of its alpha mass inside the picture.
        candidates: places tried for that; the best of them where none does.
    """

    rule: Literal["anywhere"]
    inside_min: Share
    candidates: Annotated[int, Field(ge=1, le=64)]


class NearCentre(Strict):
    """Around the middle of the frame: whole pixels drawn for each axis, then clamped inside the frame."""

    rule: Literal["centre"]
    jitter_at_512: Distribution


class Foregrounds(Strict):
    """Which cut-outs, how large, where."""

    count: Counts
    kinds: Weights
    scale: Annotated[ByArea | BySide, Field(discriminator="rule")]
    position: Annotated[Anywhere | NearCentre, Field(discriminator="rule")]
    rotation_deg: Distribution
    flip_p: Share
    brightness: Distribution
    white_balance: Distribution

    @model_validator(mode="after")
    def _kinds(self) -> Foregrounds:
        weigh(self.kinds, "foreground kinds", FOREGROUNDS)
        weigh(self.count, "foreground counts")
        within(self.brightness, 0.0, INFINITE, "brightness")
        within(self.white_balance, 0.0, INFINITE, "white_balance")
        return self


class Backgrounds(Strict):
    """Which pictures, and which part of them."""

    kinds: Weights
    crop: Distribution
    upscale_max: Annotated[float, Field(ge=1.0, le=4.0)]
    flip_p: Share
    brightness: Distribution
    white_balance: Distribution

    @model_validator(mode="after")
    def _kinds(self) -> Backgrounds:
        weigh(self.kinds, "background kinds", {*BACKGROUNDS, PHOTOGRAPH})
        within(self.crop, 0.05, 1.0, "crop")
        within(self.brightness, 0.0, INFINITE, "brightness")
        within(self.white_balance, 0.0, INFINITE, "white_balance")
        return self


class Frame(Strict):
    """The frame that things are placed in, where the picture is only a part of it.

    Attributes:
        side_at_512: of the frame for a picture of 512 pixels.
        rim_at_512: pixels at the frame's edges that the picture never shows.
    """

    side_at_512: Annotated[float, Field(ge=512.0, le=2048.0)] = 512.0
    rim_at_512: Annotated[float, Field(ge=0.0, le=512.0)] = 0.0

    @model_validator(mode="after")
    def _room(self) -> Frame:
        if self.side_at_512 - 2.0 * self.rim_at_512 < 512.0:
            raise ValueError("side_at_512 less two rims must leave the picture's 512 pixels")
        return self


class Augment(Strict):
    """What is done to a whole sample: mirror images, exposure.

    Attributes:
        hflip_p, vflip_p: of all layers together, planes included.
        gain_p, gain: factor on the encoded pictures, all-in-focus and bokeh alike.
    """

    hflip_p: Share = 0.0
    vflip_p: Share = 0.0
    gain_p: Share = 0.0
    gain: Distribution = Distribution(constant=1.0)


# ------------------------------------------------------------------------------------------------ planes


class ByAngle(Strict):
    """Where disparity grows, by the angle; 0 is to the right, 90 downwards."""

    rule: Literal["angle"]
    deg: Distribution


class BySlopes(Strict):
    """Where disparity grows, by two slopes of which only the ratio and signs count."""

    rule: Literal["slopes"]
    slope: Distribution


Direction = Annotated[ByAngle | BySlopes, Field(discriminator="rule")]


class Planes(Strict):
    """Disparities and tilts; 1 is the nearest.

    Attributes:
        background_base, background_range: least disparity and its span over the frame.
        gap: least distance in disparity between neighbouring layers.
        foreground_range: span over the layer's bounding box.
        gap_share: a tilt spans at most this share of the gaps beside it.
        stretch: map disparities so that what is visible spans [0, 1] exactly.
    """

    background_base: Distribution
    background_range: Distribution
    background_direction: Direction
    gap: Annotated[float, Field(ge=0.0, le=0.5)]
    foreground_range: Distribution
    foreground_direction: Direction
    gap_share: Share
    stretch: bool = False

    @model_validator(mode="after")
    def _range(self) -> Planes:
        within(self.background_base, 0.0, 1.0, "background_base")
        within(self.background_range, 0.0, 1.0, "background_range")
        within(self.foreground_range, 0.0, 1.0, "foreground_range")
        return self


# ------------------------------------------------------------------------------------------------- light


class Highlights(Strict):
    """What is done about clipped lights, on linear layers, before both images are rendered.

    Attributes:
        modes: weights of none, lift, inverse_reinhard, bokehme, lights (bokehbench.synth.highlights).
        lift_*: see `highlights.lift`.
        reinhard_white: M, the radiance that white becomes.
        lights_*: lamps put on the background where it is darker than `lights_below`.
        limit: straight radiance that no layer exceeds, last of all. 1 is what a file with a bounded range
            can show, so that input and target hold the same light; None leaves lights as bright as they are.
    """

    modes: dict[Literal["none", "lift", "inverse_reinhard", "bokehme", "lights"], Weight]
    lift_log2_gain: Distribution = Distribution(uniform=(0.0, 4.0))
    lift_from: Share = 0.85
    lift_to: Share = 0.99
    lift_limit: Annotated[float, Field(gt=1.0)] = 30.0
    reinhard_white: Distribution = Distribution(loguniform=(4.0, 64.0))
    lights_count: Distribution = Distribution(uniform=(8.0, 60.0))
    lights_radius_at_512: Distribution = Distribution(uniform=(0.6, 2.2))
    lights_radiance: Distribution = Distribution(lognormal=(30.0, 0.9))
    lights_radiance_max: Annotated[float, Field(gt=1.0)] = 400.0
    lights_below: Annotated[float, Field(gt=0.0)] = 0.2
    limit: Annotated[float, Field(gt=0.0)] | None = None

    @model_validator(mode="after")
    def _range(self) -> Highlights:
        weigh(self.modes, "highlight modes")
        if self.limit is not None and self.modes.get("bokehme", 0.0) > 0.0:
            raise ValueError("limit does not go with mode bokehme, which brightens afterwards")
        if self.lift_from >= self.lift_to:
            raise ValueError("lift_from must be less than lift_to")
        within(self.reinhard_white, 1.0, INFINITE, "reinhard_white")
        within(self.lights_count, 0.0, 10000.0, "lights_count")
        within(self.lights_radius_at_512, 0.0, 256.0, "lights_radius_at_512")
        return self


class Degrade(Strict):
    """A low-quality twin of the all-in-focus image.

    Attributes:
        preset: name of a preset of bokehbench.synth.degrade, or all of its fields; a YAML file is read once,
            so that the recipe's hash covers its numbers and no other machine needs it.
        p: how often the twin is degraded at all.
    """

    preset: str | Preset
    p: Share = 1.0

    @field_validator("preset", mode="after")
    @classmethod
    def _known(cls, value: str | Preset) -> str | Preset:
        if isinstance(value, Preset) or value in preset_names():
            return value
        try:
            return load_preset(value)
        except BokehbenchError as error:
            raise ValueError(str(error)) from error

    @field_serializer("preset")
    def _whole(self, value: str | Preset) -> str | dict[str, Any]:
        # A recipe leaves out what is None; a preset says so.
        return value if isinstance(value, str) else value.model_dump(mode="json")


class Compat(Strict):
    """Faults of the published samplers, one flag each, for a faithful comparison; all off by default.

    Rendering goes through the published kernels (bokehbench.synth.render.published) on the frame, without
    padding, as soon as this section is there. What has no effect on pictures is not imitated: global random
    states, a decoder that accepts truncated files, kernels compiled for every size.

    Attributes:
        kernel: whose sums, epsilons and thresholds: mpib or bokehdiff.
        samples_per_reach: lens samples per side of the square grid, int(this * reach / 12).
        samples_per_side: fixed number of samples per side instead.
        flat_foregrounds: sampled tilts have no effect.
        label_factor: the K that is written down is reach * this, without the division by
            max(disp_focus, 1 - disp_focus); the true one renders. None writes the true one down.
        aif_in_gamma: the all-in-focus image is composited in encoded values, bokeh in linear light.
        soft_disparity: disparity mixed by alpha at soft edges.
        lanczos_straight: cut-outs resized by Lanczos, colour and alpha apart, alpha not clipped.
        short_boxes: bounding boxes lose their last row and column.
        stretch_background: backgrounds stretched to the frame whatever their shape.
    """

    kernel: Literal["mpib", "bokehdiff"]
    samples_per_reach: Annotated[float, Field(gt=0.0)] = 21.0
    samples_per_side: Annotated[int, Field(ge=3, le=201)] | None = None
    flat_foregrounds: bool = False
    label_factor: Distribution | None = None
    aif_in_gamma: bool = False
    soft_disparity: bool = False
    lanczos_straight: bool = False
    short_boxes: bool = False
    stretch_background: bool = False

    @model_validator(mode="after")
    def _range(self) -> Compat:
        if self.label_factor:
            within(self.label_factor, 0.01, 100.0, "label_factor")
        return self
