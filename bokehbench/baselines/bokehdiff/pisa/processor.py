"""PISA inside a diffusers UNet: one attention processor for the self-attentions of a stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bokehbench.baselines.bokehdiff.pisa.attention import pisa
from bokehbench.baselines.bokehdiff.pisa.chance import generator_of
from bokehbench.baselines.bokehdiff.pisa.mask import INFERENCE, START, hardness_after
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.diffusion.grid import grid_of
from bokehbench.errors import ConfigError

if TYPE_CHECKING:
    from diffusers.models.attention_processor import Attention

STAGE = "down_blocks.1.attentions.0"
"""Where SDXL's UNet has PISA: the first transformer of its second stage."""


class PisaProcessor:
    """Attention processor of diffusers that computes PISA; several attentions may share one.

    An attention in training mode takes the schedule's hardness, which it advances, its own jitters each call,
    and dropout. In eval mode hardness is `mask.INFERENCE`, jitters are the same each time, and nothing drops.

    Attributes:
        settings: parts and sampling.
        scene: of the pictures in work; set by `seeing`.
        seed: of jitters and dropout while training.
        calls: of training so far; with `seed` all that makes a run go on as if it had not stopped.
    """

    def __init__(self, settings: PisaSettings | None = None, seed: int = 0) -> None:
        self.settings = settings or PisaSettings()
        self.scene: Scene | None = None
        self.seed = seed
        self.calls = 0

    @property
    def hardness(self) -> float:
        """Of the next call in training mode. To set it is to go on from there."""
        return hardness_after(self.calls)

    @hardness.setter
    def hardness(self, value: float) -> None:
        self.calls = max(0, round(value - START))

    @contextmanager
    def seeing(self, scene: Scene | None) -> Iterator[PisaProcessor]:
        """The UNet's calls inside are of these pictures."""
        before, self.scene = self.scene, scene
        try:
            yield self
        finally:
            self.scene = before

    def checkpoint(self, module: nn.Module, *arguments: Any) -> Any:
        """Gradient checkpointing for a UNet with PISA.

            unet.enable_gradient_checkpointing(gradient_checkpointing_func=processor.checkpoint)

        What is computed again in the backward pass sees the scene, the hardness and the random numbers of the
        first time, and does not count as a call.
        """
        scene, calls = self.scene, self.calls

        def contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
            return nullcontext(), self._again(scene, calls)

        return checkpoint(module.__call__, *arguments, use_reentrant=False, context_fn=contexts)

    @contextmanager
    def _again(self, scene: Scene | None, calls: int) -> Iterator[None]:
        now, self.calls = self.calls, calls
        try:
            with self.seeing(scene):
                yield
        finally:
            self.calls = now

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,  # [B, N, channels]
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:  # [B, N, channels]
        """Self-attention of a stage's tokens; called by diffusers.

        Raises:
            ConfigError: no scene is set; tokens that are no grid of its pictures; cross-attention or a mask.
        """
        if self.scene is None:
            raise ConfigError(
                "PISA: no scene; call the UNet inside `with processor.seeing(scene):`, and with gradient "
                "checkpointing give it gradient_checkpointing_func=processor.checkpoint"
            )
        if encoder_hidden_states is not None or attention_mask is not None:
            raise ConfigError("PISA is a self-attention without a mask; cross-attention keeps its processor")
        tokens = hidden_states.shape[1]
        settings, hardness, generator = replace(self.settings, dropout=0.0), INFERENCE, None
        if attn.training:
            settings, hardness = self.settings, self.hardness
            generator = generator_of(self.seed, self.calls)
            self.calls += 1

        def by_head(layer: nn.Module) -> Tensor:
            projected: Tensor = layer(hidden_states)
            return projected.unflatten(-1, (attn.heads, -1)).transpose(1, 2)

        query, key, value = by_head(attn.to_q), by_head(attn.to_k), by_head(attn.to_v)
        grid = grid_of(self.scene.size, tokens)
        mixed = pisa(query, key, value, self.scene, grid, settings, hardness, generator)
        out: Tensor = attn.to_out[1](attn.to_out[0](mixed.transpose(1, 2).flatten(2)))
        return out


def install(unet: nn.Module, block: str = STAGE, settings: PisaSettings | None = None) -> PisaProcessor:
    """Gives PISA to the self-attentions (`attn1`) of a stage; cross-attentions keep their processors.

    Args:
        unet: of diffusers, also with LoRA of peft.
        block: path of the stage within it.
        settings: None for those of inference.

    Returns:
        The one processor that they share.

    Raises:
        ConfigError: there is no such stage, or no self-attention in it.
    """
    stage = dict(unet.named_modules()).get(block)
    if stage is None:
        raise ConfigError(f"PISA: the UNet has no {block}")
    inside: list[Any] = [module for name, module in stage.named_modules() if name.split(".")[-1] == "attn1"]
    if not inside:
        raise ConfigError(f"PISA: {block} of the UNet has no self-attention (attn1)")
    processor = PisaProcessor(settings)
    for attention in inside:
        attention.set_processor(processor)
    return processor
