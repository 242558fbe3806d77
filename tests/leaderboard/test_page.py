"""Claims about the page: complete, escaped, repeatable, and working in a real browser from file://."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import board_world as world
import page_world
import pytest

from bokehbench import images, records, registry
from bokehbench.errors import InputError
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.leaderboard import write
from bokehbench.leaderboard.page_compare import compare_data
from bokehbench.leaderboard.pictures import picture_id
from bokehbench.leaderboard.results import Result


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


def write_strip(folder: Path, **changes: Any) -> Path:
    images.write_png(folder / "near.png", world.lights(1, (60, 40)))
    content = {
        "schema": "bokehbench.strip/1",
        "title": "A <strip>",
        "images": [{"file": "near.png", "label": "near", "note": "disp_focus 0.9"}],
    }
    records.write_json(folder / "strip.json", {**content, **changes})
    return folder / "strip.json"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two benchmarks, one of them with too few scenes for a test, and a strip."""
    root = tmp_path_factory.mktemp("results")
    world.write_world(root, scenes=6)
    world.write_world(root, scenes=2, benchmark="toy2", methods={"soft": 9.0, "identity": 50.0})
    write_strip(root / "_strips")
    return root


@pytest.fixture
def copy(results: Path, tmp_path: Path) -> Path:
    """For tests that change something."""
    return Path(shutil.copytree(results, tmp_path / "results"))


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_results_give_the_same_bytes_wherever_they_are_written(
    results: Path, tmp_path: Path
) -> None:
    first = write([results], tmp_path / "a")
    write([results], tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    again = write([results], tmp_path / "a")
    assert first.pictures_present == 0 and again.pictures_written == 0
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert str(tmp_path) not in first.page.read_text()


def test_every_file_that_the_page_names_is_there(results: Path, tmp_path: Path) -> None:
    page = write([results], tmp_path / "page").page
    named = re.findall(r'(?:src|href)="((?!data:|#)[^"]+)"', page.read_text())
    assert "assets/strips/0-strip/0.png" in named and "leaderboard.csv" in named
    for name in named:
        assert (page.parent / name).is_file(), name
    assert not [name for name in named if "://" in name]
    data = json.loads((page.parent / "assets/data.js").read_text().removeprefix("window.BOKEHBENCH=")[:-2])
    for case in (case for board in data["benchmarks"] for case in board["cases"]):
        assert (page.parent / case["thumb"]).is_file()
        for name in case["pictures"].values():
            assert (page.parent / f"assets/pictures/{name}.js").is_file()


def test_what_people_wrote_is_escaped(copy: Path, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    path = Result(world.Protocol(copy, "toy", "gt@1"), "soft", "none", "s0_L1").record
    records.write_json(path, {**records.read_json(path), "command": evil})
    html = write([copy], tmp_path / "page").page.read_text()
    assert evil not in html and "&lt;script&gt;alert(1)" in html
    assert "A &lt;strip&gt;" in html and "Blurs &lt;softly&gt; &amp; well." in html


def test_pictures_of_methods_that_left_are_removed_and_nothing_else(copy: Path, tmp_path: Path) -> None:
    page = tmp_path / "page"
    write([copy], page)
    (page / "assets/mine.txt").write_text("mine")
    shutil.rmtree(copy / "toy/gt@1/sharp")
    shutil.rmtree(copy / "toy2")
    write([copy], page)
    left = digest(page)
    assert "assets/mine.txt" in left
    write([copy], tmp_path / "fresh")
    assert {k: v for k, v in left.items() if k != "assets/mine.txt"} == digest(tmp_path / "fresh")


def test_a_page_that_was_never_finished_keeps_its_pictures(copy: Path, tmp_path: Path) -> None:
    write([copy], tmp_path / "page")
    (tmp_path / "page/assets/manifest.json").unlink()
    next((tmp_path / "page/assets/pictures").iterdir()).unlink()
    assert (
        write([copy], tmp_path / "page").pictures_written == 2
    )  # that one, and the strip, which has no hash


def test_a_changed_prediction_changes_its_pictures_alone(copy: Path, tmp_path: Path) -> None:
    write([copy], tmp_path / "page", crop=["s1_L1:0,0,16,16"])
    at = world.Protocol(copy, "toy", "gt@1")
    target = images.read_image(at.case_image("s0_L1", "target"))
    world.write_scores(world.write_result(at, "s0_L1", "soft", target, 3.0, seed=99))
    assert write([copy], tmp_path / "page", crop=["s1_L1:0,0,16,16"]).pictures_written == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"titel": "x"}, "titel: Extra inputs are not permitted"),
        ({"images": []}, "images: Tuple should have at least 1 item"),
        ({"images": [{"file": "gone.png", "label": "x"}]}, "no picture .*gone.png"),
        ({"schema": "bokehbench.strip/9"}, "schema"),
    ],
)
def test_a_strip_that_cannot_be_shown_is_refused_before_anything_is_written(
    results: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    strip = write_strip(tmp_path / "strips", **changes)
    with pytest.raises(InputError, match=message):
        write([results], tmp_path / "page", strips=[strip])
    assert not (tmp_path / "page").exists()


def test_stale_and_incomplete_rows_are_on_the_page(copy: Path, tmp_path: Path) -> None:
    del registry._registered[("method", "sharp")]
    (copy / "toy/gt@1/soft/none/s0_L1.json").unlink()
    gone = picture_id(records.sha256_file(copy / "toy/gt@1/sharp/none/s0_L1.png"))
    html = write([copy], tmp_path / "page").page.read_text()
    assert "Stale: not counted" in html and "method is not registered here" in html
    assert "soft: 1 of 12 cases failed or were never run (s0_L1)" in html
    assert not list((tmp_path / "page").rglob(f"{gone}.js"))


def test_an_outdated_score_is_not_compared(copy: Path, tmp_path: Path) -> None:
    path = copy / "toy/gt@1/soft/none/s0_L1.scores.json"
    content = records.read_json(path)
    content["scores"]["gmsd"]["fingerprint"] = "0badc0de"
    content["scores"]["worst"] = {"value": 3.0, "status": "ok", "metric": "worst@1", "fingerprint": "1"}
    records.write_json(path, content)
    board = next(board for board in collect([copy]) if board.benchmark == "toy")
    (shown,) = compare_data([(board, build(board))])["benchmarks"]
    names = [metric["name"] for metric in shown["metrics"]]
    scores = shown["cases"][0]["scores"]
    assert "worst" not in names and shown["cases"][0]["key"] == "s0_L1"
    assert scores["soft"][names.index("gmsd")] is None
    assert scores["sharp"][names.index("gmsd")] is not None
    html = write([copy], tmp_path / "page").page.read_text()
    assert "metric worst is not registered here: add --register" in html and "worst@1" not in html


# ------------------------------------------------------------------------------------------- the browser


@pytest.fixture(scope="module")
def opened(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """A page of the browser that opens file:// addresses, and the folder of the leaderboard."""
    with page_world.opened(results, tmp_path_factory.mktemp("page")) as both:
        yield both


def start(opened: tuple[Any, Path], fragment: str = "") -> Any:
    page, folder = opened
    page.goto("about:blank")
    page.goto(f"{(folder / 'index.html').as_uri()}{fragment}")
    page.wait_for_selector("#viewer canvas")
    return page


@pytest.mark.browser
def test_the_table_of_the_page_equals_the_csv(opened: tuple[Any, Path]) -> None:
    page = start(opened)
    rows = list(csv.DictReader((opened[1] / "leaderboard.csv").open()))
    names = ("psnr", "ssim", "gmsd", "lpips-alex")
    in_csv = {(row["benchmark"], row["method"], row["level"]): [row[name] for name in names] for row in rows}
    in_page = page.evaluate(
        """() => [...document.querySelectorAll(".board tbody[data-method] tr")].map((row) => [
            row.closest(".board").querySelector("h2").firstChild.textContent.trim(),
            row.closest("tbody").dataset.method, row.dataset.level ?? "all",
            [...row.querySelectorAll("td[data-value]")].slice(0, 4).map((cell) => cell.dataset.value),
            row.querySelector(".mean").textContent])"""
    )
    assert {(benchmark, method, level): values for benchmark, method, level, values, _ in in_page} == in_csv
    assert all(shown == f"{float(values[0]):.2f}" for *_, values, shown in in_page)


@pytest.mark.browser
def test_sorting_moves_rows_with_their_levels_and_turns_round(opened: tuple[Any, Path]) -> None:
    page = start(opened)
    board = page.locator(".board").first

    def order() -> list[str]:
        return list(board.locator("tbody").evaluate_all("all => all.map(b => b.dataset.method)"))

    button = board.locator("thead button.sort", has_text="gmsd")
    button.click()
    assert order() == ["given", "soft", "sharp", "identity"]  # lower is better: the best first
    button.click()
    assert order() == ["identity", "sharp", "soft", "given"]
    assert board.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    board.locator("thead button.sort", has_text="rank").click()
    assert order() == ["soft", "sharp", "identity", "given"]  # no rank: last
    assert board.locator("tr.level:visible").count() == 0
    board.locator("tbody[data-method=soft] button.unfold").press("Enter")
    assert board.locator("tr.level:visible").evaluate_all("all => all.map(r => r.dataset.level)") == [
        "L1",
        "L5",
    ]


@pytest.mark.browser
def test_a_phone_scrolls_down_but_not_sideways(opened: tuple[Any, Path]) -> None:
    page = start(opened)
    page.set_viewport_size({"width": 360, "height": 740})
    try:
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider == 0
    finally:
        page.set_viewport_size({"width": 1200, "height": 900})


@pytest.mark.browser
def test_thumbnails_and_strips_are_loaded_when_needed(opened: tuple[Any, Path]) -> None:
    page = start(opened)
    assert set(page.locator("#film img, #strips img").evaluate_all("a => a.map(i => i.loading)")) == {"lazy"}
    page.locator("#strips").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#strips img').naturalWidth === 60")
