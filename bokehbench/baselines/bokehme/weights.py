"""Weights of BokehMe's networks: our file, or the authors' two, which nothing of theirs is run to read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bokehbench import weights
from bokehbench.baselines.bokehme.neural import NeuralRenderer
from bokehbench.errors import InputError

SHIPPED = Path(__file__).parent / "trained"
"""Weights that come with the package, with their card."""
OURS = ("bokehme.safetensors",)
OFFICIAL = ("arnet.pth", "iunet.pth")
OFFICIAL_SOURCE = "the authors' release (https://github.com/JuewenPeng/BokehMe, checkpoints/)"


def locate(files: Sequence[str]) -> dict[str, Path]:
    """File name in the spec -> the file; Unavailable, with what to do, where one is missing or no card's."""
    source = OFFICIAL_SOURCE if tuple(files) == OFFICIAL else ""
    return {file: weights.find(file, SHIPPED, source) for file in files}


def sha256(files: Sequence[str]) -> dict[str, str]:
    """File name in the spec -> sha256; InputError for a file of other networks, before it renders.

    Of a file of ours the names of its tensors are read; the authors' are known when they are loaded.
    """
    paths = locate(files)
    for path in paths.values():
        if path.suffix == ".safetensors":
            networks = {name.partition(".")[0] for name in _header(path)[1]}
            if networks != {"arnet", "iunet"}:
                raise InputError(f"{path}: not weights of BokehMe: its tensors are not ARNet's and IUNet's")
    return {name: weights.sha256(path) for name, path in paths.items()}


def load(model: NeuralRenderer, files: Sequence[str]) -> NeuralRenderer:
    """Fill the model with weights; every tensor has to be there, and none may be left over.

    Args:
        model: changed in place, and returned.
        files: `OURS` or `OFFICIAL`.

    Raises:
        Unavailable: a file is missing.
        InputError: a file that does not hold these networks.
    """
    paths = locate(files)
    if len(files) == 1:
        _fill(model, _read(paths[files[0]]), paths[files[0]])
        return model
    for network, path in zip((model.arnet, model.iunet), paths.values(), strict=True):
        _fill_by_order(network, _read(path), path)
    return model


def trained_variant(files: Sequence[str]) -> str | None:
    """Which variant of Table 3 weights were trained as, by their own metadata; None where they do not say."""
    path = locate(files)[files[0]]
    if path.suffix != ".safetensors":
        return None
    about, _ = _header(path)
    variant = about.get("variant") if isinstance(about, dict) else None
    return variant if isinstance(variant, str) else None


def save(model: NeuralRenderer, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a file that `load` reads: fp16, tensors named ``arnet.…`` and ``iunet.…``."""
    from safetensors.torch import save as to_bytes

    from bokehbench.records import write_bytes

    half = {name: tensor.detach().half().contiguous() for name, tensor in model.state_dict().items()}
    write_bytes(path, to_bytes(half, dict(metadata or {})))


def _header(path: Path) -> tuple[Any, list[str]]:
    """What a .safetensors file says of itself, and the names of its tensors."""
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as opened:
            return json.loads((opened.metadata() or {}).get("bokehbench", "{}")), list(opened.keys())
    except Exception as error:
        raise _unreadable(path, error) from error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        # Tensors alone: a pickle may be anybody's program.
        return _state(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    said = " ".join(str(error).split())[:200]
    return InputError(f"{path}: cannot be read as weights ({said}); get the file again")


def _state(content: Any) -> dict[str, Tensor]:
    """The tensors of a checkpoint, however deep they lie: alone, or beside the epoch and an optimiser."""
    if isinstance(content, Mapping):
        tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
        if tensors and len(tensors) == len(content):
            return tensors
        for name in ("model", "state_dict", "params"):
            if name in content:
                return _state(content[name])
    raise ValueError("no dictionary of tensors in it")


def _fill(model: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    wanted = {name: tensor.shape for name, tensor in model.state_dict().items()}
    found = {name: tensor.shape for name, tensor in state.items()}
    if wanted != found:
        odd = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
        raise InputError(f"{path}: not weights of BokehMe: {len(odd)} tensors differ, the first is {odd[0]}")
    _refuse_invalid(state, path)
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()})


def _fill_by_order(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Other names, the same networks: tensors are matched one after the other, each by its shape.

    Both networks are a chain of convolutions, weight and bias each, which a checkpoint lists from the first
    to the last.
    """
    own = network.state_dict()
    if [tensor.shape for tensor in own.values()] != [tensor.shape for tensor in state.values()]:
        raise InputError(
            f"{path}: not weights of BokehMe's {type(network).__name__}: it has {len(state)} tensors, "
            f"{len(own)} of other shapes or in another order are needed"
        )
    _refuse_invalid(state, path)
    renamed = {name: tensor.float() for name, tensor in zip(own, state.values(), strict=True)}
    network.load_state_dict(renamed)


def _refuse_invalid(state: Mapping[str, Tensor], path: Path) -> None:
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"{path}: {name} has values that are not finite; get the file again")
