"""The CUDA kernel of the ray tracer, in Triton: the contract of `torch_tracer.trace`.

A program renders one tile of one scene. It goes through the lens samples and, front to back, through the
layers; layers that a lens sample does not see from this tile are passed over, and a sample ends where
nothing gets through any more. Positions are split into a whole pixel and a shift, so that float32 is good for
shifts of 1e-5 pixels. The prefilter, and the backward pass, are those of the torch tracer.

Under TRITON_INTERPRET=1 the same kernel runs on the CPU, slowly: that is how it is tested without a GPU.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import triton
import triton.language as tl
from torch import Tensor

from bokehbench.errors import Unavailable
from bokehbench.synth.render.cells import LensCells
from bokehbench.synth.render.tiles import TILE, bounding
from bokehbench.synth.render.torch_tracer import CatEye, Scenes, Size, composite

BLOCK_X, BLOCK_Y = 32, 8
"""Pixels of one program; both divide the side of a tile."""
NOTHING = 1e-6
"""Share of a lens sample's light below which a ray has ended."""
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


@triton.jit
def _trace(  # type: ignore[no-untyped-def]  # pragma: no cover
    flat,  # [sets, B, pixels] float32: every layer's [4, h, w], one after the other
    table,  # [L, 5] int32: offset, height, width, left, top
    optics,  # [B, L, 4] float32: p, q, r - disp_focus, K
    cells,  # [N, 6] float32: s, t, weight, set, side, E at the middle
    blocks,  # [T, 2] int32: first pixel of each program
    out,  # [B, 4, H, W] float32
    count,
    layers,
    pixels,
    width,
    height,
    middle_x,
    middle_y,
    per_half,  # cat_eye / half diagonal
    EYE: tl.constexpr,
    NOTHING: tl.constexpr,
    BLOCK_X: tl.constexpr,
    BLOCK_Y: tl.constexpr,
):
    scene, batch = tl.program_id(1), tl.num_programs(1)
    x0 = tl.load(blocks + 2 * tl.program_id(0))
    y0 = tl.load(blocks + 2 * tl.program_id(0) + 1)
    lane = tl.arange(0, BLOCK_X * BLOCK_Y)
    x, y = x0 + lane % BLOCK_X, y0 + lane // BLOCK_X
    fx, fy = x.to(tl.float32), y.to(tl.float32)
    red = tl.zeros([BLOCK_X * BLOCK_Y], tl.float32)
    green = tl.zeros([BLOCK_X * BLOCK_Y], tl.float32)
    blue = tl.zeros([BLOCK_X * BLOCK_Y], tl.float32)
    cover = tl.zeros([BLOCK_X * BLOCK_Y], tl.float32)
    seen = tl.zeros([BLOCK_X * BLOCK_Y], tl.float32)
    for index in range(count):
        s, t = tl.load(cells + 6 * index), tl.load(cells + 6 * index + 1)
        weight = tl.load(cells + 6 * index + 2)
        level = tl.load(cells + 6 * index + 3).to(tl.int64)
        through = tl.zeros([BLOCK_X * BLOCK_Y], tl.float32) + weight
        if EYE:
            side, inner = tl.load(cells + 6 * index + 4), tl.load(cells + 6 * index + 5)
            away_s, away_t = s - per_half * (fx - middle_x), t - per_half * (fy - middle_y)
            edge = 0.5 + (1.0 - tl.sqrt(away_s * away_s + away_t * away_t)) / side
            through *= tl.minimum(tl.minimum(tl.maximum(edge, 0.0), 1.0) / inner, 1.0)
        seen += through
        base = flat + (level * batch + scene) * pixels
        layer = 0
        most = tl.max(through, axis=0)
        while (layer < layers) & (most > NOTHING * weight):
            numbers = optics + 4 * (scene * layers + layer)
            p, q = tl.load(numbers), tl.load(numbers + 1)
            r, K = tl.load(numbers + 2), tl.load(numbers + 3)
            entry = table + 5 * layer
            h, w = tl.load(entry + 1), tl.load(entry + 2)
            u, v = K * s, K * t
            delta = (p * fx + q * fy + r) / (1.0 - (p * u + q * v))
            dx, dy = u * delta, v * delta
            whole_x, whole_y = tl.floor(dx), tl.floor(dy)
            column = x + whole_x.to(tl.int32) - tl.load(entry + 3)
            row = y + whole_y.to(tl.int32) - tl.load(entry + 4)
            inside = (column >= 0) & (row >= 0) & (column < w - 1) & (row < h - 1)
            if tl.max(inside.to(tl.int32), axis=0) > 0:
                ax, ay = dx - whole_x, dy - whole_y
                at = base + tl.load(entry).to(tl.int64) + row.to(tl.int64) * w + column
                w00, w01, w10, w11 = (1.0 - ax) * (1.0 - ay), ax * (1.0 - ay), (1.0 - ax) * ay, ax * ay
                plate = h * w
                red += through * _look_up(at, w, w00, w01, w10, w11, inside)
                green += through * _look_up(at + plate, w, w00, w01, w10, w11, inside)
                blue += through * _look_up(at + 2 * plate, w, w00, w01, w10, w11, inside)
                alpha = through * _look_up(at + 3 * plate, w, w00, w01, w10, w11, inside)
                cover += alpha
                through -= alpha
                most = tl.max(through, axis=0)
            layer += 1
    kept = (x < width) & (y < height)
    to = out + scene.to(tl.int64) * 4 * height * width + y * width + x
    seen = tl.maximum(seen, 1e-12)
    tl.store(to, red / seen, mask=kept)
    tl.store(to + height * width, green / seen, mask=kept)
    tl.store(to + 2 * height * width, blue / seen, mask=kept)
    tl.store(to + 3 * height * width, cover / seen, mask=kept)


@triton.jit
def _look_up(at, w, w00, w01, w10, w11, inside):  # type: ignore[no-untyped-def]  # pragma: no cover
    upper = w00 * tl.load(at, mask=inside, other=0.0) + w01 * tl.load(at + 1, mask=inside, other=0.0)
    lower = w10 * tl.load(at + w, mask=inside, other=0.0) + w11 * tl.load(at + w + 1, mask=inside, other=0.0)
    return upper + lower


def trace(
    scenes: Scenes,
    cells: LensCells,
    size: Size,
    cat_eye: float = 0.0,
    tiles: npt.NDArray[np.bool_] | None = None,
) -> Tensor:
    """`torch_tracer.trace` by the kernel; its backward pass is the torch tracer's.

    Raises:
        Unavailable: the layers are not on a CUDA device (and TRITON_INTERPRET=1 was not set at the start).
    """
    if scenes.rgba[0].device.type != "cuda" and not INTERPRETED:
        raise Unavailable(
            "backend 'triton' needs an NVIDIA GPU and layers on it; take 'torch', or 'numba' on the CPU"
        )
    levels = scenes.blurred(cells)
    pixels = [part for level in levels for part in level]
    image: Tensor = _Traced.apply(
        (scenes, cells, size, cat_eye, tiles), scenes.K, scenes.disp_focus, scenes.planes, *pixels
    )
    return image


class _Traced(torch.autograd.Function):
    """Forward by the kernel, backward by recomputing with `torch_tracer.composite`."""

    @staticmethod
    def forward(ctx: Any, job: Any, *tensors: Tensor) -> Tensor:
        """What `_launch` renders; `job` is all that has no gradient."""
        ctx.job = job
        ctx.save_for_backward(*tensors)
        return _launch(job, tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Gradients of K, disp_focus, planes and the blurred layers."""
        scenes, cells, size, cat_eye, tiles = ctx.job
        wanted = ctx.needs_input_grad[1:]
        tensors = [
            tensor.detach().requires_grad_(need)
            for tensor, need in zip(ctx.saved_tensors, wanted, strict=True)
        ]
        x0, y0, x1, y1 = region = bounding(tiles, size)
        with torch.enable_grad():
            (K, disp_focus, planes), pixels = tensors[:3], tensors[3:]
            again = Scenes(tuple(pixels[: len(scenes.rgba)]), scenes.corners, planes, K, disp_focus)
            image = composite(again, _levels(pixels, len(scenes.rgba)), cells, size, cat_eye, region)
        found = torch.autograd.grad(
            image,
            [tensor for tensor, need in zip(tensors, wanted, strict=True) if need],
            gradients[0][:, :, y0:y1, x0:x1],
            allow_unused=True,
        )
        remaining = iter(found)
        return (None, *(next(remaining) if need else None for need in wanted))


def _levels(pixels: Sequence[Tensor], layers: int) -> list[tuple[Tensor, ...]]:
    return [tuple(pixels[i : i + layers]) for i in range(0, len(pixels), layers)]


def _launch(job: Any, tensors: Sequence[Tensor]) -> Tensor:
    scenes, cells, size, cat_eye, tiles = job
    K, disp_focus, planes, *pixels = tensors
    device, batch, layers = pixels[0].device, K.shape[0], len(scenes.rgba)
    levels = _levels(pixels, layers)
    flat = torch.stack([torch.cat([part.float().flatten(1) for part in level], dim=1) for level in levels])
    table, offset = [], 0
    for part, (left, top) in zip(scenes.rgba, scenes.corners, strict=True):
        height, width = part.shape[2:]
        table.append((offset, height, width, left, top))
        offset += 4 * height * width
    if offset >= 2**31:
        raise Unavailable("backend 'triton': the layers of one scene are too large; take 'torch' or 'numba'")
    optics = torch.cat(
        [
            planes[:, :, :2],
            planes[:, :, 2:] - disp_focus[:, None, None],
            K[:, None, None].expand(-1, layers, 1),
        ],
        dim=2,
    )
    eye = CatEye(cells, cat_eye, size)
    level = np.minimum(cells.level, len(levels) - 1)
    samples = np.stack([cells.s, cells.t, cells.weight, level, eye.side, eye.middle], axis=1)
    blocks = _blocks(tiles, size)
    out = torch.zeros(batch, 4, size[1], size[0], device=device)
    _trace[(len(blocks), batch)](
        flat.contiguous(),
        torch.tensor(table, dtype=torch.int32, device=device),
        optics.float().contiguous(),
        torch.from_numpy(samples).float().to(device).contiguous(),
        torch.from_numpy(blocks).to(device),
        out,
        len(samples),
        layers,
        offset,
        size[0],
        size[1],
        (size[0] - 1) / 2.0,
        (size[1] - 1) / 2.0,
        2.0 * cat_eye / math.hypot(*size),
        EYE=cat_eye > 0.0,
        NOTHING=NOTHING,
        BLOCK_X=BLOCK_X,
        BLOCK_Y=BLOCK_Y,
    )
    return out.to(pixels[0].dtype)


def _blocks(tiles: npt.NDArray[np.bool_] | None, size: Size) -> npt.NDArray[np.int32]:
    """[T, 2] first pixels of the programs that cover the tiles."""
    if tiles is None:
        tiles = np.ones((-(-size[1] // TILE), -(-size[0] // TILE)), np.bool_)
    corners = np.argwhere(tiles)[:, ::-1] * TILE
    steps = np.array([(x, y) for y in range(0, TILE, BLOCK_Y) for x in range(0, TILE, BLOCK_X)])
    every = (corners[:, None] + steps[None]).reshape(-1, 2)
    return every[(every < np.array(size)).all(axis=1)].astype(np.int32)
