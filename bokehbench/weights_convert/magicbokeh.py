"""The released checkpoint of MagicBokeh: which of its tensors is which of ours (methods spec A3.3).

Its parts, by the names of its dictionary:

- `state_dict_unet`: the LoRA for restoration, two adapters of one rank (`rank_unet`) on the modules that
  `unet_lora_encoder_modules` and `unet_lora_decoder_modules` list, and the whole first convolution.
- `state_dict_vae`: the LoRA of the VAE's encoder, of rank `rank_vae` on `vae_lora_encoder_modules`.
- `controlnet`: the ControlNet, pickled as an object.
- `processor_state_dict`: the LoRA for bokeh, of the rank that stands under `state_dict_attn`.

The first two LoRA are scaled by peft's default, 8 / rank, the last one by 1 / rank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bokehbench.errors import InputError
from bokehbench.weights_convert.arranged import Arranged
from bokehbench.weights_convert.modules import everything, passing_buffers, state_dict
from bokehbench.weights_convert.values import TensorAt

ALPHA = 8
"""Of the LoRA of UNet and VAE: peft's default, which the released code leaves."""
LORA = re.compile(r"(.+)\.lora_([AB])\.([a-z_]+)\.weight")
PLAIN = r"\1.lora_\2.weight"
FIRST = re.compile(r"(conv_in)\.(?:base_layer\.)?(weight|bias)")
BOKEH = re.compile(r"(up_blocks\..+\.attn1)\.processor\.(to_q|to_k|to_v|to_out)_lora\.([01])\.weight")
OF_BASE = re.compile(r"(down_blocks|up_blocks|mid_block|time_embedding|conv_norm_out|conv_out)\..+")
"""Tensors of the base, which the released code takes from Stable Diffusion and not from this file."""
UNET, VAE, CONTROL = "state_dict_unet", "state_dict_vae", "controlnet"
BOKEH_STATE, BOKEH_RANK = "processor_state_dict", "state_dict_attn"
NEEDED = (
    *(UNET, "rank_unet", "unet_lora_encoder_modules", "unet_lora_decoder_modules"),
    *(VAE, "rank_vae", "vae_lora_encoder_modules", CONTROL, BOKEH_STATE, BOKEH_RANK),
)


def arrange(content: Any) -> Arranged:
    """Name every tensor of the released checkpoint.

    Raises:
        InputError: parts that are missing, left over, or do not belong together; names them.
    """
    if not isinstance(content, dict) or not set(NEEDED) <= content.keys():
        missing = sorted(set(NEEDED) - content.keys()) if isinstance(content, dict) else NEEDED
        raise InputError(f"is no checkpoint of MagicBokeh: it has no {', '.join(missing)}")
    ranks = {
        "vae": _rank(content, "rank_vae"),
        "isr": _rank(content, "rank_unet"),
        "bokeh": _rank(content, BOKEH_RANK),
    }
    unet, of_base = _unet(content, ranks["isr"])
    parts = {
        "restoration": unet,
        "VAE encoder": _vae(content, ranks["vae"]),
        "ControlNet": {f"control.{name}": t for name, t in state_dict(content[CONTROL], CONTROL).items()},
        "bokeh": _bokeh(content, ranks["bokeh"]),
    }
    named = {name: tensor for part in parts.values() for name, tensor in part.items()}
    left_out = _left_out(content, named, of_base)
    about = {
        "kind": "sd21",
        "ranks": ranks,
        "alphas": {"vae": ALPHA, "isr": ALPHA, "bokeh": 1},
        "fama": {"form": "released", "rank": ranks["bokeh"]},
        "tile_px": 512,
        "timestep": 999,
        "base": {"name": "", "revision": "", "fingerprint": ""},
    }
    return Arranged(named, about, {part: len(found) for part, found in parts.items()}, left_out)


def _rank(content: Mapping[str, Any], key: str) -> int:
    rank = content[key]
    if type(rank) is not int or not 0 < rank <= 4096:
        raise InputError(f"{key} is no rank, a whole number from 1 to 4096")
    return rank


def _unet(content: Mapping[str, Any], rank: int) -> tuple[dict[str, TensorAt], set[TensorAt]]:
    """The LoRA and the first convolution, and the tensors of the base that are there as well."""
    found, base = {}, set()
    lora: dict[str, TensorAt] = {}
    for name, tensor in state_dict(content[UNET], UNET).items():
        if LORA.fullmatch(name):
            lora[name] = tensor
        elif first := FIRST.fullmatch(name):
            found[f"unet.{first[1]}.{first[2]}"] = tensor
        elif OF_BASE.fullmatch(name):
            base.add(tensor)
        else:
            raise InputError(f"{UNET} has {name[:120]!r}, which is no part of MagicBokeh")
    if len(found) != 2:
        raise InputError(f"{UNET} has not the weight and bias of conv_in, each once")
    adapters = {
        "default_encoder": _modules(content, "unet_lora_encoder_modules"),
        "default_decoder": _modules(content, "unet_lora_decoder_modules"),
    }
    _check_lora(lora, rank, adapters, UNET)
    return found | _without_adapters("unet", lora), base


def _vae(content: Mapping[str, Any], rank: int) -> dict[str, TensorAt]:
    lora = state_dict(content[VAE], VAE)
    _check_lora(lora, rank, {"default_encoder": _modules(content, "vae_lora_encoder_modules")}, VAE)
    return _without_adapters("vae", lora)


def _without_adapters(part: str, lora: Mapping[str, TensorAt]) -> dict[str, TensorAt]:
    """As our files name a LoRA; InputError where one module has two."""
    found = {f"{part}.{LORA.sub(PLAIN, name)}": tensor for name, tensor in lora.items()}
    if len(found) != len(lora):
        raise InputError(f"{part} has two LoRA on one module")
    return found


def _bokeh(content: Mapping[str, Any], rank: int) -> dict[str, TensorAt]:
    found: dict[str, TensorAt] = {}
    for name, tensor in state_dict(content[BOKEH_STATE], BOKEH_STATE).items():
        parts = BOKEH.fullmatch(name)
        if parts is None:
            raise InputError(f"{BOKEH_STATE} has {name[:120]!r}, which is no part of MagicBokeh")
        if len(tensor.shape) != 2 or tensor.shape[int(parts[3])] != rank:
            raise InputError(f"{BOKEH_STATE}: {name} is not of rank {rank}")
        found[f"unet.{name}"] = tensor
    return found


def _modules(content: Mapping[str, Any], key: str) -> set[str]:
    modules = content[key]
    if not isinstance(modules, list | tuple | set) or not all(isinstance(name, str) for name in modules):
        raise InputError(f"{key} is no list of modules")
    return set(modules)


def _check_lora(lora: Mapping[str, TensorAt], rank: int, adapters: Mapping[str, set[str]], what: str) -> None:
    """Both matrices, of the rank that the file says, of the modules that it lists for each adapter."""
    sides: dict[tuple[str, str], set[str]] = {}
    for name, tensor in lora.items():
        parts = LORA.fullmatch(name)
        if parts is None or parts[3] not in adapters:
            raise InputError(f"{what} has {name[:120]!r}, which is no part of MagicBokeh")
        if len(tensor.shape) < 2 or tensor.shape[0 if parts[2] == "A" else 1] != rank:
            raise InputError(f"{what}: {name} is not of rank {rank}")
        sides.setdefault((parts[3], parts[1]), set()).add(parts[2])
    for adapter, modules in adapters.items():
        there = {module for of, module in sides if of == adapter}
        if odd := there ^ modules:
            where = "has no LoRA for" if min(odd) in modules else "has a LoRA that its list has not,"
            raise InputError(f"{what} {where} {min(odd)[:120]} ({adapter}, {len(odd)} modules)")
    if halves := [module for (_, module), of in sides.items() if of != {"A", "B"}]:
        raise InputError(f"{what} has one matrix of two of the LoRA for {min(halves)}")


def _left_out(
    content: Mapping[str, Any], named: Mapping[str, TensorAt], of_base: set[TensorAt]
) -> dict[str, str]:
    """What has no name in the result, with the reason; a tensor without one is an error."""
    placed, passing = set(named.values()), passing_buffers(content[CONTROL])
    said = {}
    if of_base - placed:
        said[UNET] = f"{len(of_base - placed)} tensors of the base, which the released code does not read"
    if passing - placed:
        said[CONTROL] = f"{len(passing - placed)} buffers that its code makes anew"
    for key, value in content.items():
        tensors = {item for item in everything(value) if isinstance(item, TensorAt)}
        if odd := tensors - placed - passing - of_base:
            raise InputError(f"{str(key)[:80]} has {len(odd)} tensors that are no part of MagicBokeh")
        if key not in NEEDED:
            said[str(key)[:80]] = "no tensors in it"
    return said
