"""Methods and results that every test of studies starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import study_world as world


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    world.write_results(root, truth=False)
    return root
