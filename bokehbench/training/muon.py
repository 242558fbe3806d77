"""Muon for convolutions: steps whose singular values are alike, for kernels taken as matrices.

Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024; the scale that lets it share a
learning rate with Adam: Liu et al., Muon is Scalable for LLM Training, 2025 (section 2.2). `torch.optim.Muon`
takes matrices alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Of the polynomial whose repetition brings singular values in (0, 1] near 1."""
ROUNDS = 5
ADAM_RMS = 0.2
"""Root mean square of an element of Adam's steps, in learning rates."""


class ConvolutionMuon(torch.optim.Optimizer):
    """Muon for kernels with at least `smallest` rows and columns, Adam for everything else.

    Args:
        weights: parameters.
        lr: learning rate of Adam's part.
        factor: Muon's learning rate is this times `lr`, at the same root mean square per element.
        momentum: of Muon.
        betas: of Adam.
        smallest: kernels [out, in, kh, kw] with fewer outputs, or in x kh x kw, are Adam's.
        share: of the learning rate that these weights have; see `add`.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        lr: float,
        factor: float = 2.5,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        smallest: int = 32,
        share: float = 1.0,
    ) -> None:
        self.factor, self.momentum, self.betas, self.smallest = factor, momentum, betas, smallest
        super().__init__(self._groups(weights, lr, share), {})

    def add(self, weights: Iterable[nn.Parameter], lr: float, share: float) -> None:
        """More weights, whose learning rates are `share` of what they would be."""
        for group in self._groups(weights, lr, share):
            self.add_param_group(group)

    def _groups(self, weights: Iterable[nn.Parameter], lr: float, share: float) -> list[dict[str, Any]]:
        weights = list(weights)
        kernels = [weight for weight in weights if _is_matrix(weight, self.smallest)]
        others = [weight for weight in weights if not _is_matrix(weight, self.smallest)]
        groups: list[dict[str, Any]] = [
            {"params": kernels, "share": share * self.factor, "momentum": self.momentum, "muon": True},
            {"params": others, "share": share, "betas": self.betas, "muon": False},
        ]
        return [{**group, "lr": lr * group["share"]} for group in groups if group["params"]]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of both."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            update = self._muon if group["muon"] else self._adam
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.add_(update(group, weight, weight.grad), alpha=-group["lr"])
        return loss

    def _muon(self, group: dict[str, Any], weight: Tensor, gradient: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        momentum = state["momentum"].mul_(group["momentum"]).add_(gradient)
        ahead = gradient + group["momentum"] * momentum
        matrix = orthogonal(ahead.reshape(len(weight), -1))
        return matrix.reshape(weight.shape) * (ADAM_RMS * math.sqrt(max(matrix.shape)))

    def _adam(self, group: dict[str, Any], weight: Tensor, gradient: Tensor) -> Tensor:
        state, (first, second) = self.state[weight], group["betas"]
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(gradient), "square": torch.zeros_like(gradient)}
        state["step"] += 1
        mean = state["mean"].lerp_(gradient, 1.0 - first) / (1.0 - first ** state["step"])
        square = state["square"].lerp_(gradient.square(), 1.0 - second) / (1.0 - second ** state["step"])
        return mean / (square.sqrt() + 1e-8)


def orthogonal(matrix: Tensor) -> Tensor:  # [M, N] -> [M, N]
    """The nearest matrix with equal singular values, roughly: they end between about 0.7 and 1.2."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide.float() / (wide.float().norm() + 1e-7)
    a, b, c = QUINTIC
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide is matrix else x.T).to(matrix.dtype)


def _is_matrix(weight: Tensor, smallest: int) -> bool:
    return weight.ndim == 4 and min(len(weight), weight[0].numel()) >= smallest
