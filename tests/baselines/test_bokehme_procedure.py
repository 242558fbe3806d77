"""BokehMe's whole procedure: an edge with networks that are right, tiles, odd sizes, devices, weights."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from bokehbench import weights as weight_files
from bokehbench.baselines.bokehme import weights as own
from bokehbench.baselines.bokehme.networks import from_cells, to_cells
from bokehbench.baselines.bokehme.neural import NeuralRenderer
from bokehbench.baselines.bokehme.procedure import classical_rendering, neural_rendering, render
from bokehbench.baselines.bokehme.renderer import BokehMe
from bokehbench.baselines.scatter.tensors import dilate_tensor, scatter_tensor
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError, Unavailable
from bokehbench.metrics import weight_store
from bokehbench.optics import Lens
from bokehbench.records import sha256_file
from bokehbench.registry import MethodSpec, get
from bokehbench.training.bokehme import benchmark

GAMMA = torch.tensor([2.2])


def seeded(seed: int = 0) -> NeuralRenderer:
    torch.manual_seed(seed)
    return NeuralRenderer().eval().requires_grad_(False)


class Right(nn.Module):
    """Both networks as they should be where all surfaces are of one colour: the picture itself."""

    def __init__(self, also_map: bool) -> None:
        super().__init__()
        self.also_map = also_map

    def forward(self, image, defocus, *others):
        return (image, torch.full_like(defocus, 0.5)) if self.also_map else image


def step_edge(K: float, size: int = 96) -> tuple[torch.Tensor, torch.Tensor]:
    """A dark surface in focus, left, before a light one far behind it: the true rendering is the picture."""
    image, defocus = torch.full((1, 3, size, size), 0.2), torch.zeros(1, 1, size, size)
    image[..., size // 2 :], defocus[..., size // 2 :] = 0.9, -K
    return image, defocus


@pytest.mark.parametrize("K", [8.0, 26.0])
def test_right_networks_leave_no_halo_where_scattering_has_one(K):
    image, defocus = step_edge(K)
    renderer = seeded()
    renderer.arnet, renderer.iunet = Right(also_map=True), Right(also_map=False)
    made = render(renderer, image, defocus, GAMMA, analytic=True)
    away = torch.ones(96, dtype=torch.bool)
    away[44:52] = False  # the enlarged coarse picture has a soft edge there
    halo = (made.classical - image).abs().max()
    assert halo > 0.35  # light of the far side over the sharp one
    # What is left is the paper's map falling off as (l / r)^4, a tenth at most; next to the edge nothing.
    assert (made.fused - image).abs()[0, :, :, away].max() < 0.11 * halo
    assert (made.fused - image).abs()[0, :, :, 45:47].max() < 0.01
    assert (made.neural - image).abs()[0, :, :, :44].max() < 0.01  # the sharp side is IUNet's up to its edge


@pytest.mark.parametrize("size", [(75, 122), (64, 97)])
def test_a_picture_in_tiles_is_the_whole_one(size):
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(1, 3, *size, generator=generator)
    defocus = 40.0 * torch.rand(1, 1, *size, generator=generator) - 20.0
    whole, tiled = (render(seeded(), image, defocus, GAMMA, tile=tile) for tile in (512, 16))
    assert torch.equal(whole.classical, tiled.classical)
    torch.testing.assert_close(tiled.fused, whole.fused, atol=3e-6, rtol=0)


@pytest.mark.parametrize("size", [(7, 10), (8, 11), (9, 9), (8, 10), (1, 5)])
def test_odd_sizes_go_down_to_even_ones_and_come_back(size):
    """A linear ramp is the same at any size, corner on corner, so that nothing of it is lost on the way."""
    y, x = torch.meshgrid(*(torch.linspace(0, 1, side) for side in size), indexing="ij")
    ramp = (y + 2.0 * x)[None, None]
    cells = to_cells(ramp)
    assert cells.shape == (1, 4, max(1, size[0] // 2), max(1, size[1] // 2))
    torch.testing.assert_close(from_cells(cells, ramp.shape[-2:]), ramp)


@pytest.mark.parametrize("reach", [0.0, 1e-3, 700.0])
def test_blur_of_nothing_and_of_more_than_the_picture(reach):
    image, defocus = torch.rand(1, 3, 33, 47), torch.linspace(-1, 1, 33 * 47).view(1, 1, 33, 47) * reach
    neural, error = neural_rendering(seeded(), image, defocus, GAMMA)
    assert neural.shape == image.shape and error.shape == defocus.shape
    assert torch.isfinite(neural).all() and torch.isfinite(error).all()


@pytest.mark.parametrize("reach", [1e6, float("nan")])
def test_an_absurd_blur_is_refused_by_the_neural_renderer_too(reach):
    image, defocus = torch.rand(1, 3, 8, 8), torch.full((1, 1, 8, 8), reach)
    with pytest.raises(ConfigError, match="blur radius"):
        neural_rendering(seeded(), image, defocus, GAMMA)


def test_images_of_a_batch_have_gammas_of_their_own():
    generator = torch.Generator().manual_seed(1)
    image, defocus = torch.rand(2, 3, 20, 24, generator=generator), torch.full((2, 1, 20, 24), 3.0)
    gammas = torch.tensor([1.0, 4.0])
    together, dilated = classical_rendering(image, defocus, gammas)
    for index in range(2):
        alone, _ = classical_rendering(
            image[index : index + 1], defocus[index : index + 1], gammas[index : index + 1]
        )
        assert torch.equal(together[index], alone[0])
    assert torch.equal(dilated, dilate_tensor(defocus))
    # Gamma 1 is scattering itself.
    torch.testing.assert_close(together[0], scatter_tensor(image[:1], defocus[:1])[0][0])
    assert together[1].mean() > together[0].mean()  # light is mixed in linear space


# ------------------------------------------------------------------------------------------ as a method


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A package with weights of its own, and their card."""
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setattr(own, "SHIPPED", tmp_path / "trained")
    path = tmp_path / "trained" / "bokehme.safetensors"
    own.save(seeded(), path)
    path.with_suffix(".json").write_text(json.dumps({"weights": {"sha256": sha256_file(path)}}))
    return path


def case() -> Inputs:
    image, defocus = step_edge(9.0, 48)
    return Inputs("edge", image[0].permute(1, 2, 0).numpy(), -defocus[0, 0].numpy() / 9.0, Lens(9.0, 0.0))


def test_weights_that_ship_lie_in_the_package():
    (wanted,) = get(MethodSpec, "bokehme").weights_wanted()
    assert wanted == weight_files.Wanted("bokehme.safetensors", own.SHIPPED, trained_by="bokehme")


def test_the_list_of_weights_says_how_far_their_training_was(shipped, monkeypatch):
    card = shipped.with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text()), "summary": "arnet 5 of 9 steps"}))
    wanted = weight_files.Wanted(shipped.name, shipped.parent)
    monkeypatch.setattr(MethodSpec, "weights_wanted", lambda spec: [wanted] if spec.weights else [])
    (entry,) = weight_store.entry_of("bokehme")
    assert (entry.status, entry.path, entry.about) == ("ok", shipped, "arnet 5 of 9 steps")
    own.save(seeded(1), shipped)
    assert weight_store.entry_of("bokehme")[0].status == "sha-mismatch"


def test_weights_that_ship_need_no_option_and_belong_to_their_card(shipped):
    spec = get(MethodSpec, "bokehme")
    assert spec.weights_sha256() == {"bokehme.safetensors": sha256_file(shipped)}
    assert BokehMe().render(case()).shape == (48, 48, 3)
    own.save(seeded(1), shipped)
    with pytest.raises(Unavailable, match=r"sha-mismatch.*get bokehme\.safetensors again"):
        BokehMe()
    shipped.with_suffix(".json").unlink()
    assert BokehMe().render(case()).shape == (48, 48, 3)


def test_what_is_validated_while_training_is_what_the_method_renders(shipped):
    method = BokehMe()
    shown = benchmark.render(method.model, case())["bokehme"]
    assert np.array_equal(shown, np.round(method.render(case()) * 255.0).astype(np.uint8))


@pytest.mark.parametrize(("device", "error"), [("gpu", ConfigError), ("cuda:99", Unavailable)])
def test_devices_that_are_not_there_are_refused(shipped, device, error):
    with pytest.raises(error, match=r"bokehme: .*device"):
        BokehMe(device=device)


@pytest.mark.gpu
def test_on_a_gpu_it_scatters_there_and_renders_the_same(shipped):
    there = BokehMe(device="cuda").render(case())
    np.testing.assert_allclose(there, BokehMe().render(case()), atol=5e-3)  # convolutions in TF32
