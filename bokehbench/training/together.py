"""Processes that train together end together: else one that fails leaves the others waiting for ever."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from torch.distributed import TCPStore

KEY = "bokehbench/ended"
POLL = 1.0
"""Seconds between two looks at the others."""
LOST = 5
"""Looks without an answer after which the process that they go through is taken for dead."""
CODE = 2
"""Of an error that a user can mend, as of the command line."""


@contextmanager
def ending_together(rank: int, world: int) -> Iterator[None]:
    """An error in the block of one process ends the others within seconds, with one line and code 2.

    They may be anywhere, in the middle of a step that waits for the one that is gone, so they are not asked:
    what they write is atomic. Messages go through the store by which the processes have found each other.

    Args:
        rank, world: this process among those that train together.
    """
    if world == 1 or "MASTER_PORT" not in os.environ:
        yield
        return
    done = threading.Event()
    threading.Thread(target=_watch, args=(done,), daemon=True).start()
    try:
        yield
    except BaseException as error:
        done.set()
        with suppress(RuntimeError):  # nobody is left to be told
            said = " ".join(str(error).split()) or type(error).__name__
            _store().set(KEY, f"process {rank + 1} of {world} ended: {said}")
            time.sleep(3.0 * POLL)  # the store may be this process's own
        raise
    finally:
        done.set()


def _store() -> TCPStore:
    address, port = os.environ.get("MASTER_ADDR", "127.0.0.1"), int(os.environ["MASTER_PORT"])
    return TCPStore(address, port, is_master=False, timeout=timedelta(seconds=10), wait_for_workers=False)


def _watch(done: threading.Event) -> None:
    """Look for the end of another process until this one has done its work."""
    store, lost = None, 0
    while not done.wait(POLL):
        try:
            store = store or _store()
            ended = store.get(KEY).decode() if store.check([KEY]) else ""
            lost = 0
        except RuntimeError:
            store, lost, ended = None, lost + 1, ""
        if lost == LOST:
            ended = "the first process is gone"
        if ended and not done.is_set():
            sys.stderr.write(f"error: {ended}\n")
            sys.stderr.flush()
            os._exit(CODE)
