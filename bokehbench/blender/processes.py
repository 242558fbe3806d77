"""Blender processes: started for a job, listened to, and never let to outlive this one."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.errors import BokehbenchError, ConfigError, InputError, JobFailed, Unavailable

ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
"""What a worker inherits; a .blend file that nobody vetted should find nothing else."""

Heed = Callable[[int, dict[str, Any]], None]
"""Gets (index of the job, event)."""


def require_bpy() -> None:
    """Raise Unavailable, with what to do, where Blender's Python module is missing."""
    if importlib.util.find_spec("bpy") is None:
        have = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Unavailable(
            "rendering needs Blender's Python module: pip install 'bokehbench[blender]' "
            f"(Python 3.11 only, this is {have}); folders that are rendered already need no Blender"
        )


def run_worker(job: dict[str, Any], name: str, advance: Callable[[int], None]) -> None:
    """Let a Blender process do one job; what is on disk when it dies stays there.

    Args:
        job: plain values for the function `work` of the module that `job["module"]` names.
        name: of what is rendered, for messages.
        advance: gets samples per pixel as they are done.

    Raises:
        ConfigError, InputError: the worker refused the job.
        JobFailed: it died.
    """

    def heed(_: int, event: dict[str, Any]) -> None:
        if event["event"] == "samples":
            advance(event["count"])

    (failure,) = run_workers([(name, job)], heed)
    if failure is not None:
        raise failure


def run_workers(
    jobs: Sequence[tuple[str, dict[str, Any]]], heed: Heed, workers: int = 1
) -> list[BokehbenchError | None]:
    """Let Blender processes, so many at a time, do jobs; a failure leaves the others to go on.

    Args:
        jobs: (name for messages, job as for `run_worker`).
        heed: is called for each event of a worker, in this thread.
        workers: processes at a time.

    Returns:
        Per job, what stopped it, or None.
    """
    failures: list[BokehbenchError | None] = [None] * len(jobs)
    waiting = deque(enumerate(jobs))
    with contextlib.ExitStack() as ends, selectors.DefaultSelector() as selector:
        while waiting or selector.get_map():
            while waiting and len(selector.get_map()) < workers:
                index, (name, job) = waiting.popleft()
                worker = Worker(name, job)
                ends.callback(worker.close)
                selector.register(worker.pipe, selectors.EVENT_READ, (index, worker))
            for key, _ in selector.select():
                index, worker = key.data
                for event in worker.read():
                    heed(index, event)
                if worker.silent:
                    selector.unregister(worker.pipe)
                    failures[index] = worker.finish()
                    worker.close()
    return failures


class Worker:
    """A Blender process in a session of its own, with a private pipe for its events (JSON lines).

    Attributes:
        pipe: descriptor to read events from.
        silent: the process has closed its end: it is gone, or about to be.
    """

    def __init__(self, name: str, job: dict[str, Any]) -> None:
        self.name, self.silent = name, False
        self._rest = b""
        self._refused: BokehbenchError | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="bokehbench-blender-")
        self._folder = Path(self._scratch.name)
        self.pipe, end = os.pipe()
        values = {**job, "scratch": str(self._folder), "events": end, "parent": os.getpid()}
        records.write_json(self._folder / "job.json", values)
        (self._folder / "cwd").mkdir()
        with (self._folder / "stderr.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "bokehbench.blender.scripts.worker", f"{self._folder}/job.json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=self._folder / "cwd",
                env=_environment(self._folder),
                pass_fds=(end,),
                start_new_session=True,
            )
        os.close(end)  # the worker has the only one left: its death ends the events

    def read(self) -> list[dict[str, Any]]:
        """Events that have arrived; blocks only where there are none at all."""
        data = os.read(self.pipe, 1 << 16)
        self.silent = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        events: list[dict[str, Any]] = [json.loads(line) for line in lines]
        for event in events:
            if event["event"] == "refused":
                kind = ConfigError if event["kind"] == "ConfigError" else InputError
                self._refused = kind(event["message"])
        return events

    def finish(self) -> BokehbenchError | None:
        """Wait for the process; what stopped it, or None where it did its job."""
        code = self._process.wait()
        if self._refused is not None or code == 0:
            return self._refused
        said = _last_line(self._folder / "stderr.log")
        return JobFailed(
            f"{self.name}: the Blender process ended with {_exit_reason(code)}{said}; "
            "the same command goes on from here"
        )

    def close(self) -> None:
        """Terminate, then kill, the process group if it still runs, and remove what it left; repeatable."""
        for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
            if self._process.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        with contextlib.suppress(OSError):
            os.close(self.pipe)
        self.pipe = -1
        self._scratch.cleanup()


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


def _exit_reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    reason = "; was there enough memory?" if code == -signal.SIGKILL else ""
    return f"signal {signal.Signals(-code).name}{reason}"


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f" ({lines[-1][:300]})" if lines else ""
