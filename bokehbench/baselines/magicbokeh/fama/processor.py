"""FAMA inside a diffusers UNet: processors for the self-attentions of its up blocks, and what they see."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.checkpoint import checkpoint

from bokehbench.baselines.diffusion.grid import grid_of
from bokehbench.baselines.magicbokeh.fama.fast import attention_fast
from bokehbench.baselines.magicbokeh.fama.reference import attention_reference
from bokehbench.baselines.magicbokeh.fama.regions import Regions, regions_of
from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings
from bokehbench.errors import ConfigError

if TYPE_CHECKING:
    from diffusers.models.attention_processor import Attention


class Sight:
    """The condition of the pictures in work; all processors of a UNet share one.

    Attributes:
        settings: of FAMA.
        condition: [B, 1, H, W] at the size of the pictures, or None: nothing is masked.
    """

    def __init__(self, settings: FamaSettings) -> None:
        self.settings = settings
        self.condition: Tensor | None = None
        self._known: dict[int, Regions] = {}

    @contextmanager
    def seeing(self, condition: Tensor | None) -> Iterator[None]:
        """The UNet's calls inside are of pictures with this condition."""
        before = self.condition, self._known
        self.condition, self._known = condition, {}
        try:
            yield
        finally:
            self.condition, self._known = before

    def regions(self, tokens: int) -> Regions | None:
        """On the grid of a stage with so many tokens; None where nothing is masked."""
        if self.condition is None or not self.settings.masked:
            return None
        if tokens not in self._known:
            height, width = self.condition.shape[-2:]
            self._known[tokens] = regions_of(self.condition, grid_of((height, width), tokens))
        return self._known[tokens]

    def checkpoint(self, module: nn.Module, *arguments: Any) -> Any:
        """Gradient checkpointing of a block: what is computed again sees the same condition again."""
        condition = self.condition

        def contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
            return nullcontext(), self.seeing(condition)

        return checkpoint(module.__call__, *arguments, use_reentrant=False, context_fn=contexts)


class FamaProcessor(nn.Module):
    """Attention processor of diffusers with the bokeh LoRA of one attention (methods spec A3.3).

    B of the LoRA starts at zero: the released form then is the ordinary attention, the paper's a masked one.

    Args:
        channels: of the tokens.
        sight: what is in focus.
    """

    def __init__(self, channels: int, sight: Sight) -> None:
        super().__init__()
        self.sight = sight
        self.to_q_lora, self.to_k_lora, self.to_v_lora, self.to_out_lora = (
            _lora(channels, sight.settings.rank) for _ in range(4)
        )

    def forward(
        self,
        attn: Attention,
        hidden_states: Tensor,  # [B, N, channels]
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:  # [B, N, channels]
        """Self-attention of a stage's tokens; called by diffusers.

        Raises:
            ConfigError: tokens that are no grid of the condition; cross-attention or a mask of others.
        """
        if encoder_hidden_states is not None or attention_mask is not None:
            raise ConfigError("FAMA is a self-attention with a mask of its own")
        settings, seen = self.sight.settings, hidden_states
        plain = attn.to_q(seen), attn.to_k(seen), attn.to_v(seen)
        loras = self.to_q_lora, self.to_k_lora, self.to_v_lora
        shifted = [one + lora(seen) / settings.rank for one, lora in zip(plain, loras, strict=True)]
        regions = self.sight.regions(seen.shape[1])
        attend = attention_reference if settings.compute == "reference" else attention_fast
        query, key, value = _by_head(shifted, attn.heads)
        bokeh = _joined(attend(query, key, value, regions, settings.across))
        main = bokeh
        if settings.form == "released":
            main = _joined(scaled_dot_product_attention(*_by_head(plain, attn.heads)))
        out: Tensor = attn.to_out[1](attn.to_out[0](main))
        return out + self.to_out_lora(bokeh) / settings.rank


def install(unet: nn.Module, settings: FamaSettings, seed: int = 0) -> Sight:
    """Give FAMA to the self-attentions (`attn1`) of a UNet's up blocks.

    Args:
        unet: of diffusers.
        settings: form and rank.
        seed: of the LoRA's A; torch's global generator is left as it was.

    Returns:
        What its processors see.

    Raises:
        ConfigError: no up block has a self-attention.
    """
    inside: list[Any] = [
        module
        for name, module in unet.named_modules()
        if name.startswith("up_blocks.") and name.endswith(".attn1")
    ]
    if not inside:
        raise ConfigError("FAMA: the up blocks of this UNet have no self-attention (attn1)")
    sight, where = Sight(settings), next(unet.parameters())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for attention in inside:
            with torch.device(where.device):
                processor = FamaProcessor(attention.query_dim, sight)
            attention.set_processor(processor.to(where.dtype))
    return sight


def _lora(channels: int, rank: int) -> nn.Sequential:
    """A, of Kaiming's uniform values, and B, zero."""
    down, up = nn.Linear(channels, rank, bias=False), nn.Linear(rank, channels, bias=False)
    nn.init.kaiming_uniform_(down.weight, a=math.sqrt(5.0))
    nn.init.zeros_(up.weight)
    return nn.Sequential(down, up)


def _by_head(tokens: Any, heads: int) -> list[Tensor]:
    """[B, N, heads d] each -> [B, heads, N, d]."""
    return [one.unflatten(-1, (heads, -1)).transpose(1, 2) for one in tokens]


def _joined(mixed: Tensor) -> Tensor:
    """[B, heads, N, d] -> [B, N, heads d]."""
    return mixed.transpose(1, 2).flatten(2)
