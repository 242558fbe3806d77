"""Claims about `bokehbench render --sweep`: what is asked for is what is there, and mistakes are one line."""

import json

import av
import numpy as np
import pytest
from PIL import Image

from bokehbench import images
from bokehbench.baselines.scatter.renderer import Scatter
from bokehbench.cli import main


@pytest.fixture
def files(tmp_path):
    images.write_png(tmp_path / "photo.png", np.random.default_rng(0).random((30, 40, 3)))
    disparity = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(30, 0)
    images.write_disparity(tmp_path / "map.png", disparity)
    mask = np.zeros((30, 40))
    mask[:, 29:32] = 1.0
    images.write_png(tmp_path / "subject.png", mask)
    return tmp_path


def render(files, *arguments: str) -> int:
    command = ["render", str(files / "photo.png"), "--disparity", str(files / "map.png"), *arguments]
    with pytest.raises(SystemExit) as ended:
        main(command)
    return int(ended.value.code or 0)


def test_a_focal_stack_is_a_video_its_frames_and_a_strip(files, capsys):
    arguments = ["--k", "5", "--sweep", "focus", "--frames", "4", "--fps", "8", "--back-and-forth"]
    assert render(files, *arguments, "--out", f"{files}/out/stack.mp4") == 0
    said = capsys.readouterr().out
    assert "4 frames (0 were there), scatter, focus from disparity 0.000 to 1.000, K 5 px" in said
    assert "6 frames at 8 a second, libx264 crf 17" in said
    assert sorted(path.name for path in (files / "out").iterdir()) == [
        "stack.mp4",
        "stack_frames",
        "stack_strip.png",
    ]
    with av.open(f"{files}/out/stack.mp4") as container:
        assert len(list(container.decode(video=0))) == 6
    record = json.loads((files / "out/stack_frames/sweep.json").read_text())
    assert [round(one["disp_focus"], 3) for one in record["frames"]] == [0.0, 0.333, 0.667, 1.0]
    # The far end is sharp first, the near end last.
    photo = images.read_image(files / "photo.png")
    first, last = (images.read_image(files / f"out/stack_frames/000{n}.png") for n in (0, 3))
    for picture, sharp in ((first, 0), (last, -1)):
        error = np.abs(picture - photo).mean(axis=(0, 2))
        assert error[sharp] < 0.02 < error[-1 - sharp]
    assert render(files, *arguments, "--out", f"{files}/out/stack.mp4") == 0
    assert "4 frames (4 were there)" in capsys.readouterr().out


def test_an_aperture_opens_on_a_subject_into_a_folder(files, capsys):
    arguments = ["--k", "8", "--sweep", "aperture", "--frames", "3", "--focus-mask", f"{files}/subject.png"]
    assert render(files, *arguments, "--out", f"{files}/frames") == 0
    assert "K from 0 to 8 px, focus at disparity 0.769" in capsys.readouterr().out
    names = sorted(path.name for path in (files / "frames").iterdir())
    assert names == ["0000.png", "0001.png", "0002.png", "strip.png", "sweep.json"]
    photo, first = (images.read_image(files / name) for name in ("photo.png", "frames/0000.png"))
    assert np.abs(first - photo).mean() < 0.004


def test_ends_can_be_named_and_an_animation_is_made(files):
    arguments = ["--k", "5", "--sweep", "focus", "--frames", "3", "--width", "20"]
    arguments += ["--focus-point", "35,3", "--focus-point", "4,3"]
    assert render(files, *arguments, "--out", f"{files}/a.gif") == 0
    assert Image.open(files / "a.gif").n_frames == 3 and Image.open(files / "a.gif").size == (20, 15)
    record = json.loads((files / "a_frames/sweep.json").read_text())
    # Points are of the photograph as it was given, whatever the width.
    assert [one["disp_focus"] for one in record["frames"]] == pytest.approx([35 / 39, 0.5, 4 / 39], abs=1e-3)


def test_one_picture_takes_a_mask_and_a_factor(files, capsys):
    base = ["--focus-mask", f"{files}/subject.png"]
    assert render(files, "--k", "6", *base, "--out", f"{files}/plain.png") == 0
    assert render(files, "--k", "4", *base, "--option", "k_scale=1.5", "--out", f"{files}/scaled.png") == 0
    assert "K 4 px (k_scale 1.5), focus in subject.png (disparity 0.769)" in capsys.readouterr().out
    assert (files / "plain.png").read_bytes() == (files / "scaled.png").read_bytes()
    assert render(files, "--k", "4", *base, "--method", "scatter+k1.5", "--out", f"{files}/name.png") == 0
    assert (files / "plain.png").read_bytes() == (files / "name.png").read_bytes()


FOCUS = ["--focus-disparity", "0.5"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sweep", "focus", *FOCUS], "between two foci"),
        (["--sweep", "focus", *FOCUS, "--focus-point", "1,1"], "named in one way"),
        (["--sweep", "focus", "--k", "3", "--k", "5"], "one --k"),
        (["--sweep", "aperture"], "needs one focus"),
        (["--sweep", "aperture", *FOCUS, "--k", "-2"], "K must be"),
        (["--sweep", "aperture", *FOCUS, "--frames", "1"], "--frames"),
        (["--sweep", "aperture", *FOCUS, "--fps", "0"], "--fps"),
        (["--sweep", "aperture", *FOCUS, "--quality", "101"], "--quality"),
        (["--sweep", "aperture", *FOCUS, "--strip", "T"], "strip of its own"),
        (["--sweep", "aperture", *FOCUS, "--workers", "0"], "--workers"),
        (["--sweep", "aperture", *FOCUS, "--method", "raylayers-oracle"], "true layers"),
        (["--sweep", "aperture", *FOCUS, "--option", "k_scale=0"], "k_scale is a number from 0.01"),
        (["--sweep", "aperture", *FOCUS, "--option", "k_scale=1.23456"], "at most four digits"),
        (["--sweep", "aperture", *FOCUS, "--method", "identity+k2"], "same whatever K is"),
        (["--sweep", "aperture", "--focus-mask", "nothing.png"], "E_MISSING"),
        (["--sweep", "aperture", *FOCUS, "--width", "5000"], "--width"),
        (["--sweep", "aperture", *FOCUS, "--calibrated", "nothing.json"], "no such file"),
        (["--sweep", "sideways"], "sideways"),
        (["--sweep", "aperture", *FOCUS, "--k", "0"], "no frame would differ"),
        (["--sweep", "aperture", *FOCUS, "--k", "3", "--k", "3"], "no frame would differ"),
        (["--sweep", "focus", "--k", "0"], "no blur"),
        (["--sweep", "focus", *FOCUS, *FOCUS], "both foci lie at disparity 0.500"),
        ([*FOCUS, "--frames", "3"], "--frames is of a sweep"),
        ([*FOCUS, "--back-and-forth"], "--back-and-forth is of a sweep"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(files, capsys, arguments, words):
    k = [] if "--k" in arguments else ["--k", "5"]
    before = sorted(files.iterdir())
    assert render(files, *k, *arguments, "--out", f"{files}/out.mp4") == 2
    error = capsys.readouterr().err
    assert words in error and error.startswith("error: ") and error.count("\n") == 1
    assert sorted(files.iterdir()) == before


def test_a_name_that_is_no_video_is_refused(files, capsys):
    assert render(files, "--k", "5", "--sweep", "focus", "--out", f"{files}/out.avi") == 2
    assert ".webm" in capsys.readouterr().err


def test_a_folder_takes_no_options_of_videos_and_nobodys_strip(files, capsys):
    arguments = ["--k", "5", "--sweep", "focus", "--frames", "2", "--out", f"{files}/mine"]
    assert render(files, *arguments, "--fps", "5") == 2
    assert "--fps is of a video" in capsys.readouterr().err
    (files / "mine").mkdir()
    (files / "mine/strip.png").write_bytes(b"a comic")
    assert render(files, *arguments) == 2
    assert "no sweep made it" in capsys.readouterr().err
    assert [path.read_bytes() for path in (files / "mine").iterdir()] == [b"a comic"]
    (files / "mine/strip.png").unlink()
    assert render(files, *arguments) == render(files, *arguments) == 0


def test_a_method_is_loaded_once(files, monkeypatch):
    made = []
    begin = Scatter.__init__
    monkeypatch.setattr(Scatter, "__init__", lambda self, *a, **k: (made.append(1), begin(self, *a, **k))[1])
    arguments = ["--k", "5", "--sweep", "focus", "--frames", "2", "--out", f"{files}/frames"]
    assert render(files, *arguments) == 0
    assert len(made) == 1


def test_an_animation_says_the_rate_that_it_has(files, capsys):
    arguments = ["--k", "5", "--sweep", "focus", "--frames", "2", "--fps", "12", "--out", f"{files}/a.gif"]
    assert render(files, *arguments) == 0
    assert "2 frames at 12.5 a second" in capsys.readouterr().out
    assert Image.open(files / "a.gif").info["duration"] == 80
