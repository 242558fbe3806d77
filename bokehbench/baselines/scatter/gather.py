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
        for dy, dx, source, target in _offsets(defocus):
            w, _ = _weight(dx, dy, defocus[source], aperture, slope=False)
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
        for dy, dx, source, target in _offsets(defocus):
            w, dw = _weight(dx, dy, defocus[source], ctx.aperture, slope=True)
            d_light[source] += w * g[target]
            d_radius[source] += dw * ((g[target] * light[source]).sum(1, keepdim=True) - g_out[target])
        return d_light, d_radius * torch.sign(defocus), None


def _weight(
    dx: int, dy: int, defocus: Tensor, aperture: Aperture, *, slope: bool
) -> tuple[Tensor, Tensor]:  # [B, 1, h, w] each
    """Weight of the sources at an offset, and its derivative by the radius (zero unless `slope`)."""
    r = defocus.abs()
    distance = math.hypot(dx, dy)
    far_edge = float(aperture.edge(math.atan2(dy, dx)))  # type: ignore[arg-type]
    near_edge = float(aperture.edge(math.atan2(-dy, -dx)))  # type: ignore[arg-type]
    edge = torch.where(defocus > 0, near_edge, far_edge).to(r)
    gain = (max(abs(dx), abs(dy)) <= torch.floor(r) + 1.0) / (r * r + 0.2)
    bend = torch.tanh(4.0 * (edge * r - distance))
    rim = 0.5 + 0.5 * bend
    rim_slope = 2.0 * (1.0 - bend * bend) * edge
    if aperture.inner > 0.0:
        bend = torch.tanh(4.0 * (distance - aperture.inner * r))
        hole = 0.5 + 0.5 * bend
        rim_slope = rim_slope * hole - rim * 2.0 * (1.0 - bend * bend) * aperture.inner
        rim = rim * hole
    weight = gain * rim
    if not slope:
        return weight, torch.zeros(())
    return weight, gain * rim_slope - weight * 2.0 * r / (r * r + 0.2)


def _offsets(defocus: Tensor) -> Iterator[tuple[int, int, Window, Window]]:
    """Every (dy, dx) that any pixel reaches, with the windows of sources and targets inside the frame."""
    height, width = defocus.shape[-2:]
    reach = int(defocus.abs().max()) + 1 if defocus.numel() else 0
    for dy in range(-min(reach, height - 1), min(reach, height - 1) + 1):
        for dx in range(-min(reach, width - 1), min(reach, width - 1) + 1):
            source = (..., slice(max(0, -dy), height - max(0, dy)), slice(max(0, -dx), width - max(0, dx)))
            target = (..., slice(max(0, dy), height - max(0, -dy)), slice(max(0, dx), width - max(0, -dx)))
            yield dy, dx, source, target
