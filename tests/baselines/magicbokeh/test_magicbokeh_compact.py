"""The compact model: its size, where its training starts, its phases, and that it is seeded."""

from __future__ import annotations

import pytest
import torch

from bokehbench.baselines.diffusion.networks import parameters
from bokehbench.baselines.diffusion.one_step import one_step
from bokehbench.baselines.magicbokeh import build
from bokehbench.baselines.magicbokeh.compact import CompactConfig
from bokehbench.baselines.magicbokeh.fama.processor import FamaProcessor
from bokehbench.errors import ConfigError


def pair(height: int = 32, width: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    picture = 2.0 * torch.rand(1, 3, height, width, generator=generator) - 1.0
    return picture, torch.linspace(0.0, 1.0, width).expand(1, 1, height, width)


def test_it_fits_into_five_megabytes_of_half_precision():
    model = build.random_compact(0)
    assert parameters(model) <= 2.4e6
    assert 2 * sum(tensor.numel() for tensor in model.trained_state().values()) <= 4.9e6
    assert (model.latent_px, model.multiple, model.timestep, model.layout.tile_px) == (4, 16, 999, 256)
    assert model.unet.mid_block is None
    masked = [name for name, module in model.unet.named_modules() if isinstance(module, FamaProcessor)]
    assert len(masked) == 2 and all(name.startswith("up_blocks.") for name in masked)


def test_training_starts_at_the_round_trip_of_the_vae():
    model, (picture, condition) = build.random_compact(0).eval(), pair()
    with torch.no_grad():
        expected = model.decode(model.encode(picture))
        assert torch.allclose(model(picture, condition), expected, atol=1e-4)
        assert torch.allclose(model(picture, None), expected, atol=1e-4)


def test_what_the_unet_says_is_taken_from_the_latent():
    model, (picture, condition) = build.random_compact(0).eval(), pair()
    with torch.no_grad():
        model.unet.conv_out.bias.fill_(0.25)
        z = model.encode(picture)
        made = one_step(z, model.noise(z, condition), 999)
        assert torch.allclose(made, z - 0.25, atol=1e-4)


PHASES = {
    "vae": {"vae.encoder", "vae.decoder"},
    "isr": {"vae.encoder", "unet"},
    "bokeh": {"control", "fama"},
    "isr-alternate": {"unet"},
}


def kind_of(name: str) -> str:
    if ".processor." in name:
        return "fama"
    part, inside, *_ = name.split(".")
    return f"vae.{inside}" if part == "vae" else part


@pytest.mark.parametrize("phase", list(PHASES))
def test_a_phase_moves_what_it_trains_and_nothing_else_by_a_bit(phase):
    model, (picture, condition) = build.random_compact(0).train(), pair()
    model.freeze(phase)
    assert {kind_of(name) for name in model.trained(phase)} == PHASES[phase]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.nn.init.normal_(model.unet.conv_out.weight, std=0.1)
    before["unet.conv_out.weight"] = model.unet.conv_out.weight.detach().clone()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    for _ in range(2):  # what begins at zero lets the rest learn from the second step on
        optimiser.zero_grad()
        seen = model(picture, condition if phase == "bokeh" else None)
        (model.decode(model.encode(picture)) if phase == "vae" else seen).sub(0.5).square().mean().backward()
        optimiser.step()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {kind_of(name) for name in moved} == PHASES[phase] and moved <= set(model.trained(phase))


def test_a_silent_controlnet_is_passed_over_and_would_have_said_nothing():
    model, (picture, _) = build.random_compact(0).eval(), pair()
    torch.nn.init.normal_(model.unet.conv_out.weight, std=0.1)
    assert model.control.silent
    with torch.no_grad():
        z = model.encode(picture)
        model.freeze("isr")
        skipped = model.noise(z, None)
        model.freeze("bokeh")
        assert torch.equal(model.noise(z, None), skipped)
        model.control.controlnet_down_blocks[0].bias.fill_(0.3)
        assert not model.control.silent
        model.freeze("isr")
        assert not torch.equal(model.noise(z, None), skipped)


def test_weights_follow_the_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one, two, other = (build.random_compact(seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.unet.conv_in.weight, other.unet.conv_in.weight)


def test_a_configuration_survives_json_and_refuses_what_it_does_not_know():
    config = CompactConfig(
        unet_channels=(16, 32, 32), vae_channels=(8, 16), condition_channels=(4, 8), tile_px=128
    )
    assert CompactConfig.from_json(config.to_json()) == config
    with pytest.raises(ConfigError, match="no field width"):
        CompactConfig.from_json({"width": 3})
    for wrong in (
        {"vae_channels": (12, 24)},
        {"unet_channels": (64, 64)},
        {"head_width": 48},
        {"condition_channels": (8, 8)},
        {"condition_unit_px": 0.0},
        {"timestep": 1000},
    ):
        with pytest.raises(ConfigError, match=r"magicbokeh-compact|timestep must lie in 0 to 999"):
            CompactConfig(**wrong)
