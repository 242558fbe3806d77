"""One sample in memory: rendered from its plan, described by its JSON."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.images import quantise
from bokehbench.optics import Lens, encode
from bokehbench.synth.assets.library import Library
from bokehbench.synth.compat import render_compat
from bokehbench.synth.config import Recipe
from bokehbench.synth.highlights import regamma, srgb_encode
from bokehbench.synth.plan import Plan, draw_plan
from bokehbench.synth.render import render_all_in_focus, render_bokeh
from bokehbench.synth.scene import AttemptFailed, Scene, compose
from bokehbench.synth.settings import Setting
from bokehbench.synth.truth import Truth, compute

SCHEMA = "bokehbench.synth/1"
COVERAGE_MIN = 1.0 - 1e-3

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Render:
    """One bokeh image of a sample.

    Attributes:
        id: `k0`, `k1` ... in the order of the stack.
        lens: what it was made with.
        image: [H, W, 3] float32, encoded, may exceed 1.
        facts: quality, largest radius, focus rule ... for the sample's JSON.
    """

    id: str
    lens: Lens
    image: FloatImage
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample in memory.

    Attributes:
        plan: what it was made from.
        scene: layers, lens, disparity.
        all_in_focus: [H, W, 3] float32, encoded, may exceed 1.
        renders: bokeh images, at least one.
        coverage: least coverage of any image (1 but for rounding).
        by_gamma: all-in-focus images of the stack's gammas, where the plan asks for them.
    """

    plan: Plan
    scene: Scene
    all_in_focus: FloatImage
    renders: tuple[Render, ...]
    coverage: float
    by_gamma: dict[float, FloatImage] = field(default_factory=dict)


def make_sample(plan: Plan, library: Library) -> Sample:
    """Make a sample from its plan; equal plans and assets give equal samples.

    Raises:
        AttemptFailed: the plan makes no valid scene.
        InputError: an asset is missing.
    """
    scene = compose(plan, library)
    if plan.compat is not None:
        sharp, blurred, scene = render_compat(plan, scene)
        return Sample(plan, scene, sharp, (_render(plan, scene.settings[0], blurred),), 1.0)
    light = render_all_in_focus(scene.layers, plan.size)
    shown, coverage = _encoded(plan, light, plan.gamma), [float(light[..., 3].min())]
    renders, by_gamma = [], {plan.gamma: (scene.layers, shown)}
    for setting in scene.settings:
        gamma = setting.lens.gamma
        if gamma not in by_gamma:
            layers = tuple(regamma(layer, plan.gamma, gamma) for layer in scene.layers)
            by_gamma[gamma] = (layers, _encoded(plan, render_all_in_focus(layers, plan.size), gamma))
        layers, sharp = by_gamma[gamma]
        image = sharp
        if setting.lens.K > 0.0:
            light = render_bokeh(layers, setting.lens, plan.size, quality=plan.quality)
            coverage.append(float(light[..., 3].min()))
            image = _encoded(plan, light, gamma)
        renders.append(_render(plan, setting, image, _gap(sharp, shown) if plan.stack else None))
    if min(coverage) < COVERAGE_MIN or not all(np.isfinite(render.image).all() for render in renders):
        raise AttemptFailed(f"attempt {plan.attempt}: coverage {min(coverage):.4f}, below {COVERAGE_MIN}")
    others = {gamma: sharp for gamma, (_, sharp) in by_gamma.items() if _stores_gammas(plan)}
    return Sample(plan, scene, shown, tuple(renders), min(coverage), others)


def _render(plan: Plan, setting: Setting, image: FloatImage, gap: float | None = None) -> Render:
    facts = {"quality": plan.quality, "radius_max": setting.radius, **setting.facts}
    if plan.compat is not None:
        facts["quality"] = f"published_{plan.compat.kernel}"
    if gap is not None:
        facts["aif_gamma_gap"] = round(gap, 6)
    return Render(setting.id, setting.lens, image, facts)


def _encoded(plan: Plan, light: FloatImage, gamma: float) -> FloatImage:
    """[H, W, 3]; the sRGB curve stands for the recipe's own gamma only."""
    if plan.transfer == "srgb" and gamma == plan.gamma:
        return srgb_encode(light[..., :3])
    return encode(light[..., :3], gamma).astype(np.float32)


def _gap(sharp: FloatImage, shown: FloatImage) -> float:
    """How far an all-in-focus image of another gamma lies from the canonical one, both as displayed."""
    return float(np.abs(np.clip(sharp, 0.0, 1.0) - np.clip(shown, 0.0, 1.0)).max())


def _stores_gammas(plan: Plan) -> bool:
    return plan.stack is not None and plan.stack.aif == "per_gamma"


def make_first_valid(
    recipe: Recipe, library: Library, root_seed: int, index: int
) -> tuple[Sample, list[str]]:
    """The sample of an index: the first of its attempts that makes a valid scene, and why others did not.

    Raises:
        AttemptFailed: none of `recipe.attempts` did.
    """
    failures: list[str] = []
    for attempt in range(recipe.attempts):
        try:
            return make_sample(draw_plan(recipe, library, root_seed, index, attempt), library), failures
        except AttemptFailed as error:
            failures.append(str(error))
    raise AttemptFailed(
        f"sample {index}: none of {recipe.attempts} attempts made a valid scene; {failures[-1]}"
    )


def truths(sample: Sample) -> list[Truth]:
    """The pictures of a sample that a set stores: what the plan names, and `aif_g*` of every gamma."""
    found = compute(sample.plan.truth, sample)
    if "aif" in sample.plan.truth:
        found += [Truth(f"aif_g{_plain(g)}", "image", image) for g, image in sample.by_gamma.items()]
    return found


def _plain(gamma: float) -> str:
    """A number without dots, as names of pictures need: 2.2 -> 2p2."""
    return f"{gamma:g}".replace(".", "p")


def describe(sample: Sample, config_hash: str, failures: list[str]) -> dict[str, Any]:
    """What a sample's JSON says, apart from its files and the code that wrote them."""
    plan, scene = sample.plan, sample.scene
    clipped = float((quantise(sample.renders[0].image) == 255).any(axis=2).mean())
    return {
        "schema": SCHEMA,
        "key": plan.key,
        "index": plan.index,
        "attempt": plan.attempt,
        "root_seed": plan.root_seed,
        "recipe": plan.recipe,
        "config_hash": config_hash,
        "out_size": list(plan.size),
        "gamma": plan.gamma,
        "transfer": plan.transfer,
        "truth": list(plan.truth),
        "frame": plan.frame.model_dump(mode="json"),
        "layers": scene.facts["layers"],
        "renders": [{"id": render.id, **render.lens.to_json(), **render.facts} for render in sample.renders],
        "highlight": {
            "mode": plan.highlight.mode,
            "gain": plan.highlight.gain,
            "white": plan.highlight.white,
            "lights": len(plan.highlight.lights),
        },
        "checks": {
            "coverage_min": round(sample.coverage, 6),
            "clipped_share": round(clipped, 6),
            "margin": scene.facts["margin"],
            "min_gap": scene.facts["min_gap"],
            "tilt_K": scene.facts["tilt_K"],
            "tilt_halvings": scene.facts["tilt_halvings"],
            "disparity_shifts": scene.facts["shifts"],
            "bg_border": scene.facts["layers"][-1]["border"],
            "compat": scene.facts.get("compat", []),
            "failed_attempts": failures,
        },
        "degrade": plan.degrade and {"preset": plan.degrade["preset"]},
        "libs": libraries(),
        "plan": plan.to_json(),
    }


@functools.cache
def libraries() -> dict[str, str]:
    """Versions of what pixels depend on."""
    return {name: metadata.version(name) for name in ("numpy", "numba", "opencv-python-headless")}


def remake(meta: dict[str, Any], library: Library) -> Sample:
    """Make a stored sample again from its JSON alone (and, for the user's pictures, their folders)."""
    return make_sample(Plan.from_json(meta["plan"]), library)
