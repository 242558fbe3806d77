"""Networks of the SDXL family: configurations, states from files, LoRA (methods spec A2.3).

`configs/` has the published configurations of SDXL's UNet and VAE, so that the full size can be counted and
tried without any weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bokehbench.baselines.bokehdiff.model import check_keys
from bokehbench.errors import InputError

CONFIGS = Path(__file__).parent / "configs"
RANK = 8
ADAPTED = (
    *("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"),
    *("conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv"),
)
"""Modules that the LoRA adapts, in all blocks of the UNet."""
SMALL = 4096
"""Elements of the tensors that a fingerprint is made of, at most."""
OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Attention of VAEs as older files spell it."""


def published(part: str) -> dict[str, Any]:
    """The published configuration of SDXL's "unet" or "vae"."""
    found: dict[str, Any] = json.loads((CONFIGS / f"sdxl_{part}.json").read_text())
    return found


def on_meta(part: str, config: Mapping[str, Any]) -> Any:
    """A UNet2DConditionModel ("unet") or AutoencoderKL ("vae") without memory for its weights."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    with torch.device("meta"):
        made = (UNet2DConditionModel if part == "unet" else AutoencoderKL).from_config(dict(config))
    return made.eval().requires_grad_(False)


def read_state(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The tensors of one or several .safetensors files (the shards of one network).

    Raises:
        InputError: a file that cannot be read, or a tensor that is in two.
    """
    from safetensors.torch import load_file

    state: dict[str, Tensor] = {}
    for path in paths:
        try:
            part = load_file(path)
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise InputError(f"{path}: cannot be read as safetensors ({said}); get the file again") from error
        if twice := state.keys() & part.keys():
            raise InputError(f"{path}: has {min(twice)}, which another shard has too")
        state |= part
    return state


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


def spelled(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A file's tensors under the names of `own`; the linear layers of old VAEs were convolutions of 1 px."""
    renamed = {_renamed(name): tensor for name, tensor in state.items()}
    return {n: t.reshape(own[n].shape) if _squeezes(own.get(n), t) else t for n, t in renamed.items()}


def _renamed(name: str) -> str:
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name


def _squeezes(own: Tensor | None, tensor: Tensor) -> bool:
    return own is not None and own.ndim == 2 and tensor.shape == (*own.shape, 1, 1)


def add_lora(unet: Any, rank: int = RANK, seed: int = 0) -> None:
    """Adapt a UNet in place: rank and alpha alike (scale 1), A Gaussian, B zero, so that nothing changes yet.

    Args:
        unet: UNet2DConditionModel; on the meta device nothing is drawn.
        rank: of all matrices.
        seed: of A; the global generator of torch is left as it was.
    """
    from peft import LoraConfig

    where = next(unet.parameters()).device
    config = LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=list(ADAPTED))
    with torch.random.fork_rng(devices=[]), torch.device(where):
        torch.manual_seed(seed)
        unet.add_adapter(config)


def parameters(module: nn.Module | Sequence[Tensor]) -> int:
    """How many numbers a module, or a list of tensors, has."""
    tensors = module.parameters() if isinstance(module, nn.Module) else module
    return sum(tensor.numel() for tensor in tensors)


def fingerprint(unet: Mapping[str, Tensor], vae: Mapping[str, Tensor]) -> str:
    """Which base these are, whatever precision and files they came in.

    sha256 of the names and half-precision values of all small tensors (biases, norms), 16 characters: the
    base's fp32 and fp16 files have the same, another fine-tuning has not.
    """
    digest = hashlib.sha256()
    for part, state in (("unet", unet), ("vae", vae)):
        renamed = {_renamed(name): tensor for name, tensor in state.items()}
        for name, tensor in sorted(renamed.items()):
            if tensor.numel() <= SMALL:
                digest.update(f"{part}.{name}".encode())
                digest.update(tensor.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
