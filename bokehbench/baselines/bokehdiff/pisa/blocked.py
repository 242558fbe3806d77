"""PISA by blocks, on any device: the contract of `reference` with memory for N x block weights a head.

Weights are normalised along one axis and independent along the other, so that a block of keys (with ordinary
softmax, of queries) is whole in itself. The backward pass computes each block again. Occlusion is looked up
only where a weight is left to be occluded, which within circles of confusion are few pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from bokehbench.baselines.bokehdiff.pisa.chance import Draw, kept
from bokehbench.baselines.bokehdiff.pisa.inputs import prepare
from bokehbench.baselines.bokehdiff.pisa.mask import log_mask
from bokehbench.baselines.bokehdiff.pisa.occlusion import occlusion_of_pairs
from bokehbench.baselines.bokehdiff.pisa.scene import Scene, TokenScene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings

WEIGHTS = 2**19
"""Weights that are held at a time, over batch and heads; larger blocks are no faster."""
NEGLIGIBLE = 1e-9
"""A weight below this, of a source's energy 1, is not looked at for occlusion."""
NOTHING = 1e-20
"""A weight below this, of the largest of its line, is 0: with denormal numbers processors are slow."""


@dataclass(frozen=True)
class _Call:
    """One call of PISA, less its tensors."""

    view: TokenScene
    drawn: Draw
    settings: PisaSettings
    hardness: float

    def blocks(self, planes: int) -> Iterator[tuple[slice, slice]]:
        """Rows (queries) and columns (keys) of each block: all along the axis that is normalised."""
        tokens = self.view.tokens
        step = max(16, WEIGHTS // (planes * tokens))
        for first in range(0, tokens, step):
            part = slice(first, min(first + step, tokens))
            yield (slice(0, tokens), part) if self.settings.query_softmax else (part, slice(0, tokens))

    @property
    def axis(self) -> int:
        """The axis of a block along which its weights sum to 1."""
        return -2 if self.settings.query_softmax else -1

    def weights(
        self, query: Tensor, key: Tensor, rows: slice, columns: slice
    ) -> tuple[Tensor, Tensor | None]:
        """Normalised weights A [B, heads, r, c] of a block, and what they are multiplied by afterwards."""
        log_weight = query[:, :, rows] @ key[:, :, columns].mT / math.sqrt(query.shape[-1])
        if self.settings.coc:
            log_weight += log_mask(self.view, self.hardness, rows, columns)[:, None]
        A = _normalised(log_weight, self.axis)
        gain: Tensor | None = None
        if self.settings.occlusion:
            gain = self._occlusion(A, rows, columns)[:, None].to(A.dtype).neg_().add_(1.0)
        if self.settings.dropout:
            token = torch.arange(self.view.tokens, device=A.device)
            shape = (query.shape[0], query.shape[1], self.view.tokens)
            keep = kept(self.drawn.seed, self.settings.dropout, shape, token[rows], token[columns])
            scale = 1.0 / (1.0 - self.settings.dropout)
            gain = keep * (scale if gain is None else gain.mul_(scale))
        return A, gain

    def _occlusion(self, A: Tensor, rows: slice, columns: slice) -> Tensor:
        """O of a block, [B, r, c]; 0 where no head has a weight to lose."""
        heaviest = A.amax(1)
        found = torch.zeros_like(heaviest, dtype=torch.float32)
        for item, weight in enumerate(heaviest):
            r, c = (weight > NEGLIGIBLE).nonzero(as_tuple=True)
            found[item, r, c] = occlusion_of_pairs(
                self.view,
                item,
                r + rows.start,
                c + columns.start,
                self.drawn.shifts,
                self.settings,
                self.hardness,
            )
        return found


def _normalised(log_weight: Tensor, dim: int) -> Tensor:
    """`reference.normalised`, in place."""
    floor = torch.finfo(log_weight.dtype)
    weight = log_weight.sub_(log_weight.amax(dim, keepdim=True).clamp_(min=floor.min)).exp_()
    functional.threshold_(weight, NOTHING, 0.0)
    return weight.div_(weight.sum(dim, keepdim=True).clamp_(min=floor.tiny))


class _Blocked(torch.autograd.Function):
    """Forward and backward by blocks; keeps query, key and value only."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, call: _Call) -> Tensor:
        ctx.save_for_backward(query, key, value)
        ctx.call = call
        out = torch.zeros_like(value)
        for rows, columns in call.blocks(query.shape[0] * query.shape[1]):
            A, gain = call.weights(query, key, rows, columns)
            out[:, :, rows] += (A if gain is None else A.mul_(gain)) @ value[:, :, columns]
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value = ctx.saved_tensors
        call: _Call = ctx.call
        scale = 1.0 / math.sqrt(query.shape[-1])
        d_query, d_key, d_value = (torch.zeros_like(part) for part in (query, key, value))
        with torch.autocast(query.device.type, enabled=False):
            for rows, columns in call.blocks(query.shape[0] * query.shape[1]):
                A, gain = call.weights(query, key, rows, columns)
                d_A = grad[:, :, rows] @ value[:, :, columns].mT
                d_value[:, :, columns] += (A if gain is None else A * gain).mT @ grad[:, :, rows]
                d_A = A * (d_A if gain is None else d_A.mul_(gain))
                d_log = d_A.sub_(A.mul_(d_A.sum(call.axis, keepdim=True))).mul_(scale)
                d_query[:, :, rows] += d_log @ key[:, :, columns]
                d_key[:, :, columns] += d_log.mT @ query[:, :, rows]
        return d_query, d_key, d_value, None


def pisa_blocked(
    query: Tensor,  # [B, heads, N, d]
    key: Tensor,  # [B, heads, N, d]
    value: Tensor,  # [B, heads, N, d]
    scene: Scene,
    grid: tuple[int, int],
    settings: PisaSettings,
    hardness: float,
    generator: torch.Generator | None = None,
) -> Tensor:  # [B, heads, N, d]
    """`reference.pisa_reference`, to rounding and to `NEGLIGIBLE` of each source's energy; see there."""
    view, drawn, wide = prepare(query, key, value, scene, grid, settings, generator)
    with torch.autocast(query.device.type, enabled=False):
        out: Tensor = _Blocked.apply(*wide, _Call(view, drawn, settings, hardness))
    return out.to(value.dtype)
