"""Claims about tables in documents: written once, found stale with the results and without them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import board_world as world
import pytest

import bokehbench
from bokehbench import cli, registry
from bokehbench.errors import InputError
from bokehbench.leaderboard import document, statistics
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.tables import Table

README = Path(bokehbench.__file__).parent.parent / "README.md"


@pytest.mark.skipif(not README.is_file(), reason="not a checkout")
def test_the_readmes_tables_are_of_todays_methods_and_metrics() -> None:
    assert document.stale(README) == []
    assert [part.mark.benchmark for part in document.parts(README)] == ["blb-mini", "layered"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six scenes, one level; for tests that only read it."""
    root = tmp_path_factory.mktemp("world")
    world.write_world(root, scenes=6, levels=("L1",))
    return root


@pytest.fixture
def table(results: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    world.register_world(monkeypatch)
    (board,) = collect([results])
    return build(board)


@pytest.fixture
def written(tmp_path: Path, table: Table) -> Path:
    path = tmp_path / "page.md"
    path.write_text(
        "# Mine\n\n<!-- bokehbench toy/gt@1 00000000:  |  -->\n<!-- /bokehbench -->\n\nThe end.\n"
    )
    assert document.update(path, [table]) == 1
    return path


def test_what_was_written_is_not_stale(written: Path, table: Table) -> None:
    assert document.stale(written) == [] and document.differs(written, [table]) == []
    assert document.update(written, [table]) == 0
    text = written.read_text()
    assert text.startswith("# Mine\n") and text.endswith("\n\nThe end.\n") and "| **" in text
    assert "soft@1" in text and "psnr@1:" in text and "lpips" not in document.parts(written)[0].mark.metrics
    assert document.parts(written)[0].mark.statistics == statistics.ID


def test_a_number_edited_by_hand_is_found_without_the_results(written: Path) -> None:
    shown = document.parts(written)[0].text.split("**")[1]
    written.write_text(written.read_text().replace(f"**{shown}**", f"**{float(shown) + 0.1:.2f}**", 1))
    (line,) = document.stale(written)
    assert "its lines are not those that were written" in line


def test_other_seconds_are_no_difference(written: Path, table: Table) -> None:
    slower = tuple(dataclasses.replace(row, seconds=99.0) for row in table.rows)
    assert document.differs(written, [dataclasses.replace(table, rows=slower)]) == []


@pytest.mark.parametrize(("kind", "name"), [("metric", "gmsd"), ("method", "soft")])
def test_a_new_version_makes_it_stale(
    written: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    spec = registry._registered[(kind, name)]
    monkeypatch.setitem(registry._registered, (kind, name), dataclasses.replace(spec, version=2))
    (line,) = document.stale(written)
    assert f"has {name}@1" in line and f"now {name}@2" in line


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("soft@1", "soft@0", "has soft@0, now soft@1"),
        (" gmsd@1:", " gmsd@1:0", "has gmsd@1:0"),
        (statistics.ID, "statistics@1", f"has intervals of statistics@1, now {statistics.ID}"),
        (f" | {statistics.ID}", "", "has intervals of an older form"),
    ],
)
def test_a_stale_mark_over_the_same_lines_is_found_and_written_again(
    written: Path, table: Table, old: str, new: str, why: str
) -> None:
    fresh = written.read_text()
    written.write_text(fresh.replace(old, new, 1))
    assert why in document.stale(written)[0] and document.differs(written, [table])
    assert document.update(written, [table]) == 1 and written.read_text() == fresh
    assert document.stale(written) == [] and document.differs(written, [table]) == []


def test_a_mark_that_names_fewer_methods_is_not_that_of_the_results(written: Path, table: Table) -> None:
    written.write_text(written.read_text().replace("soft@1 ", "", 1))
    assert document.stale(written) == []  # nothing in it is old
    assert "its mark is not that of the results" in document.differs(written, [table])[0]
    assert document.update(written, [table]) == 1 and document.differs(written, [table]) == []


def test_columns_by_region_have_a_mark_of_their_own(tmp_path: Path, table: Table) -> None:
    band = dataclasses.replace(table.columns[1], name="psnr+band")
    cells = {key: {**own, "psnr+band": own["ssim"]} for key, own in table.everything.cells.items()}
    both = dataclasses.replace(
        table,
        columns=(*table.columns, band),
        groups=(dataclasses.replace(table.everything, cells=cells),),
    )
    path = tmp_path / "page.md"
    marks = [f"<!-- bokehbench toy/gt@1{which} 00000000:  |  -->\n" for which in ("", "#regions")]
    path.write_text("\n\n".join(f"{mark}<!-- /bokehbench -->" for mark in marks) + "\n")
    assert document.update(path, [both]) == 2 and document.differs(path, [both]) == []
    whole, regions = document.parts(path)
    assert "band" not in whole.text and "psnr ↑" in whole.text and "s/image" in whole.text
    assert "band" in regions.text and "psnr ↑" not in regions.text and "s/image" not in regions.text
    (line,) = document.differs(path, [table])
    assert "toy (gt@1) by region: is not in these results" in line


def test_a_table_over_a_part_of_the_set_says_so_in_the_document(written: Path, table: Table) -> None:
    part = dataclasses.replace(table, published=400)
    assert document.differs(written, [part])
    document.update(written, [part])
    assert "\nPart of the set (6 of 400 cases).\n<!-- /bokehbench -->" in written.read_text()
    assert document.differs(written, [part]) == [] and document.stale(written) == []


def test_other_results_make_it_stale(written: Path, table: Table) -> None:
    fewer = dataclasses.replace(table, rows=table.rows[:-1])
    assert "is not what the results give" in document.differs(written, [fewer])[0]
    assert "is not in these results" in document.differs(written, [])[0]


def test_a_document_without_a_place_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("nothing\n")
    with pytest.raises(InputError, match="no table in it; put the lines"):
        document.parts(tmp_path / "a.md")
    with pytest.raises(InputError, match="cannot be read"):
        document.parts(tmp_path / "b.md")


def test_the_command_checks_and_updates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.register_world(monkeypatch)
    world.write_world(tmp_path / "results", scenes=1, levels=("L1",), methods={"soft": 12.0})
    path = tmp_path / "a.md"
    path.write_text("<!-- bokehbench toy/gt@1 00000000:  |  -->\n<!-- /bokehbench -->\n")
    command = ["leaderboard", str(tmp_path / "results"), "--out", str(tmp_path / "out")]
    for option, code in (("--check", 2), ("--update", 0), ("--check", 0)):
        with pytest.raises(SystemExit) as done:
            cli.main([*command, option, str(path)])
        assert done.value.code == code
    assert "--update FILE writes them again" in capsys.readouterr().err
