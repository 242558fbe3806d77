"""Small random models whose answer depends on all that they are told."""

from __future__ import annotations

import torch

from bokehbench.baselines.magicbokeh import build
from bokehbench.baselines.magicbokeh.compact import CompactConfig
from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings
from bokehbench.baselines.magicbokeh.model import MagicBokeh

CONFIG = CompactConfig(
    vae_channels=(8, 16),
    unet_channels=(16, 16, 32),
    condition_channels=(4, 8),
    head_width=16,
    latent_channels=8,
    tile_px=64,
)
FAMA = FamaSettings(rank=2)


def stirred(model: MagicBokeh, seed: int = 0) -> MagicBokeh:
    """Everything that starts at zero gets numbers, as training would give it."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if not bool(parameter.any()):
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=random))
    return model.eval().requires_grad_(False)


def random_model(trained: bool = True) -> MagicBokeh:
    """Random weights; `trained` ones no longer copy the picture."""
    model = build.random_compact(2, CONFIG, FAMA)
    return stirred(model) if trained else model.eval().requires_grad_(False)
