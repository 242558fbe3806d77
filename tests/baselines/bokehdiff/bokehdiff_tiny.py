"""A model of the SDXL family so small that tests can build it, as the folder that diffusers would write."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file

UNET = {
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 4,
    "attention_head_dim": [1, 2, 2],
    "block_out_channels": [8, 16, 16],
    "cross_attention_dim": 24,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "in_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "out_channels": 4,
    "projection_class_embeddings_input_dim": 6 * 4 + 16,
    "transformer_layers_per_block": [1, 2, 1],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}
VAE = {
    "block_out_channels": [4, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "sample_size": 512,
    "scaling_factor": 0.13025,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
}
SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
}
WORDS = ("<|startoftext|>", "<|endoftext|>", "an</w>", "photo</w>", "a</w>", *"abcdefghilnoprtuwx")


def write_folder(folder: Path, seed: int = 0) -> Path:
    """A base with random weights: networks, scheduler, two tokenizers and two text encoders."""
    torch.manual_seed(seed)
    for name, network in (
        ("unet", UNet2DConditionModel(**UNET)),
        ("vae", AutoencoderKL(**VAE)),
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(json.dumps(dict(network.config)))
        save_file(network.state_dict(), folder / name / "diffusion_pytorch_model.safetensors")
    (folder / "scheduler").mkdir()
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(SCHEDULER))
    write_encoders(folder)
    return folder


def write_encoders(folder: Path) -> None:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    vocabulary = {word: index for index, word in enumerate(dict.fromkeys(WORDS))}
    vocabulary |= {f"{letter}</w>": len(vocabulary) + n for n, letter in enumerate("dehnorstuwx")}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)
    for number, (width, kind) in enumerate(((8, CLIPTextModel), (16, CLIPTextModelWithProjection))):
        suffix = "_2" if number else ""
        config = CLIPTextConfig(
            vocab_size=len(vocabulary),
            hidden_size=width,
            intermediate_size=width,
            num_hidden_layers=3,
            num_attention_heads=2,
            projection_dim=16,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
        kind(config).save_pretrained(folder / f"text_encoder{suffix}")
        tokenizer.save_pretrained(folder / f"tokenizer{suffix}")
