"""Restorers: sizes, networks of any weight file that spandrel knows, files that want more than to be read."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bokehbench import registry, weights
from bokehbench.baselines.restorers.network import SuperResolution
from bokehbench.baselines.restorers.stages import fit
from bokehbench.cases import Inputs
from bokehbench.errors import BokehbenchError, ConfigError, InputError, Unavailable
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec, RestorerSpec, find, get

SMALL = (36, 40)
"""Height and width of the low-quality picture; the target is four times as large."""


def inputs(lq: np.ndarray, scale: float = 4.0) -> Inputs:
    shape = (round(scale * lq.shape[0]), round(scale * lq.shape[1]))
    disparity = np.linspace(0, 1, shape[1], dtype=np.float32)[None].repeat(shape[0], 0)
    return Inputs("case", np.full((*shape, 3), 0.5, np.float32), disparity, Lens(6.0, 0.5), lq=lq)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(5).random((*SMALL, 3)).astype(np.float32)


def rrdb(features: int = 8, growth: int = 32, scale: int = 4) -> dict[str, torch.Tensor]:
    """A tiny network of Real-ESRGAN's kind: names and shapes as its files have them, random numbers."""
    dice = torch.Generator().manual_seed(3)

    def conv(name: str, given: int, made: int) -> dict[str, torch.Tensor]:
        weight = torch.randn(made, given, 3, 3, generator=dice) * (1.0 / (9 * given)) ** 0.5
        return {f"{name}.weight": weight, f"{name}.bias": torch.zeros(made)}

    state = conv("conv_first", 3 * (4 // scale) ** 2, features)
    for block in (1, 2, 3):
        for number in range(1, 6):
            made = growth if number < 5 else features
            state |= conv(f"body.0.rdb{block}.conv{number}", features + (number - 1) * growth, made)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        state |= conv(name, features, features)
    return state | conv("conv_last", features, 3)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save({"params_ema": rrdb()}, path)
    return path


@pytest.mark.parametrize("scale", [2.0, 3.0, 4.0, 3.975])
def test_bicubic_is_the_enlargement_of_the_protocols(picture: np.ndarray, scale: float) -> None:
    wanted = inputs(picture, scale)
    height, width = wanted.image.shape[:2]
    restored = get(RestorerSpec, "bicubic").create().restore(wanted)
    opencv = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(restored, np.clip(opencv, 0, 1), atol=1e-6)


def test_a_picture_of_another_factor_keeps_its_corners_and_its_light() -> None:
    """A ramp of the whole width is the same ramp at any size: nothing is shifted or cut off."""
    for (height, width), shape in (((8, 64), (5, 24)), ((8, 64), (16, 96)), ((272, 480), (270, 480))):
        ramp = ((np.arange(width) + 0.5) / width).astype(np.float32)
        image = ramp[None, :, None].repeat(height, 0).repeat(3, 2)
        made = fit(image, shape)
        assert made.shape == (*shape, 3)
        wanted = (np.arange(shape[1]) + 0.5) / shape[1]
        np.testing.assert_allclose(made[0, 4:-4, 0], wanted[4:-4], atol=2e-3)
        assert made.mean() == pytest.approx(image.mean(), abs=1e-3)


def test_any_file_is_a_restorer_by_its_name(file: Path, picture: np.ndarray, monkeypatch) -> None:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(file.parent))
    monkeypatch.setattr(registry, "_files_of_weights", {})
    spec = get(RestorerSpec, "spandrel-tiny")
    assert spec.weights_sha256() == {"tiny.pth": weights.sha256(file)}
    restored = spec.create().restore(inputs(picture))
    assert (
        restored.shape == (4 * SMALL[0], 4 * SMALL[1], 3) and 0.0 <= restored.min() <= restored.max() <= 1.0
    )
    two = get(MethodSpec, "spandrel-tiny+scatter")
    assert two.weights_sha256() == spec.weights_sha256() and two.category == "neural"
    assert find(MethodSpec, "spandrel-tiny+scatter") is two
    with pytest.raises(Unavailable, match=r"needs huge\.safetensors"):
        get(MethodSpec, "spandrel-huge+scatter").weights_sha256()


def test_safetensors_and_tiles_give_the_same_picture(file: Path, picture: np.ndarray, tmp_path: Path) -> None:
    whole = SuperResolution(file).restore(inputs(picture))
    save_file(rrdb(), tmp_path / "tiny.safetensors")
    np.testing.assert_array_equal(
        SuperResolution(tmp_path / "tiny.safetensors").restore(inputs(picture)), whole
    )
    # What lies behind the border is farther away than the network sees.
    tiled = SuperResolution(file, tile=16, border=24).restore(inputs(picture))
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    assert whole.std() > 0.01


class Mischief:
    """A pickle that would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_runs_nothing(tmp_path: Path) -> None:
    torch.save({"params_ema": rrdb(), "more": Mischief(tmp_path / "made")}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match=r"evil\.pth: has more in it than tensors"):
        SuperResolution(tmp_path / "evil.pth")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b"nothing"), "not a file of weights|more in it"),
        (lambda path: torch.save({"a": torch.zeros(3)}, path), "network that spandrel knows"),
        (
            lambda path: torch.save({**rrdb(), "conv_last.weight": torch.zeros(1, 8, 3, 3)}, path),
            "channels|fit no",
        ),
    ],
)
def test_other_files_are_one_line(tmp_path: Path, write, said: str) -> None:
    write(tmp_path / "file.pth")
    with pytest.raises((InputError, ConfigError), match=said) as error:
        SuperResolution(tmp_path / "file.pth")
    assert "\n" not in str(error.value)


def test_another_file_under_the_published_name_is_refused(file: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "RealESRGAN_x4plus.pth").write_bytes(file.read_bytes())
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(Unavailable, match=r"sha-mismatch.*4fa0d389"):
        get(MethodSpec, "real-esrgan+bokehme").weights_sha256()


def test_without_a_low_quality_picture_there_is_one_clear_error(picture: np.ndarray) -> None:
    from dataclasses import replace

    renderer = get(MethodSpec, "bicubic+scatter").create()
    with pytest.raises(InputError, match="restores low-quality pictures, and case has none"):
        renderer.render(replace(inputs(picture), lq=None))


def test_the_renderer_sees_the_restored_picture_and_nothing_else(picture: np.ndarray) -> None:
    seen = []

    class Watcher:
        def render(self, given: Inputs) -> np.ndarray:
            seen.append(given)
            return given.image

    from bokehbench.baselines.restorers.stages import TwoStages

    wanted = inputs(picture)
    made = TwoStages(get(RestorerSpec, "bicubic").create(), Watcher()).render(wanted)
    assert seen[0].lq is None and seen[0].lens == wanted.lens and seen[0].disparity is wanted.disparity
    np.testing.assert_array_equal(made * 255, np.rint(made * 255))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bicubic+raylayers-oracle", "is shown the true layers"),
        ("bicubic+bicubic+scatter", "one restorer before a method|unknown method"),
        ("scatter+bicubic", "unknown method"),
        ("bicubic+nothing", "unknown method"),
    ],
)
def test_what_is_no_pair_of_stages(name: str, said: str) -> None:
    with pytest.raises(BokehbenchError, match=said):
        get(MethodSpec, name)


def test_a_missing_file_is_asked_for_by_the_name_that_the_option_takes(file: Path, monkeypatch) -> None:
    monkeypatch.setenv(weights.FILE_VARIABLE, "")
    monkeypatch.setenv(weights.FOLDER_VARIABLE, "")
    spec = get(MethodSpec, "spandrel-elsewhere+scatter")
    with pytest.raises(Unavailable, match="--weights spandrel-elsewhere=FILE"):
        spec.weights_sha256()
    weights.use_files([f"spandrel-elsewhere={file}"])
    assert set(spec.weights_sha256().values()) == {weights.sha256(file)}


def test_names_options_and_factors_of_both_stages() -> None:
    spec = get(MethodSpec, "bicubic+bokehme-cr+k1.5")
    assert spec.name == "bicubic+scatter+k1.5" and spec.k_scale == 1.5
    assert spec.options["restorer"] == {"id": "bicubic@1"}
    plain = get(MethodSpec, "bicubic+scatter")
    assert plain.with_k_scale(1.5).name == spec.name and registry.base_name(spec.name) == plain.name
    assert get(MethodSpec, "bicubic+identity").ignores_lens and plain.openings == "outline"
