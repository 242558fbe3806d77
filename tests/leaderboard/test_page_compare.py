"""Claims about the picture comparison: its pictures are the scored ones, and its maps are what they say."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import board_world as world
import cv2
import numpy as np
import pytest
from PIL import Image

from bokehbench import images, records
from bokehbench.leaderboard.leaderboard import write
from bokehbench.leaderboard.page_compare import link
from bokehbench.leaderboard.pictures import FIRST_CODE, pack, picture_id

BOARD = "toy--gt-1"
METHODS = {"soft": 12.0, "sharp": 20.0, "identity": 60.0}
SIZE = (48, 32)


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    world.write_world(root, scenes=8, methods=METHODS, size=SIZE)
    return root


@pytest.fixture(scope="module")
def folder(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        world.register_world(patch)
        return write([results], tmp_path_factory.mktemp("page")).page.parent


def unpack(data: bytes) -> tuple[str, bytes]:
    """Name and bytes of a stored picture, read letter by letter."""
    name, length, letters = re.fullmatch(
        r'BOKEHBENCH_PICTURE\("(\w+)",(\d+),"(.*)"\);\n', data.decode("utf-16"), re.DOTALL
    ).groups()  # type: ignore[union-attr]
    bits = "".join(f"{ord(letter) - FIRST_CODE:015b}" for letter in letters)
    return name, bytes(int(bits[8 * at : 8 * at + 8], 2) for at in range(int(length)))


def stored(folder: Path, source: Path) -> np.ndarray:
    name = picture_id(records.sha256_file(source))
    found, webp = unpack((folder / f"assets/pictures/{name}.js").read_bytes())
    assert found == name
    return np.asarray(Image.open(io.BytesIO(webp)))


def case_file(results: Path, what: str, case: str = "s0_L5") -> Path:
    at = world.Protocol(results, "toy", "gt@1")
    folder = at.folder / f"{what}/none"
    return folder / f"{case}.png" if folder.is_dir() else at.case_image(case, what)


def test_pictures_of_the_page_are_the_pixels_that_were_scored(results: Path, folder: Path) -> None:
    for what in ("target", "image", *METHODS):
        file = case_file(results, what)
        assert (stored(folder, file) == images.quantise(images.read_image(file))).all(), what


def test_disparity_keeps_its_16_bits(results: Path, folder: Path) -> None:
    file = case_file(results, "disparity")
    codes = stored(folder, file).astype(np.uint16)
    exact = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert exact.dtype == np.uint16 and (256 * codes[..., 0] + codes[..., 1] == exact).all()


def test_any_number_of_bytes_survives_packing() -> None:
    for length in (0, 1, 2, 14, 15, 16, 29, 30, 31):
        data = bytes((37 * index + 200) % 256 for index in range(length))
        letters = pack(data).decode("utf-16-le")
        assert len(letters) == -(-8 * length // 15)
        assert unpack(f'BOKEHBENCH_PICTURE("x",{length},"{letters}");\n'.encode("utf-16"))[1] == data


def test_what_is_shared_is_stored_once(results: Path, folder: Path) -> None:
    files = sorted((folder / "assets/pictures").glob("*.js"))
    of_scenes = 8 * 3  # image, disparity and target are those of both levels
    assert len(files) == of_scenes + 8 * 2 * len(METHODS)


# ------------------------------------------------------------------------------------------- the browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Viewer:
    """The page in a browser, and what tests ask of it."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page, self.folder, self.opened = page, folder, 0
        self.load()

    def load(self, fragment: str = "") -> Any:
        """Open the page anew."""
        self.page.goto("about:blank")
        self.page.goto(f"{(self.folder / 'index.html').as_uri()}{fragment}")
        return self.ready()

    def open(self, **view: Any) -> Any:
        """Follow a link within the page, as one does from a table."""
        self.opened += 1
        follow = """hash => new Promise((go) => {
            addEventListener("hashchange", go, { once: true });
            location.hash = hash;
        })"""
        self.page.evaluate(follow, f"{link(BOARD, **view)}&n={self.opened}")
        return self.ready()

    def ready(self) -> Any:
        if "case=" not in self.page.url:
            self.page.evaluate("document.querySelector('#compare').scrollIntoView({behavior: 'instant'})")
        self.page.wait_for_selector("#viewer[data-ready=true]")
        self.page.evaluate(
            "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
        )
        return self.page

    def colour(self, x: int, y: int, pane: int = 0) -> np.ndarray:
        """Colour on the screen of the middle of pixel x, y of the picture."""
        found = self.page.evaluate(
            """([pane, ...point]) => {
                const { item, zoom, x, y } = Compare.state;
                const on = document.querySelectorAll("#viewer canvas")[pane];
                const [u, v] = [x, y].map((middle, axis) => {
                    const share = (point[axis] + 0.5) / item.size[axis];
                    return Math.floor((0.5 + (share - middle) * zoom) * [on.width, on.height][axis]);
                });
                const pen = Compare.pixels.context(1, 1);
                pen.drawImage(on, u, v, 1, 1, 0, 0, 1, 1);
                return [...pen.getImageData(0, 0, 1, 1).data];
            }""",
            [pane, int(x), int(y)],
        )
        return np.array(found[:3], float)

    def legend(self, name: str, share: float) -> tuple[np.ndarray, float]:
        """Colour and opacity of the legend at a share of its length."""
        style = self.page.locator(f".key[data-scale={name}] i").get_attribute("style")
        found = [colour.split(",") for colour in re.findall(r"rgba?\(([^)]*)\)", style)]
        stops = np.array([[float(value) for value in (*colour, 1)[:4]] for colour in found])
        at = np.linspace(0, 1, len(stops))
        mixed = [float(np.interp(share, at, stops[:, channel])) for channel in range(4)]
        return np.array(mixed[:3]), mixed[3]

    def shown(self) -> list[str]:
        return list(
            self.page.locator("#viewer canvas").evaluate_all("a => a.map(c => c.getAttribute('aria-label'))")
        )


@pytest.fixture(scope="module")
def viewer(folder: Path) -> Iterator[Viewer]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(  # what was still on its way when the page was left is no failure
            "requestfailed",
            lambda r: None if r.failure == "net::ERR_ABORTED" else complaints.append(f"failed: {r.url}"),
        )
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:", "about:")) else complaints.append(r.url),
        )
        yield Viewer(page, folder)
        browser.close()
        assert complaints == []


def pixels(results: Path, what: str) -> np.ndarray:
    return images.quantise(images.read_image(case_file(results, what))).astype(float)


POINTS = ((3, 4), (20, 9), (41, 28))


@pytest.mark.browser
def test_zoomed_in_pixels_are_shown_as_they_were_scored(viewer: Viewer, results: Path) -> None:
    viewer.open(case="s0_L5", show=("_target", "soft", "sharp", "identity"), view="grid", zoom="2,0.5,0.5")
    assert len(viewer.shown()) == 4
    for pane, what in enumerate(("target", "soft", "sharp", "identity")):
        expected = pixels(results, what)
        for x, y in ((14, 10), (24, 16), (33, 22)):
            assert (viewer.colour(x, y, pane) == expected[y, x]).all(), (what, x, y)


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["error", "signed"])
def test_error_maps_follow_their_legend(viewer: Viewer, results: Path, kind: str) -> None:
    viewer.open(case="s0_L5", show=("sharp", "identity"), view="grid", map=kind, zoom="1.01,0.5,0.5")
    target = pixels(results, "target")
    for pane, what in enumerate(("sharp", "identity")):
        difference = pixels(results, what) - target
        for x, y in POINTS:
            size = np.sqrt(min(1, abs(difference[y, x]).mean() / 64))
            luma = float(difference[y, x] @ (0.2126, 0.7152, 0.0722))
            side = 0.5 + 0.5 * np.sign(luma) * np.sqrt(min(1, abs(luma) / 64))
            expected, _ = viewer.legend(kind, size if kind == "error" else side)
            assert abs(viewer.colour(x, y, pane) - expected).max() <= 2, (what, x, y)


@pytest.mark.browser
def test_errors_are_against_the_picture_that_is_chosen(viewer: Viewer, results: Path) -> None:
    page = viewer.open(case="s0_L5", show=("sharp", "soft"), view="grid", map="error", zoom="1.01,0.5,0.5")
    page.select_option("#against", "sharp")
    viewer.ready()
    assert (viewer.colour(20, 9, 0) == viewer.legend("error", 0)[0]).all()  # against itself
    x, y = 20, 9
    error = abs(pixels(results, "soft") - pixels(results, "sharp"))[y, x].mean()
    expected, _ = viewer.legend("error", float(np.sqrt(min(1, error / 64))))
    assert abs(viewer.colour(x, y, 1) - expected).max() <= 2
    assert "against=sharp" in page.url


@pytest.mark.browser
def test_the_overlay_is_the_analytic_circle_of_confusion(viewer: Viewer, results: Path) -> None:
    page = viewer.open(
        case="s0_L5", show=("_target", "soft"), view="grid", overlay="coc,1", zoom="1.01,0.5,0.5"
    )
    ticks = page.locator(".key[data-scale=coc] span").all_text_contents()
    limit = float(ticks[-1])
    assert [float(t.replace("−", "-")) / limit for t in ticks] == [-1, -0.25, 0, 0.25, 1]
    disparity = cv2.imread(str(case_file(results, "disparity")), cv2.IMREAD_UNCHANGED) / 65535
    defocus = 8.0 * (disparity - 0.5)  # S = K (disparity - disp_focus), as the world was written
    assert abs(defocus).max() <= limit * 1.001
    target = pixels(results, "target")
    for x, y in POINTS:
        share = np.sign(defocus[y, x]) * np.sqrt(abs(defocus[y, x]) / limit)
        over, opacity = viewer.legend("coc", 0.5 + 0.5 * share)
        assert opacity == pytest.approx(abs(share), abs=1e-3)
        expected = target[y, x] * (1 - opacity) + over * opacity
        assert abs(viewer.colour(x, y) - expected).max() <= 3, (x, y)


@pytest.mark.browser
def test_the_outline_lies_on_the_rim_of_what_is_in_focus(viewer: Viewer, results: Path) -> None:
    viewer.open(case="s0_L5", show=("_target", "soft"), view="grid", overlay="plane,1", zoom="1.01,0.5,0.5")
    disparity = cv2.imread(str(case_file(results, "disparity")), cv2.IMREAD_UNCHANGED) / 65535
    sharp = abs(8.0 * (disparity - 0.5)) <= 1
    rim = sharp & ~(cv2.erode(sharp.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    inside = sharp & (cv2.erode(sharp.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    target = pixels(results, "target")
    assert rim.any()
    yellow = [tuple(viewer.colour(x, y)) == (255, 225, 77) for y, x in np.argwhere(rim)[:20]]
    assert sum(yellow) >= 0.5 * len(yellow)  # corners touch the rim by a corner alone
    for y, x in [*np.argwhere(~sharp)[:5], *np.argwhere(inside)[:5]]:
        assert abs(viewer.colour(x, y) - target[y, x]).max() <= 1


@pytest.mark.browser
def test_values_under_the_pointer(viewer: Viewer, results: Path) -> None:
    page = viewer.open(case="s0_L5", show=("soft", "_target"), view="grid")
    page.locator("#viewer .frame >> nth=0").scroll_into_view_if_needed()
    box = page.locator("#viewer .frame >> nth=0").bounding_box()
    x, y = 20, 9
    page.mouse.move(
        box["x"] + box["width"] * (x + 0.5) / SIZE[0], box["y"] + box["height"] * (y + 0.5) / SIZE[1]
    )
    page.wait_for_function("document.querySelector('#readout').textContent")
    soft, target = pixels(results, "soft")[y, x], pixels(results, "target")[y, x]
    values = page.locator("#compare .reading").all_text_contents()
    assert values[0].startswith("RGB " + " ".join(f"{v:.0f}" for v in soft))
    assert f"error {abs(soft - target).mean():.1f}" in values[0]
    assert values[1] == "RGB " + " ".join(f"{v:.0f}" for v in target)
    disparity = cv2.imread(str(case_file(results, "disparity")), cv2.IMREAD_UNCHANGED)[y, x] / 65535
    said = page.text_content("#readout")
    assert said.startswith("x 20, y 9 ") and f"disparity {disparity:.4f}" in said
    assert f"circle of confusion {abs(8 * (disparity - 0.5)):.2f} px" in said
    assert page.locator(".probe:visible").count() == 2  # the same place in every picture


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
def test_zoom_and_pan_are_locked_over_the_grid(viewer: Viewer, results: Path) -> None:
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
            viewer.colour(column, row, pane) == pixels(results, files.get(name, name))[row, column]
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
def test_the_case_where_one_method_is_furthest_ahead_is_one_click_away(viewer: Viewer, results: Path) -> None:
    page = viewer.open(case="s0_L1", show=("sharp", "soft"))
    at = world.Protocol(results, "toy", "gt@1")

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
