"""Claims about tables: who is ranked, what is bold, what is said about the rest, and that exports agree."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import board_world as world
import pandas as pd
import pytest

import bokehbench.leaderboard
from bokehbench import cli, records, registry
from bokehbench.errors import InputError
from bokehbench.leaderboard import (
    compare_text,
    export_data,
    export_latex,
    export_text,
    paper_layouts,
    statistics,
)
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.compare import compare
from bokehbench.leaderboard.page_tables import table_view
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.leaderboard.sides import parse_side
from bokehbench.leaderboard.tables import Table
from bokehbench.metrics import find


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight scenes, two levels, four methods; for tests that only read it."""
    root = tmp_path_factory.mktemp("standard")
    world.write_world(root)
    return root


def table_of(root: Path) -> Table:
    (board,) = collect([root])
    return build(board)


def test_rows_are_sorted_and_an_oracle_is_never_best(standard: Path) -> None:
    table = table_of(standard)
    assert [row.label for row in table.rows] == ["given", "soft", "sharp", "identity"]
    for group in table.groups:
        marks = {row.label: group.cells[row.key]["gmsd"] for row in table.rows}
        assert [label for label, cell in marks.items() if cell.best] == ["soft"]
        assert [label for label, cell in marks.items() if cell.second] == ["sharp"]
        assert marks["given"].comparison is None and marks["soft"].comparison is None
    assert table.rows[0].average_rank is None
    assert [row.average_rank for row in table.rows[1:]] == [1.0, 2.0, 3.0]


def test_means_are_those_of_the_long_form(standard: Path) -> None:
    frame = bokehbench.leaderboard.load(standard)
    rows = list(csv.DictReader(io.StringIO(export_data.to_csv([table_of(standard)]))))
    assert len(rows) == 4 * 3  # methods; all, L1, L5
    for row in rows:
        part = frame[(frame.method == row["method"]) & (frame.metric == "psnr")]
        part = part if row["level"] == "all" else part[part.level == row["level"]]
        assert float(row["psnr"]) == pytest.approx(part.value.mean(), abs=1e-12)
        assert int(row["cases"]) == len(part)
        assert row["lpips-alex"] == ""


def test_levels_are_in_order_of_blur_and_one_level_needs_no_sub_table(tmp_path: Path) -> None:
    world.write_world(tmp_path / "a", scenes=1, levels=("small", "large"))
    assert [group.level for group in table_of(tmp_path / "a").groups] == ["all", "small", "large"]
    world.write_world(tmp_path / "b", scenes=1, levels=("L1",))
    assert [group.level for group in table_of(tmp_path / "b").groups] == ["all"]


def test_the_cell_says_how_a_row_compares_with_the_best(standard: Path) -> None:
    compared = table_of(standard).everything.cells[("identity", "none")]["psnr"].comparison
    assert compared is not None and compared.p == pytest.approx(2 / 2**8)
    assert compared.p_holm == pytest.approx(2 * 2 / 2**8) and not compared.tied
    assert compared.scenes_won == 0.0 and compared.difference.mean < -10


def test_rows_that_cannot_be_told_apart_are_both_bold(tmp_path: Path) -> None:
    world.write_world(tmp_path, methods={"soft": 12.0, "sharp": 12.0, "identity": 60.0})
    cells = table_of(tmp_path).everything.cells
    assert cells[("soft", "none")]["psnr"].best and cells[("sharp", "none")]["psnr"].best
    assert not any(cell["psnr"].second for cell in cells.values())


def test_the_floor_is_never_second(tmp_path: Path) -> None:
    world.write_world(tmp_path, methods={"soft": 12.0, "identity": 20.0, "sharp": 60.0})
    cells = table_of(tmp_path).everything.cells
    assert [key[0] for key, cell in cells.items() if cell["psnr"].best] == ["soft"]
    assert not any(cell["psnr"].second for cell in cells.values())


def test_under_six_scenes_no_interval_no_test_and_it_is_said(tmp_path: Path) -> None:
    world.write_world(tmp_path, scenes=5, methods={"soft": 12.0, "sharp": 13.0})
    table = table_of(tmp_path)
    cell = table.everything.cells[("sharp", "none")]["psnr"]
    assert cell.interval is not None and cell.interval.low is None
    assert cell.comparison is not None and cell.comparison.p is None and not cell.best
    text = export_text.to_markdown([table])
    assert "5 scenes, fewer than 6: no confidence intervals and no tests" in text and "±" not in text


def test_unavailable_is_a_footnote_with_the_instruction(standard: Path) -> None:
    table = table_of(standard)
    assert table.footnotes == (f"lpips-alex unavailable: {world.INSTRUCTION}",)
    for text in (export_text.to_markdown([table]), export_text.to_terminal([table])):
        assert "n/a [1]" in text and f"[1] {table.footnotes[0]}" in text


def test_missing_weights_are_named_with_where_they_come_from(tmp_path: Path) -> None:
    at = world.write_world(tmp_path, scenes=1, methods={"soft": 12.0})
    reason = "needs alexnet-owt-7be5be79.pth (244408911 bytes)"
    for case in ("s0_L1", "s0_L5"):
        world.write_scores(Result(at, "soft", "none", case), lpips_alex={"reason": reason})
    (note,) = table_of(tmp_path).footnotes
    assert note.startswith(f"lpips-alex unavailable: {reason}; published at https://")
    assert note.endswith("put it into $BOKEHBENCH_WEIGHTS or --weights-dir, then bokehbench evaluate RESULTS")


def test_one_case_without_a_number_leaves_the_row_without_a_mean(tmp_path: Path) -> None:
    at = world.write_world(tmp_path)
    failed = {"value": None, "status": "failed", "reason": "it raised"}
    world.write_scores(Result(at, "soft", "none", "s0_L1"), ssim=failed)
    table = table_of(tmp_path)
    cells = table.everything.cells[("soft", "none")]
    assert cells["ssim"].interval is None and cells["psnr"].interval is not None
    assert cells["ssim"].reason == "1 of 16 cases: ssim failed: it raised"
    assert table.groups[2].cells[("soft", "none")]["ssim"].interval is not None  # L5 is whole
    # A column that is not complete counts in nobody's average rank.
    assert {row.label: row.average_rank for row in table.rows if row.average_rank} == {
        "soft": 1.0,
        "sharp": 2.0,
        "identity": 3.0,
    }


def test_a_method_without_all_cases_has_no_mean_and_no_rank(tmp_path: Path) -> None:
    at = world.write_world(tmp_path)
    Result(at, "soft", "none", "s3_L1").record.unlink()
    table = table_of(tmp_path)
    assert [row.label for row in table.incomplete] == ["soft"]
    assert "soft" not in [row.label for row in table.rows]
    text = export_text.to_markdown([table])
    assert "soft: 1 of 16 cases failed or were never run (s3_L1); no mean, not ranked" in text
    rows = list(csv.DictReader(io.StringIO(export_data.to_csv([table]))))
    assert {(row["status"], row["psnr"]) for row in rows if row["method"] == "soft"} == {("incomplete", "")}


def test_a_method_whose_every_case_failed_does_not_vanish(tmp_path: Path) -> None:
    at = world.write_world(tmp_path)
    for case in at.folder.glob("soft/none/*.json"):
        case.unlink()
    table = table_of(tmp_path)
    assert [(row.label, len(row.missing)) for row in table.incomplete] == [("soft", 16)]


def test_stale_rows_stand_below_with_the_command_that_renews_them(
    standard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = dataclasses.replace(registry.get(registry.MethodSpec, "soft"), version=2)
    monkeypatch.setitem(registry._registered, ("method", "soft"), newer)
    table = table_of(standard)
    assert [row.label for row in table.stale] == ["soft"]
    command = f"bokehbench run --benchmark toy:DIR --method soft --out {standard}"
    line = f"made by soft@1, now soft@2 → {command} && bokehbench evaluate {standard}"
    assert f"- soft: {line}" in export_text.to_markdown([table])
    assert table.everything.cells[("sharp", "none")]["psnr"].best


def score_with_unregistered(at: Protocol, methods: tuple[str, ...]) -> None:
    """As `evaluate --register worst.py --metric worst` leaves it for those who have no worst.py."""
    score = {"value": 3.0, "status": "ok", "metric": "worst@1", "fingerprint": "0badc0de"}
    for method in methods:
        for path in at.folder.glob(f"{method}/none/*.scores.json"):
            content = records.read_json(path)
            content["scores"]["worst"] = score
            records.write_json(path, content)


def test_a_metric_that_is_not_registered_leaves_the_rest_of_the_table_alone(tmp_path: Path) -> None:
    at = world.write_world(tmp_path)
    before = table_of(tmp_path)
    score_with_unregistered(at, ("soft", "sharp", "given"))
    table = table_of(tmp_path)
    assert table.rows == before.rows and not table.stale_rows
    assert [column.label for column in table.stale_columns] == ["metric worst"]
    note = "metric worst is not registered here: add --register FILE.py with the file that has it"
    assert {group.cells[row.key]["worst"].reason for group in table.groups for row in table.rows} == {note}
    text = export_text.to_markdown([table])
    assert "| worst |" in text and f"] {note}" in text  # no arrow
    assert "worst  " in export_text.to_terminal([table]) and "worst &" in export_latex.to_latex([table])
    assert export_data.to_json([table])["tables"][0]["metrics"][-1]["higher_is_better"] is None


def test_an_outdated_metric_is_out_of_its_cells_and_of_the_rank(
    standard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = dataclasses.replace(registry.get(registry.MetricSpec, "psnr"), version=2)
    monkeypatch.setitem(registry._registered, ("metric", "psnr"), newer)
    table = table_of(standard)
    assert [row.label for row in table.rows] == [
        "given",
        "soft",
        "sharp",
        "identity",
    ] and not table.stale_rows
    assert [row.average_rank for row in table.rows[1:]] == [1.0, 2.0, 3.0]
    assert table.columns[0].name == "ssim"  # rows are sorted by a column that has numbers
    cells = [table.everything.cells[row.key]["psnr"] for row in table.rows]
    assert all(cell.interval is None and not cell.best for cell in cells)
    assert cells[0].reason.startswith("psnr has fingerprint")
    assert cells[0].reason.endswith(f": bokehbench evaluate {standard} --metric psnr")


def test_one_outdated_score_is_one_cell_without_a_mean(tmp_path: Path) -> None:
    at = world.write_world(tmp_path)
    world.write_scores(Result(at, "soft", "none", "s0_L1"), gmsd={"fingerprint": "0badc0de"})
    table = table_of(tmp_path)
    assert {row.status for row in table.rows} == {"ranked", "oracle"} and len(table.rows) == 4
    gmsd = {key[0]: cell["gmsd"] for key, cell in table.everything.cells.items()}
    assert [method for method, cell in gmsd.items() if cell.interval is None] == ["soft"]
    assert gmsd["soft"].reason.startswith("1 of 16 cases: gmsd has fingerprint 0badc0de, now ")
    assert table.groups[2].cells[("soft", "none")]["gmsd"].interval is not None  # L5 is whole


def test_a_bar_in_a_name_does_not_end_a_markdown_cell(standard: Path) -> None:
    table = table_of(standard)
    rows = tuple(dataclasses.replace(row, label=f"{row.label}|x") for row in table.rows)
    columns = (dataclasses.replace(table.columns[0], unit="a|b"), *table.columns[1:])
    lines = export_text.to_markdown([dataclasses.replace(table, rows=rows, columns=columns)]).splitlines()
    bars = {line.replace(r"\|", "").count("|") for line in lines[4:10]}
    assert r"soft\|x" in lines[7] and r"a\|b" in lines[4] and len(bars) == 1


def test_below_identity_is_listed_with_difference_by_level_and_reason(tmp_path: Path) -> None:
    world.write_world(tmp_path, methods={"identity": 15.0, "sharp": 20.0, "soft": 10.0})
    table = table_of(tmp_path)
    (below,) = table.below_floor
    assert below.row.label == "sharp" and below.reason == "trained on other lenses"
    assert set(below.differences) == {"all", "L1", "L5"} and all(v < 0 for v in below.differences.values())
    text = export_text.to_terminal([table])
    assert "below identity: sharp against identity, psnr: overall −2." in text
    assert "trained on other lenses." in text


def test_noise_of_the_targets_is_printed(tmp_path: Path) -> None:
    world.write_world(tmp_path / "a")
    assert table_of(tmp_path / "a").noise == (50.0, 53.5)
    text = export_text.to_markdown([table_of(tmp_path / "a")])
    assert "estimated: PSNR 50.0 dB at worst, 53.5 dB median; an error that a denoiser makes alike" in text
    assert "Scores near these values, and differences between them, mean little." in text
    world.write_world(tmp_path / "b", noise=False)
    assert "Noise" not in export_text.to_markdown([table_of(tmp_path / "b")])


def test_latex_is_booktabs_with_best_bold_and_second_underlined(standard: Path) -> None:
    table = table_of(standard)
    text = export_latex.to_latex([table])
    soft = table.everything.cells[("soft", "none")]["psnr"].interval
    sharp = table.everything.cells[("sharp", "none")]["psnr"].interval
    assert soft and rf"soft & \textbf{{{soft.mean:.2f}}}" in text
    assert sharp and rf"sharp & \underline{{{sharp.mean:.2f}}}" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1 and r"given$^\dagger$" in text
    assert text.count("{") == text.count("}")
    assert text.isascii()
    assert export_latex.latex_text("a_b&50%{x}") == r"a\_b\&50\%\{x\}"


def test_json_says_what_the_csv_says(standard: Path) -> None:
    table = table_of(standard)
    content = json.loads(json.dumps(export_data.to_json([table]), allow_nan=False))["tables"][0]
    rows = list(csv.DictReader(io.StringIO(export_data.to_csv([table]))))
    for row in rows:
        level = next(level for level in content["levels"] if level["level"] == row["level"])
        assert level["cells"][row["method"]]["psnr"]["mean"] == float(row["psnr"])
    assert [metric["id"] for metric in content["metrics"]] == [
        find(name).id for name in ("psnr", "ssim", "gmsd", "lpips-alex")
    ]


def test_every_number_says_over_how_many_cases_and_scenes_it_is(standard: Path) -> None:
    table = table_of(standard)
    row = next(csv.DictReader(io.StringIO(export_data.to_csv([table]))))
    assert (row["psnr_cases"], row["psnr_scenes"], row["lpips-alex_cases"]) == ("16", "8", "")
    content = export_data.to_json([table])
    assert content["statistics"] == statistics.ID
    cell = content["tables"][0]["levels"][1]["cells"]["soft"]["psnr"]
    assert (cell["cases"], cell["scenes"]) == (8, 8)
    cells = bokehbench.leaderboard.table(standard).set_index(["method", "level", "metric"])
    assert len(cells) == 4 * 3 * 4
    own = cells.loc[("soft", "L1", "psnr")]
    assert (own["cases"], own["scenes"], bool(own["best"])) == (8, 8, True)
    assert own["mean"] == cell["mean"] and own["low"] == cell["low"]
    assert cells.loc[("soft", "all", "lpips-alex"), "cases"] is pd.NA


def test_a_part_of_a_published_set_says_so_in_every_table(
    standard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = registry.BenchmarkSpec("toy", "A set.", "x:y", protocol="gt", published=400)
    monkeypatch.setitem(registry._registered, ("benchmark", "toy"), spec)
    table = table_of(standard)
    said = "part of the set (16 of 400 cases)"
    assert table.part == said
    for export in (export_text.to_markdown, export_text.to_terminal, export_latex.to_latex):
        assert said in export([table])
    (board,) = collect([standard])
    assert said in paper_layouts.bokehme_1(board).title and table_view(table)["size"].endswith(said)
    report = compare(parse_side(f"{standard}::soft"), parse_side(f"{standard}::sharp"), ["psnr"])
    assert f"16 cases, {said}; 0 predictions are the same file." in compare_text.to_markdown(report)
    assert next(csv.DictReader(io.StringIO(export_data.to_csv([table]))))["published"] == "400"
    content = export_data.to_json([table])["tables"][0]
    assert (content["part"], content["published_cases"]) == (said, 400)
    whole = dataclasses.replace(table, published=16)
    assert whole.part == "" and "part of the set" not in export_text.to_markdown([whole])
    assert "more than the set" in dataclasses.replace(table, published=8).part


def test_published_counts_are_those_of_the_sets() -> None:
    """Of real sets the pairs are counted twice: by the class that warns, and by the spec that tables ask."""
    from bokehbench.benchmarks.photoset import PhotoSet

    for name in registry.names(registry.BenchmarkSpec):
        spec = registry.get(registry.BenchmarkSpec, name)
        implementation = spec.load()
        if isinstance(implementation, type) and issubclass(implementation, PhotoSet) and name != "realbokeh":
            assert spec.published == implementation.PAIRS
    assert registry.get(registry.BenchmarkSpec, "realbokeh").published == 1257


def test_the_test_is_called_exact_only_where_all_flips_are_done(tmp_path: Path) -> None:
    for scenes, said in ((8, "(exact sign-flip test by scene, Holm)"), (14, "9999 random flips, Holm)")):
        root = tmp_path / str(scenes)
        world.write_world(root, scenes=scenes, levels=("L1",), methods={"soft": 12.0, "sharp": 20.0})
        assert said in export_text.to_markdown([table_of(root)])


def test_nothing_scored_says_what_to_do(tmp_path: Path) -> None:
    at = world.write_world(tmp_path, scenes=1)
    for path in at.folder.rglob("*.scores.json"):
        path.unlink()
    with pytest.raises(InputError, match="bokehbench evaluate"):
        table_of(tmp_path)


def test_a_metric_that_one_method_lacks_names_the_command(tmp_path: Path) -> None:
    at = world.write_world(tmp_path, scenes=1)
    for path in at.folder.glob("soft/none/*.scores.json"):
        content = records.read_json(path)
        del content["scores"]["gmsd"]
        records.write_json(path, content)
    table = table_of(tmp_path)
    reason = table.everything.cells[("soft", "none")]["gmsd"].reason
    assert reason == "gmsd is not scored: bokehbench evaluate RESULTS --metric gmsd"


def test_the_command_prints_the_tables_and_strict_refuses_stale_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = world.write_world(tmp_path / "results", scenes=1)
    arguments = ["leaderboard", str(tmp_path / "results"), "--out", str(tmp_path / "out"), "--strict"]
    with pytest.raises(SystemExit) as done:
        cli.main(arguments)
    assert done.value.code == 0
    assert "toy (gt@1): 2 cases of 1 scene" in capsys.readouterr().out
    score_with_unregistered(at, ("soft",))
    with pytest.raises(SystemExit) as done:
        cli.main(arguments)
    assert done.value.code == 2 and capsys.readouterr().err.endswith("(--strict): toy/metric worst\n")
    Result(at, "soft", "none", "s0_L1").scores.unlink()
    Result(at, "soft", "none", "s0_L1").record.unlink()
    world.write_scores(Result(at, "soft", "none", "s0_L5"))
    with pytest.raises(SystemExit) as done:
        cli.main(arguments)
    captured = capsys.readouterr()
    assert done.value.code == 2
    assert captured.err.endswith("error: stale or incomplete rows, or lost cases (--strict): toy/soft\n")
    assert "stale: toy (gt@1) soft: 1 of 2 cases failed or were never run (s0_L1)" in captured.err
    assert "The bokehbench run that made the others tries them again." in captured.err
    assert (tmp_path / "out" / "index.html").exists()  # the tables that say so are written


def test_what_was_not_rendered_as_asked_for_is_said_with_the_number_of_cases(tmp_path):
    at = world.write_world(tmp_path, scenes=2, methods={"identity": 60.0, "soft": 12.0})
    path = Result(at, "soft", "none", "s1_L5").record
    note = "blur of more than 32 px of radius is cut off"
    records.write_json(
        path, {**records.read_json(path), "rendered": {"largest_radius_px": 40.0, "note": note}}
    )
    (table,) = (build(board) for board in collect([tmp_path]))
    said = f"Not rendered as asked for: soft: {note} (1 of 4 cases)."
    assert said in export_text.to_markdown([table]) and said in table_view(table)["sentences"]
