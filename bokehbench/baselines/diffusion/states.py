"""Tensors by name: read from files, spelled as the networks here, checked, and told apart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from bokehbench.errors import InputError

SMALL = 4096
"""Elements of the tensors that a fingerprint is made of, at most."""
OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Attention of VAEs as older files spell it."""
ADAPTER = re.compile(r"\.(lora_[AB])\.[^.]+\.weight$")
"""peft's name of a LoRA matrix, with the name of the adapter in it."""


def check_keys(own: Mapping[str, Tensor], state: Mapping[str, Tensor], what: str) -> None:
    """Every tensor accounted for.

    Raises:
        InputError: `state` has not the names and shapes of `own`, or values that are not finite; names them.
    """
    faults = {
        "missing": [name for name in own if name not in state],
        "left over": [name for name in state if name not in own],
        "of another shape": [n for n, t in state.items() if n in own and own[n].shape != t.shape],
        "not finite": [n for n, t in state.items() if n in own and not bool(torch.isfinite(t).all())],
    }
    said = [
        f"{len(n)} {fault} ({', '.join(sorted(n)[:3])}{' …' if len(n) > 3 else ''})"
        for fault, n in faults.items()
        if n
    ]
    if said:
        raise InputError(f"not {what}: tensors {'; '.join(said)}")


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


def spelled(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A file's tensors under the names of `own`; the linear layers of old VAEs were convolutions of 1 px."""
    renamed = {_renamed(name): tensor for name, tensor in state.items()}
    return {n: t.reshape(own[n].shape) if _squeezes(own.get(n), t) else t for n, t in renamed.items()}


def without_adapter(name: str) -> str:
    """peft's name of a LoRA matrix without the name of the adapter."""
    return ADAPTER.sub(r".\1.weight", name)


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


def _renamed(name: str) -> str:
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name


def _squeezes(own: Tensor | None, tensor: Tensor) -> bool:
    return own is not None and own.ndim == 2 and tensor.shape == (*own.shape, 1, 1)
