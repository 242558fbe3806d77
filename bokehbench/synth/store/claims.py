"""Claims: which process makes what, where several processes or machines work in one folder.

A claim is a file that only one process can create. It saves double work and nothing else: every file is
written atomically and its bytes do not depend on who writes it, so two owners would only waste time.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from bokehbench.records import STALE_SECONDS, age, is_living, machine

FOLDER = "claims"
UNSIGNED_SECONDS = 5.0
"""A claim is signed right after it is created: who has not done so by then was killed in between."""


@contextlib.contextmanager
def claim(path: Path) -> Iterator[bool]:
    """Yield whether this process may do the work that `path` stands for; the claim ends with the block."""
    mine = _create(path) or (is_stale(path) and _remove(path) and _create(path))
    try:
        yield mine
    finally:
        if mine:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def wait_for(path: Path, poll: float = 0.05) -> Iterator[None]:
    """Enter the block when nobody else is in it."""
    while True:
        with claim(path) as mine:
            if mine:
                yield
                return
        time.sleep(poll)


def _create(path: Path) -> bool:
    signature = json.dumps({"machine": machine(), "pid": os.getpid()})
    while True:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            return False
        except FileNotFoundError:  # no folder yet, or another process has just swept it away
            with contextlib.suppress(FileExistsError):
                path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(handle, "w") as file:
        file.write(signature)
    return True


def is_stale(path: Path) -> bool:
    """Whether the owner is dead: known for a process of this machine, after an hour for another's."""
    try:
        owner = json.loads(path.read_text())
        if owner["machine"] == machine():
            return not is_living(int(owner["pid"]))
    except OSError:
        return False  # gone, or not ours to read
    except (ValueError, KeyError, TypeError):
        return age(path) > UNSIGNED_SECONDS
    return age(path) > STALE_SECONDS


def _remove(path: Path) -> bool:
    """Take a dead owner's claim away; False where somebody else was faster."""
    try:
        path.rename(path.with_name(f"{path.name}.part-{machine()}-{os.getpid()}"))
    except FileNotFoundError:
        return False
    path.with_name(f"{path.name}.part-{machine()}-{os.getpid()}").unlink(missing_ok=True)
    return True


def sweep(root: Path) -> None:
    """Remove the claims of dead processes, and the folder of claims when it is empty."""
    folder = root / FOLDER
    with contextlib.suppress(OSError):  # not empty, or another process sweeps as well
        for path in folder.iterdir():
            if is_stale(path):
                path.unlink(missing_ok=True)
        folder.rmdir()


def held(root: Path, name: str) -> bool:
    """Whether a living process has claimed `name`."""
    path = root / FOLDER / name
    return path.exists() and not is_stale(path)
