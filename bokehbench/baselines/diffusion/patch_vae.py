"""The VAE of a compact model: diffusers' AutoencoderKL beside a fixed linear way around its networks.

The latent is the cosine transform of the picture's patches, without its weakest coefficients, plus what the
encoder adds; the picture is the inverse of that, plus what the decoder adds. Both start at adding nothing, so
that training begins with round trips of over 30 dB, which from random weights take hours of a core. The idea
of ways around whole stages that move space to channels: Chen et al., Deep Compression Autoencoder, ICLR 2025.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

COLOURS = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))
"""Lightness and two opponent colours, orthogonal."""
SHARES = 1.0, 1 / 3, 1 / 6
"""Standard deviations of the colours' coefficients over those of lightness, about, in two photographs."""
CONSTANT = 3.0
"""Standard deviation of lightness's constant coefficient of a 4 × 4 patch, of pictures in [-1, 1]."""
FALL = 5.0
"""How fast coefficients fall with frequency: as 1 / (1 + FALL (i² + j²))."""


def cosine_patches(side: int, channels: int) -> tuple[Tensor, Tensor]:
    """The strongest coefficients of the orthonormal cosine transform of RGB patches.

    Args:
        side: of a patch, pixels.
        channels: how many of the 3 side² coefficients are kept; those beyond are 0.

    Returns:
        [channels, 3, side, side], the kernels, strongest first; [channels], their standard deviations in
        photographs, about, by which a latent is divided.
    """
    place = torch.arange(side, dtype=torch.float64)
    waves = torch.cos(math.pi * place[:, None] * (2 * place[None] + 1) / (2 * side)) * math.sqrt(2 / side)
    waves[0] /= math.sqrt(2)
    entries = []
    for colour, share in zip(COLOURS, SHARES, strict=True):
        mix = torch.tensor(colour, dtype=torch.float64)
        for i in range(side):
            for j in range(side):
                kernel = (mix / mix.norm())[:, None, None] * waves[i][:, None] * waves[j]
                entries.append((CONSTANT * share / (1.0 + FALL * (i * i + j * j)), kernel))
    entries.sort(key=lambda entry: -entry[0])
    kernels, deviations = torch.zeros(channels, 3, side, side), torch.ones(channels)
    for index, (deviation, kernel) in enumerate(entries[:channels]):
        kernels[index], deviations[index] = kernel.float(), deviation
    return kernels, deviations


BASE: Any = AutoencoderKL  # diffusers has no types


class PatchVAE(BASE):  # type: ignore[misc]
    """AutoencoderKL whose encoder and decoder say what differs from the cosine transform of patches.

    Args:
        others: of AutoencoderKL; the two 1 × 1 convolutions around the latent are left out, which would mix
            what the linear way keeps apart.
    """

    def __init__(self, **others: Any) -> None:
        super().__init__(**others, use_quant_conv=False, use_post_quant_conv=False)
        channels = self.config.latent_channels
        kernels, deviations = cosine_patches(2 ** (len(self.config.block_out_channels) - 1), channels)
        self.encoder.register_forward_hook(self._around_encoder)
        self.decoder.register_forward_hook(self._around_decoder)
        # Known from the sizes and the law above, so in no file: who changes the law changes what files mean,
        # and gives the methods that have such files another version.
        scale = deviations[:, None, None, None]
        self.register_buffer("analysis", kernels / scale, persistent=False)
        self.register_buffer("synthesis", kernels * scale, persistent=False)
        with torch.no_grad():
            for last in (self.encoder.conv_out, self.decoder.conv_out):
                last.weight.zero_()
                last.bias.zero_()

    @classmethod
    def from_config(cls, *config: Any, **others: Any) -> PatchVAE:
        """Refused: diffusers would leave out the sizes, which its bookkeeping does not see here."""
        raise NotImplementedError("PatchVAE(**CompactConfig.vae()) makes one")

    def start_noise(self, noise: float) -> None:
        """Set the posterior's standard deviation before training, in units of a latent."""
        with torch.no_grad():
            self.encoder.conv_out.bias[self.config.latent_channels :] = 2.0 * math.log(noise)

    def _around_encoder(self, module: Any, seen: tuple[Tensor, ...], moments: Tensor) -> Tensor:
        picture = seen[0]  # [B, 3, H, W]
        with torch.autocast(picture.device.type, enabled=False):
            mean = functional.conv2d(picture.to(self.analysis), self.analysis, stride=self.analysis.shape[-1])
            return moments.to(mean) + functional.pad(mean, (0, 0, 0, 0, 0, mean.shape[1]))

    def _around_decoder(self, module: Any, seen: tuple[Tensor, ...], made: Tensor) -> Tensor:
        latent = seen[0]  # [B, C, h, w]
        with torch.autocast(latent.device.type, enabled=False):
            side = self.synthesis.shape[-1]
            picture = functional.conv_transpose2d(latent.to(self.synthesis), self.synthesis, stride=side)
            return made.to(picture) + picture
