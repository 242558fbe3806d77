"""Claims about reading results: one row a number, what is stale and why, merging of machines."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import board_world as world
import numpy as np
import pytest

import bokehbench.leaderboard
from bokehbench import images, records, registry
from bokehbench.errors import InputError
from bokehbench.leaderboard.frame import COLUMNS
from bokehbench.leaderboard.results import Result


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


def result(root: Path, case: str = "s0_L1", method: str = "soft") -> Result:
    return next(Result(at, method, "none", case) for at in bokehbench.leaderboard.results.protocols(root))


def test_importing_the_room_imports_nothing_heavy() -> None:
    code = (
        "import sys, bokehbench.leaderboard, bokehbench.commands.leaderboard\n"
        "heavy = {'pandas', 'scipy', 'numpy', 'torch', 'cv2', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_row_a_method_case_and_metric(tmp_path: Path) -> None:
    world.write_world(tmp_path, scenes=3)
    frame = bokehbench.leaderboard.load(tmp_path)
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 4 * 6 * 4  # methods, cases, metrics
    assert not frame.duplicated(["method", "case", "metric"]).any()
    assert set(frame.stale) == {""}
    one = frame[(frame.method == "soft") & (frame.case == "s1_L5") & (frame.metric == "psnr")].iloc[0]
    stored = records.read_json(result(tmp_path, "s1_L5").scores)["scores"]["psnr"]
    assert (one.value, one.scene, one.level, one.K, one.version) == (stored["value"], "scene1", "L5", 8.0, 1)
    assert one.seconds == pytest.approx(0.1 + 24 / 100)


def test_what_is_unavailable_has_no_value_and_says_why(tmp_path: Path) -> None:
    world.write_world(tmp_path, scenes=1)
    lpips = bokehbench.leaderboard.load(tmp_path).query("metric == 'lpips-alex'")
    assert lpips.value.isna().all()
    assert set(lpips.status) == {"unavailable"} and set(lpips.reason) == {world.INSTRUCTION}


def test_a_new_version_of_a_method_makes_its_results_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write_world(tmp_path, scenes=1)
    newer = dataclasses.replace(registry.get(registry.MethodSpec, "soft"), version=2)
    monkeypatch.setitem(registry._registered, ("method", "soft"), newer)
    frame = bokehbench.leaderboard.load(tmp_path)
    assert set(frame[frame.method == "soft"].stale) == {"made by soft@1, now soft@2"}
    assert set(frame[frame.method != "soft"].stale) == {""}


def test_a_new_version_of_a_metric_makes_its_numbers_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.write_world(tmp_path, scenes=1)
    newer = dataclasses.replace(registry.get(registry.MetricSpec, "gmsd"), version=2)
    monkeypatch.setitem(registry._registered, ("metric", "gmsd"), newer)
    frame = bokehbench.leaderboard.load(tmp_path)
    assert frame[frame.metric == "gmsd"].stale.str.startswith("gmsd has fingerprint").all()
    assert set(frame[frame.metric != "gmsd"].stale) == {""}


def test_a_changed_pixel_makes_a_result_stale(tmp_path: Path) -> None:
    world.write_world(tmp_path, scenes=1)
    path = result(tmp_path).prediction
    pixels = images.read_image(path)
    pixels[0, 0] = 1 - pixels[0, 0]
    images.write_png(path, pixels)
    frame = bokehbench.leaderboard.load(tmp_path)
    stale = frame[frame.stale != ""]
    assert set(zip(stale.method, stale.case, strict=True)) == {("soft", "s0_L1")}
    assert stale.stale.iloc[0] == "prediction file is missing or not the one of its record"


def test_scores_of_an_older_prediction_are_stale(tmp_path: Path) -> None:
    at = world.write_world(tmp_path, scenes=1)
    old = result(tmp_path).scores.read_bytes()
    target = images.read_image(at.case_image("s0_L1", "target"))
    world.write_result(at, "s0_L1", "soft", target, 1.0, seed=77)
    result(tmp_path).scores.write_bytes(old)
    frame = bokehbench.leaderboard.load(tmp_path)
    assert set(frame[frame.stale != ""].stale) == {"scores are of another prediction"}


def test_results_of_other_data_and_unknown_methods_are_stale(tmp_path: Path) -> None:
    at = world.write_world(tmp_path, scenes=1)
    content = records.read_json(at.case_record("s0_L1"))
    records.write_json(at.case_record("s0_L1"), {**content, "data": "changed"})
    del registry._registered[("method", "sharp")]
    frame = bokehbench.leaderboard.load(tmp_path)
    assert set(frame[frame.method == "sharp"].stale) == {"method is not registered here"}
    other = frame[(frame.method == "soft") & (frame.case == "s0_L1")]
    assert set(other.stale) == {"made from other data of the same name"}


def test_a_case_that_failed_is_a_row_that_says_missing(tmp_path: Path) -> None:
    world.write_world(tmp_path, scenes=2)
    result(tmp_path).record.unlink()
    frame = bokehbench.leaderboard.load(tmp_path)
    missing = frame[frame.status == "missing"]
    assert set(zip(missing.method, missing.case, strict=True)) == {("soft", "s0_L1")}
    assert missing.value.isna().all() and missing.version.isna().all()


def test_folders_of_several_machines_merge_to_the_same_table(tmp_path: Path) -> None:
    world.write_world(tmp_path / "all", scenes=3)
    for name, methods in (("a", ("identity", "soft")), ("b", ("sharp", "given", "soft"))):
        world.write_world(tmp_path / name, scenes=3, methods={m: world.QUALITY[m] for m in methods})
    # The seeds follow the order of methods, so the same predictions are copied, not made again.
    for name in ("a", "b"):
        for method in (tmp_path / name / "toy" / "gt@1").glob("[!_]*"):
            for file in method.rglob("*.*"):
                file.write_bytes((tmp_path / "all" / file.relative_to(tmp_path / name)).read_bytes())
    whole = bokehbench.leaderboard.load(tmp_path / "all")
    parts = bokehbench.leaderboard.load(tmp_path / "b", tmp_path / "a")
    assert whole.equals(parts)


def test_folders_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    world.write_world(tmp_path / "a", scenes=1, methods={"soft": 12.0})
    at = world.write_world(tmp_path / "b", scenes=1, methods={"soft": 13.0})
    with pytest.raises(InputError, match="two different predictions"):
        bokehbench.leaderboard.load(tmp_path / "a", tmp_path / "b")
    images.write_png(at.case_image("s0_L1", "target"), np.zeros((32, 48, 3)))
    with pytest.raises(InputError, match="other data under one name"):
        bokehbench.leaderboard.load(tmp_path / "a", tmp_path / "b")


def test_a_folder_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a results folder"):
        bokehbench.leaderboard.load(tmp_path)


def test_a_result_with_a_damaged_record_is_missing(tmp_path: Path) -> None:
    world.write_world(tmp_path, scenes=1)
    one = result(tmp_path)
    before = bokehbench.leaderboard.load(tmp_path)
    one.record.write_text('{"method": "soft@1"}')
    after = bokehbench.leaderboard.load(tmp_path)
    mine = (after.method == one.method) & (after.case == one.case)
    assert set(after[mine].status) == {"missing"} and after[mine].value.isna().all()
    assert len(after[~mine]) == len(before[(before.method != one.method) | (before.case != one.case)])
