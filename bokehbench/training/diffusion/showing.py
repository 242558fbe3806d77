"""Pictures of held-out pairs for TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SHOWN = 3
"""Held-out pictures that TensorBoard is given."""


def shown(picture: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]."""
    return (picture + 1.0) / 2.0


def table(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """Pictures [1, 3, H, W] in [-1, 1], a list each row -> one picture [3, rows H, columns W] in [0, 1]."""
    lines = [torch.cat([shown(one[0]).clamp(0.0, 1.0).cpu() for one in row], dim=-1) for row in rows]
    return torch.cat(lines, dim=-2)
