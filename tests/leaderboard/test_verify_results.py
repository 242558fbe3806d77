"""Claims about verification: whatever was changed in a results folder is found, and nothing else."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from bokehbench import cli, images, records, registry
from bokehbench.errors import InputError
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.leaderboard.run import run
from bokehbench.leaderboard.verify import verify

WORLD = '''
"""Three cases, and a method that halves the light."""
import numpy as np
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, MethodSpec, register

class Noise:
    def __init__(self, root):
        self.root = root
    def cases(self):
        return [CaseInfo(f"case{n}", f"scene{n}", "L1", Lens(4.0, 0.5), f"d{n}") for n in range(3)]
    def load(self, info):
        image = np.random.default_rng(int(info.key[-1])).random((40, 48, 3)).astype(np.float32)
        return Case(info, Inputs(info.key, image, image[:, :, 0], info.lens), image * 0.9)

class Half:
    def render(self, inputs):
        return inputs.image * 0.5

register(BenchmarkSpec("noise", "Noise.", "halving:Noise"), MethodSpec("half", "Halves.", "halving:Half"))
'''


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("os.fsync", lambda handle: None)
    monkeypatch.setenv(registry.REGISTER_VARIABLE, "")
    monkeypatch.setattr(registry, "_registered", {})
    registry._load_all.cache_clear()
    (tmp_path / "halving.py").write_text(textwrap.dedent(WORLD))
    (tmp_path / "data").mkdir()
    registry.register_files([tmp_path / "halving.py"])
    run([f"noise:{tmp_path / 'data'}"], ["half"], tmp_path / "out")
    evaluate(tmp_path / "out", ["psnr", "gmsd"])
    yield tmp_path
    registry._load_all.cache_clear()


def result(world: Path) -> Result:
    return Result(Protocol(world / "out", "noise", "default@1"), "half", "none", "case1")


def change_pixel(of: Result) -> None:
    """One pixel, with its hash and everything else that would give it away."""
    image = images.read_image(of.prediction)
    image[7, 9, 1] = 1.0
    images.write_png(of.prediction, image)
    digest = records.sha256_file(of.prediction)
    records.write_json(of.record, {**records.read_json(of.record), "prediction": digest})
    of.scores.unlink()
    evaluate(of.at.root, ["psnr", "gmsd"])


def change_score(of: Result) -> None:
    content = records.read_json(of.scores)
    content["scores"]["psnr"]["value"] += 0.01
    records.write_json(of.scores, content)


def change_case(of: Result) -> None:
    path = of.at.case_record(of.case)
    records.write_json(path, {**records.read_json(path), "scene": "elsewhere"})


def change_record(of: Result) -> None:
    records.write_json(of.record, {**records.read_json(of.record), "options": {"strength": 2}})


CHANGES: dict[str, tuple[Callable[[Result], object], str]] = {
    "one pixel": (change_pixel, "1 of 1920 pixels differ, by at most"),
    "a score": (change_score, "psnr is stored as"),
    "a case": (change_case, "scene of the case is elsewhere, made again scene1"),
    "a record": (change_record, "options of the record is {'strength': 2}, made again {}"),
    "a lost prediction": (lambda of: of.prediction.unlink(), "case1: the prediction is missing"),
    "a lost record": (lambda of: of.record.unlink(), "case1: the record is missing"),
    "a lost target": (lambda of: of.at.case_image(of.case, "target").unlink(), "target.png: is missing"),
    "a moved record": (
        lambda of: shutil.copyfile(of.record.with_name("case0.json"), of.record),
        "case1: its record is of case case0",
    ),
    "a broken record": (lambda of: of.record.write_text("{"), "case1: its record or scores cannot be read"),
}


def test_what_run_and_evaluate_wrote_is_what_it_says(world: Path) -> None:
    before = {path: path.read_bytes() for path in (world / "out").rglob("*") if path.is_file()}
    summary = verify(world / "out", sample=3, benchmarks=[f"noise:{world / 'data'}"])
    assert (summary.files, summary.sampled, summary.scores) == (3, 3, 6) and not summary.problems
    assert before == {path: path.read_bytes() for path in (world / "out").rglob("*") if path.is_file()}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_found(world: Path, what: str) -> None:
    change, expected = CHANGES[what]
    change(result(world))
    summary = verify(world / "out", sample=3, benchmarks=[f"noise:{world / 'data'}"])
    assert any(expected in line for line in summary.problems), summary.problems
    assert all("case1" in line for line in summary.problems)


def test_other_bytes_may_be_accepted_by_their_psnr(world: Path) -> None:
    change_pixel(result(world))
    data = [f"noise:{world / 'data'}"]
    assert not verify(world / "out", sample=3, benchmarks=data, least_psnr=30.0).problems
    assert verify(world / "out", sample=3, benchmarks=data, least_psnr=99.0).problems


def test_the_sample_is_chosen_by_its_seed(world: Path) -> None:
    change_pixel(result(world))
    data = [f"noise:{world / 'data'}"]
    found = [bool(verify(world / "out", sample=1, seed=seed, benchmarks=data).problems) for seed in range(6)]
    assert any(found) and not all(found)


def test_stale_results_are_not_rendered_but_named(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = result(world).record
    records.write_json(path, {**records.read_json(path), "method": "half@0"})
    summary = verify(world / "out", sample=9, benchmarks=[f"noise:{world / 'data'}"])
    assert summary.sampled == 2 and not summary.problems
    assert summary.notes == ["1 results cannot be rendered again: made by half@0, now half@1: stale"]


def test_without_the_data_the_command_says_what_to_do(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BOKEHBENCH_DATA", raising=False)
    with pytest.raises(InputError, match=r"noise:DIR.*--sample 0"):
        verify(world / "out")
    assert not verify(world / "out", sample=0).problems
    change_pixel(result(world))
    with pytest.raises(SystemExit) as done:
        cli.main(["verify", str(world / "out"), "--benchmark", f"noise:{world / 'data'}"])
    assert done.value.code == 1 and "differs: noise/default@1/half/none/case1" in capsys.readouterr().err


def test_other_data_is_one_line(world: Path) -> None:
    source = (world / "halving.py").read_text()
    (world / "halving.py").write_text(source.replace('f"d{n}"', 'f"e{n}"'))
    registry._load_all.cache_clear()
    registry._registered.clear()
    summary = verify(world / "out", sample=3, benchmarks=[f"noise:{world / 'data'}"])
    (line,) = summary.problems
    assert line.startswith("noise/default@1/half/none/case0 and 2 more: made from other data")
    assert summary.sampled == 0
