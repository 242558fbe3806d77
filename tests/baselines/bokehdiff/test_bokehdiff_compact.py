"""The compact model: its size, where its training starts, and that it is seeded."""

from __future__ import annotations

import pytest
import torch

from bokehbench.baselines.bokehdiff import build
from bokehbench.baselines.bokehdiff.compact import CompactConfig
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.diffusion.networks import parameters
from bokehbench.errors import ConfigError

SETTINGS = PisaSettings(samples=2, jitters=1)


def pair(side: int = 64) -> tuple[torch.Tensor, Scene]:
    generator = torch.Generator().manual_seed(5)
    image = 2.0 * torch.rand(1, 3, side, side, generator=generator) - 1.0
    maps = torch.rand(2, 1, 1, side, side, generator=generator)
    return image, Scene(maps[0], 20.0 * maps[1])


def test_it_fits_into_five_megabytes_of_half_precision():
    model = build.random_compact(0)
    assert parameters(model.unet) + parameters(model.vae) <= 2.4e6
    assert (model.latent_px, model.token_px, model.multiple) == (4, 8, 16)
    assert [type(module).__name__ for module in (model.unet, model.vae)] == [
        "UNet2DConditionModel",
        "PatchVAE",
    ]


def test_training_starts_at_the_round_trip_of_the_vae():
    model, (image, scene) = build.random_compact(0, settings=SETTINGS).eval(), pair()
    with torch.no_grad():
        assert torch.allclose(model(image, scene), model.decode(model.encode(image)), atol=1e-4)


@pytest.mark.parametrize("stage", ["vae", "denoiser"])
def test_a_step_changes_what_its_stage_trains(stage):
    model, (image, scene) = build.random_compact(0, settings=SETTINGS).train(), pair()
    model.freeze(stage)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(2):  # the UNet's last layer starts at zero: others learn from the second step on
        optimizer.zero_grad()
        made = model.decode(model.encode(image)) if stage == "vae" else model(image, scene)
        (made + image).square().mean().backward()
        optimizer.step()
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    if stage == "vae":
        assert {name.split(".")[0] for name in changed} == {"vae"}
        assert any("decoder" in name for name in changed)
    else:
        assert not any("decoder" in name or "encoder.down_blocks" in name for name in changed)
        assert "vae.encoder.conv_in.weight" in changed and "unet.conv_out.weight" in changed
        assert any(".attn1.to_v" in name for name in changed)


def test_weights_follow_the_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one, two, other = (build.random_compact(seed, settings=SETTINGS) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.prompt_embeds, other.prompt_embeds)


def test_scaling_brings_latents_to_unit_variance():
    model, (image, _) = build.random_compact(0).eval(), pair()
    with torch.no_grad():
        before = model.decode(model.encode(image))
        model.set_scaling(model.encode(image))
        assert float(model.encode(image).std()) == pytest.approx(1.0, abs=1e-4)
        assert torch.allclose(model.decode(model.encode(image)), before, atol=1e-4)


def test_a_configuration_survives_json_and_refuses_what_it_does_not_know():
    config = CompactConfig(unet_channels=(16, 32), vae_channels=(8, 16), tile_px=128)
    assert CompactConfig.from_json(config.to_json()) == config
    with pytest.raises(ConfigError, match="no field width"):
        CompactConfig.from_json({"width": 3})
    for wrong in ({"vae_channels": (12, 24)}, {"unet_channels": (64,)}, {"head_width": 48}):
        with pytest.raises(ConfigError, match="bokehdiff-compact"):
            CompactConfig(**wrong)
