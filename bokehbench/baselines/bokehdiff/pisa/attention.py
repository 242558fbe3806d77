"""PISA in the form that fits the device."""

from __future__ import annotations

import importlib.util

import torch
from torch import Tensor

from bokehbench.baselines.bokehdiff.pisa.blocked import pisa_blocked
from bokehbench.baselines.bokehdiff.pisa.reference import pisa_reference
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings


def form_for(query: Tensor, settings: PisaSettings) -> str:
    """What "auto" stands for: "triton" on an NVIDIA GPU, but for float64; "blocked" elsewhere."""
    if settings.form != "auto":
        return settings.form
    fits = query.device.type == "cuda" and torch.version.hip is None and query.dtype != torch.float64
    return "triton" if fits and importlib.util.find_spec("triton") else "blocked"


def pisa(
    query: Tensor,  # [B, heads, N, d]
    key: Tensor,  # [B, heads, N, d]
    value: Tensor,  # [B, heads, N, d]
    scene: Scene,
    grid: tuple[int, int],
    settings: PisaSettings,
    hardness: float,
    generator: torch.Generator | None = None,
) -> Tensor:  # [B, heads, N, d]
    """`reference.pisa_reference` in the form of `settings.form`; see there.

    Raises:
        Unavailable: "triton" for tensors that are not on an NVIDIA GPU, or without Triton.
    """
    form = form_for(query, settings)
    arguments = (query, key, value, scene, grid, settings, hardness, generator)
    if form == "triton":
        from bokehbench.baselines.bokehdiff.pisa.launch import pisa_triton

        return pisa_triton(*arguments)
    with torch.autocast(query.device.type, enabled=False):
        return pisa_reference(*arguments) if form == "reference" else pisa_blocked(*arguments)
