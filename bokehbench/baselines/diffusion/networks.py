"""UNets and VAEs of diffusers from their configurations, with weights, without memory, and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from bokehbench.baselines.diffusion.states import check_keys, spelled
from bokehbench.errors import ConfigError

Config = TypeVar("Config")


def on_meta(part: str, config: Mapping[str, Any]) -> Any:
    """A UNet2DConditionModel ("unet") or AutoencoderKL ("vae") without memory for its weights."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    with torch.device("meta"):
        made = (UNet2DConditionModel if part == "unet" else AutoencoderKL).from_config(dict(config))
    return made.eval().requires_grad_(False)


def filled(part: str, config: Mapping[str, Any], state: Mapping[str, Tensor], dtype: torch.dtype) -> Any:
    """A network with weights; every tensor has to be there, and none may be left over.

    Raises:
        InputError: other tensors than the configuration has.
    """
    network = on_meta(part, config)
    own = network.state_dict()
    fitting = spelled(own, state)
    check_keys(own, fitting, f"the {part} of this base model")
    network.load_state_dict({name: tensor.to(dtype) for name, tensor in fitting.items()}, assign=True)
    return network.requires_grad_(False)


def parameters(module: nn.Module | Sequence[Tensor]) -> int:
    """How many numbers a module, or a list of tensors, has."""
    tensors = module.parameters() if isinstance(module, nn.Module) else module
    return sum(tensor.numel() for tensor in tensors)


def config_from_json(kind: type[Config], values: Mapping[str, Any], what: str) -> Config:
    """A dataclass of sizes from plain values.

    Raises:
        ConfigError: a field that there is not, or of another kind; `what` begins the message.
    """
    unknown = set(values) - set(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    if unknown:
        raise ConfigError(f"{what}: no field {', '.join(sorted(unknown))}")
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{what}: {at}: {first['msg']}") from error
