"""Masked attention as its formula says it, with the whole matrix in memory: slow, and easy to check."""

from __future__ import annotations

from torch import Tensor

from bokehbench.baselines.magicbokeh.fama.regions import Regions


def attention_reference(
    query: Tensor,  # [B, heads, N, d]
    key: Tensor,  # [B, heads, N, d]
    value: Tensor,  # [B, heads, N, d]
    regions: Regions | None,
    across: float,
) -> Tensor:  # [B, heads, N, d]
    """softmax(Q K^T / sqrt(d) + M) V; no regions: M = 0.

    Computed in float32 whatever comes in; the answer has the kind of `value`.
    """
    logits = query.float() @ key.float().transpose(-1, -2) * query.shape[-1] ** -0.5
    if regions is not None:
        logits = logits + regions.bias(across)
    return (logits.softmax(dim=-1) @ value.float()).to(value.dtype)
