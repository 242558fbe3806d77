"""EBB400-LQ: one command makes it, everybody's is the same, and no other set passes for it."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pytest
import set_replicas as replicas

from bokehbench import images, records
from bokehbench.benchmarks.locate import open_benchmark
from bokehbench.cli import main
from bokehbench.errors import InputError


def degrade(*arguments: object) -> None:
    with pytest.raises(SystemExit) as done:
        main(["degrade", *map(str, arguments)])
    assert done.value.code == 0


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    base = tmp_path_factory.mktemp("twins")
    clean = replicas.ebb400(base / "EBB400", (218, 864))
    degrade(clean, "--set", "ebb400-lq", "--out", base / "LQ")
    for number in (218, 864):
        replicas.write_map(base / "LQ" / "depth-anything-v2-large" / f"{number}.exr")
    return clean, base / "LQ"


def cases(root):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return open_benchmark(f"ebb400-lq:{root}").cases()


def test_inputs_are_degraded_and_everything_else_is_the_sets_own(sets):
    clean, root = sets
    same = open_benchmark(f"ebb400:{clean}")
    with pytest.warns(UserWarning, match="a table over these"):
        before = {info.key: same.load(info) for info in same.cases()}
    for info in cases(root):
        case = open_benchmark(f"ebb400-lq:{root}").load(info)
        sharp = before[info.key]
        np.testing.assert_array_equal(case.target, sharp.target)
        assert case.inputs.image.shape == sharp.inputs.image.shape
        assert case.inputs.lq.shape == (16, 24, 3)
        assert np.abs(case.inputs.image - sharp.inputs.image).mean() > 0.02
        np.testing.assert_array_equal(case.focus_region, sharp.focus_region)


def test_the_input_is_the_small_picture_enlarged_by_bicubic(sets):
    import cv2

    for info in cases(sets[1]):
        inputs = open_benchmark(f"ebb400-lq:{sets[1]}").load(info).inputs
        enlarged = cv2.resize(inputs.lq, (96, 64), interpolation=cv2.INTER_CUBIC)
        assert np.abs(np.clip(enlarged, 0, 1) - inputs.image).max() <= 0.5 / 255 + 1e-6


def test_nothing_that_was_made_of_the_clean_pictures_comes_along(sets, tmp_path):
    clean = shutil.copytree(sets[0], tmp_path / "EBB400")
    replicas.write_map(clean / "depth-anything-v2-large" / "218.exr")
    (clean / "notes.txt").write_text("mine")
    degrade(clean, "--set", "ebb400-lq", "--out", tmp_path / "LQ")
    assert {path.name for path in (tmp_path / "LQ").iterdir()} == {
        *("image", "bokeh", "boxes.json", "lq_small", "degrade.json")
    }


def test_maps_of_the_clean_pictures_are_refused(sets, tmp_path):
    root = shutil.copytree(sets[1], tmp_path / "LQ")
    path = root / "depth-anything-v2-large" / "864.exr"
    replicas.write_origin(path, sets[0] / "image" / "864.jpg", "depth-anything-v2-large")
    with pytest.raises(InputError, match=r"864.exr: was predicted from another picture than .*image/864.png"):
        cases(root)
    replicas.write_origin(path, root / "image" / "864.png", "depth-anything-v2-large")
    assert len(cases(root)) == 2
    # A twin by an older command has copies of everything, which its record names.
    record = records.read_json(root / "degrade.json")
    copied = {"path": "depth-anything-v2-large/864.exr", "sha256": records.sha256_file(path)}
    record["files"]["depth-anything-v2-large/864.exr"] = {"targets": {"copy": copied}}
    records.write_json(root / "degrade.json", record)
    with pytest.raises(InputError, match=r"864.exr: was copied from the clean set; .* \(bokehbench depth\)"):
        cases(root)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda record: record.pop("files"), "does not say which files"),
        (lambda record: record.update(files=[1]), "does not say which files"),
        (lambda record: record.update(files={"image/218.jpg": 1}), "no paths and digests"),
        (lambda record: record.update(files={"image/218.jpg": {"targets": [1]}}), "no paths and digests"),
    ],
)
def test_a_broken_record_is_one_line(sets, tmp_path, spoil, said):
    root = shutil.copytree(sets[1], tmp_path / "LQ")
    record = records.read_json(root / "degrade.json")
    spoil(record)
    records.write_json(root / "degrade.json", record)
    with pytest.raises(InputError, match=f"degrade.json: .*{said}"):
        cases(root)


def test_another_machine_makes_the_same_bytes(sets, tmp_path):
    degrade(sets[0], "--set", "ebb400-lq", "--out", tmp_path / "again")
    for name in ("image", "lq_small/image", "bokeh"):
        files = sorted((sets[1] / name).iterdir())
        assert len(files) == 2
        for path in files:
            assert path.read_bytes() == (tmp_path / "again" / name / path.name).read_bytes()


def test_every_picture_has_its_plan_and_digests(sets):
    record = records.read_json(sets[1] / "degrade.json")
    assert record["seed"] == 7 and record["preset"]["name"] == "realesrgan_x4_lq"
    for number in ("218", "864"):
        entry = record["files"][f"image/{number}.jpg"]
        assert entry["plan"] and set(entry["targets"]) == {"lq", "small"}
        small = sets[1] / entry["targets"]["small"]["path"]
        assert records.sha256_file(small) == entry["targets"]["small"]["sha256"]


def test_what_folders_and_suffixes_are_called_changes_nothing(sets, tmp_path):
    """Copies of the set differ in both; everybody's twin must have the same pixels."""
    other = tmp_path / "other"
    shutil.copytree(sets[0] / "bokeh", other / "gt")
    shutil.copy(sets[0] / "boxes.json", other)
    for path in (sets[0] / "image").iterdir():
        images.write_png(other / "original" / f"{path.stem}.png", images.read_image(path))
    degrade(other, "--set", "ebb400-lq", "--out", tmp_path / "LQ")
    for number in (218, 864):
        for below in ("", "lq_small/"):
            made = tmp_path / "LQ" / f"{below}original" / f"{number}.png"
            assert made.read_bytes() == (sets[1] / f"{below}image" / f"{number}.png").read_bytes()


@pytest.mark.parametrize("option", [("--seed", 8), ("--preset", "osediff_512"), ("--key", "path")])
def test_a_twin_by_other_numbers_is_another_set(sets, tmp_path, option, capsys):
    numbers = {"--preset": "realesrgan_x4_lq", "--seed": 7, "--key": "name"} | {option[0]: option[1]}
    arguments = [value for pair in numbers.items() for value in pair]
    rest = ("--only", "image/*", "--copy-rest", "--keep-small", "--out", tmp_path / "other")
    degrade(sets[0], *arguments, *rest)
    what = "keyed_by" if option[0] == "--key" else option[0][2:]
    with pytest.raises(InputError, match=f"another {what} than ebb400-lq"):
        cases(tmp_path / "other")
    with pytest.raises(SystemExit) as done:
        main(["degrade", str(sets[0]), "--set", "ebb400-lq", *map(str, option), "--out", str(tmp_path / "x")])
    assert done.value.code == 2 and "--set ebb400-lq fixes" in capsys.readouterr().err


def test_a_changed_picture_and_a_set_that_is_no_twin_are_refused(sets, tmp_path):
    root = shutil.copytree(sets[1], tmp_path / "copy")
    images.write_png(root / "lq_small" / "image" / "218.png", np.zeros((16, 24, 3)))
    with pytest.raises(InputError, match=r"lq_small/image/218.png: is not the picture"):
        cases(root)
    with pytest.raises(InputError, match="--set ebb400-lq --out"):
        cases(sets[0])


def test_wrong_folders_are_told_what_the_set_needs(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    shutil.move(replicas.ipb(tmp_path / "ipb") / "reference", tmp_path / "ipb" / "bokeh")
    for folder in ("image", "bokeh"):
        images.write_png(tmp_path / "named" / folder / "cup.png", replicas.photograph(1))
    for arguments, said in (
        ([str(tmp_path / "empty"), "--set", "ebb400-lq"], "not a folder of ebb400; it needs image or"),
        ([str(tmp_path / "ipb"), "--set", "ebb400-lq"], "not a folder of ebb400; it has no target for"),
        ([str(tmp_path / "named"), "--set", "ebb400-lq"], "it has a picture called cup, not a number"),
        ([str(tmp_path), "--set", "ebb400-hq"], "unknown set 'ebb400-hq'; one of ebb400-lq"),
    ):
        with pytest.raises(SystemExit) as done:
            main(["degrade", *arguments, "--out", str(tmp_path / "out")])
        assert done.value.code == 2 and said in capsys.readouterr().err
