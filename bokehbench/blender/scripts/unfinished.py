"""Light of images that are not clean yet, on disk: a run that is killed loses minutes, and no bytes change.

Sums of rays are functions of how many rounds were traced. They are stored with the looks that their images
wait for, so that a run that goes on stops where an uninterrupted one does.
"""

from __future__ import annotations

import contextlib
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.records import atomic_path

EVERY = 300.0
"""Seconds of work that may be lost."""
Clock = tuple[float, float]


def now() -> Clock:
    """(wall, CPU) seconds of this process."""
    return time.perf_counter(), time.process_time()


class Unfinished:
    """One file beside the images; it is gone when they are finished.

    Args:
        path: of the file.
        identity: of all that makes the light; a file of another is not used.
        every: seconds between two writes.
    """

    def __init__(self, path: Path, identity: str, every: float = EVERY) -> None:
        self.path, self.identity, self.every = path, identity, every
        self.written = time.monotonic()
        self.started = now()

    def load(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that were stored; {} where there are none, or of something else, or half a file."""
        if not self.path.is_file():
            return {}
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            with np.load(self.path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            if str(arrays.pop("identity")) == self.identity:
                wall, cpu = arrays.pop("spent")
                self.started = self.started[0] - float(wall), self.started[1] - float(cpu)
                return arrays
        return {}

    def save(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """Store arrays if the last time was long enough ago."""
        if time.monotonic() - self.written < self.every:
            return
        spent = np.subtract(now(), self.started)
        with atomic_path(self.path) as part, part.open("wb") as file:
            np.savez(file, identity=np.array(self.identity), spent=spent, **arrays)
        self.written = time.monotonic()

    def remove(self) -> None:
        """There is nothing left to finish."""
        self.path.unlink(missing_ok=True)
