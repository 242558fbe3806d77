"""Scattering as a gather over offsets in torch: exact, on any device, differentiable in light and defocus."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bokehbench.optics import Aperture

Window = tuple[Any, ...]


def scatter_gather(light: Tensor, defocus: Tensor, aperture: Aperture | None = None) -> Tensor:
    """As `reference.scatter_reference`; memory O(H W) forward and backward, time O(H W r²).

    The gradient towards `defocus` is that of the weights; the window's jump at whole radii has none.

    Args:
        light: [B, C, H, W] linear.
        defocus: [B, 1, H, W] signed defocus, pixels.
        aperture: None for a disc.

    Returns:
        [B, C, H, W] linear.
    """
    result: Tensor = _Scatter.apply(light, defocus, aperture or Aperture())
    return result


class _Scatter(torch.autograd.Function):
    """B(p) = sum w(D; q) L(q) / sum w(D; q) over offsets D, q = p - D.

    With g = dLoss/dB / sum w:  dL(q) = sum w g(p)  and  dr(q) = sum dw/dr <g(p), L(q) - B(p)>.
    """

    @staticmethod
    def forward(ctx: Any, light: Tensor, defocus: Tensor, aperture: Aperture) -> Tensor:
        total = torch.zeros_like(light)
        weights = torch.zeros_like(defocus)
        sources = _Sources(defocus, aperture)
        for dy, dx, source, target in _offsets(defocus):
            w, _ = sources.weight(dx, dy, source, slope=False)
            total[target] += w * light[source]
            weights[target] += w
        out = total / weights
        ctx.save_for_backward(light, defocus, weights, out)
        ctx.aperture = aperture
        return out

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator,unused-ignore]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        light, defocus, weights, out = ctx.saved_tensors
        g = grads[0] / weights
        g_out = (g * out).sum(1, keepdim=True)
        d_light, d_radius = torch.zeros_like(light), torch.zeros_like(defocus)
        sources = _Sources(defocus, ctx.aperture)
        for dy, dx, source, target in _offsets(defocus):
            w, dw = sources.weight(dx, dy, source, slope=True)
            d_light[source] += w * g[target]
            d_radius[source] += dw * ((g[target] * light[source]).sum(1, keepdim=True) - g_out[target])
        return d_light, d_radius * torch.sign(defocus), None


class _Sources:
    """What the weights of all offsets share."""

    def __init__(self, defocus: Tensor, aperture: Aperture) -> None:
        self.aperture = aperture
        self.radius = defocus.abs()
        self.near = defocus > 0
        self.window = torch.floor(self.radius) + 1.0
        self.gain = 1.0 / (self.radius * self.radius + 0.2)

    def weight(
        self, dx: int, dy: int, source: Window, *, slope: bool
    ) -> tuple[Tensor, Tensor]:  # [B, 1, h, w] each
        """Weight of the sources at an offset, and its derivative by the radius (zero unless `slope`)."""
        r = self.radius[source]
        distance, inner = math.hypot(dx, dy), self.aperture.inner
        edge = self._edge(dx, dy, source)
        gain = self.gain[source] * (self.window[source] >= max(abs(dx), abs(dy)))
        # 0.5 + 0.5 tanh(a) = sigmoid(2 a)
        rim = torch.sigmoid(8.0 * edge * r - 8.0 * distance)
        hole = torch.sigmoid(8.0 * distance - 8.0 * inner * r) if inner > 0.0 else torch.ones(()).to(r)
        weight = gain * rim * hole
        if not slope:
            return weight, torch.zeros(())
        bend = 8.0 * edge * (1.0 - rim) - 8.0 * inner * (1.0 - hole)
        return weight, weight * (bend - 2.0 * r * self.gain[source])

    def _edge(self, dx: int, dy: int, source: Window) -> Tensor | float:
        """Rim of the opening as the target sees it from a far or a near source."""
        far = float(self.aperture.edge(math.atan2(dy, dx)))  # type: ignore[arg-type]
        near = float(self.aperture.edge(math.atan2(-dy, -dx)))  # type: ignore[arg-type]
        return far if far == near else torch.where(self.near[source], near, far).to(self.radius)


def _offsets(defocus: Tensor) -> Iterator[tuple[int, int, Window, Window]]:
    """Every (dy, dx) that any pixel reaches, with the windows of sources and targets inside the frame."""
    height, width = defocus.shape[-2:]
    reach = int(defocus.abs().max()) + 1 if defocus.numel() else 0
    for dy in range(-min(reach, height - 1), min(reach, height - 1) + 1):
        for dx in range(-min(reach, width - 1), min(reach, width - 1) + 1):
            source = (..., slice(max(0, -dy), height - max(0, dy)), slice(max(0, -dx), width - max(0, dx)))
            target = (..., slice(max(0, dy), height - max(0, -dy)), slice(max(0, dx), width - max(0, -dx)))
            yield dy, dx, source, target
