"""Colours of what a generative network made, put back to those of the picture that it was given.

Blur moves light and neither makes nor takes any, so `mean`, the default, gives each channel the mean light of
the input. `shift` does so with encoded values, whose mean blur changes; `adain`, what the authors do, also
gives a blurred picture the contrast of the sharp one (methods spec A3.7, A3.8 row 6). `wavelet` is for
networks that restore and do not blur: it takes everything coarse from the input, and so would undo blur.

Pictures are [B, C, H, W], encoded with gamma 2.2, in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from bokehbench.baselines.diffusion.pictures import GAMMA
from bokehbench.errors import ConfigError

EPSILON = 1e-5
"""Added to variances by `adain`; mean light below which `mean` takes a channel for black."""
LEVELS = 5
"""Of `wavelet`; the coarse part of level i is what a binomial filter of spacing 2**i leaves."""


def unchanged(made: Tensor, given: Tensor) -> Tensor:
    """As it was made."""
    return made


def mean(made: Tensor, given: Tensor) -> Tensor:
    """Each channel times what gives it the mean light of the input; a black channel stays black."""
    light = _mean(made.clamp_min(0.0) ** GAMMA)
    gain = (_mean(given.clamp_min(0.0) ** GAMMA) / light.clamp_min(EPSILON)) ** (1.0 / GAMMA)
    return made * torch.where(light > EPSILON, gain, 1.0)


def shift(made: Tensor, given: Tensor) -> Tensor:
    """Each channel plus what gives its encoded values the mean of the input's."""
    return made + (_mean(given) - _mean(made))


def adain(made: Tensor, given: Tensor) -> Tensor:
    """Mean and standard deviation of each channel's encoded values as in the input."""
    spread = ((_variance(given) + EPSILON) / (_variance(made) + EPSILON)).sqrt()
    return (made - _mean(made)) * spread + _mean(given)


def wavelet(made: Tensor, given: Tensor, levels: int = LEVELS) -> Tensor:
    """What is fine of `made` on what is coarse of `given`."""
    return made - coarse(made, levels) + coarse(given, levels)


def coarse(picture: Tensor, levels: int = LEVELS) -> Tensor:
    """[B, C, H, W] after binomial filters (1 2 1)/4 each way, their taps 1, 2, 4 ... pixels apart."""
    taps = torch.tensor([0.25, 0.5, 0.25]).to(picture)
    kernel = (taps[:, None] * taps).expand(picture.shape[1], 1, 3, 3)
    for level in range(levels):
        apart = 2**level
        frame = functional.pad(picture, (apart,) * 4, mode="replicate")
        picture = functional.conv2d(frame, kernel, dilation=apart, groups=picture.shape[1])
    return picture


CORRECTIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": mean,
    "shift": shift,
    "adain": adain,
    "none": unchanged,
}
"""What a method may be asked for."""


def correction(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """One of `CORRECTIONS`; ConfigError for another name."""
    if name not in CORRECTIONS:
        raise ConfigError(f"magicbokeh: colour must be one of {', '.join(CORRECTIONS)}, not {name!r}")
    return CORRECTIONS[name]


def _mean(picture: Tensor) -> Tensor:
    return picture.mean((-2, -1), keepdim=True)


def _variance(picture: Tensor) -> Tensor:
    """Unbiased; of a single pixel 0."""
    pixels = picture.shape[-2] * picture.shape[-1]
    return picture.var((-2, -1), keepdim=True, correction=1 if pixels > 1 else 0)
