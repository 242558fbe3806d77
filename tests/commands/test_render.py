import numpy as np
import pytest

from bokehbench import images
from bokehbench.blender import plan
from bokehbench.cli import main
from bokehbench.commands import options
from bokehbench.errors import ConfigError

METHOD = """
from bokehbench.registry import MethodSpec, register

class Negative:
    def render(self, inputs):
        return 1.0 - inputs.image

register(MethodSpec(name="negative", summary="Inverts.", implementation="mine:Negative"))
"""


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    images.write_png(tmp_path / "photo.png", rng.random((30, 40, 3)))
    disparity = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(30, 0)
    images.write_disparity(tmp_path / "map.png", disparity)
    return tmp_path


def render(files, *arguments: str) -> int:
    command = ["render", str(files / "photo.png"), "--disparity", str(files / "map.png"), *arguments]
    with pytest.raises(SystemExit) as ended:
        main(command)
    return int(ended.value.code or 0)


def test_one_picture_focused_on_a_point(files, capsys):
    out = files / "out.png"
    assert render(files, "--k", "6", "--focus-point", "39,15", "--out", str(out)) == 0
    said = capsys.readouterr().out
    assert "scatter, K 6 px, focus on (39, 15)" in said and "40x30" in said
    sharp, photo = images.read_image(out), images.read_image(files / "photo.png")
    error = np.abs(sharp - photo).mean(axis=(0, 2))
    assert error[-1] < 0.02 < error[0]


def test_a_sweep_gets_suffixes(files):
    arguments = ["--k", "2", "--k", "4.5", "--focus-point", "5,5", "--focus-disparity", "0.25"]
    assert render(files, *arguments, "--out", str(files / "s" / "out.png")) == 0
    names = {path.name for path in (files / "s").iterdir()}
    assert names == {f"out_{focus}_{k}.png" for focus in ("x5y5", "d0.25") for k in ("k2", "k4.5")}


def test_aperture_gamma_and_options_reach_the_method(files):
    base = ["--k", "8", "--focus-disparity", "1"]
    pictures = []
    for number, extra in enumerate(
        ([], ["--blades", "3"], ["--gamma", "1"], ["--inner", "0.5"], ["--option", "highlight_boost=3"])
    ):
        out = files / f"{number}.png"
        assert render(files, *base, *extra, "--out", str(out)) == 0
        pictures.append(out.read_bytes())
    assert len(set(pictures)) == 5


def test_linear_exr_output(files):
    assert (
        render(files, "--k", "0", "--method", "identity", "--focus-disparity", "0", "--out", f"{files}/o.exr")
        == 0
    )
    photo = images.read_image(files / "photo.png")
    assert np.abs(images.read_exr_rgb(files / "o.exr") - photo**2.2).max() < 1e-3


def test_a_method_of_ones_own(files, monkeypatch):
    monkeypatch.setenv("BOKEHBENCH_REGISTER", "")
    (files / "mine.py").write_text(METHOD)
    arguments = [
        "--register",
        f"{files}/mine.py",
        "--method",
        "negative",
        "--k",
        "1",
        "--focus-disparity",
        "0",
    ]
    assert render(files, *arguments, "--out", f"{files}/o.png") == 0
    total = images.read_image(files / "o.png") + images.read_image(files / "photo.png")
    assert np.abs(total - 1.0).max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "say where to focus"),
        (["--focus-point", "40,3"], "outside the picture"),
        (["--focus-point", "four"], "whole pixels"),
        (["--focus-disparity", "1.5"], "[0, 1]"),
        (["--focus-disparity", "0.5", "--method", "scater"], "did you mean scatter"),
        (["--focus-disparity", "0.5", "--blades", "2"], "blades"),
        (["--focus-disparity", "0.5", "--gamma", "0"], "gamma"),
        (["--focus-disparity", "0.5", "--option", "donut=2"], "donut"),
        (["--focus-disparity", "0.5", "--option", "donut"], "NAME=VALUE"),
        (["--focus-disparity", "0.5", "--disparity", "missing.png"], "no such file"),
        (["--focus-disparity", "0.5", "--disparity", "sample:bicycle"], "no such sample"),
        (["--focus-disparity", "0.5", "--focus-disparity", "0.5"], "twice"),
        (["--focus-disparity", "0.5", "--k", "-1"], "K must be"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(files, capsys, arguments, words):
    k = [] if "--k" in arguments else ["--k", "5"]
    assert render(files, *k, *arguments, "--out", str(files / "out.png")) == 2
    error = capsys.readouterr().err
    assert words in error and error.startswith("error: ") and error.count("\n") == 1
    assert not (files / "out.png").exists()


def test_unknown_format_is_refused_before_any_work(files, capsys):
    assert render(files, "--k", "5", "--focus-disparity", "0", "--out", str(files / "out.gif")) == 2
    assert ".png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "scater"], "did you mean"),
        (["--method", "raylayers-oracle"], "true layers"),
        (["--method", "vdslr", "--option", "rounds=abc"], "cannot take rounds=abc"),
        (["--option", "sharpness=1"], "no option sharpness"),
    ],
)
def test_method_and_options_are_checked_before_the_photograph_is_read(files, capsys, arguments, words):
    (files / "photo.png").unlink()
    assert render(files, "--k", "5", "--focus-disparity", "0", *arguments, "--out", f"{files}/o.png") == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and said.out == ""


@pytest.mark.parametrize("parse", [options.parse_size, plan.parse_size])
def test_sizes_are_plain_positive_numbers(parse):
    assert parse("480x270") == parse("480X270") == (480, 270)
    for text in ("480", "0x3", "²x3", "3x-1", "3x4x5", "x", "9" * 5000 + "x1"):
        with pytest.raises(ConfigError, match="--size must be WxH"):
            parse(text)


def test_shards_are_plain_numbers():
    assert options.parse_shard("0/4") == (0, 4)
    for text in ("4/4", "²/4", "1", "-1/4"):
        with pytest.raises(ConfigError, match="--shard must be"):
            options.parse_shard(text)


def test_a_strip_holds_the_photograph_its_map_and_every_shot(files):
    from bokehbench.leaderboard.strips import read_strip

    out = files / "strips" / "mine.png"
    arguments = [
        "--k",
        "3",
        "--focus-point",
        "2,2",
        "--focus-point",
        "35,9",
        "--strip",
        "Mine",
        "--out",
        str(out),
    ]
    assert render(files, *arguments) == 0
    strip = read_strip(out.with_suffix(".json"))
    assert [strip.image_path(image).is_file() for image in strip.content.images] == [True] * 4


def test_every_opening_can_be_asked_for(files):
    letter = np.zeros((24, 24, 3))
    letter[4:20, 6:10] = letter[4:8, 6:18] = 1.0
    images.write_png(files / "letter.png", letter)
    base = ["--method", "raylayers", "--k", "8", "--focus-disparity", "0.9"]
    seen = []
    for number, extra in enumerate(
        (
            ["--aperture", "disc"],
            ["--aperture", "5"],
            ["--aperture", "donut"],
            ["--aperture", "heart", "--rotation", "20"],
            ["--aperture", str(files / "letter.png")],
            ["--rim", "3"],
            ["--cat-eye", "0.8"],
            ["--cat-eye", "0.8", "--vignette", "physical"],
            ["--focus-shift", "0.2,0,-0.2"],
        )
    ):
        out = files / f"opening{number}.png"
        assert render(files, *base, *extra, "--out", str(out)) == 0
        seen.append(images.read_image(out))
    for a in range(len(seen)):
        for b in range(a):
            assert np.abs(seen[a] - seen[b]).max() > 2 / 255, (a, b)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--aperture", "heartt"], "take disc, donut, a number of blades"),
        (["--aperture", "2"], "at least 3"),
        (["--aperture", "5", "--blades", "6"], "give one"),
        (["--aperture", "nothing.png"], "E_MISSING"),
        (["--focus-shift", "1,2"], "R,G,B"),
        (["--cos4", "0.5"], "needs vignette"),
        (["--cat-eye", "0.5"], "scatter cannot render a cat-eye; leave it out, or take raylayers"),
        (["--rim", "2"], "scatter cannot render a soap-bubble rim"),
    ],
)
def test_openings_that_cannot_be_had_are_one_line(files, capsys, arguments, says):
    out = files / "out.png"
    assert render(files, "--k", "6", "--focus-disparity", "1", *arguments, "--out", str(out)) == 2
    said = capsys.readouterr().err.strip()
    assert says in said and "\n" not in said
    assert not out.exists()
