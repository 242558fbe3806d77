"""Claims about training on a base: a LoRA and the ends of the encoder are all that is stored."""

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from bokehbench.baselines.bokehdiff import base as bases
from bokehbench.baselines.bokehdiff import build
from bokehbench.baselines.bokehdiff.base import Base
from bokehbench.baselines.diffusion.basefolder import metadata
from bokehbench.errors import InputError
from bokehbench.training import checkpoint
from bokehbench.training.bokehdiff.settings import load
from bokehbench.training.bokehdiff.train import Request, train

FEW = (
    "data.crop=64",
    "data.held_out=1",
    "data.validation_crops=1",
    "data.validation_side=64",
    "denoiser.steps=3",
    "denoiser.schedule.warm_up=1",
    "denoiser.log_every=1",
    "denoiser.validate_every=3",
    "denoiser.checkpoint_every=3",
    "denoiser.losses.lpips=0",
    "denoiser.losses.adversary.weight=0",
    "model.lora_rank=2",
)


def tiny_base(fingerprint):
    """Modules of SDXL, few and narrow, with random weights."""
    torch.manual_seed(2)
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16, 16),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 1),
        layers_per_block=1,
        attention_head_dim=(1, 2, 2),
        cross_attention_dim=8,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 4,
        norm_num_groups=8,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=8,
        scaling_factor=0.13025,
    )
    for network in (unet, vae):
        network.requires_grad_(False)
    about = {"name": "tiny", "revision": "", "fingerprint": fingerprint, "prompt": "a photo"}
    return Base(unet, vae, torch.randn(1, 77, 8), torch.randn(1, 4), about)


@pytest.fixture
def base(monkeypatch):
    """What a base's name stands for while a test runs."""
    known = {"fingerprint": "one"}

    def from_sdxl(name, revision, *how):
        return build.on_base(tiny_base(known["fingerprint"]), *how)

    tiny = tiny_base("")
    sizes = {"unet": dict(tiny.unet.config), "vae": dict(tiny.vae.config)}
    monkeypatch.setattr(bases, "configurations", lambda name, revision: sizes)
    monkeypatch.setattr(build, "from_sdxl", from_sdxl)
    return known


def test_a_lora_is_trained_stored_and_gone_on_with(pair_set, base, tmp_path):
    def request(out, **others):
        return Request(load("paper", FEW), "paper", str(pair_set), out, base="a/b", device="cpu", **others)

    straight = train(request(tmp_path / "straight"))
    late = train(request(tmp_path / "late", hours=1e-9))
    assert late.standings["denoiser"].step == 1
    train(request(tmp_path / "late"))
    files = [tmp_path / name / "bokehdiff.safetensors" for name in ("straight", "late")]
    assert files[0].read_bytes() == files[1].read_bytes()

    state = checkpoint.load_state(tmp_path / "straight" / "denoiser" / checkpoint.STATE)
    assert all(
        ".lora_" in name
        or name.startswith(("vae.encoder.conv_in", "vae.encoder.mid_block", "vae.encoder.conv_out"))
        for name in state["network"]
    )
    assert {name.partition(".")[0] for name in state["network"]} == {"unet", "vae"}
    assert metadata(files[0])["tile_px"] == 64  # large pictures are cut into what was trained on
    card = straight.card
    assert card["base"]["fingerprint"] == "one" and card["method"] == "bokehdiff"
    assert "--base a/b" in card["command"]

    base["fingerprint"] = "two"
    with pytest.raises(InputError, match="another base"):
        train(request(tmp_path / "late"))
