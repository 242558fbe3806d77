"""One results folder and one page for all tests of the picture comparison, and a browser for each module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import board_world as world
import pytest
from viewer_world import CHROMIUM, METHODS, SIZE, Viewer

from bokehbench.leaderboard.leaderboard import write


@pytest.fixture(scope="session")
def shown_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight scenes at two levels, three methods."""
    root = tmp_path_factory.mktemp("shown_results")
    world.write_world(root, scenes=8, methods=METHODS, size=SIZE)
    return root


@pytest.fixture(scope="session")
def shown_page(shown_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of their page."""
    with pytest.MonkeyPatch.context() as patch:
        world.register_world(patch)
        return write([shown_results], tmp_path_factory.mktemp("shown_page")).page.parent


@pytest.fixture(scope="module")  # two of Playwright's at a time cannot be, and other modules have their own
def viewer(shown_page: Path) -> Iterator[Viewer]:
    """The comparison, opened from file://; nothing may be said on the console, or asked of a network."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(120_000)  # a busy machine is slow, not wrong
        complaints: list[str] = []
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(  # what was still on its way when the page was left is no failure
            "requestfailed",
            lambda r: None if r.failure == "net::ERR_ABORTED" else complaints.append(f"failed: {r.url}"),
        )
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:", "about:")) else complaints.append(r.url),
        )
        yield Viewer(page, shown_page)
        browser.close()
        assert complaints == []
