"""A process that can do little: limits on what it takes, and a hook that refuses what it never needs.

The code here runs nothing of the files that it reads. This is the second wall, should that be wrong.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

HARMLESS = ("builtins.id", "cpython.")
"""Beginnings of the only audit events of Python that a conversion and its end cause."""


def limit(seconds: int, memory_bytes: int, output_bytes: int) -> None:
    """Set this process's limits: processor time, memory, size of files, no new processes, no core."""
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, output_bytes),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def close() -> None:
    """From now on no file can be opened, nothing imported, compiled, run or connected to in this process.

    Whatever tries to ends the process at once, and says what it was: an exception could be caught.
    """
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith(HARMLESS):
        os.write(2, event.encode())
        os._exit(FORBIDDEN)


FORBIDDEN = 77
"""Exit code of a process that tried what it never needs."""
