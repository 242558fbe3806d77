"""Claims about running: what is missing, nothing twice, killed and resumed to the same bytes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import own_world
import pytest

from bokehbench import images, records
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard import fitting, results
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.run import run
from bokehbench.registry import MethodSpec
from bokehbench.weights import FILE_VARIABLE, Wanted

TOY = '''
"""A benchmark of three cases and methods with every kind of behaviour."""
import os, time
from pathlib import Path
import numpy as np
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, MethodSpec, register

class Toy:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.salt = (root / "salt").read_text()
    def cases(self):
        lens = Lens(4.0, 0.5)
        return [CaseInfo(f"case{n}", f"scene{n}", "L1", lens, data=self.salt + str(n)) for n in range(3)]
    def load(self, info):
        n = int(info.key[-1])
        image = np.random.default_rng(n).random((70, 80, 3)).astype(np.float32)
        disparity = np.linspace(0, 1, 80, dtype=np.float32)[None].repeat(70, 0)
        layer = Layer(np.ones((70, 80, 4), np.float32), Plane(0, 0, 0.5))
        return Case(info, Inputs(info.key, image, disparity, info.lens), image * 0.9, layers=[layer])

class Copy:
    def render(self, inputs):
        assert inputs.layers is None, "a method saw what it must not see"
        time.sleep(float(os.environ.get("TOY_SLEEP", "0")))
        return inputs.image

class Oracle:
    def render(self, inputs):
        return inputs.image * float(inputs.layers[0].rgba[0, 0, 3])

class Broken:
    def render(self, inputs):
        if inputs.key == "case1":
            raise RuntimeError("I am broken")
        return inputs.image

class Wrong:
    def render(self, inputs):
        return inputs.image[::2]

class Faulty(Toy):
    def cases(self):
        raise KeyError("no\\nsuch thing")

register(
    BenchmarkSpec("faulty", "Raises.", "toy:Faulty"),
    BenchmarkSpec("toy", "Toy.", "toy:Toy", oracles=("layers",)),
    BenchmarkSpec("plain", "Toy without oracles.", "toy:Toy"),
    MethodSpec("copy", "Copies.", "toy:Copy"),
    MethodSpec("toy-oracle", "Sees layers.", "toy:Oracle", oracle="layers"),
    MethodSpec("broken", "Fails on one case.", "toy:Broken"),
    MethodSpec("wrong", "Returns another size.", "toy:Wrong"),
)
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with toy.py (registered) and a data folder `data`."""
    (tmp_path / "toy.py").write_text(textwrap.dedent(TOY))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "salt").write_text("a")
    with own_world.registered(monkeypatch, tmp_path / "toy.py"):
        yield tmp_path


def lasting(root: Path) -> dict[str, bytes]:
    """All files but those that may differ between two runs."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.endswith(".timing.json")
    }


def test_a_second_run_renders_nothing(toy: Path) -> None:
    first = run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    assert (first.rendered, first.present) == (3, 0)
    before = {path: path.stat().st_mtime_ns for path in (toy / "out").rglob("*")}
    second = run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    assert (second.rendered, second.present) == (0, 3)
    assert before == {path: path.stat().st_mtime_ns for path in (toy / "out").rglob("*")}


def test_the_prediction_is_stored_as_it_is_scored(toy: Path) -> None:
    run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    (at,) = results.protocols(toy / "out")
    result = next(results.results(at))
    image = np.random.default_rng(0).random((70, 80, 3)).astype(np.float32)
    assert (images.quantise(images.read_image(result.prediction)) == images.quantise(image)).all()
    record = records.read_json(result.record)
    assert record["method"] == "copy@1"
    assert record["prediction"] == records.sha256_file(result.prediction)
    assert {"code", "libraries", "data", "command", "protocol"} <= record.keys()
    assert records.read_json(result.timing)["seconds"] >= 0


def test_results_do_not_depend_on_workers_or_shards(toy: Path) -> None:
    data = f"toy:{toy / 'data'}"
    run([data], ["copy", "toy-oracle"], toy / "one")
    run([data], ["copy", "toy-oracle"], toy / "two", workers=2)
    for index in range(2):
        run([data], ["copy", "toy-oracle"], toy / "shards", shard=(index, 2))
    assert lasting(toy / "one") == lasting(toy / "two") == lasting(toy / "shards")


def test_cases_that_no_pattern_matches_are_left_alone(toy: Path) -> None:
    data, out = f"toy:{toy / 'data'}", toy / "out"
    assert run([data], ["copy"], out, cases=["*1"]).rendered == 1
    (at,) = results.protocols(out)
    assert results.case_keys(at) == ["case1"]
    before = lasting(out)
    summary = run([data], ["copy"], out, cases=["scene0/*", "case2"])
    assert (summary.rendered, summary.present) == (2, 0)
    assert before.items() <= lasting(out).items()
    run([data], ["copy"], toy / "whole")
    assert lasting(out) == lasting(toy / "whole")


def test_a_pattern_without_a_case_renders_nothing(toy: Path) -> None:
    with pytest.raises(ConfigError, match=r"--cases lamp: no case is called so; there are scene0/case0, "):
        run([f"toy:{toy / 'data'}"], ["copy"], toy / "out", cases=["case*", "lamp"])
    assert not (toy / "out").exists()


def test_a_damaged_or_outdated_result_is_rendered_again(toy: Path) -> None:
    run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    clean = lasting(toy / "out")
    (at,) = results.protocols(toy / "out")
    first, second, third = results.results(at)
    first.prediction.write_bytes(b"damaged")
    second.prediction.unlink()
    record = records.read_json(third.record)
    records.write_json(third.record, {**record, "method": "copy@0"})
    assert run([f"toy:{toy / 'data'}"], ["copy"], toy / "out").rendered == 3
    assert lasting(toy / "out") == clean


def test_weights_of_something_else_are_refused_before_a_case_is_rendered(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def foreign(spec: MethodSpec) -> dict[str, str]:
        if spec.name != "broken":
            return {}
        raise InputError("x.safetensors: holds weights of something else")

    monkeypatch.setattr(MethodSpec, "weights_sha256", foreign)
    with pytest.raises(InputError, match=r"broken: x\.safetensors: holds"):
        run([f"toy:{toy / 'data'}"], ["copy", "broken"], toy / "out")
    assert not (toy / "out").exists()
    monkeypatch.setattr(fitting, "names", lambda kind: ["copy", "broken"])
    done = run([f"toy:{toy / 'data'}"], ["all"], toy / "out")
    assert done.rendered == 3 and done.skipped == ["broken: x.safetensors: holds weights of something else"]
    monkeypatch.setattr(MethodSpec, "weights_wanted", lambda spec: [Wanted("x.safetensors", Path())])
    monkeypatch.setenv(FILE_VARIABLE, f"x={toy / 'x.safetensors'}")  # as --weights does
    with pytest.raises(InputError, match=r"broken: x\.safetensors: holds"):
        run([f"toy:{toy / 'data'}"], ["all"], toy / "out")


@pytest.mark.parametrize("what", ["image", "disparity", "target"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_lost_picture_of_a_case_is_written_again(toy: Path, what: str, damage: str) -> None:
    run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    clean = lasting(toy / "out")
    (at,) = results.protocols(toy / "out")
    picture = at.case_image("case1", what)
    picture.unlink() if damage == "gone" else picture.write_bytes(picture.read_bytes()[:99])
    assert run([f"toy:{toy / 'data'}"], ["copy"], toy / "out").rendered == 0
    assert lasting(toy / "out") == clean


@pytest.mark.parametrize("lost", ["a record", "all"])
def test_a_lost_record_of_a_case_with_results_is_written_again(toy: Path, lost: str) -> None:
    run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    clean = lasting(toy / "out")
    (at,) = results.protocols(toy / "out")
    at.case_record("case1").unlink() if lost == "a record" else shutil.rmtree(at.case_record("case1").parent)
    assert run([f"toy:{toy / 'data'}"], ["copy"], toy / "out").rendered == 0
    assert lasting(toy / "out") == clean


@pytest.mark.parametrize("broken", ["{", "{}", "[]"])
def test_a_broken_record_is_made_again(toy: Path, broken: str) -> None:
    run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    clean = lasting(toy / "out")
    (at,) = results.protocols(toy / "out")
    first, *_ = results.results(at)
    first.record.write_text(broken)
    at.case_record("case2").write_text(broken)
    run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    assert lasting(toy / "out") == clean


def test_a_record_that_tables_do_not_count_is_made_again(toy: Path) -> None:
    run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    clean = lasting(toy / "out")
    (at,) = results.protocols(toy / "out")
    first, *_ = results.results(at)
    record = records.read_json(first.record)
    records.write_json(first.record, record | {"command": None})
    (board,) = collect([toy / "out"])
    assert board.damaged == {("copy", "none"): {first.case}}
    assert run([f"toy:{toy / 'data'}"], ["copy"], toy / "out").rendered == 1
    assert lasting(toy / "out") == clean


def test_other_data_of_the_same_name_is_refused_until_renewed(toy: Path) -> None:
    run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    (toy / "data" / "salt").write_text("b")
    with pytest.raises(InputError, match="other data"):
        run([f"toy:{toy / 'data'}"], ["copy"], toy / "out")
    assert run([f"toy:{toy / 'data'}"], ["copy"], toy / "out", renew=True).rendered == 3


def test_an_oracle_runs_only_where_the_protocol_grants_it(toy: Path) -> None:
    data = toy / "data"
    summary = run([f"plain:{data}", f"toy:{data}"], ["toy-oracle"], toy / "out")
    assert summary.rendered == 3
    assert len(summary.skipped) == 1 and "plain" in summary.skipped[0]


def test_a_benchmark_that_raises_is_one_line(toy: Path) -> None:
    with pytest.raises(InputError, match="faulty: its cases could not be listed: KeyError"):
        run([f"faulty:{toy / 'data'}"], ["copy"], toy / "out")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_method_that_fails_stops_nobody_else(toy: Path, workers: int) -> None:
    summary = run([f"toy:{toy / 'data'}"], ["broken", "wrong", "copy"], toy / "out", workers=workers)
    assert summary.rendered == 2 + 3
    assert len(summary.failed) == 1 + 3
    assert [line for line in summary.failed if "case1 broken" in line and "I am broken" in line]
    (at,) = results.protocols(toy / "out")
    assert {result.case for result in results.results(at) if result.method == "broken"} == {"case0", "case2"}
    assert list((at.folder / "broken").rglob("*.failed.txt"))


def test_killed_at_any_moment_and_run_again_it_ends_with_the_same_files(toy: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bokehbench",
        "run",
        "--benchmark",
        f"toy:{toy / 'data'}",
        "--method",
        "copy",
    ]
    command += ["--method", "toy-oracle", "--register", str(toy / "toy.py"), "--out"]
    subprocess.run([*command, str(toy / "whole")], check=True, capture_output=True)
    environment = {**os.environ, "TOY_SLEEP": "0.15"}
    for attempt in range(3):
        process = subprocess.Popen(
            [*command, str(toy / "killed")], env=environment, stdout=subprocess.DEVNULL
        )
        # Killed later each time, counted from the first file, so that it is hit in the middle of the work.
        while process.poll() is None and not (toy / "killed").exists():
            time.sleep(0.01)
        time.sleep(0.1 + 0.17 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([*command, str(toy / "killed")], check=True, capture_output=True)
    assert lasting(toy / "killed") == lasting(toy / "whole")
