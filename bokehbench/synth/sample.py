"""One sample in memory: rendered from its plan, described by its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.images import quantise
from bokehbench.optics import Lens, encode
from bokehbench.synth.assets.library import Library
from bokehbench.synth.config import Recipe
from bokehbench.synth.plan import Plan, draw_plan
from bokehbench.synth.render import render_all_in_focus, render_bokeh
from bokehbench.synth.scene import AttemptFailed, Scene, compose
from bokehbench.synth.truth.types import Truth

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
    """

    plan: Plan
    scene: Scene
    all_in_focus: FloatImage
    renders: tuple[Render, ...]
    coverage: float


def make_sample(plan: Plan, library: Library) -> Sample:
    """Make a sample from its plan; equal plans and assets give equal samples.

    Raises:
        AttemptFailed: the plan makes no valid scene.
        InputError: an asset is missing.
    """
    scene = compose(plan, library)
    sharp = render_all_in_focus(scene.layers, plan.size)
    blurred = sharp
    if scene.lens.K > 0.0:
        blurred = render_bokeh(scene.layers, scene.lens, plan.size, quality=plan.quality)
    coverage = float(min(sharp[..., 3].min(), blurred[..., 3].min()))
    if coverage < COVERAGE_MIN or not np.isfinite(blurred).all():
        raise AttemptFailed(f"attempt {plan.attempt}: coverage {coverage:.4f}, below {COVERAGE_MIN}")
    encoded = [encode(image[..., :3], plan.gamma).astype(np.float32) for image in (sharp, blurred)]
    facts = {"quality": plan.quality, "radius_max": scene.radius}
    facts |= {name: scene.facts[name] for name in ("focus_rule", "focus_layer", "K_set_by")}
    return Sample(plan, scene, encoded[0], (Render("k0", scene.lens, encoded[1], facts),), coverage)


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
    """The pictures of a sample that a set stores."""
    found = [Truth("aif", "image", sample.all_in_focus)]
    found += [Truth(f"bokeh_{render.id}", "image", render.image) for render in sample.renders]
    found += [Truth("disp", "disparity", sample.scene.disparity)]
    found += [Truth(f"layer_{i}", "layer", layer.rgba) for i, layer in enumerate(sample.scene.layers)]
    return found


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
        "transfer": "power",
        "layers": scene.facts["layers"],
        "renders": [{"id": render.id, **render.lens.to_json(), **render.facts} for render in sample.renders],
        "highlight": {
            "mode": plan.highlight.mode,
            "gain": plan.highlight.gain,
            "lights": len(plan.highlight.lights),
        },
        "checks": {
            "coverage_min": round(sample.coverage, 6),
            "clipped_share": round(clipped, 6),
            "margin": scene.facts["margin"],
            "tilt_halvings": scene.facts["tilt_halvings"],
            "failed_attempts": failures,
        },
        "plan": plan.to_json(),
    }


def remake(meta: dict[str, Any], library: Library) -> Sample:
    """Make a stored sample again from its JSON alone (and, for the user's pictures, their folders)."""
    return make_sample(Plan.from_json(meta["plan"]), library)
