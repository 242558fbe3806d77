"""Claims about the page of a study in a real browser: answered by keyboard or hand, resumed, sent back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest
import study_world as world

from bokehbench import records
from bokehbench.study.build import build
from bokehbench.study.models import AnswerFile
from bokehbench.study.order import plan
from bokehbench.study.report import analyse

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three kinds, 2 cases each."""
    root = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        world.register_world(patch)
        at = world.write_results(root / "results", scenes=1, truth=False)
        record = records.read_json(at.case_record("portrait1"))
        nowhere = {**record, "lens": {**record["lens"], "disp_focus": 1.5}}
        records.write_json(at.case_record("portrait1"), nowhere)  # no focus cross, no question of accuracy
        build(
            [root / "results"],
            root / "rating",
            world.design("rating", scale="1-5", criteria=("realism", "accuracy")),
        )
        records.write_json(at.case_record("portrait1"), record)
        options = {
            "repeats": 1,
            "consent": "You may stop.\n\nNothing is sent.",
            "subjects": 2,
            "break_every": 4,
        }
        build([root / "results"], root / "pairwise", world.design("pairwise", **options))
        build([root / "results"], root / "best", world.design("best-of-n", focus="disparity"))
    return root


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    """Opens a page, in a context of its own: nothing is remembered from the test before."""
    context = browser.new_context(viewport=chromium.VIEWPORT, accept_downloads=True)
    with chromium.watched(context.new_page()) as page:
        yield lambda path: (page.goto((path / "index.html").as_uri()), page)[1]
    context.close()


def shown(page: Any) -> list[str]:
    page.wait_for_selector("#trial .judged")
    return list(page.locator("#pictures .judged").evaluate_all("all => all.map(f => f.dataset.name)"))


def saved(page: Any, button: str, to: Path) -> dict[str, Any]:
    with page.expect_download() as waiting:
        page.click(button)
    waiting.value.save_as(to / waiting.value.suggested_filename)
    return dict(json.loads((to / waiting.value.suggested_filename).read_text()))


def test_pairs_by_keyboard_with_consent_break_and_a_second_visit(
    visit: Any, folder: Path, tmp_path: Path
) -> None:
    study, key = world.opened(folder / "pairwise")
    code = key.codes[0]
    steps = plan(study, code)
    page = visit(folder / "pairwise")
    page.fill("#code", "nobody")
    page.keyboard.press("Enter")
    assert page.text_content("#problem") == "This study has no such code."
    page.fill("#code", code.lower())
    page.keyboard.press("Enter")
    assert "agree to it" in page.text_content("#problem")
    page.check("#agree")
    page.click("#enter button")
    for step in steps[:2]:
        assert shown(page) == list(step.shown)
        page.keyboard.press("Enter")  # nothing is chosen yet: nothing happens
        page.keyboard.press("2")
        page.wait_for_selector("#next:enabled")
        page.keyboard.press("Enter")
    page.keyboard.press("0")
    page.click("#stop")
    part = saved(page, "#save-part", tmp_path / "part")
    assert [answer["choice"] for answer in part["answers"]] == [step.shown[1] for step in steps[:2]]

    page = visit(folder / "pairwise")  # closed and opened again
    page.fill("#code", code)
    page.check("#agree")
    page.click("#enter button")
    assert "2 of 7" in page.text_content("#pause-text")
    page.click("#resume")
    for index, step in enumerate(steps[2:], start=2):
        if index == 4:
            assert page.text_content("#pause-title") == "Time for a short break"
            page.click("#resume")
        assert shown(page) == list(step.shown)
        page.keyboard.press("0")
        page.wait_for_selector("#next:enabled")
        page.click("#next")
    page.wait_for_selector("#end:not([hidden])")
    content = saved(page, "#save", tmp_path / "in")
    assert content == {**AnswerFile.model_validate(content).model_dump(mode="json", by_alias=True)}
    assert all(0 <= answer["seconds"] < 60 for answer in content["answers"])
    found = analyse([tmp_path / "in", tmp_path / "part"], folder / "pairwise")
    assert found.attendance[0].answered == 7 and found.attendance[0].code == code


def test_ratings_by_hand_with_a_step_back(visit: Any, folder: Path, tmp_path: Path) -> None:
    study, _ = world.opened(folder / "rating")
    page = visit(folder / "rating")
    page.fill("#code", "P-1")
    page.click("#enter button")
    steps = plan(study, "P-1")
    focused = {trial.id for trial in study.trials if trial.focus}
    assert len(focused) == 3 and len(steps) == 6
    for number, step in enumerate(steps):
        assert shown(page) == list(step.shown)
        if step.trial in focused:
            page.locator('[data-criterion="accuracy"] .pick', has_text="4").click()
            assert page.locator("#next").is_disabled()
        assert page.locator("#answers fieldset").count() == 1 + (step.trial in focused)
        page.locator('[data-criterion="realism"] .pick', has_text="1").click()
        page.wait_for_selector("#next:enabled")
        if number == 1:
            page.click("#back")
            assert shown(page) == list(steps[0].shown)
            for digit in "53"[: 1 + (steps[0].trial in focused)]:
                page.keyboard.press(digit)
            page.wait_for_selector("#next:enabled")
            page.keyboard.press("Enter")
            assert shown(page) == list(step.shown)
            for digit in "22"[: 1 + (step.trial in focused)]:
                page.keyboard.press(digit)
            page.wait_for_selector("#next:enabled")
        page.click("#next")
    ratings = [answer["ratings"] for answer in saved(page, "#save", tmp_path)["answers"]]
    given = [("5", "3"), ("2", "2"), *[("1", "4")] * 4]  # realism first: the order of the criteria
    assert ratings == [
        {"realism": realism, **({"accuracy": accuracy} if step.trial in focused else {})}
        for step, (realism, accuracy) in zip(steps, given, strict=True)
    ]


def test_the_best_on_a_phone_with_the_focus_marked(visit: Any, folder: Path, tmp_path: Path) -> None:
    study, key = world.opened(folder / "best")
    page = visit(folder / "best")
    page.set_viewport_size({"width": 360, "height": 740})
    page.fill("#code", "phone")
    page.click("#enter button")
    for step in plan(study, "PHONE"):
        assert shown(page) == list(step.shown)
        across = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(across) == 0
        assert page.locator("#pictures .cross").count() == 2  # on the input and on its disparity map
        smear = next(name for name in step.shown if key.pictures[name].label == "smear")
        page.locator(f'figure[data-name="{smear}"] .frame').click()
        assert page.locator("#large").is_visible()
        page.keyboard.press("ArrowLeft")
        page.click("#close")
        page.click("#peek")
        assert page.locator(f'figure[data-name="{smear}"] .over').is_visible()
        page.locator(f'figure[data-name="{smear}"] .pick').click()
        page.wait_for_selector("#next:enabled")
        page.click("#next")
    saved(page, "#save", tmp_path)
    found = analyse([tmp_path], folder / "best")
    assert {line.method: line.estimate.value for line in found.lines}["smear"] == 1
