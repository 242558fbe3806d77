"""Discs of light, differentiable: each plane of a multi-plane image is blurred by one."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

SHARPEST = 0.5
"""Radius, pixels, up to which a disc is its middle alone."""


def blurred(planes: Tensor, radius: float) -> Tensor:  # [C, H, W] -> [C, H, W]
    """Each plane convolved with a disc of sum 1 and a linear rim, ``clip(r - rho + 1/2, 0, 1)``.

    Outside the frame the outermost pixel goes on, as the authors have it: a plane that covers the picture
    covers it up to the frame.
    """
    if radius <= SHARPEST:
        return planes
    reach = math.floor(radius + 0.5)
    continued = functional.pad(planes, (reach, reach, reach, reach), mode="replicate")
    made: Tensor = _Blur.apply(continued, radius)
    return made[:, reach:-reach, reach:-reach]


class _Blur(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, planes: Tensor, radius: float) -> Tensor:
        """The convolution; nothing comes from outside."""
        ctx.radius = radius
        return _convolved(planes, radius)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        """The same: the disc is symmetric."""
        return _convolved(gradient, ctx.radius), None


def _convolved(planes: Tensor, radius: float) -> Tensor:
    whole, rows, rims, weights = footprint(radius)
    pixels = np.ascontiguousarray(planes.detach().float().cpu().numpy())
    made = np.zeros_like(pixels)
    _disc(pixels, rows, rims, weights, np.float32(1.0 / whole), made)
    return torch.from_numpy(made).to(planes)


def footprint(
    radius: float,
) -> tuple[float, npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """A disc by its rows from -n to n.

    Returns:
        Its sum; of each row the largest offset up to which all weights are 1 (-1: none); [2 n + 1, m],
        offsets of the rim at one side, the first beyond that; their weights, 0 where there is none.
    """
    reach = math.floor(radius + 0.5)
    dy, dx = np.mgrid[-reach : reach + 1, 0 : reach + 1].astype(np.float64)
    weight = np.clip(radius - np.hypot(dx, dy) + 0.5, 0.0, 1.0)
    full = (weight == 1.0).sum(axis=1)
    rims = max(1, int(((weight > 0.0) & (weight < 1.0)).sum(axis=1).max()))
    offsets = full[:, None] + np.arange(rims)
    inside = offsets <= reach
    values = np.where(inside, np.take_along_axis(weight, np.minimum(offsets, reach), axis=1), 0.0)
    whole = float(2.0 * weight.sum() - weight[:, 0].sum())
    return whole, full.astype(np.int64) - 1, offsets.astype(np.int64), values.astype(np.float32)


@numba.njit(cache=True, parallel=True)
def _disc(planes, rows, rims, weights, factor, out) -> None:  # type: ignore[no-untyped-def]
    """Sums along rows by prefix sums, the rim pixel by pixel."""
    channels, height, width = planes.shape
    reach = len(rows) // 2
    sums = np.zeros((channels, height, width + 1))
    for line in numba.prange(channels * height):
        c, y = line // height, line % height
        for x in range(width):
            sums[c, y, x + 1] = sums[c, y, x] + planes[c, y, x]
    for line in numba.prange(channels * height):
        c, y = line // height, line % height
        total = np.zeros(width)
        for n in range(max(0, reach - y), min(len(rows), height - y + reach)):
            row = y + n - reach
            half = rows[n]
            if half >= 0:
                for x in range(width):
                    total[x] += sums[c, row, min(width, x + half + 1)] - sums[c, row, max(0, x - half)]
            for m in range(rims.shape[1]):
                weight, offset = weights[n, m], rims[n, m]
                if weight > 0.0:
                    for x in range(width - offset):
                        total[x] += weight * planes[c, row, x + offset]
                    for x in range(offset, width if offset > 0 else 0):
                        total[x] += weight * planes[c, row, x - offset]
        for x in range(width):
            out[c, y, x] = total[x] * factor
