"""Writing safetensors piece by piece: eight bytes of length, a JSON header, the numbers without holes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

from bokehbench.weights_convert import tensors
from bokehbench.weights_convert.container import Checkpoint
from bokehbench.weights_convert.values import TensorAt

ABOUT = "bokehbench"
"""Name in the metadata of what is said about the weights, as JSON."""


def write(
    out: BinaryIO,
    source: BinaryIO,
    checkpoint: Checkpoint,
    named: Mapping[str, TensorAt],
    about: Mapping[str, Any],
) -> None:
    """Write tensors under their names; equal content makes equal bytes.

    Args:
        out: the result.
        source: the file that `checkpoint` was read from.
        checkpoint: says where the storages are.
        named: name -> tensor.
        about: plain values for the metadata.
    """
    # Wide numbers first, so that each begins at a multiple of its width.
    order = sorted(named, key=lambda name: (-named[name].storage.item_bytes, name))
    header: dict[str, Any] = {"__metadata__": {ABOUT: json.dumps(about, sort_keys=True)}}
    end = 0
    for name in order:
        begin, end = end, end + size(named[name])
        tensor = named[name]
        header[name] = {
            "dtype": tensor.storage.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    out.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        for part in tensors.parts(source, checkpoint.starts[named[name].storage.key], named[name]):
            out.write(part)


def size(tensor: TensorAt) -> int:
    """Bytes of a tensor in the result."""
    return tensors.count(tensor) * tensor.storage.item_bytes
