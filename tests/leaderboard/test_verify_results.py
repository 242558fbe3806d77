"""Claims about verification: whatever was changed in a results folder is found, and nothing else."""

from __future__ import annotations

import contextlib
import json
import shutil
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import own_world
import pytest

from bokehbench import cli, images, records
from bokehbench.errors import BokehbenchError, InputError
from bokehbench.leaderboard import evaluate as evaluate_module
from bokehbench.leaderboard import set_scores, sets, verify_scores
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.missing import Task, asked_for, missing
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.leaderboard.run import run
from bokehbench.leaderboard.verify import verify
from bokehbench.metrics import find

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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results, once for all tests: each changes a copy."""
    root = tmp_path_factory.mktemp("made")
    (root / "halving.py").write_text(textwrap.dedent(WORLD))
    (root / "data").mkdir()
    with pytest.MonkeyPatch.context() as patch, own_world.registered(patch, root / "halving.py"):
        run([f"noise:{root / 'data'}"], ["half"], root / "out")
        evaluate(root / "out", ["psnr", "gmsd"], breakdown=False)
    return root


@pytest.fixture
def world(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    with own_world.registered(monkeypatch, tmp_path / "halving.py"):
        yield tmp_path


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


def drop(path: Path, key: str) -> None:
    content = records.read_json(path)
    del content[key]
    records.write_json(path, content)


def change_status(of: Result) -> None:
    content = records.read_json(of.scores)
    content["scores"]["psnr"]["status"] = "unavailable"
    records.write_json(of.scores, content)


def change_to_no_picture(of: Result) -> None:
    of.prediction.write_bytes(b"no picture")
    digest = records.sha256_file(of.prediction)
    records.write_json(of.record, {**records.read_json(of.record), "prediction": digest})
    records.write_json(of.scores, {**records.read_json(of.scores), "prediction": digest})


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
    "a record without its options": (
        lambda of: drop(of.record, "options"),
        "the record lacks options, which is made again",
    ),
    "a case without its notes": (
        lambda of: drop(of.at.case_record(of.case), "notes"),
        "the case lacks notes, which is made again",
    ),
    "a record without its data": (lambda of: drop(of.record, "data"), "lacks data"),
    "scores that are a list": (lambda of: of.scores.write_text("[]"), "its scores cannot be read"),
    "a score that is a number": (
        lambda of: of.scores.write_text('{"scores": {"psnr": 5}}'),
        "case1.scores.json: psnr is no score",
    ),
    "a status that does not fit": (change_status, "psnr has the status unavailable and a value"),
    "a case that is a list": (lambda of: of.at.case_record(of.case).write_text("[]"), "case1.json: "),
    "a prediction that is no picture": (change_to_no_picture, "case1: the prediction cannot be read"),
    "a broken record": (lambda of: of.record.write_text("{"), "case1: its record cannot be read"),
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


def test_keys_that_an_older_commit_did_not_write_are_a_line_each(world: Path) -> None:
    """However many samples lack them; a real difference is not drowned."""
    for n in range(3):
        of = Result(result(world).at, "half", "none", f"case{n}")
        drop(of.record, "uses_truth")
        drop(of.record, "registered")
        drop(of.at.case_record(of.case), "pictures")
    change_pixel(result(world))
    summary = verify(world / "out", sample=3, benchmarks=[f"noise:{world / 'data'}"])
    first = "noise/default@1/half/none/case0 and 2 more: the"
    assert [line for line in summary.problems if "lacks" in line] == [
        f"{first} case lacks pictures, which is made again",
        f"{first} record lacks uses_truth, which is made again",
    ]
    assert len(summary.problems) == 3 and any("1 of 1920 pixels differ" in line for line in summary.problems)
    assert summary.notes == ["some results were made with another registered than there is now"]


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
    own_world.register_again()
    summary = verify(world / "out", sample=3, benchmarks=[f"noise:{world / 'data'}"])
    (line,) = summary.problems
    assert line.startswith("noise/default@1/half/none/case0 and 2 more: made from other data")
    assert summary.sampled == 0


def test_breakdowns_and_numbers_of_sets_are_computed_again(world: Path) -> None:
    out, data = world / "out", [f"noise:{world / 'data'}"]
    evaluate(out, ["psnr"], breakdown=True)
    set_scores.evaluate_sets(out, ["psnr-pooled"])
    of = result(world)
    summary = verify(out, sample=3, benchmarks=data)
    family = len(records.read_json(of.scores)["scores"]) - 3  # without the weights of LPIPS
    assert not summary.problems and not summary.not_computed
    assert summary.scores == 3 * (family + 1) + 1  # a breakdown each, and one number of the set
    parts = records.read_json(of.breakdown)
    parts["regions"]["band"]["squared_error"] += 1
    records.write_json(of.breakdown, parts)
    numbers = records.read_json(of.folder / set_scores.FILE)
    numbers["scores"]["psnr-pooled"]["value"] += 0.01
    records.write_json(of.folder / set_scores.FILE, numbers)
    found = verify(out, sample=3, benchmarks=data).problems
    assert "of the breakdown, regions.band.squared_error is stored as" in found[0]
    assert "psnr-pooled is stored as" in found[1] and len(found) == 2
    records.write_json(of.breakdown, {**parts, "prediction": "another"})
    records.write_json(of.folder / set_scores.FILE, {**numbers, "made_from": "others"})
    one, two = verify(out, sample=0).problems
    assert one.endswith("case1: the breakdown is of another prediction")
    assert two.endswith(f"{set_scores.FILE}: its numbers are of other pictures")


def test_what_cannot_be_computed_again_is_named_and_counted(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (world / "out").rglob("*.scores.json"):
        content = records.read_json(path)
        known = content["scores"]["gmsd"]
        content["scores"]["gmsd"] = {**known, "fingerprint": "0badc0de"}
        content["scores"]["worst"] = {**known, "metric": "worst@1"}
        content["scores"]["lpips-alex"] = {**known, "fingerprint": find("lpips-alex").fingerprint}
        records.write_json(path, content)
    with pytest.raises(SystemExit) as done:
        cli.main(["verify", str(world / "out"), "--sample", "2", "--benchmark", f"noise:{world / 'data'}"])
    said = capsys.readouterr().out
    assert done.value.code == 0 and "2 scores computed again (6 not): no differences" in said
    assert "2 numbers are not computed again: worst: is not registered here" in said
    assert "2 numbers are not computed again: gmsd: made by another form of the metric, 0badc0de" in said
    assert "2 numbers are not computed again: lpips-alex: needs alexnet" in said


def test_only_the_metrics_of_a_result_are_computed_for_it(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(world / "out", ["ssim"])
    of = result(world)
    for path in (world / "out").rglob("*.scores.json"):
        if path != of.scores:
            content = records.read_json(path)
            del content["scores"]["ssim"]
            records.write_json(path, content)
    asked: dict[str, tuple[str, ...]] = {}

    def score_case(tasks: list[Task]) -> object:
        asked.update({task.result.case: task.compute for task in tasks})
        return evaluate_module.score_case(tasks)

    monkeypatch.setattr(verify_scores, "score_case", score_case)
    assert verify(world / "out", sample=3, benchmarks=[f"noise:{world / 'data'}"]).scores == 7
    assert {case: len(names) for case, names in asked.items()} == {"case0": 2, "case1": 3, "case2": 2}


@pytest.mark.parametrize(
    ("benchmark", "said"),
    [("nosuch", "unknown benchmark 'nosuch'"), ("blb:DIR", "has no results of it; it has")],
)
def test_a_benchmark_that_is_not_there_is_refused(
    world: Path, capsys: pytest.CaptureFixture[str], benchmark: str, said: str
) -> None:
    with pytest.raises(SystemExit) as done:
        cli.main(["verify", str(world / "out"), "--sample", "0", "--benchmark", benchmark])
    assert done.value.code == 2 and said in capsys.readouterr().err


DAMAGE = ("[]", "5", "null", '"x"', "{}", "{")


def test_no_damage_to_any_file_is_more_than_a_line(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every JSON file, replaced by what it must not be, and each of its values by a number."""
    of = result(world)
    set_scores.evaluate_sets(world / "out", ["psnr-pooled"])
    files = [of.record, of.scores, of.timing, of.at.case_record(of.case), of.folder / set_scores.FILE]
    for path in files:
        whole = path.read_text()
        content = records.read_json(path)
        damaged = [*DAMAGE, *(json.dumps({**content, key: 5}) for key in content)]
        if "scores" in content:
            damaged += [
                json.dumps({**content, "scores": {**content["scores"], "psnr": x}}) for x in (5, {}, [])
            ]
        for text in damaged:
            path.write_text(text)
            with contextlib.suppress(BokehbenchError):
                collect([world / "out"])
            with contextlib.suppress(BokehbenchError):
                sets.collect_sets([world / "out"])
            with contextlib.suppress(BokehbenchError):
                verify(world / "out", sample=0)
            if path != of.timing:
                with contextlib.suppress(BokehbenchError):
                    missing(of.at, asked_for(["psnr"]))
        path.write_text(whole)
    of.scores.write_text('{"scores": {"psnr": 5}}')
    with pytest.raises(InputError, match=r"case1.scores.json: psnr is no score; delete the file"):
        collect([world / "out"])
