"""Networks that several files use, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from depth_world import save_depth_anything, save_depth_pro, save_dpt, save_zoedepth


@pytest.fixture(scope="session")
def relative_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_depth_anything(tmp_path_factory.mktemp("weights") / "anything")


@pytest.fixture(scope="session")
def metric_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_depth_anything(tmp_path_factory.mktemp("weights") / "metric", metric=True)


@pytest.fixture(scope="session")
def dpt_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_dpt(tmp_path_factory.mktemp("weights") / "dpt")


@pytest.fixture(scope="session")
def depth_pro_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_depth_pro(tmp_path_factory.mktemp("weights") / "pro")


@pytest.fixture(scope="session")
def zoe_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_zoedepth(tmp_path_factory.mktemp("weights") / "zoe")
