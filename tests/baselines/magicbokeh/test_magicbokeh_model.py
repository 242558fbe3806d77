"""The model: published sizes, the one step, what each phase of training changes, and its state."""

from __future__ import annotations

import copy
import functools

import pytest
import torch
from magicbokeh_tiny import SCHEDULER, UNET, VAE

from bokehbench.baselines.diffusion.networks import on_meta, parameters
from bokehbench.baselines.diffusion.one_step import coefficients
from bokehbench.baselines.magicbokeh import build
from bokehbench.baselines.magicbokeh import unet as networks
from bokehbench.baselines.magicbokeh.base import Base
from bokehbench.baselines.magicbokeh.fama.processor import install
from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings
from bokehbench.errors import ConfigError, InputError

RANKS = {"vae": 2, "isr": 2}
SMALL = {
    **UNET,
    "attention_head_dim": [1, 2],
    "block_out_channels": [8, 16],
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "layers_per_block": 1,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}
"""Two stages alone, which are built and copied in less time."""


def base(seed: int = 0) -> Base:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    torch.manual_seed(seed)
    unet, vae = UNet2DConditionModel(**SMALL), AutoencoderKL(**VAE)
    about = {"name": "tiny", "unet": dict(unet.config), "vae": dict(vae.config), "scheduler": SCHEDULER}
    return Base(unet.state_dict(), vae.state_dict(), about)


def tiny(trained: bool = False, **settings) -> torch.nn.Module:
    return copy.deepcopy(built(trained, **settings))


@functools.cache
def built(trained: bool, **settings) -> torch.nn.Module:
    model = build.on_base(base(), RANKS, FamaSettings(rank=2, **settings)).eval()
    if trained:  # nothing is at its start any more
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in [*model.trained("isr").values(), *model.trained("bokeh").values()]:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    """As training starts; for all tests that change nothing."""
    return tiny()


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    return tiny(trained=True)


def pair(height: int = 32, width: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    picture = 2.0 * torch.rand(1, 3, height, width, generator=generator) - 1.0
    condition = torch.linspace(0.0, 0.5, width).expand(1, 1, height, width)
    return picture, condition


def test_the_full_size_has_the_published_parameters():
    model = build.meta_model(fama=FamaSettings(rank=64))
    bokeh, isr = model.trained("bokeh"), model.trained("isr")
    lora = [tensor for name, tensor in bokeh.items() if ".processor." in name]
    sr = [tensor for name, tensor in isr.items() if name.startswith("unet.") and ".lora_" in name]
    assert parameters(model.unet) - parameters(lora) - parameters(sr) == 723_742_084
    assert parameters(model.control) == 247_105_040 and len(model.control.controlnet_down_blocks) == 12
    assert parameters(lora) == 3_440_640 and len(lora) == 9 * 4 * 2
    assert (model.latent_px, model.multiple, model.timestep) == (8, 64, 999)
    assert model.layout.condition_unit_px == 32.0 and model.layout.tile_px == 512
    channels = [tensor.shape[1] for name, tensor in bokeh.items() if name.endswith("to_q_lora.0.weight")]
    assert channels == [1280] * 3 + [640] * 3 + [320] * 3
    assert not any(
        "text" in name or "attn2" in name or "mid_block" in name for name in bokeh | isr if "vae" not in name
    )


def test_twice_the_rank_is_twice_the_bokeh_lora():
    unet = networks.without_memory(networks.PUBLISHED_UNET)
    before = parameters(unet)
    install(unet, FamaSettings(rank=128))
    assert parameters(unet) - before == 6_881_280


def test_the_whole_base_has_what_was_pruned_besides():
    whole = on_meta("unet", networks.PUBLISHED_UNET)
    assert parameters(whole) == 865_910_724
    state = whole.state_dict()
    crossing = [
        t for n, t in state.items() if ".attn2." in n or (".norm2." in n and ".transformer_blocks." in n)
    ]
    assert parameters(whole) - parameters(crossing) == 815_533_444


def test_forward_is_encode_noise_step_decode(trained):
    picture, condition = pair()
    a, b = coefficients(999)
    assert (a, b) == pytest.approx((14.6488, 14.6147), abs=1e-4)
    with torch.no_grad():
        z = trained.vae.encode(picture).latent_dist.mode() * 0.18215
        assert torch.allclose(trained.encode(picture), z)
        expected = trained.vae.decode((a * z - b * trained.noise(z, condition)) / 0.18215).sample
        assert torch.allclose(trained(picture, condition), expected, atol=1e-5)


def test_lora_and_controlnet_change_nothing_at_the_start(model):
    picture, condition = pair()
    from diffusers import AutoencoderKL

    unet, _ = networks.from_base(SMALL, base().unet)
    vae = AutoencoderKL(**VAE)
    vae.load_state_dict(base().vae)
    with torch.no_grad():
        z = model.encode(picture)
        assert torch.allclose(z, vae.eval().encode(picture).latent_dist.mode() * 0.18215, atol=1e-6)
        plain = unet(z, 999, encoder_hidden_states=None).sample
        assert torch.allclose(model.noise(z, condition), plain, atol=1e-5)
        assert torch.allclose(model.noise(z, None), plain, atol=1e-5)


def test_restoration_shows_the_controlnet_zero_and_masks_nothing(trained):
    picture, condition = pair()
    with torch.no_grad():
        z = trained.encode(picture)
        skips = trained.control(z, 999, torch.zeros_like(condition))
        with trained.seeing(None):
            expected = trained.unet(
                z,
                999,
                encoder_hidden_states=None,
                down_block_additional_residuals=skips,
                mid_block_additional_residual=torch.zeros(()),
            ).sample
        assert torch.equal(trained.noise(z, None), expected)
        assert not torch.equal(trained.noise(z, torch.zeros_like(condition) + 0.2), expected)
        focus = trained.noise(z, torch.zeros_like(condition))  # all in focus: one region, as without a mask
        assert torch.allclose(focus, expected, atol=1e-5)


def test_the_condition_reaches_the_picture_by_mask_and_by_controlnet(trained):
    z, condition = torch.randn(1, 4, 4, 8), pair()[1]
    with torch.no_grad():
        one, two = (trained.control(z, 999, part) for part in (condition, condition.flip(-1)))
        assert all(not torch.equal(a, b) for a, b in zip(one, two, strict=True))
        unmasked = tiny(trained=True, masked=False)
        assert not torch.allclose(trained.noise(z, condition), unmasked.noise(z, condition), atol=1e-6)


EXPECTED = {
    "isr": ({"unet.lora", "unet.conv_in", "vae.lora"}, {"control", "unet.fama", "unet", "vae"}),
    "bokeh": ({"control", "unet.fama"}, {"unet.lora", "unet.conv_in", "vae.lora", "unet", "vae"}),
    "isr-alternate": ({"unet.lora", "unet.conv_in"}, {"vae.lora", "control", "unet.fama", "unet", "vae"}),
}


def kind_of(name: str) -> str:
    part = name.split(".")[0]
    if ".lora_" in name:
        return f"{part}.lora"
    if ".processor." in name:
        return "unet.fama"
    return "unet.conv_in" if name.startswith("unet.conv_in.") else part


@pytest.mark.parametrize("phase", list(EXPECTED))
def test_a_phase_moves_what_it_trains_and_nothing_else_by_a_bit(phase):
    model, (picture, condition) = tiny(trained=True).train(), pair()
    moving, frozen = EXPECTED[phase]
    kinds = {kind_of(name) for name, _ in model.named_parameters()}
    assert kinds == moving | frozen
    model.freeze(phase)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    model(picture, condition if phase == "bokeh" else None).square().mean().backward()
    optimiser.step()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert {kind_of(name) for name in moved} == moving
    assert moved == set(model.trained(phase))


def test_the_adapters_are_those_of_the_release(model):
    adapted = [name for name in model.trained("isr") if ".lora_A." in name]
    for adapter, parts in (
        ("default_encoder", ("conv_in", "down_blocks")),
        ("default_decoder", ("conv_out", "up_blocks")),
    ):
        own = [n.removeprefix("unet.") for n in adapted if n.startswith("unet.") and f".{adapter}." in n]
        assert own and all(name.startswith(parts) for name in own)
    assert not any("time_emb" in name or ".decoder." in name or "post_quant" in name for name in adapted)
    assert {name.split(".lora_A")[0] for name in adapted if "quant_conv" in name} == {"vae.quant_conv"}
    assert (
        model.unet.conv_in.scaling["default_encoder"]
        == model.vae.quant_conv.scaling["default_encoder"]
        == 8 / 2
    )
    with pytest.raises(ConfigError, match="no mid"):
        build.on_base(base(), {"mid": 3})
    with pytest.raises(ConfigError, match="no phase 'vae'"):
        model.trained("vae")


def test_checkpointed_gradients_are_the_same():
    found = []
    for checkpointed in (False, True):
        model, (picture, condition) = tiny(trained=True).train(), pair()
        model.freeze("bokeh")
        if checkpointed:
            model.enable_gradient_checkpointing()
        model(picture, condition).square().mean().backward()
        found.append([p.grad for p in model.trained("bokeh").values()])
    assert all(torch.allclose(one, two, rtol=1e-4, atol=1e-7) for one, two in zip(*found, strict=True))


def test_a_trained_state_is_taken_back_whole_or_not_at_all(trained):
    other, (picture, condition) = tiny(), pair()
    state = {name: tensor.clone() for name, tensor in trained.trained_state().items()}
    assert not any("default" in name or "base_layer" in name for name in state)
    other.load_trained(state)
    with torch.no_grad():
        assert torch.equal(other(picture, condition), trained(picture, condition))
    name = next(name for name in state if "to_q_lora" in name)
    for changed, said in (
        ({n: t for n, t in state.items() if n != name}, rf"1 missing \({name}\)"),
        ({**state, "unet.other": state[name]}, r"1 left over \(unet\.other\)"),
        ({**state, name: state[name][:1]}, "1 of another shape"),
        ({**state, name: state[name] * float("nan")}, "1 not finite"),
    ):
        with pytest.raises(InputError, match=said):
            other.load_trained(changed)


def test_a_controlnet_can_begin_as_the_encoder_that_restoration_left():
    model = tiny(trained=True)
    torch.nn.init.zeros_(model.control.controlnet_cond_embedding.conv_out.weight)
    torch.nn.init.zeros_(model.control.controlnet_cond_embedding.conv_out.bias)
    for conv in model.control.controlnet_down_blocks:  # shows the features as they are
        torch.nn.init.dirac_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    z, condition = torch.randn(1, 4, 4, 8), pair()[1]
    with torch.no_grad():
        emb = model.unet.time_embedding(model.unet.time_proj(torch.tensor([999])))
        features = model.unet.conv_in(z)
        expected = [features]
        for block in model.unet.down_blocks:
            features, made = block(hidden_states=features, temb=emb)
            expected += made
        before = model.control(z, 999, condition)
        model.start_control()
        after = model.control(z, 999, condition)
    assert not torch.allclose(before[-1], expected[-1], atol=1e-3)
    assert all(torch.allclose(one, two, atol=1e-4) for one, two in zip(after, expected, strict=True))


def test_sizes_and_conditions_that_do_not_fit_are_refused(model):
    picture, condition = pair()
    with pytest.raises(InputError, match=r"40x32: MagicBokeh's .* multiples of 16"):
        model(pair(32, 40)[0])
    with pytest.raises(ConfigError, match="one channel at the picture's size"):
        model(picture, condition[..., :32])


def test_what_is_drawn_follows_the_seed():
    one, again, other = (build.on_base(base(), RANKS, FamaSettings(rank=2), seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    moved = {
        n
        for (n, a), b in zip(one.named_parameters(), other.parameters(), strict=True)
        if not torch.equal(a, b)
    }
    assert {kind_of(name) for name in moved} == {"unet.lora", "vae.lora", "unet.fama", "control"}
    assert all(".lora_A." in n or "_lora.0." in n or "cond_embedding" in n for n in moved)


def test_half_precision_computes_the_step_in_float32(trained):
    picture, condition = pair()
    model = tiny(trained=True)
    model.unet.to(torch.bfloat16)
    model.control.to(torch.bfloat16)
    with torch.no_grad():
        z = model.encode(picture)
        noise = model.noise(z, condition)
        assert z.dtype == noise.dtype == model(picture, condition).dtype == torch.float32
        assert torch.allclose(noise, trained.noise(z, condition), atol=0.1)
