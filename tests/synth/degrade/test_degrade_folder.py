"""Claims about folders: one result whatever the workers and the order, nothing lost, nothing overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bokehbench import images
from bokehbench.cli import main
from bokehbench.errors import ConfigError, InputError
from bokehbench.records import sha256_files
from bokehbench.synth.degrade import DegradePlan, degrade, load_preset
from bokehbench.synth.degrade.folder import Order, degrade_folders

ORDER = Order(load_preset("osediff_512"), 7)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    root = tmp_path / "in"
    for index, name in enumerate(("a.png", "sub/b.jpg", "sub/deep/c.png")):
        picture = np.kron(rng.random((6, 5 + index, 3)), np.ones((8, 8, 1)))
        (images.write_jpeg if name.endswith("jpg") else images.write_png)(root / name, picture)
    (root / "sub" / "notes.txt").write_text("focus 0.3")
    return root


def contents(root: Path) -> str:
    return sha256_files((path for path in root.rglob("*") if path.is_file()), root)


def test_results_do_not_depend_on_workers_nor_on_resuming(pictures: Path, tmp_path: Path) -> None:
    one, two, again = tmp_path / "one", tmp_path / "two", tmp_path / "again"
    assert degrade_folders([pictures], one, ORDER).made == ["a.png", "sub/b.jpg", "sub/deep/c.png"]
    degrade_folders([pictures], two, ORDER, workers=2)
    degrade_folders([pictures], again, ORDER, only=["sub/*"])
    (again / "sub" / "b.png").unlink()
    resumed = degrade_folders([pictures], again, ORDER)
    assert (resumed.made, resumed.kept) == (["a.png", "sub/b.jpg"], ["sub/deep/c.png"])
    assert contents(one) == contents(two) == contents(again)
    assert degrade_folders([pictures], one, ORDER).made == []


def test_a_file_more_moves_nothing_and_a_changed_file_is_made_again(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    degrade_folders([pictures], out, ORDER)
    before = {path: path.read_bytes() for path in out.rglob("*.png")}
    images.write_png(pictures / "0_first.png", np.ones((20, 20, 3)))
    images.write_png(pictures / "a.png", np.zeros((20, 20, 3)))
    assert degrade_folders([pictures], out, ORDER).made == ["0_first.png", "a.png"]
    changed = {path.name for path, data in before.items() if path.read_bytes() != data}
    assert changed == {"a.png"}


def test_the_record_repeats_every_picture(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    degrade_folders([pictures], out, Order(ORDER.preset, 7, keep_small=True))
    record = json.loads((out / "degrade.json").read_text())
    assert record["preset"]["stages"][0]["noise"]["sigma"] == [1.0, 30.0]
    for name, entry in record["files"].items():
        plan = DegradePlan.from_json(entry["plan"])
        made = degrade(plan, images.read_image(pictures / name))
        for kind, pixels in (("lq", made.lq), ("small", made.small)):
            stored = images.read_image(out / entry["targets"][kind]["path"])
            assert (images.quantise(stored) == images.quantise(pixels)).all()
    assert images.read_image(out / "lq_small" / "a.png").shape == (12, 10, 3)
    assert not list(out.glob("*.part*"))


def test_content_as_key_follows_the_picture_and_path_as_key_the_name(pictures: Path, tmp_path: Path) -> None:
    (pictures / "copy.png").write_bytes((pictures / "a.png").read_bytes())
    for keyed_by, same in (("content", True), ("path", False)):
        out = tmp_path / keyed_by
        degrade_folders([pictures], out, Order(ORDER.preset, 7, keyed_by))
        assert ((out / "a.png").read_bytes() == (out / "copy.png").read_bytes()) == same


def test_name_as_key_follows_neither_folder_nor_suffix(pictures: Path, tmp_path: Path) -> None:
    image = images.read_image(pictures / "a.png")
    images.write_png(pictures / "elsewhere" / "a.png", image)
    images.write_png(pictures / "z.png", image)
    degrade_folders([pictures], tmp_path / "out", Order(ORDER.preset, 7, "name"))
    made = [(tmp_path / "out" / name).read_bytes() for name in ("a.png", "elsewhere/a.png", "z.png")]
    assert made[0] == made[1] != made[2]


def test_foreign_files_and_other_orders_are_left_alone(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    images.write_png(out / "a.png", np.ones((4, 4, 3)))
    foreign = (out / "a.png").read_bytes()
    result = degrade_folders([pictures], out, ORDER)
    assert [entry.path for entry in result.rejected] == ["a.png"]
    assert "not of this command" in result.rejected[0].message
    assert (out / "a.png").read_bytes() == foreign
    with pytest.raises(InputError, match="another preset, seed or key"):
        degrade_folders([pictures], out, Order(ORDER.preset, 8))


def test_after_being_killed_the_same_command_goes_on(pictures: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    degrade_folders([pictures], whole, ORDER)
    entries = json.loads((whole / "degrade.json").read_text())["files"]
    # What a killed run leaves: a picture in the journal, one that is not, half a line.
    out.mkdir()
    for name in ("a.png", "sub/b.png"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes((whole / name).read_bytes())
    lines = [
        json.dumps(ORDER.to_json()),
        json.dumps({"name": "a.png", "entry": entries["a.png"]}),
        '{"name": "su',
    ]
    (out / "degrade.part.jsonl").write_text("\n".join(lines))
    with pytest.raises(InputError, match="begun with another"):
        degrade_folders([pictures], out, Order(ORDER.preset, 8))
    assert degrade_folders([pictures], out, ORDER).kept == ["a.png"]
    assert contents(out) == contents(whole)


def test_a_twin_of_a_set_has_every_other_file(pictures: Path, tmp_path: Path) -> None:
    out = pictures / "twin"  # inside the input: not looked at
    degrade_folders([pictures], out, ORDER, only=["sub/*.jpg"], copy_rest=True)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == {
        "a.png",
        "degrade.json",
        "sub/b.png",
        "sub/deep/c.png",
        "sub/notes.txt",
    }
    assert (out / "a.png").read_bytes() == (pictures / "a.png").read_bytes()
    assert degrade_folders([pictures], out, ORDER, only=["sub/*.jpg"], copy_rest=True).made == []


def test_of_the_other_files_those_that_are_named_are_copied(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    degrade_folders([pictures], out, ORDER, only=["sub/*.jpg"], copy_rest=True, copied=["*.txt"])
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [
        "b.png",
        "degrade.json",
        "notes.txt",
    ]


@pytest.mark.parametrize(
    "files",
    [None, [1], {"a.png": {}}, {"a.png": {"source_sha256": "0", "targets": {"lq": {"path": "a.png"}}}}],
)
def test_a_broken_record_is_one_line(pictures: Path, tmp_path: Path, files: object) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for record in (ORDER.to_json() | {"files": files}, [files]):
        (out / "degrade.json").write_text(json.dumps(record))
        with pytest.raises(InputError, match=r"degrade.json: not a record of this command"):
            degrade_folders([pictures], out, ORDER)


def test_impossible_orders_are_refused_before_any_work(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    images.write_jpeg(pictures / "a.jpg", np.ones((8, 8, 3)))
    for inputs, error, message in (
        ([pictures], InputError, "both be written to a.png"),
        ([pictures / "nothing"], InputError, "no such file"),
        ([pictures / "sub", pictures / "sub"], InputError, "both be written"),
    ):
        with pytest.raises(error, match=message):
            degrade_folders(inputs, out, ORDER)
    with pytest.raises(ConfigError, match=r"no pictures that match x/\*"):
        degrade_folders([pictures], out, ORDER, only=["x/*"])
    with pytest.raises(InputError, match="input itself"):
        degrade_folders([pictures], pictures, ORDER)
    with pytest.raises(ConfigError, match="seed"):
        degrade_folders([pictures], out, Order(ORDER.preset, -1))
    assert not out.exists()


def test_the_command_leaves_bad_files_out_and_says_so(pictures: Path, tmp_path: Path, capsys) -> None:
    (pictures / "bad.png").write_text("no picture")
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        main(["degrade", str(pictures), "--preset", "light_phone", "--out", str(out)])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert "left out" in said.err and "E_UNREADABLE" in said.err and "1 of 4 files" in said.err
    assert "3 files made" in said.out
    assert json.loads((out / "degrade.json").read_text())["rejected"] == [
        {"code": "E_UNREADABLE", "path": "bad.png"}
    ]
    with pytest.raises(SystemExit):
        main(["degrade", str(pictures), "--preset", "nothing", "--out", str(out)])
    assert "one of light_phone" in capsys.readouterr().err
