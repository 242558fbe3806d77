"""Files of the comparators' weights: one a method, fp16, with all that builds the network around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from bokehbench import weights
from bokehbench.baselines.diffusion import trained
from bokehbench.baselines.diffusion.basefolder import metadata
from bokehbench.baselines.diffusion.states import check_keys, read_state
from bokehbench.errors import InputError

N = TypeVar("N", bound=nn.Module)


def locate(method: str) -> dict[str, Path]:
    """File name in the spec -> the file; Unavailable, with what to do, where it is missing or no card's.

    Args:
        method: whose file it is, `deepfocus`; its weights ship in `trained` of its folder.
    """
    file = f"{method}.safetensors"
    shipped = Path(__file__).parent.parent / method / "trained"
    return {file: weights.find(file, shipped)}


def sha256(method: str) -> dict[str, str]:
    """File name in the spec -> sha256; InputError for a file of something else, before it renders."""
    paths = locate(method)
    for path in paths.values():
        trained.check_kind(path, metadata(path), method)
    return {name: weights.sha256(path) for name, path in paths.items()}


def save(
    network: nn.Module, path: Path, method: str, config: Mapping[str, Any], more: Mapping[str, Any]
) -> None:
    """Write a file that `load` reads.

    Args:
        network: after training.
        path: .safetensors.
        method: of it.
        config: plain values that build the network.
        more: what else the file says.

    Raises:
        InputError: weights that are not finite in fp16.
    """
    said = {**more, "kind": method, "config": dict(config)}
    trained.write(path, network.state_dict(), said)


def load(method: str, build: Callable[[Mapping[str, Any]], N]) -> N:
    """The network with its weights, in eval mode, on the CPU.

    Args:
        method: as `locate`.
        build: makes it of `config`; its weights do not matter.

    Raises:
        Unavailable: the file is missing.
        InputError: a file of something else.
    """
    (path,) = locate(method).values()
    about = metadata(path)
    trained.check_kind(path, about, method)
    try:
        network = build(about["config"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: its metadata builds no network ({error}); get the file again") from error
    state = read_state([path])
    try:
        check_keys(network.state_dict(), state, f"weights of {method}")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return network.eval().requires_grad_(False)
