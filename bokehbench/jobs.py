"""Keyed units of work: in this process, in several, or on a Ray cluster, with progress, clean Ctrl-C and the
same results.

A unit is a key and an argument; the function that does it writes its own files (atomically) and returns
something small. What is already done is left out by the caller, so resuming is nothing special.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bokehbench.errors import BokehbenchError, ConfigError, JobFailed

T = TypeVar("T")
R = TypeVar("R")

Advance = Callable[[float], None]
THREADS = (
    "OMP_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Environment variables that say how many threads a process may use, read when libraries are imported."""


DEVICES_VARIABLE = "CUDA_VISIBLE_DEVICES"
"""Environment variable with the GPUs that a process may use; each worker is given one of them."""


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """How one unit ended: its value, or the error that stopped it."""

    key: str
    value: R | None = None
    error: BokehbenchError | None = None


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """A bar with rate and remaining time on a terminal, nothing elsewhere; yields `advance(n)`."""
    if not sys.stderr.isatty() or total == 0:
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total, rate="")

        def advance(n: float) -> None:
            bar.advance(task, n)
            speed = bar.tasks[0].speed
            if speed:
                bar.update(task, rate=f"{speed:.2f}/s" if speed >= 1 else f"{1 / speed:.1f} s each")

        yield advance


def run_jobs(
    function: Callable[[T], R],
    jobs: Sequence[tuple[str, T]],
    *,
    label: str,
    workers: int = 1,
    ray: str | None = None,
) -> Iterator[Outcome[R]]:
    """Do every job and yield its outcome as it ends (any order).

    Args:
        function: module-level, or a functools.partial of such, so that other processes can import it; what a
            partial binds is sent once to each process, not with each job.
        jobs: (key, argument) pairs.
        label: what the progress bar says.
        workers: processes; 1 works in this one. The cores are shared out among them, and so are the GPUs:
            each process sees one, and those of several GPUs take turns.
        ray: address of a Ray cluster whose machines share this file system and installation ("auto": the one
            that this machine belongs to), or "local": one of `workers` processes on this machine.

    Yields:
        One `Outcome` a job. A BokehbenchError of a job becomes its outcome and the rest goes on; any other
        exception is a bug and is raised.

    Raises:
        ConfigError: workers < 1, or no cluster at the address.
        Unavailable: Ray is not installed.
        JobFailed: a worker process died (killed, or out of memory).
    """
    if workers < 1:
        raise ConfigError(f"--workers must be at least 1, not {workers}")
    with progress(label, len(jobs)) as advance, ended_by_sigterm():
        if ray is not None:
            from bokehbench.ray_jobs import in_ray

            outcomes: Iterator[Outcome[R]] = in_ray(function, jobs, ray, workers) if jobs else iter(())
        elif workers == 1 or not jobs:
            outcomes = _in_process(function, jobs)
        else:
            outcomes = _in_pool(function, jobs, min(workers, len(jobs)))
        for outcome in outcomes:
            advance(1)
            yield outcome


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM (a job system that takes the machine back) ends the block like an error: it cleans up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def accelerators() -> list[str]:
    """GPUs of NVIDIA that this process may use: those of $CUDA_VISIBLE_DEVICES, else all that there are.

    Where a GPU is cut into instances (MIG), they stand for it. CUDA itself is not started for it.
    """
    named = os.environ.get(DEVICES_VARIABLE)
    if named is not None:
        return [name for part in named.split(",") if (name := part.strip()) and name != "-1"]
    try:
        command = ["nvidia-smi", "-L"]
        listed = subprocess.run(command, capture_output=True, text=True, timeout=30.0, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found: list[str] = []
    for name in re.findall(r"\(UUID: ([^)]+)\)", listed):
        if name.startswith("MIG") and found and found[-1].startswith("GPU"):
            found.pop()  # the GPU that the instance is part of, listed just before its first one
        found.append(name)
    return found


def _in_process(function: Callable[[T], R], jobs: Sequence[tuple[str, T]]) -> Iterator[Outcome[R]]:
    for key, argument in jobs:
        try:
            yield Outcome(key, value=function(argument))
        except BokehbenchError as error:
            yield Outcome(key, error=error)


def _in_pool(function: Callable[[T], R], jobs: Sequence[tuple[str, T]], workers: int) -> Iterator[Outcome[R]]:
    threads = max(1, len(os.sched_getaffinity(0)) // workers)
    # spawn: a fork of a process with OpenMP threads can hang.
    context = multiprocessing.get_context("spawn")
    started, devices = context.Value("i", 0), accelerators() if workers > 1 else []
    pool = ProcessPoolExecutor(
        workers, context, initializer=_start, initargs=(threads, devices, started, pickle.dumps(function))
    )
    try:
        futures: dict[Future[R], str] = {pool.submit(_call, argument): key for key, argument in jobs}
        for future in as_completed(futures):
            key = futures[future]
            try:
                yield Outcome(key, value=future.result())
            except BrokenProcessPool as error:
                raise died(key) from error
            except BokehbenchError as error:
                yield Outcome(key, error=error)
    finally:
        # Workers that are in the middle of a unit must not outlive Ctrl-C; their files are atomic.
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(timeout=5.0)


def died(key: str) -> JobFailed:
    """The error for a unit whose process is gone."""
    return JobFailed(
        f"{key}: a worker process died (killed, or out of memory); "
        "the same command goes on from here, fewer --workers need less memory"
    )


_function: Callable[[Any], Any] | None = None
"""In a worker: what it does."""


def _start(threads: int, devices: Sequence[str], started: Any, pickled: bytes) -> None:
    global _function
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    with started.get_lock():
        number, started.value = started.value, started.value + 1
    if devices:  # before anything looks for GPUs
        os.environ[DEVICES_VARIABLE] = devices[number % len(devices)]
    _function = pickle.loads(pickled)  # imports numba, which reads the environment then
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _call(argument: Any) -> Any:
    assert _function is not None
    return _function(argument)


def _end_with_parent() -> None:
    """A killed parent cannot end its workers: without this they would keep their memory for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def raise_first(outcomes: Iterator[Outcome[R]]) -> list[R]:
    """Collect values in order of arrival; raise the first failure as JobFailed with its key."""
    values = []
    for outcome in outcomes:
        if outcome.error is not None:
            raise JobFailed(f"{outcome.key}: {outcome.error}") from outcome.error
        values.append(outcome.value)
    return values  # type: ignore[return-value]
