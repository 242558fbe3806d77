"""The worker process: its ties to the driver; the job names the module that does it (`stackjob`, ...).

``python -m bokehbench.blender.scripts.worker JOB.json``; events leave as JSON lines on the pipe that the
job names, everything Blender prints goes nowhere or to the log.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ask Linux to kill this process when its parent dies, and leave at once where it has already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


class Events:
    """The private pipe to the driver."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.samples_done = 0

    def send(self, event: str, **values: Any) -> None:
        """One JSON line."""
        os.write(self.descriptor, (json.dumps({"event": event, **values}) + "\n").encode())

    def samples(self, done: int) -> None:
        """Samples per pixel done since the start; sends what is new."""
        if done > self.samples_done:
            self.send("samples", count=done - self.samples_done)
            self.samples_done = done


def main() -> int:
    """Do the job named on the command line; exit code 0, or 3 for an input that was refused."""
    job = json.loads(Path(sys.argv[1]).read_text())
    die_with(job["parent"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # Blender writes to C's stdout
    events = Events(job["events"])
    # Only now: Blender speaks while it is imported.
    from bokehbench.errors import BokehbenchError

    try:
        importlib.import_module(job["module"]).work(job, events)
    except BokehbenchError as error:
        events.send("refused", kind=type(error).__name__, message=str(error))
        return 3
    return 0


if __name__ == "__main__":
    code = 1
    try:
        code = main()
    except BaseException:  # whatever it is, the log gets it and the process must still end below
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        # Blender's shutdown hangs on Python handlers and has nothing of ours to save.
        os._exit(code)
