"""Claims about the comparison under mouse, fingers and keys, its links and the order of its cases."""

from __future__ import annotations

from pathlib import Path

import board_world as world
import pytest
from viewer_world import METHODS, SIZE, Viewer, pixels

from bokehbench import records


@pytest.mark.browser
def test_the_divider_follows_the_hand_and_the_keys(viewer: Viewer) -> None:
    page = viewer.open(case="s0_L5", show=("_target", "soft"))
    split = (
        "() => parseFloat(getComputedStyle(document.querySelector('#viewer')).getPropertyValue('--split'))"
    )
    page.locator("#viewer .frame").scroll_into_view_if_needed()
    box = page.locator("#viewer .frame").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20, steps=4)
    page.mouse.up()
    viewer.ready()
    assert page.evaluate(split) == pytest.approx(25, abs=0.5)
    page.locator("#viewer").press("ArrowRight")
    viewer.ready()
    assert page.evaluate(split) == pytest.approx(27, abs=0.5)
    page.locator("#split").press("End")
    viewer.ready()
    assert page.evaluate(split) == 100


@pytest.mark.browser
def test_flipping_by_click_by_digit_and_while_a_key_is_held(viewer: Viewer) -> None:
    page = viewer.open(case="s0_L5", show=("_target", "soft", "sharp"), view="flip")
    visible = "() => [...document.querySelectorAll('#viewer canvas')].findIndex((c) => !c.hidden)"

    def now() -> int:
        viewer.ready()
        return int(page.evaluate(visible))

    assert now() == 0
    page.locator("#viewer .frame").click()
    assert now() == 1
    page.keyboard.press("3")
    assert now() == 2
    page.keyboard.press("Space")
    assert now() == 0
    page.keyboard.down("b")
    assert now() == 1
    page.keyboard.up("b")
    assert now() == 0


@pytest.mark.browser
def test_zoom_and_pan_are_locked_over_the_grid(viewer: Viewer, shown_results: Path) -> None:
    page = viewer.open(case="s0_L5", show=("_target", "soft"), view="grid")
    page.click("#all")
    viewer.ready()
    names = [name.split(",")[0] for name in viewer.shown()]
    assert set(names) == {"ground truth", "all-in-focus input", *METHODS}
    frame = page.locator("#viewer .frame >> nth=1")
    frame.scroll_into_view_if_needed()
    frame.click()
    box = frame.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    page.mouse.wheel(0, -500)
    viewer.ready()
    zoom, x = page.evaluate("[Compare.state.zoom, Compare.state.x]")
    # The point under the pointer stays there.
    assert zoom > 4 and x + 0.25 / zoom == pytest.approx(0.75, abs=2e-3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.25, steps=3)
    page.mouse.up()
    viewer.ready()
    assert page.evaluate("Compare.state.x") == pytest.approx(x + 0.25 / zoom, abs=2e-3)
    column, row = (
        int(v * size)
        for v, size in zip(page.evaluate("[Compare.state.x, Compare.state.y]"), SIZE, strict=True)
    )
    files = {"ground truth": "target", "all-in-focus input": "image"}
    for pane, name in enumerate(names):
        assert (
            viewer.colour(column, row, pane) == pixels(shown_results, files.get(name, name))[row, column]
        ).all(), name
    page.locator("#viewer").press("0")
    viewer.ready()
    assert page.text_content("#fit") == "fit"


@pytest.mark.browser
def test_two_fingers_zoom(viewer: Viewer) -> None:
    page = viewer.open(case="s0_L5", show=("_target", "soft"), view="grid")
    page.locator("#viewer .frame >> nth=0").scroll_into_view_if_needed()
    box = page.locator("#viewer .frame >> nth=0").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def fingers(kind: str, *spread: float) -> None:
        points = [{"x": x + s, "y": y, "id": number} for number, s in enumerate(spread)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", -20, 20)
    for spread in (30, 40, 60):
        fingers("touchMove", -spread, spread)
    fingers("touchEnd")
    assert page.evaluate("Compare.state.zoom") == pytest.approx(3, rel=0.05)
    assert page.evaluate("Compare.state.x") == pytest.approx(0.5, abs=0.02)


@pytest.mark.browser
def test_a_link_opens_the_very_view_and_back_goes_back(viewer: Viewer) -> None:
    page = viewer.load()
    page.select_option("#level", "L1")
    page.select_option("#case", "s1_L1")
    page.select_option("#pane-0", "_target")
    page.click("[data-choose=grid]")
    page.select_option("#map", "error")
    page.select_option("#overlay", "coc")
    page.locator("#in").click()
    page.wait_for_function("location.hash.includes('zoom=1.5')")
    link_of_it = page.url.partition("#")[2]
    state = """(({board, item, cases, ...rest}) =>
        JSON.stringify([board.id, item.key, cases.length, rest]))(Compare.state)"""
    before = page.evaluate(state)
    viewer.load(f"#{link_of_it}")
    assert page.evaluate(state) == before
    assert page.input_value("#case") == "s1_L1" and page.input_value("#map") == "error"
    page.click("#next")
    assert page.input_value("#case") == "s2_L1"
    page.go_back()
    page.wait_for_function("document.querySelector('#case').value === 's1_L1'")
    assert page.evaluate(state) == before
    page.goto("about:blank")
    viewer.load("#case=%E0%A4%A&show=nobody,soft&zoom=x&view=magic&order=a,b")
    assert len(viewer.shown()) == 2


@pytest.mark.browser
def test_the_case_where_one_method_is_furthest_ahead_is_one_click_away(
    viewer: Viewer, shown_results: Path
) -> None:
    page = viewer.open(case="s0_L1", show=("sharp", "soft"))
    at = world.Protocol(shown_results, "toy", "gt@1")

    def psnr(method: str, case: str) -> float:
        content = records.read_json(world.Result(at, method, "none", case).scores)
        return float(content["scores"]["psnr"]["value"])

    cases = [f"s{scene}_{level}" for scene in range(8) for level in ("L1", "L5")]
    ahead = {case: psnr("soft", case) - psnr("sharp", case) for case in cases}
    assert page.text_content("#beaten") == "soft beats sharp"
    page.click("#beaten")
    viewer.ready()
    order = page.locator("#case option").evaluate_all("a => a.map(o => o.value)")
    assert order == sorted(cases, key=lambda case: -ahead[case])
    assert page.input_value("#case") == order[0]
    tile = page.locator("#film [aria-selected=true] span").text_content()
    assert tile == f"+{ahead[order[0]]:.2f}"
    viewer.open(order=("psnr", "identity"))
    worst = min(cases, key=lambda case: psnr("identity", case))
    assert page.input_value("#case") == worst
    viewer.open(order=("psnr", "identity"), reverse="1")
    assert page.input_value("#case") == max(cases, key=lambda case: psnr("identity", case))


@pytest.mark.browser
def test_keys_alone_reach_everything(viewer: Viewer) -> None:
    page = viewer.open(case="s0_L1", show=("_target", "soft"))
    page.locator("#viewer").focus()
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#keys").is_hidden()
    for key, wanted in (
        ("g", "view=grid"),
        ("e", "map=error"),
        ("o", "overlay=coc"),
        ("]", "case=s0_L5"),
        ("x", "show=soft,_target"),
    ):
        page.keyboard.press(key)
        page.wait_for_function("part => location.hash.includes(part)", arg=wanted)
    page.locator("#film").focus()
    page.keyboard.press("End")
    assert page.input_value("#case") == "s7_L5"
    page.keyboard.press("ArrowLeft")
    assert page.input_value("#case") == "s7_L1"
    assert page.evaluate("document.activeElement.id") == "film"


@pytest.mark.browser
def test_a_phone_gets_few_thumbnails_and_no_sideways_scroll(viewer: Viewer) -> None:
    page = viewer.page
    page.set_viewport_size({"width": 360, "height": 740})
    try:
        for view in ("slider", "flip", "grid"):
            viewer.open(
                case="s0_L5", show=("_target", "soft", "sharp"), view=view, map="signed", overlay="coc"
            )
            width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(width) == 0, view
        assert page.locator("#film [role=option]").count() < 14  # of 16: only those in sight exist
        assert page.locator("#film img").first.get_attribute("loading") == "lazy"
    finally:
        page.set_viewport_size({"width": 1200, "height": 900})


@pytest.mark.browser
def test_a_link_to_what_is_not_there_says_so(viewer: Viewer) -> None:
    said = viewer.open(case="NOPE", show=("_target", "nobody")).locator("#missing")
    assert said.text_content() == "case NOPE is not in this page; method nobody is not in this page"
    viewer.page.locator("#next").click()
    viewer.ready()
    assert not said.is_visible()
    assert not viewer.open(case="s0_L5", show=("_target", "soft")).locator("#missing").is_visible()


@pytest.mark.browser
def test_a_frame_without_its_picture_is_not_black(viewer: Viewer) -> None:
    page = viewer.open(case="s0_L5", show=("_target", "soft"), view="grid")
    frame, paper = page.locator("#viewer .frame").first, "(node) => getComputedStyle(node).backgroundColor"
    assert frame.evaluate(paper) == "rgb(0, 0, 0)"
    assert (
        frame.evaluate(f"(node) => {{ delete node.dataset.filled; return ({paper})(node); }}")
        != "rgb(0, 0, 0)"
    )
    assert "loading" in frame.evaluate("(node) => getComputedStyle(node, '::after').content")
