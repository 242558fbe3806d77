"""Claims about papers' numbers: as printed, with their source, beside ours, never ranked, never as ours."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import board_world as world
import pytest

from bokehbench import cli
from bokehbench.commands.leaderboard import leaderboard as command
from bokehbench.errors import ConfigError
from bokehbench.leaderboard import export_data, export_latex, export_text, reported
from bokehbench.leaderboard.all_pairs import all_pairs
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import Collected, collect
from bokehbench.leaderboard.tables import Table

METHODS = {"soft": 12.0, "sharp": 20.0, "identity": 60.0}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reported")
    world.write_world(root, scenes=6, benchmark="blb", methods=METHODS)
    for path in root.rglob("gt@1"):
        path.rename(path.with_name("gt-disparity@1"))
    return root


@pytest.fixture
def board(root: Path, monkeypatch: pytest.MonkeyPatch) -> Collected:
    world.register_world(monkeypatch)
    (found,) = collect([root])
    return found


@pytest.fixture
def table(board: Collected) -> Table:
    table = build(board)
    # As if soft were BokehMe's classical renderer.
    rows = tuple(
        dataclasses.replace(row, key=("scatter", "none")) if row.label == "soft" else row
        for row in table.rows
    )
    groups = tuple(
        dataclasses.replace(
            group,
            cells={**group.cells, ("scatter", "none"): group.cells[("soft", "none")]},
            seconds={**group.seconds, ("scatter", "none"): 0.5},
        )
        for group in table.groups
    )
    return dataclasses.replace(table, rows=rows, groups=groups)


def test_the_file_has_the_numbers_of_the_papers() -> None:
    known = [value for value in reported.values() if value.evidence != "conflicting"]
    found = {(v.paper, v.table, v.level, v.method, v.metric): v for v in known}
    assert len(found) == len(known) == 346 and len(reported.values()) == 348
    assert found[("bokehme", "Table 1", "L1", "BokehMe", "PSNR")].value == "43.30"
    assert found[("bokehme", "Table 1", "L5", "BokehMe-CR", "SSIM")].value == "0.9862"
    assert found[("bokehdiff", "main table", "all", "BokehDiff", "LPIPS")].evidence == "note"
    assert found[("magicbokeh", "Table 1", "all", "S3Diff+BokehMe", "PSNR")].ours == "s3diff+bokehme"
    assert reported.FILE.stat().st_size < 60_000
    assert all(value.paper in reported.PAPERS and float(value.value) >= 0 for value in reported.values())


def test_reported_rows_stand_beside_ours_and_change_no_rank(table: Table) -> None:
    shown = reported.with_reported(table, ["bokehme"])
    assert shown.rows == table.rows and shown.groups == table.groups
    (one,) = shown.printed("L5", next(row for row in shown.rows if row.key[0] == "scatter"))
    assert (one.values, one.seconds) == ({"psnr": "36.86", "ssim": "0.9862"}, "0.52")
    lines = export_text.to_markdown([shown]).splitlines()
    label = "BokehMe-CR, reported (BokehMe, CVPR 2022, Table 1)"
    index = next(i for i, line in enumerate(lines) if label in line)
    assert lines[index - 1].startswith("| soft") and "**" not in lines[index]
    assert any(line.startswith("Reported, not measured here: BokehMe, CVPR 2022, Table 1;") for line in lines)
    assert "1920 x 1080" in " ".join(lines)


def test_every_export_marks_what_is_reported(table: Table) -> None:
    shown = reported.with_reported(table, ["bokehme"])
    rows = [
        row for row in csv.DictReader(io.StringIO(export_data.to_csv([shown]))) if row["status"] == "reported"
    ]
    assert {row["psnr"] for row in rows if row["method"] == "bokehme"} == {"43.30", "38.80"}
    assert all(row["source"] and row["note"] and not row["psnr_p"] for row in rows)
    levels = export_data.to_json([shown])["tables"][0]["levels"]
    assert {one["label"] for level in levels for one in level["reported"]} >= {"BokehMe", "VDSLR"}
    text = export_latex.to_latex([shown])
    assert r"\textit{BokehMe}$^{a}$" in text and r"\textit{VDSLR}$^{a}$" in text
    assert r"$^{a}$ Reported, not measured here: BokehMe, CVPR 2022, Table 1; " in text
    assert text.count("CVPR 2022, Table 1") == 1  # a source is named once, below the table
    assert ",reported," not in export_data.to_csv([table])


def test_a_metric_whose_form_is_not_known_fills_no_column(table: Table) -> None:
    shown = reported.with_reported(table, ["bokehdiff"])
    (one,) = [one for one in shown.reported if one.label == "BokehDiff"]
    assert one.values == {} and one.other == {"LPIPS": "0.0888"} and "third party" in one.note
    rows = [row for row in csv.DictReader(io.StringIO(export_data.to_csv([shown]))) if row["source"]]
    assert any(row["reported_other"] == "LPIPS 0.0888" for row in rows)
    assert all(row["psnr"] or row["ssim"] or row["reported_other"] for row in rows)
    assert "LPIPS 0.0888 (BokehDiff, L5)" in export_latex.to_latex([shown])


def test_other_scenes_other_maps_and_conflicting_notes_are_told_apart(table: Table) -> None:
    other = dataclasses.replace(table, benchmark="blb-lite")
    assert "blb-lite has other scenes" in reported.with_reported(other, ["bokehme"]).reported[0].note
    worse = dataclasses.replace(table, protocol="gt-disparity@1+dilate-3")
    assert reported.with_reported(worse, ["bokehme"]).reported == ()
    shown = {value.evidence for value in reported.values()}
    assert "conflicting" in shown and "conflicting" not in reported.EVIDENCE


def test_an_unknown_paper_is_refused() -> None:
    assert reported.choose("all") == tuple(reported.PAPERS)
    with pytest.raises(ConfigError, match="give bokehme, bokehdiff, magicbokeh, or all"):
        reported.choose("nobody")


def test_latex_without_intervals(table: Table) -> None:
    assert r"$\pm$" in export_latex.to_latex([table]).split(r"\caption")[0]
    assert r"\pm" not in export_latex.to_latex([table], intervals=False).split(r"\caption")[0]


def test_all_pairs_are_corrected_over_all_of_them(board: Collected) -> None:
    frame = all_pairs(board, build(board))
    psnr = frame[(frame.metric == "psnr") & (frame.level == "all")]
    assert len(psnr) == 3 and set(psnr.p) == {2 / 2**6} and psnr.p_holm.tolist() == [3 * 2 / 2**6] * 3
    assert set(frame.metric) == {"psnr", "ssim", "gmsd"} and set(frame.level) == {"all", "L1", "L5"}
    row = psnr[(psnr.a == "soft") & (psnr.b == "sharp")].iloc[0]
    assert row.difference > 0 and row.low < row.difference < row.high and row.scenes_won == 1.0


def test_the_command_shows_them(
    root: Path, board: Collected, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--reported", "bokehme", "--layout", "bokehme-1", "--all-pairs"]
    with pytest.raises(SystemExit) as done:
        cli.main(["leaderboard", str(root), "--out", str(tmp_path), *options])
    said = capsys.readouterr().out
    assert done.value.code == 0 and "L5: BokehMe, reported" in said and "after Table 1 of BokehMe" in said
    written = {path.name for path in tmp_path.iterdir()}
    assert {"bokehme-1.md", "bokehme-1.tex", "bokehme-1.json", "all_pairs.csv"} <= written
    tables, _, papers = (tmp_path / "index.html").read_text().partition('id="papers"')
    rows = [row for row in tables.split("<tr") if "43.30" in row]
    assert rows and all('class="reported' in row and "BokehMe, CVPR 2022" in row for row in rows)
    rows = [row for row in papers.split("<tr") if "43.30" in row]
    assert rows and all('class="reported' in row for row in rows)


@pytest.mark.parametrize(
    ("words", "paper", "folders"),
    [
        (["--reported", "{0}", "{1}"], "all", 2),
        (["{0}", "--reported"], "all", 1),
        (["{0}", "--reported", "bokehme", "{1}"], "bokehme", 2),
        (["--reported=bokehdiff", "{0}"], "bokehdiff", 1),
        (["{0}", "--reported", "--strict"], "all", 1),
        (["{0}", "--reported", "bokhme"], "bokhme", 1),  # refused later, as an unknown paper
    ],
)
def test_the_option_takes_no_folder_of_results_for_a_paper(
    tmp_path: Path, words: list[str], paper: str, folders: int
) -> None:
    places = [str(tmp_path / "a"), str(tmp_path / "b")]
    for place in places:
        Path(place).mkdir()
    context = command.make_context("x", [*(word.format(*places) for word in words), "--out", "o"])
    assert (context.params["paper"], len(context.params["results"])) == (paper, folders)
