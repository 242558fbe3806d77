"""The plan of a sample as plain values: what `plan.draw_plan` draws and `scene.compose` follows."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bokehbench.errors import InputError
from bokehbench.synth.lens_fields import FocusRule

SCHEMA = "bokehbench.synth.plan/2"


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Grade(_Plain):
    """Exposure of a layer: gains on linear red, green, blue."""

    gains: tuple[float, float, float]


class ForegroundPlan(_Plain):
    """One cut-out, near to far.

    Attributes:
        source: name of the asset.
        area: of its bounding box before rotation, over the frame; shrink: factor that is repeated while it
            is larger than the frame, 0 for never.
        rotation_deg: counter-clockwise.
        positions: (u, v) in [0, 1], tried in order; or offset: of its centre from the frame's, pixels.
        inside_min: share of the alpha mass that has to lie in the picture.
        disparity: at the centre of its bounding box.
        tilt_range: span of disparity over its bounding box; tilt_direction_deg: where it grows.
    """

    source: str
    area: float
    shrink: float = 0.0
    rotation_deg: float
    flip: bool
    positions: tuple[tuple[float, float], ...] = ()
    offset: tuple[int, int] | None = None
    inside_min: float = 0.0
    grade: Grade
    disparity: float
    tilt_range: float
    tilt_direction_deg: float


class BackgroundPlan(_Plain):
    """The opaque layer behind: source, part of it, plane (base and span of disparity over the frame)."""

    source: str
    at: tuple[float, float]
    crop: float
    upscale_max: float
    flip: bool
    grade: Grade
    base: float
    range: float
    direction_deg: float


class FramePlan(_Plain):
    """The frame that layers are placed in: its size, and where the picture's first pixel lies in it."""

    size: tuple[int, int]
    x: int
    y: int


class AugmentPlan(_Plain):
    """Mirror images of the whole sample, and the factor on its encoded pictures."""

    hflip: bool = False
    vflip: bool = False
    gain: float = 1.0


class LensPlan(_Plain):
    """The lens, but for what depends on pixels.

    Attributes:
        rule: how K follows from `value` (pixels): "radius" (the largest blur radius in the picture; 0 is
            K = 0), "reach" (K = value / max(disp_focus, 1 - disp_focus)), "K".
        K_max: limit of K, for "radius"; tilt_max: of K |(p, q)|.
        aperture: fields of `optics.Aperture`; vignette, focus_shift: of `optics.Lens`.
    """

    rule: Literal["radius", "reach", "K"]
    value: float
    K_max: float
    tilt_max: float
    aperture: dict[str, Any]
    vignette: str = "normalise"
    focus_shift: tuple[float, float, float] = (0.0, 0.0, 0.0)


class FocusPlan(_Plain):
    """How the focal plane is found; u picks the layer, v the pixel, both in [0, 1)."""

    rule: FocusRule
    u: float
    v: float
    uniform: float
    between: float


class HighlightPlan(_Plain):
    """What is done about clipped lights; `lights` are (u, v, radius in pixels, radiance)."""

    mode: Literal["none", "lift", "inverse_reinhard", "bokehme", "lights"]
    gain: float
    lift_from: float
    lift_to: float
    lift_limit: float
    white: float
    lights: tuple[tuple[float, float, float, float], ...]
    lights_seed: int
    lights_below: float
    limit: float | None = None


class StackPlan(_Plain):
    """What is photographed of every combination; an empty list stands for what was drawn.

    Of each K and aperture these are all focal planes and gammas, or `photographs` of them, drawn with `seed`.
    """

    K: tuple[float, ...] = ()
    disp_focus: tuple[float, ...] = ()
    gamma: tuple[float, ...] = ()
    apertures: tuple[dict[str, Any], ...] = ()
    aif: Literal["canonical", "per_gamma"] = "canonical"
    photographs: int | None = None
    seed: int = 0


class CompatPlan(_Plain):
    """Faults of the published samplers; see `fields.Compat`."""

    kernel: Literal["mpib", "bokehdiff"]
    samples: int
    label_factor: float | None
    flat_foregrounds: bool
    aif_in_gamma: bool
    soft_disparity: bool
    lanczos_straight: bool
    short_boxes: bool
    stretch_background: bool


class Plan(_Plain):
    """All random numbers of one attempt at one sample."""

    schema_version: str = SCHEMA
    recipe: str
    root_seed: int
    index: int
    attempt: int
    size: tuple[int, int]
    frame: FramePlan
    gamma: float
    transfer: Literal["power", "srgb"] = "power"
    quality: str
    truth: tuple[str, ...]
    stretch: bool = False
    gap: float
    foregrounds: tuple[ForegroundPlan, ...]
    background: BackgroundPlan
    lens: LensPlan
    focus: FocusPlan
    highlight: HighlightPlan
    augment: AugmentPlan = Field(default_factory=AugmentPlan)
    stack: StackPlan | None = None
    degrade: dict[str, Any] | None = None
    corruption: dict[str, Any] | None = None
    compat: CompatPlan | None = None

    @property
    def key(self) -> str:
        """Nine digits."""
        return f"{self.index:09d}"

    def to_json(self) -> dict[str, Any]:
        """Plain values, inverse of `from_json`."""
        return self.model_dump(mode="json")

    @classmethod
    def from_json(cls, values: Any) -> Plan:
        """Inverse of `to_json`; InputError for anything else."""
        if isinstance(values, dict) and values.get("schema_version", SCHEMA) != SCHEMA:
            found = values["schema_version"]
            raise InputError(f"a plan of schema {found}, this version of bokehbench reads {SCHEMA}")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InputError(f"not a sample's plan: {field}: {first['msg']}") from error
