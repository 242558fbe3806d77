"""Starts a Blender process per scene, shows its progress, and never lets it outlive this one."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bokehbench import jobs, records
from bokehbench.blender import stack
from bokehbench.blender.catalogue import BLEND_SPP, parse_scenes
from bokehbench.blender.plan import FOCI, LEVELS, StackRequest
from bokehbench.errors import BokehbenchError, ConfigError, InputError, JobFailed, Unavailable

ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
"""What a worker inherits; a .blend file that nobody vetted should find nothing else."""


@dataclass(frozen=True)
class StackReport:
    """What came of one scene.

    Attributes:
        folder: DIR/{scene}.
        info: its info.json.
        rendered: stems of the images that this call rendered; the others were there.
        warnings: what Blender or the scene's depth gave reason to say.
    """

    folder: Path
    info: dict[str, Any]
    rendered: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default_factory=tuple)

    def noise(self) -> dict[str, float]:
        """Estimated noise of each image, dB (info.json says what the number means)."""
        return {name: image["noise_psnr"] for name, image in sorted(self.info["images"].items())}


def render_scenes(
    scenes: Sequence[str],
    out: Path,
    size: tuple[int, int] = (480, 270),
    levels: Sequence[int] = tuple(range(LEVELS)),
    foci: Sequence[int] = tuple(range(FOCI)),
    spp: int | None = None,
    seed: int = 0,
) -> list[StackReport]:
    """Render procedural scenes as BLB stacks, one Blender process each; what is there already stays.

    Args:
        scenes: ``NAME``, ``NAME#SEED`` or ``all``.
        out: gets a folder per scene (`bokehbench.blender.stack` describes it).
        size: (width, height) in pixels.
        levels: level indices 0 (weak) to 4 (strong).
        foci: focus indices 0 (far) to 9 (near).
        spp: samples per pixel of every image; None takes each scene's own counts.
        seed: of the sampling noise.

    Raises:
        Unavailable: there is no bpy.
        ConfigError: an unknown scene, an option out of range, or a folder with other settings.
        JobFailed: the Blender process died.
    """
    requests = [
        StackRequest(
            scene=str(name),
            module=name.info.name,
            variation=name.variation,
            blend="",
            width=size[0],
            height=size[1],
            levels=tuple(levels),
            foci=tuple(foci),
            spp=name.info.spp if spp is None else (even(spp),) * 6,
            seed=seed,
            denoise=name.info.denoise,
        )
        for name in parse_scenes(list(scenes))
    ]
    return [render_stack(request, out) for request in requests]


def render_blend(
    blend: Path,
    out: Path,
    size: tuple[int, int] = (480, 270),
    levels: Sequence[int] = tuple(range(LEVELS)),
    foci: Sequence[int] = tuple(range(FOCI)),
    spp: int | None = None,
    seed: int = 0,
    *,
    camera: str = "",
    allow_missing: bool = False,
) -> StackReport:
    """Render a user's .blend file as a BLB stack; its scripts do not run. Arguments as `render_scenes`.

    Args:
        blend: the file; its stem names the folder.
        camera: name of the camera to use; empty takes the file's active one.
        allow_missing: render although textures are missing (Blender shows them magenta).

    Raises:
        InputError: no such file, or one that cannot be rendered (the message says why).
    """
    if not blend.is_file():
        raise InputError(f"{blend}: no such file")
    request = StackRequest(
        scene=blend.stem,
        module="",
        variation=0,
        blend=str(blend.resolve()),
        width=size[0],
        height=size[1],
        levels=tuple(levels),
        foci=tuple(foci),
        spp=BLEND_SPP if spp is None else (even(spp),) * 6,
        seed=seed,
        camera=camera,
        allow_missing=allow_missing,
    )
    return render_stack(request, out)


def even(spp: int) -> int:
    """The next even number: an image is two halves."""
    return spp + spp % 2


def render_stack(request: StackRequest, out: Path) -> StackReport:
    """Render what is missing of one stack below `out`; errors as `render_scenes`."""
    require_bpy()
    folder = out / request.scene
    if folder.is_dir():
        records.remove_parts(folder)
    info = stack.read_info(folder, stack.settings(request))
    todo = stack.missing(folder, info, request.images())
    if not todo:
        return StackReport(folder, info, (), tuple(info.get("warnings", ())))
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(request.samples(name) for name in todo)
    with jobs.progress(f"{request.scene} (samples per pixel)", total) as advance:
        _work(request, folder, advance)
    info = stack.read_info(folder, stack.settings(request))
    return StackReport(folder, info, tuple(todo), tuple(info.get("warnings", ())))


def require_bpy() -> None:
    """Raise Unavailable, with what to do, where Blender's Python module is missing."""
    if importlib.util.find_spec("bpy") is None:
        have = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Unavailable(
            "rendering needs Blender's Python module: pip install 'bokehbench[blender]' "
            f"(Python 3.11 only, this is {have}); folders that are rendered already need no Blender"
        )


def _work(request: StackRequest, folder: Path, advance: Callable[[int], None]) -> None:
    job = {
        "module": "bokehbench.blender.scripts.stackjob",
        "request": request.to_json(),
        "folder": str(folder.resolve()),
    }
    try:
        run_worker(job, request.scene, advance)
    except (ConfigError, InputError):
        with contextlib.suppress(OSError):
            folder.rmdir()  # where nothing was written
        raise


def run_worker(job: dict[str, Any], name: str, advance: Callable[[int], None]) -> None:
    """Let a Blender process do a job; what is on disk when it dies stays there.

    Args:
        job: plain values for the function `work` of the module that `job["module"]` names.
        name: of what is rendered, for messages.
        advance: gets samples per pixel as they are done.

    Raises:
        ConfigError, InputError: the worker refused the job.
        JobFailed: it died.
    """
    failure: BokehbenchError | None = None
    with (
        tempfile.TemporaryDirectory(prefix="bokehbench-blender-") as scratch,
        _worker(job, Path(scratch)) as (process, events),
    ):
        for line in events:
            event = json.loads(line)
            if event["event"] == "samples":
                advance(event["count"])
            elif event["event"] == "refused":
                kind = ConfigError if event["kind"] == "ConfigError" else InputError
                failure = kind(event["message"])
        code = process.wait()
        if failure is not None:
            raise failure
        if code != 0:
            raise JobFailed(
                f"{name}: the Blender process ended with {_exit_reason(code)}"
                f"{_last_line(Path(scratch) / 'stderr.log')}; the same command goes on from here"
            )


@contextlib.contextmanager
def _worker(job: dict[str, Any], scratch: Path) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[str]]]:
    """A worker in a session of its own and its events (JSON lines); it is gone when the block ends."""
    read_end, write_end = os.pipe()
    job = {**job, "scratch": str(scratch), "events": write_end, "parent": os.getpid()}
    records.write_json(scratch / "job.json", job)
    (scratch / "cwd").mkdir()
    with (scratch / "stderr.log").open("wb") as log, os.fdopen(read_end) as events:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bokehbench.blender.scripts.worker", str(scratch / "job.json")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=scratch / "cwd",
            env=_environment(scratch),
            pass_fds=(write_end,),
            start_new_session=True,
        )
        os.close(write_end)  # the worker has the only one left: its death ends the events
        try:
            yield process, events
        finally:
            _end(process)


def _environment(scratch: Path) -> dict[str, str]:
    import bokehbench

    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    root = str(Path(bokehbench.__file__).resolve().parent.parent)
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    home = str(scratch / "cwd")
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "HOME": home,
        "TMPDIR": str(scratch),
        "BLENDER_USER_RESOURCES": home,  # a user's start-up file must not change a benchmark
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """Terminate, then kill, the worker's process group."""
    if process.poll() is not None:
        return
    for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


def _exit_reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    reason = "; was there enough memory?" if code == -signal.SIGKILL else ""
    return f"signal {signal.Signals(-code).name}{reason}"


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f" ({lines[-1][:300]})" if lines else ""
