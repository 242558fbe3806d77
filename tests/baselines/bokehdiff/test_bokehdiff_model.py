"""The model: published sizes, what training changes, and that its parts are what `forward` is."""

from __future__ import annotations

import pytest
import torch
from bokehdiff_tiny import SCHEDULER, UNET, VAE

from bokehbench.baselines.bokehdiff import base as bases
from bokehbench.baselines.bokehdiff import build
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.diffusion.networks import parameters
from bokehbench.baselines.diffusion.one_step import coefficients
from bokehbench.errors import InputError


def networks(seed: int = 0) -> bases.Base:
    torch.manual_seed(seed)
    from diffusers import AutoencoderKL, UNet2DConditionModel

    prompt = torch.randn(1, 7, 24), torch.randn(1, 16)
    return bases.Base(UNet2DConditionModel(**UNET), AutoencoderKL(**VAE), *prompt, {"scheduler": SCHEDULER})


def tiny(seed: int = 0, **settings) -> torch.nn.Module:
    return build.on_base(networks(seed), rank=2, settings=PisaSettings(samples=2, jitters=1, **settings))


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    """One for all tests that change nothing."""
    return tiny().eval()


def pair(height: int = 32, width: int = 48) -> tuple[torch.Tensor, Scene]:
    generator = torch.Generator().manual_seed(5)
    image = 2.0 * torch.rand(1, 3, height, width, generator=generator) - 1.0
    maps = torch.rand(2, 1, 1, height, width, generator=generator)
    return image, Scene(maps[0], 20.0 * maps[1])


def test_the_full_size_has_the_published_parameters():
    model = build.meta_model()
    lora = parameters(list(model.trained_unet().values()))
    assert parameters(model.unet) - lora == 2_567_463_684
    assert parameters(model.vae) == 83_653_863
    assert lora == pytest.approx(24.6e6, rel=0.002)
    assert parameters(list(model.trained_vae().values())) == pytest.approx(10.54e6, rel=0.001)
    assert (model.latent_px, model.token_px, model.multiple) == (8, 16, 32)
    assert {tensor.device.type for tensor in model.state_dict().values()} <= {"meta", "cpu"}
    stage = model.unet.down_blocks[1].attentions[0]
    attentions = [block.attn1.processor for block in stage.transformer_blocks]
    assert len(attentions) == 2 and all(found is model.processor for found in attentions)
    assert (stage.transformer_blocks[0].attn1.heads, stage.config.attention_head_dim) == (10, 64)


def test_a_fresh_lora_changes_nothing(model):
    image, scene = pair()
    plain = networks()
    from bokehbench.baselines.bokehdiff.pisa.processor import install

    processor = install(plain.unet, settings=PisaSettings(samples=2, jitters=1))
    with torch.no_grad():
        z = model.encode(image)
        sizes = torch.tensor([[32.0, 48.0, 0.0, 0.0, 32.0, 48.0]])
        with processor.seeing(scene):
            theirs = plain.unet.eval()(
                z,
                499,
                encoder_hidden_states=plain.prompt_embeds,
                added_cond_kwargs={"text_embeds": plain.pooled, "time_ids": sizes},
            ).sample
        assert torch.equal(model.noise(z, scene), theirs)
        assert not torch.equal(model.noise(z, scene, sizes + 64.0), theirs)


def test_forward_is_encode_noise_step_decode(model):
    image, scene = pair()
    a, b = coefficients(499)
    with torch.no_grad():
        z = model.vae.encode(image).latent_dist.mode() * 0.13025
        assert torch.allclose(model.encode(image), z)
        z0 = a * z - b * model.noise(z, scene)
        expected = model.vae.decode(z0 / 0.13025).sample
        assert torch.allclose(model(image, scene), expected, atol=1e-5)


def test_another_scene_is_another_picture(model):
    image, scene = pair()
    with torch.no_grad():
        sharp = model.noise(model.encode(image), Scene(scene.disparity, torch.zeros_like(scene.radius)))
        assert not torch.equal(sharp, model.noise(model.encode(image), scene))


def test_gradients_reach_what_is_trained_and_nothing_else():
    model, (image, scene) = tiny(dropout=0.1).train(), pair()
    model.freeze()
    # B starts at zero, and A would have no gradient.
    for name, parameter in model.trained_unet().items():
        torch.nn.init.normal_(parameter, std=0.1) if ".lora_B" in name else None
    model(image, scene).square().mean().backward()
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    trained = {f"unet.{name}" for name in model.trained_unet()} | {f"vae.{n}" for n in model.trained_vae()}
    assert reached == trained
    assert not any("decoder" in name or "down_blocks" in name for name in model.trained_vae())


def test_checkpointed_gradients_are_the_same():
    found = []
    for checkpointed in (False, True):
        model, (image, scene) = tiny(dropout=0.1).train(), pair()
        model.freeze()
        if checkpointed:
            model.enable_gradient_checkpointing()
        model(image, scene).square().mean().backward()
        found.append([p.grad for p in model.trained_vae().values()])
    assert all(torch.allclose(one, two, atol=1e-6) for one, two in zip(*found, strict=True))


def test_a_trained_state_is_taken_back_whole_or_not_at_all():
    one, two = tiny(seed=1), tiny(seed=1)
    with torch.no_grad():
        for parameter in [*one.trained_unet().values(), *one.trained_vae().values()]:
            parameter.add_(0.1)
    state = {name: tensor.clone() for name, tensor in one.trained_state().items()}
    two.load_trained(state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in two.trained_state().items())
    name = next(name for name in state if "lora_A" in name)
    for changed, said in (
        ({n: t for n, t in state.items() if n != name}, rf"1 missing \({name}\)"),
        ({**state, "unet.other": state[name]}, r"1 left over \(unet\.other\)"),
        ({**state, name: state[name][:1]}, "1 of another shape"),
        ({**state, name: state[name] * float("nan")}, "1 not finite"),
    ):
        with pytest.raises(InputError, match=said):
            two.load_trained(changed)


def test_sides_must_be_multiples(model):
    assert model.multiple == 8
    with pytest.raises(InputError, match=r"52x32: .* multiples of 8"):
        model(*pair(32, 52))
