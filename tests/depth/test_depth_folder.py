"""Claims about `bokehbench depth` on files: what is written, kept, refused, and what render makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from depth_world import picture

from bokehbench import depth, images
from bokehbench.cli import main
from bokehbench.records import sha256_file


@pytest.fixture
def photos(tmp_path) -> Path:
    root = tmp_path / "photos"
    images.write_png(root / "a.png", picture(30, 43))
    images.write_png(root / "holiday" / "b.png", picture(25, 31, seed=1))
    return root


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["depth", *map(str, arguments)])
    return int(ended.value.code or 0)


def states(out: Path) -> dict[str, tuple[int, str]]:
    return {
        path.relative_to(out).as_posix(): (path.stat().st_mtime_ns, sha256_file(path))
        for path in out.rglob("*")
        if path.is_file()
    }


def test_maps_and_records_lie_beside_each_other(photos, relative_network, tmp_path, capsys):
    out = tmp_path / "out"
    formats = ("--format", "exr", "--format", "npy", "--format", "png")
    assert run(photos, "--model", relative_network, "--out", out, *formats, "--raw") == 0
    assert set(states(out)) == {
        f"{stem}.{suffix}"
        for stem in ("a", "holiday/b")
        for suffix in ("exr", "npy", "png", "raw.exr", "json")
    }
    expected = depth.predict_raw(str(relative_network), images.read_image(photos / "a.png"))
    read = {suffix: images.read_disparity(out / f"a.{suffix}").values for suffix in ("exr", "npy", "png")}
    assert np.array_equal(read["exr"], expected.disparity) and np.array_equal(read["npy"], expected.disparity)
    assert read["png"] == pytest.approx(expected.disparity, abs=1.0 / 65535)
    assert np.array_equal(images.read_exr(out / "a.raw.exr")["Y"], expected.raw)
    record = json.loads((out / "holiday" / "b.json").read_text())
    assert record["size"] == [31, 25] and record["raw"] == "disparity"
    assert record["source_sha256"] == sha256_file(photos / "holiday" / "b.png")
    assert record["identities"]["depth"] == depth.identity(str(relative_network))
    assert record["identities"]["depth"]["preprocessing"]["size"] == {"height": 56, "width": 56}
    assert {"torch", "transformers"} <= set(record["libraries"]) and record["devices"]["depth"]
    assert record["files"]["disparity exr"]["sha256"] == sha256_file(out / "holiday" / "b.exr")
    assert str(tmp_path) not in json.dumps(record)
    assert "2 pictures done now, 0 kept" in capsys.readouterr().out


def test_the_same_command_goes_on(photos, relative_network, metric_network, tmp_path, capsys):
    out = tmp_path / "out"
    command = (photos, "--model", relative_network, "--out", out)
    assert run(*command) == 0
    before = states(out)
    assert run(*command) == 0
    assert states(out) == before and "0 pictures done now, 2 kept" in capsys.readouterr().out
    (out / "a.exr").unlink()
    images.write_png(photos / "holiday" / "b.png", picture(25, 31, seed=2))
    assert run(*command) == 0
    after = states(out)
    assert after["a.exr"][1] == before["a.exr"][1] and after["holiday/b.exr"][1] != before["holiday/b.exr"][1]
    assert run(photos, "--model", metric_network, "--out", out) == 0, "another network replaces its maps"
    assert states(out)["a.exr"][1] != before["a.exr"][1]


@pytest.mark.slow
def test_two_processes_make_the_same_bytes(photos, relative_network, tmp_path):
    for workers in (1, 2):
        arguments = ("--model", relative_network, "--workers", workers, "--out", tmp_path / str(workers))
        assert run(photos, *arguments) == 0
    one, two = (states(tmp_path / name) for name in ("1", "2"))
    assert {name: digest for name, (_, digest) in one.items()} == {
        n: digest for n, (_, digest) in two.items()
    }


def test_files_of_others_are_not_overwritten(photos, relative_network, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.exr").write_bytes(b"mine")
    (out / "holiday").mkdir()
    (out / "holiday" / "b.json").write_text("{}")
    assert run(photos, "--model", relative_network, "--out", out) == 2
    assert (out / "a.exr").read_bytes() == b"mine" and (out / "holiday" / "b.json").read_text() == "{}"
    assert "not of this command" in capsys.readouterr().err


def test_a_broken_picture_leaves_the_others_alone(photos, relative_network, tmp_path, capsys):
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    assert run(photos, "--model", relative_network, "--out", tmp_path / "out") == 2
    said = capsys.readouterr()
    assert "broken.png" in said.err and "1 of 3 pictures" in said.err
    assert (tmp_path / "out" / "a.exr").is_file() and not list((tmp_path / "out").glob("broken*"))


def test_a_mask_says_where_to_focus(photos, relative_network, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ("--model", relative_network, "--saliency", "centre-square", "--out", out)
    assert run(photos / "a.png", *arguments) == 0
    record = json.loads((out / "a.json").read_text())
    disparity, mask = (images.read_disparity(out / f"a{kind}.exr").values for kind in ("", ".saliency"))
    assert record["disp_focus"] == pytest.approx(float(np.median(disparity[mask > 0.5])))
    assert f"focus disparity {record['disp_focus']:.4f}" in capsys.readouterr().out
    assert run(photos / "a.png", "--saliency", "spectral-residual", "--out", tmp_path / "mask") == 0
    assert set(states(tmp_path / "mask")) == {"a.saliency.exr", "a.json"}


def test_render_takes_what_depth_writes(photos, relative_network, tmp_path):
    photo, out = photos / "a.png", tmp_path / "out"
    assert run(photo, "--model", relative_network, "--saliency", "centre-square", "--out", out) == 0
    focus = json.loads((out / "a.json").read_text())["disp_focus"]
    command = ["render", str(photo), "--disparity", str(out / "a.exr"), "--k", "3"]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--focus-disparity", f"{focus:.4f}", "--out", str(tmp_path / "bokeh.png")])
    assert not ended.value.code
    assert images.read_image(tmp_path / "bokeh.png").shape == (30, 43, 3)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), "say which pictures"),
        (("PHOTOS",), "say what to make"),
        (("PHOTOS", "--raw", "--saliency", "centre-square"), "--raw is of depth"),
        (("PHOTOS", "--model", "NET", "--prompt", "cat"), "--prompt is of --saliency"),
        (("PHOTOS", "--model", "NET", "--model", "dpt-large"), "one --model at a time"),
        (("PHOTOS", "--model", "NET", "--limit", "3"), "--limit is of --evaluate"),
        (("PHOTOS", "--model", "NET", "--device", "abacus"), "--device abacus"),
        (("PHOTOS", "--model", "NET", "--trust-remote-code", "a/b"), "not asked for"),
        (("PHOTOS", "--model", "depth-anything-v2-large", "--offline"), "hf download"),
        (("nowhere", "--model", "NET"), "no such file or folder"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, said, photos, relative_network, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    words = {"PHOTOS": photos, "NET": relative_network}
    assert run(*(words.get(word, word) for word in arguments), "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_pictures_that_would_share_a_map_are_refused(photos, relative_network, tmp_path, capsys):
    images.write_jpeg(photos / "a.jpg", picture(30, 43))
    assert run(photos, "--model", relative_network, "--out", tmp_path / "out") == 2
    assert "have the same maps" in capsys.readouterr().err
