"""Claims about careful timing: what is counted, what is not, and when a figure is given at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import own_world
import pytest

from bokehbench import records
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError
from bokehbench.leaderboard import efficiency, measure, results
from bokehbench.leaderboard.run import run
from bokehbench.optics import Lens

METHOD = """
import os, time
from pathlib import Path
import numpy as np
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, MethodSpec, register

class Grey:
    def __init__(self, root):
        self.root = root
    def cases(self):
        return [CaseInfo(f"case{n}", f"s{n}", "L1", Lens(4.0, 0.5), data=str(n)) for n in range(2)]
    def load(self, info):
        image = np.full((16, 20, 3), 0.5, np.float32)
        return Case(info, Inputs(info.key, image, image[..., 0], info.lens), image)

class Counts:
    def render(self, inputs):
        with open(os.environ["COUNT"], "a") as file:
            print(inputs.key, file=file)
        return inputs.image * float(os.environ.get("BRIGHTNESS", "1"))

register(BenchmarkSpec("grey", "Grey.", "profiled:Grey"), MethodSpec("counts", "Counts.", "profiled:Counts"))
"""


class Slow:
    """Takes long the first time, and memory that it gives back."""

    calls = 0

    def render(self, inputs: Inputs) -> np.ndarray:
        self.calls += 1
        time.sleep(0.3 if self.calls == 1 else 0.01)
        np.ones(20 * 2**20 // 8).sum()
        return inputs.image


def some_inputs(width: int = 20, height: int = 16) -> Inputs:
    image = np.zeros((height, width, 3), np.float32)
    return Inputs("one", image, image[..., 0], Lens(4.0, 0.5))


def test_the_first_rendering_is_not_counted() -> None:
    renderer = Slow()
    image, timing = measure.profile(renderer, some_inputs(), 3)
    assert renderer.calls == 4 and image.shape == (16, 20, 3)
    assert 0.01 <= timing["seconds"] < 0.3
    assert timing["seconds"] == sorted(timing["profile"]["seconds"])[1]
    assert timing["profile"]["size"] == [20, 16] and timing["profile"]["threads"] >= 1
    assert timing["peak_memory_mb"] >= timing["profile"]["memory_before_mb"] > 0


@pytest.fixture
def grey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("COUNT", str(tmp_path / "count.txt"))
    (tmp_path / "data").mkdir()
    (tmp_path / "profiled.py").write_text(METHOD)
    with own_world.registered(monkeypatch, tmp_path / "profiled.py"):
        yield tmp_path


def go(grey: Path, **options: object):
    return run([f"grey:{grey / 'data'}"], ["counts"], grey / "out", **options)


def calls(grey: Path) -> int:
    return len((grey / "count.txt").read_text().splitlines())


def test_what_is_there_is_measured_without_touching_the_record(grey: Path) -> None:
    go(grey)
    (at,) = results.protocols(grey / "out")
    result = next(results.results(at))
    before = result.record.stat().st_mtime_ns, result.prediction.stat().st_mtime_ns
    start = calls(grey)
    summary = go(grey, profile=3)
    assert (summary.rendered, summary.present, summary.measured) == (0, 2, 2)
    assert calls(grey) - start == 2 * (1 + 3)
    assert before == (result.record.stat().st_mtime_ns, result.prediction.stat().st_mtime_ns)
    assert records.read_json(result.timing)["profile"]["repeats"] == 3
    start = calls(grey)
    assert go(grey, profile=2).measured == 0 and calls(grey) == start  # measured better already


def test_a_rendering_that_has_changed_is_not_measured(grey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(grey)
    monkeypatch.setenv("BRIGHTNESS", "0.5")
    summary = go(grey, profile=1)
    assert len(summary.failed) == 2 and "rendered again, it differs" in summary.failed[0]
    assert (summary.rendered, summary.present, summary.measured) == (0, 2, 0)


def test_what_is_rendered_and_what_is_only_measured_are_counted_apart(grey: Path) -> None:
    go(grey)
    (at,) = results.protocols(grey / "out")
    next(results.results(at)).record.unlink()
    summary = go(grey, profile=1)
    assert (summary.rendered, summary.present, summary.measured) == (1, 1, 1)


def test_nothing_is_measured_beside_others(grey: Path) -> None:
    with pytest.raises(ConfigError, match="--profile measures what runs alone"):
        go(grey, profile=1, workers=2)


def timing(seconds: list[float], size: tuple[int, int], device: str = "A, 2 threads") -> dict:
    made = measure.profiled(size, seconds, 100.0)
    return {**made, "device": device}


def test_efficiency_is_of_rows_that_were_measured_throughout() -> None:
    one, two = timing([1.0, 2.0, 9.0], (1000, 1000)), timing([4.0, 4.0, 4.0, 4.0], (2000, 2000))
    found = efficiency.of_timings([one, two])
    assert found is not None
    assert (found.seconds, found.megapixels_per_second, found.repeats) == (3.0, 0.75, 3)
    assert found.sizes == ((1000, 1000), (2000, 2000))
    assert (
        "3 s an image" in found.sentence
        and "median of 3" in found.sentence
        and "A, 2 threads" in found.sentence
    )
    assert efficiency.of_timings([one, {"seconds": 1.0, "device": "A, 2 threads"}]) is None
    assert efficiency.of_timings([one, timing([1.0], (10, 10), "B, 8 threads")]) is None
    assert efficiency.of_timings([]) is None
