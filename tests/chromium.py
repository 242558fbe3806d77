"""Headless Chromium for tests of pages: what it opens loads nothing but files and complains about nothing."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
LOCAL = ("file:", "data:", "blob:", "about:")
VIEWPORT = {"width": 1200, "height": 900}
PATIENCE = 120_000
"""Milliseconds: a busy machine is slow, not wrong."""


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """One that runs; the test is skipped where there is none. Two of Playwright's at a time cannot be."""
    if PROGRAM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=PROGRAM, headless=True, args=FLAGS)
        yield opened
        opened.close()


@contextlib.contextmanager
def watched(page: Any) -> Iterator[Any]:
    """The page; at the end there must have been no complaint, and no request but for local files."""
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(LOCAL) else complaints.append(r.url))
    page.on(  # what was still on its way when the page was left is no failure
        "requestfailed",
        lambda r: None if r.failure == "net::ERR_ABORTED" else complaints.append(f"failed: {r.url}"),
    )
    yield page
    page.close()
    assert complaints == []


@contextlib.contextmanager
def page() -> Iterator[Any]:
    """A watched page in a browser of its own."""
    with browser() as opened, watched(opened.new_page(viewport=VIEWPORT)) as shown:
        yield shown
