"""Files of what a training changes: half precision, with all that builds the model around it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehbench import records
from bokehbench.errors import BokehbenchError, InputError


def write(path: Path, state: Mapping[str, Tensor], said: Mapping[str, Any]) -> None:
    """Write tensors in fp16 (single numbers in fp32) with a metadata entry `bokehbench`.

    Args:
        path: .safetensors.
        state: `trained_state` of a model.
        said: plain values that say what the model is made of.

    Raises:
        InputError: weights that are not finite in fp16.
    """
    from safetensors.torch import save as to_bytes

    half = {
        name: (tensor.half() if tensor.numel() > 1 else tensor.float()).cpu().contiguous()
        for name, tensor in state.items()
    }
    odd = [name for name, tensor in half.items() if not bool(torch.isfinite(tensor).all())]
    if odd:
        raise InputError(f"{path}: {odd[0]} has no finite values in fp16; the training has diverged")
    records.write_bytes(path, to_bytes(half, {"bokehbench": json.dumps(dict(said), sort_keys=True)}))


@contextlib.contextmanager
def described_by(path: Path) -> Iterator[None]:
    """InputError where what a file says of itself lacks something, or is of another kind."""
    try:
        yield
    except BokehbenchError:
        raise
    except KeyError as error:
        raise InputError(f"{path}: does not say {error}; get the file again") from error
    except (TypeError, ValueError, AttributeError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: describes no such model ({said}); get the file again") from error


def check_kind(path: Path, about: Mapping[str, Any], wanted: str) -> None:
    """InputError for a file of another kind of model."""
    if about.get("kind") != wanted:
        found = f"kind {about['kind']!r}" if about.get("kind") else "something else"
        raise InputError(f"{path}: holds weights of {found}, {wanted!r} is wanted here")


def check_base(path: Path, trained: Mapping[str, Any], here: Mapping[str, Any], command: str) -> None:
    """InputError for weights of another base than the one that is here.

    Args:
        path: file of the weights.
        trained: what they say of their base; without a fingerprint nothing is known.
        here: what is known about the base.
        command: that prepares a base.
    """
    if trained.get("fingerprint", "") not in ("", here["fingerprint"]):
        raise InputError(
            f"{path}: was trained on {trained['name']} ({trained['fingerprint']}), the base here is "
            f"{here['name']} ({here['fingerprint']}): prepare that one with {command}"
        )
