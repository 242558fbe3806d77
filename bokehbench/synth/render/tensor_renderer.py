"""`render_bokeh` on any device: tile by tile as many lens samples as it needs, on tensors.

`torch_tracer.trace` is the readable one, `triton_tracer.trace` the CUDA kernel of the same contract. Both
sample the lens in square cells and blur each layer by their footprints first, which suits devices; the CPU
kernel integrates along lines (kernel.py). They agree as far as their qualities go, not bit by bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bokehbench.errors import Unavailable
from bokehbench.layers import Layer
from bokehbench.optics import Lens, falloff
from bokehbench.synth.render.cells import lens_cells
from bokehbench.synth.render.occupancy import LEFT, TOP
from bokehbench.synth.render.quality import Quality
from bokehbench.synth.render.scene import Size, Stack, largest_radius, make_stack, support
from bokehbench.synth.render.tiles import TILE, cells_per_tile
from bokehbench.synth.render.torch_tracer import Scenes, tracer


def render(
    layers: Sequence[Layer], lens: Lens, size: Size, level: Quality, backend: str
) -> npt.NDArray[np.float32]:
    """`render_bokeh` by a backend of tensors.

    Args:
        layers: near to far.
        lens: what is asked for.
        size: (W, H).
        level: of the lens sampling.
        backend: "torch", "torch:DEVICE" or "triton", "triton:DEVICE".

    Returns:
        [H, W, 4] float32, linear premultiplied RGB and coverage.

    Raises:
        ConfigError: unknown backend or device.
        Unavailable: the device is not there.
    """
    name, _, device = backend.partition(":")
    trace = tracer(name)
    out = np.full((size[1], size[0], 4), np.inf, np.float32)
    for single, channels in lens.channels():
        image = _render(layers, single, size, level, trace, _device(name, device))
        out[..., channels] = image[..., channels]
        out[..., 3] = np.minimum(out[..., 3], image[..., 3])
    dark = falloff(lens, size)
    if dark is not None:
        out[..., :3] *= dark[..., None]
    return out


def _device(name: str, device: str) -> torch.device:
    try:
        found = torch.device(
            device or ("cpu" if name == "torch" or not torch.cuda.is_available() else "cuda")
        )
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError) as error:
        raise Unavailable(
            f"device {device!r} cannot be used ({' '.join(str(error).split())[:90]}); take backend='numba'"
        ) from error
    return found


def _render(
    layers: Sequence[Layer], lens: Lens, size: Size, level: Quality, trace: Any, device: torch.device
) -> npt.NDArray[np.float32]:
    """Without focus shift and falloff."""
    radii = [largest_radius(layer.plane, rect, lens) for layer in layers if (rect := support(layer))]
    if not radii:
        return np.zeros((size[1], size[0], 4), np.float32)
    stack = make_stack(layers, math.ceil(level.widest_cell(max(radii)) / 2.0) + 2)
    counts = cells_per_tile(stack, lens, size, level)
    scenes = _scenes(stack, lens, device)
    out = torch.zeros(4, size[1], size[0], device=device)
    with torch.no_grad():
        for n in np.unique(counts):
            cells = lens_cells(lens.aperture, int(n), level.depth)
            image = trace(scenes, cells, size, lens.aperture.cat_eye, counts == n)[0]
            pixels = np.kron(counts == n, np.ones((TILE, TILE), np.bool_))[: size[1], : size[0]]
            out = torch.where(torch.from_numpy(pixels).to(device), image, out)
    return np.ascontiguousarray(out.permute(1, 2, 0).cpu().numpy())


def _scenes(stack: Stack, lens: Lens, device: torch.device) -> Scenes:
    exact = torch.float32 if device.type == "mps" else torch.float64
    rgba = tuple(torch.from_numpy(stack.pixels(i))[None].to(device) for i in range(len(stack)))
    corners = tuple((int(row[LEFT]), int(row[TOP])) for row in stack.table)
    numbers = (
        torch.tensor(v, dtype=exact, device=device)[None] for v in (stack.planes, lens.K, lens.disp_focus)
    )
    return Scenes(rgba, corners, *numbers)
