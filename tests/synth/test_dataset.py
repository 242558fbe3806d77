"""A set on disk: same bytes however it was made, resumed, grown, refused, killed."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from bokehbench.errors import ConfigError, InputError
from bokehbench.images import read_image
from bokehbench.records import sha256_file
from bokehbench.synth import making
from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import build, make_library, read_dataset, sample_keys
from bokehbench.synth.preview import write_contact_sheet
from bokehbench.synth.sample import AttemptFailed, remake
from bokehbench.synth.store import claims
from bokehbench.synth.store.folder import SampleFiles, read_meta
from bokehbench.synth.store.profile import PROFILES

SIZE = (80, 64)
ARGUMENTS = ("quality=draft", "optics.radius_at_512={loguniform: [4, 40]}")


@pytest.fixture(scope="module")
def recipe():
    return load_recipe(bokehbench_v1(), size=SIZE, assignments=ARGUMENTS)


@pytest.fixture(scope="module")
def made(recipe, tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "set"
    build(recipe, make_library(recipe), count=4, root_seed=3, root=root)
    return root


def contents(root):
    """Bytes of all files, but for the commit that made them: somebody may commit while tests run."""
    found = {}
    for path in (p for p in sorted(root.rglob("*")) if p.is_file()):
        data = path.read_bytes()
        if path.suffix == ".json":
            values = json.loads(data)
            values.pop("code", None)
            data = json.dumps(values).encode()
        if path.name == "README.md":
            data = re.sub(rb"\| made by .*", b"", data)
        found[path.relative_to(root).as_posix()] = data
    return found


def test_two_workers_make_the_same_bytes(recipe, made, tmp_path):
    root = tmp_path / "two"
    built = build(recipe, make_library(recipe), count=4, root_seed=3, root=root, workers=2)
    assert (built.made, built.total, built.failed) == (4, 4, ())
    assert contents(root) == contents(made)


def test_only_what_is_missing_is_made(recipe, made, tmp_path):
    root = tmp_path / "grown"
    library = make_library(recipe)
    assert build(recipe, library, count=1, root_seed=3, root=root).made == 1
    assert build(recipe, library, count=4, root_seed=3, root=root).made == 3
    assert build(recipe, library, count=4, root_seed=3, root=root).made == 0
    assert build(recipe, library, count=2, root_seed=3, root=root).total == 4
    assert contents(root) == contents(made)
    SampleFiles(root, "000000002").meta.unlink()
    (root / "aif" / "000000002.png").write_bytes(b"half")
    assert build(recipe, library, count=4, root_seed=3, root=root).made == 1
    assert contents(root) == contents(made)


def command(root, *more):
    arguments = ["synth", "build", "--count", "4", "--seed", "3", "--size", "80x64", "--out", str(root)]
    for text in ARGUMENTS:
        arguments += ["--set", text]
    return [sys.executable, "-m", "bokehbench", *arguments, *more]


@pytest.mark.parametrize("store", [pytest.param("folder", marks=pytest.mark.slow), "wds"])
def test_three_times_killed_build_goes_on_with_the_same_samples(made, recipe, tmp_path, store):
    root = tmp_path / "killed"
    options = ["--store", store, "--shard-size", "3"]
    for _ in range(3):
        before = len(list(root.glob("**/*.json")))
        process = subprocess.Popen(
            command(root, *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.time() + 60
        while time.time() < deadline and process.poll() is None:
            if len(list(root.glob("**/*.json"))) > before:
                break
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    done = subprocess.run(command(root, *options), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert read_dataset(root)["content_hash"] == read_dataset(made)["content_hash"]
    if store == "folder":
        left = contents(root)
        left.pop("contact_sheet.png")
        assert left == contents(made)
    assert not list(root.rglob("*.part-*")) and not (root / "claims").exists()


def test_sigterm_leaves_nothing_that_stops_the_next_run(recipe, made, tmp_path):
    root = tmp_path / "set"
    process = subprocess.Popen(
        command(root, "--workers", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.time() + 60
    while time.time() < deadline and not (root / "meta").is_dir():
        time.sleep(0.01)
    process.terminate()
    assert process.wait(timeout=30) in (0, 128 + signal.SIGTERM)
    assert not (root / "claims").exists()
    build(recipe, make_library(recipe), count=4, root_seed=3, root=root)
    assert read_dataset(root)["content_hash"] == read_dataset(made)["content_hash"]


def test_full_disk_is_an_error_that_leaves_no_half_sample(recipe, made, tmp_path, monkeypatch):
    from pathlib import Path

    root, honest, room = tmp_path / "set", Path.write_bytes, [20]

    def write_bytes(path, data):
        if root in path.parents:
            room[0] -= 1
            if room[0] <= 0:
                honest(path, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return honest(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(OSError, match="No space"):
        build(recipe, make_library(recipe), count=4, root_seed=3, root=root)
    monkeypatch.undo()
    assert not list(root.rglob("*.part-*")) and not (root / "claims").exists()
    build(recipe, make_library(recipe), count=4, root_seed=3, root=root)
    assert contents(root) == contents(made)


def test_parts_of_a_job_array_make_the_same_set(recipe, made, tmp_path):
    library = make_library(recipe)
    for part in (2, 0, 1):
        build(recipe, library, count=4, root_seed=3, root=tmp_path / "set", shard=(part, 3))
    assert contents(tmp_path / "set") == contents(made)


def test_another_seed_or_configuration_is_refused(recipe, made):
    library = make_library(recipe)
    with pytest.raises(InputError, match="another seed"):
        build(recipe, library, count=4, root_seed=4, root=made)
    other = load_recipe(bokehbench_v1(), size=SIZE, assignments=(*ARGUMENTS, "gamma=2.0"))
    with pytest.raises(InputError, match=r"another configuration \(gamma: 2.2, now 2.0\)"):
        build(other, library, count=4, root_seed=3, root=made)
    with pytest.raises(InputError, match=r"another profile \(train-png, now full\)"):
        build(recipe, library, count=4, root_seed=3, root=made, profile=PROFILES["full"])
    assert not (made / claims.FOLDER).exists()


def test_foreign_folder_is_left_alone(recipe, tmp_path):
    (tmp_path / "thesis.txt").write_text("important")
    with pytest.raises(InputError, match="not empty"):
        build(recipe, make_library(recipe), count=1, root_seed=0, root=tmp_path)
    assert contents(tmp_path) == {"thesis.txt": b"important"}


@pytest.mark.parametrize(("count", "seed"), [(0, 1), (3, -1)])
def test_senseless_counts_are_refused(recipe, tmp_path, count, seed):
    with pytest.raises(ConfigError):
        build(recipe, make_library(recipe), count=count, root_seed=seed, root=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_record_names_everything(made, recipe):
    record = read_dataset(made)
    assert record["count"] == 4 and record["root_seed"] == 3 and record["config"] == recipe.to_json()
    assert record["failed"] == [] and record["licences"]
    rows = [json.loads(line) for line in (made / "metadata.jsonl").read_text().splitlines()]
    assert [row["key"] for row in rows] == sample_keys(made)
    for row in rows:
        for name in ("aif_file_name", "bokeh_file_name", "disp_file_name"):
            assert (made / row[name]).is_file()


def test_sample_is_made_again_from_its_stored_json(made, recipe):
    meta = read_meta(made / "meta" / "000000001.json")
    again = remake(meta, make_library(recipe))
    stored = read_image(SampleFiles(made, "000000001").bokeh)
    assert np.abs(np.clip(again.renders[0].image, 0, 1) - stored).max() <= 0.5 / 255 + 1e-6


def test_given_up_samples_are_listed_and_never_replaced(recipe, made, tmp_path, monkeypatch):
    honest = making.make_first_valid

    def stubborn(recipe_, library, root_seed, index):
        if index == 1:
            raise AttemptFailed("sample 1: none of 10 attempts made a valid scene")
        return honest(recipe_, library, root_seed, index)

    monkeypatch.setattr(making, "make_first_valid", stubborn)
    built = build(recipe, make_library(recipe), count=4, root_seed=3, root=tmp_path / "set")
    assert [index for index, _ in built.failed] == [1]
    assert sample_keys(tmp_path / "set") == ["000000000", "000000002", "000000003"]
    assert "sample 1" in (tmp_path / "set" / "failures.jsonl").read_text()
    monkeypatch.undo()
    build(recipe, make_library(recipe), count=4, root_seed=3, root=tmp_path / "set")
    assert contents(tmp_path / "set") == contents(made)


def test_contact_sheet_shows_every_sample(made, tmp_path):
    shutil.copytree(made, tmp_path / "set")
    sheet = read_image(write_contact_sheet(tmp_path / "set", thumb=128))
    one = read_image(write_contact_sheet(tmp_path / "set", thumb=128, most=1))
    assert sheet.shape[0] > 1.8 * one.shape[0] and sheet.std() > 0.05


def test_preview_of_something_else(tmp_path):
    with pytest.raises(InputError, match="synth build"):
        write_contact_sheet(tmp_path)


# ------------------------------------------------------------------------------------------- command line


def run(*arguments):
    from click.testing import CliRunner

    from bokehbench.commands.synth import synth

    return CliRunner().invoke(synth, list(arguments))


def test_plan_prints_json_and_draws_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("plan", "--index", "3", "--seed", "9", "--size", "128x96")
    plan = json.loads(result.output)
    assert plan["index"] == 3 and plan["size"] == [128, 96] and plan["foregrounds"]
    assert not list(tmp_path.iterdir())


def test_own_pictures_are_used_and_bad_ones_named(tmp_path):
    from PIL import Image

    fg, bg = tmp_path / "fg", tmp_path / "bg"
    fg.mkdir(), bg.mkdir()
    pixels = np.zeros((90, 70, 4), np.uint8)
    pixels[10:80, 15:60] = (220, 40, 40, 255)
    Image.fromarray(pixels).save(fg / "red.png")
    (fg / "broken.png").write_text("nothing")
    Image.new("RGB", (200, 160), (30, 120, 60)).save(bg / "green.jpg")
    out = tmp_path / "set"
    arguments = ["--size", "80x64", "--fg", str(fg), "--bg", str(bg), "--set", "quality=draft"]
    result = run("build", *arguments, "--count", "2", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "E_UNREADABLE" in result.output
    for key in sample_keys(out):
        sources = {layer["source"] for layer in read_meta(out / "meta" / f"{key}.json")["layers"]}
        assert sources == {"folder:red.png", "folder:green.jpg"}
    assert read_dataset(out)["assets"]["foregrounds"]["files"][0]["path"] == "red.png"


def test_files_of_one_name_in_both_folders_are_told_apart(recipe, tmp_path):
    from PIL import Image

    fg, bg = tmp_path / "fg", tmp_path / "bg"
    fg.mkdir(), bg.mkdir()
    pixels = np.zeros((90, 70, 4), np.uint8)
    pixels[10:80, 15:60] = (220, 40, 40, 255)
    Image.fromarray(pixels).save(fg / "a.png")
    Image.new("RGB", (200, 160), (30, 120, 60)).save(bg / "a.png")
    (fg / "a.json").write_text(json.dumps({"licence": "mine | <b>\nonly", "category": "people"}))
    library = make_library(recipe, fg, bg)
    root = tmp_path / "set"
    build(recipe, library, count=1, root_seed=3, root=root)
    *near, far = read_meta(root / "meta" / "000000000.json")["layers"]
    for layer in near:
        assert layer["sha256"] == sha256_file(fg / "a.png")
        assert (layer["licence"], layer["category"]) == ("mine | <b> only", "people")
    assert far["sha256"] == sha256_file(bg / "a.png")
    assert far["category"] == "own" and "not stated" in far["licence"]
    row = next(line for line in (root / "README.md").read_text().splitlines() if "mine" in line)
    assert row == f"| mine \\| &lt;b&gt; only | {len(near)} |"
    # What is stated is part of what the set was made from.
    (fg / "a.json").unlink()
    with pytest.raises(InputError, match="another set of asset pictures"):
        build(recipe, make_library(recipe, fg, bg), count=2, root_seed=3, root=root)


def test_photographs_alone_that_are_all_too_small_are_refused():
    alone = ("backgrounds.kinds={photograph: 1}",)
    with pytest.raises(ConfigError, match="photograph alone"):
        make_library(load_recipe(bokehbench_v1(), size=(2048, 2048), assignments=alone))
    assert make_library(load_recipe(bokehbench_v1(), size=(256, 256), assignments=alone)).photographs
