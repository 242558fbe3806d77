"""Models from configurations: on a base from disk or from the hub's cache, without memory, or random."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bokehbench.baselines.bokehdiff import base as bases
from bokehbench.baselines.bokehdiff import sdxl
from bokehbench.baselines.bokehdiff.compact import PROMPT_TOKENS, CompactConfig
from bokehbench.baselines.bokehdiff.model import PAPER_TIMESTEP, PISA_BLOCK, TILE_PX, BokehDiff, Layout
from bokehbench.baselines.bokehdiff.pisa.processor import install
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.diffusion import networks
from bokehbench.baselines.diffusion.one_step import alpha_bar


def from_sdxl(
    base: str = bases.NAME,
    revision: str | None = None,
    rank: int = sdxl.RANK,
    timestep: int = PAPER_TIMESTEP,
    settings: PisaSettings | None = None,
    seed: int = 0,
    tile_px: int = TILE_PX,
) -> BokehDiff:
    """The full-size model as its training starts: float32, a LoRA that changes nothing yet.

    Args:
        base: folder of a diffusers model of the SDXL family, or OWNER/NAME in the hub's cache.
        revision: commit of the hub; None for the pinned one.
        rank: of the LoRA.
        timestep: T of the one step.
        settings: of PISA.
        seed: of the LoRA's matrices.
        tile_px: see `model.Layout`.

    Raises:
        see `base.read`.
    """
    return on_base(bases.read(base, revision), rank, timestep, settings, seed, tile_px)


def on_base(
    base: bases.Base,
    rank: int = sdxl.RANK,
    timestep: int = PAPER_TIMESTEP,
    settings: PisaSettings | None = None,
    seed: int = 0,
    tile_px: int = TILE_PX,
) -> BokehDiff:
    """As `from_sdxl`, of a base in memory, whose networks it changes."""
    alpha_bar(timestep)
    kept = ("name", "revision", "fingerprint", "prompt")
    about = {key: base.about.get(key, "") for key in kept}
    origin = {"kind": "sdxl", "rank": rank, "tile_px": tile_px, "base": about}
    processor = install(base.unet, PISA_BLOCK, settings or PisaSettings())
    sdxl.add_lora(base.unet, rank, seed)
    layout = Layout("sdxl", timestep=timestep, tile_px=tile_px)
    return _model(base.unet, base.vae, (base.prompt_embeds, base.pooled), processor, layout, origin)


def meta_model(rank: int = sdxl.RANK, settings: PisaSettings | None = None) -> BokehDiff:
    """The full-size model of SDXL's published configuration without memory for its weights."""
    unet, vae = (networks.on_meta(part, sdxl.published(part)) for part in ("unet", "vae"))
    width, pooled = 2048, 1280
    with torch.device("meta"):
        prompt = torch.empty(1, 77, width), torch.empty(1, pooled)
    return on_base(bases.Base(unet, vae, *prompt), rank, settings=settings)


def random_compact(
    seed: int, config: CompactConfig | None = None, settings: PisaSettings | None = None
) -> BokehDiff:
    """A compact model with seeded random weights: where its training starts.

    Args:
        seed: of all weights; the global generator of torch is left as it was.
        config: sizes; None for those of `bokehdiff-compact`.
        settings: of PISA.
    """
    from diffusers import UNet2DConditionModel

    from bokehbench.baselines.diffusion.patch_vae import PatchVAE

    config = config or CompactConfig()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae = PatchVAE(**config.vae())
        unet: Any = UNet2DConditionModel(**config.unet())
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
    origin = {"kind": "compact", "config": config.to_json()}
    return _model(unet, vae, (prompt, None), processor, layout, origin)


def _model(
    unet: Any, vae: Any, prompt: tuple[Tensor, Tensor | None], processor: Any, layout: Layout, origin: Any
) -> BokehDiff:
    vae.enable_tiling()  # of pictures larger than the VAE's sample_size only
    return BokehDiff(unet, vae, *prompt, processor, layout, origin)
