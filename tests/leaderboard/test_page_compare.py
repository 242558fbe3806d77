"""Claims about what the comparison shows: pixels as scored, maps as their legends and the optics say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from viewer_world import SIZE, Viewer, case_file, pixels

POINTS = ((3, 4), (20, 9), (41, 28))


@pytest.mark.browser
def test_zoomed_in_pixels_are_shown_as_they_were_scored(viewer: Viewer, shown_results: Path) -> None:
    viewer.open(case="s0_L5", show=("_target", "soft", "sharp", "identity"), view="grid", zoom="2,0.5,0.5")
    assert len(viewer.shown()) == 4
    for pane, what in enumerate(("target", "soft", "sharp", "identity")):
        expected = pixels(shown_results, what)
        for x, y in ((14, 10), (24, 16), (33, 22)):
            assert (viewer.colour(x, y, pane) == expected[y, x]).all(), (what, x, y)


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["error", "signed"])
def test_error_maps_follow_their_legend(viewer: Viewer, shown_results: Path, kind: str) -> None:
    viewer.open(case="s0_L5", show=("sharp", "identity"), view="grid", map=kind, zoom="1.01,0.5,0.5")
    target = pixels(shown_results, "target")
    for pane, what in enumerate(("sharp", "identity")):
        difference = pixels(shown_results, what) - target
        for x, y in POINTS:
            size = np.sqrt(min(1, abs(difference[y, x]).mean() / 64))
            luma = float(difference[y, x] @ (0.2126, 0.7152, 0.0722))
            side = 0.5 + 0.5 * np.sign(luma) * np.sqrt(min(1, abs(luma) / 64))
            expected, _ = viewer.legend(kind, size if kind == "error" else side)
            assert abs(viewer.colour(x, y, pane) - expected).max() <= 2, (what, x, y)


@pytest.mark.browser
def test_errors_are_against_the_picture_that_is_chosen(viewer: Viewer, shown_results: Path) -> None:
    page = viewer.open(case="s0_L5", show=("sharp", "soft"), view="grid", map="error", zoom="1.01,0.5,0.5")
    page.select_option("#against", "sharp")
    viewer.ready()
    x, y = 20, 9
    assert (viewer.colour(x, y, 0) == pixels(shown_results, "sharp")[y, x]).all()  # itself, as it is
    error = abs(pixels(shown_results, "soft") - pixels(shown_results, "sharp"))[y, x].mean()
    expected, _ = viewer.legend("error", float(np.sqrt(min(1, error / 64))))
    assert abs(viewer.colour(x, y, 1) - expected).max() <= 2
    assert "against=sharp" in page.url


@pytest.mark.browser
def test_the_overlay_is_the_analytic_circle_of_confusion(viewer: Viewer, shown_results: Path) -> None:
    page = viewer.open(
        case="s0_L5", show=("_target", "soft"), view="grid", overlay="coc,1", zoom="1.01,0.5,0.5"
    )
    ticks = page.locator(".key[data-scale=coc] span").all_text_contents()
    limit = float(ticks[-1])
    assert [float(t.replace("−", "-")) / limit for t in ticks] == [-1, -0.25, 0, 0.25, 1]
    disparity = cv2.imread(str(case_file(shown_results, "disparity")), cv2.IMREAD_UNCHANGED) / 65535
    defocus = 8.0 * (disparity - 0.5)  # S = K (disparity - disp_focus), as the world was written
    assert abs(defocus).max() <= limit * 1.001
    target = pixels(shown_results, "target")
    for x, y in POINTS:
        share = np.sign(defocus[y, x]) * np.sqrt(abs(defocus[y, x]) / limit)
        over, opacity = viewer.legend("coc", 0.5 + 0.5 * share)
        assert opacity == pytest.approx(abs(share), abs=1e-3)
        expected = target[y, x] * (1 - opacity) + over * opacity
        assert abs(viewer.colour(x, y) - expected).max() <= 3, (x, y)


@pytest.mark.browser
def test_the_outline_lies_on_the_rim_of_what_is_in_focus(viewer: Viewer, shown_results: Path) -> None:
    viewer.open(case="s0_L5", show=("_target", "soft"), view="grid", overlay="plane,1", zoom="1.01,0.5,0.5")
    disparity = cv2.imread(str(case_file(shown_results, "disparity")), cv2.IMREAD_UNCHANGED) / 65535
    sharp = abs(8.0 * (disparity - 0.5)) <= 1
    rim = sharp & ~(cv2.erode(sharp.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    inside = sharp & (cv2.erode(sharp.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    target = pixels(shown_results, "target")
    assert rim.any()
    yellow = [tuple(viewer.colour(x, y)) == (255, 225, 77) for y, x in np.argwhere(rim)[:20]]
    assert sum(yellow) >= 0.5 * len(yellow)  # corners touch the rim by a corner alone
    for y, x in [*np.argwhere(~sharp)[:5], *np.argwhere(inside)[:5]]:
        assert abs(viewer.colour(x, y) - target[y, x]).max() <= 1


@pytest.mark.browser
def test_what_was_shown_before_is_forgotten_and_comes_back(viewer: Viewer, shown_results: Path) -> None:
    for scene in range(4):
        viewer.open(case=f"s{scene}_L1", show=("soft", "sharp"), view="grid", map="error")
    left = viewer.page.evaluate(
        """Compare.pixels.release(new Set([0, 1].map((i) => Compare.view.frame(i).layers.base.key)), 0)"""
    )
    assert left == 2 * SIZE[0] * SIZE[1]  # the two maps on the screen
    viewer.open(case="s0_L5", show=("soft", "sharp"), view="grid", zoom="2,0.5,0.5")
    assert (viewer.colour(24, 16) == pixels(shown_results, "soft")[16, 24]).all()


@pytest.mark.browser
def test_values_under_the_pointer(viewer: Viewer, shown_results: Path) -> None:
    page = viewer.open(case="s0_L5", show=("soft", "_target"), view="grid")
    page.locator("#viewer .frame >> nth=0").scroll_into_view_if_needed()
    box = page.locator("#viewer .frame >> nth=0").bounding_box()
    x, y = 20, 9
    page.mouse.move(
        box["x"] + box["width"] * (x + 0.5) / SIZE[0], box["y"] + box["height"] * (y + 0.5) / SIZE[1]
    )
    page.wait_for_function("document.querySelector('#readout').textContent")
    soft, target = pixels(shown_results, "soft")[y, x], pixels(shown_results, "target")[y, x]
    values = page.locator("#compare .reading").all_text_contents()
    assert values[0].startswith("RGB " + " ".join(f"{v:.0f}" for v in soft))
    assert f"error {abs(soft - target).mean():.1f}" in values[0]
    assert values[1] == "RGB " + " ".join(f"{v:.0f}" for v in target)
    disparity = cv2.imread(str(case_file(shown_results, "disparity")), cv2.IMREAD_UNCHANGED)[y, x] / 65535
    said = page.text_content("#readout")
    assert said.startswith("x 20, y 9 ") and f"disparity {disparity:.4f}" in said
    assert f"circle of confusion {abs(8 * (disparity - 0.5)):.2f} px" in said
    assert page.locator(".probe:visible").count() == 2  # the same place in every picture
