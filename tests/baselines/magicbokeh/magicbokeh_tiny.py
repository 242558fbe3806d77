"""A model of the Stable Diffusion 2 family so small that tests can build it, as the folder of diffusers."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file

UNET = {
    "attention_head_dim": [1, 1, 2, 2],
    "block_out_channels": [8, 8, 16, 16],
    "cross_attention_dim": 12,
    "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
    "in_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 4,
    "out_channels": 4,
    "sample_size": 16,
    "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
    "use_linear_projection": True,
}
VAE = {
    "block_out_channels": [4, 4, 4, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "sample_size": 512,
    "scaling_factor": 0.18215,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
}


def write_folder(folder: Path, seed: int = 0) -> Path:
    """A base with random weights: networks and scheduler; no text encoder."""
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
    return folder
