"""BokehMe's neural renderer: small blur first, then up to full size in steps (methods spec A1.7).

ARNet knows radii up to its unit of 10 pixels. A picture with larger blur is shrunk until its largest radius
is one unit, rendered, and brought back by IUNet, which sees the sharp image of each size and a defocus map
clamped to the unit: it draws what is nearly in focus, and what is blurred further is taken from the enlarged
coarse rendering.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from bokehbench.baselines.bokehme.networks import TILE, ARNet, IUNet, resize
from bokehbench.errors import ConfigError

UNIT = 10.0
"""Pixels of signed defocus that the networks see as 1, in training and afterwards."""
HUGE = 1e5
"""Bound of the networks' unbounded renderings."""


@dataclass(frozen=True)
class Upsampling:
    """How the coarse rendering gets back to full size; the defaults are the paper's, the others its Table 3.

    Attributes:
        network: by IUNet; else bilinear (B1).
        clamp: IUNet's defocus to the unit (without it: B2).
        fuse: what says where IUNet's result replaces the enlarged one: nothing, so everywhere (B3), the
            signed defocus (B4), or the dilated one, which keeps clear of blur that reaches into sharp
            surroundings (B5).
        always: a pass of IUNet comes last even where the picture has its full size already, as in the
            released code; it sees that picture shrunk to half.
    """

    network: bool = True
    clamp: bool = True
    fuse: Literal["none", "signed", "dilated"] = "dilated"
    always: bool = False

    def __post_init__(self) -> None:
        if self.fuse not in ("none", "signed", "dilated"):
            raise ConfigError(f"fuse must be none, signed or dilated, not {self.fuse!r}")


VARIANTS = {
    "B1": Upsampling(network=False),
    "B2": Upsampling(clamp=False, fuse="none"),
    "B3": Upsampling(fuse="none"),
    "B4": Upsampling(fuse="signed"),
    "B5": Upsampling(),
}
"""Table 3 of the paper."""


def scale_of(defocus: Tensor) -> float:
    """By how much a picture with this signed defocus (pixels, any shape) is shrunk for ARNet, >= 1."""
    largest = float(defocus.abs().max()) if defocus.numel() else 0.0
    return max(1.0, largest / UNIT)


def sizes(height: int, width: int, scale: float, always: bool = False) -> list[tuple[int, int]]:
    """(height, width) of IUNet's passes, doubled from ARNet's size up; `always`: see `Upsampling`."""
    ratios = [2.0**step / scale for step in range(int(math.log2(scale)) + 1)]
    first, *others = [(max(2, int(r * height)), max(2, int(r * width))) for r in ratios]
    reached = others[-1] if others else first
    return others if reached == (height, width) and not always else [*others, (height, width)]


class NeuralRenderer(nn.Module):
    """ARNet and IUNet together: `bokehme-nr`, and what `bokehme` fuses with scattering."""

    def __init__(self, upsampling: Upsampling | None = None) -> None:
        super().__init__()
        self.arnet, self.iunet = ARNet(), IUNet()
        self.upsampling = upsampling or Upsampling()

    def forward(
        self,
        image: Tensor,
        defocus: Tensor,
        dilated: Tensor,
        gamma: Tensor,
        scale: float | None = None,
        tile: int = TILE,
    ) -> tuple[Tensor, Tensor]:
        """Render as at inference.

        Args:
            image: [B, 3, H, W] encoded.
            defocus: [B, 1, H, W] signed, pixels.
            dilated: [B, 1, H, W], `scatter.kernel.dilate_defocus` of it.
            gamma: [B], 1 to 5.
            scale: by how much ARNet's picture is smaller; None: as the largest blur of the batch asks for.
            tile: see `networks.tiled`.

        Returns:
            bokeh image [B, 3, H, W], encoded, >= 0; error map [B, 1, H, W] in [0, 1].
        """
        scale = scale_of(defocus) if scale is None else scale
        height, width = image.shape[-2:]
        coarse, error = self.coarse(image, defocus, gamma, scale, tile)
        always = self.upsampling.always
        steps = sizes(height, width, scale, always) if self.upsampling.network else []
        for size in steps:
            coarse = self.refine(image, defocus, dilated, coarse, gamma, size, tile=tile)
        return resize(coarse, (height, width)), resize(error, (height, width))

    def coarse(
        self, image: Tensor, defocus: Tensor, gamma: Tensor, scale: float, tile: int = TILE
    ) -> tuple[Tensor, Tensor]:
        """ARNet's rendering and error map, both 1/scale of the size given; arguments as `forward`."""
        height, width = image.shape[-2:]
        size = max(2, int(height / scale)), max(2, int(width / scale))
        small = resize(defocus, size) / (UNIT * scale)
        bokeh, error = self.arnet(resize(image, size), small, gamma, tile)
        return bokeh.clamp(0.0, HUGE), error

    def refine(
        self,
        image: Tensor,
        defocus: Tensor,
        dilated: Tensor,
        coarse: Tensor,
        gamma: Tensor,
        size: tuple[int, int],
        reach: float = 1.0,
        tile: int = TILE,
        bounded: bool = True,
    ) -> Tensor:
        """One pass of IUNet.

        Args:
            image, defocus, dilated, gamma: of the full size, as `forward`.
            coarse: [B, 3, h, w], the rendering so far.
            size: (height, width) of this pass.
            reach: units to which IUNet's defocus is clamped; 1.2 in training.
            tile: see `networks.tiled`.
            bounded: False in training: a value that is clipped has no gradient.

        Returns:
            [B, 3, height, width], encoded, >= 0 if bounded.
        """
        # By the width of both alike, so that radii at every size are in pixels of that size.
        ratio = size[1] / image.shape[-1]
        signed = resize(defocus, size) * (ratio / UNIT)
        seen = signed.clamp(-reach, reach) if self.upsampling.clamp else signed
        fine: Tensor = self.iunet(resize(image, size), seen, coarse, gamma, tile)
        if bounded:
            fine = fine.clamp(0.0, HUGE)
        if self.upsampling.fuse == "none":
            return fine
        judged = signed if self.upsampling.fuse == "signed" else resize(dilated, size) * (ratio / UNIT)
        mask = soften(((judged > -1.0) & (judged < 1.0)).to(fine))
        return mask * fine + (1.0 - mask) * resize(coarse, size)


def fuse(classical: Tensor, neural: Tensor, error: Tensor) -> Tensor:
    """Eq. 9: the classical rendering, and the neural one where it goes wrong; [B, 3, H, W] from such."""
    return (1.0 - error) * classical + error * neural


def soften(mask: Tensor) -> Tensor:
    """A mask [B, 1, H, W] blurred by a Gaussian of about half a percent of the picture's sides."""
    height, width = mask.shape[-2:]
    radius = round(0.005 * (height + width))
    if radius == 0:
        return mask
    sigma = 0.3 * (radius - 1) + 0.8
    steps = torch.arange(-radius, radius + 1, device=mask.device, dtype=mask.dtype)
    kernel = torch.exp(-(steps**2) / (2.0 * sigma**2))
    kernel = kernel / kernel.sum()
    for shape, pad in (((1, 1, 1, -1), (radius, radius, 0, 0)), ((1, 1, -1, 1), (0, 0, radius, radius))):
        mask = functional.conv2d(functional.pad(mask, pad, mode="replicate"), kernel.view(shape))
    return mask
