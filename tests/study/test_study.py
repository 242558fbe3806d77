"""Claims about building a study: blind, repeatable, one order here and in the page, what is refused."""

from __future__ import annotations

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
from study_world import digest

from bokehbench import images, records
from bokehbench.cli import cli
from bokehbench.errors import BokehbenchError, ConfigError, InputError
from bokehbench.study import build as building
from bokehbench.study.build import build, deal
from bokehbench.study.design import Design
from bokehbench.study.order import plan
from bokehbench.study.stimuli import focus_point, select

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
