"""PISA on CUDA, in Triton: the contract of `reference` with no weights in memory, forward and backward.

Why not flex-attention: it normalises over keys only, so that energy conservation would need a second pass
that undoes its softmax, and it has no dropout. Here the logarithm of each source's sum is found first, and
then every pass computes the weights that it needs, tile by tile. What is blocked is counted once a call for
all heads ([B, N, N] int16). The order is fixed and nothing is added atomically: two runs give the same bits.

Half precision stays so in products of matrices, which add up in float32; float32 is not rounded to TF32.
Under TRITON_INTERPRET=1 the same kernels run on the CPU, slowly: that is how they are tested without a GPU.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor
from torch.autograd.function import once_differentiable

from bokehbench.baselines.bokehdiff.pisa.chance import KEYS, Draw, bar
from bokehbench.baselines.bokehdiff.pisa.inputs import prepare
from bokehbench.baselines.bokehdiff.pisa.kernel import accumulate, count_blocked, normalisers
from bokehbench.baselines.bokehdiff.pisa.mask import LIMIT, SOFTNESS
from bokehbench.baselines.bokehdiff.pisa.occlusion import MOST, positions
from bokehbench.baselines.bokehdiff.pisa.scene import FINER, Scene, TokenScene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.errors import Unavailable

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
BLOCK = 16 if INTERPRETED else 32
"""Tokens along the side of a tile."""


@dataclass(frozen=True)
class _Call:
    """One call of PISA, less its tensors."""

    view: TokenScene
    drawn: Draw
    settings: PisaSettings
    hardness: float

    def blocked(self) -> Tensor:
        """Number of blocked rays of each pair, [B, N, N] int16; one entry where occlusion is off."""
        view, settings = self.view, self.settings
        batch, tokens = view.disparity.shape
        device = view.disparity.device
        if not settings.occlusion:
            return torch.zeros(1, dtype=torch.int16, device=device)
        counts = torch.empty(batch, tokens, tokens, dtype=torch.int16, device=device)
        across = triton.cdiv(tokens, BLOCK)
        count_blocked[(across, across, batch)](
            view.disparity.contiguous(),
            view.fine.contiguous(),
            self.drawn.shifts.contiguous(),
            positions(settings.samples, device),
            counts,
            tokens,
            *view.grid,
            SAMPLES=settings.samples,
            JITTERS=settings.jitters,
            FINER=FINER,
            COMPAT=settings.compat,
            BLOCK=BLOCK,
        )
        return counts

    def normalisers(self, query: Tensor, key: Tensor) -> Tensor:
        """Logarithm of the sum of weights of each line that is normalised, [B, heads, N]."""
        lse = torch.empty(query.shape[:3], dtype=torch.float32, device=query.device)
        normalisers[self._programs(query)](
            query, key, self.view.radius.contiguous(), lse, *self._numbers(query), **self._parts(query)
        )
        return lse

    def product(
        self,
        tensors: tuple[Tensor, Tensor, Tensor, Tensor],  # query, key, value, gradient of the output
        lse: Tensor,
        inner: Tensor,
        blocked: Tensor,
        *,
        columns: bool,
        gradient: bool,
    ) -> Tensor:
        """What `kernel.accumulate` says, float32."""
        result = torch.empty(tensors[0].shape, dtype=torch.float32, device=lse.device)
        accumulate[self._programs(result)](
            *tensors,
            result,
            self.view.radius.contiguous(),
            lse,
            inner,
            blocked,
            torch.tensor([self.drawn.seed], device=lse.device),
            *self._numbers(result),
            MOST if self.hardness < LIMIT else 1.0,
            bar(self.settings.dropout),
            **self._parts(result),
            JITTERS=self.settings.jitters,
            OCCLUSION=self.settings.occlusion,
            DROPOUT=self.settings.dropout,
            KEYS=KEYS,
            COLUMNS=columns,
            GRADIENT=gradient,
        )
        return result

    def _programs(self, query: Tensor) -> tuple[int, int]:
        return triton.cdiv(query.shape[2], BLOCK), query.shape[0] * query.shape[1]

    def _numbers(self, query: Tensor) -> tuple[int | float, ...]:
        _, heads, tokens, channels = query.shape
        scale, slope = 1.0 / math.sqrt(channels), math.log(self.hardness) / SOFTNESS
        return tokens, channels, heads, self.view.grid[1], *self.view.pitch, scale, slope

    def _parts(self, query: Tensor) -> dict[str, int | bool]:
        width = max(16, triton.next_power_of_2(query.shape[3]))
        return {"COC": self.settings.coc, "BY_KEY": self.settings.query_softmax, "BLOCK": BLOCK, "D": width}


class _Fused(torch.autograd.Function):
    """Forward and backward; between them the sums of weights and what is blocked are kept."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, call: _Call) -> Tensor:
        blocked, lse = call.blocked(), call.normalisers(query, key)
        tensors = (query, key, value, value)
        out = call.product(tensors, lse, lse, blocked, columns=False, gradient=False)
        ctx.save_for_backward(query, key, value, out, lse, blocked)
        ctx.call = call
        return out.to(value.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value, out, lse, blocked = ctx.saved_tensors
        call: _Call = ctx.call
        tensors = (query, key, value, grad.contiguous())
        d_value = call.product(tensors, lse, lse, blocked, columns=True, gradient=False)
        # Along a normalised line, the sum of weights times their gradients.
        ends = (value, d_value) if call.settings.query_softmax else (grad, out)
        inner = (ends[0].float() * ends[1].float()).sum(-1).contiguous()
        d_query = call.product(tensors, lse, inner, blocked, columns=False, gradient=True)
        d_key = call.product(tensors, lse, inner, blocked, columns=True, gradient=True)
        return d_query.to(query.dtype), d_key.to(key.dtype), d_value.to(value.dtype), None


def pisa_triton(
    query: Tensor,  # [B, heads, N, d]
    key: Tensor,  # [B, heads, N, d]
    value: Tensor,  # [B, heads, N, d]
    scene: Scene,
    grid: tuple[int, int],
    settings: PisaSettings,
    hardness: float,
    generator: torch.Generator | None = None,
) -> Tensor:  # [B, heads, N, d]
    """`reference.pisa_reference` of tensors on an NVIDIA GPU; see there. Float64 is computed in float32.

    Raises:
        Unavailable: no CUDA tensors (and TRITON_INTERPRET=1 was not set at the start).
    """
    if query.device.type != "cuda" and not INTERPRETED:
        raise Unavailable(
            "the Triton form of PISA needs an NVIDIA GPU and tensors on it; take form='auto' or 'blocked'"
        )
    view, drawn, wide = prepare(query, key, value, scene, grid, settings, generator)
    half = query.dtype == key.dtype == value.dtype and query.dtype in (torch.bfloat16, torch.float16)
    tensors = (query, key, value) if half else tuple(part.float() for part in wide)
    with torch.cuda.device_of(query):
        out: Tensor = _Fused.apply(
            *(part.contiguous() for part in tensors), _Call(view, drawn, settings, hardness)
        )
    return out.to(value.dtype)
