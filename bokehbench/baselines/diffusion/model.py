"""What a model of VAE, UNet and one explicit step is, whatever the UNet sees besides the latent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bokehbench.baselines.diffusion.states import check_keys
from bokehbench.errors import InputError


class OneStepModel(nn.Module):
    """A VAE and a UNet, and the way from picture to latent and back.

    Args:
        unet, vae: diffusers' UNet2DConditionModel and AutoencoderKL.
        name: of the method, for messages.
    """

    scaling: Tensor

    def __init__(self, unet: Any, vae: Any, name: str) -> None:
        super().__init__()
        self.unet, self.vae, self.name = unet, vae, name
        self.register_buffer("scaling", torch.tensor(float(vae.config.scaling_factor)))

    @property
    def latent_px(self) -> int:
        """Side of a latent's cell in pixels."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this many pixels: whole cells at every stage of the UNet."""
        return int(self.latent_px * 2 ** (len(self.unet.config.block_out_channels) - 1))

    def encode(
        self,
        image: Tensor,  # [B, 3, H, W] in [-1, 1]
    ) -> Tensor:  # [B, C, H / latent_px, W / latent_px], float32
        """The latent of a picture: the mode of the VAE's posterior, scaled to about unit variance."""
        mode: Tensor = self.vae.encode(image.to(self.vae.dtype)).latent_dist.mode()
        return mode.float() * self.scaling

    def decode(
        self,
        z0: Tensor,  # [B, C, h, w]
    ) -> Tensor:  # [B, 3, H, W]
        """The picture of a latent, in about [-1, 1], not clamped."""
        picture: Tensor = self.vae.decode((z0 / self.scaling).to(self.vae.dtype)).sample
        return picture.float()

    def check_size(self, image: Tensor) -> None:
        """InputError for a picture whose sides are no multiples of `multiple`."""
        height, width = image.shape[-2:]
        if height % self.multiple or width % self.multiple:
            raise InputError(
                f"a picture of {width}x{height}: {self.name}'s networks need sides that are multiples of "
                f"{self.multiple}; pad it (`pictures.padded`)"
            )

    def set_scaling(self, latents: Tensor) -> None:
        """Scale latents to unit variance from now on; `latents` as `encode` gives them, many pictures."""
        self.scaling.mul_(1.0 / latents.float().std().clamp_min(1e-6).to(self.scaling))

    def trained_state(self) -> dict[str, Tensor]:
        """Name -> tensor of exactly what training changes: what a checkpoint of ours holds."""
        return {name: tensor.detach() for name, tensor in self.state_dict().items()}

    def load_trained(self, state: Mapping[str, Tensor]) -> None:
        """Fill in what `trained_state` gives; every tensor has to be there, and none may be left over.

        Raises:
            InputError: tensors that are missing, left over, of another shape or not finite; names them.
        """
        own = self.trained_state()
        check_keys(own, state, f"weights of this {self.name}")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(state[name])
