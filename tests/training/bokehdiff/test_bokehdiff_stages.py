"""Claims about the two stages: what moves, what does not, and what the networks are told."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bokehbench.baselines.bokehdiff import build
from bokehbench.baselines.bokehdiff.compact import CompactConfig
from bokehbench.synth.store.reader import open_set
from bokehbench.synth.training import SynthDataset
from bokehbench.training.bokehdiff.data import WANTED, pairs
from bokehbench.training.bokehdiff.losses import open_loss
from bokehbench.training.bokehdiff.settings import load
from bokehbench.training.bokehdiff.stages import DenoiserStage, judging, training_settings
from bokehbench.training.diffusion.vae_stage import VaeStage
from bokehbench.training.pairs import StackedPairs, open_pairs, split
from tests.training.bokehdiff.conftest import small


def model(settings):
    return build.random_compact(1, CompactConfig.from_json(settings.model.sizes))


def batch(count=2, side=32, seed=0):
    draw = torch.Generator().manual_seed(seed)
    maps = {name: torch.rand(count, 1, side, side, generator=draw) for name in ("disparity", "radius")}
    maps["radius"] = 12.0 * maps["radius"]
    for name in ("image", "target"):
        maps[name] = 2.0 * torch.rand(count, 3, side, side, generator=draw) - 1.0
    return maps


def denoiser(settings, own=None):
    own = own or model(settings)
    loss = open_loss(settings.denoiser.losses)
    return DenoiserStage(own, settings.denoiser, settings.model.pisa, loss, [batch(1)], seed=3)


def striped(count=2, seed=0):
    """Pictures with stripes of one pixel, which the VAE's linear way leaves out."""
    found, stripes = batch(count, seed=seed), torch.tensor([0.4, -0.4]).repeat(16)
    return found | {name: 0.2 * found[name] + stripes for name in ("image", "target")}


def steps(task, count=2, lr=1e-2, make=batch):
    optimiser = task.optimiser(lr)
    for number in range(count):
        optimiser.zero_grad()
        task(make(seed=number))["loss"].backward()
        optimiser.step()
    return optimiser


def test_the_radius_that_is_told_is_the_one_that_was_rendered(pair_set):
    source = open_pairs(str(pair_set), small().data, seed=1)
    stored = open_set(pair_set)
    for number, pair in enumerate(source.held_out(WANTED)):
        assert pair["image"].shape == pair["target"].shape == (1, 3, 32, 32)
        assert pair["image"].min() >= -1.0 and pair["image"].max() <= 1.0
        lens = stored.meta(stored.keys()[-1])["renders"][number]
        wanted = lens["K"] * (pair["disparity"] - lens["disp_focus"]).abs()
        assert torch.allclose(pair["radius"], wanted, atol=1e-4)
    data = SynthDataset(pair_set)
    train, held = split(data, 1)
    assert (train, held) == ([0, 1, 2, 3], [4, 5])
    first = next(iter(source.loader(WANTED, 2)))
    assert first["image"].shape == (2, 3, 32, 32)
    assert StackedPairs(pairs)([data[0]])["target"].shape == (1, 3, 64, 64)


def test_a_stream_gives_the_same_batches_wherever_it_is_entered():
    scenes = ("size=[64, 64]", "foregrounds.kinds={wires: 1}", "backgrounds.kinds={wall: 1}")
    data = small().data.model_copy(update={"changes": scenes, "quality": "draft", "validation_crops": 1})
    source = open_pairs("stream", data, seed=1)
    straight = iter(source.loader(WANTED, 1))
    next(straight)
    second = next(straight)
    loader = source.loader(WANTED, 1)
    loader.load_state_dict({**loader.state_dict(), "step": 1})
    again = next(iter(loader))
    assert all(torch.equal(again[name], second[name]) for name in second)
    assert not torch.equal(source.held_out(WANTED)[0]["image"], second["image"])


def test_the_decoder_and_the_encoders_middle_stay_bit_for_bit():
    settings = small()
    task = denoiser(settings)
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    steps(task)
    changed = {
        name.rpartition(".")[0]
        for name, value in task.model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    vae = {name for name in changed if name.startswith("vae.")}
    assert vae and all(
        name.startswith(("vae.encoder.conv_in", "vae.encoder.mid_block", "vae.encoder.conv_out"))
        for name in vae
    )
    assert any(name.startswith("unet.down_blocks.1.attentions.0") for name in changed)


def test_the_rates_of_the_parts_are_the_papers():
    papers = load("paper").denoiser.optimiser.model_dump_json()
    groups = denoiser(small(f"denoiser.optimiser={papers}")).optimiser(1e-3).param_groups
    assert [group["share"] for group in groups] == [1.0, 0.1]
    assert all(group["betas"] == (0.9, 0.95) and group["eps"] == 1e-7 for group in groups)
    assert all(group["weight_decay"] == 0.01 for group in groups)
    assert load("paper").denoiser.losses.adversary.share == 2.0


@pytest.mark.parametrize("muon", ["null", "4"])
def test_stage_0_trains_the_vae_alone_and_learns(muon):
    settings = small(f"vae.optimiser.muon={muon}")
    own = model(settings)
    own.vae.start_noise(0.05)
    task = VaeStage(own, settings.vae, [striped(1)])
    posterior = own.vae.encode(batch()["image"]).latent_dist
    assert 0.03 < posterior.std.mean().item() < 0.08
    unet = {name: value.clone() for name, value in own.unet.state_dict().items()}
    first = task.validate()["score"]
    optimiser = steps(task, count=12, make=striped)
    assert any(group.get("muon") for group in optimiser.param_groups) is (muon != "null")
    assert task.validate()["score"] > first + 1.0
    assert all(torch.equal(value, unet[name]) for name, value in own.unet.state_dict().items())
    assert set(task.stored()) == set(own.vae.state_dict())
    assert task.pictures()["round_trip"].shape == (3, 32, 64)


def test_kl_is_zero_for_the_unit_gaussian_and_known_elsewhere():
    from bokehbench.training.diffusion.vae_stage import _divergence

    zero = torch.zeros(1, 4, 2, 2)
    assert _divergence(zero, zero).item() == 0.0
    gauss = torch.distributions.Normal(torch.tensor(0.7), torch.tensor(0.3))
    wanted = torch.distributions.kl_divergence(gauss, torch.distributions.Normal(0.0, 1.0))
    found = _divergence(torch.full_like(zero, 0.7), torch.full_like(zero, 2.0 * np.log(0.3)))
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_gradient_checkpointing_changes_no_gradient_and_counts_no_call_twice():
    settings = small("model.pisa.dropout=0.3")
    found = {}
    for checkpointed in (False, True):
        task = denoiser(settings)
        torch.manual_seed(0)
        torch.nn.init.normal_(task.model.unet.conv_out.weight, generator=torch.Generator().manual_seed(1))
        if checkpointed:
            task.model.enable_gradient_checkpointing()
        for number in range(2):
            task.zero_grad()
            task(batch(seed=number))["loss"].backward()
        found[checkpointed] = [weight.grad for weight in task.model.trained_unet().values()]
        assert task.model.processor.calls == 2
    pairs = [(a, b) for a, b in zip(*found.values(), strict=True) if a is not None]
    assert len(pairs) > 20
    assert all(torch.allclose(one, other, atol=1e-5, rtol=1e-3) for one, other in pairs)


def test_validation_renders_as_with_the_weights_and_leaves_training_as_it_was():
    settings = small("model.pisa.coc=false")
    task = denoiser(settings)
    first = task.validate()
    assert first == task.validate()
    assert task.model.processor.calls == 0 and task.model.training
    assert set(first) == {"score", "identity", "round_trip"}
    with judging(task.model, settings.model.pisa):
        sampled = task.model.processor.settings
        assert (sampled.samples, sampled.jitters, sampled.dropout, sampled.coc) == (7, 5, 0.0, False)
    assert task.model.processor.settings == training_settings(settings.model.pisa)
    assert replace(sampled, samples=3, jitters=2, dropout=0.1) == task.model.processor.settings


def test_the_mask_goes_on_from_where_a_checkpoint_was():
    task = denoiser(small())
    steps(task, count=3)
    other = denoiser(small())
    other.load_stored(task.stored())
    other.load_aside(task.aside())
    assert other.model.processor.hardness == task.model.processor.hardness > 3
    task.zero_grad()
    other.zero_grad()
    with_a_seed = []
    for one in (task, other):
        torch.manual_seed(0)
        with_a_seed.append(one(batch())["loss"])
    assert torch.equal(*with_a_seed)
