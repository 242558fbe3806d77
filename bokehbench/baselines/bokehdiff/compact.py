"""The architecture of `bokehdiff-compact`: BokehDiff's modules at a size that trains from nothing.

The same UNet2DConditionModel, PISA stage and one step as the full-size model. What is other, and why:
- the VAE shrinks by 4, not 8, to 16 channels (a third of the picture's values), has convolutions alone, and
  says what differs from the cosine transform of patches (`diffusion/patch_vae.py`): its round trip bounds
  every score, and it has to be learnt in minutes;
- a token of PISA is 8 pixels. Its mask cannot tell radii below half a token's side apart, so the UNet also
  sees disparity and radius as two channels beside the latent;
- there is no prior to keep: what the UNet says is added to the noise that copies the picture, and its last
  layer starts at 0, so that training starts at the VAE's round trip;
- no text encoder: four constant vectors stand where the prompt's embedding stands.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bokehbench.baselines.diffusion.networks import config_from_json
from bokehbench.errors import ConfigError

PROMPT_TOKENS = 4


@dataclass(frozen=True)
class CompactConfig:
    """Sizes of the compact model.

    Attributes:
        vae_channels: of the VAE's stages, full resolution first; each stage but the first halves it.
        latent_channels: of the latent.
        unet_channels: of the UNet's stages, the latent's resolution first.
        blocks: transformer blocks of the PISA stage.
        head_width: channels of an attention head.
        prompt_width: of the constants in place of the prompt.
        time_width: of the embedding of the (constant) timestep.
        groups: of group normalisation, in both networks.
        scene_channels, copies, timestep, tile_px: see `model.Layout`.
    """

    vae_channels: tuple[int, ...] = (16, 32, 64)
    latent_channels: int = 16
    unet_channels: tuple[int, ...] = (48, 64, 96)
    blocks: int = 1
    head_width: int = 32
    prompt_width: int = 32
    time_width: int = 32
    groups: int = 8
    scene_channels: bool = True
    copies: bool = True
    timestep: int = 499
    tile_px: int = 256

    def __post_init__(self) -> None:
        for name in ("latent_channels", "blocks", "head_width", "prompt_width", "time_width", "groups"):
            if getattr(self, name) < 1:
                raise ConfigError(f"bokehdiff-compact: {name} must be at least 1, not {getattr(self, name)}")
        for name in ("vae_channels", "unet_channels"):
            widths = tuple(int(width) for width in getattr(self, name))
            object.__setattr__(self, name, widths)
            if len(widths) < 2 or any(width < 1 or width % self.groups for width in widths):
                raise ConfigError(
                    f"bokehdiff-compact: {name} must be at least 2 multiples of {self.groups}, not {widths}"
                )
        if self.unet_channels[1] % self.head_width:
            raise ConfigError(
                f"bokehdiff-compact: head_width {self.head_width} must divide {self.unet_channels[1]}"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values, inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> CompactConfig:
        """Inverse of `to_json`; ConfigError for a field that there is not, or of another kind."""
        return config_from_json(cls, values, "bokehdiff-compact")

    def vae(self) -> dict[str, Any]:
        """Configuration of the VAE, `diffusion.patch_vae.PatchVAE`."""
        stages = len(self.vae_channels)
        return {
            "block_out_channels": self.vae_channels,
            "down_block_types": ("DownEncoderBlock2D",) * stages,
            "up_block_types": ("UpDecoderBlock2D",) * stages,
            "latent_channels": self.latent_channels,
            "layers_per_block": 1,
            "norm_num_groups": self.groups,
            "sample_size": 1024,
            "scaling_factor": 1.0,
            "mid_block_add_attention": False,
        }

    def unet(self) -> dict[str, Any]:
        """Configuration of diffusers' UNet2DConditionModel: attention in the PISA stage alone."""
        stages = len(self.unet_channels)
        down = ["DownBlock2D"] * stages
        down[1] = "CrossAttnDownBlock2D"
        return {
            "in_channels": self.latent_channels + 2 * self.scene_channels,
            "out_channels": self.latent_channels,
            "block_out_channels": self.unet_channels,
            "down_block_types": tuple(down),
            "mid_block_type": "UNetMidBlock2D",
            "up_block_types": ("UpBlock2D",) * stages,
            "layers_per_block": 1,
            "transformer_layers_per_block": self.blocks,
            # diffusers' name for the number of heads, not their width.
            "attention_head_dim": tuple(max(1, width // self.head_width) for width in self.unet_channels),
            "cross_attention_dim": self.prompt_width,
            "use_linear_projection": True,
            "time_embedding_dim": self.time_width,
            "norm_num_groups": self.groups,
        }
