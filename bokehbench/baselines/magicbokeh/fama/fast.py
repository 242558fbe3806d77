"""Masked attention as one attention for each region: the same numbers, without the matrix between them.

Two regions of n and N - n tokens cost n² + (N - n)² instead of N², and each is torch's fused attention
without a mask. Weights across regions are taken for 0, which exp(-100) is beside any weight within a region
in single precision, unless logits differ by as much.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from bokehbench.baselines.magicbokeh.fama.regions import Regions


def attention_fast(
    query: Tensor,  # [B, heads, N, d]
    key: Tensor,  # [B, heads, N, d]
    value: Tensor,  # [B, heads, N, d]
    regions: Regions | None,
    across: float,
) -> Tensor:  # [B, heads, N, d]
    """As `attention_reference`."""
    if regions is None or all(parts is not None and len(parts) == 1 for parts in regions.parts):
        return scaled_dot_product_attention(query, key, value)
    rows = []
    for number, parts in enumerate(regions.parts):
        q, k, v = (whole[number : number + 1] for whole in (query, key, value))
        if parts is None:
            rows.append(attention_masked(q, k, v, regions.picture(number), across))
        else:
            rows.append(_by_region(q, k, v, parts))
    return torch.cat(rows)


def attention_masked(query: Tensor, key: Tensor, value: Tensor, regions: Regions, across: float) -> Tensor:
    """As `attention_reference`, by torch's fused attention with a mask: for regions that are soft."""
    bias = regions.bias(across).to(query.dtype)
    return scaled_dot_product_attention(query, key, value, attn_mask=bias)


def _by_region(query: Tensor, key: Tensor, value: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
    """One picture [1, heads, N, d] whose regions have the tokens `parts`."""
    if len(parts) == 1:
        return scaled_dot_product_attention(query, key, value)
    order, sizes = torch.cat(parts), [len(part) for part in parts]
    regions = zip(*(whole[:, :, order].split(sizes, dim=2) for whole in (query, key, value)), strict=True)
    made = torch.cat([scaled_dot_product_attention(*region) for region in regions], dim=2)
    return made[:, :, torch.argsort(order)]
