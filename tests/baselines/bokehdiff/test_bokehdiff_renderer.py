"""The methods: any size, any encoding, and never a picture without weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bokehbench import weights as weight_files
from bokehbench.baselines.bokehdiff import build, renderer, weights
from bokehbench.baselines.bokehdiff.compact import CompactConfig
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.smoke import smoke
from bokehbench.baselines.smoke_scene import Scene as SmokeScene
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec, get

CONFIG = CompactConfig(vae_channels=(8, 16), unet_channels=(16, 32), tile_px=32)
METHODS = ("bokehdiff-compact", "bokehdiff-compact-vae", "bokehdiff-compact-ceiling")


def random_model(trained: bool = True):
    """Random weights; `trained` ones no longer copy the picture."""
    model = build.random_compact(2, CONFIG, PisaSettings(samples=2, jitters=1))
    if trained:
        torch.manual_seed(0)
        torch.nn.init.normal_(model.unet.conv_out.weight, std=0.2)
        for part in (model.vae.encoder, model.vae.decoder):
            torch.nn.init.normal_(part.conv_out.weight, std=0.02)
    return model.eval().requires_grad_(False)


@pytest.fixture
def compact(tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, "")
    path = tmp_path / "bokehdiff-compact.safetensors"
    weights.save(random_model(), path)
    monkeypatch.setenv(weight_files.FILE_VARIABLE, f"bokehdiff-compact={path}")
    return path


def inputs(height: int = 27, width: int = 45, K: float = 10.0, gamma: float = 2.2) -> Inputs:
    random = np.random.default_rng(0)
    disparity = random.random((height, width), np.float32)
    return Inputs("case", random.random((height, width, 3), np.float32), disparity, Lens(K, 0.5, gamma))


def test_smoke_with_random_weights_fails_in_nothing_but_quality(compact):
    report = smoke(get(MethodSpec, "bokehdiff-compact"))
    passed = {check.name for check in report.checks if check.passed}
    assert {"shape", "range", "repeatable", "odd size"} <= passed, report


@pytest.mark.parametrize("name", ["bokehdiff", "bokehdiff-official", "bokehdiff-vae", *METHODS])
def test_without_weights_there_is_no_picture(name, tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    with pytest.raises(Unavailable, match="--weights bokehdiff"):
        get(MethodSpec, name).create()


def test_records_have_the_hash_of_the_file(compact):
    hashes = get(MethodSpec, "bokehdiff-compact").weights_sha256()
    assert hashes == {compact.name: weight_files.sha256(compact)}


@pytest.mark.parametrize("size", [(27, 45), (16, 16), (9, 150), (80, 90)])
def test_untrained_it_is_the_round_trip_whole_or_in_tiles(size):
    model, case = random_model(trained=False), inputs(*size)
    made = renderer.render_picture(model, case)
    assert made.shape == (*size, 3) and made.dtype == np.float32
    # Tiles want a larger frame, whose reflected rim the VAE sees too.
    assert np.abs(made - renderer.round_trip(model, case.image)).max() < 1e-4


def test_blur_and_focus_reach_the_picture():
    model, case = random_model(), inputs()
    sharp, blurred = (renderer.render_picture(model, replace(case, lens=Lens(K, 0.5))) for K in (0.0, 10.0))
    elsewhere = renderer.render_picture(model, replace(case, lens=Lens(10.0, 0.0)))
    assert np.abs(sharp - blurred).max() > 1e-3 and np.abs(elsewhere - blurred).max() > 1e-3


def test_another_encoding_of_the_same_light_is_the_same_light():
    model, case = random_model(), inputs()
    linear = replace(case, image=case.image**2.2, lens=Lens(10.0, 0.5, 1.0))
    one, two = renderer.render_picture(model, case), renderer.render_picture(model, linear)
    assert np.abs(one**2.2 - two).max() < 1e-5


def test_light_above_white_is_cut_as_in_training():
    model, case = random_model(), inputs()
    bright = replace(case, image=np.where(case.image > 0.9, 3.0, case.image).astype(np.float32))
    cut = replace(case, image=np.minimum(bright.image, 1.0))
    assert np.array_equal(renderer.render_picture(model, bright), renderer.render_picture(model, cut))


def test_the_released_procedure_keeps_the_size():
    made = renderer.render_picture(random_model(), inputs(27, 45), compat=True)
    assert made.shape == (27, 45, 3) and made.min() >= 0.0 and made.max() <= 1.0


def test_the_ceiling_is_what_the_vae_leaves_of_the_true_picture(compact):
    from bokehbench.baselines.raylayers import RayLayersOracle

    case = SmokeScene((48, 40)).inputs(4.0, 0.5, layers=True)
    made = get(MethodSpec, "bokehdiff-compact-ceiling").create().render(case)
    wanted = renderer.round_trip(weights.load(weights.COMPACT), RayLayersOracle().render(case))
    assert np.abs(made - wanted).max() < 1e-5
    plain = get(MethodSpec, "bokehdiff-compact-vae").create().render(case)
    assert np.array_equal(plain, renderer.round_trip(weights.load(weights.COMPACT), case.image))


def test_options_out_of_range_are_refused(compact):
    with pytest.raises(ConfigError, match="precision must be one of fp32, bf16"):
        renderer.BokehDiff(weights.COMPACT, precision="fp16")
    with pytest.raises(ConfigError, match="bokehdiff-compact: computes in fp32 alone"):
        renderer.BokehDiff(weights.COMPACT, precision="bf16")
    with pytest.raises(ConfigError, match="round trip is of input or layers"):
        renderer.RoundTrip(of="target")
    with pytest.raises(ConfigError, match="form 'fast' is unknown"):
        renderer.BokehDiff(weights.COMPACT, form="fast", device="cpu")
