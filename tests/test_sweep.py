"""Claims about sweeps: each frame is the photograph through its lens, however the sweep was made."""

import json
import pickle
import sys

import numpy as np
import pytest

from bokehbench import images, photograph, registry, sweep
from bokehbench.errors import ConfigError, InputError, JobFailed
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec, register

PROGRAM = """
import json, os, shutil, sys
manifest = json.load(open(sys.argv[1]))
json.dump([case["lens"]["K"] for case in manifest["cases"]], open("asked.json", "w"))
paths = [case[what] for case in manifest["cases"] for what in ("image", "disparity")]
json.dump([len(set(paths)), len({os.stat(path).st_ino for path in paths})], open("files.json", "w"))
for case in manifest["cases"]:
    shutil.copy(case["image"], os.path.join(manifest["out"], case["output"]))
"""
DESCRIPTION = f"""
schema = "bokehbench.external/1"
name = "elsewhere"
summary = "Copies its input."
licence = "MIT"
command = ["{sys.executable}", "program.py", "{{manifest}}"]
image = "png8"

[environment]
description = "the tests' own"
"""


def scene(K=6.0, count=5, method="scatter", focus=(0.0, 1.0), options=None, first=None):
    """A textured ramp, near on the right."""
    image = np.random.default_rng(1).random((24, 40, 3), np.float32)
    disparity = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(24, 0)
    steps = sweep.steps(count, (K if first is None else first, K), focus)
    return sweep.Sweep(image, disparity, "ramp", method, options or {}, Lens(K, 0.0), steps)


def frames(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.png"))}


def test_focus_moves_evenly_and_each_frame_is_the_photograph_refocused(tmp_path):
    made = scene(focus=(0.2, 0.8), count=4)
    assert [step.disp_focus for step in made.steps] == [0.2, 0.4, 0.6, 0.8]
    assert sweep.render(made, tmp_path) == 0
    for step in made.steps:
        alone = photograph.refocus(made.image, made.disparity, "scatter", Lens(step.K, step.disp_focus))
        assert (sweep.frame(tmp_path, step) == images.quantise(alone)).all()


def test_an_aperture_opens_from_the_photograph_itself_to_more_and_more_blur(tmp_path):
    made = scene(K=8.0, first=0.0, focus=(0.0, 0.0))
    sweep.render(made, tmp_path)
    pictures = [sweep.frame(tmp_path, step).astype(float) for step in made.steps]
    assert np.abs(pictures[0] - images.quantise(made.image)).mean() < 1
    detail = [np.abs(np.diff(picture, axis=0)).mean() for picture in pictures]
    assert detail == sorted(detail, reverse=True) and detail[-1] < 0.5 * detail[0]


def test_what_is_whole_and_of_the_recipe_stays_and_ends_in_the_same_bytes(tmp_path):
    made = scene()
    sweep.render(made, tmp_path / "whole")
    folder = tmp_path / "again"
    sweep.render(made, folder)
    (folder / "0001.png").unlink()
    (folder / "0003.png").write_bytes((folder / "0003.png").read_bytes()[:300])
    kept = (folder / "0002.png").stat().st_mtime_ns
    assert sweep.render(made, folder) == 3
    assert (folder / "0002.png").stat().st_mtime_ns == kept
    assert frames(folder) == frames(tmp_path / "whole")
    assert (folder / "sweep.json").read_bytes() == (tmp_path / "whole" / "sweep.json").read_bytes()


def test_another_recipe_replaces_the_frames_and_no_frame_is_left_over(tmp_path):
    for other in (scene(K=9.0), scene(options={"highlight_boost": 2.0}), scene(count=3), scene(K=9.0)):
        sweep.render(scene(), tmp_path / "one")
        sweep.render(other, tmp_path / "one")
        sweep.render(other, tmp_path / f"new-{other.steps[-1].K}-{len(other.steps)}-{len(other.options)}")
        new = tmp_path / f"new-{other.steps[-1].K}-{len(other.steps)}-{len(other.options)}"
        assert frames(tmp_path / "one") == frames(new)


def test_k_scale_is_the_same_as_another_k(tmp_path):
    sweep.render(scene(K=4.0, options={"k_scale": 1.5}), tmp_path / "scaled")
    sweep.render(scene(K=6.0), tmp_path / "plain")
    assert frames(tmp_path / "scaled") == frames(tmp_path / "plain")
    recipes = [json.loads((tmp_path / name / "sweep.json").read_text()) for name in ("scaled", "plain")]
    assert [recipe["recipe"]["k_scale"] for recipe in recipes] == [1.5, 1.0]
    assert recipes[0]["recipe"]["method"] == "scatter+k1.5@1"


def test_a_frame_made_in_another_process_is_the_same(tmp_path):
    made = scene()
    sweep.render(made, tmp_path / "here")
    there = pickle.loads(pickle.dumps(sweep._Frames(made, tmp_path / "there")))
    for step in reversed(made.steps):
        there(step)
    assert frames(tmp_path / "here") == frames(tmp_path / "there")


def test_a_method_that_fails_on_the_way_keeps_what_was_made(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    broken = {2.0}

    class Breaks:
        def render(self, inputs):
            if inputs.lens.disp_focus * 4 in broken:
                raise RuntimeError("at two")
            return inputs.image * inputs.lens.disp_focus

    monkeypatch.setattr(MethodSpec, "load", lambda spec: Breaks)
    register(MethodSpec("breaks", "Fails once.", "x:y"))
    made = scene(method="breaks")
    with pytest.raises(JobFailed, match="breaks: RuntimeError: at two"):
        sweep.render(made, tmp_path)
    assert sorted(frames(tmp_path)) == ["0000.png", "0001.png"]
    broken.clear()
    assert sweep.render(made, tmp_path) == 2
    assert len(frames(tmp_path)) == 5 and not list(tmp_path.glob("*part*"))


def test_a_method_of_its_own_environment_gets_all_frames_at_once_and_k_times_its_scale(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.REGISTER_VARIABLE, "")
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "elsewhere.toml").write_text(DESCRIPTION)
    registry.register_files([tmp_path / "elsewhere.toml"])
    try:
        made = scene(K=8.0, first=0.0, count=3, method="elsewhere", options={"k_scale": 1.25})
        sweep.render(made, tmp_path / "out", workers=2)
        assert json.loads((tmp_path / "asked.json").read_text()) == [0.0, 5.0, 10.0]
        # Each case has files of its own name; what they hold lies on the disk once.
        assert json.loads((tmp_path / "files.json").read_text()) == [6, 2]
        assert (sweep.frame(tmp_path / "out", made.steps[1]) == images.quantise(made.image)).all()
        with pytest.raises(ConfigError, match="elsewhere has no option log; it has none but k_scale"):
            photograph.prepare("elsewhere", {"log": "x"})
    finally:
        registry._load_all.cache_clear()


def test_somebody_elses_pictures_are_left_alone(tmp_path):
    (tmp_path / "0001.png").write_bytes(b"a holiday")
    with pytest.raises(InputError, match=r"no sweep\.json"):
        sweep.render(scene(), tmp_path)
    assert (tmp_path / "0001.png").read_bytes() == b"a holiday"
    (tmp_path / "sweep.json").write_text('{"mine": 1}')
    with pytest.raises(InputError, match="not the record of a sweep"):
        sweep.render(scene(), tmp_path)
    for count in (1, 0, 10_001):
        with pytest.raises(ConfigError, match="--frames"):
            scene(count=count)


def test_focus_in_a_mask_is_the_median_disparity_of_the_subject():
    disparity = np.zeros((20, 30), np.float32)
    disparity[:, 15:] = 0.7
    disparity[0, 20] = 1.0
    mask = np.zeros((20, 30))
    mask[:, 16:] = 1.0
    assert photograph.focus_in(disparity, mask) == pytest.approx(0.7)
    assert photograph.focus_in(disparity, mask[::2, ::2]) == pytest.approx(0.7)
    with pytest.raises(InputError, match="shows nothing"):
        photograph.focus_in(disparity, 0 * mask)
    with pytest.raises(InputError, match="shape"):
        photograph.focus_in(disparity, mask.T)


def test_a_narrowed_photograph_keeps_its_light_and_its_disparity():
    made = scene()
    whole = photograph.Photograph(made.image, made.disparity, (0.0, 1.0))
    small = photograph.narrowed(whole, 20)
    assert small.size == (20, 12) and small.disparity.shape == (12, 20)
    assert (small.image**2.2).mean() == pytest.approx((whole.image**2.2).mean(), rel=1e-4)
    assert small.disparity.mean() == pytest.approx(0.5, abs=1e-3)
    assert photograph.narrowed(whole, 40) is whole
    for width in (41, 15):
        with pytest.raises(ConfigError, match="--width"):
            photograph.narrowed(whole, width)
