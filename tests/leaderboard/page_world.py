"""A page opened from file:// in headless Chromium, for tests of what it does."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import board_world as world
import chromium
import pytest

from bokehbench import records
from bokehbench.leaderboard.leaderboard import write
from bokehbench.leaderboard.results import Protocol
from bokehbench.metrics import find


@contextlib.contextmanager
def opened(results: Path, folder: Path, papers: Sequence[str] = ()) -> Iterator[tuple[Any, Path]]:
    """A browser's page, and the folder of the page of some results."""
    with pytest.MonkeyPatch.context() as patch:
        world.register_world(patch)
        out = write([results], folder, papers=papers).page.parent
    with chromium.page() as page:
        yield page, out


def add_score(at: Protocol, name: str, offset: float) -> None:
    """Score every result by one more metric: its psnr plus an offset."""
    metric = find(name)
    for path in at.folder.rglob("*.scores.json"):
        content = records.read_json(path)
        value = content["scores"]["psnr"]["value"] + offset
        about = {"status": "ok", "metric": metric.id, "fingerprint": metric.fingerprint}
        content["scores"][name] = {"value": value, **about}
        records.write_json(path, content)


def add_track(at: Protocol, kind: str, level: int, loss: float) -> Protocol:
    """The same results on a corruption track, each psnr lower by `loss`."""
    track = Protocol(at.root, at.benchmark, f"{at.protocol}+{kind}-{level}")
    shutil.copytree(at.folder, track.folder)
    for path in track.folder.rglob("*.scores.json"):
        content = records.read_json(path)
        content["scores"]["psnr"]["value"] -= loss
        records.write_json(path, content)
    return track


def add_seed(at: Protocol, method: str, seed: int, gain: float) -> None:
    """One more run of a method, each psnr higher by `gain`."""
    folder = at.folder / method / f"none+seed{seed}"
    shutil.copytree(at.folder / method / "none", folder)
    for path in folder.rglob("*.scores.json"):
        content = records.read_json(path)
        content["scores"]["psnr"]["value"] += gain
        records.write_json(path, content)
