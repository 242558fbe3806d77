"""The UNet of Stable Diffusion 2.1 without text: no cross-attention, no mid block (methods spec A3.3).

It is diffusers' own UNet2DConditionModel from which these modules are taken out, so that a base's weights go
in by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bokehbench.baselines.diffusion.networks import on_meta
from bokehbench.baselines.diffusion.states import check_keys

PUBLISHED_UNET: Mapping[str, Any] = {
    "attention_head_dim": [5, 10, 20, 20],  # diffusers' name for the number of heads
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 1024,
    "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
    "in_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 4,
    "sample_size": 64,
    "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
    "use_linear_projection": True,
}
"""Configuration of Stable Diffusion 2.1-base's UNet."""
PUBLISHED_VAE: Mapping[str, Any] = {
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "latent_channels": 4,
    "layers_per_block": 2,
    "sample_size": 768,
    "scaling_factor": 0.18215,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
"""Configuration of its VAE."""


def prune(unet: Any) -> Any:
    """Take cross-attention (with the norm before it) and mid block out of a UNet, in place."""
    from diffusers.models.attention import BasicTransformerBlock

    blocks: list[Any] = [module for module in unet.modules() if isinstance(module, BasicTransformerBlock)]
    for block in blocks:
        block.attn2 = block.norm2 = None
    unet.mid_block = None
    return unet


def without_memory(config: Mapping[str, Any]) -> Any:
    """The pruned UNet of a base's configuration on the meta device."""
    return prune(on_meta("unet", config))


def from_base(
    config: Mapping[str, Any], state: Mapping[str, Tensor], dtype: torch.dtype = torch.float32
) -> tuple[Any, dict[str, int]]:
    """A pruned UNet with the weights of a base.

    Args:
        config: of the base's UNet.
        state: its tensors by name.
        dtype: of the pruned UNet.

    Returns:
        (UNet, how many parameters of the base it has no place for: "cross-attention" and "mid block").

    Raises:
        InputError: tensors that are missing, of another shape, or of neither.
    """
    unet = without_memory(config)
    own = unet.state_dict()
    out: dict[str, dict[str, Tensor]] = {"cross-attention": {}, "mid block": {}}
    kept: dict[str, Tensor] = {}
    for name, tensor in state.items():
        out.get(_pruned(name), kept)[name] = tensor
    check_keys(own, kept, "the UNet of this base model")
    unet.load_state_dict({name: tensor.to(dtype, copy=True) for name, tensor in kept.items()}, assign=True)
    return unet, {what: sum(tensor.numel() for tensor in part.values()) for what, part in out.items()}


def _pruned(name: str) -> str:
    """Which part of a base a tensor is of that the pruned UNet has not; empty: it has it."""
    if name.startswith("mid_block."):
        return "mid block"
    crossing = ".attn2." in name or (".norm2." in name and ".transformer_blocks." in name)
    return "cross-attention" if crossing else ""
