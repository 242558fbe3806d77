"""Claims about cases whose target or record is gone or damaged: the rest is shown, not taken for all."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import board_world as world
import pytest

from bokehbench import cli, records
from bokehbench.errors import InputError
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.export_latex import to_latex
from bokehbench.leaderboard.export_text import to_markdown
from bokehbench.leaderboard.leaderboard import write
from bokehbench.leaderboard.lost import DAMAGED, MISSING, RECORD, TARGET, Why
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.leaderboard.sentences import lost_sentence
from bokehbench.leaderboard.set_scores import evaluate_sets
from bokehbench.leaderboard.tables import Table
from bokehbench.leaderboard.verify import verify

SAID = "§ 1 case counts for no row: its target picture is missing (s1_L5). The bokehbench run that made"


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


@pytest.fixture
def at(tmp_path: Path) -> Protocol:
    """Two scenes at two levels; `sharp` never saw the case whose target is lost."""
    at = world.write_world(tmp_path / "results", scenes=2, methods={"soft": 12.0, "sharp": 20.0})
    for path in at.folder.glob("sharp/none/s1_L5.*"):
        path.unlink()
    at.case_image("s1_L5", "target").unlink()
    return at


def table_of(*roots: Path) -> Table:
    (board,) = collect(roots)
    return build(board)


def test_the_rest_is_shown_and_says_what_it_lacks(at: Protocol, tmp_path: Path) -> None:
    summary = write([at.root], tmp_path / "out")
    (table,) = summary.tables
    assert table.lost == {"s1_L5": Why(TARGET, MISSING)} and summary.lost == ("toy/s1_L5",)
    # A case that counts for nobody is missed by nobody, and says so of those that had it.
    assert {row.label: (row.status, tuple(row.left_out)) for row in table.rows} == {
        "soft": ("ranked", ("s1_L5",)),
        "sharp": ("ranked", ()),
    }
    html = summary.page.read_text()
    markdown = (tmp_path / "out/leaderboard.md").read_text()
    for text in (html, markdown.replace("\\", ""), summary.terminal()):
        assert SAID in text
    assert "\n| soft§ |" in markdown and "\n| sharp |" in markdown and "\nsoft§ " in summary.terminal()
    assert ">without 1 case</" in html and 'data-case="s1_L5"' not in html
    assert r"soft\textsuperscript{\S} &" in to_latex([table])
    rows = list(csv.DictReader((tmp_path / "out/leaderboard.csv").open()))
    assert {(r["method"], r["cases"], r["left_out"]) for r in rows if r["level"] == "all"} == {
        ("soft", "3", "1"),
        ("sharp", "3", ""),
    }
    stored = records.read_json(tmp_path / "out/leaderboard.json")["tables"][0]
    assert stored["lost"] == ["s1_L5"] and [row["left_out"] for row in stored["rows"]] == [["s1_L5"], []]
    assert "s1_L5" not in (tmp_path / "out/results.csv").read_text()


def test_the_numbers_are_those_without_the_case(at: Protocol, tmp_path: Path) -> None:
    shutil.copytree(at.root, tmp_path / "without")
    without = Protocol(tmp_path / "without", at.benchmark, at.protocol)
    without.case_record("s1_L5").unlink()
    for path in without.folder.glob("*/none/s1_L5.*"):
        path.unlink()
    left, whole = table_of(at.root), table_of(without.root)
    assert left.groups == whole.groups and not whole.lost


def test_another_folder_may_have_it(at: Protocol, tmp_path: Path) -> None:
    """In either order nothing is lost, and what was scored where the picture is gone still counts."""
    other = world.write_world(tmp_path / "other", scenes=2, methods={"sharp": 20.0})
    shutil.rmtree(at.folder / "sharp")
    for order in ((at.root, other.root), (other.root, at.root)):
        table = table_of(*order)
        assert not table.lost and not table.stale and not table.incomplete
        assert not any(row.left_out for row in table.rows) and len(table.everything.cases) == 4
    record = records.read_json(other.case_record("s1_L5"))
    records.write_json(other.case_record("s1_L5"), {**record, "data": "other"})
    for order in ((at.root, other.root), (other.root, at.root)):
        with pytest.raises(InputError, match="s1_L5 differs between"):
            collect(order)


def test_without_any_target_there_is_one_line(at: Protocol, tmp_path: Path) -> None:
    for path in at.folder.glob("_cases/*_target.png"):
        path.unlink()
    with pytest.raises(InputError, match=r"toy \(gt@1\): no table. § 4 cases count for no row: .*s1_L1, …"):
        write([at.root], tmp_path / "out")
    world.write_world(at.root, scenes=1, methods={"soft": 9.0}, benchmark="toy2")
    assert [table.benchmark for table in write([at.root], tmp_path / "out").tables] == ["toy2"]


def test_strict_and_verify_name_it(at: Protocol, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["leaderboard", str(at.root), "--out", str(tmp_path / "out")]
    for more, code in (([], 0), (["--strict"], 2)):
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, *more])
        assert ended.value.code == code
    said = capsys.readouterr().err
    assert said.startswith(f"stale: toy (gt@1) {SAID}") and said.endswith("(--strict): toy/s1_L5\n")
    (line,) = verify(at.root, sample=0).problems
    assert line == f"{at.case_image('s1_L5', 'target')}: is missing"


def _cut(at: Protocol) -> None:
    path = at.case_image("s1_L5", "target")
    path.write_bytes(path.read_bytes()[:200])


DAMAGE: dict[str, tuple[Callable[[Protocol], object], Why]] = {
    "cut target": (_cut, Why(TARGET, DAMAGED)),
    "cut record": (lambda at: at.case_record("s1_L5").write_text('{"scene": '), Why(RECORD, DAMAGED)),
    "record of another form": (lambda at: at.case_record("s1_L5").write_text("[3]"), Why(RECORD, DAMAGED)),
    "no record": (lambda at: at.case_record("s1_L5").unlink(), Why(RECORD, MISSING)),
}


@pytest.fixture(params=sorted(DAMAGE))
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Protocol, Why]:
    """A folder one of whose two cases is damaged, and how."""
    at = world.write_world(tmp_path / "results", scenes=2, levels=("L5",), methods={"soft": 12.0})
    damage, why = DAMAGE[request.param]
    damage(at)
    return at, why


def test_damage_costs_the_case_and_is_named(damaged: tuple[Protocol, Why], tmp_path: Path) -> None:
    at, why = damaged
    table = table_of(at.root)
    (row,) = table.rows
    assert table.lost == row.left_out == {"s1_L5": why} and table.everything.cases == ("s0_L5",)
    assert f"§ 1 case counts for no row: its {why.what} is {why.state} (s1_L5)" in to_markdown([table])
    other = world.write_world(tmp_path / "other", scenes=2, levels=("L5",), methods={"soft": 12.0})
    for order in ((at.root, other.root), (other.root, at.root)):
        both = table_of(*order)
        assert not both.lost and not both.stale and len(both.everything.cases) == 2


def test_damage_stops_no_scoring_of_other_cases(damaged: tuple[Protocol, Why]) -> None:
    at, _ = damaged
    summary = evaluate(at.root, ["psnr"], only_missing=False)
    assert summary.computed == 1 and len(summary.failed) == 1
    assert "s1_L5" in summary.failed[0] and "bokehbench run writes it" in summary.failed[0]
    over_sets = evaluate_sets(at.root, ["psnr-pooled"])
    assert over_sets.computed == 0 and "s1_L5" in over_sets.failed[0]


def test_cases_lost_for_several_reasons_are_one_sentence() -> None:
    lost = {f"c{n}": Why(TARGET, MISSING) for n in range(5)} | {"d": Why(RECORD, DAMAGED)}
    assert lost_sentence(lost).startswith(
        "§ 6 cases count for no row: their target pictures are missing (c0, c1, c2, …), "
        "their record is damaged (d). The bokehbench run"
    )


def test_a_damaged_record_of_a_result_makes_its_row_incomplete(tmp_path: Path) -> None:
    methods = {"soft": 12.0, "sharp": 9.0}
    at = world.write_world(tmp_path / "results", scenes=2, levels=("L5",), methods=methods)
    Result(at, "soft", "none", "s1_L5").record.write_text("{")
    table = table_of(at.root)
    assert [row.label for row in table.rows] == ["sharp"]
    said = "soft: 1 of 2 cases failed, were never run or have a damaged record (s1_L5)"
    assert said in to_markdown([table])
    (line,) = evaluate(at.root, ["psnr"]).failed
    assert line == "toy/gt@1/soft/none/s1_L5: its record is damaged; bokehbench run makes it again"
