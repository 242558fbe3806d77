"""Claims about BokehMe's stages: losses as printed, units as at inference, variants as in Table 3."""

import pytest
import torch
from torch.nn import functional

from bokehbench.baselines.bokehme.neural import VARIANTS, NeuralRenderer, fuse
from bokehbench.training.bokehme.initial import copy_pictures
from bokehbench.training.bokehme.losses import gradient_loss, losses
from bokehbench.training.bokehme.settings import Losses
from bokehbench.training.bokehme.sources import Scattered, open_source
from bokehbench.training.bokehme.stages import ARNetStage, IUNetStage
from bokehbench.training.meter import psnr

WEIGHTS = Losses(fused=1, fused_gradient=1, neural=1, neural_gradient=1, error=0.1)


@pytest.fixture(scope="module")
def batches(photographs, settings):
    source = open_source(str(photographs), settings.data, 1)
    return {K: next(iter(source.loader(Scattered((K, K)), 2))) for K in (12.0, 24.0)}


def networks(variant="B5"):
    torch.manual_seed(0)
    return NeuralRenderer(VARIANTS[variant])


def test_a_perfect_picture_costs_nothing_but_its_error_map():
    torch.manual_seed(0)
    target, error = torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8).round()
    found = losses(target, target, target, WEIGHTS, error, error)
    assert found["loss"] == 0.0
    half = torch.full_like(error, 0.5)
    wrong = losses(target, target, target, WEIGHTS, half, error)
    assert wrong["loss"].item() == pytest.approx(0.1 * torch.log(torch.tensor(2.0)).item(), rel=1e-5)


def test_gradients_ignore_a_constant_and_feel_an_edge():
    target = torch.rand(1, 3, 6, 6)
    assert gradient_loss(target + 0.25, target).item() == pytest.approx(0.0, abs=1e-6)
    edge = torch.zeros(1, 3, 6, 6)
    edge[..., 3:] = 1.0
    # One of five differences in x is wrong by 1, none in y.
    assert gradient_loss(edge, torch.zeros_like(edge)).item() == pytest.approx(0.2)


def test_predictions_are_not_clipped(batches):
    stage = ARNetStage(networks(), WEIGHTS, [])
    with torch.no_grad():
        stage.network.trunk.last.bias[:12] = -5.0
    neural, _ = stage.predict(batches[12.0])
    assert neural.max() < 0.0
    stage(batches[12.0])["loss"].backward()
    assert stage.network.trunk.last.bias.grad[:12].abs().min() > 0.0


def test_ten_pixels_are_one_in_both_stages(batches, monkeypatch):
    seen = []
    renderer = networks()

    def arnet(image, defocus, gamma, tile=0):
        seen.append(defocus)
        return torch.zeros_like(image), torch.zeros_like(defocus)

    monkeypatch.setattr(renderer.arnet, "forward", arnet)
    ARNetStage(renderer, WEIGHTS, []).predict(batches[12.0])
    IUNetStage(renderer, WEIGHTS, [], 2.0).predict(batches[24.0])
    assert torch.allclose(seen[0], batches[12.0]["defocus"] / 10.0)
    small = functional.interpolate(batches[24.0]["defocus"], (16, 16), mode="bilinear", align_corners=True)
    assert torch.allclose(seen[1], small / 20.0)
    assert max(part.abs().max().item() for part in seen) <= 1.2


def test_the_second_stage_trains_iunet_alone(batches):
    stage = IUNetStage(networks(), WEIGHTS, [], 2.0)
    found = stage(batches[24.0])
    assert "error" not in found
    found["loss"].backward()
    assert all(weight.grad is None for weight in stage.renderer.arnet.parameters())
    assert all(weight.grad is not None for weight in stage.network.parameters())


def refined(variant, batch):
    """What a variant makes of a batch, and its coarse picture."""
    stage = IUNetStage(networks(variant), WEIGHTS, [], 2.0)
    with torch.no_grad():
        return stage.predict(batch)[0]


def test_the_variants_differ_where_the_table_says(batches):
    batch = {name: value.clone() for name, value in batches[24.0].items()}
    # Nothing is blurred by more than IUNet knows, nor dilated: all variants are one.
    batch["defocus"], batch["dilated"] = batch["defocus"].clamp(-9.0, 9.0), torch.zeros_like(batch["dilated"])
    calm = {name: refined(name, batch) for name in ("B2", "B3", "B4", "B5")}
    assert all(torch.allclose(calm["B3"], picture, atol=1e-6) for picture in calm.values())
    # Far out of focus: clamping changes what IUNet sees, and the masks leave its result out.
    batch["defocus"] = torch.full_like(batch["defocus"], 20.0)
    far = {name: refined(name, batch) for name in ("B2", "B3", "B4", "B5")}
    assert not torch.allclose(far["B2"], far["B3"], atol=1e-4)
    assert torch.allclose(far["B5"], far["B3"], atol=1e-6)  # the dilated map says sharp
    assert not torch.allclose(far["B4"], far["B3"], atol=1e-4)
    batch["dilated"] = batch["defocus"]
    assert torch.allclose(refined("B5", batch), far["B4"], atol=1e-6)


def test_thirty_steps_learn_a_batch(batches):
    stage = ARNetStage(networks(), WEIGHTS, [batches[12.0]])
    optimiser = torch.optim.Adam(stage.network.parameters(), lr=3e-4)
    found, before = [], stage.validate()
    for _ in range(30):
        loss = stage(batches[12.0])["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(loss.item())
    assert found[-1] < 0.5 * found[0]
    after = stage.validate()
    assert after["score"] > before["score"] + 2.0
    assert after["classical"] == before["classical"]


def test_bf16_computes_the_same_within_its_precision(batches):
    stage = ARNetStage(networks(), WEIGHTS, [])
    exact = stage(batches[12.0])["loss"]
    with torch.autocast("cpu", torch.bfloat16):
        rough = stage(batches[12.0])["loss"]
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(exact.item(), rel=0.02)


def test_the_score_is_that_of_the_fused_picture(batches):
    stage = ARNetStage(networks(), WEIGHTS, [batches[12.0]])
    with torch.no_grad():
        neural, error = stage.predict(batches[12.0])
    fused = fuse(batches[12.0]["classical"], neural, error).clamp(0, 1)
    mse = (fused - batches[12.0]["target"]).square().mean(dim=(1, 2, 3))
    assert stage.validate()["score"] == pytest.approx((-10 * mse.log10()).mean().item(), abs=1e-4)
    assert psnr(fused, fused).max() == pytest.approx(100.0)


def test_networks_that_begin_by_copying_show_the_picture_and_learn_at_once():
    """ARNet the all-in-focus image, IUNet each pixel of the coarse rendering four times; nothing is stuck."""
    torch.manual_seed(3)
    renderer = NeuralRenderer()
    copy_pictures(renderer)
    image, defocus = torch.rand(2, 3, 24, 32), torch.randn(2, 1, 24, 32)
    gamma, coarse = torch.tensor([1.0, 5.0]), torch.rand(2, 3, 12, 16)
    bokeh, error = renderer.arnet(image, defocus, gamma)
    torch.testing.assert_close(bokeh, image)
    fine = renderer.iunet(image, defocus, coarse, gamma)
    torch.testing.assert_close(fine, coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
    loss = (bokeh - 0.5).square().mean() + error.mean() + (fine - 0.5).square().mean()
    loss.backward()
    for network in (renderer.arnet, renderer.iunet):
        assert all(network.trunk.blocks[n][2].weight.grad.abs().sum() > 0.0 for n in range(3))
        assert network.trunk.last.weight.grad.abs().flatten(1).sum(dim=1).min() > 0.0
