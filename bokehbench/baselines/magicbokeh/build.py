"""Models from configurations: on a base from disk or from the hub's cache, without memory, or random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from bokehbench.baselines.diffusion.networks import filled, on_meta
from bokehbench.baselines.diffusion.one_step import alpha_bar
from bokehbench.baselines.magicbokeh import base as bases
from bokehbench.baselines.magicbokeh import lora, unet
from bokehbench.baselines.magicbokeh.compact import CompactConfig
from bokehbench.baselines.magicbokeh.control import WIDTHS, ControlNet
from bokehbench.baselines.magicbokeh.fama.processor import install
from bokehbench.baselines.magicbokeh.fama.settings import FamaSettings
from bokehbench.baselines.magicbokeh.model import PAPER_TIMESTEP, TILE_PX, Layout, MagicBokeh

COMPACT_RANK = 8
"""Of the bokeh LoRA of a compact model, whose tokens have few channels."""


def from_sd21(
    base: str = bases.NAME,
    revision: str | None = None,
    ranks: Mapping[str, int] | None = None,
    fama: FamaSettings | None = None,
    seed: int = 0,
    tile_px: int = TILE_PX,
    alphas: Mapping[str, float] | None = None,
) -> MagicBokeh:
    """The full-size model as its training starts: float32, LoRA and ControlNet that change nothing yet.

    Args:
        base: folder of a diffusers model of the Stable Diffusion 2 family, or OWNER/NAME in the hub's cache.
        revision: commit of the hub; None for the pinned one.
        ranks, alphas: of the LoRA of "vae" and "isr", see `lora`; None for the defaults.
        fama: form of FAMA and rank of its LoRA.
        seed: of all matrices that are drawn.
        tile_px: see `model.Layout`.

    Raises:
        see `base.read`.
    """
    return on_base(bases.read(base, revision), ranks, fama, seed, tile_px, alphas)


def on_base(
    base: bases.Base,
    ranks: Mapping[str, int] | None = None,
    fama: FamaSettings | None = None,
    seed: int = 0,
    tile_px: int = TILE_PX,
    alphas: Mapping[str, float] | None = None,
    timestep: int = PAPER_TIMESTEP,
    dtype: torch.dtype = torch.float32,
) -> MagicBokeh:
    """As `from_sd21`, of a base in memory, which stays as it is.

    Args:
        timestep: T of the one step.
        dtype: of UNet and ControlNet; the VAE is float32, which it needs.

    Raises:
        ConfigError: ranks, or a timestep, that there cannot be.
        InputError: weights that are not the configurations'.
    """
    pruned, left_out = unet.from_base(base.about["unet"], base.unet, dtype)
    vae = filled("vae", base.about["vae"], base.vae, torch.float32)
    about = {key: base.about.get(key, "") for key in ("name", "revision", "fingerprint")}
    return _full(pruned, vae, ranks, alphas, fama, seed, tile_px, timestep, about, left_out)


def meta_model(
    ranks: Mapping[str, int] | None = None,
    alphas: Mapping[str, float] | None = None,
    fama: FamaSettings | None = None,
) -> MagicBokeh:
    """The full-size model of the published configuration without memory for its weights."""
    pruned = unet.without_memory(unet.PUBLISHED_UNET)
    vae = on_meta("vae", unet.PUBLISHED_VAE)
    about = {"name": "", "revision": "", "fingerprint": ""}
    return _full(pruned, vae, ranks, alphas, fama, 0, TILE_PX, PAPER_TIMESTEP, about, {})


def random_compact(
    seed: int, config: CompactConfig | None = None, fama: FamaSettings | None = None
) -> MagicBokeh:
    """A compact model with seeded random weights: where its training starts.

    Args:
        seed: of all weights; torch's global generator is left as it was.
        config: sizes; None for those of `magicbokeh-compact`.
        fama: None for the released form with `COMPACT_RANK`.
    """
    from diffusers import UNet2DConditionModel

    from bokehbench.baselines.diffusion.patch_vae import PatchVAE

    config, fama = config or CompactConfig(), fama or FamaSettings(rank=COMPACT_RANK)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae = PatchVAE(**config.vae())
        network: Any = unet.prune(UNet2DConditionModel(**config.unet()))
        control = ControlNet(network, config.condition_channels)
    torch.nn.init.zeros_(network.conv_out.weight)
    torch.nn.init.zeros_(network.conv_out.bias)
    sight = install(network, fama, seed)
    layout = Layout("compact", config.timestep, config.tile_px, config.condition_unit_px, copies=True)
    origin = {"kind": "compact", "config": config.to_json(), "fama": fama.to_json()}
    return MagicBokeh(network, vae, control, sight, layout, origin)


def _full(
    network: Any,
    vae: Any,
    ranks: Mapping[str, int] | None,
    alphas: Mapping[str, float] | None,
    fama: FamaSettings | None,
    seed: int,
    tile_px: int,
    timestep: int,
    base: Mapping[str, str],
    left_out: Mapping[str, int],
) -> MagicBokeh:
    """The parts that training adds, around a pruned UNet and a VAE."""
    alpha_bar(timestep)
    rank, alpha, fama = lora.ranks_of(ranks), lora.alphas_of(alphas), fama or FamaSettings()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        control = ControlNet(network, WIDTHS)
    lora.add_sr_lora(network, rank.isr, alpha.isr, seed)
    lora.add_vae_lora(vae, rank.vae, alpha.vae, seed)
    sight = install(network, fama, seed)
    origin = {
        "kind": "sd21",
        **lora.described(rank, alpha, fama.rank),
        "fama": fama.to_json(),
        "tile_px": tile_px,
        "base": dict(base),
    }
    layout = Layout("sd21", timestep=timestep, tile_px=tile_px)
    vae.enable_tiling()  # of pictures larger than the VAE's sample_size only
    return MagicBokeh(network, vae, control, sight, layout, origin, left_out)
