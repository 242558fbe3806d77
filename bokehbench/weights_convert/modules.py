"""Tensors of what a pickle held: state dicts, and networks that were pickled as objects (by stand-ins)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bokehbench.errors import InputError
from bokehbench.weights_convert.values import StandIn, TensorAt

DEEPEST = 64
"""Networks in networks, at most: no network is so deep, and one that holds itself has no end."""
MOST_NETWORKS = 10_000
"""In one of TorchScript."""
TABLES = ("_parameters", "_buffers", "_modules")
"""Attributes of a network that hold its tensors, and the networks in it."""
WRAPPERS = ("module.", "_orig_mod.")
"""What training on several devices, or compiled, puts before every name."""


def state_dict(value: Any, what: str) -> dict[str, TensorAt]:
    """Name -> tensor of a state dict, or of a network's object as its own `state_dict()` would give it.

    Args:
        value: a dictionary of tensors, or a stand-in.
        what: it is, for errors.

    Raises:
        InputError: it is neither.
    """
    found = dict(_of_network(value, what)) if isinstance(value, StandIn) else value
    if not isinstance(found, dict) or not found:
        raise InputError(f"{what} is no state dict and no network")
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, TensorAt):
            raise InputError(f"{what} has {str(name)[:80]!r}, which is no tensor")
    for wrapper in WRAPPERS:
        if all(name.startswith(wrapper) for name in found):
            found = {name.removeprefix(wrapper): tensor for name, tensor in found.items()}
    return found


def _of_network(network: StandIn, what: str) -> Iterator[tuple[str, TensorAt]]:
    waiting: list[tuple[str, Any, int]] = [("", network, 0)]
    while waiting:
        prefix, module, depth = waiting.pop()
        state = _attributes(module)
        tables = [state.get(part) for part in TABLES]
        if not all(type(table) is dict for table in tables):
            raise InputError(f"{what}: {prefix or 'it'} is no network of torch")
        if depth > DEEPEST:
            raise InputError(f"{what}: a network that holds itself, or is nested too deep")
        parameters, buffers, children = (state[part] for part in TABLES)
        passing = state.get("_non_persistent_buffers_set")
        passing = passing if type(passing) is set else set()
        yield from ((f"{prefix}{n}", tensor) for n, tensor in parameters.items() if tensor is not None)
        kept = ((n, t) for n, t in buffers.items() if t is not None and n not in passing)
        yield from ((f"{prefix}{n}", tensor) for n, tensor in kept)
        waiting += [(f"{prefix}{n}.", child, depth + 1) for n, child in children.items() if child is not None]


def of_script(network: StandIn, what: str) -> dict[str, TensorAt]:
    """Name -> tensor of a network of TorchScript, whose tensors and networks are plain attributes.

    Args:
        network: by stand-ins.
        what: it is, for errors.

    Raises:
        InputError: it holds itself, or more networks than any has.
    """
    found: dict[str, TensorAt] = {}
    waiting: list[tuple[str, StandIn]] = [("", network)]
    for _ in range(MOST_NETWORKS):
        if not waiting:
            return found
        prefix, module = waiting.pop()
        for name, value in _attributes(module).items():
            if isinstance(value, TensorAt):
                found[f"{prefix}{name}"] = value
            elif isinstance(value, StandIn):
                waiting.append((f"{prefix}{name}.", value))
    raise InputError(f"{what} holds itself, or more than {MOST_NETWORKS} networks")


def _attributes(value: Any) -> dict[Any, Any]:
    """Of an object by its stand-in; empty for what is none."""
    return value.state if isinstance(value, StandIn) and type(value.state) is dict else {}


def passing_buffers(value: Any) -> set[TensorAt]:
    """Tensors of pickled networks that no state dict has: buffers which their code makes anew."""
    found: set[TensorAt] = set()
    for item in everything(value):
        state = _attributes(item)
        buffers, names = state.get("_buffers"), state.get("_non_persistent_buffers_set")
        if type(buffers) is dict and type(names) is set:
            found |= {t for n, t in buffers.items() if n in names and isinstance(t, TensorAt)}
    return found


def everything(value: Any) -> Iterator[Any]:
    """A value and all that it holds, each once, however deep and whatever holds itself."""
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list | tuple | set):
            waiting += item
        elif isinstance(item, StandIn):
            waiting += [item.arguments, item.state, item.items]
