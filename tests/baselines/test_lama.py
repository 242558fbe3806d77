"""Claims about LaMa in `dr-bokeh-lama`, with a tiny network: what is known stays; sizes; weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lama_fakes as fakes
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from bokehbench import weights
from bokehbench.baselines.dr_bokeh import DrBokeh
from bokehbench.baselines.lama import LaMa
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec, get

METHOD = "dr-bokeh-lama"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fakes.shrink(monkeypatch)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no_torch"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no_cache"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        fakes.shrink(patch)
        path = tmp_path_factory.mktemp("weights") / "lama.safetensors"
        save_file(fakes.network().state_dict(), path)
        yield path


@pytest.fixture
def here(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(file.parent))
    return file


def scene(shape: tuple[int, int], near: float = 0.9) -> Inputs:
    """A near square in the middle, brighter than 1 in a corner."""
    image = np.random.default_rng(2).random((*shape, 3)).astype(np.float32)
    image[:2, :2] = 3.0
    disparity = np.full(shape, 0.1, np.float32)
    disparity[shape[0] // 3 : shape[0] // 2 + 1, shape[1] // 3 : shape[1] // 2 + 1] = near
    return Inputs("case", image, disparity, Lens(4.0, 0.1))


@pytest.mark.parametrize("shape", [(32, 40), (37, 51), (5, 9)])
def test_what_is_known_stays_at_any_size(here: Path, shape: tuple[int, int]) -> None:
    image = scene(shape).image
    hole = np.zeros(shape, np.uint8)
    hole[1:4, 3:8] = 255
    made = LaMa().fill(image, hole)
    np.testing.assert_array_equal(made[hole == 0], image[hole == 0])
    inside = made[hole != 0]
    assert np.isfinite(inside).all() and 0.0 <= inside.min() < inside.max() <= 1.0
    for all_or_nothing in (np.ones_like(hole), np.zeros_like(hole)):
        np.testing.assert_array_equal(LaMa().fill(image, all_or_nothing), image)


def test_the_network_sees_the_encoded_picture_and_nothing_of_the_hole(here: Path) -> None:
    image = np.clip(scene((32, 40)).image, 0.0, 1.0)
    hole = np.zeros((32, 40), np.uint8)
    hole[8:20, 8:24] = 1
    other = np.where(hole[..., None] != 0, np.float32(0.3), image)
    made = LaMa().fill(image, hole)
    np.testing.assert_array_equal(made, LaMa().fill(other, hole))
    seen, mask = torch.from_numpy(image).permute(2, 0, 1)[None], torch.from_numpy(hole).float()[None, None]
    with torch.inference_mode():
        wanted = fakes.network()(seen, mask)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(made, wanted, atol=1e-6)


def test_the_variant_renders_and_differs_where_something_is_hidden(here: Path) -> None:
    spec = get(MethodSpec, METHOD)
    assert spec.weights_sha256() == {"lama.safetensors": weights.sha256(here)}
    inputs = scene((36, 44))
    made, telea = spec.create().render(inputs), DrBokeh().render(inputs)
    assert made.shape == telea.shape and made.dtype == np.float32 and np.isfinite(made).all()
    assert np.abs(made - telea)[8:24, 10:28].max() > 0.01
    nothing_hidden = scene((36, 44), near=0.1)
    np.testing.assert_array_equal(spec.create().render(nothing_hidden), DrBokeh().render(nothing_hidden))


def test_missing_weights_are_an_instruction() -> None:
    spec = get(MethodSpec, METHOD)
    for asked in (spec.weights_sha256, spec.create):
        with pytest.raises(Unavailable, match=r"weights convert lama FILE.*--weights lama=FILE") as caught:
            asked()
        assert "\n" not in str(caught.value)
    assert get(MethodSpec, "dr-bokeh").weights_sha256() == {}


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b"nothing"), "weights convert lama FILE"),
        (lambda path: torch.save({"a": torch.zeros(3)}, path), "network that spandrel knows.*convert lama"),
        (lambda path: fakes.script(fakes.network(), path), "weights convert lama FILE"),
    ],
)
def test_other_files_are_one_line(write: Any, said: str, tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "big-lama.pt"
    write(path)
    monkeypatch.setenv(weights.FILE_VARIABLE, f"lama={path}")
    with pytest.raises(InputError, match=said) as caught:
        LaMa()
    assert "\n" not in str(caught.value)


def test_there_are_two_inpainters() -> None:
    with pytest.raises(ConfigError, match="telea or lama, not 'magic'"):
        DrBokeh(inpainter="magic")
