"""Methods behind a restorer: one restoration a case for all of them, both stages accounted for."""

from __future__ import annotations

import csv
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import own_world
import pytest

from bokehbench import images, records, registry
from bokehbench.benchmarks.locate import open_benchmark
from bokehbench.benchmarks.tracks import parse_track
from bokehbench.errors import InputError
from bokehbench.leaderboard import export_data, export_text, restored, results, unit
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.run import run
from bokehbench.leaderboard.verify import verify
from bokehbench.registry import MethodSpec, get

WORLD = '''
"""A benchmark of three small pictures, one without, and a restorer that notes each time that it is asked."""
from pathlib import Path
import numpy as np
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, RestorerSpec, register

class Small:
    lq = True
    def __init__(self, root: Path) -> None:
        self.root = root
    def cases(self):
        return [CaseInfo(f"case{n}", f"scene{n}", "L1", Lens(4.0, 0.5), f"d{n}") for n in range(3)]
    def load(self, info):
        dice = np.random.default_rng(int(info.key[-1]))
        lq = (dice.integers(0, 256, (6, 8, 3)) / 255.0).astype(np.float32)
        image = lq.repeat(4, 0).repeat(4, 1)
        disparity = np.linspace(0, 1, 32, dtype=np.float32)[None].repeat(24, 0)
        return Case(info, Inputs(info.key, image, disparity, info.lens, lq=lq if self.lq else None), image)

class Sharp(Small):
    lq = False

class Counted:
    def restore(self, inputs):
        here = Path(__file__).parent
        if inputs.lq.shape[0] == 6 and (here / "asked.txt").exists():
            with (here / "asked.txt").open("a") as asked:
                print(inputs.key, file=asked)
        if (here / "broken").exists() and inputs.key == "case1":
            raise RuntimeError("no light in it")
        return inputs.lq if (here / "otherwise").exists() else 1.0 - inputs.lq

class Torn:
    def __init__(self) -> None:
        with (Path(__file__).parent / "asked.txt").open("a") as asked:
            print("torn", file=asked)
        raise OSError("damaged weights")

register(RestorerSpec("torn", "Cannot be loaded.", "world:Torn"))
register(BenchmarkSpec("small", "Three small pictures.", "world:Small"))
register(BenchmarkSpec("sharp", "None.", "world:Sharp"))
register(RestorerSpec("counted", "Inverts.", "world:Counted", VERSION))
'''
PROGRAM = """
import json, pathlib, shutil, sys
manifest = json.load(open(sys.argv[1]))
for case in manifest["cases"]:
    assert "lens" not in case and "disparity" not in case
    here = pathlib.Path(__file__).parent
    source = sorted(here.glob("out/small/*/_cases/*.png"))[0] if (here / "otherwise").exists() else case["lq"]
    shutil.copy(source, manifest["out"] + "/" + case["output"])
"""
DESCRIPTION = """
schema = "bokehbench.external/1"
kind = "restorer"
name = "copyist"
summary = "Hands the small picture over."
licence = "MIT"
command = ["{python}", "program.py", "{{manifest}}"]
image = "png8"
[environment]
files = ["program.py"]
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "data").mkdir()
    (tmp_path / "asked.txt").touch()
    (tmp_path / "world.py").write_text(WORLD.replace("VERSION", "1"))
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "copyist.toml").write_text(DESCRIPTION.format(python=sys.executable))
    with own_world.registered(monkeypatch, tmp_path / "world.py", tmp_path / "copyist.toml"):
        monkeypatch.setattr(restored, "_stages", {})
        yield tmp_path


def go(world: Path, *methods: str, benchmark: str = "small", out: str = "out", **options: object):
    return run([f"{benchmark}:{world / 'data'}"], methods, world / out, **options)


def pictures(world: Path, method: str, out: str = "out") -> dict[str, np.ndarray]:
    (at,) = results.protocols(world / out)
    return {r.case: images.read_image(r.prediction) for r in results.results(at) if r.method == method}


def asked(world: Path) -> list[str]:
    return sorted((world / "asked.txt").read_text().split())


def test_each_case_is_restored_once_and_sharing_changes_nothing(world: Path) -> None:
    summary = go(world, "counted+identity", "counted+scatter", "counted+sterefo")
    assert (summary.rendered, summary.failed) == (9, [])
    # Once to be warm, once a case.
    assert asked(world) == ["case0", "case0", "case1", "case2"]
    shared = {method: pictures(world, f"counted+{method}") for method in ("identity", "scatter", "sterefo")}
    for method, found in shared.items():
        go(world, f"counted+{method}", out=method)
        opened = open_benchmark(f"small:{world / 'data'}")
        whole = get(MethodSpec, f"counted+{method}").create()
        for info in opened.cases():
            np.testing.assert_array_equal(
                found[info.key], pictures(world, f"counted+{method}", method)[info.key]
            )
            image = whole.render(opened.load(info).inputs)
            np.testing.assert_array_equal(images.quantise(image), images.quantise(found[info.key]))
    before = asked(world)
    assert go(world, "counted+identity", "counted+scatter").present == 6 and asked(world) == before


def test_the_record_knows_both_stages_and_verify_makes_them_again(world: Path) -> None:
    go(world, "counted+scatter")
    (at,) = results.protocols(world / "out")
    result = next(results.results(at))
    record = records.read_json(result.record)
    place = restored.at(result, get(MethodSpec, "counted+scatter").restorer)
    assert record["method"] == "counted+scatter@1" and record["options"] == {"restorer": {"id": "counted@1"}}
    assert record["restored"] == records.sha256_file(place.picture) and set(record["registered"]) == {
        "world.py",
        "copyist.toml",
    }
    found = verify(world / "out", sample=2, benchmarks=[f"small:{world / 'data'}"])
    assert (found.problems, found.sampled) == ([], 2)


def test_another_version_of_the_restorer_makes_old_results_stale(world: Path) -> None:
    go(world, "counted+scatter", "scatter")
    evaluate(world / "out", ["psnr"])
    (world / "world.py").write_text(WORLD.replace("VERSION", "2"))
    # Of a file that was changed within a second to one of the same length Python takes the old bytecode.
    shutil.rmtree(world / "__pycache__", ignore_errors=True)
    own_world.register_again()
    table = build(collect([world / "out"])[0])
    stale = {row.label: row.stale[0].reason for row in table.stale_rows}
    assert list(stale) == ["counted+scatter"] and "counted@1" in stale["counted+scatter"]
    assert go(world, "counted+scatter", "scatter").rendered == 3


def test_seconds_are_those_of_both_stages(world: Path) -> None:
    go(world, "counted+scatter", "scatter", profile=2)
    evaluate(world / "out", ["psnr"])
    (at,) = results.protocols(world / "out")
    for result in results.results(at):
        timing = records.read_json(result.timing)
        if result.method == "scatter":
            assert "stages" not in timing
            continue
        stages = timing["stages"]
        assert timing["seconds"] == pytest.approx(stages["restoration"] + stages["rendering"], abs=1e-4)
        assert timing["profile"]["repeats"] == 2
    table = build(collect([world / "out"])[0])
    assert "restoration takes: counted" in export_text.to_markdown([table])
    lines = list(csv.DictReader(export_data.to_csv([table]).splitlines()))
    seconds = {line["method"]: line["restoration_seconds"] for line in lines if line["level"] == "all"}
    assert float(seconds["counted+scatter"]) > 0 and seconds["scatter"] == ""


def test_a_picture_that_comes_out_otherwise_is_not_measured(world: Path) -> None:
    for restorer in ("counted", "copyist"):
        go(world, f"{restorer}+identity")
    (world / "otherwise").touch()
    for restorer in ("counted", "copyist"):
        before = pictures(world, f"{restorer}+identity")
        summary = go(world, f"{restorer}+identity", "identity", profile=2)
        assert len(summary.failed) == 3 and all("it differs from" in line for line in summary.failed)
        for case, picture in pictures(world, f"{restorer}+identity").items():
            np.testing.assert_array_equal(picture, before[case])


def test_a_renderer_is_made_once_whatever_stands_before_it(world: Path, monkeypatch) -> None:
    monkeypatch.setattr(unit, "_renderers", {})
    go(world, "counted+sterefo", "sterefo", "bicubic+sterefo", "counted+sterefo+k1.5")
    assert sorted(unit._renderers) == ["sterefo", "sterefo+k1.5"]


def test_tracks_share_what_does_not_depend_on_them(world: Path) -> None:
    go(world, "counted+scatter")
    before = asked(world)
    assert go(world, "counted+scatter", tracks=[parse_track("dilate:1"), parse_track("gt")]).rendered == 3
    assert asked(world) == before
    assert len(results.protocols(world / "out")) == 2


def test_a_result_rests_on_one_restored_picture(world: Path) -> None:
    go(world, "counted+scatter")
    evaluate(world / "out", ["psnr"])
    (at,) = results.protocols(world / "out")
    result = next(results.results(at))
    place = restored.at(result, get(MethodSpec, "counted+scatter").restorer)
    images.write_png(place.picture, 0.5 * images.read_image(place.picture))
    records.write_json(
        place.record, {**records.read_json(place.record), "picture": records.sha256_file(place.picture)}
    )
    (row,) = build(collect([world / "out"])[0]).stale_rows
    assert "another picture now" in row.stale[0].reason
    assert go(world, "counted+scatter").rendered == 1
    evaluate(world / "out", ["psnr"])
    assert not build(collect([world / "out"])[0]).stale_rows


def test_renewing_leaves_no_restored_pictures_that_nothing_rests_on(world: Path) -> None:
    go(world, "copyist+identity")
    with (world / "program.py").open("a") as file:
        file.write("# better\n")
    own_world.register_again()
    go(world, "copyist+identity")
    (at,) = results.protocols(world / "out")
    assert len(list((at.folder / "_restored" / "copyist").iterdir())) == 2
    go(world, "copyist+identity", renew=True)
    assert len(list((at.folder / "_restored" / "copyist").iterdir())) == 1


def test_a_restorer_that_fails_fails_its_methods_alone(world: Path) -> None:
    (world / "broken").touch()
    summary = go(world, "counted+scatter", "counted+identity", "identity")
    assert len(summary.failed) == 2 and all("case1" in line for line in summary.failed)
    assert all("no light in it" in line and "\n" not in line for line in summary.failed)
    assert asked(world).count("case1") == 1, "tried once, not once a method"
    (world / "broken").unlink()
    assert (go(world, "counted+scatter", "counted+identity", "identity")).rendered == 2


def test_a_restorer_that_cannot_be_loaded_is_one_line_at_the_start(world: Path) -> None:
    with pytest.raises(InputError, match=r"^torn: .*damaged weights") as said:
        go(world, "identity", "torn+identity", "torn+scatter")
    assert "\n" not in str(said.value) and asked(world) == ["torn"]
    assert not list((world / "out").glob("*/*/_cases"))  # nothing was rendered


def test_a_set_without_low_quality_is_one_error(world: Path) -> None:
    with pytest.raises(
        InputError, match=r"counted\+scatter: restores low-quality pictures, and sharp has none"
    ):
        go(world, "counted+scatter", benchmark="sharp")
    both = [f"{name}:{world / 'data'}" for name in ("sharp", "small")]
    summary = run(both, ["counted+scatter", "scatter"], world / "out")
    assert summary.rendered == 9
    assert summary.skipped == ["counted+scatter on sharp: restores low-quality pictures, which it has not"]


def test_an_external_restorer_keeps_to_the_file_contract(world: Path) -> None:
    """One that hands over the small picture is enlarged by us: bicubic."""
    summary = go(world, "copyist+identity", "copyist+scatter", "bicubic+identity", "bicubic+scatter")
    assert summary.failed == [] and summary.rendered == 12
    for method in ("identity", "scatter"):
        ours, theirs = (pictures(world, f"{name}+{method}") for name in ("bicubic", "copyist"))
        assert all(np.array_equal(ours[case], theirs[case]) for case in ours)
    (at,) = results.protocols(world / "out")
    result = next(r for r in results.results(at) if r.method == "copyist+scatter")
    assert records.read_json(result.record)["external"]["restorer"]["contract"] == "bokehbench.external/1"
    place = restored.at(result, get(MethodSpec, "copyist+scatter").restorer)
    assert list((place.folder / "_external").glob("*.log")) and result.weights != "none"


def test_all_stands_for_every_method_behind_a_restorer(world: Path) -> None:
    from bokehbench.leaderboard.restoring import expanded

    every = expanded(["bicubic+all", "scatter"], ["identity", "scatter", "raylayers-oracle"])
    assert every == ["bicubic+identity", "bicubic+scatter", "scatter"]


def test_each_method_sees_the_map_of_what_it_renders(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bokehbench import depth
    from bokehbench.benchmarks.locate import Reference
    from bokehbench.benchmarks.tracks import align, parse_track
    from bokehbench.registry import ProtocolSpec

    def predict(model: str, image: np.ndarray) -> np.ndarray:
        ramp = np.linspace(0, 1, image.shape[1])[None]
        return np.asarray(0.9 * ramp + 0.1 * image.mean(axis=2), np.float32)

    monkeypatch.setattr(depth, "predict", predict)
    monkeypatch.setattr(depth, "identity", lambda model: {"spec": model})
    opened = open_benchmark(Reference(f"small:{world / 'data'}", None, parse_track("restored:toy")))
    assert isinstance(opened.protocol, ProtocolSpec) and opened.protocol_id.endswith("+restored-toy")
    info = opened.cases()[0]
    case = opened.load(info)
    inverse = 1.0 - case.inputs.image
    seen = opened.restored(case, case.inputs, inverse)
    for given, picture in ((case.inputs, case.inputs.image), (seen, inverse)):
        wanted = align(predict("toy", picture), case.true_disparity)
        np.testing.assert_allclose(given.disparity, wanted, atol=1e-6)
    assert np.abs(seen.disparity - case.inputs.disparity).max() > 0.02
    plain = open_benchmark(Reference(f"small:{world / 'data'}", None, parse_track("predicted:toy")))
    same = plain.load(plain.cases()[0])
    np.testing.assert_array_equal(plain.restored(same, same.inputs, inverse).disparity, same.inputs.disparity)


TOOL = """
import os, shutil, sys
source, made = sys.argv[sys.argv.index("-i") + 1], sys.argv[sys.argv.index("-o") + 1]
for name in sorted(os.listdir(source)):
    shutil.copy(os.path.join(source, name), os.path.join(made, name))
"""


def test_the_program_of_the_docs_runs_what_works_from_folder_to_folder(world: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
    code = next(
        block for block in re.findall(r"```python\n(.+?)```", text, re.DOTALL) if "folders.py" in block
    )
    toml = next(block for block in re.findall(r"```toml\n(.+?)```", text, re.DOTALL) if "osediff" in block)
    python = '"{here}/.venv/bin/python"'
    assert toml.count(python) == 3 and "[environment]" in toml
    (world / "folders.py").write_text(code)
    (world / "OSEDiff").mkdir()
    (world / "OSEDiff" / "test_osediff.py").write_text(TOOL)
    for name in ("osediff.py", "requirements.txt"):
        (world / "OSEDiff" / name).touch()
    toml = toml.partition("[[weights]]")[0].replace(python, f'"{sys.executable}"')
    (world / "osediff.toml").write_text(re.sub(r"freeze = .*", "", toml))
    registry.register_files([world / "osediff.toml"])
    summary = go(world, "osediff+identity", "bicubic+identity")
    assert summary.failed == [] and summary.rendered == 6
    ours, theirs = (pictures(world, f"{name}+identity") for name in ("bicubic", "osediff"))
    assert all(np.array_equal(ours[case], theirs[case]) for case in ours)
    spec = get(MethodSpec, "osediff+identity").restorer
    assert {"OSEDiff/test_osediff.py", "OSEDiff/osediff.py", "folders.py"} <= set(spec.made_with()["code"])


def test_the_papers_rows_are_called_as_methods_behind_restorers_are() -> None:
    from bokehbench.leaderboard import reported

    printed = [
        value for value in reported.values() if value.benchmark == "ebb400-lq" and value.kind == "main"
    ]
    names = {value.ours for value in printed if value.evidence != "conflicting"}
    assert {"osediff+bokehme", "s3diff+bokehdiff", "magicbokeh"} <= names
    for name in names - {"magicbokeh"}:
        first, _, second = name.partition("+")
        assert first in ("osediff", "s3diff") and "+" not in second
    seconds = {value.method: value.value for value in printed if value.metric == "time_s"}
    assert seconds["OSEDiff+BokehMe"] == "0.1648" and seconds["MagicBokeh"] == "0.1062"
