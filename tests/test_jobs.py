"""Claims about keyed work: the same whatever the number of workers, and failures have names."""

from __future__ import annotations

import os
import signal

import pytest

from bokehbench import jobs
from bokehbench.errors import ConfigError, InputError, JobFailed


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
