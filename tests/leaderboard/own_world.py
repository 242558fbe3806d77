"""Methods and benchmarks of files that a test writes, registered alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bokehbench import registry


@contextlib.contextmanager
def registered(patch: pytest.MonkeyPatch, *files: Path) -> Iterator[None]:
    """Until `patch` ends, nothing else is registered but what comes with the package; nothing is flushed.

    A test that changes what is registered does so by the same `patch`, so that all of it is undone in order.
    """
    patch.setattr("os.fsync", lambda handle: None)  # not what these tests are about, and slow
    patch.setenv(registry.REGISTER_VARIABLE, "")
    patch.setattr(registry, "_registered", {})
    registry._load_all.cache_clear()
    registry.register_files(list(files))
    yield
    registry._load_all.cache_clear()


def register_again() -> None:
    """The registered files were changed: the next question reads them anew."""
    registry._load_all.cache_clear()
    registry._registered.clear()
