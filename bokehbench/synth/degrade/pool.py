"""The pair pool of published training code, for comparisons with it only.

There, a batch shares its resize factors and its kinds of blur and noise, so pairs are mixed over time. Here
every picture has a plan of its own and no pool is needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from bokehbench.errors import ConfigError


class PairPool:
    """A queue of (lq, gt) pairs: once full, each batch is exchanged for a random one of those held.

    Args:
        size: pairs held, a multiple of the batch size.
        rng: a stream of `bokehbench.rng`.
    """

    def __init__(self, rng: np.random.Generator, size: int = 180) -> None:
        self.rng = rng
        self.size = size
        self.pairs: list[tuple[Tensor, Tensor]] = []

    def exchange(self, lq: Tensor, gt: Tensor) -> tuple[Tensor, Tensor]:
        """Put a batch in ([B, 3, h, w], [B, 3, H, W]) and take one out; the batch itself until full.

        Raises:
            ConfigError: the pool holds no whole number of such batches.
        """
        import torch

        if self.size % len(lq):
            raise ConfigError(f"a pool of {self.size} pairs holds no whole number of batches of {len(lq)}")
        batch = list(zip(lq, gt, strict=True))
        if len(self.pairs) < self.size:
            self.pairs += batch
            return lq, gt
        order = self.rng.permutation(len(self.pairs))
        self.pairs = [self.pairs[i] for i in order]
        taken, self.pairs[: len(batch)] = self.pairs[: len(batch)], batch
        return torch.stack([pair[0] for pair in taken]), torch.stack([pair[1] for pair in taken])

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs."""
        return {"pairs": list(self.pairs), "rng": self.rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        self.pairs = list(state["pairs"])
        self.rng.bit_generator.state = state["rng"]
