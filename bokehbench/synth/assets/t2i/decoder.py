"""The transparent decoder of LayerDiffuse (Zhang and Agrawala 2024): from a picture and its latent to RGBA.

A UNet without time embedding. It sees the VAE's decoded picture (the object over neutral grey) and, at an
eighth of the resolution, the latent itself, in which the diffusion model has hidden the transparency.
Names of modules are those of the published file, so that its 538 tensors load as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

import torch
from diffusers.models.unets.unet_2d_blocks import UNetMidBlock2D, get_down_block, get_up_block
from torch import Tensor, nn

from bokehbench.errors import ConfigError, InputError

WIDTHS = (32, 32, 64, 128, 256, 512, 512)
LATENT_LEVEL = 3
"""The latent is added before this down block: three halvings, an eighth of the resolution."""
MULTIPLE = 64
"""Six halvings: both sides must be multiples of this."""
TTA = (8, 4, 1)
GROUPS, HEAD, EPS = 4, 8, 1e-5


class TransparentDecoder(nn.Module):
    """(picture [B, 3, H, W] in [0, 1], latent [B, 4, H/8, W/8]) -> [B, 4, H, W], alpha first, then RGB.

    Args:
        widths: channels of the seven levels; the last three attend.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        if len(widths) != len(WIDTHS):
            raise ConfigError(f"a transparent decoder has {len(WIDTHS)} levels, not {len(widths)}")
        last = len(widths) - 1
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.latent_conv_in = nn.Conv2d(4, widths[LATENT_LEVEL - 1], 1)
        self.down_blocks = nn.ModuleList(
            get_down_block(
                "AttnDownBlock2D" if level > LATENT_LEVEL else "DownBlock2D",
                num_layers=2,
                in_channels=wide_in,
                out_channels=wide,
                add_downsample=level < last,
                downsample_padding=1,
                **_common(),
            )
            for level, (wide_in, wide) in enumerate(pairwise((widths[0], *widths)))
        )
        self.mid_block = UNetMidBlock2D(
            in_channels=widths[-1],
            temb_channels=None,  # type: ignore[arg-type]
            resnet_eps=EPS,
            resnet_act_fn="silu",
            attention_head_dim=HEAD,
            resnet_groups=GROUPS,
            attn_groups=None,
            add_attention=True,
        )
        falling = tuple(reversed(widths))
        self.up_blocks = nn.ModuleList(
            get_up_block(
                "AttnUpBlock2D" if level < last - LATENT_LEVEL else "UpBlock2D",
                num_layers=3,
                in_channels=falling[min(level + 1, last)],
                out_channels=falling[level],
                prev_output_channel=falling[max(level - 1, 0)],
                add_upsample=level < last,
                **_common(),
            )
            for level in range(len(widths))
        )
        self.conv_norm_out = nn.GroupNorm(GROUPS, widths[0], eps=EPS)
        self.conv_act = nn.SiLU()
        self.conv_out = nn.Conv2d(widths[0], 4, 3, padding=1)

    def forward(self, picture: Tensor, latent: Tensor) -> Tensor:
        """One pass; see the class."""
        hidden = self.conv_in(picture)
        skips: tuple[Tensor, ...] = (hidden,)
        for level, block in enumerate(self.down_blocks):
            if level == LATENT_LEVEL:
                hidden = hidden + self.latent_conv_in(latent)
            hidden, kept = block(hidden_states=hidden, temb=None)
            skips += kept
        hidden = self.mid_block(hidden, None)
        for block in self.up_blocks:
            count = len(block.resnets)
            hidden = block(hidden, skips[-count:], None)
            skips = skips[:-count]
        return self.conv_out(self.conv_act(self.conv_norm_out(hidden)))

    @classmethod
    def from_state(cls, state: dict[str, Tensor], where: str) -> TransparentDecoder:
        """A decoder with these tensors; its widths are read off them. InputError where a name is amiss."""
        try:
            down = sum(
                1 for key in state if key.endswith("resnets.0.conv1.weight") and key.startswith("down")
            )
            widths = [state[f"down_blocks.{i}.resnets.0.conv1.weight"].shape[0] for i in range(down)]
            with torch.device("meta"):
                made = cls(widths)
        except (KeyError, ConfigError) as error:
            raise InputError(f"{where}: is no transparent decoder of LayerDiffuse ({error})") from error
        wanted = made.state_dict()
        amiss = sorted(set(wanted) ^ set(state)) or sorted(
            key for key in wanted if wanted[key].shape != state[key].shape
        )
        if amiss:
            raise InputError(
                f"{where}: is no transparent decoder of LayerDiffuse: {len(amiss)} tensors are missing, "
                f"unknown or of another shape, first {amiss[0]}"
            )
        made.load_state_dict(state, assign=True)
        return made.eval().requires_grad_(False)


def _common() -> dict[str, Any]:
    return {
        "temb_channels": None,
        "resnet_eps": EPS,
        "resnet_act_fn": "silu",
        "resnet_groups": GROUPS,
        "attention_head_dim": HEAD,
    }


@torch.no_grad()
def decode_rgba(decoder: TransparentDecoder, picture: Tensor, latent: Tensor, tta: int = 8) -> Tensor:
    """Straight RGBA [B, 4, H, W] in [0, 1], alpha last.

    Args:
        decoder: the network.
        picture: [B, 3, H, W] in [0, 1].
        latent: [B, 4, H/8, W/8], divided by the VAE's scaling factor.
        tta: passes over the turned (4) and mirrored (8) picture, of which each pixel's median is taken.

    Raises:
        ConfigError: a side that is no multiple of 64, or another tta.
    """
    check_size(picture.shape[-1], picture.shape[-2])
    if tta not in TTA:
        raise ConfigError(f"--tta must be 8, 4 or 1, not {tta}")
    turns, mirrors = range(4 if tta > 1 else 1), (False, True) if tta == 8 else (False,)
    views = [
        _back(decoder(_view(picture, *view), _view(latent, *view)), *view) for view in product(turns, mirrors)
    ]
    # numpy's kind of median: the mean of the two in the middle.
    ordered = torch.stack([view.float() for view in views]).sort(dim=0).values
    middle = ordered[(len(views) - 1) // 2].add(ordered[len(views) // 2]).div(2).clamp(0.0, 1.0)
    return torch.cat([middle[:, 1:], middle[:, :1]], dim=1)


def _view(image: Tensor, turn: int, mirror: bool) -> Tensor:
    turned = torch.rot90(image, turn, dims=(-2, -1))
    return turned.flip(-1) if mirror else turned


def _back(image: Tensor, turn: int, mirror: bool) -> Tensor:
    return torch.rot90(image.flip(-1) if mirror else image, -turn, dims=(-2, -1))


def check_size(width: int, height: int) -> None:
    """ConfigError where the sizes are not multiples of 64."""
    if width % MULTIPLE or height % MULTIPLE or min(width, height) < MULTIPLE:
        raise ConfigError(f"--size must be multiples of {MULTIPLE}, not {width}x{height}")
