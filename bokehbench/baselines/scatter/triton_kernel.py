"""Scattering and signed defocus dilation on CUDA, in Triton: the contract of `reference`, both in one pass.

A program gathers what reaches one tile of pixels: it goes through the tiles of sources around it, and in each
through the sources whose window can reach it by the largest radius of that tile, so that sharp regions cost
little. The order is fixed and nothing is added atomically: two runs give the same bits.

Under TRITON_INTERPRET=1 the same kernel runs on the CPU, slowly: that is how it is tested without a GPU.
"""

from __future__ import annotations

import os

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional

from bokehbench.baselines.footprints import edge_table, refuse_radius
from bokehbench.errors import Unavailable
from bokehbench.optics import Aperture

SIDE = 16
"""Pixels along the side of a tile: one of targets makes a program, one of sources shares a reach."""
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


@triton.jit
def _scatter_tile(  # type: ignore[no-untyped-def]  # pragma: no cover
    light,  # [B, 3, H, W] float32
    defocus,  # [B, H, W] float32
    square,  # [B, H, W] int32: whole part of the squared radius
    reach,  # [B, tiles_y, tiles_x] int32: half-width of the largest window of a tile
    edge,  # [2 centre + 1, 2 centre + 1] float32: rim of the aperture towards (dy, dx)
    blurred,  # [B, 3, H, W] float32
    dilated,  # [B, H, W] float32
    height,
    width,
    tiles_y,
    tiles_x,
    centre,  # largest of `reach`
    inner,
    donut,
    ROUND: tl.constexpr,
    INNER: tl.constexpr,
    DONUT: tl.constexpr,
    SIDE: tl.constexpr,
):
    image = tl.program_id(1).to(tl.int64)
    light += image * 3 * height * width
    defocus += image * height * width
    square += image * height * width
    reach += image * tiles_y * tiles_x
    x0, y0 = (tl.program_id(0) % tiles_x) * SIDE, (tl.program_id(0) // tiles_x) * SIDE
    lane = tl.arange(0, SIDE * SIDE)
    x, y = x0 + lane % SIDE, y0 + lane // SIDE
    red = tl.zeros([SIDE * SIDE], tl.float32)
    green = tl.zeros([SIDE * SIDE], tl.float32)
    blue = tl.zeros([SIDE * SIDE], tl.float32)
    total = tl.zeros([SIDE * SIDE], tl.float32)
    nearest = tl.zeros([SIDE * SIDE], tl.float32) - float("inf")
    for row in range(
        tl.maximum(y0 - centre, 0) // SIDE, tl.minimum((y0 + SIDE - 1 + centre) // SIDE + 1, tiles_y)
    ):
        for column in range(
            tl.maximum(x0 - centre, 0) // SIDE, tl.minimum((x0 + SIDE - 1 + centre) // SIDE + 1, tiles_x)
        ):
            far = tl.load(reach + row * tiles_x + column)
            top, bottom = _overlap(row * SIDE, y0, far, height, SIDE)
            left, right = _overlap(column * SIDE, x0, far, width, SIDE)
            for from_y in range(top, bottom):
                for from_x in range(left, right):
                    at = from_y * width + from_x
                    S = tl.load(defocus + at)
                    r = tl.abs(S)
                    window = tl.floor(r).to(tl.int32) + 1
                    beside = tl.maximum(tl.maximum(x0 - from_x, from_x - x0 - SIDE + 1), 0)
                    above = tl.maximum(tl.maximum(y0 - from_y, from_y - y0 - SIDE + 1), 0)
                    # Three pixels outside the rim a weight is below 1e-10 of one inside.
                    if (
                        (beside <= window)
                        & (above <= window)
                        & (beside * beside + above * above <= (r + 3) * (r + 3))
                    ):
                        dx, dy = x - from_x, y - from_y
                        apart = dx * dx + dy * dy
                        inside = (tl.abs(dx) <= window) & (tl.abs(dy) <= window)
                        distance = tl.sqrt(apart.to(tl.float32))
                        depth = r - distance
                        if not ROUND:
                            turn = tl.where(S > 0, -1, 1)
                            entry = (centre + turn * dy) * (2 * centre + 1) + centre + turn * dx
                            depth = r * tl.load(edge + entry, mask=inside, other=0.0) - distance
                        # 0.5 + 0.5 tanh(a) = sigmoid(2 a)
                        weight = tl.sigmoid(8.0 * depth) / (r * r + 0.2)
                        if INNER:
                            weight *= tl.sigmoid(8.0 * (distance - inner * r))
                        if DONUT:
                            weight *= 1.0 - 2.0 * donut * tl.sigmoid(0.4 * (depth - 1.0))
                        weight = tl.where(inside, weight, 0.0)
                        red += weight * tl.load(light + at)
                        green += weight * tl.load(light + height * width + at)
                        blue += weight * tl.load(light + 2 * height * width + at)
                        total += weight
                        whole = tl.where(S < 0, tl.ceil(S), tl.floor(S))
                        covered = apart <= tl.load(square + at)
                        nearest = tl.where(covered, tl.maximum(nearest, whole), nearest)
    kept = (x < width) & (y < height)
    to = y * width + x
    blurred += image * 3 * height * width
    tl.store(blurred + to, red / total, mask=kept)
    tl.store(blurred + height * width + to, green / total, mask=kept)
    tl.store(blurred + 2 * height * width + to, blue / total, mask=kept)
    tl.store(dilated + image * height * width + to, nearest + 0.0, mask=kept)


@triton.jit
def _overlap(source, target, far, size, SIDE: tl.constexpr):  # type: ignore[no-untyped-def]  # pragma: no cover
    """First and end of a source tile's rows (or columns) that lie within `far` of a target tile."""
    first = tl.maximum(source, target - far)
    return first, tl.minimum(tl.minimum(source + SIDE, size), target + SIDE + far)


def scatter_triton(
    light: Tensor,  # [B, 3, H, W]
    defocus: Tensor,  # [B, 1, H, W]
    aperture: Aperture | None = None,
    donut: float = 0.0,
) -> tuple[Tensor, Tensor]:  # [B, 3, H, W], [B, 1, H, W]
    """`reference.scatter_reference` and `reference.dilate_reference` of a batch on a CUDA device.

    Args:
        light: linear, any memory layout; computed in float32.
        defocus: signed, pixels.
        aperture: None for a disc.
        donut: 0 to 0.5, strength of BokehMe's soft donut.

    Returns:
        Blurred light, linear, and dilated defocus, whole pixels; float32, without gradients.

    Raises:
        ConfigError: a blur radius beyond `footprints.MAX_RADIUS`, or not finite.
        Unavailable: no CUDA tensors (and TRITON_INTERPRET=1 was not set at the start).
    """
    if light.device.type != "cuda" and not INTERPRETED:
        raise Unavailable(
            "the Triton form of scatter needs an NVIDIA GPU and tensors on it; take device 'cpu'"
        )
    aperture = aperture or Aperture()
    light = light.detach().float().contiguous()
    defocus = defocus.detach().float().contiguous()
    blurred, dilated = torch.empty_like(light), torch.empty_like(defocus)
    if not defocus.numel():
        return blurred, dilated
    radius = defocus.abs()
    refuse_radius(float(radius.max()))
    tiles = functional.max_pool2d(radius, SIDE, ceil_mode=True)
    reach = tiles.floor().int() + 1
    centre = int(reach.max())
    round_opening = not aperture.shape and (aperture.blades == 0 or aperture.curvature == 1.0)
    edge = edge_table(aperture, 0 if round_opening else centre)
    batch, _, height, width = light.shape
    with torch.cuda.device_of(light):
        _scatter_tile[(tiles.shape[2] * tiles.shape[3], batch)](
            light,
            defocus,
            radius.double().square().int(),  # float64: a circle through a pixel covers it
            reach,
            torch.from_numpy(edge).float().to(light.device),
            blurred,
            dilated,
            height,
            width,
            tiles.shape[2],
            tiles.shape[3],
            centre,
            aperture.inner,
            donut,
            ROUND=round_opening,
            INNER=aperture.inner > 0.0,
            DONUT=donut > 0.0,
            SIDE=SIDE,
        )
    return blurred, dilated
