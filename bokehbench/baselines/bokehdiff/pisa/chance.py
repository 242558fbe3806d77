"""What is random in PISA: where rays are jittered to, and which weights are dropped.

Every weight's fate is a hash of the draw's seed and the weight's place, so that all forms, and a backward
pass that computes weights again, drop the same ones in whatever order they come.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bokehbench import rng
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings

MIX = ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1))
"""Shifts and multipliers of MurmurHash3's 32-bit finalizer (Appleby), a bijection that mixes all bits."""
KEYS = 0x9E3779B9
"""Sets the codes of keys apart from those of queries."""


@dataclass(frozen=True)
class Draw:
    """Random numbers of one call.

    Attributes:
        shifts: [jitters, N, 2], (x, y) by which the rays to each query are moved, tokens; the first are 0.
        seed: of the weights that are dropped, 32 bit.
    """

    shifts: Tensor
    seed: int


def generator_of(root: int, call: int) -> torch.Generator:
    """The generator of one call of PISA."""
    return torch.Generator().manual_seed(int(rng.stream(root, call, "pisa").integers(2**62)))


def draw(settings: PisaSettings, tokens: int, generator: torch.Generator | None) -> Draw:
    """Draws on the CPU, so that devices agree; without a generator the same each time."""
    generator = generator or generator_of(0, 0)
    shifts = torch.rand(settings.jitters - 1, tokens, 2, generator=generator) - 0.5
    seed = int(torch.randint(2**32, (), generator=generator))
    return Draw(torch.cat([torch.zeros(1, tokens, 2), shifts]), seed)


def signed(number: int) -> int:
    """The 32 bits of a number as int32 has them; its products and sums wrap like those of uint32."""
    return (number + 2**31) % 2**32 - 2**31


def bar(share: float) -> int:
    """What the code of a weight, read as int32, must reach for the weight to stay."""
    return int(share * 2**32) - 2**31


def _mixed(number: Tensor) -> Tensor:
    """In place, int32."""
    for shift, factor in MIX:
        number ^= (number >> shift) & (2 ** (32 - shift) - 1)  # int32 shifts its sign in, uint32 zeros
        number *= signed(factor)
    return number


def kept(seed: int, share: float, shape: tuple[int, int, int], rows: Tensor, columns: Tensor) -> Tensor:
    """Which weights stay: bool [B, heads, rows, columns].

    Args:
        seed: of the draw.
        share: of the weights that are dropped.
        shape: (B, heads, N).
        rows: [r], indices of queries.
        columns: [c], indices of keys.
    """
    batch, heads, tokens = shape
    plane = torch.arange(batch * heads, device=rows.device).view(batch, heads, 1)
    query = _mixed(_mixed((plane * tokens + rows).int()) ^ signed(seed))
    key = _mixed((columns + signed(KEYS)).int())
    return _mixed(query[..., None] + key) >= bar(share)
