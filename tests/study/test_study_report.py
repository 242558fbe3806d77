"""Claims about reports: they count right, and nothing that is not of the study counts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import study_world as world
from study_world import digest

from bokehbench import records
from bokehbench.errors import ConfigError, InputError
from bokehbench.leaderboard.results import Protocol
from bokehbench.study.build import build
from bokehbench.study.export import write_report
from bokehbench.study.models import Criterion
from bokehbench.study.report import analyse


def prefer(case: str, labels: tuple[str, ...]) -> str | None:
    """Likes smear least; cannot tell the others apart on even cases, likes pinhole on odd ones."""
    if "smear" in labels:
        return next(label for label in labels if label != "smear")
    return None if int(case[-1]) % 2 == 0 else "pinhole"


def test_from_pairwise_answers_to_a_report(results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "page", world.design(subjects=8, repeats=3))
    study, key = world.opened(tmp_path / "page")
    for code in key.codes[:7]:
        world.send(tmp_path / "in", study, key, code, prefer)
    found = analyse([tmp_path / "in"], tmp_path / "page", resamples=100)
    rates = {line.method: line.estimate for line in found.lines}
    assert rates["smear"].value == 0 and rates["smear"].low == 0
    assert rates["pinhole"].value == (8 + 4 + 2) / 16 and rates["zeiss-like"].value == (8 + 2) / 16
    assert rates["pinhole"].answers == 7 * 16 and rates["pinhole"].participants == 7
    assert found.wins["pinhole", "zeiss-like"] == (28, 28, 0)
    share, back = found.preferred["pinhole", "zeiss-like"], found.preferred["zeiss-like", "pinhole"]
    assert (share.value, share.answers, share.participants) == (0.75, 56, 7)
    assert share.low is not None and share.high is not None and 0.5 < share.low < 0.75 < share.high < 1
    assert (1 - share.high, 1 - share.low) == pytest.approx((back.low, back.high))
    assert found.agreement["choice"] == 1  # everybody answers alike
    assert found.strengths is not None and found.strengths.smoothed
    assert list(found.strengths.scores) == ["pinhole", "zeiss-like", "smear"]
    assert all(seen.contradicted == 0 and seen.repeated == 3 for seen in found.attendance)
    assert f"no answers from: {key.codes[7]}" in found.notes
    write_report(found, tmp_path / "report")
    text = (tmp_path / "report/report.md").read_text()
    assert f"28 / 28 / 0: 75.0 % ({100 * share.low:.1f} to {100 * share.high:.1f})" in text
    table = {
        (row["method"], row["quantity"]): row
        for row in csv.DictReader((tmp_path / "report/report.csv").open())
    }
    assert float(table["pinhole", "preferred to zeiss-like"]["high"]) == share.high
    wins = json.loads((tmp_path / "report/report.json").read_text())["wins"]
    assert wins[0]["preferred"]["low"] is not None
    rows = list(csv.DictReader((tmp_path / "report/answers.csv").open()))
    assert len(rows) == 7 * 27 and {row["answer"] for row in rows} == {"tie", "pinhole", "zeiss-like"}
    again = tmp_path / "again"
    write_report(
        analyse([*sorted((tmp_path / "in").iterdir())][::-1], tmp_path / "page", resamples=100), again
    )
    assert digest(again) == digest(tmp_path / "report")


def test_ratings_in_words_and_in_numbers(results: Path, tmp_path: Path) -> None:
    words = {"smear": "bad", "pinhole": "normal", "zeiss-like": "good"}
    build([results], tmp_path / "words", world.design("rating"))
    study, key = world.opened(tmp_path / "words")
    for number in range(6):
        other = "normal" if number < 3 else "good"
        world.send(
            tmp_path / "in", study, key, f"P{number}", lambda c, m, o=other: words[m[0]] if o == "good" else o
        )
    found = analyse([tmp_path / "in"], tmp_path / "words")
    rates = {(line.method, line.quantity): line.estimate.value for line in found.lines}
    assert rates["smear", "bad"] == 0.5 and rates["smear", "normal"] == 0.5 and rates["smear", "good"] == 0
    assert rates["pinhole", "normal"] == 1 and found.strengths is None and found.level == "ordinal"

    build([results], tmp_path / "numbers", world.design("rating", scale="1-5"))
    study, key = world.opened(tmp_path / "numbers")
    assert [c.name for c in study.criteria] == ["accuracy", "realism", "preference"]
    marks = {"smear": "1", "pinhole": "3", "zeiss-like": "5"}
    for number in range(6):
        world.send(tmp_path / "in2", study, key, f"P{number}", lambda c, m: marks[m[0]])
    found = analyse([tmp_path / "in2"], tmp_path / "numbers")
    means = {
        (line.method, line.criterion): line.estimate.value for line in found.lines if line.quantity == "mean"
    }
    assert means["zeiss-like", "realism"] == 5 and means["pinhole", "accuracy"] == 3
    assert found.agreement == {"accuracy": 1, "realism": 1, "preference": 1}


def test_best_of_all_gives_shares(results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "page", world.design("best-of-n", cases=4))
    study, key = world.opened(tmp_path / "page")
    assert {len(trial.pictures) for trial in study.trials} == {3} and len(study.trials) == 4
    assert len({case.scene for case in key.cases}) == 4  # one of each scene before the second of any
    for number in range(8):
        world.send(tmp_path / "in", study, key, f"P{number}", lambda c, m, n=number: world.METHODS[n % 4 % 3])
    found = analyse([tmp_path / "in"], tmp_path / "page", resamples=50)
    assert {line.method: line.estimate.value for line in found.lines} == {
        "zeiss-like": 0.5,
        "pinhole": 0.25,
        "smear": 0.25,
    }
    assert found.strengths is not None and found.strengths.tie == 0


def test_contradictions_and_incomplete_answers_are_named_and_can_be_left_out(
    results: Path, tmp_path: Path
) -> None:
    build([results], tmp_path / "page", world.design(repeats=4))
    study, key = world.opened(tmp_path / "page")
    world.send(tmp_path / "in", study, key, "STEADY", prefer)
    sides = world.answer_sheet(study, key, "LEFT", prefer)
    for answer in sides["answers"]:  # always the left one: the repeats have the sides exchanged
        answer["choice"] = answer["shown"][0]
    records.write_json(tmp_path / "in/left.json", sides)
    half = world.answer_sheet(study, key, "HALF", prefer)
    half["answers"] = half["answers"][:10]
    records.write_json(tmp_path / "in/half.json", half)
    everyone = analyse([tmp_path / "in"], tmp_path / "page")
    seen = {one.code: one for one in everyone.attendance}
    assert seen["LEFT"].contradicted == 4 and seen["STEADY"].contradicted == 0
    assert "incomplete: HALF (10 of 28)" in everyone.notes
    strict = analyse([tmp_path / "in"], tmp_path / "page", complete_only=True, max_contradicted=0.5)
    assert [one.code for one in strict.attendance if one.counted] == ["STEADY"]
    assert "left out: HALF, LEFT" in strict.notes


def test_the_same_answers_sent_twice_count_once(results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "page", world.design())
    study, key = world.opened(tmp_path / "page")
    whole = world.answer_sheet(study, key, "ANNA", prefer)
    records.write_json(tmp_path / "in/whole.json", whole)
    records.write_json(tmp_path / "in/part.json", {**whole, "answers": whole["answers"][:5]})
    found = analyse([tmp_path / "in"], tmp_path / "page")
    assert [one.answered for one in found.attendance] == [24] and "sent twice" in found.notes[0]
    other = json.loads(json.dumps(whole))
    other["answers"][0]["choice"] = other["answers"][0]["shown"][1]
    other["answers"][1]["choice"] = (
        "tie" if whole["answers"][1]["choice"] != "tie" else whole["answers"][1]["shown"][0]
    )
    records.write_json(tmp_path / "in/other.json", other)
    with pytest.raises(InputError, match="two participants with the code ANNA"):
        analyse([tmp_path / "in"], tmp_path / "page")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"study": "0123456789abcdef"}, "answers to study 0123456789abcdef, not to"),
        ({"shoe_size": 43}, "shoe_size: Extra inputs are not permitted"),
        ({"code": "Mrs Smith"}, "code: String should match pattern"),
        ({"code": "STRANGER"}, "not a code of this study"),
        ({"consent": False}, "did not consent"),
        ({"schema": "bokehbench.answers/9"}, "schema"),
        ({"answers": "first two exchanged"}, "answer 1: not the question that the page asks"),
        ({"answers": "another picture"}, "answer 1: .* is not a choice"),
    ],
)
def test_answers_that_are_not_the_page_s_are_refused(
    change: dict[str, Any], message: str, results: Path, tmp_path: Path
) -> None:
    build([results], tmp_path / "page", world.design(subjects=2, consent="You may stop."))
    study, key = world.opened(tmp_path / "page")
    content = world.answer_sheet(study, key, key.codes[0], prefer)
    if change.get("answers") == "first two exchanged":
        content["answers"][:2] = content["answers"][1::-1]
    elif "answers" in change:
        content["answers"][0]["choice"] = "0123456789ab"
    else:
        content |= change
    records.write_json(tmp_path / "in.json", content)
    with pytest.raises(InputError, match=message):
        analyse([tmp_path / "in.json"], tmp_path / "page")


def test_a_changed_page_and_a_foreign_key_are_refused(results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "a", world.design())
    build([results], tmp_path / "b", world.design(question="Which one?"))
    study, key = world.opened(tmp_path / "a")
    path = world.send(tmp_path, study, key, "P1", prefer)
    with pytest.raises(InputError, match="the key of study"):
        analyse([path], tmp_path / "a", tmp_path / "b.key.json")
    data = tmp_path / "a/assets/data.js"
    data.write_text(data.read_text().replace("better", "worse"))
    with pytest.raises(InputError, match="was changed since it was built"):
        analyse([path], tmp_path / "a")


def without_focus(at: Protocol, case: str) -> None:
    """Focus the lens far beside everything in the picture."""
    path = at.case_record(case)
    content = records.read_json(path)
    records.write_json(path, {**content, "lens": {**content["lens"], "disp_focus": 1.5}})


def test_accuracy_is_asked_for_only_where_a_cross_shows_the_focus(tmp_path: Path) -> None:
    at = world.write_results(tmp_path / "results", scenes=2, truth=False)
    without_focus(at, "portrait1")
    built = build([at.root], tmp_path / "page", world.design("rating", scale="1-5"))
    (said,) = built.notes
    assert said.startswith("1 case has no focus cross") and said.endswith(
        "so accuracy cannot be judged and is not asked for there"
    )
    study, key = world.opened(tmp_path / "page")
    for trial in study.trials:
        blind = key.cases[key.pictures[trial.pictures[0]].case].case == "portrait1"
        assert (trial.focus is None) == blind
        asked = [criterion.name for criterion in study.criteria_of(trial.id)]
        assert asked == [*([] if blind else ["accuracy"]), "realism", "preference"]
    for code in ("ANNA", "BERT"):
        world.send(tmp_path / "in", study, key, code, lambda c, m: "4")
    found = analyse([tmp_path / "in"], tmp_path / "page")
    means = [line for line in found.lines if line.quantity == "mean" and line.method == "smear"]
    assert {line.criterion: line.estimate.answers for line in means} == {
        "accuracy": 2 * 3,
        "realism": 2 * 4,
        "preference": 2 * 4,
    }
    assert said in found.notes and found.agreement.keys() == {"accuracy", "realism", "preference"}
    sheet = world.answer_sheet(study, key, "CARL", lambda c, m: "4")
    for answer in sheet["answers"]:
        answer["ratings"]["accuracy"] = "4"
    records.write_json(tmp_path / "in/carl.json", sheet)
    with pytest.raises(InputError, match="must rate preference, realism and nothing else"):
        analyse([tmp_path / "in"], tmp_path / "page")


def test_without_any_cross_accuracy_is_no_question(tmp_path: Path) -> None:
    at = world.write_results(tmp_path / "results", scenes=1, truth=False)
    options = {"scale": "1-5", "focus": "none"}
    build([at.root], tmp_path / "none", world.design("rating", **options))
    study, _ = world.opened(tmp_path / "none")
    assert [criterion.name for criterion in study.criteria] == ["realism", "preference"]
    with pytest.raises(ConfigError, match=r"--criteria accuracy: .*--focus none"):
        build([at.root], tmp_path / "named", world.design("rating", criteria=("accuracy",), **options))
    alone = world.design("rating", scale="1-5", criteria=("accuracy",))
    without_focus(at, "portrait1")
    built = build([at.root], tmp_path / "alone", alone)
    assert built.cases == 1 and "1 of 2 cases are not shown: nothing else is asked" in built.notes
    without_focus(at, "portrait0")
    with pytest.raises(InputError, match="no question is left"):
        build([at.root], tmp_path / "nothing", alone)
    assert not (tmp_path / "nothing").exists()


def test_a_study_that_was_built_before_there_were_such_criteria_keeps_its_hash() -> None:
    assert Criterion(name="accuracy", text="?").model_dump() == {"name": "accuracy", "text": "?"}
    assert Criterion(name="accuracy", needs_focus=True).model_dump()["needs_focus"] is True
