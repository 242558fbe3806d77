"""How far a token's light reaches: the soft circle of confusion, and how it hardens while training."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

from bokehbench.baselines.bokehdiff.pisa.scene import TokenScene

SOFTNESS = 10.0
"""Pixels over which the rim's logit falls by ln(hardness)."""
START, LIMIT, INFERENCE = 3.0, 1e6, 1e7
"""Hardness at the first call of training, where it stops growing, and outside training."""


def hardness_after(calls: int) -> float:
    """Hardness of training after so many calls of PISA: it grows by 1 a call up to `LIMIT`."""
    return min(START + calls, LIMIT)


def log_mask(view: TokenScene, hardness: float, rows: slice, columns: slice) -> Tensor:
    """Logarithm of the CoC mask, [B, rows, columns]: at query q, how much of key k's light may arrive.

    C_qk = sigmoid(ln(hardness) (r_k − |x_q − x_k|) / 10 px): the key's own radius decides. As a logarithm it
    is finite at any hardness and distance.
    """
    depth = view.radius[:, None, columns] - view.distance(rows, columns)
    return functional.logsigmoid(math.log(hardness) / SOFTNESS * depth)
