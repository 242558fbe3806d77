"""`bokehbench synth assets`: what it lists, draws and looks at."""

import json

import numpy as np
import pytest

from bokehbench.cli import main
from bokehbench.images import read_image, write_png
from bokehbench.synth.assets.catalogue import BACKGROUNDS, FOREGROUNDS


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(["synth", "assets", *arguments])
    return stop.value.code


def test_list_names_every_kind_with_what_it_shows(capsys):
    assert run("list") == 0
    said = capsys.readouterr().out
    for name, kind in {**FOREGROUNDS, **BACKGROUNDS}.items():
        assert f"  {name} " in said and kind.summary() and kind.summary() in said
    assert "public domain (NASA)" in said


def test_sheet_shows_what_was_asked_for(tmp_path, capsys):
    out = tmp_path / "sheet.png"
    assert (
        run("sheet", "--kind", "net", "--kind", "marble", "--seeds", "1", "--thumb", "96", "--out", str(out))
        == 0
    )
    assert "2 kinds" in capsys.readouterr().out
    height, width = read_image(out).shape[:2]
    assert width > 2 * 96 and 96 < height < 2 * 96
    again = tmp_path / "again.png"
    run("sheet", "--kind", "net", "--kind", "marble", "--seeds", "1", "--thumb", "96", "--out", str(again))
    assert again.read_bytes() == out.read_bytes()
    assert run("sheet", "--kind", "furr", "--out", str(tmp_path / "x.png")) == 2
    assert "furr" in capsys.readouterr().err and not (tmp_path / "x.png").exists()


def test_scan_names_unusable_files_and_reports_all(tmp_path, capsys):
    folder = tmp_path / "cutouts"
    picture = np.zeros((64, 64, 4), np.float32)
    picture[8:56, 8:56] = (0.8, 0.4, 0.2, 1.0)
    write_png(folder / "good.png", picture)
    write_png(folder / "empty.png", np.zeros((64, 64, 4), np.float32))
    (folder / "text.png").write_text("no picture")
    report = tmp_path / "report.jsonl"
    assert run("scan", str(folder), "--report", str(report)) == 0
    said = capsys.readouterr().out
    assert "1 usable, 2 not" in said and "E_EMPTY_ALPHA" in said and "E_UNREADABLE" in said
    usable = {line["path"]: line["usable"] for line in map(json.loads, report.read_text().splitlines())}
    assert usable == {"good.png": True, "empty.png": False, "text.png": False}
    assert sorted(path.name for path in folder.iterdir()) == ["empty.png", "good.png", "text.png"]


def test_scan_of_backgrounds_asks_for_their_size(tmp_path, capsys):
    rng = np.random.default_rng(1)
    write_png(tmp_path / "a.png", rng.random((80, 100, 3)))
    assert run("scan", str(tmp_path), "--as", "bg", "--size", "300x300") == 0
    assert "E_TOO_SMALL" in capsys.readouterr().out
    assert run("scan", str(tmp_path), "--as", "bg") == 0
    assert "1 usable, 0 not" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["t2i", "--count", "1"], "--out"),
        (["t2i", "--plan", "--prompts", "nowhere.txt"], "nowhere.txt"),
        (["t2i", "--plan", "--lora", "nowhere"], "nowhere"),
        (["scan", "nowhere"], "nowhere"),
    ],
)
def test_bad_options_are_one_line(arguments, says, capsys):
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and says in error


def test_without_weights_nothing_is_written(tmp_path, capsys, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert run("t2i", "--count", "1", "--out", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "hf download" in error
    assert not (tmp_path / "out").exists()
