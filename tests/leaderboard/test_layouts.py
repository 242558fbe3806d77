"""Claims about papers' layouts: ours beside theirs, what the figures say, what is missing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import board_world as world
import pytest
from viewer_world import METHODS

from bokehbench import weights
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard import layout_export, layout_words, layouts, page_papers, paper_layouts
from bokehbench.leaderboard.collect import Collected, collect
from bokehbench.leaderboard.layout_parts import part
from bokehbench.leaderboard.layout_types import BEST, FAILS, HOLDS, PRINTED, UNKNOWN, Layout, Line
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol
from bokehbench.leaderboard.staleness import Stale

AS = {"soft": "scatter", "sharp": "sterefo", "identity": "rvr"}
"""The papers' names for the methods of the world, best first: the order of BokehMe's Table 1."""


def renamed(board: Collected, names: dict[str, str] = AS) -> Collected:
    """As if the methods of the world were others."""
    runs = {(names.get(method, method), weights): run for (method, weights), run in board.runs.items()}
    return dataclasses.replace(board, runs=runs)


@pytest.fixture
def board(layout_results: Path, monkeypatch: pytest.MonkeyPatch) -> Collected:
    world.register_world(monkeypatch)
    (found,) = collect([layout_results])
    return found


def one(name: str, *boards: Collected) -> Layout:
    (layout,) = layouts.lay_out(name, boards)
    return layout


def lines(layout: Layout) -> dict[str, Line]:
    return {layout_export.row_label(line): line for line in layout.grids[0].rows}


def without(board: Collected, method: str, level: str = "") -> Collected:
    """The board without a method's results at a level, or at all."""
    runs = {
        key: {
            seed: {case: e for case, e in run.items() if key[0] != method or not case.endswith(level)}
            for seed, run in runs.items()
        }
        for key, runs in board.runs.items()
    }
    return dataclasses.replace(board, runs=runs)


def test_ours_stand_beside_theirs_in_the_papers_order(board: Collected) -> None:
    layout = one("bokehme-1", renamed(board))
    assert [name for name, _ in layout.grids[0].groups] == ["L1", "L5"]
    assert layout.grids[0].groups[0][1] == ("PSNR", "SSIM", "Time (s)")
    labels = list(lines(layout))
    assert labels.index("sterefo") + 1 == labels.index("SteReFo, reported") < labels.index("scatter")
    texts = [cell.text for cell in lines(layout)["BokehMe, reported"].cells]
    assert texts == ["43.30", "0.9932", "0.16", "38.80", "0.9898", "0.68"]
    best = lines(layout)["scatter"].cells[0]
    assert best.mark == BEST and best.half and best.value == pytest.approx(float(best.text), abs=5e-3)
    assert not any(cell.mark for line in layout.grids[0].rows if line.kind == PRINTED for cell in line.cells)


def test_every_format_has_the_table_and_what_is_said_of_it(board: Collected) -> None:
    layout = one("bokehme-1", renamed(board))
    markdown, latex, text = (
        make(layout) for make in (layout_export.to_markdown, layout_export.to_latex, layout_export.to_text)
    )
    assert "| BokehMe, reported | 43.30 | 0.9932 | 0.16 |" in markdown
    assert r"\multicolumn{3}{c}{L1}" in latex and latex.count("{") == latex.count("}") and latex.isascii()
    for said in (*layout.findings[:2], layout.trends[0].claim, layout.missing[0].what):
        assert said.split(":")[0] in markdown and said in text
    content = json.loads(json.dumps(layout.to_json()))
    assert content["grids"][0]["rows"][0]["cells"][0]["text"]


def test_names_of_people_are_no_markup(board: Collected) -> None:
    layout = one("bokehme-1", renamed(board, {"soft": "<b>|_x_"}))
    assert "\\<b>\\|" in layout_export.to_markdown(layout)
    assert r"\textless{}b\textgreater{}\textbar{}\_x\_" in layout_export.to_latex(layout)


def test_methods_in_the_papers_order_agree_and_its_trend_holds(board: Collected) -> None:
    layout = one("bokehme-1", renamed(board))
    order = [text for text in layout.findings if "Kendall" in text]
    assert len(order) == 4 and all("tau +1.00 over 3 shared methods; all 3 pairs" in text for text in order)
    verdicts = {trend.claim.split()[0]: trend for trend in layout.trends}
    assert verdicts["Scattering"].verdict == HOLDS and "+4.74 dB" in verdicts["Scattering"].theirs
    assert verdicts["RVR-dagger"].verdict == UNKNOWN and "rvr-dagger" in verdicts["RVR-dagger"].figures


def test_an_order_turned_round_is_said_pair_by_pair(board: Collected) -> None:
    turned = {"soft": "rvr", "sharp": "sterefo", "identity": "scatter"}
    layout = one("bokehme-1", renamed(board, turned))
    (said,) = [text for text in layout.findings if text.startswith("L5, PSNR")]
    assert "tau \N{MINUS SIGN}1.00" in said and "3 of 3 pairs stand the other way round" in said
    assert "scatter against rvr (theirs +12.92, here \N{MINUS SIGN}" in said and "±" in said
    assert next(t for t in layout.trends if t.claim.startswith("Scattering")).verdict == FAILS


def test_gains_are_differences_of_the_very_means(board: Collected) -> None:
    layout = one("bokehme-1", renamed(board))
    gains = layout.grids[1]
    assert "gain over scatter" in gains.title
    cells = next(line for line in gains.rows if line.label == "sterefo").cells
    ours = {name: lines(layout)[name].cells[0].value for name in ("scatter", "sterefo")}
    assert cells[0].value == pytest.approx(ours["sterefo"] - ours["scatter"])
    assert cells[1].value == pytest.approx(37.21 - 41.32)


def test_smaller_frames_of_other_scenes_compare_in_trend_only(board: Collected) -> None:
    said = one("bokehme-1", board).findings[0]
    assert said.startswith("Trend only: frames of 24 x 16") and "other pictures than blb" in said
    assert "80 times smaller" in said
    whole = {key: dict(case.record) | {"size": [1920, 1080]} for key, case in board.cases.items()}
    cases = {key: dataclasses.replace(case, record=whole[key]) for key, case in board.cases.items()}
    same = dataclasses.replace(board, benchmark="blb", cases=cases)
    few = one("bokehme-1", same).findings[0]
    assert few.startswith("Trend only: 6 of the paper's 100 cases in a group.") and "smaller" not in few
    of_few = dataclasses.replace(paper_layouts.BLB, cases=6)
    parts = [part(level, same, (paper_layouts.PSNR,), level=level) for level in ("L1", "L5")]
    assert "numbers may be compared" in layout_words.standing(parts, of_few)
    other = dataclasses.replace(of_few, protocols=("other",))
    assert "the paper's protocol is other here, this is gt-disparity" in layout_words.standing(parts, other)


def test_a_method_with_one_level_has_its_numbers_there(board: Collected) -> None:
    layout = one("bokehme-1", without(renamed(board), "scatter", "L5"))
    cells = lines(layout)["scatter"].cells
    assert cells[0].value is not None and [cell.text for cell in cells[3:]] == ["not run"] * 3
    assert "not run means no result of these cases" in " ".join(layout.notes)
    few = without(renamed(board), "scatter", "0_L5")
    assert lines(one("bokehme-1", few))["scatter"].cells[3].text == "partly run"


def test_results_of_a_single_level_are_laid_out_and_the_others_are_missing(board: Collected) -> None:
    cases = {key: case for key, case in board.cases.items() if key.endswith("L5")}
    runs = {
        key: {s: {c: e for c, e in run.items() if c in cases} for s, run in seeds.items()}
        for key, seeds in board.runs.items()
    }
    layout = one("bokehme-1", renamed(dataclasses.replace(board, cases=cases, runs=runs)))
    assert [name for name, _ in layout.grids[0].groups] == ["L5"]
    assert "no case at L1, L2, L3, L4" in layout.missing[0].what
    assert "blb render --set blb-lite" in layout.missing[0].command


def test_what_is_missing_comes_with_the_command_that_makes_it(layout_results: Path) -> None:
    (board,) = collect([layout_results])  # with the project's own methods registered
    found = one("bokehme-1", without(renamed(board), "scatter", "L5")).missing
    run = next(one for one in found if one.what.startswith("not run: vdslr"))
    assert run.command.startswith("bokehbench run --benchmark blb-mini --method vdslr ")
    assert run.command.endswith(f"--out {layout_results} && bokehbench evaluate {layout_results}")
    partly = next(one for one in found if one.what.startswith("not run on all cases"))
    assert "scatter" in partly.what and "--method scatter" in partly.command


def test_what_is_not_trained_has_a_row_that_says_so_and_its_command(
    layout_results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (board,) = collect([layout_results])  # with the project's own methods registered
    monkeypatch.setattr(weights, "locate", lambda wanted: ("unavailable", None))
    layout = one("bokehme-1", renamed(board))
    labels = [layout_export.row_label(line) for line in layout.grids[0].rows]
    at = labels.index("DeepLens, reported")
    assert labels[at - 1] == "deeplens"
    assert {cell.text for cell in lines(layout)["deeplens"].cells} == {"not trained"}
    assert "not trained means there are no weights" in " ".join(layout.notes)
    (lacking,) = [one.what for one in layout.missing if one.what.startswith("deeplens: ")]
    assert lacking.startswith("deeplens: not trained: `bokehbench train deeplens` makes deeplens.safetensors")


def stale(board: Collected, method: str) -> Collected:
    """The board as if another version of a method were there today."""
    why = Stale("another version", "bokehbench run", "result")
    key = (method, NO_WEIGHTS)
    run = {case: dataclasses.replace(entry, stale=why) for case, entry in board.runs[key][0].items()}
    return dataclasses.replace(board, runs=board.runs | {key: {0: run}})


def test_what_is_stale_counts_nowhere_and_is_run_again(layout_results: Path) -> None:
    (board,) = collect(
        [layout_results]
    )  # with the project's own methods registered, so that what the world made is stale
    layout = one("bokehme-1", stale(renamed(board), "scatter"))
    assert {cell.text for cell in lines(layout)["scatter"].cells} == {"stale"}
    said = " ".join([*layout.findings, *(grid.title for grid in layout.grids)])
    assert "scatter against" not in said and "gain over" not in said and "No gains over scatter" in said
    again = next(one for one in layout.missing if one.what.startswith("not run on all cases, or stale"))
    assert "--method scatter" in again.command


def test_stale_results_of_a_track_are_no_change(board: Collected) -> None:
    dilated = dataclasses.replace(stale(board, "soft"), protocol="gt-disparity@1+dilate-1")
    layout = one("bokehme-fig11", board, dilated)
    change = {line.label: line.cells[0] for line in layout.grids[1].rows}
    assert "soft" not in change and change["sharp"].value == 0.0 and change["sharp"].half


def test_a_change_is_of_the_cases_that_both_tracks_have(board: Collected) -> None:
    first = {key: case for key, case in board.cases.items() if key.startswith("s0")}
    fewer = dataclasses.replace(board, cases=first, protocol="gt-disparity@1+dilate-1")
    change = one("bokehme-fig11", board, fewer).grids[1]
    assert all(line.cells[0].value == 0.0 for line in change.rows)


def test_a_set_whose_results_are_there_is_not_called_missing(board: Collected) -> None:
    photographs = dataclasses.replace(board, benchmark="ebb-val294", protocol="bokehdiff@1")
    alone = layouts.lay_out("bokehdiff-1", [photographs])
    both = layouts.lay_out("bokehdiff-1", [photographs, dataclasses.replace(board, benchmark="blb-lite")])
    assert [sum("no results of" in m.what for m in layout.missing) for layout in (*alone, *both)] == [1, 0, 0]


def test_commands_keep_to_the_protocol_of_the_results(board: Collected) -> None:
    chosen = dataclasses.replace(board, benchmark="ebb400", protocol="bokehme-dpt@1")
    (lacking,) = [m for m in one("bokehme-2", chosen).missing if m.what.startswith("12 of 400 cases")]
    assert "--protocol bokehme-dpt" in lacking.command
    own = dataclasses.replace(board, benchmark="ebb400", protocol="bokehme-midas@1")
    assert not any("--protocol" in m.command for m in one("bokehme-2", own).missing)


def test_latex_leaves_intervals_out_and_fits_wide_tables_to_the_line(board: Collected) -> None:
    layout = one("bokehme-1", renamed(board))
    assert r"$\pm$" in layout_export.to_latex(layout)
    cells, _, below = layout_export.to_latex(layout, intervals=False).partition(r"\end{tabular}")
    assert r"$\pm$" not in cells and r"\resizebox" not in cells and below
    wide = dataclasses.replace(layout.grids[0], groups=layout.grids[0].groups * 2)
    latex = layout_export.to_latex(dataclasses.replace(layout, grids=(wide,)))
    assert latex.count(r"\resizebox{\linewidth}{!}{%") == 1 and latex.count("{") == latex.count("}")


def test_corrupted_maps_stand_beside_the_true_one(
    layout_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.register_world(monkeypatch)
    at = Protocol(tmp_path, "blb-mini", "gt@1")
    world.write_world(tmp_path, scenes=2, benchmark="blb-mini", methods=METHODS, size=(24, 16))
    for suffix, amplitude in (("", 1.0), ("+dilate-1", 0.5), ("+blur-2", 3.0), ("+noise-1", 9.0)):
        made = {name: amplitude * value for name, value in METHODS.items()}
        world.write_world(tmp_path, scenes=2, benchmark="blb-mini", methods=made, size=(24, 16))
        at.folder.rename(tmp_path / "blb-mini" / f"gt-disparity@1{suffix}")
    layout = one("bokehme-fig11", *collect([tmp_path]))
    assert [name for name, _ in layout.grids[0].groups] == ["gt", "dilate:1", "blur:2"]
    change = next(line for line in layout.grids[1].rows if line.label == "soft").cells
    assert change[0].value == pytest.approx(6.0, abs=0.4) and change[1].value < -8.0
    (trend,) = layout.trends
    assert trend.verdict == HOLDS and "1 of 1 gain" in trend.figures
    assert "--disparity erode:5" in layout.missing[0].command and "dilate:1 " not in layout.missing[0].command


def test_other_papers_tables_take_the_sets_that_are_there(board: Collected) -> None:
    diff = one("bokehdiff-1", renamed(board, {"soft": "bokehme", "sharp": "dr-bokeh"}))
    groups = dict(diff.grids[0].groups)
    assert groups == {"BLB level 5": ("PSNR", "SSIM", "LPIPS, printed", "lpips-alex", "lpips-vgg")}
    assert lines(diff)["BokehMe, reported"].cells[2].text == "0.1404"
    assert lines(diff)["bokehme"].cells[2].text == "–" and lines(diff)["bokehme"].cells[3].text == "n/a"
    assert any("ebb-val294" in missing.what for missing in diff.missing)
    low = dataclasses.replace(board, benchmark="blb-mini-lq")
    magic = one("magicbokeh-1", low)
    assert lines(magic)["MagicBokeh, reported"].cells[0].text == "24.23"
    assert magic.findings[0].startswith("Trend only: blb-mini-lq has other pictures than ebb400-lq")
    real = dataclasses.replace(board, benchmark="ebb400")
    table = one("bokehme-2", renamed(real, {"soft": "bokehme", "sharp": "vdslr"}))
    assert "Kendall's tau +1.00 over 2 shared methods" in " ".join(table.findings)


def test_a_layout_that_fits_nothing_says_why_and_what_would(board: Collected) -> None:
    with pytest.raises(InputError, match=r"is not ebb400 .*run --benchmark ebb400:DIR"):
        layouts.lay_out("bokehme-2", [board])
    with pytest.raises(InputError, match="another disparity map"):
        layouts.lay_out("bokehme-1", [dataclasses.replace(board, protocol="gt-disparity@1+dilate-3")])
    with pytest.raises(InputError, match="not BLB with clean input"):
        layouts.lay_out("bokehme-fig11", [dataclasses.replace(board, benchmark="blb-mini-lq")])
    with pytest.raises(ConfigError, match="give bokehme-1, bokehme-2"):
        layouts.lay_out("mine", [board])


def test_a_difference_that_may_be_chance_is_called_so() -> None:
    from bokehbench.leaderboard.statistics import mean_interval

    scenes = [str(index) for index in range(6)]
    assert layout_words.told_apart(mean_interval([1.0, -1.0, 2.0, -2.0, 1.0, -1.0], scenes)) is False
    assert layout_words.told_apart(mean_interval([1.0, 1.1, 1.2, 1.0, 1.1, 1.2], scenes)) is True
    assert layout_words.told_apart(mean_interval([1.0, 1.1], scenes[:2])) is None


def test_the_page_shows_a_layout_escaped(board: Collected) -> None:
    from bokehbench.leaderboard.page import _environment

    view = page_papers.layout_view(one("bokehme-1", renamed(board, {"soft": "<b>x"})))
    html = _environment().get_template("_layouts.html").render(layouts=[view])
    assert "&lt;b&gt;x" in html and "<b>x" not in html and "43.30" in html
