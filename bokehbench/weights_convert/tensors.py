"""Tensors as views of storages: whether they lie inside, and their bytes in row-major order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import BinaryIO, Literal

from bokehbench.errors import InputError
from bokehbench.weights_convert.values import TensorAt

CHUNK = 1 << 22
CODES: dict[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""memoryview's code for numbers of so many bytes; they are only moved, so their type does not matter."""
MOST_DIMENSIONS = 8


def check(tensor: TensorAt) -> None:
    """A tensor must lie inside its storage and have each of its numbers once.

    Raises:
        InputError: it does not.
    """
    numbers = (tensor.offset, *tensor.shape, *tensor.strides)
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise InputError("has a tensor with a negative size, or one that is no number")
    if len(tensor.shape) != len(tensor.strides) or len(tensor.shape) > MOST_DIMENSIONS:
        raise InputError("has a tensor of more dimensions than strides, or of too many")
    if 0 in tensor.shape:
        return
    last = tensor.offset + sum(
        (size - 1) * step for size, step in zip(tensor.shape, tensor.strides, strict=True)
    )
    if last >= tensor.storage.count:
        raise InputError(
            f"has a tensor that reaches beyond the {tensor.storage.count} numbers of its storage"
        )
    reach = 0
    for step, size in sorted(zip(tensor.strides, tensor.shape, strict=True)):
        if size > 1 and step <= reach:
            raise InputError("has a tensor that overlaps itself")
        reach += (size - 1) * step


def count(tensor: TensorAt) -> int:
    """How many numbers it has."""
    return math.prod(tensor.shape)


def parts(file: BinaryIO, start: int, tensor: TensorAt) -> Iterator[bytes]:
    """The bytes of a tensor in row-major order, piece by piece.

    Args:
        file: of the checkpoint.
        start: where its storage begins.
        tensor: checked.

    Raises:
        InputError: the file ends before.
    """
    size = tensor.storage.item_bytes
    begin = start + tensor.offset * size
    if _is_row_major(tensor):
        yield from _bytes(file, begin, count(tensor) * size)
    elif count(tensor):
        steps = zip(tensor.shape, tensor.strides, strict=True)
        extent = 1 + sum((length - 1) * step for length, step in steps)
        items = memoryview(b"".join(_bytes(file, begin, extent * size))).cast(CODES[size])
        yield from _rows(items, tensor)


def _is_row_major(tensor: TensorAt) -> bool:
    expected = 1
    for size, step in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        if size != 1 and step != expected:
            return False
        expected *= size
    return True


def _bytes(file: BinaryIO, begin: int, length: int) -> Iterator[bytes]:
    file.seek(begin)
    while length:
        piece = file.read(min(length, CHUNK))
        if not piece:
            raise InputError("the file is cut short")
        length -= len(piece)
        yield piece


def _rows(items: memoryview, tensor: TensorAt) -> Iterator[bytes]:
    """Rows along the last dimension; `items` begins with the tensor's first number."""
    *outer, (length, step) = zip(tensor.shape, tensor.strides, strict=True)
    for place in itertools.product(*(range(0, size * move, move) if move else (0,) for size, move in outer)):
        begin = sum(place)
        yield items[begin : begin + (length - 1) * step + 1 : max(step, 1)].tobytes()
