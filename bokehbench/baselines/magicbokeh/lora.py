"""The LoRA that restoration is trained by: of the VAE's encoder and of the UNet (methods spec A3.3)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import nn

from bokehbench.errors import ConfigError

ADAPTERS = {
    "default_encoder": ("conv_in", "down_blocks."),
    "default_decoder": ("conv_out", "up_blocks."),
}
"""The two adapters of the UNet and the parts that they adapt."""
LEFT_OUT = ("time_emb_proj", "_lora")
"""Linear layers of these parts that they do not: the timestep is always the same, and FAMA has its own."""


@dataclass(frozen=True)
class Ranks:
    """Ranks of the LoRA: of the VAE's encoder, and of the UNet for restoration ("SR LoRA")."""

    vae: int = 4
    isr: int = 4

    def __post_init__(self) -> None:
        _positive(self)


@dataclass(frozen=True)
class Alphas:
    """What the scale of a LoRA is made of, alpha / rank; peft's default is 8."""

    vae: float = 8
    isr: float = 8

    def __post_init__(self) -> None:
        _positive(self)


def ranks_of(values: Mapping[str, int] | None) -> Ranks:
    """Ranks by name, the defaults where one is missing; "bokeh", which FAMA's settings have, is passed over.

    Raises:
        ConfigError: an unknown name, or less than 1.
    """
    return _read(Ranks, values)


def alphas_of(values: Mapping[str, float] | None) -> Alphas:
    """As `ranks_of`, of alphas."""
    return _read(Alphas, values)


def described(ranks: Ranks, alphas: Alphas, bokeh: int) -> dict[str, dict[str, float]]:
    """Both as plain values, with the bokeh LoRA, whose scale is 1 / rank."""
    return {"ranks": {**asdict(ranks), "bokeh": bokeh}, "alphas": {**asdict(alphas), "bokeh": 1}}


def add_sr_lora(unet: Any, rank: int, alpha: float, seed: int = 0) -> None:
    """Adapt a UNet in place: A Gaussian, B zero, so that nothing changes yet.

    Args:
        unet: UNet2DConditionModel; on the meta device nothing is drawn.
        rank, alpha: of all matrices.
        seed: of A; torch's global generator is left as it was.
    """
    for number, (adapter, parts) in enumerate(ADAPTERS.items()):
        names = [name for name in _layers(unet) if name.startswith(parts) and not _left_out(name)]
        _adapt(unet, adapter, names, rank, alpha, 2 * seed + number)
    unet.set_adapter(list(ADAPTERS))


def add_vae_lora(vae: Any, rank: int, alpha: float, seed: int = 0) -> None:
    """Adapt the encoder of a VAE in place: all convolutions, its attention and `quant_conv`."""
    names = [name for name in _layers(vae) if name.startswith(("encoder.", "quant_conv"))]
    _adapt(vae, "default_encoder", names, rank, alpha, seed)


def _adapt(network: Any, adapter: str, names: list[str], rank: int, alpha: float, seed: int) -> None:
    from peft import LoraConfig

    where = next(network.parameters()).device
    # One expression: peft takes its time to shorten a list of names.
    targets = "|".join(map(re.escape, names))
    config = LoraConfig(r=rank, lora_alpha=alpha, init_lora_weights="gaussian", target_modules=targets)  # type: ignore[arg-type]
    with torch.random.fork_rng(devices=[]), torch.device(where), warnings.catch_warnings():
        # peft warns of a second adapter, which is meant here.
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")
        torch.manual_seed(seed)
        network.add_adapter(config, adapter)


def _layers(network: nn.Module) -> list[str]:
    return [name for name, module in network.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d))]


def _left_out(name: str) -> bool:
    return any(part in name for part in LEFT_OUT)


def _positive(values: Any) -> None:
    for name, value in asdict(values).items():
        if not value > 0:
            raise ConfigError(f"MagicBokeh's LoRA: {type(values).__name__.lower()} of {name} is {value}")


def _read(kind: Any, values: Mapping[str, Any] | None) -> Any:
    wanted = {name: value for name, value in (values or {}).items() if name != "bokeh"}
    unknown = wanted.keys() - {field.name for field in fields(kind)}
    if unknown:
        raise ConfigError(f"MagicBokeh's LoRA: no {', '.join(sorted(unknown))}; there are vae, isr and bokeh")
    return kind(**wanted)
