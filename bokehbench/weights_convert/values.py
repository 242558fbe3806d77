"""What a pickle is read into: plain containers and numbers, and these. Nothing here can be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DTYPES = {
    "DoubleStorage": ("F64", 8),
    "FloatStorage": ("F32", 4),
    "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8),
    "IntStorage": ("I32", 4),
    "ShortStorage": ("I16", 2),
    "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1),
}
"""torch's class of a storage -> (safetensors' name of its numbers, bytes of one)."""


@dataclass(frozen=True)
class Name:
    """A class, function or constant that a pickle names. It is never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class StandIn:
    """In place of an object of a named class: what the pickle would have given it, kept as data.

    Attributes:
        of: its class.
        arguments: of its constructor.
        state: of `__setstate__`, or for its attributes.
        items: of an object that is a dictionary.
    """

    of: Name
    arguments: tuple[Any, ...] = ()
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Storage:
    """Numbers of one type that lie in the file under a key."""

    key: str
    dtype: str
    item_bytes: int
    count: int


@dataclass(frozen=True)
class TensorAt:
    """A dense tensor: a view of a storage; offset and strides in items, checked by `tensors.check`."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
