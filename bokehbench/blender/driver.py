"""From requests to rendered stacks: what is missing, shared out to Blender processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokehbench import jobs, records
from bokehbench.blender import asked, processes, stack
from bokehbench.blender.plan import StackRequest
from bokehbench.blender.requests import blend_request, scene_requests
from bokehbench.errors import BokehbenchError, ConfigError, InputError, JobFailed

IMAGES_ON_RAY = 4
"""Images of one unit on a cluster: enough that building the scene is a small part of it."""


@dataclass(frozen=True)
class StackReport:
    """What came of one scene.

    Attributes:
        folder: DIR/{scene}.
        info: its info.json; {} where nothing is rendered yet.
        rendered: stems of the images that this call rendered; the others were there.
        warnings: what Blender or the scene's depth gave reason to say.
        failure: what stopped it, if anything did.
    """

    folder: Path
    info: dict[str, Any]
    rendered: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default_factory=tuple)
    failure: BokehbenchError | None = None

    def noise(self) -> dict[str, float]:
        """Estimated noise of each image, dB (info.json says what the number means)."""
        return {name: image["noise_psnr"] for name, image in sorted(self._images().items())}

    def devices(self) -> list[str]:
        """What rendered the images of this call: ``CPU``, or kind and name of a GPU."""
        return sorted({self._images()[name]["device"] for name in self.rendered})

    def _images(self) -> dict[str, Any]:
        return dict(self.info.get("images", {}))


@dataclass(frozen=True)
class Means:
    """What a call may use. The images do not depend on it, but for the device that renders them.

    Attributes:
        device: one of `plan.DEVICES`.
        workers: Blender processes at a time, which share this machine's cores.
        ray: address of a Ray cluster, see `jobs.run_jobs`.
        shard: (i, n), the i-th of n parts of the images.
    """

    device: str = "auto"
    workers: int = 1
    ray: str | None = None
    shard: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"--workers must be at least 1, not {self.workers}")

    def threads(self, pieces: int) -> int:
        """Of each Blender process when the work is in so many pieces; 0 for all cores."""
        if self.ray is not None:
            return 1
        at_once = min(self.workers, pieces)
        return max(1, len(os.sched_getaffinity(0)) // at_once) if at_once > 1 else 0


@dataclass(frozen=True)
class Share:
    """Images of one stack that one Blender process renders."""

    request: StackRequest
    folder: Path
    images: tuple[str, ...]

    def job(self, means: Means, pieces: int = 1, module: str = "stackjob") -> tuple[str, dict[str, Any]]:
        """(name for messages, job) as `processes.run_workers` takes it; one of so many pieces of work."""
        values = {
            "module": f"bokehbench.blender.scripts.{module}",
            "request": self.request.to_json(),
            "folder": str(self.folder.resolve()),
            "images": list(self.images),
            "device": means.device,
            "threads": means.threads(pieces),
        }
        return self.request.scene, values


def render_scenes(
    scenes: Sequence[str], out: Path, *args: Any, means: Means | None = None, **options: Any
) -> list[StackReport]:
    """Render procedural scenes as BLB stacks; what is there already stays.

    Args:
        scenes: ``NAME``, ``NAME#SEED`` or ``all``.
        out: gets a folder per scene (`bokehbench.blender.stack` describes it).
        args, options: size, levels, foci, spp and more, as `requests.scene_requests` takes them.
        means: device and processes.

    Raises:
        Unavailable: there is no bpy.
        ConfigError: an unknown scene, an option out of range, or a folder with other settings.
        JobFailed: a Blender process died.
    """
    return raised(render_stacks(scene_requests(scenes, *args, **options), out, means or Means()))


def render_blend(
    blend: Path, out: Path, *args: Any, means: Means | None = None, **options: Any
) -> StackReport:
    """Render a user's .blend file as a BLB stack; its scripts do not run. Arguments as `render_scenes`.

    Raises:
        InputError: no such file, or one that cannot be rendered (the message says why).
    """
    return raised(render_stacks([blend_request(blend, *args, **options)], out, means or Means()))[0]


def raised(reports: list[StackReport]) -> list[StackReport]:
    """The same reports; raises the first failure among them."""
    for report in reports:
        if report.failure is not None:
            raise report.failure
    return reports


def render_stacks(requests: Sequence[StackRequest], out: Path, means: Means) -> list[StackReport]:
    """Render what is missing of several stacks below `out`; one that fails does not stop the others.

    Raises:
        Unavailable: there is no bpy, or no Ray.
        ConfigError: a folder holds a stack with other settings.
    """
    processes.require_bpy()
    work = missing_work(requests, out, means.shard)
    out.mkdir(parents=True, exist_ok=True)
    asked.add(out, requests)
    for share in work:
        share.folder.mkdir(parents=True, exist_ok=True)
    pieces = _pieces(work, means)
    render = _on_ray if means.ray is not None else _here
    failures: dict[str, BokehbenchError] = {}
    for piece, failure in zip(pieces, render(pieces, means), strict=True):
        if failure is not None:
            failures.setdefault(piece.request.scene, failure)
    rendered = {share.request.scene: share.images for share in work}
    return [_report(request, out, rendered, failures) for request in requests]


def missing_work(requests: Sequence[StackRequest], out: Path, shard: tuple[int, int] = (0, 1)) -> list[Share]:
    """What of several stacks is not there as their info.json describe it, one share per stack.

    Args:
        requests: of stacks below `out`.
        out: holds a folder per scene.
        shard: (i, n); the images of all stacks, in order, are cut into n parts, of which the i-th counts.

    Raises:
        ConfigError: a folder holds a stack with other settings.
    """
    names = [(request.scene, name) for request in requests for name in request.images()]
    first, last = (len(names) * index // shard[1] for index in (shard[0], shard[0] + 1))
    mine = set(names[first:last])
    work = []
    for request in requests:
        folder = out / request.scene
        if folder.is_dir():
            records.remove_parts(folder)
        info = stack.read_info(folder, stack.settings(request))
        due = [name for name in request.images() if (request.scene, name) in mine]
        todo = stack.missing(folder, info, due)
        if todo:
            work.append(Share(request, folder, tuple(todo)))
    return work


def _pieces(work: list[Share], means: Means) -> list[Share]:
    """The same work in pieces for processes: whole stacks, unless there are too few of them.

    Images of a stated quality share their rays: those of one stack stay together.
    """
    total = sum(len(share.images) for share in work)
    most = IMAGES_ON_RAY if means.ray is not None else total
    if means.ray is None and means.workers > 1:
        most = max(1, -(-total // (2 * means.workers)))
    pieces: list[Share] = []
    for share in work:
        step = most if share.request.quality is None else len(share.images)
        starts = range(0, len(share.images), step)
        pieces += [Share(share.request, share.folder, share.images[i : i + step]) for i in starts]
    return pieces


def _here(pieces: list[Share], means: Means) -> list[BokehbenchError | None]:
    total = sum(len(piece.images) for piece in pieces)
    with jobs.progress("images", total) as advance:
        bar = _Bar(pieces, advance)
        return processes.run_workers(
            [piece.job(means, len(pieces)) for piece in pieces], bar.heed, means.workers
        )


class _Bar:
    """Progress in images, of which the one that is being rendered counts by its samples."""

    def __init__(self, pieces: list[Share], advance: Callable[[float], None]) -> None:
        self.pieces, self.advance = pieces, advance
        self.done = [0] * len(pieces)
        self.part = [0.0] * len(pieces)

    def heed(self, index: int, event: dict[str, Any]) -> None:
        """Take an event of the process that renders piece `index`."""
        before = self.done[index] + self.part[index]
        if event["event"] == "image":
            self.done[index], self.part[index] = self.done[index] + 1, 0.0
        elif event["event"] == "samples" and self.done[index] < len(self.pieces[index].images):
            piece = self.pieces[index]
            expected = piece.request.samples(piece.images[self.done[index]])
            self.part[index] = min(0.99, self.part[index] + event["count"] / expected)
        self.advance(self.done[index] + self.part[index] - before)


def _on_ray(pieces: list[Share], means: Means) -> list[BokehbenchError | None]:
    units = [(str(index), piece.job(means)) for index, piece in enumerate(pieces)]
    outcomes = jobs.run_jobs(
        _render_unit, units, label="units of images", workers=means.workers, ray=means.ray
    )
    failures = {int(outcome.key): outcome.error for outcome in outcomes}
    return [failures[index] for index in range(len(pieces))]


def _render_unit(unit: tuple[str, dict[str, Any]]) -> None:
    """One piece, in a process of a cluster."""
    name, job = unit
    processes.run_worker(job, name, lambda count: None)


def _report(
    request: StackRequest,
    out: Path,
    rendered: dict[str, tuple[str, ...]],
    failures: dict[str, BokehbenchError],
) -> StackReport:
    folder, failure = out / request.scene, failures.get(request.scene)
    if isinstance(failure, ConfigError | InputError):
        with contextlib.suppress(OSError):
            folder.rmdir()  # where nothing was written
            asked.forget(out, request.scene)
    info = stack.read_info(folder, stack.settings(request))
    due = rendered.get(request.scene, ())
    images = tuple(name for name in due if name in info.get("images", {}))
    if failure is None and len(images) < len(due):
        failure = JobFailed(f"{folder}: {len(due) - len(images)} images were not rendered")
    return StackReport(folder, info, images, tuple(info.get("warnings", ())), failure)
