"""What all forms of PISA begin with: tensors that fit, the scene on tokens, the call's random numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from bokehbench.baselines.bokehdiff.pisa.chance import Draw, draw
from bokehbench.baselines.bokehdiff.pisa.scene import Scene, TokenScene, on_grid
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.errors import ConfigError


def prepare(
    query: Tensor,  # [B, heads, N, d]
    key: Tensor,
    value: Tensor,
    scene: Scene,
    grid: tuple[int, int],
    settings: PisaSettings,
    generator: torch.Generator | None,
) -> tuple[TokenScene, Draw, tuple[Tensor, Tensor, Tensor]]:
    """The scene on the tokens, the draw, and the tensors in float32 (float64 stays); on the query's device.

    Raises:
        ConfigError: what does not fit together.
    """
    tokens = grid[0] * grid[1]
    shapes = [list(tensor.shape) for tensor in (query, key, value)]
    if len(shapes[0]) != 4 or shapes[0] != shapes[1] or shapes[0] != shapes[2] or shapes[0][2] != tokens:
        raise ConfigError(
            f"PISA: query, key and value must be [B, heads, {tokens}, d] for a grid of {grid[0]}x{grid[1]} "
            f"tokens, not {shapes[0]}, {shapes[1]}, {shapes[2]}"
        )
    view = on_grid(scene.to(query.device), grid, query.shape[0], settings.compat)
    drawn = draw(settings, tokens, generator)
    drawn = Draw(drawn.shifts.to(query.device), drawn.seed)
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    return view, drawn, (query.to(wide), key.to(wide), value.to(wide))
