"""Scoring a results folder: once, only what is missing, and never a number that is not one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bokehbench import images, records, rng
from bokehbench.commands.evaluate import evaluate as command
from bokehbench.errors import ConfigError, InputError, JobFailed, Unavailable
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.metrics import find, score_images, weights
from bokehbench.optics import Lens
from bokehbench.registry import REGISTER_VARIABLE, _load_all, _registered

FAST = ["psnr", "ssim"]


@pytest.fixture(autouse=True)
def no_weights(monkeypatch, tmp_path):
    """Whatever this machine has, these tests see no weights but the bundled ones."""
    monkeypatch.setattr(weights, "folders", lambda: [tmp_path / "weights"])


def add_case(at: Protocol, case: str, size=(24, 32), gamma: float = 2.2) -> np.ndarray:
    target = rng.stream(3, len(case), case).integers(0, 256, (*size, 3), dtype=np.uint8)
    images.write_png(at.case_image(case, "target"), target)
    lens = Lens(K=4.0, disp_focus=0.5, gamma=gamma)
    records.write_json(at.case_record(case), {"schema": "bokehbench.case/1", "lens": lens.to_json()})
    return target


def add_result(at: Protocol, method: str, case: str, prediction: np.ndarray) -> Result:
    result = Result(at, method, "none", case)
    images.write_png(result.prediction, prediction)
    records.write_json(result.record, {"prediction": records.sha256_file(result.prediction)})
    return result


@pytest.fixture
def folder(tmp_path) -> list[Result]:
    """Two benchmarks, two cases each, two methods: 8 results."""
    made = []
    for benchmark in ("blb", "layered"):
        at = Protocol(tmp_path / "results", benchmark, "gt@1")
        for case in ("a_L1", "b_L5"):
            target = add_case(at, case)
            made.append(add_result(at, "identity", case, target // 2))
            made.append(add_result(at, "scatter", case, target))
    return made


def stored(result: Result) -> dict:
    return records.read_json(result.scores)["scores"]


def all_bytes(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*.scores.json"))}


def test_scores_are_those_of_score_images_with_what_makes_them(folder):
    root = folder[0].at.root
    summary = evaluate(root, FAST)
    assert (summary.results, summary.computed, summary.present, summary.failed) == (8, 16, 0, [])
    for result in folder:
        content = records.read_json(result.scores)
        target_file = result.at.case_image(result.case, "target")
        assert content["schema"] == "bokehbench.scores/1"
        assert content["prediction"] == records.sha256_file(result.prediction)
        assert content["target"] == records.sha256_file(target_file)
        prediction, target = (images.read_image(p) for p in (result.prediction, target_file))
        expected = score_images(prediction, target, FAST)
        for name in FAST:
            assert content["scores"][name]["value"] == expected[name]
            assert content["scores"][name]["metric"] == f"{name}@1"
            assert content["scores"][name]["fingerprint"] == find(name).fingerprint
    assert stored(folder[1])["psnr"]["status"] == "identical"
    assert stored(folder[1])["psnr"]["value"] == 100.0


def test_second_call_computes_and_writes_nothing(folder):
    root = folder[0].at.root
    evaluate(root, [*FAST, "lpips-alex"])
    times = {p: p.stat().st_mtime_ns for p in root.rglob("*.scores.json")}
    summary = evaluate(root, [*FAST, "lpips-alex"])
    assert (summary.computed, summary.present) == (0, 16)
    assert times == {p: p.stat().st_mtime_ns for p in root.rglob("*.scores.json")}


def test_only_what_changed_is_scored_again(folder):
    root = folder[0].at.root
    evaluate(root, FAST)
    add_result(folder[0].at, folder[0].method, folder[0].case, np.zeros((24, 32, 3), np.uint8))
    assert evaluate(root, FAST).computed == 2
    # A new target concerns both methods.
    at, case = folder[0].at, folder[0].case
    images.write_png(at.case_image(case, "target"), np.full((24, 32, 3), 9, np.uint8))
    assert evaluate(root, FAST).computed == 4
    # The lens's gamma makes `+lin`, hence the scores of a case.
    add_case(at, "b_L5", gamma=1.0)
    assert evaluate(root, FAST).computed == 4
    assert evaluate(root, FAST, only_missing=False).computed == 16


def test_adding_a_metric_keeps_the_others(folder):
    root = folder[0].at.root
    evaluate(root, ["psnr"])
    summary = evaluate(root, ["ssim"])
    assert summary.computed == 8
    assert set(stored(folder[0])) == {"psnr", "ssim"}


def test_a_changed_fingerprint_is_computed_again(folder):
    root = folder[0].at.root
    evaluate(root, FAST)
    content = records.read_json(folder[0].scores)
    content["scores"]["psnr"]["fingerprint"] = "00000000"
    content["scores"]["psnr"]["value"] = 1.0
    records.write_json(folder[0].scores, content)
    assert evaluate(root, FAST).computed == 1
    assert stored(folder[0])["psnr"]["value"] != 1.0


def test_broken_scores_file_is_made_again(folder):
    root = folder[0].at.root
    evaluate(root, FAST)
    before = all_bytes(root)
    folder[0].scores.write_text('{"schema": "bokehbench.sc')
    folder[1].scores.write_text("[]")
    assert evaluate(root, FAST).computed == 4
    assert all_bytes(root) == before


def test_missing_weights_are_null_with_the_instruction_once(folder):
    summary = evaluate(folder[0].at.root, ["psnr", "lpips-alex", "dists-256"])
    score = stored(folder[0])["lpips-alex"]
    assert (score["value"], score["status"]) == (None, "unavailable")
    assert "alexnet-owt-7be5be79.pth (244408911 bytes)" in score["reason"]
    assert list(summary.unavailable) == ["lpips-alex", "dists-256"]
    assert all("\n" not in line and "--weights-dir" in line for line in summary.unavailable.values())
    assert summary.computed == 8


def test_wrong_weights_under_the_right_name_never_become_a_number(folder, tmp_path):
    import torch
    import torchvision

    torch.manual_seed(0)
    trunk = torchvision.models.squeezenet1_1(weights=None).state_dict()
    (tmp_path / "weights").mkdir()
    torch.save(trunk, tmp_path / "weights" / "squeezenet1_1-b8a52dc0.pth")
    summary = evaluate(folder[0].at.root, ["lpips-squeeze"])
    assert summary.computed == 0
    assert {stored(result)["lpips-squeeze"]["status"] for result in folder} == {"sha-mismatch"}
    assert {stored(result)["lpips-squeeze"]["value"] for result in folder} == {None}
    # What a record says does not depend on where this machine keeps its files.
    assert str(tmp_path) not in stored(folder[0])["lpips-squeeze"]["reason"]
    assert str(tmp_path / "weights") in summary.unavailable["lpips-squeeze"]
    # The command names the status that the score file has, and what it wrote.
    (tmp_path / "weights" / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"another")
    said = [run_command(folder, "--metric", "lpips-squeeze") for _ in range(2)]
    assert all(text.startswith("lpips-squeeze: sha-mismatch: ") for text in said)
    assert "unavailable" not in said[0]


def run_command(folder, *arguments: str) -> str:
    done = CliRunner().invoke(command, [str(folder[0].at.root), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_files_that_got_a_reason_alone_are_counted(folder):
    noted = "8 files of scores now say why numbers are lacking"
    assert noted in run_command(folder, "--metric", "lpips-alex")
    assert noted not in run_command(folder, "--metric", "lpips-alex")


def test_a_number_of_a_machine_with_weights_stays(folder):
    root = folder[0].at.root
    evaluate(root, ["lpips-alex"])
    content = records.read_json(folder[0].scores)
    content["scores"]["lpips-alex"] |= {"value": 0.25, "status": "ok"}
    records.write_json(folder[0].scores, content)
    for only_missing in (True, False):
        summary = evaluate(root, ["lpips-alex"], only_missing=only_missing)
        assert (summary.computed, summary.present) == (0, 1)
        assert stored(folder[0])["lpips-alex"]["value"] == 0.25


def test_small_images_are_undefined_not_failed(folder):
    summary = evaluate(folder[0].at.root, ["ms-ssim"])
    score = stored(folder[0])["ms-ssim"]
    assert (score["value"], score["status"]) == (None, "undefined")
    assert "161 pixels" in score["reason"]
    assert summary.undefined == [f"ms-ssim: {score['reason']} (of 8 predictions)"]
    assert summary.failed == []
    assert evaluate(folder[0].at.root, ["ms-ssim"]).computed == 0


@pytest.mark.parametrize("damage", ["size", "truncated", "missing", "changed", "target"])
def test_a_damaged_result_is_named_and_the_rest_is_scored(folder, damage):
    bad = folder[0]
    if damage == "size":
        add_result(bad.at, bad.method, bad.case, np.zeros((10, 10, 3), np.uint8))
    elif damage == "truncated":
        data = bad.prediction.read_bytes()[:200]
        bad.prediction.write_bytes(data)
        records.write_json(bad.record, {"prediction": records.sha256_bytes(data)})
    elif damage == "missing":
        bad.prediction.unlink()
    elif damage == "changed":
        images.write_png(bad.prediction, np.zeros((24, 32, 3), np.uint8))
    else:
        bad.at.case_image(bad.case, "target").unlink()
    summary = evaluate(bad.at.root, ["psnr"])
    affected = 2 if damage == "target" else 1
    assert summary.computed == 8 - affected
    assert len(summary.failed) == affected
    assert summary.failed[0].startswith("blb/gt@1/identity/none/a_L1: ")
    assert not bad.scores.exists()


def test_not_a_results_folder_and_unknown_metrics_are_refused(tmp_path, folder):
    with pytest.raises(InputError, match="not a results folder"):
        evaluate(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="did you mean psnr"):
        evaluate(folder[0].at.root, ["pnsr"])
    assert not list(folder[0].at.root.rglob("*.scores.json"))


@pytest.fixture
def own_metric(tmp_path, monkeypatch):
    """A user's file with a metric of theirs, and one that raises; forgotten after the test."""
    monkeypatch.setenv(REGISTER_VARIABLE, "")
    file = tmp_path / "mine_metric.py"
    file.write_text(
        "from bokehbench.registry import MetricSpec, register\n"
        "register(MetricSpec('worst', 'Largest difference.', 'mine_metric:worst', higher_is_better=False))\n"
        "register(MetricSpec('broken', 'Raises.', 'mine_metric:broken'))\n"
        "def worst(prediction, target):\n"
        "    return float(abs(prediction.astype(int) - target).max())\n"
        "def broken(prediction, target):\n"
        "    raise ValueError('not\\nmy day')\n"
    )
    yield file
    for name in ("worst", "broken"):
        _registered.pop(("metric", name), None)
    _load_all.cache_clear()


def run(*arguments: object):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_command_with_a_metric_of_ones_own_and_any_number_of_workers(folder, own_metric):
    root = folder[0].at.root
    metrics = [word for name in ("psnr", "psnr+lin", "worst+crop4") for word in ("--metric", name)]
    done = run(root, *metrics, "--register", own_metric)
    assert done.exit_code == 0, done.output
    assert "24 scores computed, 0 were there" in done.output
    assert stored(folder[1])["worst+crop4"]["value"] == 0.0
    assert stored(folder[0])["worst+crop4"]["value"] > 0.0
    again = run(root, *metrics, "--register", own_metric)
    assert again.output == "nothing to compute: 24 scores of 8 predictions hold\n"
    # Resumed, in other processes: the same bytes.
    one = all_bytes(root)
    for result in folder[::3]:
        result.scores.unlink()
    run(root, *metrics, "--register", own_metric, "--workers", 2)
    assert all_bytes(root) == one


def test_a_metric_that_raises_fails_alone_and_is_tried_again(folder, own_metric):
    root = folder[0].at.root
    done = run(root, "--metric", "psnr", "--metric", "broken", "--register", own_metric)
    assert isinstance(done.exception, JobFailed)
    assert stored(folder[0])["psnr"]["status"] == "ok"
    assert stored(folder[0])["broken"]["status"] == "failed"
    assert stored(folder[0])["broken"]["reason"] == "ValueError: not my day"
    assert evaluate(root, ["psnr", "broken"]).computed == 8


def test_command_prints_each_instruction_once(folder):
    done = run(folder[0].at.root, "--metric", "psnr", "--metric", "lpips-alex")
    lines = [line for line in done.output.splitlines() if "lpips-alex" in line]
    assert len(lines) == 1
    assert lines[0].startswith("lpips-alex: unavailable: needs alexnet-owt-7be5be79.pth")
    assert done.exit_code == 0


def test_weights_dir_that_is_not_there_is_refused(folder, monkeypatch):
    monkeypatch.setenv(weights.FOLDER_VARIABLE, "")
    done = run(folder[0].at.root, "--weights-dir", folder[0].at.root / "nowhere")
    assert isinstance(done.exception, InputError)
    assert "no such folder" in str(done.exception)


def test_scores_files_are_canonical_json(folder):
    evaluate(folder[0].at.root, ["psnr"])
    text = folder[0].scores.read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"


def test_shards_are_the_whole_and_each_does_its_part_whatever_the_others_have_done(folder, tmp_path):
    root = folder[0].at.root
    shutil.copytree(root, tmp_path / "parts")
    evaluate(root, FAST)
    done = [evaluate(tmp_path / "parts", FAST, shard=(part, 2)) for part in range(2)]
    assert [(one.results, one.computed) for one in done] == [(4, 8), (4, 8)]
    assert all_bytes(tmp_path / "parts") == all_bytes(root)
    again = run(tmp_path / "parts", "--metric", "psnr", "--shard", "1/2")
    assert again.output == "nothing to compute: 4 scores of 4 predictions hold\n"
    assert isinstance(run(root, "--shard", "2/2").exception, ConfigError)


def test_a_ray_cluster_that_is_not_there_is_one_line(folder):
    done = run(folder[0].at.root, "--metric", "psnr", "--ray", "127.0.0.1:9")
    assert isinstance(done.exception, (ConfigError, Unavailable)) and "--ray" in str(done.exception)
