"""Claims about keyed work: the same whatever the number of workers, and failures have names."""

from __future__ import annotations

import builtins
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bokehbench import jobs
from bokehbench.errors import BadImage, ConfigError, InputError, JobFailed, Unavailable


def square(x: int) -> int:
    return x * x


def refuse_three(x: int) -> int:
    if x == 3:
        raise InputError("three is not wanted")
    return x


def die(x: int) -> int:
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


JOBS = [(f"job{n}", n) for n in range(5)]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(workers: int) -> None:
    done = {o.key: o.value for o in jobs.run_jobs(square, JOBS, label="squares", workers=workers)}
    assert done == {f"job{n}": n * n for n in range(5)}


@pytest.mark.parametrize("workers", [1, 2])
def test_one_failure_does_not_stop_the_rest(workers: int) -> None:
    outcomes = list(jobs.run_jobs(refuse_three, JOBS, label="x", workers=workers))
    assert [o.key for o in outcomes if o.error] == ["job3"]
    assert len(outcomes) == 5
    with pytest.raises(JobFailed, match="job3: three is not wanted"):
        jobs.raise_first(iter(outcomes))


def test_a_dead_worker_is_an_error_that_says_so() -> None:
    with pytest.raises(JobFailed, match="died"):
        list(jobs.run_jobs(die, JOBS, label="x", workers=2))


def test_no_workers_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="--workers"):
        list(jobs.run_jobs(square, JOBS, label="x", workers=0))


def test_progress_is_silent_when_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    list(jobs.run_jobs(square, JOBS, label="x"))
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""


def refuse(x: int) -> int:
    raise BadImage(f"{x}.png", "E_TRUNCATED", "damaged")


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_keep_their_kind_on_the_way_from_a_worker(workers: int) -> None:
    (outcome,) = jobs.run_jobs(refuse, [("a", 7), ("b", 8)][:1], label="x", workers=workers)
    assert isinstance(outcome.error, BadImage)
    assert (outcome.error.code, str(outcome.error)) == ("E_TRUNCATED", "7.png: damaged [E_TRUNCATED]")


def threads_and_sum(numbers: list[int], x: int) -> tuple[str, int]:
    return os.environ.get("NUMBA_NUM_THREADS", ""), sum(numbers) + x


def test_what_a_partial_binds_reaches_the_workers_and_cores_are_shared_out() -> None:
    function = functools.partial(threads_and_sum, list(range(1000)))
    outcomes = jobs.run_jobs(function, JOBS, label="x", workers=len(os.sched_getaffinity(0)))
    assert {o.key: o.value for o in outcomes} == {f"job{n}": ("1", 499500 + n) for n in range(5)}


def device_and_work(x: int) -> str:
    time.sleep(0.3)  # so that both workers get some
    return os.environ.get("CUDA_VISIBLE_DEVICES", "none")


def test_each_worker_sees_one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a, GPU-b")
    outcomes = jobs.run_jobs(device_and_work, [(str(n), n) for n in range(4)], label="x", workers=2)
    assert {outcome.value for outcome in outcomes} == {"GPU-a", "GPU-b"}


def test_a_process_that_may_use_no_gpu_gives_none_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert jobs.accelerators() == []


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ("GPU 0: A (UUID: GPU-1)\nGPU 1: A (UUID: GPU-2)\n", ["GPU-1", "GPU-2"]),
        (
            "GPU 0: A (UUID: GPU-1)\n  MIG 1g Device 0: (UUID: MIG-x)\n  MIG 1g Device 1: (UUID: MIG-y)\n"
            "GPU 1: A (UUID: GPU-2)\n",
            ["MIG-x", "MIG-y", "GPU-2"],
        ),
        ("No devices found.\n", []),
    ],
)
def test_gpus_are_those_that_the_driver_lists(
    listed: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\ncat <<'END'\n{listed}END\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert jobs.accelerators() == found


TERMINATED = """
import os, signal, sys, threading
from bokehbench import jobs

def work(folder):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    threading.Event().wait(30)

try:
    list(jobs.run_jobs(work, [("a", "")], label="x"))
finally:
    print("cleaned up")
"""


def test_sigterm_lets_the_run_clean_up() -> None:
    done = subprocess.run([sys.executable, "-c", TERMINATED], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("cleaned up\n", 128 + signal.SIGTERM)


# ------------------------------------------------------------------------------------------------------ Ray


def test_ray_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = builtins.__import__

    def without_ray(name: str, *arguments: object, **more: object) -> object:
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return honest(name, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_ray)
    with pytest.raises(Unavailable, match=r"pip install 'bokehbench\[ray\]'"):
        list(jobs.run_jobs(square, JOBS, label="x", ray="local"))
