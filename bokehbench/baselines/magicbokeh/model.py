"""MagicBokeh (Shi et al., CVPR 2026): restoration and bokeh in one step of diffusion (methods spec A3).

The full-size model and the compact one are the same class around networks of other sizes (`build.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from bokehbench.baselines.diffusion.model import OneStepModel
from bokehbench.baselines.diffusion.one_step import coefficients, copying_noise, one_step
from bokehbench.baselines.diffusion.states import without_adapter
from bokehbench.baselines.magicbokeh.control import ControlNet
from bokehbench.baselines.magicbokeh.fama.processor import Sight
from bokehbench.errors import ConfigError

PAPER_TIMESTEP = 999
"""T of the paper's one step."""
TILE_PX = 512
"""Side of the squares that the paper's model is trained on."""
CONDITION_UNIT_PX = 32.0
"""Blur radius that the condition has as 1, the largest that the paper's model is trained on; pixels."""
ENCODER = ("encoder.", "quant_conv.")
"""Of the VAE, what makes latents."""
PHASES = ("vae", "isr", "bokeh", "isr-alternate")
"""Of training, see `MagicBokeh.trained`."""


@dataclass(frozen=True)
class Layout:
    """Facts of a model besides its networks.

    Attributes:
        kind: "sd21" (trained by LoRA and ControlNet on a base) or "compact" (trained whole).
        timestep: T of the one step.
        tile_px: side of the square that it was trained on, and that large pictures are cut into.
        condition_unit_px: blur radius that the condition has as 1.
        copies: whether what the UNet says is what has to go from the latent itself, so that a UNet that says
            0 is the identity: what a model that is trained from nothing starts at. It is divided by the gain
            of the step (14.6) on its way into the noise, which nothing from nothing would be trained by.
    """

    kind: Literal["sd21", "compact"]
    timestep: int = PAPER_TIMESTEP
    tile_px: int = TILE_PX
    condition_unit_px: float = CONDITION_UNIT_PX
    copies: bool = False


class MagicBokeh(OneStepModel):
    """One forward pass from a low-quality picture, all in focus, to the restored picture with bokeh.

    Args:
        unet: diffusers' UNet2DConditionModel, pruned, FAMA installed; with the SR LoRA where `layout.kind` is
            "sd21".
        vae: diffusers' AutoencoderKL, with LoRA of its encoder in the same case.
        control: the ControlNet.
        sight: of FAMA's processors.
        layout: facts besides.
        origin: what it was made of, plain values, for the file of its weights: `build.py` says it.
        left_out: parameters of the base that were pruned, by part.
    """

    def __init__(
        self,
        unet: Any,
        vae: Any,
        control: ControlNet,
        sight: Sight,
        layout: Layout,
        origin: Mapping[str, Any],
        left_out: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(unet, vae, "MagicBokeh")
        self.control, self.sight, self.layout = control, sight, layout
        self.origin, self.left_out = origin, dict(left_out or {})

    @property
    def timestep(self) -> int:
        """T of the one step."""
        return self.layout.timestep

    @property
    def is_lora(self) -> bool:
        """Whether training changes LoRA and ControlNet on a base, not the UNet itself."""
        return self.layout.kind == "sd21"

    def seeing(self, condition: Tensor | None) -> AbstractContextManager[None]:
        """FAMA masks by this condition [B, 1, H, W] inside; None: it masks nothing."""
        return self.sight.seeing(condition)

    def noise(
        self,
        z: Tensor,  # [B, C, h, w]
        c: Tensor | None,  # [B, 1, H, W] in [0, 1]
    ) -> Tensor:  # [B, C, h, w], float32
        """What has to go from a latent for the restored picture, with bokeh, to be left.

        Args:
            z: as `encode` gives it.
            c: blur radius in units of `layout.condition_unit_px`, at the picture's size. None for restoration
                alone: the ControlNet is shown 0 everywhere, and attention is not masked.

        Raises:
            ConfigError: a condition of another size than the picture's.
        """
        size = z.shape[0], 1, self.latent_px * z.shape[-2], self.latent_px * z.shape[-1]
        if c is not None and c.shape != size:
            raise ConfigError(
                f"MagicBokeh: a condition of shape {tuple(c.shape)}, {size} is wanted: one channel at the "
                "picture's size"
            )
        shown = z.new_zeros(size) if c is None else c
        skips = middle = None
        # Nothing else asks for what a ControlNet adds that has not begun to learn: restoration goes first.
        if c is not None or self.control.conv_in.weight.requires_grad or not self.control.silent:
            skips = self.control(z, self.timestep, shown)
            # diffusers takes them for a ControlNet's only beside something for the mid block.
            middle = skips[-1].new_zeros(())
        with self.seeing(c):
            said = self.unet(
                z.to(self.unet.dtype),
                self.timestep,
                encoder_hidden_states=None,
                down_block_additional_residuals=skips,
                mid_block_additional_residual=middle,
            ).sample.float()
        if not self.layout.copies:
            return said
        return copying_noise(self.timestep) * z + said / coefficients(self.timestep)[1]

    def forward(self, lq: Tensor, c: Tensor | None = None) -> Tensor:
        """The restored picture, with bokeh: encode, noise, one step in float32, decode.

        Args:
            lq: [B, 3, H, W] in [-1, 1], at target size; H and W multiples of `multiple`.
            c: [B, 1, H, W] in [0, 1], see `noise`.

        Returns:
            [B, 3, H, W] in about [-1, 1], not clamped.

        Raises:
            InputError: a size that is no multiple.
            ConfigError: see `noise`.
        """
        self.check_size(lq)
        z = self.encode(lq)
        return self.decode(one_step(z, self.noise(z, c), self.timestep))

    def start_control(self) -> None:
        """Let the ControlNet begin as a copy of the UNet's encoder as it is now (after restoration)."""
        self.control.take_encoder(self.unet)

    def enable_gradient_checkpointing(self) -> None:
        """Compute blocks again in the backward pass, not keep them; FAMA sees its condition again."""
        self.unet.enable_gradient_checkpointing(gradient_checkpointing_func=self.sight.checkpoint)
        self.control.enable_gradient_checkpointing(self.sight.checkpoint)
        self.vae.enable_gradient_checkpointing()

    # What training changes

    def trained(self, phase: str) -> dict[str, nn.Parameter]:
        """What a phase of training changes (A3.6), by its name in the model.

        Args:
            phase: "vae", stage 0 of a compact model: its whole VAE. "isr", restoration: LoRA of VAE encoder
                and UNet with its whole `conv_in`; of a compact model VAE encoder and UNet. "bokeh":
                ControlNet and the LoRA inside FAMA. "isr-alternate", restoration in turn with bokeh: as "isr"
                without anything of the VAE.

        Raises:
            ConfigError: no such phase, or "vae" of a model on a base.
        """
        if phase not in PHASES or (phase == "vae" and self.is_lora):
            raise ConfigError(f"MagicBokeh: a model of kind {self.layout.kind} has no phase {phase!r}")
        return {name: p for name, p in self.named_parameters() if phase in self._phases(name)}

    def freeze(self, phase: str) -> None:
        """Let gradients reach what a phase trains, and nothing else."""
        trained = self.trained(phase)
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name in trained)

    def trained_state(self) -> dict[str, Tensor]:
        """Name -> tensor of exactly what training changes: what a checkpoint of ours holds.

        LoRA, `conv_in` and ControlNet for a model on a base, without the names of adapters; all tensors of a
        compact one.
        """
        if not self.is_lora:
            return super().trained_state()
        trained = {**self.trained("isr"), **self.trained("bokeh")}
        return {
            without_adapter(name).replace(".base_layer.", "."): parameter.detach()
            for name, parameter in trained.items()
        }

    def _phases(self, name: str) -> tuple[str, ...]:
        """The phases that change a parameter."""
        part, _, inside = name.partition(".")
        if part == "control" or ".processor." in inside:
            return ("bokeh",)
        if part == "unet":
            adapted = ".lora_" in inside or inside.startswith("conv_in.")
            return ("isr", "isr-alternate") if adapted or not self.is_lora else ()
        if self.is_lora:
            return ("isr",) if ".lora_" in inside else ()
        return ("vae", "isr") if inside.startswith(ENCODER) else ("vae",)
