"""Files of a stage: what a run goes on from, and weights alone; all of them atomic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehbench.errors import InputError
from bokehbench.records import atomic_path, sha256_bytes, write_bytes

STATE = "last.pt"
"""All that a stage goes on from."""
LAST, BEST = "last.safetensors", "best.safetensors"
"""Weights of the newest checkpoint, and of the best validation."""
ABOUT = "bokehbench"
"""Name of what is said about weights in their file."""


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Tensors, numbers, text, lists and dictionaries of these."""
    with atomic_path(path) as part:
        torch.save(dict(state), part)


def load_state(path: Path) -> dict[str, Any]:
    """Inverse of `save_state`; nothing else is unpickled. InputError for a file of something else."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"{path}: not a checkpoint that can be read ({' '.join(str(error).split())[:120]}); "
            "delete it to start the stage again"
        ) from error
    if not isinstance(state, dict) or "standing" not in state:
        raise InputError(f"{path}: not a checkpoint of bokehbench train; delete it to start the stage again")
    return state


def save_weights(path: Path, weights: Mapping[str, Tensor], about: Mapping[str, Any] | None = None) -> None:
    """fp32 safetensors; equal weights, and equal plain values about them, make equal bytes."""
    from safetensors.torch import save

    tensors = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    # One entry: safetensors writes several in any order.
    write_bytes(path, save(tensors, {ABOUT: json.dumps(about or {}, sort_keys=True)}))


def about_weights(path: Path) -> dict[str, Any]:
    """What `save_weights` was told about them: of which step they are, and their score."""
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as opened:
            return dict(json.loads((opened.metadata() or {}).get(ABOUT, "{}")))
    except Exception as error:
        raise _unreadable(path, error) from error


def load_weights(path: Path) -> dict[str, Tensor]:
    """Inverse of `save_weights`."""
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    said = " ".join(str(error).split())[:120]
    return InputError(f"{path}: not weights that can be read ({said}); train this stage first")


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """Digest of names and values."""
    parts = [name.encode() + weights[name].detach().cpu().numpy().tobytes() for name in sorted(weights)]
    return sha256_bytes(b"\0".join(parts))


def random_state() -> dict[str, Any]:
    """Where torch's random numbers stand."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: Mapping[str, Any]) -> None:
    """Inverse of `random_state`."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
