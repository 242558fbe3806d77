"""Draws the plan of a sample: all of its random numbers, as plain values.

A plan says everything that is not decided by pixels, in numbers that JSON keeps exactly. Making is a pure
function of the plan and the assets it names (`bokehbench.synth.scene`), so a sample can be made again from
its JSON, and printing a plan costs nothing. Every purpose has a stream of its own: a section that is added
to a recipe moves no number of another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bokehbench.rng import stream
from bokehbench.synth.assets.library import Library, Source, may_mirror
from bokehbench.synth.config import Recipe
from bokehbench.synth.distributions import draw_key
from bokehbench.synth.fields import (
    Anywhere,
    Backgrounds,
    ByAngle,
    ByArea,
    Direction,
    Foregrounds,
)
from bokehbench.synth.lens_fields import DirectOptics, Opening, Optics, RadiusOptics
from bokehbench.synth.plan_types import (
    AugmentPlan,
    BackgroundPlan,
    CompatPlan,
    FocusPlan,
    ForegroundPlan,
    FramePlan,
    Grade,
    HighlightPlan,
    LensPlan,
    Plan,
    StackPlan,
)

GOLDEN = 0.6180339887498949
PRIMES = (2, 3, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
"""Their roots step through the kinds of each foreground, so that the layers' kinds do not repeat in pairs."""

__all__ = ["BackgroundPlan", "ForegroundPlan", "HighlightPlan", "Plan", "draw_plan"]


def draw_plan(recipe: Recipe, library: Library, root_seed: int, index: int, attempt: int = 0) -> Plan:
    """All random numbers of a sample, each from the stream of its purpose.

    Args:
        recipe: distributions.
        library: names of assets; no pixel is read.
        root_seed, index, attempt: name the sample.
    """

    def rng(name: str) -> np.random.Generator:
        return stream(root_seed, index, name, attempt)

    def kind(name: str, step: float) -> float:
        """Uniform over all samples, and evenly spread over any few in a row: small sets show every kind."""
        return float((stream(root_seed, 0, name).random() + step * (index + 0.37 * attempt)) % 1.0)

    sources = _paired(recipe, library, index)
    background = _background(
        recipe, library, (rng("bg"), rng("bg.plane")), kind("bg.kind", GOLDEN), sources[1]
    )
    count = draw_key(rng("fg.count"), recipe.foregrounds.count)
    bounds = _disparities(recipe, rng("fg.disparity"), count, background.base + background.range)
    kinds = [kind(f"fg.{i}.kind", np.sqrt(PRIMES[i])) for i in range(count)]
    foregrounds = tuple(
        _foreground(recipe, library, (rng(f"fg.{i}"), rng(f"fg.{i}.plane")), (u, sources[0]), bounds, i)
        for i, u in enumerate(kinds)
    )
    scale = recipe.size[0] / 512.0
    lens = _lens(recipe.optics, rng("lens"), scale)
    aperture, vignette, shift = _opening(recipe.optics.opening, rng("aperture"))
    return Plan(
        recipe=recipe.id,
        root_seed=root_seed,
        index=index,
        attempt=attempt,
        size=recipe.size,
        frame=_frame(recipe, rng("frame"), scale),
        gamma=recipe.gamma,
        transfer=recipe.transfer,
        quality=recipe.quality,
        truth=recipe.truth,
        stretch=recipe.planes.stretch,
        gap=recipe.planes.gap,
        foregrounds=foregrounds,
        background=background,
        lens=lens.model_copy(update={"aperture": aperture, "vignette": vignette, "focus_shift": shift}),
        focus=_focus(recipe, rng("focus")),
        highlight=_highlight(recipe, rng("highlight"), scale),
        augment=_augment(recipe, rng("augment")),
        stack=_stack(recipe, rng("stack"), scale),
        degrade=_degrade(recipe, rng("degrade")),
        corruption=_corruption(recipe, rng("corruption")),
        compat=_compat(recipe, rng("compat"), lens.value / scale),
    )


# ------------------------------------------------------------------------------------------------ layers


def _paired(recipe: Recipe, library: Library, index: int) -> tuple[str | None, str | None]:
    """Files of the folders by the sample's index, where the recipe pairs every one with every other."""
    if recipe.pairing == "random":
        return None, None
    near, far = library.foreground_folder, library.background_folder
    step = len(near.assets) if near else 1
    return (
        str(Source("folder", near.assets[index % step].path)) if near else None,
        str(Source("folder", far.assets[index // step % len(far.assets)].path)) if far else None,
    )


def _grade(part: Foregrounds | Backgrounds, rng: np.random.Generator) -> Grade:
    brightness = part.brightness.draw(rng)
    red, green, blue = (brightness * part.white_balance.draw(rng) for _ in range(3))
    return Grade(gains=(red, green, blue))


def _direction(config: Direction, rng: np.random.Generator) -> float:
    if isinstance(config, ByAngle):
        return config.deg.draw(rng)
    p, q = config.slope.draw(rng), config.slope.draw(rng)
    return float(np.rad2deg(np.arctan2(q, p)))


def _background(
    recipe: Recipe,
    library: Library,
    rngs: tuple[np.random.Generator, np.random.Generator],
    kind: float,
    source: str | None,
) -> BackgroundPlan:
    config, (rng, plane) = recipe.backgrounds, rngs
    chosen = library.choose_background(rng, kind)
    return BackgroundPlan(
        source=source or chosen,
        at=(rng.random(), rng.random()),
        crop=config.crop.draw(rng),
        upscale_max=config.upscale_max,
        flip=bool(rng.random() < config.flip_p),
        grade=_grade(config, rng),
        base=recipe.planes.background_base.draw(plane),
        range=recipe.planes.background_range.draw(plane),
        direction_deg=_direction(recipe.planes.background_direction, plane),
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
    rngs: tuple[np.random.Generator, np.random.Generator],
    choice: tuple[float, str | None],
    bounds: list[float],
    i: int,
) -> ForegroundPlan:
    config, (rng, plane) = recipe.foregrounds, rngs
    disparity = bounds[i + 1]
    above, below = bounds[i] - disparity, disparity - bounds[i + 2]
    # The nearest plane has no neighbour above: it may rise up to disparity 1.
    limit = recipe.planes.gap_share * (below if i == 0 else min(above, below))
    limit = min(limit, 2.0 * (1.0 - disparity))
    chosen = library.choose_foreground(rng, choice[0])
    source = choice[1] or chosen
    by_area = isinstance(config.scale, ByArea)
    drawn = config.scale.area.draw(rng) if isinstance(config.scale, ByArea) else config.scale.side.draw(rng)
    rotation, flip = config.rotation_deg.draw(rng), bool(rng.random() < config.flip_p)
    return ForegroundPlan(
        source=source,
        area=drawn if by_area else drawn**2,
        shrink=0.0 if isinstance(config.scale, ByArea) else config.scale.shrink,
        rotation_deg=rotation,
        flip=flip and may_mirror(source),
        **_position(config, rng, recipe.size[0] / 512.0),
        grade=_grade(config, rng),
        disparity=disparity,
        tilt_range=min(recipe.planes.foreground_range.draw(plane), limit),
        tilt_direction_deg=_direction(recipe.planes.foreground_direction, plane),
    )


def _position(config: Foregrounds, rng: np.random.Generator, scale: float) -> dict[str, Any]:
    rule = config.position
    if isinstance(rule, Anywhere):
        places = tuple((rng.random(), rng.random()) for _ in range(rule.candidates))
        return {"positions": places, "inside_min": rule.inside_min}
    x, y = (round(rule.jitter_at_512.draw(rng) * scale) for _ in range(2))
    return {"offset": (x, y)}


def _frame(recipe: Recipe, rng: np.random.Generator, scale: float) -> FramePlan:
    """The frame, and a uniform place of the picture in it."""
    factor, rim = recipe.frame.side_at_512 / 512.0, round(recipe.frame.rim_at_512 * scale)
    size = (round(recipe.size[0] * factor), round(recipe.size[1] * factor))
    x, y = (
        rim + int(rng.random() * max(whole - 2 * rim - part + 1, 1))
        for whole, part in zip(size, recipe.size, strict=True)
    )
    return FramePlan(size=size, x=x, y=y)


def _augment(recipe: Recipe, rng: np.random.Generator) -> AugmentPlan:
    config = recipe.augment
    h, v, some, gain = rng.random(), rng.random(), rng.random(), config.gain.draw(rng)
    return AugmentPlan(
        hflip=bool(h < config.hflip_p),
        vflip=bool(v < config.vflip_p),
        gain=gain if some < config.gain_p else 1.0,
    )


# -------------------------------------------------------------------------------------------------- lens


def _lens(config: Optics, rng: np.random.Generator, scale: float) -> LensPlan:
    sharp = rng.random()
    limits: dict[str, Any] = {"tilt_max": config.tilt_max, "K_max": 1e9, "aperture": {}}
    if isinstance(config, RadiusOptics):
        radius = config.radius_at_512.draw(rng) * scale
        limits["K_max"] = config.K_max_at_512 * scale
        return LensPlan(rule="radius", value=0.0 if sharp < config.sharp_p else radius, **limits)
    if isinstance(config, DirectOptics):
        return LensPlan(rule="K", value=config.K_at_512.draw(rng) * scale, **limits)
    return LensPlan(rule="reach", value=config.reach_at_512.draw(rng) * scale, **limits)


def _opening(
    config: Opening, rng: np.random.Generator
) -> tuple[dict[str, Any], str, tuple[float, float, float]]:
    """Fields of the aperture, the vignetting, and the focus shifts of red, green and blue."""
    shape, blades = draw_key(rng, config.shapes), draw_key(rng, config.blades)
    curvature, rotation, inner = (
        config.curvature.draw(rng),
        float(np.deg2rad(config.rotation_deg.draw(rng))),
        config.inner.draw(rng),
    )
    which, soapy, catty, coloured = rng.random(4)
    rim, rim_power, cat_eye = config.rim.draw(rng), config.rim_power.draw(rng), config.cat_eye.draw(rng)
    vignette, shift = draw_key(rng, config.vignette), config.colour_shift.draw(rng)
    fields: dict[str, Any] = {}
    if shape == "polygon":
        fields = {"blades": blades, "curvature": curvature, "rotation": rotation}
    elif shape == "donut":
        fields = {"inner": inner}
    elif shape == "mask":
        fields = {"shape": config.masks[int(which * len(config.masks))], "rotation": rotation}
    elif shape != "disc":
        fields = {"shape": shape, "rotation": rotation}
    if soapy < config.soap_p:
        fields |= {"rim": rim, "rim_power": rim_power}
    if catty < config.cat_eye_p:
        fields["cat_eye"] = cat_eye
    shifts = (shift, 0.0, -shift) if coloured < config.colour_p else (0.0, 0.0, 0.0)
    return fields, vignette, shifts


def _focus(recipe: Recipe, rng: np.random.Generator) -> FocusPlan:
    return FocusPlan(
        rule=draw_key(rng, recipe.focus.rules),
        u=rng.random(),
        v=rng.random(),
        uniform=recipe.focus.uniform.draw(rng),
        between=recipe.focus.between.draw(rng),
    )


def _stack(recipe: Recipe, rng: np.random.Generator, scale: float) -> StackPlan | None:
    if recipe.stack is None:
        return None
    values = recipe.stack.model_dump()
    seed = int(rng.integers(2**31)) if recipe.stack.photographs is not None else 0
    return StackPlan(K=tuple(K * scale for K in values.pop("K_at_512")), seed=seed, **values)


# ------------------------------------------------------------------------------------------ light, outputs


def _highlight(recipe: Recipe, rng: np.random.Generator, scale: float) -> HighlightPlan:
    config = recipe.highlights
    mode = draw_key(rng, config.modes)
    gain, white = 2.0 ** config.lift_log2_gain.draw(rng), config.reinhard_white.draw(rng)
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
        white=white,
        lights=lights,
        lights_seed=seed,
        lights_below=config.lights_below,
        limit=config.limit,
    )


def _degrade(recipe: Recipe, rng: np.random.Generator) -> dict[str, Any] | None:
    if recipe.degrade is None:
        return None
    from bokehbench.synth.degrade import DegradePlan

    some = rng.random() < recipe.degrade.p
    plan = DegradePlan.sample(rng, recipe.degrade.preset, recipe.size)
    if not some:  # the clean picture is its own low-quality twin
        nothing = {"preset": "none", "scale": 1, "sharpen": None, "steps": (), "enlarge": None}
        plan = plan.model_copy(update=nothing)
    return plan.to_json()


def _corruption(recipe: Recipe, rng: np.random.Generator) -> dict[str, Any] | None:
    if recipe.corruption is None:
        return None
    from bokehbench.synth.truth import CorruptionPlan

    return CorruptionPlan.sample(rng, recipe.corruption).to_json()


def _compat(recipe: Recipe, rng: np.random.Generator, reach: float) -> CompatPlan | None:
    """The faults as drawn; `reach` in pixels at 512 sets the number of lens samples."""
    config = recipe.compat
    if config is None:
        return None
    by_reach = int(config.samples_per_reach * reach / 12.0)
    values = config.model_dump(exclude={"samples_per_reach", "samples_per_side", "label_factor"})
    factor = config.label_factor.draw(rng) if config.label_factor else None
    return CompatPlan(samples=config.samples_per_side or max(by_reach, 3), label_factor=factor, **values)
