"""LaMa as spandrel builds it, but of few numbers: for tests of what is done with it."""

from __future__ import annotations

import functools
import importlib
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

CHANNELS, BLOCKS = 4, 1


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Whatever LaMa spandrel builds has a few channels and one block."""
    module = importlib.import_module("spandrel.architectures.LaMa.__arch.LaMa")
    small = functools.partial(module.FFCResNetGenerator, ngf=CHANNELS, n_blocks=BLOCKS)
    patch.setattr(module, "FFCResNetGenerator", small)


def network() -> Any:
    """With random numbers, always the same, in eval mode."""
    from spandrel.architectures.LaMa import LaMa

    with torch.random.fork_rng():
        torch.manual_seed(7)
        made = LaMa(in_nc=4, out_nc=3)
        for layer in made.modules():
            if isinstance(layer, nn.BatchNorm2d):  # so that a picture comes through
                nn.init.uniform_(layer.weight, 0.5, 2.0)
                nn.init.normal_(layer.bias)
    return made.eval()


class _Wrapped(nn.Module):
    """What the released archive was traced from: image and mask in, a picture out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return self.model(image, mask)  # type: ignore[no-any-return]


def script(of: Any, path: Path) -> Path:
    """An archive of TorchScript, as big-lama.pt is one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(
            _Wrapped(of.model).eval(),
            (torch.rand(1, 3, 16, 16), torch.zeros(1, 1, 16, 16)),
            check_trace=False,
        )
        traced.save(path)
    return path
