"""ControlNet of the pruned UNet: what the defocus map adds to the skipping features (methods spec A3.3)."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

WIDTHS = (16, 32, 96, 256)
"""Channels of the embedding of the condition, full resolution first; each but the first halves it."""


class ControlNet(nn.Module):
    """A copy of a UNet's encoder that sees the defocus map, with convolutions that start at zero.

    Names are those of diffusers' ControlNetModel. There is no mid block to add to.

    Args:
        unet: pruned, without LoRA; its encoder is copied.
        widths: of the embedding of the condition; one less of them than the halvings from pixel to latent.
    """

    def __init__(self, unet: Any, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding

        config = unet.config
        self.time_proj = unet.time_proj
        self.conv_in, self.time_embedding, self.down_blocks = (
            copy.deepcopy(part) for part in (unet.conv_in, unet.time_embedding, unet.down_blocks)
        )
        first, *_ = channels = list(config.block_out_channels)
        skips = [first]
        for number, width in enumerate(channels):
            skips += [width] * (config.layers_per_block + (number < len(channels) - 1))
        where = self.conv_in.weight
        with torch.device(where.device):
            self.controlnet_cond_embedding = ControlNetConditioningEmbedding(first, 3, widths)
            self.controlnet_down_blocks = nn.ModuleList(_zero(width) for width in skips)
        self.controlnet_cond_embedding.to(where.dtype)
        self.controlnet_down_blocks.to(where.dtype)

    def forward(
        self,
        z: Tensor,  # [B, C, h, w]
        timestep: int,
        condition: Tensor,  # [B, 1, H, W] in [0, 1]
    ) -> list[Tensor]:
        """What is added to each feature that skips to the up blocks, the latent's resolution first."""
        dtype = self.conv_in.weight.dtype
        steps = torch.full((z.shape[0],), timestep, device=z.device)
        embedding = self.time_embedding(self.time_proj(steps).to(dtype))
        shown = (2.0 * condition - 1.0).expand(-1, 3, -1, -1)
        features = self.conv_in(z.to(dtype)) + self.controlnet_cond_embedding(shown.to(dtype))
        skips = [features]
        for block in self.down_blocks:
            features, made = block(hidden_states=features, temb=embedding)
            skips += made
        return [conv(skip) for conv, skip in zip(self.controlnet_down_blocks, skips, strict=True)]

    @property
    def silent(self) -> bool:
        """Whether it adds nothing yet: all its last convolutions are zero."""
        return not any(bool(tensor.any()) for tensor in self.controlnet_down_blocks.parameters())

    def take_encoder(self, unet: Any) -> None:
        """Become a copy of a UNet's encoder as it is now, its LoRA merged into the copy.

        Args:
            unet: of the same configuration, with peft's LoRA or without.
        """
        from peft.tuners.tuners_utils import BaseTunerLayer

        modules = dict(unet.named_modules())
        with torch.no_grad():
            for path, own in self.named_modules():
                if path.startswith("controlnet_") or not hasattr(own, "weight"):
                    continue
                theirs: Any = modules[path]
                weight = theirs.weight
                if isinstance(modules[path], BaseTunerLayer):
                    deltas = [
                        theirs.get_delta_weight(a) for a in theirs.active_adapters if a in theirs.lora_A
                    ]
                    weight = weight + sum(deltas)
                own.weight.copy_(weight)
                if theirs.bias is not None:
                    own.bias.copy_(theirs.bias)

    def enable_gradient_checkpointing(self, checkpoint: Any) -> None:
        """Compute blocks again in the backward pass instead of keeping them.

        Args:
            checkpoint: (module, *its arguments) -> its answer.
        """
        for module in self.modules():
            if hasattr(module, "gradient_checkpointing"):
                module._gradient_checkpointing_func = checkpoint  # type: ignore[assignment]
                module.gradient_checkpointing = True


def _zero(width: int) -> nn.Conv2d:
    conv = nn.Conv2d(width, width, 1)
    for parameter in conv.parameters():
        nn.init.zeros_(parameter)
    return conv
