"""Claims about what every print of a table says: levels of few scenes, how times were taken, LaTeX."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import board_world as world
import pytest

from bokehbench import records
from bokehbench.leaderboard import export_data, export_latex, export_text, layout_export, paper_layouts
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.measure import PROFILE
from bokehbench.leaderboard.page_tables import table_view
from bokehbench.leaderboard.results import Protocol
from bokehbench.leaderboard.sentences import statistics_sentence
from bokehbench.leaderboard.tables import Table

LEVELS = ("small", "medium", "large")
COUNTS = {"small": 3, "medium": 7, "large": 5}
METHODS = {"identity": 60.0, "soft": 12.0, "sharp": 20.0}


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven scenes, of which the levels have three, seven and five; soft was profiled."""
    root = tmp_path_factory.mktemp("uneven")
    at = world.write_world(root, scenes=7, levels=LEVELS, methods=METHODS, size=(24, 16))
    for level, kept in COUNTS.items():
        for scene in range(kept, 7):
            for path in at.folder.rglob(f"s{scene}_{level}[._]*"):
                path.unlink()
    profile_method(at, "soft")
    return root


def profile_method(at: Protocol, method: str) -> None:
    for path in (at.folder / method).rglob("*.timing.json"):
        profile = {"schema": PROFILE, "repeats": 5, "seconds": [0.2] * 5, "size": [24, 16]}
        records.write_json(path, {**records.read_json(path), "profile": profile})


def table_of(root: Path) -> Table:
    (board,) = collect([root])
    return build(board)


def every_text(table: Table) -> dict[str, str]:
    return {
        "markdown": export_text.to_markdown([table]),
        "terminal": export_text.to_terminal([table]),
        "latex": export_latex.to_latex([table]),
        "page": " ".join(table_view(table)["sentences"]),
    }


def test_levels_of_few_scenes_say_that_they_were_not_tested(uneven: Path) -> None:
    table = table_of(uneven)
    assert table.tested and {g.level: g.n_scenes for g in table.groups} == {"all": 7, **COUNTS}
    said = (
        "Fewer than 6 scenes, so no intervals and not tested, bold is the best printed mean, nothing more: "
        "levels small, large (3 and 5 scenes)."
    )
    for name, text in every_text(table).items():
        assert said in text, name
    bold = table.groups[1].cells[("soft", "none")]["psnr"]
    assert bold.best and bold.interval is not None and bold.interval.low is None


def test_nothing_is_said_where_all_levels_have_scenes_enough(tmp_path: Path) -> None:
    world.write_world(tmp_path, scenes=6, methods=METHODS, size=(24, 16))
    assert not any("Fewer than 6" in text for text in every_text(table_of(tmp_path)).values())


def test_a_column_of_few_scenes_says_so_too(uneven: Path) -> None:
    """As where a region is too small in all other scenes."""
    table = table_of(uneven)
    cells = {key: dict(row) for key, row in table.everything.cells.items()}
    for row in cells.values():
        interval = row["gmsd"].interval
        assert interval is not None
        row["gmsd"] = dataclasses.replace(row["gmsd"], interval=dataclasses.replace(interval, scenes=4))
    few = dataclasses.replace(table.everything, cells=cells)
    said = statistics_sentence(dataclasses.replace(table, groups=(few,)))
    assert said.endswith("nothing more: gmsd (4 scenes).")


def test_times_that_were_measured_with_care_are_told_from_others(uneven: Path) -> None:
    table = table_of(uneven)
    for name, text in every_text(table).items():
        mark = r"\textsuperscript{\P}" if name == "latex" else "¶"
        assert f"{mark} seconds by run --profile: the median of several" in text, name
        assert "Seconds without it are of one rendering" in text, name
        lines = {line.lstrip("| ").partition(" ")[0]: line for line in text.splitlines()[::-1]}
        if name != "page":
            assert mark in lines["soft"] and mark not in lines["sharp"]
    rows = {row["label"]: row["seconds_text"] for row in table_view(table)["rows"]}
    assert rows["soft"].endswith("¶") and not rows["sharp"].endswith("¶")
    found = csv.DictReader(io.StringIO(export_data.to_csv([table])))
    timing = {row["method"]: row["timing"] for row in found if row["level"] == "all"}
    assert timing == {"soft": "profiled", "sharp": "as run", "identity": "as run"}
    (board,) = collect([uneven])
    laid_out = layout_export.to_markdown(paper_layouts.bokehme_1(board))
    assert "¶ |" in next(line for line in laid_out.splitlines() if line.startswith("| soft"))
    assert "¶ seconds by run --profile" in laid_out


def test_latex_has_ranks_and_says_why_a_number_is_not_there(uneven: Path) -> None:
    table = table_of(uneven)
    text = export_latex.to_latex([table])
    body, below = text.split(r"\end{tabular}")
    assert r"& rank & s/image \\" in body
    soft = next(line for line in body.splitlines() if line.startswith("soft"))
    assert soft.split(" & ")[-2] == "1.00" and "n/a$^{1}$" in soft
    assert f"$^{{1}}$ {export_latex.latex_text(table.footnotes[0])}" in below.split(r"\caption")[0]
    assert all(line.count("&") == 6 for line in body.splitlines() if "&" in line)
    plain = export_latex.to_latex([table], intervals=False)
    assert r"\pm" not in plain and "is half of" not in plain
