"""BokehDiff (Zhu et al., ICCV 2025): VAE, UNet with PISA, one explicit step (methods spec A2).

The full-size model and the compact one are the same class around networks of other sizes (`build.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from bokehbench.baselines.diffusion.model import OneStepModel
from bokehbench.baselines.diffusion.one_step import copying_noise, one_step
from bokehbench.baselines.diffusion.states import without_adapter

if TYPE_CHECKING:
    from bokehbench.baselines.bokehdiff.pisa.processor import PisaProcessor
    from bokehbench.baselines.bokehdiff.pisa.scene import Scene

PAPER_TIMESTEP = 499
"""T of the paper's one step."""
PISA_BLOCK = "down_blocks.1.attentions.0"
"""The stage of the UNet whose self-attention is PISA: after the first of its downsamplings."""
TRAINED_VAE = ("encoder.conv_in.", "encoder.mid_block.", "encoder.conv_out.")
"""What of the VAE is trained together with the UNet; the decoder never is (A2.3)."""
RADIUS_UNIT = 10.0
"""Pixels of blur radius that a UNet with scene channels sees as 1."""
TILE_PX = 512
"""Side of the squares that the paper's model is trained on."""
Stage = Literal["vae", "denoiser"]


@dataclass(frozen=True)
class Layout:
    """Facts of a model besides its networks.

    Attributes:
        kind: "sdxl" (trained by LoRA on a base) or "compact" (trained whole).
        timestep: T of the one step.
        tile_px: side of the square that it was trained on, and that large pictures are cut into.
        scene_channels: whether the UNet sees disparity and radius as two more channels beside the latent.
        copies: whether what the UNet says is added to the noise that leaves the picture as it is. A UNet
            that says 0 then is the identity: what a model that is trained from nothing starts at.
    """

    kind: Literal["sdxl", "compact"]
    timestep: int = PAPER_TIMESTEP
    tile_px: int = TILE_PX
    scene_channels: bool = False
    copies: bool = False


class BokehDiff(OneStepModel):
    """One forward pass from the all-in-focus picture to the picture with bokeh.

    Args:
        unet: diffusers' UNet2DConditionModel, PISA installed; with LoRA where `layout.kind` is "sdxl".
        vae: diffusers' AutoencoderKL.
        prompt_embeds: [1, T, D], the text embedding of the one prompt, or a constant in its place.
        pooled: [1, P], its pooled embedding; None for a UNet that takes none.
        processor: the one PISA processor of the UNet's stage.
        layout: facts besides.
        origin: what it was made of, plain values, for the file of its weights: `build.py` says it.
    """

    prompt_embeds: Tensor
    pooled: Tensor

    def __init__(
        self,
        unet: Any,
        vae: Any,
        prompt_embeds: Tensor,
        pooled: Tensor | None,
        processor: PisaProcessor,
        layout: Layout,
        origin: Mapping[str, Any],
    ) -> None:
        super().__init__(unet, vae, "BokehDiff")
        self.processor, self.layout, self.origin = processor, layout, origin
        self.register_buffer("prompt_embeds", prompt_embeds.detach().float())
        self.register_buffer("pooled", (pooled if pooled is not None else torch.zeros(1, 0)).detach().float())

    @property
    def timestep(self) -> int:
        """T of the one step."""
        return self.layout.timestep

    @property
    def token_px(self) -> int:
        """Side of a token of PISA in pixels."""
        return 2 * self.latent_px

    @property
    def is_lora(self) -> bool:
        """Whether training changes a LoRA on a base, not the UNet itself."""
        return self.layout.kind == "sdxl"

    def noise(
        self,
        z: Tensor,  # [B, C, h, w]
        scene: Scene,
        size_ids: Tensor | None = None,  # [B, 6] or [1, 6]
    ) -> Tensor:  # [B, C, h, w], float32
        """What has to go from a latent for bokeh to be left.

        Args:
            z: as `encode` gives it.
            scene: disparity and blur radius at the picture's size.
            size_ids: (original height, width, crop top, left, target height, width), SDXL's size
                conditioning; None: the picture is whole. A UNet without it ignores them.
        """
        dtype, batch = self.unet.dtype, z.shape[0]
        seen = torch.cat([z, self._planes(scene, z)], dim=1) if self.layout.scene_channels else z
        with self.processor.seeing(scene):
            answer: Tensor = self.unet(
                seen.to(dtype),
                self.timestep,
                encoder_hidden_states=self.prompt_embeds.to(dtype).expand(batch, -1, -1),
                added_cond_kwargs=self._sizes(z, size_ids, dtype),
            ).sample
        noise = answer.float()
        return noise + copying_noise(self.timestep) * z if self.layout.copies else noise

    def forward(self, image: Tensor, scene: Scene, size_ids: Tensor | None = None) -> Tensor:
        """The picture with bokeh: encode, noise, one step, decode.

        Args:
            image: [B, 3, H, W] in [-1, 1], all in focus; H and W multiples of `multiple`.
            scene, size_ids: see `noise`.

        Returns:
            [B, 3, H, W] in about [-1, 1], not clamped.

        Raises:
            InputError: a size that is no multiple.
        """
        self.check_size(image)
        z = self.encode(image)
        return self.decode(one_step(z, self.noise(z, scene, size_ids), self.timestep))

    def enable_gradient_checkpointing(self) -> None:
        """Compute blocks again in the backward pass instead of keeping them; PISA sees its scene again."""
        self.unet.enable_gradient_checkpointing(gradient_checkpointing_func=self.processor.checkpoint)
        self.vae.enable_gradient_checkpointing()

    # What training changes

    def trained_unet(self) -> dict[str, nn.Parameter]:
        """Of the UNet: the LoRA's matrices, or everything where there is no base. Names as in `unet`."""
        parameters = dict(self.unet.named_parameters())
        return {n: p for n, p in parameters.items() if ".lora_" in n} if self.is_lora else parameters

    def trained_vae(self) -> dict[str, nn.Parameter]:
        """Of the VAE, together with the UNet: the encoder's ends (A2.3). Names as in `vae`."""
        return {n: p for n, p in self.vae.named_parameters() if n.startswith(TRAINED_VAE)}

    def freeze(self, stage: Stage = "denoiser") -> None:
        """Let gradients reach what a stage trains, and nothing else.

        Args:
            stage: "vae", stage 0 of the compact model: the whole VAE; "denoiser": `trained_unet` and
                `trained_vae`.
        """
        self.requires_grad_(False)
        trained: list[nn.Parameter] = (
            list(self.vae.parameters())
            if stage == "vae"
            else [*self.trained_unet().values(), *self.trained_vae().values()]
        )
        for parameter in trained:
            parameter.requires_grad_(True)

    def trained_state(self) -> dict[str, Tensor]:
        """Name -> tensor of exactly what training changes: what a checkpoint of ours holds.

        LoRA and the encoder's ends for a model on a base; all tensors of a compact one.
        """
        if not self.is_lora:
            return super().trained_state()
        unet = {without_adapter(f"unet.{n}"): p.detach() for n, p in self.trained_unet().items()}
        return unet | {f"vae.{n}": p.detach() for n, p in self.trained_vae().items()}

    # Details

    def _planes(self, scene: Scene, z: Tensor) -> Tensor:
        """[B, 2, h, w]: disparity in [-1, 1] and radius in `RADIUS_UNIT`, means over a latent's cells."""
        planes = torch.cat([2.0 * scene.disparity - 1.0, scene.radius / RADIUS_UNIT], dim=1)
        return functional.adaptive_avg_pool2d(planes.to(z), z.shape[-2:])

    def _sizes(self, z: Tensor, size_ids: Tensor | None, dtype: torch.dtype) -> dict[str, Tensor] | None:
        """SDXL's added conditioning; None for a UNet without it."""
        if self.unet.config.addition_embed_type != "text_time":
            return None
        batch = z.shape[0]
        if size_ids is None:
            side = [self.latent_px * z.shape[-2], self.latent_px * z.shape[-1]]
            size_ids = torch.tensor([[*side, 0, 0, *side]])
        return {
            "text_embeds": self.pooled.to(dtype).expand(batch, -1),
            # In bf16 a place of 1100 px would be rounded to 1104.
            "time_ids": size_ids.to(z.device, torch.float32).expand(batch, -1),
        }
