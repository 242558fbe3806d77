"""PISA line by line, for reading and as the measure of the fast forms. Holds several N x N maps a head."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bokehbench.baselines.bokehdiff.pisa.chance import kept
from bokehbench.baselines.bokehdiff.pisa.inputs import prepare
from bokehbench.baselines.bokehdiff.pisa.mask import log_mask
from bokehbench.baselines.bokehdiff.pisa.occlusion import occlusion_map
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings

ALL = slice(None)


def normalised(log_weight: Tensor, dim: int) -> Tensor:
    """Weights that sum to 1 along `dim`; where all of them are 0 (a logarithm of −inf), zeros."""
    floor = torch.finfo(log_weight.dtype)
    weight = (log_weight - log_weight.amax(dim, keepdim=True).clamp(min=floor.min)).exp()
    return weight / weight.sum(dim, keepdim=True).clamp(min=floor.tiny)


def pisa_reference(
    query: Tensor,  # [B, heads, N, d]
    key: Tensor,  # [B, heads, N, d]
    value: Tensor,  # [B, heads, N, d]
    scene: Scene,
    grid: tuple[int, int],
    settings: PisaSettings,
    hardness: float,
    generator: torch.Generator | None = None,
) -> Tensor:  # [B, heads, N, d]
    """Physics-inspired self-attention of BokehDiff (Zhu et al., ICCV 2025).

    A key is a source of light and a query a place in the blurred picture. Each source's energy is shared out
    over the queries within its circle of confusion, and what is occluded on the way is lost:

        w_qk = exp(Q_q·K_k / √d) C_qk        A_qk = w_qk / Σ_s w_sk · (1 − O_qk)        out_q = Σ_k A_qk V_k

    Args:
        query: of half precision at least; computed in float32, or in float64 if given so.
        key: of the same shape.
        value: of the same shape.
        scene: disparity and radius of the pictures, B or one.
        grid: (h, w), N = h w tokens, row by row.
        settings: which parts, and how finely occlusion is sampled.
        hardness: of the mask's rim, more than 1 (`mask`).
        generator: on the CPU, for jitters and dropout; None for the fixed draw of inference.

    Returns:
        Of the type of `value`.

    Raises:
        ConfigError: shapes that do not fit; `compat` with a picture that is not square.
    """
    view, drawn, (query, key, wide) = prepare(query, key, value, scene, grid, settings, generator)
    batch, heads, tokens, channels = query.shape

    log_weight = query @ key.mT / math.sqrt(channels)
    if settings.coc:
        log_weight = log_weight + log_mask(view, hardness, ALL, ALL)[:, None]
    A = normalised(log_weight, dim=-2 if settings.query_softmax else -1)
    if settings.occlusion:
        A = A * (1.0 - occlusion_map(view, drawn.shifts, settings, hardness)[:, None])
    if settings.dropout:
        every = torch.arange(tokens, device=A.device)
        keep = kept(drawn.seed, settings.dropout, (batch, heads, tokens), every, every)
        A = A * keep / (1.0 - settings.dropout)
    return (A @ wide).to(value.dtype)
