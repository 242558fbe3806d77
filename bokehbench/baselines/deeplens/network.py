"""DeepLens's lens-blur and guided upsampling modules (Wang et al., ACM TOG 2018; methods spec C1).

Both show, at each pixel, a mean of feature pictures with weights of its own: those of the lens-blur module
are the sharp picture and convolutions of it, those of the upsampling module the enlarged rendering, the sharp
picture of the larger size, and convolutions of both. Weights are not negative and sum to 1, so that a module
can show nothing that no feature has.

Number and kind of the features, the two branches of the weights' network and the shared upsampling are the
authors' (their released code); ours: no batch normalisation, softplus instead of a rectifier for the weights,
means instead of strides.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

FEATURES = ((30, 3), (30, 5), (15, 5), (15, 5))
"""Channels and side of the convolutions that features are made by."""
COLOURS = 3
UNIT = 10.0
"""Pixels of signed defocus that the networks see as 1."""
ALIGN = 8
"""Both modules work on pictures whose sides are multiples of this."""
STEEPNESS = 8.0
"""Of the weights in what their network says: they have farther to go than a layer moves in a step."""
SHOWN, BLURRED, OTHERS = 0.5, -0.25, -0.5
"""What `begin_by_copying` has it say: of the picture that is shown, of blurred ones, of other features."""


class Bottleneck(nn.Module):
    """A residual block of three convolutions, 1x1, 3x3 and 1x1."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, outputs, 1),
        )
        self.past = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:  # [B, inputs, h, w] -> [B, outputs, h, w]
        """The block."""
        return functional.relu(self.past(x) + self.branch(x))


class Features(nn.Module):
    """Feature pictures: the pictures given, and those of a chain of convolutions, three channels each.

    Args:
        pictures: that are given.
    """

    def __init__(self, pictures: int) -> None:
        super().__init__()
        before, layers = COLOURS * pictures, list[nn.Module]()
        for channels, side in FEATURES:
            layers.append(nn.Conv2d(before, channels, side, padding=side // 2, padding_mode="replicate"))
            before = channels
        self.layers = nn.ModuleList(layers)
        self.count = pictures + sum(channels for channels, _ in FEATURES) // COLOURS

    def forward(self, pictures: Tensor) -> Tensor:  # [B, 3 pictures, h, w] -> [B, count, 3, h, w]
        """All of them, the given ones first."""
        made = [pictures]
        for layer in self.layers:
            made.append(functional.relu(layer(made[-1])))
        return torch.cat(made, dim=1).unflatten(1, (self.count, COLOURS))


class BlurWeights(nn.Module):
    """What features count at each pixel, from picture and defocus: nearby as it is, farther at an eighth."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(COLOURS + 1, width, 7, padding=3)
        self.far = nn.Sequential(
            nn.AvgPool2d(4),
            nn.Conv2d(1, width, 7, padding=3),
            nn.ReLU(),
            Bottleneck(width, width, 2 * width),
            nn.AvgPool2d(2),
            Bottleneck(2 * width, width, 4 * width),
            Bottleneck(4 * width, width, 4 * width),
        )
        self.both = nn.Sequential(
            Bottleneck(5 * width, width, 2 * width),
            Bottleneck(2 * width, width, 4 * width),
            Bottleneck(4 * width, width, 4 * width),
        )
        self.last = nn.Conv2d(4 * width, count, 1)

    def forward(self, image: Tensor, defocus: Tensor) -> Tensor:
        """[B, 3, h, w], [B, 1, h, w] in units -> [B, count, h, w], before `mean_of`."""
        near = functional.relu(self.near(torch.cat([image - 0.5, defocus], dim=1)))
        far = functional.interpolate(self.far(defocus), near.shape[-2:], mode="bilinear", align_corners=False)
        return _last(self.last, self.both(torch.cat([far, near], dim=1)))


class UpsamplingWeights(nn.Module):
    """The same of the upsampling module: from what is known at half the size, and the sharp picture."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()

        def layer(inputs: int, outputs: int) -> nn.Conv2d:
            return nn.Conv2d(inputs * width, outputs * width, 3, padding=1)

        self.first = nn.Conv2d(2 * COLOURS + 1, width, 3, padding=1)
        self.down = nn.ModuleList([layer(1, 2), layer(2, 4), layer(4, 8)])
        self.middle = layer(8, 8)
        self.up = nn.ModuleList([layer(8, 4), layer(4, 2), layer(2, 1)])
        self.small, self.large = layer(1, 1), layer(1, 1)
        self.guide = nn.Conv2d(width + COLOURS, width, 3, padding=1)
        self.head = nn.ModuleList([layer(1, 1) for _ in range(3)])
        self.last = nn.Conv2d(width, count, 3, padding=1)

    def forward(self, known: Tensor, sharp: Tensor) -> Tensor:
        """[B, 7, h, w], [B, 3, 2 h, 2 w] -> [B, count, 2 h, 2 w], before `mean_of`."""
        x = functional.relu(self.first(known))
        past = []
        for layer in self.down:
            past.append(x)
            x = functional.relu(layer(functional.avg_pool2d(x, 2)))
        x = functional.relu(self.middle(x))
        for layer in self.up:
            x = past.pop() + enlarged(functional.relu(layer(x)))
        x = functional.relu(self.large(enlarged(functional.relu(self.small(x)))))
        x = functional.relu(self.guide(torch.cat([sharp, x], dim=1)))
        for layer in self.head:
            x = functional.relu(layer(x))
        return _last(self.last, x)


class DeepLensNet(nn.Module):
    """Both modules.

    Args:
        blur_width: of the lens-blur module's weights; the authors' has 64.
        upsampling_width: of the upsampling module's; the authors' has 32.
    """

    def __init__(self, blur_width: int = 64, upsampling_width: int = 32) -> None:
        super().__init__()
        self.features, self.sharpening = Features(1), Features(2)
        self.weights = BlurWeights(blur_width, self.features.count)
        self.upsampling = UpsamplingWeights(upsampling_width, self.sharpening.count)

    def forward(self, image: Tensor, defocus: Tensor, steps: int) -> Tensor:
        """A blurred picture.

        Args:
            image: [B, 3, H, W] encoded, in [0, 1].
            defocus: [B, 1, H, W] signed, pixels.
            steps: of upsampling, each by 2; the lens-blur module sees the picture 2**steps times smaller.

        Returns:
            [B, 3, H, W] encoded, >= 0.
        """
        height, width = image.shape[-2:]
        multiple = ALIGN * 2**steps
        pad = (0, -width % multiple, 0, -height % multiple)
        sharp = [functional.pad(image, pad, mode="replicate")]
        signed = [functional.pad(defocus / UNIT, pad, mode="replicate")]
        for _ in range(steps):
            sharp.append(functional.avg_pool2d(sharp[-1], 2))
            signed.append(functional.avg_pool2d(signed[-1], 2) / 2.0)
        made = mean_of(self.features(sharp[-1]), self.weights(sharp[-1], signed[-1]))
        for n in reversed(range(steps)):
            known = torch.cat([sharp[n + 1], made, signed[n + 1]], dim=1)
            features = self.sharpening(torch.cat([enlarged(made), sharp[n]], dim=1))
            made = mean_of(features, self.upsampling(known, sharp[n]))
        return made[..., :height, :width]

    @torch.no_grad()
    def begin_by_copying(self) -> None:
        """Weights with which mostly the sharp picture of each size is shown; ours.

        The first three channels of every layer of the lens-blur module's features begin as means over
        squares: pictures that are blurred more and more.
        """
        for last, shown in ((self.weights.last, 0), (self.upsampling.last, 1)):
            assert last.bias is not None
            last.weight *= 0.1
            last.bias.fill_(OTHERS)
            last.bias[shown] = SHOWN
        blurred, bias = 1, self.weights.last.bias
        for layer, (channels, side) in zip(self.features.layers, FEATURES, strict=True):
            assert isinstance(layer, nn.Conv2d) and layer.bias is not None and bias is not None
            layer.weight[:COLOURS] = 0.0
            layer.bias[:COLOURS] = 0.0
            for colour in range(COLOURS):
                layer.weight[colour, colour] = 1.0 / side**2
            bias[blurred] = BLURRED
            blurred += channels // COLOURS


def enlarged(planes: Tensor) -> Tensor:  # [B, C, h, w] -> [B, C, 2 h, 2 w]
    """Bilinearly, pixels as areas."""
    return functional.interpolate(planes, scale_factor=2.0, mode="bilinear", align_corners=False)


def mean_of(features: Tensor, logits: Tensor) -> Tensor:  # [B, n, 3, h, w], [B, n, h, w] -> [B, 3, h, w]
    """The mean of feature pictures with weights softplus(8 logits), in full precision."""
    with torch.autocast(features.device.type, enabled=False):
        weights = functional.softplus(STEEPNESS * logits.float())
        weights = weights / weights.sum(dim=1, keepdim=True)
        return (weights[:, :, None] * features.float()).sum(dim=1)


def _last(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """In full precision also under autocast."""
    with torch.autocast(x.device.type, enabled=False):
        made: Tensor = layer(x.to(layer.weight.dtype))
        return made
