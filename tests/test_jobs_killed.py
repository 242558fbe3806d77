"""A run killed with SIGKILL leaves no worker behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = """
import os, sys, time
from pathlib import Path
from bokehbench.jobs import run_jobs

def work(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)

if __name__ == "__main__":
    list(run_jobs(work, [(str(n), sys.argv[1]) for n in range(4)], label="", workers=2))
"""


def is_alive(pid: int) -> bool:
    """Running; a zombie that nobody has collected yet is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_workers_end_with_their_parent(tmp_path):
    script, folder = tmp_path / "long_run.py", tmp_path / "pids"
    script.write_text(SCRIPT)
    folder.mkdir()
    parent = subprocess.Popen([sys.executable, script, folder])
    try:
        assert wait_until(lambda: len(list(folder.iterdir())) == 2)
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    workers = [int(path.name) for path in folder.iterdir()]
    assert wait_until(lambda: not any(is_alive(pid) for pid in workers))
