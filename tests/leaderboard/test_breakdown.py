"""`evaluate --breakdown`: regions stored with the cases, error in parts, tables and curves of both."""

from __future__ import annotations

from pathlib import Path

import board_world as world
import numpy as np
import pytest
from click.testing import CliRunner

from bokehbench import images, records
from bokehbench.commands.evaluate import evaluate as command
from bokehbench.leaderboard import defocus, regions
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.results import Protocol, results
from bokehbench.metrics import find, weights
from bokehbench.metrics.breakdown import psnr_of

SIZE = (128, 96)
METHODS = {"soft": 6.0, "sharp": 12.0}
PARTITION = ("focus", "defocus", "band", "transition")


@pytest.fixture(autouse=True)
def _world(monkeypatch, tmp_path) -> None:
    world.register_world(monkeypatch)
    monkeypatch.setattr(weights, "folders", lambda: [tmp_path / "weights"])


@pytest.fixture
def at(tmp_path) -> Protocol:
    """Two scenes at two levels: a far half behind the focal plane, a near half that is in focus."""
    made = world.write_world(tmp_path / "results", scenes=2, methods=METHODS, size=SIZE)
    for case in ("s0_L1", "s0_L5", "s1_L1", "s1_L5"):
        disparity = np.full(SIZE[::-1], 0.5)
        disparity[:, : SIZE[0] // 2] = 0.0
        images.write_disparity(made.case_image(case, "disparity"), disparity)
        record = records.read_json(made.case_record(case))
        record["lens"]["K"] = 2.0 if case.endswith("L1") else 12.0
        records.write_json(made.case_record(case), record)
    for scores in made.root.rglob("*.scores.json"):
        scores.unlink()  # the world's own, which would count
    return made


def all_bytes(root: Path) -> dict[str, bytes]:
    kinds = ("*.scores.json", "*.breakdown.json", "_regions/*")
    return {str(path.relative_to(root)): path.read_bytes() for kind in kinds for path in root.rglob(kind)}


def test_parts_are_stored_beside_the_scores_and_sum_to_them(at):
    summary = evaluate(at.root, ["psnr"], breakdown=True)
    assert (summary.failed, summary.broken_down, summary.computed) == (
        [],
        8,
        8 * (1 + len(regions.FAMILY) - 3),
    )
    assert set(summary.unavailable) == {name for name in regions.FAMILY if name.startswith("lpips")}
    for result in results(at):
        parts, scores = records.read_json(result.breakdown), records.read_json(result.scores)["scores"]
        assert psnr_of(**parts["whole"]) == pytest.approx(scores["psnr"]["value"], abs=1e-9)
        assert parts["whole"]["pixels"] == SIZE[0] * SIZE[1]
        for what, total in parts["whole"].items():
            assert sum(parts["regions"][name][what] for name in PARTITION) == total
            assert sum(parts["defocus"][what]) == total
        record = regions.record_path(at, result.case)
        assert {scores[f"psnr+{name}"]["regions"] for name in PARTITION} == {records.sha256_file(record)}
        # The far half is 1 or 6 pixels behind the focal plane.
        strong = result.case.endswith("L5")
        assert scores["psnr+focus"]["value"] is not None
        assert (scores["psnr+defocus"]["status"] == "ok") == strong
        assert (parts["defocus"]["pixels"][2] > 0) == strong


def test_a_second_call_does_nothing_and_other_processes_write_the_same_bytes(at):
    evaluate(at.root, ["psnr"], breakdown=True)
    before = all_bytes(at.root)
    again = evaluate(at.root, ["psnr"], breakdown=True)
    assert (again.computed, again.broken_down) == (0, 0)
    for path in (*at.root.rglob("*.breakdown.json"), *at.root.rglob("_regions/s1*")):
        path.unlink()
    done = CliRunner().invoke(command, [str(at.root), "--metric", "psnr", "--breakdown"])
    assert done.exit_code == 0 and "squared error by region and defocus of 8 predictions" in done.output
    assert all_bytes(at.root) == before


@pytest.mark.parametrize("change", ["map", "lens", "prediction"])
def test_what_parts_rest_on_is_part_of_them(at, change):
    """Another map, lens or prediction under the same name: scores by region and parts are made again."""
    evaluate(at.root, ["psnr"], breakdown=True)
    result = next(iter(results(at)))
    count = 2
    if change == "map":
        images.write_disparity(at.case_image(result.case, "disparity"), np.full(SIZE[::-1], 0.9))
    elif change == "lens":
        record = records.read_json(at.case_record(result.case))
        record["lens"]["disp_focus"] = 0.9
        records.write_json(at.case_record(result.case), record)
    else:
        count = 1
        images.write_png(result.prediction, np.zeros((SIZE[1], SIZE[0], 3)))
        record = {**records.read_json(result.record), "prediction": records.sha256_file(result.prediction)}
        records.write_json(result.record, record)
    before = records.read_json(result.breakdown)
    summary = evaluate(at.root, ["psnr"], breakdown=True)
    assert summary.broken_down == count
    assert records.read_json(result.breakdown) != before
    assert evaluate(at.root, ["psnr"], breakdown=True).computed == 0


def test_a_benchmark_without_a_true_map_has_the_regions_of_its_pairs_instead(at):
    for case in ("s0_L1", "s0_L5", "s1_L1", "s1_L5"):
        record = records.read_json(at.case_record(case))
        records.write_json(at.case_record(case), {**record, "made_with": {"disparity": "some-model@1"}})
    summary = evaluate(at.root, ["psnr", "psnr+band"], breakdown=True)
    assert summary.broken_down == 0 and not list(at.root.rglob("*.breakdown.json"))
    scores = records.read_json(next(iter(results(at))).scores)["scores"]
    assert scores["psnr+band"]["reason"] == "the disparity is predicted: the true one is not known"
    assert set(regions.PAIR_FAMILY) <= set(scores) and not {"psnr+focus", "psnr+cropR"} & set(scores)
    assert evaluate(at.root, ["psnr", "psnr+band"], breakdown=True).computed == 0


def test_on_a_corrupted_track_the_regions_are_those_of_the_true_map(at):
    """Methods are given another map; where they fail is asked of the scene."""
    for case in ("s0_L1", "s0_L5"):
        record = records.read_json(at.case_record(case))
        track = {"disparity": "dilate:5", "version": 1}
        records.write_json(at.case_record(case), {**record, "track": track})
        assert regions.why_not(at, case) == regions.NOT_STORED
        assert regions.family(at, case) == regions.FAMILY
        truth = images.read_grey(at.case_image(case, "disparity"))
        images.write_disparity(at.case_image(case, "truth"), truth)
        images.write_disparity(at.case_image(case, "disparity"), np.full(SIZE[::-1], 0.2))
        pictures = {"truth": "its hash", "target": "its hash"}
        records.write_json(at.case_record(case), {**record, "track": track, "pictures": pictures})
    for case in ("s0_L1", "s0_L5"):
        ours, digest = regions.load(at, case)
        theirs, other = regions.load(at, case.replace("s0", "s1"))
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        assert digest != other  # another input
        stored, again = regions.load(at, case)
        assert again == digest
        for name in ("labels", "highlights", "structured", "signed_defocus"):
            np.testing.assert_array_equal(getattr(stored, name), getattr(ours, name))


def test_a_run_on_a_track_stores_the_true_map(tmp_path):
    from bokehbench.benchmarks.tracks import parse_track
    from bokehbench.cases import Case, CaseInfo, Inputs
    from bokehbench.optics import Lens
    from bokehbench.registry import ProtocolSpec

    disparity = np.linspace(0, 1, 24 * 32, dtype=np.float32).reshape(24, 32)
    image, lens = np.zeros((24, 32, 3), np.float32), Lens(4.0, 0.5)
    case = Case(CaseInfo("a", "s", "L1", lens, "d"), Inputs("a", image, disparity, lens), image)
    given, searched = ProtocolSpec("given", ""), ProtocolSpec("box", "", disparity="midas", focus="box")
    np.testing.assert_array_equal(parse_track("dilate:2").apply(case, given).true_disparity, disparity)
    assert parse_track("dilate:2").apply(case, searched).true_disparity is None
    assert parse_track("gt").apply(case, given).true_disparity is None


def test_a_case_whose_region_is_too_small_is_left_out_for_all_and_it_is_said(at):
    evaluate(at.root, ["psnr"], breakdown=True)
    (board,) = collect([at.root])
    table = build(board)
    for row in table.rows:
        cells = {group.level: group.cells[row.key]["psnr+defocus"] for group in table.groups}
        assert cells["L5"].interval.cases == 2 == cells["all"].interval.cases
        assert cells["all"].interval.mean == cells["L5"].interval.mean
        assert cells["L1"].interval is None and "undefined" in cells["L1"].reason
        assert cells["all"].reason == "+defocus: 2 of 4 cases have enough of this region"
    assert cells["all"].reason in table.footnotes
    assert all(row.status == "ranked" for row in table.rows)


def test_curves_sum_to_the_pictures_and_their_means_are_those_of_the_table(at):
    evaluate(at.root, ["psnr"], breakdown=True)
    frame = defocus.load(at.root)
    pixels = 4 * SIZE[0] * SIZE[1]
    for method in METHODS:
        own = frame[(frame.method == method) & (frame.level == "all")].set_index("part")
        assert own.loc["bin", "pixels"].sum() == own.loc["whole", "pixels"] == pixels
        assert own.loc["bin", "squared_error"].sum() == own.loc["whole", "squared_error"]
        (board,) = collect([at.root])
        cell = build(board).groups[0].cells[(method, "none")]["psnr"]
        assert own.loc["whole", "psnr"] == pytest.approx(cell.interval.mean, abs=1e-9)
    content = defocus.to_json(collect([at.root]))
    assert content["schema"] == defocus.SCHEMA and len(content["curves"]) == 2 * 3
    first = content["curves"][0]
    assert [entry["low"] for entry in first["bins"]] == [None, *content["edges"]]
    assert first["bins"][5]["psnr"] is not None and first["bins"][-1]["psnr"] is None
    assert set(first["regions"]) == {*PARTITION, "highlights", "whole"}


def test_curves_are_over_the_cases_that_all_methods_share(at, tmp_path):
    """One method lacks its hardest case: without pairing it would look better than it is."""
    evaluate(at.root, ["psnr"], breakdown=True)
    (at.folder / "soft" / "none" / "s1_L5.breakdown.json").unlink()
    frame = defocus.load(at.root)
    whole = frame[frame.part == "whole"].set_index(["method", "level"])
    assert (whole.loc[("soft", "all"), ["cases", "common", "of"]] == [3, 3, 4]).all()
    assert (whole.loc[("sharp", "all"), ["cases", "common", "of"]] == [3, 3, 4]).all()
    assert (whole.loc[("sharp", "L5"), ["common", "of"]] == [1, 2]).all()
    for method in METHODS:
        scores = [
            records.read_json(at.folder / method / "none" / f"{case}.scores.json")["scores"]["psnr"]["value"]
            for case in ("s0_L1", "s0_L5", "s1_L1")
        ]
        assert whole.loc[(method, "all"), "psnr"] == pytest.approx(np.mean(scores), abs=1e-9)
    curves = defocus.to_json(collect([at.root]))["curves"]
    assert {(curve["level"], curve["common"], curve["of"]) for curve in curves} == {
        ("all", 3, 4),
        ("L1", 2, 2),
        ("L5", 1, 2),
    }
    # A method that lacks results is incomplete in the table and has no curve; the others keep their cases.
    (at.folder / "sharp" / "none" / "s0_L1.json").unlink()
    assert set(defocus.load(at.root).method) == {"soft"}
    (left_out,) = defocus.to_json(collect([at.root]))["left_out"]
    assert (left_out["method"], left_out["why"]) == ("sharp", "lacks results")


def test_parts_of_another_prediction_count_for_nothing(at, tmp_path):
    evaluate(at.root, ["psnr"], breakdown=True)
    assert defocus.write(tmp_path, collect([at.root])) and (tmp_path / "defocus.json").exists()
    for path in at.root.rglob("*.breakdown.json"):
        records.write_json(path, {**records.read_json(path), "prediction": "another"})
    assert defocus.load(at.root).empty
    assert not defocus.write(tmp_path, collect([at.root])) and not (tmp_path / "defocus.json").exists()


def test_names_of_the_families_are_metrics():
    for name in (*regions.FAMILY, *regions.PAIR_FAMILY):
        assert find(name).name == name


def test_columns_by_region_are_a_table_of_their_own(at):
    from bokehbench.leaderboard import export_latex, export_text

    evaluate(at.root, ["psnr"], breakdown=True)
    (board,) = collect([at.root])
    first, second = export_latex.to_latex([build(board)]).split(r"\end{table}")[:2]
    assert "psnr+" not in first and "s/image" in first and r"\label{tab:toy--gt-1}" in first
    assert "psnr+band" in second and "s/image" not in second and r"\label{tab:toy--gt-1-regions}" in second
    assert "+defocus: 2 of 4 cases have enough of this region" in second
    for line in (*first.splitlines(), *second.splitlines()):
        if line.startswith("soft &"):
            heads = next(head for head in (first, second) if line in head).split(r"\toprule")[1]
            assert line.count(" & ") == heads.split(r"\\")[0].count(" & ")
    for text in (export_text.to_markdown([build(board)]), export_text.to_terminal([build(board)])):
        heads = [line for line in text.splitlines() if line.lstrip("| ").startswith("method")]
        assert "psnr+band" not in heads[0] and "psnr+band" in heads[1] and "s/image" not in heads[1]
        assert "[1] +" in text and export_text.WHERE in text
