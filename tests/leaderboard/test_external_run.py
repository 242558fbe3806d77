"""Claims about methods in environments of their own: they take part, and their ends are not ours."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import external_world
import numpy as np
import pytest
from external_world import PROGRAM, describe, go, lasting, only_result

from bokehbench import images, records, registry
from bokehbench.baselines import external_spec
from bokehbench.baselines.external_process import group_memory_mb
from bokehbench.errors import ConfigError, InputError, JobFailed, Unavailable
from bokehbench.leaderboard import calibrate, curves, results
from bokehbench.leaderboard.run import run
from bokehbench.registry import MethodSpec, ProtocolSpec, get

environment, world = external_world.environment, external_world.world


def test_a_script_in_its_own_environment_takes_part(world: Path) -> None:
    summary = go(world)
    assert (summary.rendered, summary.failed) == (4, [])
    asked = (world / "asked.txt").read_text().splitlines()
    assert [line.split()[0] for line in asked] == [f"case{n}" for n in range(4)]  # one process, in order
    result = only_result(world)
    case = results.protocols(world / "out")[0].case_image("case0", "image")
    assert (images.read_image(result.prediction) == images.read_image(case)).all()
    log = (result.folder / "_external" / "0000.log").read_text()
    assert "no numpy in" in log  # it was not our Python
    record, timing = records.read_json(result.record), records.read_json(result.timing)
    assert record["external"]["contract"] == "bokehbench.external/1"
    assert record["external"]["command"] == ["own/bin/python", "program.py", "{manifest}"]
    assert record["external"]["code"] == {"program.py": records.sha256_file(world / "program.py")}
    assert len(record["external"]["environment"]) == 64 and str(world) not in json.dumps(record)
    assert timing["process"] == "exit 0"
    assert not list(result.folder.glob("_external/work-*"))
    again = go(world)
    assert (again.rendered, again.present) == (0, 4)
    assert len((world / "asked.txt").read_text().splitlines()) == 4


def test_chunks_workers_and_shards_give_the_same_results(world: Path) -> None:
    go(world, "whole")
    describe(world, "chunk = 2")
    go(world, "workers", workers=2)
    for part in range(2):
        go(world, "shards", shard=(part, 2))
    assert lasting(world / "whole") == lasting(world / "workers") == lasting(world / "shards")
    assert len(list(only_result(world, "workers").folder.glob("_external/*.log"))) == 2


def test_one_that_hangs_is_killed_with_its_children_and_the_run_goes_on(world: Path) -> None:
    (world / "mode.txt").write_text("hang case1")
    describe(world, start=1.5, case=1.5)
    started = time.monotonic()
    summary = go(world)
    assert time.monotonic() - started < 15
    assert summary.rendered == 3
    assert len(summary.failed) == 1 and "case1" in summary.failed[0] and "no picture for" in summary.failed[0]
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            if not records.is_living(int((world / "child.txt").read_text())):
                raise ProcessLookupError
            time.sleep(0.02)
    # Only what is missing is asked again.
    (world / "mode.txt").write_text("copy")
    (world / "asked.txt").unlink()
    assert (go(world).rendered, (world / "asked.txt").read_text().split()[0]) == (1, "case1")


def test_one_that_dies_leaves_what_it_finished_and_the_run_says_so(world: Path) -> None:
    (world / "mode.txt").write_text("die case1 case2")
    summary = go(world)
    # The first process ends at case1, the second at case2, and the third makes what is left.
    assert summary.rendered == 2
    assert len(summary.failed) == 2 and all("exit 1" in line for line in summary.failed)
    assert "out of memory, say" in summary.failed[0]
    report = records.read_json(only_result(world).folder / "_external" / "0000.json")
    assert [process["status"] for process in report["processes"]] == ["exit 1", "exit 1", "exit 0"]
    assert set(report["failed"]) == {"case1", "case2"}
    assert (report["not_tried"], report["failures"]) == ({}, {"case1": 1, "case2": 1})


def report_of(world: Path) -> dict:
    (path,) = (world / "out").rglob("_external/0000.json")
    return records.read_json(path)


def test_bad_cases_before_good_ones_do_not_keep_them_from_being_made(world: Path) -> None:
    (world / "mode.txt").write_text("die case0 case1 case2")
    describe(world, "", restarts=0)
    summary = go(world)
    # Given up at the first: nobody has come to the others, and none of them is blamed.
    assert (summary.rendered, len(summary.failed)) == (0, 4)
    report = report_of(world)
    assert "without case0.png: exit 1" in report["failed"]["case0"] and set(report["failed"]) == {"case0"}
    assert set(report["not_tried"]) == {"case1", "case2", "case3"}
    for why in report["not_tried"].values():
        assert why.startswith("not tried: the program died once without a picture") and ".png" not in why
    # What failed comes last, so that each further run gets further, also if it has to give up again.
    tried = [set(report_of(world)["failed"]) for _ in range(2) if go(world).failed]
    assert tried == [{"case1"}, {"case2"}]
    assert report_of(world)["failures"] == {"case0": 1, "case1": 1, "case2": 1}
    assert go(world).rendered == 1


def test_after_a_death_in_vain_the_next_process_starts_elsewhere(world: Path) -> None:
    (world / "mode.txt").write_text("die case0 case1")
    describe(world, "", restarts=1)
    assert go(world).rendered == 2
    asked = [line.split()[0] for line in (world / "asked.txt").read_text().splitlines()]
    assert asked == ["case0", "case2", "case3", "case1"]


def test_a_program_that_never_starts_is_not_started_for_every_case(world: Path) -> None:
    (world / "program.py").write_text("raise ImportError('no torch here')")
    assert len(go(world, profile=3).failed) == 4
    report = report_of(world)
    assert [process["status"] for process in report["processes"]] == ["exit 1", "exit 1"]
    assert len(report["failed"]) == 2 and all("no torch here" in why for why in report["failed"].values())
    assert len(report["not_tried"]) == 2 and "died 2 times in a row" in next(
        iter(report["not_tried"].values())
    )


def test_what_it_leaves_out_or_makes_badly_is_a_failure_of_that_case(world: Path) -> None:
    (world / "mode.txt").write_text("half case2")
    summary = go(world)
    assert summary.rendered == 3
    assert len(summary.failed) == 1 and "without case2.png: exit 0" in summary.failed[0]


def test_a_killed_run_keeps_what_came_and_its_program_ends_with_it(world: Path) -> None:
    (world / "mode.txt").write_text("hang case2")
    command = [sys.executable, "-m", "bokehbench", "run", "--benchmark", f"world:{world / 'data'}"]
    command += ["--method", "copyist", "--out", str(world / "out")]
    environment = {**os.environ, registry.REGISTER_VARIABLE: f"{world / 'world.py'}:{world / 'copyist.toml'}"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    waited = time.monotonic() + 60
    while time.monotonic() < waited and len(list((world / "out").glob("*/*/copyist/*/case?.json"))) < 2:
        time.sleep(0.05)
    process.kill()
    process.wait()
    (world / "mode.txt").write_text("copy")
    assert [work.name.split("-")[2] for work in (world / "out").rglob("work-*")] == [str(process.pid)]
    assert (go(world).rendered, go(world).present) == (2, 4)
    assert not list((world / "out").rglob("work-*"))
    go(world, "whole")
    assert lasting(world / "out") == lasting(world / "whole")
    subprocess.run(["kill", (world / "child.txt").read_text()], check=False)  # its child's child: documented


def test_where_K_is_searched_a_round_is_one_process(world: Path) -> None:
    (world / "data" / "search").touch()
    summary = go(world, shard=(0, 4))
    assert summary.rendered == 1
    # The ladder in one process, then the picture with the K that was found: the smallest of equal ones.
    asked = [line.split()[0] for line in (world / "asked.txt").read_text().splitlines()]
    assert asked == ["case0", "case0--1", "case0--2", "case0"]
    assert records.read_json(only_result(world).record)["K"] == 1.0


COUNTING = """
import json, os, shutil, sys
open("starts.txt", "a").write("x")
manifest = json.load(open(sys.argv[1]))
for case in manifest["cases"]:
    if case["key"].startswith(open("mode.txt").read().partition("die ")[2] or "none"):
        sys.exit("out of memory, say")
    shutil.copy(case["image"], os.path.join(manifest["out"], case["output"]))
"""


def starts(world: Path) -> int:
    path = world / "starts.txt"
    count = len(path.read_text()) if path.exists() else 0
    path.unlink(missing_ok=True)
    return count


def test_a_round_of_all_searches_is_one_start_and_each_finds_what_it_would_alone(world: Path) -> None:
    (world / "data" / "search").touch()
    (world / "program.py").write_text(COUNTING)
    assert go(world, "together").rendered == 4
    assert starts(world) == 2  # the ladder of all cases, then their pictures
    for case in range(4):
        go(world, "alone", cases=[f"case{case}"])
    assert starts(world) == 8 and lasting(world / "alone") == lasting(world / "together")


def test_a_death_in_a_search_costs_its_case_alone(world: Path) -> None:
    (world / "data" / "search").touch()
    (world / "program.py").write_text(COUNTING)
    (world / "mode.txt").write_text("die case1")
    summary = go(world)
    assert summary.rendered == 3 and len(summary.failed) == 1 and "case1" in summary.failed[0]
    assert starts(world) == 3  # one that died, one that went on behind the case, one for the pictures
    (world / "mode.txt").write_text("copy")
    assert go(world).rendered == 1
    go(world, "whole")
    assert lasting(world / "out") == lasting(world / "whole")


@pytest.mark.parametrize(("chunk", "processes"), [(0, 1), (2, 2)])
def test_one_k_for_the_set_and_calibrate_ask_for_all_cases_at_once(
    world: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, processes: int
) -> None:
    rounds, known, measure = [], set(), curves.measure

    def counted(work, *further, **options):
        numbers = set(work[0][1][1])
        rounds.append(not numbers <= known)  # nothing is asked for twice
        known.update(numbers)
        return measure(work, *further, **options)

    monkeypatch.setattr(curves, "measure", counted)
    (world / "program.py").write_text(COUNTING)
    describe(world, f"chunk = {chunk}")
    calibrate.calibrate("copyist", f"world:{world / 'data'}", world / "found.json", between=(0.9, 1.1))
    assert sum(rounds) > 1 and starts(world) == processes * sum(rounds)
    (world / "data" / "search").touch()
    registry.register(ProtocolSpec("whole", "One K.", K="best-per-set"))
    registry.register(registry.BenchmarkSpec("set", "Four pictures.", "world:World", protocol="whole"))
    assert run([f"set:{world / 'data'}"], ["copyist"], world / "out").rendered == 4
    assert starts(world) == 2 * processes  # the ladder, then the pictures


def test_profile_asks_each_case_several_times(world: Path) -> None:
    go(world)
    summary = go(world, profile=2)
    assert (summary.rendered, summary.present, summary.measured) == (0, 4, 4)
    timing = records.read_json(only_result(world).timing)
    assert timing["profile"]["size"] == [32, 24] and 1 <= timing["profile"]["repeats"] <= 2
    assert timing["peak_memory_mb"] is None or timing["peak_memory_mb"] > 1.0


def test_the_description_and_the_manifest_of_the_docs_are_real(world: Path) -> None:
    text = (Path(registry.__file__).parent.parent / "docs" / "extending.md").read_text()
    described = text.split("```toml\n# theirs.toml\n")[1].split("```")[0]
    (world / "theirs.toml").write_text(described.replace('"..."', f'"{"0" * 64}"'))
    spec = external_spec.read(world / "theirs.toml")
    assert (spec.name, spec.weights, spec.external.restarts) == ("theirs", ("checkpoints/model.pth",), 2)
    printed = json.loads(text.split("```json\n")[1].split("```")[0])
    (world / "program.py").write_text(
        "import shutil, sys\nshutil.copy(sys.argv[1], 'seen.json')\n" + textwrap.dedent(PROGRAM)
    )
    go(world)
    seen = json.loads((world / "seen.json").read_text())
    assert seen.keys() == printed.keys()
    assert seen["cases"][0].keys() == printed["cases"][0].keys()
    assert seen["cases"][0]["lens"].keys() == printed["cases"][0]["lens"].keys()


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ('licenze = "MIT"', ConfigError, "licenze"),
        ("chunk = -1", ConfigError, "chunk"),
        ('image = "jpeg"', InputError, "TOML"),  # twice the same key
        ("[weights", InputError, "TOML"),
    ],
)
def test_a_mistake_in_the_description_is_named(
    world: Path, changed: str, error: type[Exception], said: str
) -> None:
    describe(world, changed)
    with pytest.raises(error, match=said):
        external_spec.read(world / "copyist.toml")


def test_what_is_not_here_is_unavailable_with_the_reason(world: Path) -> None:
    text = (world / "copyist.toml").read_text()
    weights = '[[weights]]\nfile = "net.pth"\nsha256 = "' + "0" * 64 + '"\nsource = "https://example.org"\n'

    def refused(changed: str, said: str) -> None:
        (world / "copyist.toml").write_text(changed)
        registry._load_all.cache_clear()
        registry._registered.clear()
        with pytest.raises(Unavailable, match=said):
            go(world)

    refused(text.replace("own/bin", "elsewhere/bin"), "no program elsewhere/bin/python .python -m venv own")
    refused(text.replace("[environment]", f'[environment]\nsha256 = "{"0" * 64}"'), "not the one described")
    refused(text + weights, "needs net.pth from https://example.org")
    (world / "net.pth").write_bytes(b"something else")
    refused(text + weights, "sha-mismatch")
    (world / "net.pth").write_bytes(b"the real thing")
    right = records.sha256_bytes(b"the real thing")
    (world / "copyist.toml").write_text(text + weights.replace("0" * 64, right))
    registry._load_all.cache_clear()
    registry._registered.clear()
    assert go(world, shard=(0, 4)).rendered == 1
    assert records.read_json(only_result(world).record)["weights"] == {"net.pth": right}


def test_yaml_says_the_same(world: Path) -> None:
    toml = external_spec.read(world / "copyist.toml")
    import yaml

    content = {name: value for name, value in toml.description.items() if value is not None}
    content["environment"] = {k: v for k, v in content["environment"].items() if v is not None}
    (world / "copyist.yaml").write_text(yaml.safe_dump(content))
    other = external_spec.read(world / "copyist.yaml")
    assert (other.description, other.made_with()) == (toml.description, toml.made_with())


@pytest.mark.parametrize(
    ("image", "disparity"), list(itertools.product(["png16", "exr", "npy"], ["png16", "exr"]))
)
def test_every_form_of_input_holds_what_was_given(world: Path, image: str, disparity: str) -> None:
    from bokehbench.baselines import external
    from bokehbench.optics import encode

    given = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)
    map_ = np.linspace(0, 1, 35, dtype=np.float32).reshape(5, 7)
    path = external._write_image(world / "x", given, image, 2.2)
    read = np.load(path) if image == "npy" else images.read_image(path)
    assert np.abs(read - given).max() < 1e-4
    path = external._write_map(world / "y", map_, disparity)
    read = images.read_grey(path) if disparity == "png16" else images.read_exr(path)["Y"]
    assert np.abs(read - map_).max() < 1e-4
    assert encode(np.float32(1.0), 2.2) == 1.0


def test_one_picture_alone_and_memory_of_a_group(world: Path) -> None:
    from bokehbench.cases import Inputs
    from bokehbench.optics import Lens

    image = np.zeros((24, 32, 3), np.float32)
    renderer = get(MethodSpec, "copyist").create()
    inputs = Inputs("one", image, image[..., 0], Lens(4.0, 0.5))
    assert (renderer.render(inputs) == image).all()
    (world / "mode.txt").write_text("die one")
    with pytest.raises(JobFailed, match="out of memory, say"):
        renderer.render(inputs)
    assert (group_memory_mb(os.getpgrp()) or 0.0) > 10.0
