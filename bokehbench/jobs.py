"""Keyed units of work: in this process or in several, with progress, clean Ctrl-C and the same results.

A unit is a key and an argument; the function that does it writes its own files (atomically) and returns
something small. What is already done is left out by the caller, so resuming is nothing special.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from bokehbench.errors import BokehbenchError, ConfigError, JobFailed

T = TypeVar("T")
R = TypeVar("R")

Advance = Callable[[int], None]


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

        def advance(n: int) -> None:
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
) -> Iterator[Outcome[R]]:
    """Do every job and yield its outcome as it ends (any order).

    Args:
        function: module-level, so that other processes can import it.
        jobs: (key, argument) pairs.
        label: what the progress bar says.
        workers: processes; 1 works in this one. The cores are shared out among them.

    Yields:
        One `Outcome` a job. A BokehbenchError of a job becomes its outcome and the rest goes on; any other
        exception is a bug and is raised.

    Raises:
        ConfigError: workers < 1.
        JobFailed: a worker process died (killed, or out of memory).
    """
    if workers < 1:
        raise ConfigError(f"--workers must be at least 1, not {workers}")
    with progress(label, len(jobs)) as advance:
        outcomes = _in_process(function, jobs) if workers == 1 else _in_pool(function, jobs, workers)
        for outcome in outcomes:
            advance(1)
            yield outcome


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
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_limit_threads, initargs=(threads,))
    try:
        futures: dict[Future[R], str] = {pool.submit(function, argument): key for key, argument in jobs}
        for future in as_completed(futures):
            key = futures[future]
            try:
                yield Outcome(key, value=future.result())
            except BrokenProcessPool as error:
                raise JobFailed(
                    f"{key}: a worker process died (killed, or out of memory); "
                    "the same command goes on from here, fewer --workers need less memory"
                ) from error
            except BokehbenchError as error:
                yield Outcome(key, error=error)
    finally:
        # Workers that are in the middle of a unit must not outlive Ctrl-C; their files are atomic.
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


def _limit_threads(threads: int) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)


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
