"""The methods: any size, any encoding, restoration without blur, and never a picture without weights."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from magicbokeh_models import random_model

from bokehbench import weights as weight_files
from bokehbench.baselines.magicbokeh import renderer, weights
from bokehbench.baselines.smoke import smoke
from bokehbench.cases import Inputs
from bokehbench.cli import main
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.images import read_image, write_disparity, write_png
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec, get

METHODS = ("magicbokeh-compact", "magicbokeh-compact-vae")
ON_BASE = ("magicbokeh", "magicbokeh-official", "magicbokeh-vae")


@pytest.fixture
def compact(tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, "")
    path = tmp_path / weights.COMPACT[0]
    weights.save(random_model(), path)
    monkeypatch.setenv(weight_files.FILE_VARIABLE, f"magicbokeh-compact={path}")
    return path


def inputs(height: int = 27, width: int = 45, K: float = 10.0, gamma: float = 2.2) -> Inputs:
    random = np.random.default_rng(0)
    disparity = random.random((height, width), np.float32)
    return Inputs("case", random.random((height, width, 3), np.float32), disparity, Lens(K, 0.5, gamma))


def test_smoke_with_random_weights_fails_in_nothing_but_quality(compact):
    report = smoke(get(MethodSpec, "magicbokeh-compact"))
    passed = {check.name for check in report.checks if check.passed}
    assert {"shape", "range", "repeatable", "odd size"} <= passed, report


@pytest.mark.parametrize("name", [*METHODS, *ON_BASE])
def test_without_weights_there_is_no_picture(name, tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    with pytest.raises(Unavailable, match="--weights magicbokeh"):
        get(MethodSpec, name).create()


def test_records_have_the_hash_of_the_file(compact):
    hashes = get(MethodSpec, "magicbokeh-compact").weights_sha256()
    assert hashes == {compact.name: weight_files.sha256(compact)}


@pytest.mark.parametrize("size", [(27, 45), (64, 64), (9, 80), (70, 90)])
def test_any_size_comes_back(size):
    made = renderer.render_picture(random_model(), inputs(*size))
    assert made.shape == (*size, 3) and made.dtype == np.float32
    assert made.min() >= 0.0 and made.max() <= 1.0


def test_untrained_it_is_the_round_trip_with_the_input_s_light():
    model, case = random_model(trained=False), inputs(64, 64)
    made = renderer.render_picture(model, case, colour="none")
    assert np.abs(made - renderer.round_trip(model, case.image)).max() < 1e-4
    light = (renderer.render_picture(model, case) ** 2.2).mean((0, 1))
    assert np.allclose(light, (case.image**2.2).mean((0, 1)), atol=0.02)  # whites are cut off


def test_blur_and_focus_reach_the_picture():
    model, case = random_model(), inputs()
    restored, blurred = (
        renderer.render_picture(model, replace(case, lens=Lens(K, 0.5))) for K in (0.0, 10.0)
    )
    elsewhere = renderer.render_picture(model, replace(case, lens=Lens(10.0, 0.0)))
    assert np.abs(restored - blurred).max() > 1e-3 and np.abs(elsewhere - blurred).max() > 1e-3


def test_without_blur_disparity_is_no_matter():
    model, case = random_model(), inputs(K=0.0)
    made = renderer.render_picture(model, case)
    other = replace(case, disparity=np.zeros_like(case.disparity), lens=Lens(0.0, 0.0))
    assert np.array_equal(made, renderer.render_picture(model, other))
    # A picture that lies in the plane of focus is not blurred either.
    flat = replace(case, disparity=np.full_like(case.disparity, 0.5), lens=Lens(30.0, 0.5))
    assert np.array_equal(made, renderer.render_picture(model, flat))


def test_radii_beyond_the_trained_range_are_cut_off_or_the_picture_is_rendered_smaller():
    model, case = random_model(), replace(inputs(72, 66), lens=Lens(64.0, 0.0))
    clamped = renderer.render_picture(model, case)
    c = np.minimum(case.disparity * 4.0, 1.0)
    same = replace(case, disparity=c, lens=Lens(16.0, 0.0))
    assert np.abs(clamped - renderer.render_picture(model, same)).max() < 1e-5
    smaller = renderer.render_picture(model, case, allow_rescale=True)
    assert smaller.shape == case.image.shape and np.abs(smaller - clamped).max() > 1e-3
    in_range = replace(case, lens=Lens(12.0, 0.0))
    assert np.array_equal(
        renderer.render_picture(model, in_range),
        renderer.render_picture(model, in_range, allow_rescale=True),
    )


def test_what_was_cut_off_is_said_once_and_stands_in_the_facts(compact):
    method = get(MethodSpec, "magicbokeh-compact").create()
    case = replace(inputs(72, 66), lens=Lens(64.0, 0.0))
    with pytest.warns(UserWarning, match="cut off at 16 px"):
        method.render(case)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        method.render(case)
    assert "cut off" in method.facts(case)["note"] and method.facts(inputs()) == {}


def test_another_encoding_of_the_same_light_is_the_same_light():
    model, case = random_model(), inputs()
    linear = replace(case, image=case.image**2.2, lens=Lens(10.0, 0.5, 1.0))
    one, two = renderer.render_picture(model, case), renderer.render_picture(model, linear)
    assert np.abs(one**2.2 - two).max() < 1e-4


def test_light_above_white_is_cut_as_in_training():
    model, case = random_model(), inputs()
    bright = replace(case, image=np.where(case.image > 0.9, 3.0, case.image).astype(np.float32))
    cut = replace(case, image=np.minimum(bright.image, 1.0))
    assert np.array_equal(renderer.render_picture(model, bright), renderer.render_picture(model, cut))


def test_the_round_trip_is_of_the_input(compact):
    case = inputs()
    made = get(MethodSpec, "magicbokeh-compact-vae").create().render(case)
    assert np.array_equal(made, renderer.round_trip(weights.load(weights.COMPACT), case.image))


def test_options_out_of_range_are_refused(compact):
    with pytest.raises(ConfigError, match="precision must be one of fp32, bf16"):
        renderer.MagicBokeh(weights.COMPACT, precision="fp16")
    with pytest.raises(ConfigError, match="magicbokeh-compact: computes in fp32 alone"):
        renderer.MagicBokeh(weights.COMPACT, precision="bf16")
    with pytest.raises(ConfigError, match="colour must be one of"):
        renderer.MagicBokeh(weights.COMPACT, colour="sepia", device="cpu")


def test_a_photograph_and_a_sweep_with_a_factor_of_k(compact, tmp_path):
    case = inputs(72, 66)
    write_png(tmp_path / "photo.png", case.image)
    write_disparity(tmp_path / "map.png", case.disparity)
    command = ["render", str(tmp_path / "photo.png"), "--disparity", str(tmp_path / "map.png")]
    command += ["--focus-disparity", "0.5", "--k", "8", "--method", "magicbokeh-compact"]

    def render(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main([*command, *arguments])
        return int(ended.value.code or 0)

    out = tmp_path / "sweep"
    assert render("--option", "colour=adain", "--sweep", "aperture", "--frames", "2", "--out", str(out)) == 0
    assert len(list(out.glob("*.png"))) == 3  # with the strip
    assert render("--option", "k_scale=1.5", "--out", str(tmp_path / "one.png")) == 0
    wanted = renderer.render_picture(
        weights.load(weights.COMPACT),
        replace(case, image=read_image(tmp_path / "photo.png"), lens=Lens(12.0, 0.5)),
    )
    assert np.abs(read_image(tmp_path / "one.png") - wanted).max() < 0.02
