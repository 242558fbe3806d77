"""The sections of a recipe that say how a scene is photographed: opening, K, focus, stack.

Numbers that end with `_at_512` are pixels at a frame 512 wide and grow with the frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from bokehbench.apertures import MASK, OUTLINES, Aperture
from bokehbench.errors import BokehbenchError
from bokehbench.images import read_image
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

Vignettes = dict[Literal["normalise", "physical"], Weight]


def _normalised() -> Vignettes:
    return {"normalise": 1.0}


class Opening(Strict):
    """The shape of the lens opening, and how the corners of the picture see it.

    Attributes:
        shapes: weights of disc, polygon, donut, the built-in outlines, and mask.
        blades, curvature: of polygons. rotation_deg: of everything that is not round.
        inner: radius of a donut's obstruction.
        masks: grey PNGs for `mask` (read once, they travel inside the plan).
        soap_p, rim, rim_power: share of openings with a bright rim, and its weight 1 + rim r^rim_power.
        cat_eye_p, cat_eye: share, and displacement of the second disc at the corners, in radii.
        vignette: weights of normalise (brightness as in the middle) and physical (dark corners).
        colour_p, colour_shift: share of lenses with longitudinal colour, and how much nearer red, and
            farther blue, is focused (disparity).
    """

    shapes: Weights
    blades: Counts
    curvature: Distribution
    rotation_deg: Distribution
    inner: Distribution
    masks: tuple[str, ...] = ()
    soap_p: Share = 0.0
    rim: Distribution = Distribution(constant=0.0)
    rim_power: Distribution = Distribution(constant=6.0)
    cat_eye_p: Share = 0.0
    cat_eye: Distribution = Distribution(constant=0.0)
    vignette: Vignettes = Field(default_factory=_normalised)
    colour_p: Share = 0.0
    colour_shift: Distribution = Distribution(constant=0.0)

    @field_validator("masks", mode="after")
    @classmethod
    def _embedded(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text if text.startswith(MASK) else _embed(text) for text in value)

    @model_validator(mode="after")
    def _range(self) -> Opening:
        weigh(self.shapes, "aperture shapes", {"disc", "polygon", "donut", "mask", *OUTLINES})
        weigh(self.vignette, "vignette")
        if self.shapes.get("mask", 0.0) > 0.0 and not self.masks:
            raise ValueError("shapes has a weight for mask, but masks names no picture")
        if any(0 < blades < 3 or blades == 0 for blades in self.blades):
            raise ValueError("blades must be at least 3")
        within(self.curvature, 0.0, 1.0, "curvature")
        within(self.inner, 0.0, 0.95, "inner")
        within(self.rim, -1.0, INFINITE, "rim")
        within(self.rim_power, 0.01, INFINITE, "rim_power")
        within(self.cat_eye, 0.0, 1.0, "cat_eye")
        within(self.colour_shift, -0.2, 0.2, "colour_shift")
        return self


def _embed(path: str) -> str:
    try:
        return Aperture.from_image(read_image(Path(path))).shape
    except BokehbenchError as error:
        raise ValueError(f"masks: {error}") from error


class _Optics(Strict):
    """What every rule of K shares: `tilt_max` limits K |(p, q)|, by less K or less tilt."""

    tilt_max: Annotated[float, Field(gt=0.0, le=0.5)]
    opening: Opening


class RadiusOptics(_Optics):
    """K by the largest blur radius in the picture; with `sharp_p` K = 0, bokeh equals all-in-focus."""

    rule: Literal["radius"]
    sharp_p: Share
    radius_at_512: Distribution
    K_max_at_512: Annotated[float, Field(gt=0.0)]

    @model_validator(mode="after")
    def _radius(self) -> RadiusOptics:
        within(self.radius_at_512, 0.0, 256.0, "radius_at_512")
        return self


class ReachOptics(_Optics):
    """K = reach / max(disp_focus, 1 - disp_focus): the radius at the far end of the scale [0, 1]."""

    rule: Literal["reach"]
    reach_at_512: Distribution

    @model_validator(mode="after")
    def _reach(self) -> ReachOptics:
        within(self.reach_at_512, 0.0, 256.0, "reach_at_512")
        return self


class DirectOptics(_Optics):
    """K itself, pixels per unit of disparity."""

    rule: Literal["K"]
    K_at_512: Distribution

    @model_validator(mode="after")
    def _positive(self) -> DirectOptics:
        within(self.K_at_512, 0.0, 400.0, "K_at_512")
        return self


Optics = Annotated[RadiusOptics | ReachOptics | DirectOptics, Field(discriminator="rule")]

FocusRule = Literal[
    "layer_median",
    "background_median",
    "foreground_mean",
    "background_mean",
    "pixel",
    "foreground_pixel",
    "background_pixel",
    "uniform",
    "between",
]


class Focus(Strict):
    """Where the focal plane lies.

    Attributes:
        rules: weights of: the median of what is visible of a random foreground, or of the background; the
            mean over a random foreground's, or the background's, plane; a random pixel of a random layer, of
            a foreground, or of the background; uniform; between two neighbouring layers.
        uniform: for that rule.
        between: 0 is the nearer layer's median, 1 the farther one's.
    """

    rules: dict[FocusRule, Weight]
    uniform: Distribution = Distribution(uniform=(0.0, 1.0))
    between: Distribution = Distribution(constant=0.5)

    @model_validator(mode="after")
    def _range(self) -> Focus:
        weigh(self.rules, "focus rules")
        within(self.uniform, 0.0, 1.0, "uniform")
        within(self.between, 0.0, 1.0, "between")
        return self


class Stack(Strict):
    """Many photographs of one scene: combinations of the lists; an empty list keeps what was drawn.

    Attributes:
        K_at_512, disp_focus, gamma: values.
        apertures: fields of `optics.Aperture`.
        aif: "canonical" composites once with the recipe's gamma and records how far each gamma is from it;
            "per_gamma" also stores an all-in-focus image for every gamma.
        photographs: of each K and aperture, so many of the focal planes and gammas, in every scene others;
            None for every combination.
    """

    K_at_512: tuple[Annotated[float, Field(ge=0.0, le=400.0)], ...] = ()
    disp_focus: tuple[Share, ...] = ()
    gamma: tuple[Annotated[float, Field(gt=0.0, le=10.0)], ...] = ()
    apertures: tuple[dict[str, Any], ...] = ()
    aif: Literal["canonical", "per_gamma"] = "canonical"
    photographs: Annotated[int, Field(ge=1)] | None = None

    @field_validator("apertures", mode="after")
    @classmethod
    def _apertures(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        try:
            return tuple(Aperture.from_json(fields).to_json() for fields in value)
        except BokehbenchError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _distinct(self) -> Stack:
        for name in ("K_at_512", "disp_focus", "gamma", "apertures"):
            values = getattr(self, name)
            if any(value in values[:i] for i, value in enumerate(values)):
                raise ValueError(f"{name} has a value twice")
        combinations = max(len(self.disp_focus), 1) * max(len(self.gamma), 1)
        if self.photographs is not None and self.photographs > combinations:
            raise ValueError(
                f"photographs: {self.photographs} are more than the {combinations} focal planes and gammas"
            )
        return self
