"""Keyed units of work on a Ray cluster; Ray is an extra, imported here alone."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from bokehbench.errors import BokehbenchError, ConfigError, Unavailable
from bokehbench.jobs import THREADS, Outcome, died
from bokehbench.registry import REGISTER_VARIABLE

T = TypeVar("T")
R = TypeVar("R")

LOCAL = "local"
SECONDS_TO_ANSWER = 10.0
AHEAD = 2
"""Units in flight for each processor of the cluster: enough to hide the way there and back."""


def in_ray(
    function: Callable[[T], R], jobs: Sequence[tuple[str, T]], address: str, workers: int
) -> Iterator[Outcome[R]]:
    """See `jobs.run_jobs`; each unit asks for one processor and uses one thread."""
    ray = _connect(address, workers)
    try:
        try:
            shared = ray.put(function)
        except ImportError as error:  # Ray imports pyarrow where it is there, and it may not work
            raise Unavailable(f"--ray: Ray does not work here ({' '.join(str(error).split())})") from error
        yield from _run(ray, shared, jobs)
    finally:
        ray.shutdown()


def _connect(address: str, workers: int) -> Any:
    # Before the import, which reads them: no statistics to anyone, no warnings about future defaults.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise Unavailable(
            f"--ray needs the package ray, which is an extra: pip install 'bokehbench[ray]' ({error})"
        ) from error
    threads = dict.fromkeys(THREADS, "1")
    registered = {REGISTER_VARIABLE: os.environ[REGISTER_VARIABLE]} if REGISTER_VARIABLE in os.environ else {}
    here = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} if address == LOCAL else {}
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    environment: dict[str, Any] = {"runtime_env": {"env_vars": threads | registered | here}}
    try:
        _knock(address)
        if address == LOCAL:
            ray.init(address=LOCAL, num_cpus=workers, include_dashboard=False, **quiet, **environment)
        else:
            ray.init(address=address, **quiet, **environment)
    except Exception as error:  # Ray raises Exception itself where its processes do not start in time
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"--ray {address}: no Ray cluster there ({reason}); `local` starts one on this machine"
        ) from error
    return ray


def _knock(address: str) -> None:
    """OSError where nobody listens: Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS_TO_ANSWER).close()


def _run(ray: Any, shared: Any, jobs: Sequence[tuple[str, T]]) -> Iterator[Outcome[Any]]:
    unit = ray.remote(num_cpus=1, num_gpus=_share_of_gpu(ray))(_call)
    most = max(int(ray.cluster_resources().get("CPU", 1)), 1) * AHEAD
    waiting = iter(jobs)
    flying: dict[Any, str] = {}
    while True:
        while len(flying) < most and (job := next(waiting, None)) is not None:
            flying[unit.remote(shared, job[1])] = job[0]
        if not flying:
            return
        landed, _ = ray.wait(list(flying), num_returns=1)
        for reference in landed:
            key = flying.pop(reference)
            try:
                value, error = ray.get(reference)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as crash:
                raise died(key) from crash
            yield Outcome(key, error=error) if error is not None else Outcome(key, value=value)


def _share_of_gpu(ray: Any) -> float:
    """What each unit asks of a GPU, so that units spread over all of them; 0 where a machine has none.

    Ray shows a unit the GPU that it was given, and to one that asks for nothing all of its machine.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    shares = [node.get("GPU", 0.0) / max(node.get("CPU", 1.0), 1.0) for node in nodes]
    return min(1.0, int(min(shares, default=0.0) * 1e4) / 1e4)


def _call(function: Callable[[T], R], argument: T) -> tuple[R | None, BokehbenchError | None]:
    """Runs on the cluster. An error of the user's kind is an answer; anything else is raised as it is."""
    try:
        return function(argument), None
    except BokehbenchError as error:
        return None, error
