"""MPIB's networks (Peng et al., ECCV 2022; methods spec C3): MPINet, and AUPNet, which enlarges alpha.

Number, kind and size of the layers are the authors'. Ours: normalisation has no statistics (a factor and a
shift for each channel), nothing is trained on other pictures before, `prior`, which lets alpha begin as the
plane's bin, and AUPNet's path past its layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

PLANES = 32
"""The authors'; of n planes, number i holds disparities from i/n to (i + 1)/n."""
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures that encoders are usually trained on."""
ENCODER, DECODER, EMBEDDED = (64, 64, 128, 256, 512), (16, 32, 64, 128, 256), 16
"""Channels of the authors' networks at 1/2, 1/4, ... 1/32, and from the full size on."""
ALIGN = 32
"""MPINet's pictures have sides that are multiples of this."""


class Convolution(nn.Module):
    """A convolution of the picture continued by its rim, and a factor and a shift for each channel."""

    def __init__(self, inputs: int, outputs: int, side: int = 3, stride: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.kernel = nn.Conv2d(
            inputs, outputs, side, stride, padding=side // 2, padding_mode="replicate", bias=bias
        )
        self.scale, self.shift = nn.Parameter(torch.ones(outputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:  # [B, inputs, h, w] -> [B, outputs, h / stride, w / stride]
        """Before the nonlinearity."""
        convolved: Tensor = self.kernel(x)
        return convolved * self.scale[:, None, None] + self.shift[:, None, None]


def block(inputs: int, outputs: int) -> nn.Sequential:
    """Convolution and ELU."""
    return nn.Sequential(Convolution(inputs, outputs), nn.ELU())


class Residual(nn.Module):
    """ResNet's basic block; it begins as what goes past it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = Convolution(inputs, outputs, 3, stride, bias=False)
        self.second = Convolution(outputs, outputs, bias=False)
        nn.init.zeros_(self.second.scale)
        changes = stride > 1 or inputs != outputs
        self.past = Convolution(inputs, outputs, 1, stride, bias=False) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The block."""
        return functional.relu(self.past(x) + self.second(functional.relu(self.first(x))))


class Encoder(nn.Module):
    """ResNet-18 without its last layer, for four channels: 11,179,648 parameters at the authors' widths."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.first = Convolution(4, widths[0], 7, 2, bias=False)
        stages = []
        for before, width, stride in zip(widths[:-1], widths[1:], (1, 2, 2, 2), strict=True):
            stages.append(nn.Sequential(Residual(before, width, stride), Residual(width, width, 1)))
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor, disparity: Tensor) -> list[Tensor]:
        """[B, 3, H, W], [B, 1, H, W] -> features at 1/2, 1/4, 1/8, 1/16 and 1/32."""
        made = [functional.relu(self.first(torch.cat([normalised(image), disparity], dim=1)))]
        x = functional.max_pool2d(made[0], 3, 2, 1)
        for stage in self.stages:
            x = stage(x)
            made.append(x)
        return made


class Decoder(nn.Module):
    """From the features and the bin of a plane to two numbers a pixel: 3,259,010 parameters."""

    def __init__(self, encoder: Sequence[int], widths: Sequence[int], embedded: int) -> None:
        super().__init__()
        self.embed = block(1, embedded)
        seen = [width + embedded for width in encoder]
        above = [*widths[1:], seen[-1]]
        before, after = [], []
        for level, width in enumerate(widths):
            before.append(block(above[level], width))
            after.append(block(width + (seen[level - 1] if level else 0), width))
        self.before, self.after = nn.ModuleList(before), nn.ModuleList(after)
        self.last = nn.Conv2d(widths[0], 2, 3, padding=1, padding_mode="replicate")

    def forward(self, features: Sequence[Tensor], inside: Tensor) -> Tensor:
        """Features of an encoder, [B, 1, H, W] 1 where a pixel is in the plane's bin -> [B, 2, H, W]."""
        plane = self.embed(inside)
        known = [torch.cat([one, resized(plane, one.shape[-2:])], dim=1) for one in features]
        x = known[-1]
        for level in reversed(range(len(self.before))):
            x = functional.interpolate(self.before[level](x), scale_factor=2.0, mode="nearest")
            x = self.after[level](torch.cat([x, known[level - 1]], dim=1) if level else x)
        with torch.autocast(x.device.type, enabled=False):
            made: Tensor = self.last(x.to(self.last.weight.dtype))
            return made


class MPINet(nn.Module):
    """Alpha and the background's share of every plane.

    Args:
        encoder, decoder, embedded: channels.
        planes: how many.
    """

    def __init__(self, encoder: Sequence[int], decoder: Sequence[int], embedded: int, planes: int) -> None:
        super().__init__()
        self.planes = planes
        self.encoder, self.decoder = Encoder(encoder), Decoder(encoder, decoder, embedded)
        self.prior = nn.Parameter(torch.zeros(()))

    def forward(self, image: Tensor, disparity: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, H, W] encoded, [B, 1, H, W] in [0, 1] -> the background's share, alpha: [B, N, H, W]."""
        features = self.encoder(image, disparity)
        shares, alphas = [], []
        for n in range(self.planes):
            inside = in_plane(disparity, n, self.planes)
            share, alpha = self.decoder(features, inside).split(1, dim=1)
            shares.append(torch.sigmoid(share))
            alphas.append(torch.sigmoid(alpha + self.prior * (2.0 * inside - 1.0)))
        return torch.cat(shares, dim=1), torch.cat(alphas, dim=1)


class AUPNet(nn.Module):
    """Alpha at twice the resolution, guided by picture and disparity: 40,513 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.guide = nn.Sequential(block(4, 16), block(16, 16))
        self.alpha = block(1, 16)
        self.both = nn.Sequential(block(32, 32), block(32, 32))
        self.head = nn.Sequential(block(48, 32), block(32, 16))
        self.last = nn.Conv2d(16, 1, 3, padding=1, padding_mode="replicate")

    def forward(self, image: Tensor, disparity: Tensor, alpha: Tensor) -> Tensor:
        """[B, 3, 2 h, 2 w], [B, 1, 2 h, 2 w], [B, N, h, w] -> [B, N, 2 h, 2 w]."""
        guide = self.guide(torch.cat([normalised(image), disparity], dim=1))
        small = functional.max_pool2d(guide, 2)
        made = []
        for plane in alpha.split(1, dim=1):
            known = resized(self.both(torch.cat([small, self.alpha(plane)], dim=1)), guide.shape[-2:])
            x = self.head(torch.cat([known, guide], dim=1))
            with torch.autocast(x.device.type, enabled=False):
                change = self.last(x.to(self.last.weight.dtype))
            # Beside what is enlarged, so that nothing learnt is that.
            made.append(torch.sigmoid(change + torch.logit(resized(plane.float(), guide.shape[-2:]), 1e-3)))
        return torch.cat(made, dim=1)


class MPIBNet(nn.Module):
    """Both networks; without arguments the authors' sizes."""

    def __init__(
        self,
        encoder: Sequence[int] = ENCODER,
        decoder: Sequence[int] = DECODER,
        embedded: int = EMBEDDED,
        planes: int = PLANES,
    ) -> None:
        super().__init__()
        self.mpinet, self.aupnet = MPINet(encoder, decoder, embedded, planes), AUPNet()

    @torch.no_grad()
    def begin_by_copying(self) -> None:
        """Weights with which a plane is what lies in its bin, with little of the background; ours."""
        last = self.mpinet.decoder.last
        assert last.bias is not None
        last.weight *= 0.1
        last.bias.copy_(torch.tensor([-3.0, 0.0]))
        self.mpinet.prior.fill_(5.0)
        nn.init.zeros_(self.aupnet.last.weight)
        nn.init.zeros_(self.aupnet.last.bias)


def in_plane(disparity: Tensor, n: int, planes: int = PLANES) -> Tensor:
    """1 where a disparity is in the bin of plane n; each is in one."""
    return (torch.floor(disparity * planes).clamp(0, planes - 1) == n).to(disparity)


def normalised(image: Tensor) -> Tensor:
    """A picture as the encoder sees it."""
    mean, spread = (image.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, SPREAD))
    return (image - mean) / spread


def resized(planes: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """[B, C, h, w] at another (height, width), bilinear, corner on corner as the authors resize."""
    if planes.shape[-2:] == tuple(size):
        return planes
    return functional.interpolate(planes, tuple(size), mode="bilinear", align_corners=True)
