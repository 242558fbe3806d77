"""Claims about the losses, each against values by hand."""

import math

import pytest
import timm
import torch
from torch.nn import functional

from bokehbench.errors import ConfigError, Unavailable
from bokehbench.metrics.lpips import TRUNKS, build, distance
from bokehbench.metrics.weights import require
from bokehbench.training.bokehdiff.discriminator import Discriminator, open_discriminator
from bokehbench.training.bokehdiff.losses import DenoiserLoss, open_loss
from bokehbench.training.bokehdiff.settings import Losses, load
from bokehbench.training.diffusion.edge import edge_loss, sobel
from bokehbench.training.diffusion.perceptual import Perceptual, open_perceptual
from tests.training.bokehdiff.conftest import BACKBONE

PAPER = load("paper").denoiser.losses
PLAIN = load("compact").denoiser.losses


def ramp(slope, across=True, side=24):
    line = slope * torch.arange(side, dtype=torch.float64)
    return (line if across else line[:, None]).expand(1, 3, side, side).clone()


def noise(*shape, seed=0):
    return 2.0 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 1.0


def by_slopes(error, heavier, share=1.0):
    """At scale s slopes are s times as steep, and the scale counts 1 / s."""
    return sum(error * (1.0 + share * s * heavier) for s in (1, 2, 3))


@pytest.mark.parametrize("across", [True, False])
def test_a_missing_ramp_costs_its_slope_the_more_the_steeper_it_is(across):
    flat, target = ramp(0.0), ramp(0.01, across)
    assert edge_loss(flat, target, flat).item() == pytest.approx(by_slopes(0.01, 0.01), rel=1e-6)
    # An edge of the all-in-focus picture weighs as much as one of the target: where it has to go.
    sharp = ramp(0.03, across)
    assert edge_loss(flat, target, sharp).item() == pytest.approx(by_slopes(0.01, 0.03), rel=1e-6)
    assert edge_loss(target, target, sharp).item() == 0.0


def test_sobel_measures_slopes_and_counts_both_sizes_as_one():
    halves = sobel(ramp(0.01))
    for index, wanted in enumerate((0.005, 0.0, 0.005, 0.0)):
        assert torch.allclose(halves[index], torch.full_like(halves[index], wanted), atol=1e-9)
    flat = ramp(0.0)
    found = edge_loss(flat, ramp(0.01), flat, "sobel").item()
    assert found == pytest.approx(by_slopes(0.01, 0.01, share=0.5), rel=1e-6)
    # The textbook operator, over 8.
    picture = noise(1, 3, 9, 9)
    textbook = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8.0
    wanted = functional.conv2d(picture, textbook.expand(3, 1, 3, 3), groups=3) / 2.0
    assert torch.allclose(sobel(picture)[0], wanted, atol=1e-6)


def tiny_discriminator(real=0.8):
    torch.manual_seed(0)
    backbone = timm.models.convnext.ConvNeXt(depths=(1, 1, 1, 1), dims=(8, 8, 8, 8), num_classes=0)
    return Discriminator(backbone, 8, hidden=6, real=real)


def test_the_discriminator_judges_every_place_and_its_head_amplifies_nothing():
    judge = tiny_discriminator()
    for _ in range(30):  # the norm is found by iteration, a step a call
        logits = judge((noise(2, 3, 64, 96) + 1.0) / 2.0)
    assert logits.shape == (2, 2 * 3)
    for layer in (judge.head[0], judge.head[2]):
        assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1.0, abs=0.02)


def entropy(logit, label):
    return math.log(1.0 + math.exp(logit)) - label * logit


def test_the_discriminators_loss_by_hand():
    judge = tiny_discriminator()
    judge.forward = lambda picture: 4.0 * picture.mean(dim=(1, 2, 3))[:, None]
    true, predicted = torch.full((1, 3, 8, 8), 0.5), torch.full((1, 3, 8, 8), 0.25)
    own = judge.loss(true, predicted).item()
    assert own == pytest.approx(entropy(2.0, 0.8) + entropy(1.0, 0.0), rel=1e-6)
    assert judge.judgement(predicted).item() == pytest.approx(entropy(1.0, 0.8), rel=1e-6)


def test_neither_side_of_the_adversaries_reaches_the_other():
    judge, predicted = tiny_discriminator(), ((noise(1, 3, 32, 32) + 1.0) / 2.0).requires_grad_()
    judge.loss(torch.rand(1, 3, 32, 32), predicted).backward()
    assert predicted.grad is None
    assert all(weight.grad is not None for weight in judge.head.parameters())
    judge.zero_grad()
    judge.judgement(predicted).backward()
    assert predicted.grad.abs().sum() > 0.0
    assert all(weight.grad is None for weight in judge.parameters())
    assert not judge.train().backbone.training


def test_the_terms_add_up_and_the_adversary_waits_for_its_step():
    adversary = PAPER.adversary.model_copy(update={"start": 5})
    settings = PAPER.model_copy(update={"lpips": 0.0, "adversary": adversary})
    loss = DenoiserLoss(settings, None, tiny_discriminator())
    predicted, target, sharp = (2.0 * noise(1, 3, 32, 32, seed=seed) for seed in range(3))
    early, late = (loss(predicted, target.clamp(-1, 1), sharp, step) for step in (4, 5))
    assert "adversarial" not in early
    # The squared error is of the prediction as it is; all else sees it clamped.
    assert early["mse"].item() == pytest.approx((predicted - target.clamp(-1, 1)).square().mean().item())
    clamped = edge_loss(predicted.clamp(-1, 1), target.clamp(-1, 1), sharp)
    assert early["edge"].item() == pytest.approx(clamped.item())
    assert early["loss"].item() == pytest.approx(
        (early["mse"] + early["edge"] + early["discriminator"]).item(), rel=1e-6
    )
    wanted = late["mse"] + late["edge"] + late["discriminator"] + 0.1 * late["adversarial"]
    assert late["loss"].item() == pytest.approx(wanted.item(), rel=1e-6)


@pytest.fixture(scope="module")
def perceptual():
    """With a random trunk: what is compared is arithmetic."""
    import torchvision

    torch.manual_seed(0)
    trunk = torchvision.models.vgg16(weights=None).features.state_dict(prefix="features.")
    return Perceptual(build("vgg", trunk, require("lpips-v0.1-vgg.pth")))


def test_lpips_is_the_metrics_own_and_is_never_trained(perceptual):
    one, other = noise(1, 3, 32, 32, seed=1), noise(1, 3, 32, 32, seed=2)
    wanted = distance(perceptual.model, (one + 1.0) / 2.0, (other + 1.0) / 2.0)
    assert perceptual(one, other).item() == pytest.approx(float(wanted), rel=1e-4)
    assert perceptual(one, one).item() == 0.0
    assert not any(module.training for module in perceptual.train().modules())
    moved = one.clone().requires_grad_()
    perceptual(moved, other).backward()
    assert moved.grad.abs().sum() > 0.0


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    for name in ("BOKEHBENCH_WEIGHTS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))


def test_the_head_begins_as_its_seed_says():
    def head(seed, before):
        torch.manual_seed(before)
        return torch.cat(
            [w.flatten() for w in Discriminator(torch.nn.Identity(), 4, 3, 0.8, seed=seed).parameters()]
        )

    assert torch.equal(head(1, before=2), head(1, before=3))
    assert not torch.equal(head(1, before=2), head(4, before=2))


def test_terms_whose_weights_are_missing_are_refused_with_the_way_out(no_weights):
    with pytest.raises(Unavailable, match=rf"{TRUNKS['vgg']}.*--set denoiser\.losses\.lpips=0"):
        open_loss(PAPER)
    with pytest.raises(Unavailable, match=r"--set vae\.losses\.lpips=0"):
        open_perceptual("vae.losses.lpips")
    here = PAPER.adversary.model_copy(update={"weights": "nowhere.pth"})
    with pytest.raises(Unavailable, match=r"nowhere\.pth.*--set denoiser\.losses\.adversary\.weight=0"):
        open_loss(PAPER.model_copy(update={"lpips": 0.0, "adversary": here}))
    assert open_loss(PLAIN).adversary is None and open_loss(PLAIN).perceptual is None


def test_a_backbone_comes_from_a_file_that_is_hashed(backbone_folder, monkeypatch):
    monkeypatch.setenv("BOKEHBENCH_WEIGHTS", str(backbone_folder))
    settings = PAPER.adversary.model_copy(update={"backbone": BACKBONE, "weights": "backbone.pth"})
    found = open_discriminator(settings, "weight")
    stored = torch.load(backbone_folder / "backbone.pth", weights_only=True)
    assert torch.equal(found.backbone.stem[0].weight, stored["stem.0.weight"])
    assert len(found.about["sha256"]) == 64
    with pytest.raises(Unavailable, match="asks for another"):
        open_discriminator(settings.model_copy(update={"sha256": "00"}), "weight")
    with pytest.raises(ConfigError, match="no such network"):
        open_discriminator(settings.model_copy(update={"backbone": "convnext_bass"}), "weight")
    (backbone_folder / "broken.pth").write_bytes(b"no weights")
    with pytest.raises(Unavailable, match=r"cannot be had .*--set a\.weights=FILE"):
        open_discriminator(settings.model_copy(update={"weights": "broken.pth"}), "a.weight")


def test_every_ablation_changes_what_its_name_says_and_nothing_else():
    paper = load("paper").to_json()
    changes = {
        "no-coc": ("model", "pisa", "coc"),
        "no-query-softmax": ("model", "pisa", "query_softmax"),
        "no-occlusion": ("model", "pisa", "occlusion"),
        "no-lpips": ("denoiser", "losses", "lpips"),
        "no-adversarial": ("denoiser", "losses", "adversary", "weight"),
        "no-edge": ("denoiser", "losses", "edge"),
        "t249": ("model", "timestep"),
        "t749": ("model", "timestep"),
    }
    for name, path in changes.items():
        changed = load(name).to_json()
        inner, before = changed, paper
        for key in path[:-1]:
            inner, before = inner[key], before[key]
        assert inner[path[-1]] != before[path[-1]]
        inner[path[-1]] = before[path[-1]]
        assert changed == paper
    assert isinstance(PAPER, Losses)
