"""The picture comparison in a browser, and the pictures of the results that it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import board_world as world
import numpy as np

from bokehbench import images
from bokehbench.leaderboard.page_compare import link

BOARD = "toy--gt-1"
METHODS = {"soft": 12.0, "sharp": 20.0, "identity": 60.0}
SIZE = (48, 32)


def case_file(results: Path, what: str, case: str = "s0_L5") -> Path:
    at = world.Protocol(results, "toy", "gt@1")
    folder = at.folder / f"{what}/none"
    return folder / f"{case}.png" if folder.is_dir() else at.case_image(case, what)


def pixels(results: Path, what: str) -> np.ndarray:
    return images.quantise(images.read_image(case_file(results, what))).astype(float)


class Viewer:
    """The page in a browser, and what tests ask of it."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page, self.folder, self.opened = page, folder, 0
        self.load()

    def load(self, fragment: str = "") -> Any:
        """Open the page anew."""
        self.page.goto("about:blank")
        self.page.goto(f"{(self.folder / 'index.html').as_uri()}{fragment}")
        return self.ready()

    def open(self, **view: Any) -> Any:
        """Follow a link within the page, as one does from a table."""
        self.opened += 1
        follow = """hash => new Promise((go) => {
            addEventListener("hashchange", go, { once: true });
            location.hash = hash;
        })"""
        self.page.evaluate(follow, f"{link(BOARD, **view)}&n={self.opened}")
        return self.ready()

    def ready(self) -> Any:
        if "case=" not in self.page.url:
            self.page.evaluate("document.querySelector('#compare').scrollIntoView({behavior: 'instant'})")
        self.page.wait_for_selector("#viewer[data-ready=true]")
        self.page.evaluate(
            "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
        )
        return self.page

    def colour(self, x: int, y: int, pane: int = 0) -> np.ndarray:
        """Colour on the screen of the middle of pixel x, y of the picture."""
        found = self.page.evaluate(
            """([pane, ...point]) => {
                const { item, zoom, x, y } = Compare.state;
                const on = document.querySelectorAll("#viewer canvas")[pane];
                const [u, v] = [x, y].map((middle, axis) => {
                    const share = (point[axis] + 0.5) / item.size[axis];
                    return Math.floor((0.5 + (share - middle) * zoom) * [on.width, on.height][axis]);
                });
                const pen = Compare.pixels.context(1, 1);
                pen.drawImage(on, u, v, 1, 1, 0, 0, 1, 1);
                return [...pen.getImageData(0, 0, 1, 1).data];
            }""",
            [pane, int(x), int(y)],
        )
        return np.array(found[:3], float)

    def legend(self, name: str, share: float) -> tuple[np.ndarray, float]:
        """Colour and opacity of the legend at a share of its length."""
        style = self.page.locator(f".key[data-scale={name}] i").get_attribute("style")
        found = [colour.split(",") for colour in re.findall(r"rgba?\(([^)]*)\)", style)]
        stops = np.array([[float(value) for value in (*colour, 1)[:4]] for colour in found])
        at = np.linspace(0, 1, len(stops))
        mixed = [float(np.interp(share, at, stops[:, channel])) for channel in range(4)]
        return np.array(mixed[:3]), mixed[3]

    def shown(self) -> list[str]:
        return list(
            self.page.locator("#viewer canvas").evaluate_all("a => a.map(c => c.getAttribute('aria-label'))")
        )
