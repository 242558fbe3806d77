"""Claims about the page's plots: what they show is what the tables say, and they follow choices and theme."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import board_world as world
import numpy as np
import page_world
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from bokehbench import records
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.export_text import to_markdown
from bokehbench.leaderboard.page_plots import plots_of
from bokehbench.leaderboard.plot_kinds import by_defocus, log_ticks, pareto
from bokehbench.leaderboard.plot_series import Plot, Point

LOSS = 1.5
EVIL = "<img src=x onerror=window.evil=1>"
TEMPLATES = Path(world.__file__).parents[2] / "bokehbench/leaderboard/templates"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six scenes at two levels, and dilated maps that cost LOSS a level."""
    root = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        world.register_world(patch)
        at = world.write_world(root, scenes=6, size=(24, 16), methods={**world.QUALITY, EVIL: 30.0})
        for path in (at.folder / "_cases").glob("s0_*.json"):
            records.write_json(path, {**records.read_json(path), "scene": EVIL})
        for level in (1, 3):
            page_world.add_track(at, "dilate", level, LOSS * level)
    return root


@pytest.fixture
def boards(results: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    world.register_world(monkeypatch)
    return [(board, build(board)) for board in collect([results])]


def named(plots: list[Plot], title: str) -> Plot:
    return next(plot for plot in plots if plot.title == title)


def test_points_are_the_cells_of_the_table_with_their_intervals(boards: list[tuple[Any, Any]]) -> None:
    table = boards[0][1]
    plot = named(plots_of(boards, {"curves": ()}), "Quality against blur level")
    assert "lpips-alex" not in plot.choices[0][1]  # no weights, no numbers, no choice
    for row in table.rows:
        points = plot.series["psnr"][row.label]
        assert [point.x for point in points] == [4.0, 8.0]
        for point, group in zip(points, table.groups[1:], strict=True):
            interval = group.cells[row.key]["psnr"].interval
            assert (point.y, point.low, point.high) == (interval.mean, interval.low, interval.high)
            assert "6 cases of 6 scenes" in point.about


def test_corruption_runs_from_the_map_as_it_is_to_the_worst(boards: list[tuple[Any, Any]]) -> None:
    plots = plots_of(boards, {"curves": ()})
    plot = named(plots, "Quality against disparity corruption")
    assert plot.choices[1] == ("Corruption", ("dilate",))
    points = plot.series["psnr|dilate"]["soft"]
    assert [point.x for point in points] == [0.0, 1.0, 3.0]
    assert [points[0].y - point.y for point in points] == pytest.approx([0.0, LOSS, 3 * LOSS])
    assert {plot.board for plot in plots} == {"toy--gt-1"}  # no plots of tracks of their own


def test_the_front_has_what_nothing_is_both_faster_and_better_than() -> None:
    def point(seconds: float, value: float) -> Point:
        return Point(seconds, value, None, None, ())

    points = {"a": point(1, 20), "b": point(2, 19), "c": point(3, 25), "d": point(3, 24), "e": point(9, 25)}
    assert pareto(points, higher_is_better=True) == ["a", "c"]
    assert pareto(points, higher_is_better=False) == ["a", "b"]


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        ((0.61, 0.72), "0.5 1"),
        ((0.04, 3.0), "0.02 0.05 0.1 0.2 0.5 1 2 5"),
        ((0.002, 30.0), "0.001 0.01 0.1 1 10 100"),
        ((1.0, 1.0), "1"),
    ],
)
def test_ticks_of_time_are_whole_numbers_around_all_values(seconds: tuple[float, ...], texts: str) -> None:
    ticks = log_ticks(seconds)
    assert " ".join(text for _, text in ticks) == texts
    assert [float(text) for _, text in ticks] == [value for value, _ in ticks]
    assert ticks[0][0] <= min(seconds) and ticks[-1][0] >= max(seconds)


def test_oracles_and_floors_are_not_on_the_front(boards: list[tuple[Any, Any]]) -> None:
    plot = named(plots_of(boards, {"curves": ()}), "Quality against time")
    assert set(plot.series["psnr"]) == {"identity", "soft", "sharp", "given"}
    assert list(plot.front["psnr"]) == ["soft"]  # faster and better than sharp


def test_defocus_bins_give_error_and_share(boards: list[tuple[Any, Any]]) -> None:
    about = {"benchmark": "toy", "protocol": "gt@1", "method": "soft", "weights": "none", "level": "all"}
    none = {"psnr": None, "psnr_low": None, "psnr_high": None, "cases": 0, "scenes": 0}
    some = {"psnr": 30.0, "psnr_low": 29.0, "psnr_high": 31.0, "cases": 12, "scenes": 6}
    bins = [
        {"low": None, "high": -1.0, "pixels": 0, "squared_error": 0, **none},
        {"low": -1.0, "high": 1.0, "pixels": 100, "squared_error": 300 * 4, **some},
        {"low": 1.0, "high": None, "pixels": 50, "squared_error": 150 * 24, **none},
    ]
    plot = by_defocus(boards[0][1], {"curves": [{**about, "bins": bins}]})
    assert plot is not None
    assert [(p.x, p.y) for p in plot.series["psnr|all"]["soft"]] == [(1.0, 30.0)]
    assert [p.y for p in plot.series["rms error|all"]["soft"]] == pytest.approx([2.0, 24**0.5])
    assert [p.y for p in plot.series["share of error|all"]["soft"]] == pytest.approx([0.0, 25.0, 75.0])
    assert [text for _, text in plot.x[""].ticks] == ["< -1", "-1 to 1", "> 1"]
    assert by_defocus(boards[0][1], {"curves": ()}) is None


VISIONS = {
    "normal": np.eye(3),
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
}
"""Of linear RGB, severity 1: Machado, Oliveira, Fernandes, IEEE TVCG 15 (2009), table 1."""


def linear(colour: str) -> Any:
    """Linear RGB of #rrggbb."""
    encoded = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def seen(colour: str, vision: str) -> Any:
    """CIE Lab as an eye without one kind of cones sees it."""
    light = np.clip(np.asarray(VISIONS[vision]) @ linear(colour), 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded[None, None])[0, 0]


@pytest.mark.parametrize("theme", [0, 1])
def test_colours_of_methods_are_seen_on_the_paper_and_told_apart_by_all_eyes(theme: int) -> None:
    style = (TEMPLATES / "style.css").read_text()
    found = re.findall(r"--(paper|c\d): light-dark\((#\w{6}), (#\w{6})\)", style)
    colours = {name: both[theme] for name, *both in found}
    assert len(colours) == 7
    luminance = {name: 0.05 + linear(c) @ (0.2126, 0.7152, 0.0722) for name, c in colours.items()}
    paper = luminance.pop("paper")
    for name, own in luminance.items():
        assert max(own, paper) / min(own, paper) >= 3.0, (name, colours[name])  # WCAG 2.1, 1.4.11
    for vision in VISIONS:
        labs = [seen(colours[name], vision) for name in luminance]
        nearest = min(deltaE_ciede2000(a, b) for a, b in itertools.combinations(labs, 2))
        assert nearest > 20, vision


def test_a_folders_name_is_no_markup_in_markdown_either(boards: list[tuple[Any, Any]]) -> None:
    lines = to_markdown([table for _, table in boards]).splitlines()
    named = [line for line in lines if "<img" in line]
    assert named and all(line.count("<img") == line.count("\\<img") for line in named)


# ------------------------------------------------------------------------------------------- the browser


@pytest.fixture(scope="module")
def page(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with page_world.opened(results, tmp_path_factory.mktemp("page")) as (page, folder):
        page.goto((folder / "index.html").as_uri())
        yield page


def drawn(page: Any, plot: str, choices: str) -> Any:
    """The figure, once it shows these choices."""
    figure = page.locator(f"#{plot}")
    figure.scroll_into_view_if_needed()
    page.wait_for_function(
        "([id, choices]) => document.querySelector(`#${id} .canvas`).dataset.drawn === choices",
        arg=[plot, choices],
    )
    return figure


@pytest.mark.browser
def test_a_plot_is_drawn_when_seen_and_follows_choice_filter_and_theme(page: Any) -> None:
    assert page.evaluate("typeof Plotly") == "undefined"  # nothing of it is loaded before it is looked at
    figure = drawn(page, "plot-corruption-toy--gt-1", "psnr|dilate")
    canvas = "document.querySelector('#plot-corruption-toy--gt-1 .canvas')"
    names = f"{canvas}.data.map(trace => trace.name)"
    assert page.evaluate(names) == ["identity", "soft", "sharp", "given"]
    assert (
        len(
            {
                tuple(pair)
                for pair in page.evaluate(f"{canvas}.data.map(t => [t.marker.color, t.marker.symbol])")
            }
        )
        == 4
    )
    assert page.evaluate(f"{canvas}.data[1].error_y.visible") is True
    figure.locator("select").first.select_option("ssim")
    drawn(page, "plot-corruption-toy--gt-1", "ssim|dilate")
    assert page.evaluate(f"{canvas}.layout.yaxis.title.text") == "ssim ↑"
    ink = f"{canvas}.layout.font.color"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{ink} !== '{light}'")
    page.emulate_media(color_scheme="light")
    page.fill("#filter-text", "sharp")
    page.wait_for_function(f"{names}.join() === 'sharp'")
    page.fill("#filter-text", "")
    page.wait_for_function(f"{names}.length === 4")


@pytest.mark.browser
def test_the_numbers_of_a_plot_can_be_read_without_a_mouse(page: Any) -> None:
    figure = drawn(page, "plot-level-toy--gt-1", "psnr")
    figure.locator("details.values summary").press("Enter")
    rows = figure.locator("details.values tbody tr")
    rows.first.wait_for()
    assert rows.count() == 8
    assert "95 % interval" in rows.first.text_content() and "6 cases of 6 scenes" in rows.first.text_content()


@pytest.mark.browser
def test_a_finger_on_a_plot_scrolls_the_page_and_a_tap_reads_a_mark(page: Any) -> None:
    phone = page.context.browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
    )
    touched = phone.new_page()
    touched.goto(page.url)
    figure = drawn(touched, "plot-time-toy--gt-1", "psnr")
    canvas = "document.querySelector('#plot-time-toy--gt-1 .canvas')"
    before = touched.evaluate(f"{canvas}.scrollIntoView({{behavior: 'instant', block: 'center'}}), scrollY")
    box = figure.locator(".canvas .nsewdrag").bounding_box()
    middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    watch = "window.moves = []; addEventListener('touchmove', (event) => moves.push(event.defaultPrevented))"
    touched.evaluate(f"() => {{ {watch} }}")
    fingers = phone.new_cdp_session(touched)
    for kind, up in (
        ("touchStart", 0),
        *(("touchMove", 20 * step) for step in range(1, 6)),
        ("touchEnd", None),
    ):
        points = [] if up is None else [{"x": middle["x"], "y": middle["y"] - up}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touched.wait_for_function(f"scrollY > {before} + 20")
    assert not any(touched.evaluate("moves"))
    touch_action = f"getComputedStyle({canvas}.querySelector('.nsewdrag')).touchAction"
    assert touched.evaluate(touch_action) == "manipulation"  # pans and pinches, the browser's own
    assert not figure.locator(".zoombox, .select-outline").count()
    ticks = figure.locator(".xtick text").all_text_contents()
    assert ticks == ["0.1", "0.2", "0.5", "1"]
    mark = figure.locator(".scatterlayer .points path").last.bounding_box()
    touched.touchscreen.tap(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    figure.locator(".hoverlayer .hovertext").wait_for()
    phone.close()


@pytest.mark.browser
def test_a_plot_of_one_method_names_it(page: Any) -> None:
    page.fill("#filter-text", "sharp")
    figure = drawn(page, "plot-level-toy--gt-1", "psnr")
    figure.locator(".legend .legendtext", has_text="sharp").wait_for()
    assert figure.locator(".legend .legendtext").all_text_contents() == ["sharp"]
    page.fill("#filter-text", "")


@pytest.mark.browser
def test_a_name_is_never_taken_for_markup(page: Any) -> None:
    """Nor that of a scene; a method that is not registered may have any name that a folder can have."""
    board = page.locator(".board").first
    assert EVIL in board.locator(".aside.stale th").all_text_contents()
    body = board.locator("tbody[data-method=soft]")
    body.locator("button.unfold").click()
    body.locator("tr.by-scene button").click()
    body.locator("tr.scene").first.wait_for()
    assert EVIL in body.locator("tr.scene a").all_text_contents()
    page.locator(f'.card[data-method-name="{EVIL}"]').scroll_into_view_if_needed()
    assert page.evaluate("window.evil") is None
