"""Claims about `calibrate`: a blur that is understated by a factor is found out, and nothing is silent."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from bokehbench import images, records, registry, rng
from bokehbench.cli import main
from bokehbench.errors import ConfigError, InputError, JobFailed
from bokehbench.leaderboard import calibrate, k_scale
from bokehbench.leaderboard.build import build
from bokehbench.leaderboard.collect import collect
from bokehbench.leaderboard.evaluate import evaluate
from bokehbench.leaderboard.export_text import to_terminal
from bokehbench.leaderboard.run import run
from bokehbench.leaderboard.verify import verify
from bokehbench.registry import MethodSpec, get

WORLD = '''
"""Scenes rendered by scattering, with the noise of a camera, and a method that blurs 1.5 times too little."""
from pathlib import Path
import numpy as np
from bokehbench.baselines.scatter.renderer import Scatter
from bokehbench.cases import Case, CaseInfo, Inputs
from bokehbench.optics import Lens
from bokehbench.registry import BenchmarkSpec, MethodSpec, register

class Scenes:
    def __init__(self, root):
        self.root = root
    def cases(self):
        return [CaseInfo(f"s{n}", f"scene{n}", "all", Lens(6.0 + n % 3, 0.2), f"{self.root.name}{n}")
                for n in range(7)]
    def load(self, info):
        draw = np.random.default_rng(int(info.key[1:]))
        image = draw.random((24, 32, 3), np.float32)
        disparity = np.linspace(0, 1, 32, dtype=np.float32)[None].repeat(24, 0)
        inputs = Inputs(info.key, image, disparity, info.lens)
        target = Scatter().render(inputs) + draw.normal(0, 0.02, image.shape)
        return Case(info, inputs, target.astype(np.float32))

class Weak(Scatter):
    def render(self, inputs):
        with (Path(__file__).parent / "asked.txt").open("a") as asked:
            print(inputs.key, inputs.lens.K, file=asked)
        return super().render(Inputs(inputs.key, inputs.image, inputs.disparity, inputs.lens.scaled(1 / 1.5)))

register(
    BenchmarkSpec("scenes", "S.", "scenes:Scenes"),
    MethodSpec("weak", "Blurs too little.", "scenes:Weak", aliases=("feeble",)),
)
'''


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The folder, with the calibration of the weak method on one set and a run on that set and another."""
    folder = tmp_path_factory.mktemp("calibrate")
    patch = pytest.MonkeyPatch()
    patch.setattr(os, "fsync", lambda handle: None)  # not what these tests are about, and slow
    patch.setenv(registry.REGISTER_VARIABLE, "")
    patch.setattr(registry, "_registered", dict(registry._registered))
    (folder / "scenes.py").write_text(WORLD)
    for name in ("held_out", "test"):
        (folder / name).mkdir()
    registry.register_files([folder / "scenes.py"])
    calibrate.calibrate("weak", f"scenes:{folder / 'held_out'}", folder / "weak.json")
    yield folder
    patch.undo()
    registry._load_all.cache_clear()


def test_a_blur_understated_by_one_and_a_half_is_found_and_a_true_one_is_left(world):
    found = k_scale.read(world / "weak.json")
    low, high = found.interval
    assert low <= 1.5 <= high and high / low < 1.1
    assert found.k_scale == pytest.approx(1.5, rel=0.02)
    assert (found.cases, found.scenes, len(found.by_scene)) == (7, 7, 7)
    assert max(found.psnr.values()) > found.psnr["1.0000"] + 1.0
    assert found.is_needed and found.gain[1] > 1.0
    plain = calibrate.calibrate("scatter", f"scenes:{world / 'held_out'}", world / "scatter.json")
    assert plain.interval[0] <= 1.0 <= plain.interval[1]
    assert not plain.is_needed and abs(plain.gain[0]) < 0.1


def test_what_was_measured_is_not_measured_again_and_the_bytes_are_the_same(world):
    asked, content = (world / "asked.txt").read_text(), (world / "weak.json").read_bytes()
    assert len(asked.splitlines()) <= 7 * 30
    curves = sorted((world / "weak.curves").rglob("*.curve.json"))
    whole = curves[2].read_bytes()
    curves[2].unlink()
    calibrate.calibrate("feeble", f"scenes:{world / 'held_out'}", world / "weak.json")
    again = (world / "asked.txt").read_text()[len(asked) :].splitlines()
    assert {line.split()[0] for line in again} == {"s2"}
    assert (world / "weak.json").read_bytes() == content and curves[2].read_bytes() == whole


def test_its_row_stands_beside_the_method_as_it_is_and_says_what_was_done(world):
    out, name = world / "out", f"weak+k{k_scale.read(world / 'weak.json').k_scale:g}"
    held_out, test = (f"scenes:{world / name}" for name in ("held_out", "test"))
    run([test], ["weak", "scatter"], out, calibrated=[world / "weak.json"])
    evaluate(out, ["psnr"])
    (board,) = collect([out])
    table = build(board)
    means = {row.label: table.everything.cells[row.key]["psnr"].interval.mean for row in table.rows}
    assert set(means) == {"weak", "scatter", name}
    assert means["weak"] + 1.0 < means[name] and abs(means[name] - means["scatter"]) < 0.3
    assert f"{name}: weak: K times" in to_terminal([table]) and "calibrated on scenes" in to_terminal([table])
    row = next(row for row in table.rows if row.label == name)
    assert row.uses_truth == () and row.status == "ranked"
    record = records.read_json(out / "scenes/default@1" / name / "none/s0.json")
    assert record["method"] == f"{name}@1" and record["k_scale"] == get(MethodSpec, name).k_scale
    assert f"--method {name} " in record["command"] and "--register scenes.py" in record["command"]
    assert not verify(out, sample=3, benchmarks=[test]).problems
    # On the very cases that it was found on, the truth has chosen it.
    run([held_out], ["weak"], world / "same", calibrated=[world / "weak.json"])
    evaluate(world / "same", ["psnr"])
    table = build(collect([world / "same"])[0])
    assert [row.truth for row in table.rows if row.label == name] == [f"K times {name[6:]}"]
    assert "calibrated on 7 of these cases" in to_terminal([table])


def test_a_factor_that_is_only_given_is_said_to_be(world):
    run([f"scenes:{world / 'test'}"], ["weak+k2"], world / "given")
    evaluate(world / "given", ["psnr"])
    (row,) = build(collect([world / "given"])[0]).rows
    assert row.k_scale == "K times 2, given, not calibrated"


def test_a_calibration_of_another_method_than_today_s_is_refused(world):
    content = records.read_json(world / "weak.json")
    for key, value in (("method", "weak@0"), ("weights", {"net.pth": "0" * 64}), ("options", {"donut": 1})):
        (world / "old.json").write_text(json.dumps({**content, key: value}))
        with pytest.raises(ConfigError, match=f"another {key} than it has now"):
            run([f"scenes:{world / 'test'}"], [], world / "none", calibrated=[world / "old.json"])
    for broken in ({**content, "more": 1}, {"k_scale": 1.5}, [1]):
        (world / "old.json").write_text(json.dumps(broken))
        with pytest.raises(InputError, match="not what bokehbench calibrate writes"):
            k_scale.read(world / "old.json")
    assert not (world / "none").exists()


def test_what_has_no_factor_is_refused_before_any_rendering(world, tmp_path):
    held_out = f"scenes:{world / 'held_out'}"
    for method, words in (("identity", "whatever K is"), ("weak+k2", "has its k_scale already")):
        with pytest.raises(ConfigError, match=words):
            calibrate.calibrate(method, held_out, tmp_path / "x.json")
    with pytest.raises(ConfigError, match="needs the true layers"):
        calibrate.calibrate("raylayers-oracle", held_out, tmp_path / "x.json")
    for between in ((2.0, 4.0), (0.0, 2.0), (0.5, 1.0)):
        with pytest.raises(ConfigError, match="range"):
            calibrate.calibrate("weak", held_out, tmp_path / "x.json", between=between)
    with pytest.raises(JobFailed, match="end of the range"):
        calibrate.calibrate("weak", held_out, tmp_path / "x.json", between=(0.9, 1.2))
    assert not (tmp_path / "x.json").exists()


def command(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_the_commands_say_what_was_found_and_take_it(world, tmp_path, capsys):
    held_out = f"scenes:{world / 'held_out'}"
    assert command("calibrate", "weak", "--benchmark", held_out, "--out", str(world / "weak.json")) == 0
    said = capsys.readouterr().out
    assert "weak: K times 1." in said and "dB as it is" in said and "1 lies in" not in said
    assert f"--method weak+k{k_scale.read(world / 'weak.json').k_scale:g}" in said
    images.write_png(tmp_path / "photo.png", np.random.default_rng(0).random((24, 32, 3)))
    images.write_disparity(tmp_path / "map.png", np.linspace(0, 1, 32)[None].repeat(24, 0))
    photo = ["render", str(tmp_path / "photo.png"), "--disparity", str(tmp_path / "map.png"), "--k", "4"]
    photo += [
        "--focus-disparity",
        "0",
        "--calibrated",
        str(world / "weak.json"),
        "--out",
        str(tmp_path / "o.png"),
    ]
    assert command(*photo, "--method", "weak") == 0
    assert "weak: K times 1." in capsys.readouterr().out
    for bad, words in (
        ([*photo, "--method", "scatter"], "is of weak, not of scatter"),
        ([*photo, "--method", "weak", "--option", "k_scale=2"], "give one"),
        (["calibrate", "weak", "--benchmark", held_out, "--out", "x.yaml"], ".json"),
        (["calibrate", "weak", "--benchmark", held_out, "--out", "x.json", "--range", "1"], "LOW,HIGH"),
        (["run", "--benchmark", held_out, "--out", str(tmp_path / "r")], "say what to run"),
    ):
        assert command(*bad) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1


def test_a_variant_is_one_method_under_one_name(world):
    variant = get(MethodSpec, "weak+k1.5")
    assert variant is get(MethodSpec, "weak+k1.5") and variant.k_scale == 1.5
    assert get(MethodSpec, "feeble+k1.5") == variant
    for other in ("weak+k1.50", "weak+k1", "weak+k", "weak+k-2", "weak+k1e1", "nothing+k2", "weak+k2+k2"):
        with pytest.raises(ConfigError, match="unknown method"):
            get(MethodSpec, other)


# ------------------------------------------------------------------------------- the search, by arithmetic


def measured(tops: dict[str, float], sharpness: float):
    """Curves with one top each, like PSNR about the right radius."""

    def measure(numbers):
        return {
            case: {n: 30.0 - sharpness * abs((n - top) / 64) ** 1.5 for n in numbers}
            for case, top in tops.items()
        }

    return measure


@pytest.mark.parametrize("top", [-90.0, -3.3, 0.0, 0.4, 37.4, 101.0])
def test_the_top_of_any_single_curve_is_found(top):
    tops = {f"c{n}": top for n in range(7)}
    asked: set[int] = set()

    def measure(numbers):
        assert not asked & set(numbers)
        asked.update(numbers)
        return measured(tops, 8.0)(numbers)

    _, found = calibrate.find(measure, {case: case for case in tops}, (-128, 128))
    assert abs(found.best - top) <= 0.5 and len(asked) <= 28
    assert found.bounds[0] <= top <= found.bounds[1]


def test_scenes_that_disagree_do_not_ask_for_a_factor_however_narrow_its_interval_is():
    """Three sharp curves hold the place of the mean's top; the five others want none of it."""
    tops = {f"c{n}": 15.0 if n < 3 else -60.0 for n in range(8)}
    sharp = {case: 60.0 if top > 0.0 else 3.0 for case, top in tops.items()}

    def measure(numbers):
        return {
            case: {n: 30.0 - sharp[case] * abs((n - tops[case]) / 64) ** 1.5 for n in numbers}
            for case in tops
        }

    curves, found = calibrate.find(measure, {case: case for case in tops}, (-128, 128))
    assert 0.0 < found.bounds[0] < found.best < found.bounds[1] < 20.0
    middle, low, high = calibrate.gain(curves, {case: case for case in tops})
    assert low < middle < high
    exact = []
    for case, curve in curves.items():
        others = {other: one for other, one in curves.items() if other != case}
        best = calibrate.peak(calibrate.mean(others))
        exact.append(curve[min(curve, key=lambda n: abs(n - best))] - curve[0])
    assert middle == pytest.approx(np.mean(exact), abs=1e-3) and low < 0.0


def test_fewer_than_six_scenes_have_no_interval():
    tops = {f"c{n}": 10.0 for n in range(8)}
    _, found = calibrate.find(
        measured(tops, 8.0), {case: case[:1] + "ab"[int(case[1]) % 2] for case in tops}, (-64, 64)
    )
    assert found.bounds is None and abs(found.best - 10) <= 0.5
    assert (
        calibrate.gain({case: {0: 1.0, 1: 2.0} for case in "abcde"}, {case: case for case in "abcde"}) is None
    )


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    held = 0
    for n in range(60):
        draw = rng.stream(4, n, "test.calibrate")
        tops = {f"c{k}": 20.0 + float(value) for k, value in enumerate(draw.normal(0, 6, 10))}
        _, found = calibrate.find(measured(tops, 8.0), {case: case for case in tops}, (-128, 128))
        held += found.bounds[0] <= 20.0 <= found.bounds[1]
    assert 0.88 <= held / 60 <= 1.0


def test_the_peak_of_a_parabola_is_exact_between_unequal_neighbours():
    for top in (-1.9, 0.3, 2.75):
        curve = {n: 5.0 - 0.3 * (n - top) ** 2 for n in (-8, -4, -2, 0, 1, 3, 4, 8)}
        assert calibrate.peak(curve) == pytest.approx(top)
    assert calibrate.peak({0: 1.0, 1: 2.0, 2: 3.0}) == 2.0
    assert np.isfinite(calibrate.peak({0: 1.0, 1: 1.0, 2: 1.0}))
