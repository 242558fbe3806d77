"""What is measured while a stage trains: losses, seconds, memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import torch
from torch import Tensor


class Meter:
    """Sums since the last entry of the log; losses stay on their device until they are asked for."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.steps, self.seconds, self.waited = 0, 0.0, 0.0

    def add(self, losses: Mapping[str, Tensor], seconds: float, waited: float) -> None:
        """One step: its losses, how long it took in all, and how long of this data was waited for."""
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + value.detach()
            self.counts[name] = self.counts.get(name, 0) + 1
        self.steps, self.seconds, self.waited = self.steps + 1, self.seconds + seconds, self.waited + waited

    def means(self) -> dict[str, Tensor]:
        """Losses by name, each over the steps that had it: some begin in the middle of a training."""
        return {name: value / self.counts[name] for name, value in self.sums.items()}


def peak_memory(device: torch.device) -> int:
    """Most bytes in use so far: of a GPU by tensors, of a CPU by this process; 0 where it is not known."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:  # no Unix
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else 1024 * most)


def psnr(picture: Tensor, target: Tensor) -> Tensor:  # [B, 3, H, W], [B, 3, H, W] -> [B]
    """Of pictures clipped to [0, 1], without rounding; at most 100 dB."""
    error = (picture.clamp(0.0, 1.0) - target.clamp(0.0, 1.0)).square().mean(dim=(1, 2, 3))
    return -10.0 * torch.log10(error.clamp(min=1e-10))
