"""What becomes of a checkpoint: its tensors under our names, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bokehbench.weights_convert.values import TensorAt


@dataclass
class Arranged:
    """What becomes of a checkpoint.

    Attributes:
        named: our name -> tensor.
        about: for the metadata of the result, as our own files have it.
        parts: how many tensors each part has.
        left_out: how many tensors, or which plain values, are not needed, and why.
    """

    named: dict[str, TensorAt]
    about: dict[str, Any]
    parts: dict[str, int]
    left_out: dict[str, str] = field(default_factory=dict)
