"""A sweep over focus or aperture: one photograph, one method, one frame for each step of the lens.

The folder of a sweep has its frames, 8-bit PNG, and `sweep.json`, which says what they are before the first
is rendered. A frame is written whole or not at all, so what a killed run leaves is kept; what another recipe
made is deleted first.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images, jobs, photograph, records
from bokehbench.cases import FloatImage, Inputs, Renderer
from bokehbench.errors import BokehbenchError, ConfigError, InputError
from bokehbench.optics import Lens
from bokehbench.registry import registered_files

SCHEMA = "bokehbench.sweep/1"
RECORD = "sweep.json"
KINDS = ("focus", "aperture")
MOST_FRAMES = 10_000
SHOWN = 12
"""As many frames the strip has at most."""


@dataclass(frozen=True)
class Step:
    """One frame: its number from 0, and what of the lens it has."""

    number: int
    K: float
    disp_focus: float

    @property
    def file(self) -> str:
        """Name of its picture."""
        return f"{self.number:04d}.png"

    def entry(self) -> dict[str, Any]:
        """As the record has it."""
        return {"file": self.file, "K": self.K, "disp_focus": self.disp_focus}


def steps(count: int, K: tuple[float, float], focus: tuple[float, float]) -> list[Step]:
    """Frames from the first value to the second, uniform in K and in disparity.

    Raises:
        ConfigError: see `check_count`.
    """
    check_count(count)
    along = [number / (count - 1) for number in range(count)]
    # Rounded, so that the numbers in the record are those of the rendering and of every machine.
    return [
        Step(
            number,
            round(K[0] + (K[1] - K[0]) * t, 6),
            round(focus[0] + (focus[1] - focus[0]) * t, 6),
        )
        for number, t in enumerate(along)
    ]


def check_count(count: int) -> None:
    """ConfigError for fewer than 2 frames, or more than 10 000."""
    if not 2 <= count <= MOST_FRAMES:
        raise ConfigError(f"--frames must lie between 2 and {MOST_FRAMES}, not {count}")


@dataclass(frozen=True, eq=False)
class Sweep:
    """What is rendered.

    Attributes:
        image: [H, W, 3] float32, encoded.
        disparity: [H, W] float32 in [0, 1], near large.
        key: name of the photograph; stochastic methods seed from it, alike for all frames.
        method: a name of `bokehbench list methods`.
        options: of the method; `k_scale` of any.
        lens: all of it but K and disp_focus, which are the steps'.
        steps: the frames.
    """

    image: FloatImage
    disparity: FloatImage
    key: str
    method: str
    options: Mapping[str, Any]
    lens: Lens
    steps: Sequence[Step]

    def recipe(self) -> dict[str, Any]:
        """What makes the pixels of a frame beside its step; equal recipes give equal bytes."""
        spec, options = photograph.chosen(self.method, self.options)
        made = {
            "photograph": _sha256(self.image),
            "disparity": _sha256(self.disparity),
            "size": [self.image.shape[1], self.image.shape[0]],
            "key": self.key,
            "method": spec.id,
            "k_scale": spec.k_scale,
            "options": {**spec.options, **options},
            "weights": spec.weights_sha256(),
            "external": spec.made_with(),
            "registered": {} if spec.implementation.startswith("bokehbench.") else registered_files(),
            "lens": replace(self.lens, K=0.0, disp_focus=0.0).to_json(),
        }
        return dict(records.plain(made))

    def inputs(self, step: Step) -> Inputs:
        """What the method gets for a frame."""
        lens = replace(self.lens, K=step.K, disp_focus=step.disp_focus)
        return Inputs(self.key, self.image, self.disparity, lens)


def _sha256(values: FloatImage) -> str:
    return records.sha256_bytes(np.ascontiguousarray(values, np.float32).tobytes())


# -------------------------------------------------------------------------------------------- rendering


def render(sweep: Sweep, folder: Path, workers: int = 1, renderer: Renderer | None = None) -> int:
    """Render the frames that a folder lacks.

    Args:
        sweep: what to render.
        folder: for frames and record; made where it is not there.
        workers: processes; the frames do not depend on it. An external method has one process whatever it is.
        renderer: of `photograph.prepare` for this method and lens, where the caller has it; else it is made.

    Returns:
        How many frames were there already.

    Raises:
        ConfigError, JobFailed, Unavailable: see `photograph.prepare` and `photograph.pictures`.
        InputError: the folder has numbered pictures that are no sweep's.
    """
    if workers < 1:
        raise ConfigError(f"--workers must be at least 1, not {workers}")
    if renderer is None:
        renderer = photograph.prepare(sweep.method, sweep.options, sweep.lens)
    kept = _claim(folder, sweep)
    lacking = [step for step in sweep.steps if step.number not in kept]
    if workers > 1 and not hasattr(renderer, "render_many"):
        del renderer  # each process makes its own
        work = [(f"frame {step.number}", step) for step in lacking]
        label = f"{sweep.method}, {len(lacking)} frames"
        jobs.raise_first(jobs.run_jobs(_Frames(sweep, folder), work, label=label, workers=workers))
        return len(kept)
    with jobs.progress(f"{sweep.method}, frames", len(lacking)) as advance, jobs.ended_by_sigterm():
        asked = [sweep.inputs(step) for step in lacking]
        for number, image in photograph.pictures(renderer, sweep.method, asked):
            images.write_png(folder / lacking[number].file, image)
            advance(1)
    return len(kept)


class _Frames:
    """Renders single frames in a process of several; made once in each of them."""

    def __init__(self, sweep: Sweep, folder: Path) -> None:
        self.sweep, self.folder = sweep, folder

    @functools.cached_property
    def renderer(self) -> Renderer:
        return photograph.prepare(self.sweep.method, self.sweep.options, self.sweep.lens)

    def __call__(self, step: Step) -> None:
        ((_, image),) = photograph.pictures(self.renderer, self.sweep.method, [self.sweep.inputs(step)])
        images.write_png(self.folder / step.file, image)


def _claim(folder: Path, sweep: Sweep) -> set[int]:
    """Write the record, delete what it is not about, and return the numbers of the frames that stay."""
    recipe, entries = sweep.recipe(), [step.entry() for step in sweep.steps]
    before = _read(folder)
    present = sorted(path.name for path in folder.glob("*.png") if re.fullmatch(r"[0-9]{4,}\.png", path.name))
    if present and before is None:
        raise InputError(
            f"{folder}: has pictures ({present[0]}) but no {RECORD} of a sweep; choose another --out"
        )
    same = before is not None and before.get("recipe") == recipe
    then = {entry["file"]: entry for entry in (before or {}).get("frames", [])} if same else {}
    valid = {entry["file"] for entry in entries if then.get(entry["file"]) == entry}
    kept = {name for name in present if name in valid and _is_whole(folder / name)}
    for name in set(present) - kept:
        (folder / name).unlink()
    if folder.exists():
        records.remove_parts(folder)
    content = {"schema": SCHEMA, "recipe": recipe, "frames": entries, "code": records.code_version()}
    if not same or (before or {}).get("frames") != entries:
        records.write_json(folder / RECORD, content)
    return {step.number for step in sweep.steps if step.file in kept}


def _read(folder: Path) -> dict[str, Any] | None:
    """The record of an earlier run; None where there is none."""
    path = folder / RECORD
    if not path.is_file():
        return None
    with contextlib.suppress(InputError):
        content = records.read_json(path)
        if isinstance(content, dict) and content.get("schema") == SCHEMA:
            return content
    raise InputError(f"{path}: not the record of a sweep; choose another --out, or delete it")


def _is_whole(path: Path) -> bool:
    try:
        images.read_image(path)
    except BokehbenchError:
        return False
    return True


# ---------------------------------------------------------------------------------------------- looking


def frame(folder: Path, step: Step) -> Any:
    """The pixels of a frame, [H, W, 3] uint8."""
    return images.quantise(images.read_image(folder / step.file))


def write_strip(path: Path, sweep: Sweep, folder: Path, title: str) -> None:
    """Write at most twelve frames, the first and the last among them, as a labelled contact sheet."""
    shown = list(_spread(sweep.steps))
    changing = len({step.disp_focus for step in shown}) > 1
    labels = [f"focus {step.disp_focus:.2f}" if changing else f"K {step.K:.4g} px" for step in shown]
    sheet = images.contact_sheet([frame(folder, step) for step in shown], labels, title)
    images.write_png(path, sheet)


def _spread(found: Sequence[Step]) -> Iterator[Step]:
    """As many as the strip has, evenly spaced."""
    count = min(len(found), SHOWN)
    yield from (found[round(n * (len(found) - 1) / (count - 1))] for n in range(count))
