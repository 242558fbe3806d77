"""Claims about a study: blind, repeatable, one order here and in the page, reports that count right."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import study_world as world
from click.testing import CliRunner

from bokehbench import images, records
from bokehbench.cli import cli
from bokehbench.errors import BokehbenchError, ConfigError, InputError
from bokehbench.study import build as building
from bokehbench.study.build import build, deal
from bokehbench.study.design import Design
from bokehbench.study.export import write_report
from bokehbench.study.order import plan
from bokehbench.study.report import analyse
from bokehbench.study.stimuli import focus_point, select


@pytest.fixture(autouse=True)
def _methods(monkeypatch: pytest.MonkeyPatch) -> None:
    world.register_world(monkeypatch)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    world.write_results(root, truth=False)
    return root


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


# ------------------------------------------------------------------------------------------ blindness


@pytest.mark.parametrize("kind", ["rating", "pairwise", "best-of-n"])
def test_nothing_in_the_folder_names_a_method_or_a_case(kind: str, results: Path, tmp_path: Path) -> None:
    built = build([results], tmp_path / "page", world.design(kind))
    told = [*world.METHODS, "portrait", "room0", "ipb", "study@1", "data-p", str(tmp_path)]
    for path in (tmp_path / "page").rglob("*"):
        for word in told:
            assert word not in str(path.relative_to(tmp_path))
            assert not path.is_file() or word.encode() not in path.read_bytes(), f"{word} in {path.name}"
    assert built.key.parent == tmp_path and not (tmp_path / "page" / built.key.name).exists()
    assert built.methods == world.METHODS  # the oracle is not asked for


def test_pictures_are_the_pixels_that_were_scored_and_nothing_else(results: Path, tmp_path: Path) -> None:
    from PIL import Image, PngImagePlugin

    copy = shutil.copytree(results, tmp_path / "results")
    path = copy / "ipb/study@1/smear/none/portrait0.png"
    before = images.read_image(path)
    said = PngImagePlugin.PngInfo()
    said.add_text("Software", "smear 3.1")
    Image.open(path).save(path, pnginfo=said)
    record = records.read_json(path.with_suffix(".json"))
    records.write_json(path.with_suffix(".json"), {**record, "prediction": records.sha256_file(path)})
    build([copy], tmp_path / "page", world.design("rating"))
    _, key = world.opened(tmp_path / "page")
    (name,) = [
        n for n, p in key.pictures.items() if p.label == "smear" and key.cases[p.case].case == "portrait0"
    ]
    shown = tmp_path / f"page/pictures/{name}.png"
    assert b"smear" not in shown.read_bytes()
    assert np.array_equal(images.read_image(shown), before)


def test_the_order_of_files_and_trials_tells_nothing(results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "page", world.design("rating"))
    study, key = world.opened(tmp_path / "page")
    by_name = [key.pictures[n].label for n in sorted(key.pictures)]
    by_trial = [key.pictures[t.pictures[0]].label for t in study.trials]
    for labels in (by_name, by_trial):
        runs = sum(a != b for a, b in itertools.pairwise(labels))
        assert runs > 8  # sorted by method there would be 2, by case 23
        assert labels != sorted(labels) and labels != list(world.METHODS) * 8


def test_the_same_results_and_seed_give_the_same_bytes(results: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        build([results], tmp_path / name / "page", world.design(subjects=3, repeats=2))
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    build([results], tmp_path / "c" / "page", world.design(subjects=3, repeats=2, seed=4))
    assert not digest(tmp_path / "a").keys() >= {k for k in digest(tmp_path / "c") if "pictures" in k}


# ---------------------------------------------------------------------------------------------- order


def test_the_order_is_a_function_of_the_code_and_fair(results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "page", world.design(repeats=4))
    study, _ = world.opened(tmp_path / "page")
    ids = {trial.id for trial in study.trials}
    firsts, lefts = Counter[str](), Counter[bool]()
    for number in range(200):
        steps = plan(study, f"P{number}")
        assert steps == plan(study, f"P{number}")
        assert {step.trial for step in steps if not step.repeat} == ids and len(steps) == len(ids) + 4
        firsts[steps[0].trial] += 1
        lefts[steps[0].shown[0] < steps[0].shown[1]] += 1
        seen = {step.trial: (index, step.shown) for index, step in enumerate(steps) if not step.repeat}
        for index, step in enumerate(steps):
            if step.repeat:
                before, shown = seen[step.trial]
                assert before < len(ids) / 2 <= index and step.shown == shown[::-1]
    assert len(firsts) > 20 and max(firsts.values()) < 30 and 70 < lefts[True] < 130


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_the_page_has_the_same_order(results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "page", world.design(repeats=3, subjects=4, each=9))
    study, key = world.opened(tmp_path / "page")
    # The page's script with a document that swallows everything: only the order is asked for.
    script = """
      const fs = require("fs"), folder = process.argv[1], codes = process.argv.slice(2);
      const any = new Proxy(function () {}, {get: (t, n) => n === Symbol.toPrimitive ? () => "" : any,
        apply: () => any, construct: () => any, set: () => true});
      globalThis.window = globalThis; window.scrollTo = () => {};
      globalThis.document = any; globalThis.location = {hash: ""};
      for (const name of ["data.js", "study.js"])
        (0, eval)(fs.readFileSync(`${folder}/assets/${name}`, "utf8"));
      console.log(JSON.stringify(codes.map((code) => window.studyPlan(code))));
    """
    command = ["node", "-e", script, str(tmp_path / "page"), *key.codes]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    for code, steps in zip(key.codes, json.loads(done.stdout), strict=True):
        mine = [{"trial": s.trial, "repeat": s.repeat, "shown": list(s.shown)} for s in plan(study, code)]
        assert steps == mine


def test_trials_are_dealt_evenly() -> None:
    rows = deal(trials=10, subjects=7, each=4, seed=1)
    counts = np.bincount([number for row in rows for number in row], minlength=10)
    assert counts.max() - counts.min() <= 1 and all(len(set(row)) == 4 for row in rows)


# ------------------------------------------------------------------------------------------- the report


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


# ------------------------------------------------------------------------------------------- building


def test_what_people_wrote_is_escaped(results: Path, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    build([results], tmp_path / "page", world.design(title=evil, question=evil, consent=evil))
    assert evil not in (tmp_path / "page/index.html").read_text()
    assert "<script" not in (tmp_path / "page/assets/data.js").read_text()


def test_an_interrupted_build_leaves_nothing(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "_write_page", stop)
    with pytest.raises(KeyboardInterrupt):
        build([results], tmp_path / "page", world.design())
    assert list(tmp_path.iterdir()) == []


def test_a_study_and_its_key_are_never_overwritten(results: Path, tmp_path: Path) -> None:
    build([results], tmp_path / "page", world.design())
    with pytest.raises(InputError, match="is there already"):
        build([results], tmp_path / "page", world.design())
    with pytest.raises(InputError, match="the key of another study"):
        build([results], tmp_path / "other", world.design(seed=9), tmp_path / "page.key.json")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ("leica",)}, "--method leica: not in these results"),
        ({"benchmarks": ("blb",)}, "--benchmark blb: not in these results, which have ipb"),
        ({"levels": ("L9",)}, "--level L9: not in these results, which have L1, L2$"),
        ({"protocols": ("gt",)}, "--protocol gt: not in these results, which have study, study@1$"),
        ({"methods": ("smear",)}, "compares methods"),
        ({"repeats": 13}, "at most half of a participant's 24 questions"),
        ({"cases": 0}, "--cases 0: must be 1 or more"),
        ({"each": 0}, "--trials 0: must be 1 or more"),
        ({"scale": "1-5"}, "belong to --kind rating"),
        ({"kind": "rating", "scale": "only"}, "2 to 9 different answers"),
        ({"kind": "rating", "scale": "1-20"}, "2 to 9 different answers"),
        ({"kind": "rating", "criteria": ("a", "a")}, "each once"),
        ({"also": ("target",)}, "no case has pictures of all of .*target"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    options: dict[str, Any], message: str, results: Path, tmp_path: Path
) -> None:
    with pytest.raises(BokehbenchError, match=message):
        build([results], tmp_path / "page", world.design(**options))
    assert list(tmp_path.iterdir()) == []


def test_stale_and_foreign_pictures_are_refused(results: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(results, tmp_path / "results")
    record = copy / "ipb/study@1/smear/none/portrait0.json"
    content = records.read_json(record)
    records.write_json(record, {**content, "method": "smear@0"})
    with pytest.raises(
        InputError, match=r"smear@1; bokehbench run .*renews it, or leave smear out .*--method"
    ):
        build([copy], tmp_path / "page", world.design())
    records.write_json(record, {**content, "prediction": "0" * 64})
    with pytest.raises(InputError, match="not the picture of its record"):
        build([copy], tmp_path / "page", world.design())


def test_the_ground_truth_and_a_shrunk_size_can_take_part(tmp_path: Path) -> None:
    world.write_results(tmp_path / "results", scenes=1)
    wide = world.design("best-of-n", also=("target",), max_width=64, focus="disparity")
    built = build([tmp_path / "results"], tmp_path / "page", wide)
    study, _ = world.opened(tmp_path / "page")
    assert built.methods == (*world.METHODS, "target") and study.trials[0].size == world.SIZE
    assert study.trials[0].disparity in study.files


def test_cases_that_lack_a_method_are_left_out_and_said(tmp_path: Path) -> None:
    at = world.write_results(tmp_path / "results", scenes=2)
    (at.folder / "smear/none/portrait1.json").unlink()
    found = select([tmp_path / "results"], methods=["smear", "pinhole"])
    assert len(found.cases) == 3 and found.notes == ["1 case left out: not every method has it"]


def test_one_of_several_protocols_can_be_shown(tmp_path: Path) -> None:
    at = world.write_results(tmp_path / "results", scenes=1)
    for other in ("best@2", "best@2+dilate-3"):
        shutil.copytree(at.folder, at.folder.with_name(other))
    shown = {
        name: {case.at.protocol for case in select([tmp_path / "results"], protocols=[name]).cases}
        for name in ("study", "best", "best@2", "best@2+dilate-3")
    }
    assert shown == {
        "study": {"study@1"},
        "best": {"best@2", "best@2+dilate-3"},
        "best@2": {"best@2"},
        "best@2+dilate-3": {"best@2+dilate-3"},
    }
    arguments = [
        "study",
        "build",
        str(tmp_path / "results"),
        "--kind",
        "pairwise",
        "--out",
        str(tmp_path / "p"),
    ]
    done = CliRunner().invoke(cli, [*arguments, "--protocol", "best@2"], catch_exceptions=False)
    assert done.exit_code == 0 and "on 2 cases" in done.output


def test_the_cross_marks_the_middle_of_what_is_in_focus() -> None:
    disparity = np.full((60, 80), 0.2, np.float32)
    disparity[20:41, 50:71] = 0.8
    x, y = focus_point(disparity, 0.8) or (0, 0)
    assert (x * 80, y * 60) == pytest.approx((60.5, 30.5), abs=1.01)
    assert focus_point(disparity, 0.5) is None
    assert focus_point(disparity[:, ::-1], 0.8) == pytest.approx((1 - x, y), abs=0.03)


def test_the_design_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError):
        Design(kind="rating", colour="blue")  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match="must be rating, pairwise, best-of-n"):
        Design(kind="duel")  # type: ignore[arg-type]


def test_the_command_line_does_it_all(results: Path, tmp_path: Path) -> None:
    page, answers, report = (str(tmp_path / name) for name in ("page", "in", "report"))
    arguments = [
        "study",
        "build",
        str(results),
        "--kind",
        "rating",
        "--criteria",
        "depth, edges",
        "--out",
        page,
    ]
    done = CliRunner().invoke(cli, [*arguments, "--scale", "1-3", "--cases", "2"], catch_exceptions=False)
    assert done.exit_code == 0 and "keep it" in done.output, done.output
    study, key = world.opened(Path(page))
    world.send(Path(answers), study, key, "P1", lambda case, labels: "2")
    done = CliRunner().invoke(cli, ["study", "report", answers, "--study", page, "--out", report])
    assert done.exit_code == 0 and "1 participants: no intervals under 6" in done.output, done.output
    assert "## depth" in (Path(report) / "report.md").read_text()
