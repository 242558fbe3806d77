"""One sample: rendered from its scene, written as files, its JSON last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError
from bokehbench.images import quantise, write_disparity, write_exr, write_png
from bokehbench.optics import encode
from bokehbench.records import read_json, sha256_file, write_json
from bokehbench.synth.assets.library import Library
from bokehbench.synth.config import Recipe
from bokehbench.synth.plan import Plan, draw_plan
from bokehbench.synth.render import render_all_in_focus, render_bokeh
from bokehbench.synth.scene import AttemptFailed, Scene, compose

SCHEMA = "bokehbench.synth/1"
RENDER = "k0"
"""Id of the only bokeh image of a sample in this version."""
COVERAGE_MIN = 1.0 - 1e-3

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample in memory.

    Attributes:
        plan: what it was made from.
        scene: layers, lens, disparity.
        all_in_focus: [H, W, 3] float32, encoded, may exceed 1.
        bokeh: the same through the lens.
        coverage: least coverage of the bokeh image (1 but for rounding).
    """

    plan: Plan
    scene: Scene
    all_in_focus: FloatImage
    bokeh: FloatImage
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
    return Sample(plan, scene, encoded[0], encoded[1], coverage)


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


# ------------------------------------------------------------------------------------------------- files


@dataclass(frozen=True)
class SampleFiles:
    """Where the files of one sample lie below the root of its set."""

    root: Path
    key: str

    @property
    def all_in_focus(self) -> Path:
        """8-bit PNG."""
        return self.root / "aif" / f"{self.key}.png"

    @property
    def bokeh(self) -> Path:
        """8-bit PNG."""
        return self.root / "bokeh" / f"{self.key}_{RENDER}.png"

    @property
    def disparity(self) -> Path:
        """16-bit PNG."""
        return self.root / "disp" / f"{self.key}.png"

    def layer(self, index: int) -> Path:
        """Half float EXR, premultiplied linear RGBA."""
        return self.root / "layers" / f"{self.key}_{index}.exr"

    @property
    def meta(self) -> Path:
        """JSON; exists only when the sample is complete."""
        return self.root / "meta" / f"{self.key}.json"

    def pixels(self, layers: int) -> list[Path]:
        """Every file but the JSON."""
        return [self.all_in_focus, self.bokeh, self.disparity, *(self.layer(i) for i in range(layers))]


def write_sample(
    sample: Sample, root: Path, *, recipe: Recipe, code: dict[str, Any], failures: list[str]
) -> None:
    """Write all files of a sample; the JSON is written last and commits it."""
    files = SampleFiles(root, sample.plan.key)
    write_png(files.all_in_focus, sample.all_in_focus)
    write_png(files.bokeh, sample.bokeh)
    write_disparity(files.disparity, sample.scene.disparity)
    for index, layer in enumerate(sample.scene.layers):
        write_exr(files.layer(index), {name: layer.rgba[..., c] for c, name in enumerate("RGBA")})
    written = files.pixels(len(sample.scene.layers))
    hashes = {path.relative_to(root).as_posix(): sha256_file(path) for path in written}
    write_json(files.meta, {**_meta(sample, recipe, failures), "files": hashes, "code": code})


def _meta(sample: Sample, recipe: Recipe, failures: list[str]) -> dict[str, Any]:
    plan, scene = sample.plan, sample.scene
    render = {
        "id": RENDER,
        **scene.lens.to_json(),
        "quality": plan.quality,
        "radius_max": scene.radius,
        **{name: scene.facts[name] for name in ("focus_rule", "focus_layer", "K_set_by")},
    }
    clipped = float((quantise(sample.bokeh) == 255).any(axis=2).mean())
    return {
        "schema": SCHEMA,
        "key": plan.key,
        "index": plan.index,
        "attempt": plan.attempt,
        "root_seed": plan.root_seed,
        "recipe": plan.recipe,
        "config_hash": recipe.hash,
        "out_size": list(plan.size),
        "gamma": plan.gamma,
        "transfer": "power",
        "layers": scene.facts["layers"],
        "renders": [render],
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


def read_meta(path: Path) -> dict[str, Any]:
    """The JSON of a sample; InputError where it is something else."""
    meta = read_json(path)
    if not isinstance(meta, dict) or meta.get("schema") != SCHEMA:
        raise InputError(f"{path}: not the JSON of a sample ({SCHEMA})")
    return meta


def remake(meta: dict[str, Any], library: Library) -> Sample:
    """Make a stored sample again from its JSON alone (and, for the user's pictures, their folders)."""
    return make_sample(Plan.from_json(meta["plan"]), library)
