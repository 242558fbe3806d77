"""What is in focus and what is not, on the grid of tokens of any stage (methods spec A3.3)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

FOCUS = 0.1
"""Condition up to which a pixel counts as in focus: a blur radius of 3.2 px."""


@dataclass(frozen=True)
class Regions:
    """The two regions of pictures on a grid of N tokens, rows first.

    A region that a picture has may have no token on a coarse grid. All tokens would then be one region, and
    what they hold of the other would leak into it. For such a picture regions are soft: two tokens with
    shares s and t in focus belong together with probability s t + (1 - s)(1 - t), whose logarithm is added.

    Attributes:
        focus: [B, N] bool, the pixel at the token's corner is in focus (as in the released code).
        share: [B, N] float32, how much of a token's cell is in focus.
        soft: [B] bool, the picture has a region without any token.
    """

    focus: Tensor
    share: Tensor
    soft: Tensor

    @functools.cached_property
    def parts(self) -> list[tuple[Tensor, ...] | None]:
        """Of each picture the indices of the tokens of its regions, one or two; None where they are soft."""
        found: list[tuple[Tensor, ...] | None] = []
        for focus, soft in zip(self.focus, self.soft.tolist(), strict=True):
            both = focus.nonzero()[:, 0], (~focus).nonzero()[:, 0]
            found.append(None if soft else tuple(part for part in both if len(part)))
        return found

    def picture(self, number: int) -> Regions:
        """Those of one picture."""
        row = slice(number, number + 1)
        return Regions(self.focus[row], self.share[row], self.soft[row])

    def bias(
        self,
        across: float,
    ) -> Tensor:  # [B, 1, N, N], float32
        """What is added to the logits: 0 within a region and `across` between two, or the soft form."""
        same = self.focus[:, :, None] == self.focus[:, None, :]
        hard = torch.zeros(same.shape, device=same.device).masked_fill_(~same, across)
        if bool(self.soft.any()):
            s, t = self.share[:, :, None], self.share[:, None, :]
            # Positive: no token of such a picture is wholly in the region that has none.
            hard = torch.where(self.soft[:, None, None], (s * t + (1.0 - s) * (1.0 - t)).log(), hard)
        return hard[:, None]


def regions_of(
    condition: Tensor,  # [B, 1, H, W] in [0, 1]
    grid: tuple[int, int],
) -> Regions:
    """The regions of pictures on a grid (rows, columns) of tokens, each at most as fine as the pictures."""
    sharp = (condition.detach() <= FOCUS).float()
    focus = functional.interpolate(sharp, grid, mode="nearest").flatten(1) > 0.5
    share = functional.adaptive_avg_pool2d(sharp, grid).flatten(1)
    has_focus, has_blur = sharp.flatten(1).amax(1) > 0.5, sharp.flatten(1).amin(1) < 0.5
    empty = (has_focus & ~focus.any(1)) | (has_blur & focus.all(1))
    return Regions(focus, share, empty)
