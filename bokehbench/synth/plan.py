"""The plan of a sample: all of its random numbers, as plain values.

A plan says everything that is not decided by pixels, in numbers that JSON keeps exactly. Making is a pure
function of the plan and the assets it names (`bokehbench.synth.scene`), so a sample can be made again from
its JSON, and printing a plan costs nothing.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from bokehbench.errors import InputError
from bokehbench.optics import Aperture
from bokehbench.rng import stream
from bokehbench.synth.assets.library import Library, may_mirror
from bokehbench.synth.config import Backgrounds, Foregrounds, Optics, Recipe, draw_key

SCHEMA = "bokehbench.synth.plan/1"
GOLDEN = 0.6180339887498949
PRIMES = (2, 3, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
"""Their roots step through the kinds of each foreground, so that the layers' kinds do not repeat in pairs."""


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Grade(_Plain):
    """Exposure of a layer: gains on linear red, green, blue."""

    gains: tuple[float, float, float]


class ForegroundPlan(_Plain):
    """One cut-out, near to far.

    Attributes:
        source: name of the asset.
        area: of its bounding box before rotation, over the frame.
        rotation_deg: counter-clockwise.
        positions: (u, v) in [0, 1], tried in order.
        inside_min: share of the alpha mass that has to lie in the frame.
        disparity: at the centre of its bounding box.
        tilt_range: span of disparity over its bounding box; tilt_direction_deg: where it grows.
    """

    source: str
    area: float
    rotation_deg: float
    flip: bool
    positions: tuple[tuple[float, float], ...]
    inside_min: float
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


class LensPlan(_Plain):
    """The lens, but for what depends on pixels.

    Attributes:
        radius: largest blur radius wanted in the frame, pixels; 0 is K = 0.
        K_max, tilt_max: limits of K and of K |(p, q)|.
        aperture: fields of `optics.Aperture`.
    """

    radius: float
    K_max: float
    tilt_max: float
    aperture: dict[str, float | int]


class FocusPlan(_Plain):
    """How the focal plane is found; u picks the layer, v the pixel, both in [0, 1)."""

    rule: Literal["layer_median", "background_median", "pixel", "uniform", "between"]
    u: float
    v: float
    uniform: float
    between: float


class HighlightPlan(_Plain):
    """What is done about clipped lights."""

    mode: Literal["none", "lift", "lights"]
    gain: float
    lift_from: float
    lift_to: float
    lift_limit: float
    lights: tuple[tuple[float, float, float, float], ...]
    lights_seed: int
    lights_below: float


class Plan(_Plain):
    """All random numbers of one attempt at one sample; `highlight.lights` are (u, v, radius, radiance)."""

    schema_version: str = SCHEMA
    recipe: str
    root_seed: int
    index: int
    attempt: int
    size: tuple[int, int]
    gamma: float
    quality: str
    foregrounds: tuple[ForegroundPlan, ...]
    background: BackgroundPlan
    lens: LensPlan
    focus: FocusPlan
    highlight: HighlightPlan

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
        try:
            plan = cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InputError(f"not a sample's plan: {field}: {first['msg']}") from error
        if plan.schema_version != SCHEMA:
            raise InputError(f"a plan of schema {plan.schema_version}, this version reads {SCHEMA}")
        return plan


def draw_plan(recipe: Recipe, library: Library, root_seed: int, index: int, attempt: int = 0) -> Plan:
    """All random numbers of a sample, each from the stream of its purpose.

    Args:
        recipe: the configuration.
        library: what layers may be made of.
        root_seed, index, attempt: name the sample.
    """

    def rng(name: str) -> np.random.Generator:
        return stream(root_seed, index, name, attempt)

    def kind(name: str, step: float) -> float:
        """Uniform over all samples, and evenly spread over any few in a row: small sets show every kind."""
        return float((stream(root_seed, 0, name).random() + step * (index + 0.37 * attempt)) % 1.0)

    background = _background(recipe, library, rng("bg"), rng("bg.plane"), kind("bg.kind", GOLDEN))
    count = draw_key(rng("fg.count"), recipe.foregrounds.count)
    bounds = _disparities(recipe, rng("fg.disparity"), count, background.base + background.range)
    foregrounds = tuple(
        _foreground(
            recipe,
            library,
            rng(f"fg.{i}"),
            rng(f"fg.{i}.plane"),
            kind(f"fg.{i}.kind", np.sqrt(PRIMES[i])),
            bounds,
            i,
        )
        for i in range(count)
    )
    scale = recipe.size[0] / 512.0
    return Plan(
        recipe=recipe.id,
        root_seed=root_seed,
        index=index,
        attempt=attempt,
        size=recipe.size,
        gamma=recipe.gamma,
        quality=recipe.quality,
        foregrounds=foregrounds,
        background=background,
        lens=_lens(recipe.optics, rng("lens"), scale),
        focus=_focus(recipe, rng("focus")),
        highlight=_highlight(recipe, rng("highlight"), scale),
    )


def _grade(part: Foregrounds | Backgrounds, rng: np.random.Generator) -> Grade:
    brightness = part.brightness.draw(rng)
    red, green, blue = (brightness * part.white_balance.draw(rng) for _ in range(3))
    return Grade(gains=(red, green, blue))


def _background(
    recipe: Recipe, library: Library, rng: np.random.Generator, plane: np.random.Generator, kind: float
) -> BackgroundPlan:
    config = recipe.backgrounds
    return BackgroundPlan(
        source=library.choose_background(rng, kind),
        at=(rng.random(), rng.random()),
        crop=config.crop.draw(rng),
        upscale_max=config.upscale_max,
        flip=bool(rng.random() < config.flip_p),
        grade=_grade(config, rng),
        base=recipe.planes.background_base.draw(plane),
        range=recipe.planes.background_range.draw(plane),
        direction_deg=recipe.planes.background_direction_deg.draw(plane),
    )


def _disparities(recipe: Recipe, rng: np.random.Generator, count: int, background_max: float) -> list[float]:
    """[1, near ... far, background's nearest]: uniform among all that keep the gap."""
    gap = recipe.planes.gap
    low = background_max + gap
    room = 1.0 - low - gap * max(count - 1, 0)
    spread = np.sort(rng.random(count))
    means = [float(low + room * u + gap * k) for k, u in enumerate(spread)]
    return [1.0, *reversed(means), background_max]


def _foreground(
    recipe: Recipe,
    library: Library,
    rng: np.random.Generator,
    plane: np.random.Generator,
    kind: float,
    bounds: list[float],
    i: int,
) -> ForegroundPlan:
    config = recipe.foregrounds
    disparity = bounds[i + 1]
    above, below = bounds[i] - disparity, disparity - bounds[i + 2]
    # The nearest plane has no neighbour above: it may rise up to disparity 1.
    limit = recipe.planes.gap_share * (below if i == 0 else min(above, below))
    limit = min(limit, 2.0 * (1.0 - disparity))
    source = library.choose_foreground(rng, kind)
    return ForegroundPlan(
        source=source,
        area=config.area.draw(rng),
        rotation_deg=config.rotation_deg.draw(rng),
        flip=bool(rng.random() < config.flip_p) and may_mirror(source),
        positions=tuple((rng.random(), rng.random()) for _ in range(config.candidates)),
        inside_min=config.inside_min,
        grade=_grade(config, rng),
        disparity=disparity,
        tilt_range=min(recipe.planes.foreground_range.draw(plane), limit),
        tilt_direction_deg=recipe.planes.foreground_direction_deg.draw(plane),
    )


def _lens(config: Optics, rng: np.random.Generator, scale: float) -> LensPlan:
    sharp = rng.random() < config.sharp_p
    radius = config.radius_at_512.draw(rng) * scale
    shape = draw_key(rng, config.aperture)
    blades = draw_key(rng, config.blades)
    curvature, rotation, inner = (
        config.curvature.draw(rng),
        config.rotation_deg.draw(rng),
        config.inner.draw(rng),
    )
    aperture: dict[str, float | int] = {}
    if shape == "polygon":
        aperture = {"blades": blades, "curvature": curvature, "rotation": float(np.deg2rad(rotation))}
    elif shape == "donut":
        aperture = {"inner": inner}
    Aperture(**aperture)  # type: ignore[arg-type]  # refuses what no lens has
    return LensPlan(
        radius=0.0 if sharp else radius,
        K_max=config.K_max_at_512 * scale,
        tilt_max=config.tilt_max,
        aperture=aperture,
    )


def _focus(recipe: Recipe, rng: np.random.Generator) -> FocusPlan:
    return FocusPlan(
        rule=draw_key(rng, recipe.focus.rules),
        u=rng.random(),
        v=rng.random(),
        uniform=recipe.focus.uniform.draw(rng),
        between=recipe.focus.between.draw(rng),
    )


def _highlight(recipe: Recipe, rng: np.random.Generator, scale: float) -> HighlightPlan:
    config = recipe.highlights
    mode = draw_key(rng, config.modes)
    gain = 2.0 ** config.lift_log2_gain.draw(rng)
    seed = int(rng.integers(2**31))
    count = round(config.lights_count.draw(rng)) if mode == "lights" else 0
    lights = tuple(
        (
            rng.random(),
            rng.random(),
            config.lights_radius_at_512.draw(rng) * scale,
            min(config.lights_radiance.draw(rng), config.lights_radiance_max),
        )
        for _ in range(count)
    )
    return HighlightPlan(
        mode=mode,
        gain=gain,
        lift_from=config.lift_from,
        lift_to=config.lift_to,
        lift_limit=config.lift_limit,
        lights=lights,
        lights_seed=seed,
        lights_below=config.lights_below,
    )
