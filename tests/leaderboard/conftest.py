"""Results that several modules read, one page of them, and a browser for each module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import board_world as world
import chromium
import pytest
from viewer_world import METHODS, SIZE, Viewer

from bokehbench.leaderboard.leaderboard import write


@pytest.fixture(scope="session")
def shown_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight scenes at two levels, three methods."""
    root = tmp_path_factory.mktemp("shown_results")
    world.write_world(root, scenes=8, methods=METHODS, size=SIZE)
    return root


@pytest.fixture(scope="session")
def layout_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six scenes of `blb-mini` under the protocol of the papers' tables."""
    root = tmp_path_factory.mktemp("layout_results")
    world.write_world(root, scenes=6, benchmark="blb-mini", methods=METHODS, size=(24, 16))
    (root / "blb-mini" / "gt@1").rename(root / "blb-mini" / "gt-disparity@1")
    return root


@pytest.fixture(scope="session")
def shown_page(shown_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of their page."""
    with pytest.MonkeyPatch.context() as patch:
        world.register_world(patch)
        return write([shown_results], tmp_path_factory.mktemp("shown_page")).page.parent


@pytest.fixture(scope="module")  # other modules have a browser of their own
def viewer(shown_page: Path) -> Iterator[Viewer]:
    """The comparison, opened from file://."""
    with chromium.page() as page:
        yield Viewer(page, shown_page)
