"""The authors' checkpoint: networks saved as their code does, converted, and found again in ours."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import weights_fakes as fakes
from click.testing import CliRunner
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from magicbokeh_tiny import write_folder
from peft import LoraConfig
from torch import Tensor

from bokehbench import weights as weight_files
from bokehbench.baselines.magicbokeh import base as bases
from bokehbench.baselines.magicbokeh import weights
from bokehbench.commands.weights import weights as command
from bokehbench.errors import InputError
from bokehbench.weights_convert import fits

UNET_RANK, VAE_RANK, BOKEH_RANK = 3, 2, 4
LAYERS = (
    *("to_k", "to_q", "to_v", "to_out.0", "conv", "conv1", "conv2", "conv_in", "conv_shortcut", "conv_out"),
    *("proj_out", "proj_in", "ff.net.2", "ff.net.0.proj"),
)
"""Words in the names of the layers that their code adapts."""


class Theirs:
    """UNet, VAE and ControlNet as the released code has them, with numbers in everything that is trained."""

    def __init__(self, folder: Path) -> None:
        self.unet: Any = UNet2DConditionModel.from_pretrained(folder / "unet")
        self.vae: Any = AutoencoderKL.from_pretrained(folder / "vae")
        without_text(self.unet)
        self.control: Any = ControlNetModel.from_unet(
            UNet2DConditionModel.from_pretrained(folder / "unet"),
            conditioning_embedding_out_channels=(16, 32, 96, 256),
        )
        without_text(self.control)
        del self.control.controlnet_mid_block
        encoder = [n for n in adapted(self.unet) if n.startswith(("down_blocks", "conv_in"))]
        decoder = [n for n in adapted(self.unet) if n.startswith(("up_blocks", "conv_out"))]
        inside = [n for n in adapted(self.vae) if n.startswith("encoder")] + ["quant_conv"]
        self.lists = encoder, decoder, inside
        for network, adapter, modules, rank in (
            (self.unet, "default_encoder", encoder, UNET_RANK),
            (self.unet, "default_decoder", decoder, UNET_RANK),
            (self.vae, "default_encoder", inside, VAE_RANK),
        ):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a second adapter
                network.add_adapter(LoraConfig(r=rank, target_modules=modules), adapter_name=adapter)
        self.unet.set_adapter(["default_encoder", "default_decoder"])
        for network in (self.unet, self.vae, self.control):
            network.eval().requires_grad_(False)
            for name, parameter in network.named_parameters():
                if "lora" in name or network is self.control or name.startswith("conv_in"):
                    parameter += 0.05 * torch.randn(parameter.shape)
        self.bokeh: dict[str, Tensor] = {}
        for name, module in self.unet.named_modules():
            if name.startswith("up_blocks") and name.endswith("attn1"):
                for part in ("to_q", "to_k", "to_v", "to_out"):
                    first = f"{name}.processor.{part}_lora"
                    self.bokeh[f"{first}.0.weight"] = torch.randn(BOKEH_RANK, module.query_dim)
                    # The last matrix is zero: then attention is the ordinary one, which diffusers has.
                    last = torch.zeros if part == "to_out" else torch.randn
                    self.bokeh[f"{first}.1.weight"] = last(module.query_dim, BOKEH_RANK)

    def checkpoint(self) -> dict[str, Any]:
        encoder, decoder, inside = self.lists
        return {
            "state_dict_unet": {
                n: t for n, t in self.unet.state_dict().items() if "lora" in n or "conv_in" in n
            },
            "rank_unet": UNET_RANK,
            "unet_lora_encoder_modules": encoder,
            "unet_lora_decoder_modules": decoder,
            "state_dict_vae": {n: t for n, t in self.vae.state_dict().items() if "lora" in n},
            "rank_vae": VAE_RANK,
            "vae_lora_encoder_modules": inside,
            "controlnet": self.control,
            "state_dict_attn": BOKEH_RANK,
            "processor_state_dict": self.bokeh,
        }

    def noise(self, z: Tensor, c: Tensor) -> Tensor:
        """ControlNet and UNet by diffusers' own modules."""
        control = self.control
        time = control.time_embedding(control.time_proj(torch.tensor([999])))
        features = control.conv_in(z) + control.controlnet_cond_embedding((2 * c - 1).repeat(1, 3, 1, 1))
        skips = [features]
        for block in control.down_blocks:
            features, made = block(hidden_states=features, temb=time)
            skips += made
        skips = [conv(skip) for conv, skip in zip(control.controlnet_down_blocks, skips, strict=True)]
        nothing = torch.zeros(())  # for the mid block that is not there
        found: Tensor = self.unet(
            z, 999, None, down_block_additional_residuals=skips, mid_block_additional_residual=nothing
        ).sample
        return found


def without_text(network: Any) -> None:
    for module in network.modules():
        if hasattr(module, "attn2"):
            module.attn2 = module.norm2 = None
    network.mid_block = None


def adapted(network: Any) -> list[str]:
    names = [n.removesuffix(".weight") for n, _ in network.named_parameters() if n.endswith(".weight")]
    return [n for n in names if "norm" not in n and any(word in n for word in LAYERS)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights with a base."""
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setitem(fits.MODELS, "magicbokeh", lambda about, shapes: None)  # of another size
    bases.prepare(str(write_folder(tmp_path / "base")), None, tmp_path / "home")
    return tmp_path / "home"


@torch.inference_mode()
def test_our_model_says_what_theirs_says(home: Path, tmp_path: Path) -> None:
    """Scales of both LoRA, the whole first convolution and the ControlNet are in these numbers."""
    torch.manual_seed(0)
    theirs = Theirs(tmp_path / "base")
    torch.save(theirs.checkpoint(), tmp_path / "theirs.pt")
    done = CliRunner().invoke(command, ["convert", "magicbokeh", str(tmp_path / "theirs.pt")])
    assert done.exit_code == 0 and "ControlNet: " in done.output, done.output
    result = home / weights.OFFICIAL[0]
    assert f"wrote {result} (sha256 {weight_files.sha256(result)})" in done.output
    ours = weights.load(weights.OFFICIAL)
    picture, c = torch.rand(1, 3, 64, 64) * 2 - 1, torch.rand(1, 1, 64, 64)
    latent = theirs.vae.encode(picture).latent_dist.mode() * 0.18215
    torch.testing.assert_close(ours.encode(picture), latent, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours.noise(latent, c), theirs.noise(latent, c), rtol=1e-4, atol=1e-5)
    state = ours.trained_state()
    assert all(torch.equal(state[f"unet.{name}"], tensor) for name, tensor in theirs.bokeh.items())


def test_a_checkpoint_of_another_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(tmp_path))
    fakes.save(fakes.released(), tmp_path / "theirs.pt")
    done = CliRunner().invoke(command, ["convert", "magicbokeh", str(tmp_path / "theirs.pt")])
    assert isinstance(done.exception, InputError)
    assert "its tensors are not those of MagicBokeh" in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.pt"]
