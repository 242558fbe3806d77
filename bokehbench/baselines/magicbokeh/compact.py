"""The architecture of `magicbokeh-compact`: MagicBokeh's modules at a size that trains from nothing.

The same pruned UNet, ControlNet, FAMA in the up blocks and one step at T = 999 as the full-size model. What
is other, and why:
- the VAE shrinks by 4, not 8, to 16 channels (a third of the picture's values), has convolutions alone, and
  says what differs from the cosine transform of patches (`diffusion/patch_vae.py`): its round trip bounds
  every score, and it has to be learnt in minutes;
- attention is in the stages between the first and the last one, where a token is 8 pixels: cheap, and fine
  enough for the borders of what is in focus;
- patches are 256 pixels, half of the paper's, and so is the largest radius that it learns, 16 pixels;
- there is no base to adapt: restoration trains encoder and UNet whole, where the full-size model has LoRA;
- what the UNet says is taken from the latent, and its last layer starts at 0, so that training starts at the
  VAE's round trip.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bokehbench.baselines.diffusion.networks import config_from_json
from bokehbench.baselines.diffusion.one_step import alpha_bar
from bokehbench.errors import ConfigError

WHAT = "magicbokeh-compact"


@dataclass(frozen=True)
class CompactConfig:
    """Sizes of the compact model.

    Attributes:
        vae_channels: of the VAE's stages, full resolution first; each stage but the first halves it.
        latent_channels: of the latent.
        unet_channels: of the UNet's stages, the latent's resolution first; at least 3.
        condition_channels: of the embedding of the condition, as many stages as the VAE has.
        layers: residual blocks of a stage.
        head_width: channels of an attention head.
        time_width: of the embedding of the (constant) timestep.
        groups: of group normalisation, in all networks.
        timestep, tile_px: see `model.Layout`.
        condition_unit_px: see there; the largest radius in what it is trained on.
    """

    vae_channels: tuple[int, ...] = (16, 32, 64)
    latent_channels: int = 16
    unet_channels: tuple[int, ...] = (40, 64, 80)
    condition_channels: tuple[int, ...] = (8, 16, 32)
    layers: int = 1
    head_width: int = 32
    time_width: int = 32
    groups: int = 8
    timestep: int = 999
    tile_px: int = 256
    condition_unit_px: float = 16.0

    def __post_init__(self) -> None:
        for name in ("latent_channels", "layers", "head_width", "time_width", "groups", "tile_px"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{WHAT}: {name} must be at least 1, not {getattr(self, name)}")
        if not 0.0 < self.condition_unit_px < math.inf:
            raise ConfigError(f"{WHAT}: condition_unit_px must be above 0, not {self.condition_unit_px}")
        alpha_bar(self.timestep)
        for name, stages, unit in (
            ("vae_channels", 2, self.groups),
            ("unet_channels", 3, self.groups),
            ("condition_channels", 2, 1),
        ):
            widths = tuple(int(width) for width in getattr(self, name))
            object.__setattr__(self, name, widths)
            if len(widths) < stages or any(width < 1 or width % unit for width in widths):
                raise ConfigError(
                    f"{WHAT}: {name} must be at least {stages} multiples of {unit}, not {widths}"
                )
        if len(self.condition_channels) != len(self.vae_channels):
            raise ConfigError(f"{WHAT}: condition_channels must have as many stages as vae_channels")
        if any(width % self.head_width for width in self.unet_channels[1:-1]):
            raise ConfigError(f"{WHAT}: head_width {self.head_width} must divide {self.unet_channels[1:-1]}")

    def to_json(self) -> dict[str, Any]:
        """Plain values, inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CompactConfig:
        """Inverse of `to_json`; ConfigError for a field that there is not, or of another kind."""
        return config_from_json(cls, values, WHAT)

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
        """Configuration of diffusers' UNet2DConditionModel before it is pruned."""
        between = len(self.unet_channels) - 2
        return {
            "in_channels": self.latent_channels,
            "out_channels": self.latent_channels,
            "block_out_channels": self.unet_channels,
            "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * between, "DownBlock2D"),
            "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * between, "UpBlock2D"),
            "mid_block_type": None,
            "layers_per_block": self.layers,
            # diffusers' name for the number of heads, not their width.
            "attention_head_dim": tuple(max(1, width // self.head_width) for width in self.unet_channels),
            "cross_attention_dim": self.head_width,
            "use_linear_projection": True,
            "time_embedding_dim": self.time_width,
            "norm_num_groups": self.groups,
        }
