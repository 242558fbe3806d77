"""BokehMe: the published sizes of its networks, limits of the procedure, tiles without seams, weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bokehbench import weights as weight_files
from bokehbench.baselines.bokehme import neural
from bokehbench.baselines.bokehme.error_map import analytic_error_map
from bokehbench.baselines.bokehme.networks import ARNet, IUNet
from bokehbench.baselines.bokehme.neural import VARIANTS, NeuralRenderer, fuse, sizes, soften
from bokehbench.baselines.bokehme.renderer import BokehMe
from bokehbench.baselines.bokehme.weights import OFFICIAL, OURS, load, save
from bokehbench.baselines.scatter.renderer import Scatter
from bokehbench.cases import Inputs
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.optics import Lens
from bokehbench.synth.truth.boundary import boundary_maps, error_map


def seeded(seed: int = 0, variant: str = "B5") -> NeuralRenderer:
    """Random weights, for tests of what does not depend on their values."""
    torch.manual_seed(seed)
    return NeuralRenderer(VARIANTS[variant]).eval().requires_grad_(False)


def pictures(height: int, width: int, reach: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(1, 3, height, width, generator=generator)
    defocus = reach * (2.0 * torch.rand(1, 1, height, width, generator=generator) - 1.0)
    defocus.view(-1)[0] = reach
    return image, defocus, torch.tensor([2.2])


@pytest.fixture
def own_weights(tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    path = tmp_path / "bokehme.safetensors"
    save(seeded(), path)
    weight_files.use_files([f"bokehme={path}"])
    return path


def case(gamma: float = 2.2, K: float = 25.0) -> Inputs:
    rng = np.random.default_rng(1)
    disparity = np.zeros((48, 64), np.float32)
    disparity[12:36, 20:44] = 1.0
    lens = Lens(K, 0.0, gamma)
    return Inputs("case", rng.random((48, 64, 3), np.float32), disparity, lens)


def test_parameter_counts_are_the_published_ones():
    assert sum(p.numel() for p in ARNet().parameters()) == 923_664
    assert sum(p.numel() for p in IUNet().parameters()) == 240_076


@pytest.mark.parametrize("reach", [4.0, 20.0, 50.0])
@pytest.mark.parametrize("size", [(33, 47), (40, 64)])
def test_any_size_and_any_blur(size, reach):
    """No enlargement, one doubling, and more than two of them."""
    image, defocus, gamma = pictures(*size, reach)
    bokeh, error = seeded()(image, defocus, defocus.trunc(), gamma)
    assert bokeh.shape == image.shape
    assert error.shape == defocus.shape
    assert float(bokeh.min()) >= 0.0
    assert 0.0 <= float(error.min()) <= float(error.max()) <= 1.0


def test_passes_double_and_end_at_full_size():
    """Scale 5: two doublings lead to 4/5, and a last pass to the whole; none where the picture is whole."""
    assert sizes(100, 200, 5.0) == [(40, 80), (80, 160), (100, 200)]
    assert sizes(100, 200, 1.25) == [(100, 200)]
    assert sizes(100, 200, 1.0) == []
    assert sizes(100, 200, 2.0) == [(100, 200)]


def test_the_released_code_passes_once_more_over_a_picture_that_is_whole():
    assert sizes(100, 200, 5.0, always=True) == sizes(100, 200, 5.0)
    assert sizes(100, 200, 1.0, always=True) == [(100, 200)]
    assert sizes(100, 200, 2.0, always=True) == [(100, 200), (100, 200)]


def test_small_blur_is_drawn_by_the_first_network_alone():
    image, defocus, gamma = pictures(40, 64, 9.0)
    one, other = seeded(), seeded()
    other.iunet = seeded(9).iunet
    a, b = (model(image, defocus, defocus, gamma)[0] for model in (one, other))
    assert torch.equal(a, b)


@pytest.mark.parametrize("reach", [4.0, 33.0])
def test_tiles_leave_no_seams(reach):
    image, defocus, gamma = pictures(75, 122, reach)
    whole = seeded()(image, defocus, defocus.trunc(), gamma)
    tiled = seeded()(image, defocus, defocus.trunc(), gamma, tile=16)
    for one, other in zip(whole, tiled, strict=True):
        assert torch.allclose(one, other, atol=2e-6)


def test_what_is_far_out_of_focus_is_not_drawn_by_the_upsampling_network():
    """With another IUNet, pixels whose dilated defocus is beyond the unit, and those around, stay alike."""
    image, defocus, gamma = pictures(64, 64, 30.0)
    defocus[:] = 30.0
    one, other = seeded(), seeded()
    other.iunet = seeded(9).iunet
    a, b = (model(image, defocus, defocus, gamma)[0] for model in (one, other))
    assert torch.equal(a, b)
    sharp = torch.zeros_like(defocus)
    a, b = (model(image, sharp, sharp, gamma, scale=3.0)[0] for model in (one, other))
    assert not torch.allclose(a, b)


def test_the_variants_of_table_3_differ_where_they_should():
    image, defocus, gamma = pictures(64, 64, 30.0)
    dilated = torch.full_like(defocus, 30.0)
    results = {name: seeded(variant=name)(image, defocus, dilated, gamma)[0] for name in VARIANTS}
    # All of it is covered by large blur: what fuses by the dilated map never takes IUNet's drawing.
    assert torch.equal(results["B5"], iterated_bilinear(image, defocus, gamma))
    for one, other in (("B1", "B3"), ("B2", "B3"), ("B3", "B4"), ("B4", "B5")):
        assert not torch.allclose(results[one], results[other])


def iterated_bilinear(image, defocus, gamma):
    model = seeded()
    coarse, _ = model.coarse(image, defocus, gamma, scale=3.0)
    for size in sizes(64, 64, 3.0):
        coarse = neural.resize(coarse, size)
    return coarse


def test_a_softened_mask_keeps_flat_parts_and_its_mean():
    mask = torch.zeros(1, 1, 400, 400)
    mask[..., 200:] = 1.0
    soft = soften(mask)
    assert torch.allclose(soft[..., :150], torch.zeros(())) and torch.allclose(
        soft[..., 250:], torch.ones(())
    )
    assert float(soft.mean()) == pytest.approx(0.5, abs=1e-4)
    assert torch.allclose(soft, 1.0 - soft.flip(3), atol=1e-6)


def test_fusion_takes_the_neural_rendering_where_scattering_errs():
    a, b = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    assert torch.equal(fuse(a, b, torch.full((1, 1, 2, 2), 0.25)), torch.full((1, 3, 2, 2), 0.25))


# ------------------------------------------------------------------------------------------- error map


def two_planes(near: float, far: float, focus: float, K: float):
    """A plane on the left half in front of another; its signed defocus, labels and disparity."""
    disparity = np.full((40, 80), far, np.float32)
    disparity[:, :40] = near
    labels = np.where(disparity == near, 0, 1)
    return (K * (disparity - focus)).astype(np.float32), labels, disparity


def test_the_analytic_map_falls_with_the_fourth_power_of_distance():
    """Focus on the far plane: 1 - (l / r)^4 at distance l from the edge, as eq. 5 has it for b = 0."""
    defocus, _, _ = two_planes(1.0, 0.0, 0.0, K=16.0)
    found = analytic_error_map(defocus)[20]
    assert found[41:56] == pytest.approx(1.0 - (np.arange(1, 16) / 16.0) ** 4, abs=1e-5)
    assert np.all(found[58:] == 0.0) and np.all(found[:22] == 0.0)


@pytest.mark.parametrize("focus", [0.0, 0.15, 0.3])
def test_the_analytic_map_is_the_layers_map_for_two_planes(focus):
    """Its edge pixels lie on both sides, so that it is at most one pixel wider."""
    defocus, labels, disparity = two_planes(1.0, 0.0, focus, K=20.0)
    truth = error_map(disparity, *boundary_maps(labels, disparity, 2), K=20.0, disp_focus=focus)
    found = analytic_error_map(defocus)
    assert np.all(found >= truth - 1e-5)
    assert float((found - truth).max()) < 0.3
    assert float((found - truth).mean()) < 0.03


def test_surfaces_blurred_alike_and_slopes_are_no_edges():
    defocus, _, _ = two_planes(1.0, 0.98, 0.0, K=20.0)
    assert np.all(analytic_error_map(defocus) == 0.0)
    slope = np.broadcast_to(np.linspace(4.0, 8.0, 200, dtype=np.float32), (50, 200))
    assert np.all(analytic_error_map(slope) == 0.0)


# -------------------------------------------------------------------------------------------- as a method


def test_without_blur_everything_stays_finite_and_in_range(own_weights):
    image = BokehMe().render(case(K=0.0))
    assert image.shape == (48, 64, 3) and image.dtype == np.float32
    assert np.isfinite(image).all() and image.min() >= 0.0 and image.max() <= 1.0


def test_far_from_depth_edges_the_analytic_map_leaves_scattering_alone(own_weights):
    inputs = case(K=6.0)
    fused = BokehMe(error_map="analytic").render(inputs)
    scattered = np.clip(Scatter().render(inputs), 0.0, 1.0)
    np.testing.assert_allclose(fused[:, :12], scattered[:, :12], atol=1e-6)  # two libraries' powers
    assert np.abs(fused - scattered).max() > 0.01


def test_rendering_is_deterministic(own_weights):
    assert np.array_equal(BokehMe().render(case()), BokehMe().render(case()))


def test_the_neural_renderer_alone_is_part_of_the_fused_one(own_weights):
    """Where the predicted map says 1, both agree: B = (1 - E) CR + E N."""
    inputs = case()
    fused, alone = BokehMe().render(inputs), BokehMe(fused=False).render(inputs)
    scattered = Scatter().render(inputs)
    low, high = np.minimum(alone, scattered), np.maximum(alone, scattered)
    assert np.all(fused >= np.clip(low, 0, 1) - 1e-5) and np.all(fused <= np.clip(high, 0, 1) + 1e-5)


@pytest.mark.parametrize(
    "wrong",
    [{"error_map": "none"}, {"variant": "B6"}, {"highlight_boost": -1.0}],
    ids=lambda w: next(iter(w)),
)
def test_wrong_options_are_refused(own_weights, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        BokehMe(**wrong)


def test_a_gamma_beyond_the_networks_is_refused(own_weights):
    with pytest.raises(ConfigError, match="gamma"):
        BokehMe().render(case(gamma=6.0))


# ------------------------------------------------------------------------------------------------- weights


def test_saved_weights_are_half_precision_and_come_back(own_weights):
    assert all(tensor.dtype == torch.float16 for tensor in load_file(own_weights).values())
    assert own_weights.stat().st_size < 2_500_000
    again = load(seeded(5), OURS)
    for name, tensor in seeded().state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor.half().float())


def test_weights_are_rendered_as_they_were_trained(tmp_path, monkeypatch):
    """A variant without an upsampling network leaves one of zeros behind, which must not be drawn with."""
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    model = seeded()
    for weight in model.iunet.parameters():
        weight.zero_()
    path = tmp_path / "b1.safetensors"
    save(model, path, {"bokehbench": '{"method": "bokehme", "variant": "B1"}'})
    weight_files.use_files([f"bokehme={path}"])
    assert BokehMe(fused=False).render(case()).min() >= 0.0
    assert np.array_equal(BokehMe().render(case()), BokehMe(variant="B1").render(case()))
    with pytest.raises(ConfigError, match="trained as B1"):
        BokehMe(variant="B5")


def test_a_checkpoint_of_other_names_is_read_by_order(tmp_path, monkeypatch):
    model = seeded(4)
    for network, file in ((model.arnet, OFFICIAL[0]), (model.iunet, OFFICIAL[1])):
        named = {f"module.layer{i}": tensor for i, tensor in enumerate(network.state_dict().values())}
        torch.save({"epoch": 50, "model": named}, tmp_path / file)
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    found = load(seeded(5), OFFICIAL)
    assert all(torch.equal(found.state_dict()[name], t) for name, t in model.state_dict().items())


def test_missing_foreign_and_broken_weights_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    with pytest.raises(Unavailable, match=r"arnet\.pth.*--weights arnet=FILE"):
        BokehMe(OFFICIAL)
    model = seeded()
    torch.save(model.iunet.state_dict(), tmp_path / "arnet.pth")
    torch.save(model.iunet.state_dict(), tmp_path / "iunet.pth")
    with pytest.raises(InputError, match=r"arnet\.pth: not weights of BokehMe's ARNet"):
        BokehMe(OFFICIAL)
    (tmp_path / "arnet.pth").write_bytes(b"no pickle")
    with pytest.raises(InputError, match="cannot be read as weights"):
        BokehMe(OFFICIAL)
    broken = seeded()
    broken.arnet.trunk.first.bias[0] = float("nan")
    save(broken, tmp_path / "broken.safetensors")
    weight_files.use_files([f"bokehme={tmp_path / 'broken.safetensors'}"])
    with pytest.raises(InputError, match="not finite"):
        BokehMe()
    save_file({"first.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    weight_files.use_files([f"bokehme={tmp_path / 'other.safetensors'}"])
    with pytest.raises(InputError, match="not ARNet's and IUNet's"):
        BokehMe.weights_sha256(OURS)  # before anything is rendered


class Evil:
    def __reduce__(self):
        return (print, ("ran",))


def test_a_pickle_with_a_program_in_it_does_not_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    for file in OFFICIAL:
        torch.save({"model": Evil()}, tmp_path / file)
    with pytest.raises(InputError, match="cannot be read"):
        BokehMe(OFFICIAL)
    assert "ran" not in capsys.readouterr().out


def test_the_option_for_weights_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(ConfigError, match="NAME one of"):
        weight_files.use_files([f"nothing={tmp_path}"])
    with pytest.raises(InputError, match="no such file"):
        weight_files.use_files([f"bokehme={tmp_path / 'lost'}"])
