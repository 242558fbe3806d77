"""Claims about what a card says of a training: how far it came, of how much there was to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bokehbench
from bokehbench import progress_made
from bokehbench.progress_made import mark, stages, still_improving, summary

PACKAGE = Path(bokehbench.__file__).parent


@pytest.fixture(autouse=True)
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration of 1,000 steps, one that extends it."""
    monkeypatch.setattr(progress_made, "CONFIGS", tmp_path)
    (tmp_path / "any_net").mkdir()
    (tmp_path / "any_net" / "paper.yaml").write_text("seed: 1\nfirst: {steps: 9000}\nsecond: {steps: 500}\n")
    (tmp_path / "any_net" / "compact.yaml").write_text("extends: paper\nfirst: {steps: 1000}\n")


def card(
    steps: int = 200, *, of: int = 200, config: str = "compact", curve: Any = (), **more: Any
) -> dict[str, Any]:
    stage = {"steps": steps, "of": of, "taken": {"step": steps}, "curve": curve}
    command = f"bokehbench train any-net --config {config} --set 'first.steps={of}' --out RUN"
    return {"schema": progress_made.SCHEMA, "command": command, "stages": {"first": stage}, **more}


def rising(n: int, slope: float = 0.1) -> list[tuple[int, float]]:
    return [(step, slope * step) for step in range(n)]


@pytest.mark.parametrize(("n", "part"), [(4, 1), (7, 1), (11, 2), (15, 3), (16, 2), (40, 5)])
def test_a_curve_that_rises_is_still_improving(n: int, part: int) -> None:
    assert still_improving(rising(n))["value"] is True
    assert still_improving(rising(n))["gain_db"] == pytest.approx(0.1 * part)
    assert still_improving(rising(n, 0.0))["value"] is False


def test_three_validations_say_nothing() -> None:
    assert still_improving(rising(3))["value"] is None
    assert "too few validations to say" in summary(card(curve=rising(3)))


def test_steps_are_held_against_the_configuration_that_comes_with_the_package_not_against_set() -> None:
    said = summary(card(curve=rising(8)))
    assert said == (
        "trained by bokehbench train any-net: first 200 of compact's 1,000 steps, not trained to the end, "
        "still improving (+0.20 dB lately)"
    )
    assert mark(card(curve=rising(8))) == "not trained to the end, still improving"
    whole = card(1000, of=1000, curve=rising(8, 0.0))
    assert "first 1,000 of compact's 1,000 steps, no longer improving" in summary(whole)
    assert mark(whole) == ""


def test_a_run_that_was_to_do_more_or_has_settings_of_its_own_is_held_against_itself() -> None:
    assert "first 1,500 of 2,000 steps, not trained to the end" in summary(card(1500, of=2000))
    assert "first 200 of 200 steps, too few" in summary(card(config="compact.yaml"))


def test_what_a_card_extends_counts() -> None:
    both = card() | {"stages": {"second": {"steps": 100, "of": 100}}}
    assert "second 100 of compact's 500 steps" in summary(both)


def test_steps_of_runs_before_were_on_the_way_too() -> None:
    start = {
        "stages": {"first": {"steps": 300, "of": 300, "taken": 250}},
        "start": {"stages": {"first": {"steps": 100, "of": 9000}}, "start": {"weights": {}}},
    }
    (stage,) = stages(card(start=start))
    assert (stage.before, stage.is_to_go_on) == (350, True)
    assert "200 of compact's 1,000 steps after 350 of runs before" in str(stage)
    assert not stages(card(650, of=650, start=start))[0].is_to_go_on


def test_an_answer_in_the_card_stands_and_the_step_of_the_weights_is_said() -> None:
    known = card(curve=rising(8))
    known["stages"]["first"] |= {"still_improving": {"value": False, "gain_db": -0.01}, "taken": {"step": 50}}
    assert "no longer improving (-0.01 dB lately), weights of step 50" in summary(known)


def test_cards_of_others_bring_their_own_sentence() -> None:
    assert summary({"summary": "by its authors", "stages": {"first": {"steps": 3}}}) == "by its authors"
    assert summary({}) == mark({}) == "" and stages({"stages": {"first": "long"}}) == []


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("baselines/*/trained/*.json")), ids=lambda p: p.stem)
def test_cards_that_ship_are_held_against_a_configuration_that_ships(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_made, "CONFIGS", PACKAGE / "training" / "configs")
    found = stages(json.loads(path.read_text()))
    assert found and all(stage.config for stage in found)
