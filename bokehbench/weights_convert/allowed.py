"""The names that a checkpoint may use, and what each of them makes: data, always.

`called` is all that stands for a call in a pickle: a table of functions of ours for what torch.save writes
(tensors, dictionaries, sizes), and a stand-in for the classes of networks. Any other name is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bokehbench.errors import InputError
from bokehbench.weights_convert import tensors
from bokehbench.weights_convert.values import DTYPES, Name, StandIn, Storage, TensorAt

NETWORKS = ("torch.nn.", "diffusers.", "peft.", "models.", "__torch__.")
"""Modules whose classes and functions become stand-ins: `models` is that of MagicBokeh's code, `__torch__`
what TorchScript puts before the name of every class."""
INERT = {
    *("torch.float16", "torch.bfloat16", "torch.float32", "torch.float64", "torch.int64", "torch.int32"),
    *("torch.int16", "torch.int8", "torch.uint8", "torch.bool", "torch.contiguous_format"),
    *("functools.partial", "torch.utils.checkpoint.checkpoint"),
    *(f"torch.{name}" for name in DTYPES),
}
"""Single names besides, which are data as well."""


def named(module: Any, name: Any) -> Name:
    """What a pickle names, as data.

    Raises:
        InputError: a name that no checkpoint of a network needs.
    """
    if not isinstance(module, str) or not isinstance(name, str):
        raise InputError("names something by what is no text")
    found = Name({"__builtin__": "builtins"}.get(module, module), name)
    parts = [*module.split("."), name]
    known = str(found) in CALLS or str(found) in INERT or f"{module}.".startswith(NETWORKS)
    if not known or not all(part.isidentifier() for part in parts):
        raise InputError(f"asks for {str(found)[:120]!r}, which no checkpoint of a network needs")
    return found


def called(function: Any, arguments: Any) -> Any:
    """The result of a call in a pickle, without one.

    Raises:
        InputError: arguments that do not fit, or a call of something that has no meaning.
    """
    if not isinstance(function, Name) or not isinstance(arguments, tuple):
        raise InputError("calls something that has no name")
    make = CALLS.get(str(function))
    if make is None:
        return StandIn(function, arguments)
    try:
        return make(*arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"gives {function} arguments that it does not take") from error


def _tensor(
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    requires_grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
) -> TensorAt:
    if hooks or metadata:
        raise InputError("has a tensor with hooks or a conjugate view, which are not converted")
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise InputError("has a tensor without a storage or a size")
    tensor = TensorAt(storage, offset, shape, strides)
    tensors.check(tensor)
    return tensor


def _parameter(data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> TensorAt:
    if not isinstance(data, TensorAt) or hooks:
        raise InputError("has a parameter that is no tensor, or has hooks")
    return data


def _dictionary(pairs: Any = ()) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in _sequence(pairs):
        found[hashable(key)] = value
    return found


def _set(items: Any = ()) -> set[Any]:
    return {hashable(item) for item in _sequence(items)}


def _sequence(items: Any) -> Any:
    if not isinstance(items, list | tuple):
        raise TypeError
    return items


def hashable(key: Any) -> Any:
    """A key of a dictionary or set: text or a number. Nested tuples would be hashed without a limit."""
    if not isinstance(key, str | int | float | None):
        raise InputError("has a dictionary or set with keys other than text and numbers")
    return key


def _size(items: Any = ()) -> tuple[Any, ...]:
    return tuple(_sequence(items))


def _device(*parts: Any) -> str:
    if not all(isinstance(part, str | int) for part in parts):
        raise TypeError
    return ":".join(str(part)[:20] for part in parts)


def _encoded(text: Any, encoding: Any) -> bytes:
    """How pickles of protocol 2 spell bytes."""
    if not isinstance(text, str) or encoding != "latin1":
        raise TypeError
    return text.encode("latin1")


CALLS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "collections.OrderedDict": _dictionary,
    "builtins.dict": _dictionary,
    "builtins.set": _set,
    "builtins.frozenset": _set,
    "torch.Size": _size,
    "torch.device": _device,
    "_codecs.encode": _encoded,
}
"""Name in a pickle -> what stands for a call of it."""
