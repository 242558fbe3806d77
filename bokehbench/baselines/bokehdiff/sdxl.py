"""Networks of the SDXL family: configurations and LoRA (methods spec A2.3).

`configs/` has the published configurations of SDXL's UNet and VAE, so that the full size can be counted and
tried without any weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

CONFIGS = Path(__file__).parent / "configs"
RANK = 8
ADAPTED = (
    *("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"),
    *("conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv"),
)
"""Modules that the LoRA adapts, in all blocks of the UNet."""


def published(part: str) -> dict[str, Any]:
    """The published configuration of SDXL's "unet" or "vae"."""
    found: dict[str, Any] = json.loads((CONFIGS / f"sdxl_{part}.json").read_text())
    return found


def add_lora(unet: Any, rank: int = RANK, seed: int = 0) -> None:
    """Adapt a UNet in place: rank and alpha alike (scale 1), A Gaussian, B zero, so that nothing changes yet.

    Args:
        unet: UNet2DConditionModel; on the meta device nothing is drawn.
        rank: of all matrices.
        seed: of A; the global generator of torch is left as it was.
    """
    from peft import LoraConfig

    where = next(unet.parameters()).device
    config = LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=list(ADAPTED))
    with torch.random.fork_rng(devices=[]), torch.device(where):
        torch.manual_seed(seed)
        unet.add_adapter(config)
