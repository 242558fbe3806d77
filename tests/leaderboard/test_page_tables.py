"""Claims about the page's tables and cards, in a real browser: filter, columns, scenes, papers, links."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import board_world as world
import page_world
import pytest

from bokehbench import records, registry
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.measure import PROFILE
from bokehbench.leaderboard.page import _code
from bokehbench.leaderboard.page_cards import card_views
from bokehbench.leaderboard.page_scenes import scene_data
from bokehbench.leaderboard.page_tables import grouped, in_groups
from bokehbench.leaderboard.sentences import spread_text
from bokehbench.registry import MethodSpec

SCENES = 3
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two levels of BLB, two seeds of soft, a region and a variant; K of sharp was searched."""
    root = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        world.register_world(patch)
        at = world.write_world(root, scenes=SCENES, benchmark="blb-mine", size=(24, 16))
        for name, offset in (("psnr+focus", 3.0), ("psnr+lin", 1.0)):
            page_world.add_score(at, name, offset)
        page_world.add_seed(at, "soft", 1, 0.2)
        page_world.add_track(at, "dilate", 3, 1.0)
    for path in (at.folder / "sharp").rglob("*.json"):
        if path.name.count(".") == 1:
            records.write_json(path, {**records.read_json(path), "uses_truth": ["K, by PSNR"]})
    for path in (at.folder / "given").rglob("*.timing.json"):
        timing = records.read_json(path)
        profile = {"schema": PROFILE, "repeats": 5, "seconds": [0.2] * 5, "size": [24, 16]}
        records.write_json(path, {**timing, "profile": profile})
    return root


@pytest.fixture(scope="module")
def opened(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    with page_world.opened(results, tmp_path_factory.mktemp("page"), ["bokehme"]) as both:
        yield both


def start(opened: tuple[Any, Path], fragment: str = "") -> Any:
    page, folder = opened
    page.goto("about:blank")
    page.goto(f"{(folder / 'index.html').as_uri()}{fragment}")
    return page


def shown(page: Any) -> list[str]:
    """Methods whose rows are seen in the first table."""
    bodies = page.locator(".board").first.locator(".board-table > tbody[data-method]:visible")
    return list(bodies.evaluate_all("all => all.map(b => b.dataset.method)"))


def the_board(results: Path) -> tuple[Any, Any]:
    board = next(board for board in collect([results]) if board.protocol == "gt@1")
    return board, build(board)


def test_scenes_of_a_row_are_means_that_average_to_the_table(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.register_world(monkeypatch)
    board, table = the_board(results)
    data = scene_data(board, table)
    assert set(data["rows"]) == {row.label for row in table.rows}
    for row in table.rows:
        for group in table.groups:
            lines = data["rows"][row.label][group.level]
            assert [line[0] for line in lines] == sorted(set(group.scenes))
            assert sum(line[2] for line in lines) == len(group.cases)
            for number, column in enumerate(table.columns):
                interval = group.cells[row.key][column.name].interval
                values = [line[3 + number] for line in lines]
                if interval is None:
                    assert values == [None] * SCENES
                else:
                    half_digit = 0.5 * 10**-column.decimals + 1e-9
                    assert sum(values) / SCENES == pytest.approx(interval.mean, abs=half_digit)
            for scene, worst, *_ in lines:
                own = {c: board.runs[row.key][0][c].scores["psnr"]["value"] for c in group.cases}
                of_scene = {c: v for c, v in own.items() if board.cases[c].record["scene"] == scene}
                assert worst == min(of_scene, key=lambda case: of_scene[case])


def test_columns_stand_by_what_they_are_about(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)
    table = in_groups(the_board(results)[1])
    groups = {name: [column.name for column in columns] for name, columns in grouped(table)}
    assert groups == {
        "whole picture": ["psnr", "ssim", "gmsd", "lpips-alex"],
        "variants": ["psnr+lin"],
        "focus": ["psnr+focus"],
    }


def test_a_card_says_what_weights_are_and_whether_training_was_over(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.register_world(monkeypatch)
    stage = {"steps": 90, "of": 300, "hours": 1.5, "still_improving": {"value": True, "gain_db": 0.12}}
    card = {"weights": {"sha256": "ab" * 32}, "stages": {"first": stage}, "trained_on": EVIL}
    (tmp_path / "card.json").write_text(json.dumps(card))
    monkeypatch.setitem(
        registry._registered,
        ("method", "sharp"),
        MethodSpec("sharp", EVIL, "x:y", category="neural", card=str(tmp_path / "card.json")),
    )
    boards = [(board, build(board)) for board in collect([results])]
    facts = next(dict(view["facts"]) for view in card_views(boards) if view["name"] == "sharp")
    assert facts["Training"] == [
        "first 90 of 300 steps in 1.5 h, not trained to the end, still improving (+0.12 dB lately)"
    ]
    assert facts["Trained on"][0] == EVIL
    for run in boards[0][0].runs.values():
        for entry in run[0].values():
            entry.record["weights"] = {"other.safetensors": "cd" * 32}  # type: ignore[index]
    facts = next(dict(view["facts"]) for view in card_views(boards) if view["name"] == "sharp")
    assert facts["Training"] == ["the card that lies here is of other weights"]
    assert facts["Weights"] == [f"other.safetensors, sha256 {'cd' * 32}"]


def test_a_card_says_that_its_cost_is_of_stale_results(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.register_world(monkeypatch)
    newer = MethodSpec("given", "x", "x:y", category="oracle", oracle="layers", version=2)
    monkeypatch.setitem(registry._registered, ("method", "given"), newer)
    boards = [(board, build(board)) for board in collect([results])]
    facts = {view["name"]: dict(view["facts"]) for view in card_views(boards)}
    assert all(line.endswith("(stale results)") for line in facts["given"]["Cost"])
    assert not any("stale" in line for line in facts["soft"]["Cost"])


def test_backticks_are_code_and_what_is_between_them_is_escaped() -> None:
    assert str(_code(f"`a` {EVIL} `<b>`")) == (
        "<code>a</code> &lt;script&gt;alert(1)&lt;/script&gt; <code>&lt;b&gt;</code>"
    )


@pytest.mark.parametrize(("spread", "text"), [(6.8e-17, "σ 0"), (0.004, "σ 0"), (0.14, "σ 0.14")])
def test_a_spread_below_the_printed_digits_is_zero(
    results: Path, monkeypatch: pytest.MonkeyPatch, spread: float, text: str
) -> None:
    world.register_world(monkeypatch)
    table = the_board(results)[1]
    cell = table.everything.cells[table.rows[0].key]["psnr"]
    assert spread_text(dataclasses.replace(cell, spread=spread), table.columns[0]) == text


# ------------------------------------------------------------------------------------------- the browser


@pytest.mark.browser
def test_the_filter_hides_rows_by_name_kind_status_and_truth(opened: tuple[Any, Path]) -> None:
    page = start(opened)
    everyone = shown(page)
    assert everyone[-1] == "identity" and set(everyone) == {"identity", "soft", "sharp", "given"}
    page.fill("#filter-text", "bokehme")
    assert "BokehMe" in shown(page)  # looked for, what is folded is shown
    page.fill("#filter-text", "SH")
    assert shown(page) == ["sharp"]
    assert "of" in page.text_content("#filter-count")
    page.click("#filter button[type=reset]")
    page.wait_for_function("document.querySelector('#filter-count').textContent === ''")
    assert shown(page) == everyone
    page.select_option("#filter-category", "neural")
    assert shown(page) == ["sharp"]
    page.select_option("#filter-category", "")
    page.select_option("#filter-status", "oracle")
    assert shown(page) == ["given"]
    page.select_option("#filter-status", "")
    page.uncheck("#filter-papers")
    assert set(shown(page)) == {"identity", "soft", "sharp", "given"}
    page.check("#filter-truth")
    assert set(shown(page)) == {"identity", "soft", "given"}
    page.fill("#filter-text", "nobody")
    assert page.locator(".board .none").first.is_visible()


@pytest.mark.browser
def test_one_benchmark_can_be_chosen_and_opens_where_it_is_folded(opened: tuple[Any, Path]) -> None:
    page = start(opened)
    assert page.locator(".board:visible").count() == 1  # the corrupted map's is folded away
    page.select_option("#filter-board", "blb-mine--gt-1-dilate-3")
    page.wait_for_function("document.querySelector('details.tracks').open")
    assert page.locator(".board:visible").get_attribute("id") == "blb-mine--gt-1-dilate-3"


@pytest.mark.browser
def test_regions_and_variants_are_shown_when_asked_for(opened: tuple[Any, Path]) -> None:
    page = start(opened)
    board = page.locator(".board").first
    heads = board.locator(".board-table thead th.number:visible")

    def names() -> list[str]:
        return [text.split()[0] for text in heads.all_text_contents()]

    assert names() == ["psnr", "ssim", "gmsd", "rank", "time"]  # nobody has a number of lpips-alex
    assert "hidden at first (under Columns): lpips-alex" in board.locator("> .notes").text_content()
    cells = board.locator("tbody[data-method=sharp] > tr:first-child > td:visible")
    before = cells.count()
    board.locator("details.menu summary").click()
    board.get_by_label("psnr+focus").check()
    board.get_by_label("ssim").uncheck()
    assert names() == ["psnr", "gmsd", "psnr+focus", "rank", "time"]
    assert cells.count() == before
    board.get_by_label("whole picture").check()
    page.keyboard.press("Escape")
    assert {"ssim", "lpips-alex"} <= set(names()) and not board.locator("details.menu .choices").is_visible()


@pytest.mark.browser
def test_scenes_are_made_when_unfolded_worst_first_and_lead_to_their_pictures(
    opened: tuple[Any, Path],
) -> None:
    page = start(opened)
    body = page.locator(".board").first.locator("tbody[data-method=sharp]")
    assert body.locator("tr.scene").count() == 0
    body.locator("button.unfold").press("Enter")
    body.locator("tr.level[data-level=L5] button.scenes").press("Enter")
    body.locator("tr.scene").first.wait_for()
    worst = [float(text) for text in body.locator("tr.scene td:nth-child(3)").all_text_contents()]
    assert len(worst) == SCENES and worst == sorted(worst)
    assert body.locator("tr.level[data-level=L5] + tr.scene").count() == 1
    body.locator("tr.by-scene button").click()
    assert body.locator("tr.scene").count() == 2 * SCENES
    body.locator("tr.level[data-level=L5] button.scenes").click()
    assert body.locator("tr.scene").count() == SCENES
    body.locator("tr.scene a").first.click()
    page.wait_for_function("document.querySelector('#benchmark').value === 'blb-mine--gt-1'")
    assert "case=" in page.url and "show=_target,sharp" in page.url
    body.locator("button.unfold").click()
    assert body.locator("tr.scene").count() == 0


@pytest.mark.browser
def test_papers_values_and_the_spread_of_seeds_are_told_apart(opened: tuple[Any, Path]) -> None:
    page = start(opened)
    body = page.locator(".board").first.locator("tbody[data-method=BokehMe]").first
    fold = page.locator(".board").first.locator("tbody.fold")
    assert fold.is_visible() and not body.is_visible()
    fold.locator("button").press("Enter")
    assert body.locator(".tag").first.text_content() == "reported"
    body.locator("button.unfold").click()
    levels = body.locator("tr.level:visible")
    assert levels.count() > 0 and "BokehMe, CVPR 2022" in (levels.first.get_attribute("title") or "")
    soft = page.locator(".board").first.locator("tbody[data-method=soft] > tr").first
    assert "σ 0.14" in soft.text_content() and "2 seeds" in soft.text_content()  # 0.2 / sqrt(2)
    efficiency = page.locator(".board").first.locator("details.beside", has_text="Efficiency")
    efficiency.locator("summary").click()
    assert efficiency.locator("tbody th").all_text_contents() == ["given"]


@pytest.mark.browser
def test_a_link_opens_a_card_and_the_theme_is_kept(opened: tuple[Any, Path]) -> None:
    page = start(opened, "#method-sharp")
    card = page.locator("#method-sharp")
    page.wait_for_function("document.querySelector('#method-sharp').getBoundingClientRect().top < 900")
    assert page.url.endswith("#method-sharp") and "psnr" in card.text_content()
    assert card.evaluate("card => card.matches(':target')")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    for _ in range(2):
        page.locator("#theme").press("Enter")  # as the system, light, dark
    dark = page.evaluate(paper)
    assert dark != light
    assert start(opened).evaluate(paper) == dark
    page.locator("#theme").click()
    assert page.evaluate(paper) == light


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1200])
def test_only_tables_scroll_sideways(opened: tuple[Any, Path], width: int) -> None:
    page = start(opened)
    page.set_viewport_size({"width": width, "height": 740})
    try:
        page.locator("button.unfold-all").first.click()
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider == 0
    finally:
        page.set_viewport_size({"width": 1200, "height": 900})
