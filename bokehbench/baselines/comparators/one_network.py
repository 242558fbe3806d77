"""What methods of one network and one file of weights have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import nn

from bokehbench.baselines.comparators import weights
from bokehbench.baselines.scatter.renderer import usable_device

N = TypeVar("N", bound=nn.Module)


class OneNetwork(Generic[N]):
    """The network with its weights, on its device.

    Args:
        build: makes the network of what the file says.
        device: "cpu", "cuda" or "cuda:1".

    Attributes:
        method: whose file of weights it is.

    Raises:
        Unavailable: the weights, or the device, are missing.
        InputError: a weight file of something else.
    """

    method: ClassVar[str]

    def __init__(self, build: Callable[[Mapping[str, Any]], N], device: str) -> None:
        where = torch.device(usable_device(device, self.method))
        self.network = weights.load(self.method, build).to(where)

    @classmethod
    def weights_sha256(cls, files: Sequence[str]) -> dict[str, str]:
        """Weight file name -> sha256."""
        return weights.sha256(cls.method)
