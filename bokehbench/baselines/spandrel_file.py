"""Networks of published weight files, as spandrel recognises them by the names and shapes of their tensors.

A pickle is read by torch's `weights_only`, which runs nothing of it; what a file is known by is its sha256.
"""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from bokehbench.errors import InputError


def load(path: Path) -> Any:
    """A spandrel descriptor of the network, on the CPU.

    Args:
        path: .safetensors, or what torch.save writes.

    Raises:
        InputError: not weights, or not of a network that spandrel knows.
    """
    from spandrel import ModelLoader, UnsupportedModelError, canonicalize_state_dict

    try:
        return ModelLoader("cpu").load_from_state_dict(canonicalize_state_dict(_state(path)))
    except UnsupportedModelError as error:
        raise InputError(f"{path}: not weights of a network that spandrel knows") from error
    except (KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: its weights fit no network of spandrel: {said}") from error


def _state(path: Path) -> Any:
    """Names and tensors of a file."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with warnings.catch_warnings():  # of TorchScript, which torch then refuses
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"{path}: has more in it than tensors, and is not read; take safetensors") from error
    except Exception as error:  # what a damaged file gives is not documented
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"{path}: not a file of weights ({said})") from error
