"""Models from configurations, from a base on disk or on the hub, or random."""

from __future__ import annotations

from bokehbench.baselines.bokehdiff.compact import PROMPT_TOKENS, CompactConfig
from bokehbench.baselines.bokehdiff.model import PISA_BLOCK, BokehDiff, Layout
from bokehbench.baselines.bokehdiff.pisa.processor import install
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings


def random_compact(
    seed: int, config: CompactConfig | None = None, settings: PisaSettings | None = None
) -> BokehDiff:
    """A compact model with seeded random weights: where its training starts.

    Args:
        seed: of all weights; the global generator of torch is left as it was.
        config: sizes; None for those of `bokehdiff-compact`.
        settings: of PISA.
    """
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel

    config = config or CompactConfig()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae = AutoencoderKL(**config.vae())
        unet = UNet2DConditionModel(**config.unet())
        prompt = torch.randn(1, PROMPT_TOKENS, config.prompt_width)
    if config.copies:
        torch.nn.init.zeros_(unet.conv_out.weight)
        torch.nn.init.zeros_(unet.conv_out.bias)
    layout = Layout(
        kind="compact",
        timestep=config.timestep,
        tile_px=config.tile_px,
        scene_channels=config.scene_channels,
        copies=config.copies,
    )
    processor = install(unet, PISA_BLOCK, settings or PisaSettings())
    return BokehDiff(unet, vae, prompt, None, processor, layout)
