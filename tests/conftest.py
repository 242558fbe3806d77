"""Shared by all tests: small worlds to run in, and no network."""

from __future__ import annotations

import os
import socket

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Each core has a process of tests already: a second thread of torch would only spin beside it. Read when
    # libraries are imported; the threads of numba's kernels stay as many as users have.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Every test runs offline: a connection to another host is a failure, not a download."""
    if request.node.get_closest_marker("browser"):
        return
    connect = socket.socket.connect

    def only_local(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to connect to {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", only_local)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on a GPU are skipped, with the reason, where there is none."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked:
        import torch

        if not torch.cuda.is_available():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))
