"""The ray tracer of layers on tensors: any device, batches of scenes, differentiable.

`render_layers` is the entry: gradients flow to colour, alpha, K and disp_focus (and to the planes). `trace`
is the readable reference of the CUDA kernel: for every lens sample, every layer is looked up where the rays
hit it and composited front to back; nothing is skipped. Lens samples are recomputed in the backward pass
(checkpoints), so memory does not grow with their number.

The image is a piecewise smooth function of K and disp_focus: bilinear lookups have kinks where a ray crosses
a pixel centre, boxes where their side passes 1, 1.5, 2, 3, 5 ... pixels. Number and place of the lens samples
are held fixed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from bokehbench.apertures import image_position
from bokehbench.errors import ConfigError, InputError
from bokehbench.optics import Lens, falloff
from bokehbench.synth.render.cells import LensCells, lens_cells
from bokehbench.synth.render.quality import Quality, quality_of
from bokehbench.synth.render.tiles import bounding
from bokehbench.synth.render.torch_prefilter import box_blur

Size = tuple[int, int]
Corner = tuple[int, int]
Region = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Scenes:
    """A batch of scenes whose layers have the same rasters, near to far.

    Attributes:
        rgba: L tensors [B, 4, h, w], premultiplied linear; transparent outside and along the border.
        corners: (x, y) of the output that each layer's first pixel lies at.
        planes: [B, L, 3] float64 (p, q, r).
        K, disp_focus: [B] float64.
    """

    rgba: tuple[Tensor, ...]
    corners: tuple[Corner, ...]
    planes: Tensor
    K: Tensor
    disp_focus: Tensor

    def side(self, layer: int, share: float) -> Tensor:
        """[B, h, w] float64 (one layer of one disparity: [B, 1, 1]): footprint of a lens cell, pixels.

        Args:
            layer: index.
            share: side of the cell, aperture radii.
        """
        p, q, r = (self.planes[:, layer, i, None, None] for i in range(3))
        disparity = r
        if bool((self.planes[:, layer, :2] != 0.0).any()):
            height, width = self.rgba[layer].shape[2:]
            left, top = self.corners[layer]
            x = torch.arange(left, left + width, device=p.device, dtype=p.dtype)
            y = torch.arange(top, top + height, device=p.device, dtype=p.dtype)[:, None]
            disparity = p * x + q * y + r
        return share * self.K[:, None, None] * (disparity - self.disp_focus[:, None, None]).abs()

    def blurred(self, cells: LensCells) -> list[tuple[Tensor, ...]]:
        """The layers, blurred by the footprints of each level of cells."""
        if cells.n == 1:
            return [self.rgba]
        levels = range(int(cells.level.max()) + 1)
        shares = [2.0 / (cells.n * 2**level) for level in levels]
        return [
            tuple(box_blur(pixels, self.side(i, share)) for i, pixels in enumerate(self.rgba))
            for share in shares
        ]


def render_layers(
    rgba: Sequence[Tensor],
    planes: Tensor,
    offsets: Sequence[Corner],
    K: Tensor,
    disp_focus: Tensor,
    size: Size,
    *,
    lens: Lens | None = None,
    quality: str | Quality = "standard",
    cells_per_axis: int | None = None,
    backend: str = "torch",
) -> Tensor:
    """What a lens sees of layers, as a function that can be differentiated.

    Args:
        rgba: L tensors [4, h, w] or [B, 4, h, w], near to far, premultiplied linear, in output pixel
            coordinates; nothing lies outside. float32, or float64 for `torch.autograd.gradcheck`.
        planes: [L, 3] or [B, L, 3], (p, q, r) of d(x, y) = p x + q y + r.
        offsets: (x, y) of the output for the first pixel of each layer.
        K: [] or [B], pixels per unit of disparity.
        disp_focus: [] or [B].
        size: (W, H) of the image.
        lens: aperture, vignetting and focus shift are taken from it; its K and disp_focus are not.
        quality: name in `QUALITIES`, or a `Quality`.
        cells_per_axis: of the aperture, for all scenes; None takes what `quality` asks of the largest blur.
        backend: "torch", or "triton" for the CUDA kernel in the forward pass.

    Returns:
        [4, H, W], or [B, 4, H, W] where any of the tensors is batched: linear premultiplied RGB, coverage.

    Raises:
        InputError: shapes, numbers or devices that do not fit together.
        Unavailable: "triton" without a CUDA device.
    """
    lens, level = lens or Lens(0.0, 0.0), quality_of(quality)
    scenes, batched = _scenes(rgba, planes, offsets, K, disp_focus)
    trace_cells = tracer(backend)
    parts: list[Tensor] = [scenes.K] * 3
    coverage = None
    for single, channels in lens.channels():
        shift = single.disp_focus - lens.disp_focus
        shifted = replace(scenes, disp_focus=scenes.disp_focus + shift)
        radius = _largest_radius(shifted)
        n = cells_per_axis or level.cells_per_axis(radius)
        cells = lens_cells(lens.aperture, n, level.depth)
        image = trace_cells(_padded(shifted, cells), cells, size, lens.aperture.cat_eye)
        for channel in channels:
            parts[channel] = image[:, channel]
        coverage = image[:, 3] if coverage is None else torch.minimum(coverage, image[:, 3])
    assert coverage is not None  # a lens has channels
    dark = falloff(lens, size)
    if dark is not None:
        light = torch.from_numpy(dark).to(coverage)
        parts = [part * light for part in parts]
    result = torch.stack([*parts, coverage], dim=1)
    return result if batched else result[0]


def tracer(backend: str) -> Any:
    """`trace` of a backend: "torch" or "triton"."""
    if backend == "torch":
        return trace
    if backend == "triton":
        from bokehbench.synth.render.triton_tracer import trace as kernel

        return kernel
    raise ConfigError(f"unknown backend {backend!r}; one of numba, torch, torch:DEVICE, triton")


def trace(
    scenes: Scenes,
    cells: LensCells,
    size: Size,
    cat_eye: float = 0.0,
    tiles: npt.NDArray[np.bool_] | None = None,
) -> Tensor:
    """Blur the layers by the cells' footprints and composite every lens sample.

    Args:
        scenes: layers, unfiltered.
        cells: lens samples.
        size: (W, H) of the image.
        cat_eye: of the aperture.
        tiles: [rows, columns] which tiles of side `tiles.TILE` are wanted, None for all.

    Returns:
        [B, 4, H, W]; tiles that are not wanted hold anything.
    """
    x0, y0, x1, y1 = region = bounding(tiles, size)
    image = composite(scenes, scenes.blurred(cells), cells, size, cat_eye, region)
    return torch.nn.functional.pad(image, (x0, size[0] - x1, y0, size[1] - y1))


def composite(
    scenes: Scenes,
    levels: Sequence[tuple[Tensor, ...]],
    cells: LensCells,
    size: Size,
    cat_eye: float,
    region: Region,
) -> Tensor:
    """`trace` behind the prefilter; `levels` are the layers blurred for each level of cells."""
    rgba = scenes.rgba[0]
    x0, y0, x1, y1 = region
    total = rgba.new_zeros(rgba.shape[0], 4, y1 - y0, x1 - x0)
    seen = total.new_zeros(y1 - y0, x1 - x0)
    view = _View(scenes, region)
    eye = CatEye(cells, cat_eye, size)
    again = torch.is_grad_enabled() and any(
        tensor.requires_grad
        for tensor in (scenes.K, scenes.disp_focus, scenes.planes, *(p for level in levels for p in level))
    )
    for index in range(len(cells.s)):
        weight = eye.weight(index, region, total)
        seen = seen + weight
        pixels = levels[min(int(cells.level[index]), len(levels) - 1)]
        lens = (float(cells.s[index]), float(cells.t[index]))
        tensors = (scenes.K, scenes.disp_focus, scenes.planes, *pixels)
        if again:
            sample = checkpoint(
                view.sample, lens, weight, *tensors, use_reentrant=False, preserve_rng_state=False
            )
            total = total + sample
        else:
            total += view.sample(lens, weight, *tensors)
    return total / seen.clamp(min=1e-12)


class CatEye:
    """Weights of lens cells, as each pixel sees the opening (docs/conventions.md)."""

    def __init__(self, cells: LensCells, cat_eye: float, size: Size) -> None:
        self.cells, self.cat_eye, self.size = cells, cat_eye, size
        self.side = 2.0 / (cells.n * 2.0**cells.level)
        self.middle = np.clip(0.5 + (1.0 - np.hypot(cells.s, cells.t)) / self.side, 0.0, 1.0)

    def weight(self, index: int, region: Region, like: Tensor) -> Tensor:
        """[h, w] (a number where the lens is the same everywhere) in the type and on the device of `like`."""
        cells, weight = self.cells, float(self.cells.weight[index])
        if self.cat_eye == 0.0:
            return like.new_tensor(weight)
        x0, y0, x1, y1 = region
        x, y = image_position(np.arange(x0, x1), np.arange(y0, y1)[:, None], self.size)
        distance = np.hypot(cells.s[index] - self.cat_eye * x, cells.t[index] - self.cat_eye * y)
        open_ = np.clip(0.5 + (1.0 - distance) / self.side[index], 0.0, 1.0) / self.middle[index]
        return torch.from_numpy(weight * np.minimum(open_, 1.0)).to(like)


class _View:
    """Layers looked up from one region of the image."""

    def __init__(self, scenes: Scenes, region: Region) -> None:
        self.region, self.corners = region, scenes.corners
        self.tilted = [bool(steep) for steep in (scenes.planes[:, :, :2] != 0.0).any(dim=2).any(dim=0)]

    def sample(
        self,
        lens: tuple[float, float],
        weight: Tensor,
        K: Tensor,
        disp_focus: Tensor,
        planes: Tensor,
        *rgba: Tensor,
    ) -> Tensor:
        """[B, 4, h, w] what one lens sample (s, t) adds: delta of docs/conventions.md, layer by layer."""
        u, v = K * lens[0], K * lens[1]
        light: Tensor | None = None
        through = weight
        for index, pixels in enumerate(rgba):
            p, q, r = planes[:, index].unbind(dim=1)
            scale = 1.0 / (1.0 - (p * u + q * v))
            delta = scale * (r - disp_focus)
            if self.tilted[index]:
                x, y = self._grid(K)
                slopes = (scale * p)[:, None, None] * x + (scale * q)[:, None, None] * y
                delta = delta[:, None, None] + slopes
                shift = u[:, None, None] * delta, v[:, None, None] * delta
                value = _gather(pixels, x - self.corners[index][0], y - self.corners[index][1], *shift)
            else:
                value = self._shifted(pixels, self.corners[index], u * delta, v * delta)
            part = through * value
            light = part if light is None else light + part
            through = through * (1.0 - value[:, 3:])
        assert light is not None  # scenes have layers
        return light

    def _grid(self, like: Tensor) -> tuple[Tensor, Tensor]:
        x0, y0, x1, y1 = self.region
        x = torch.arange(x0, x1, device=like.device, dtype=like.dtype)
        return x, torch.arange(y0, y1, device=like.device, dtype=like.dtype)[:, None]

    def _shifted(self, pixels: Tensor, corner: Corner, dx: Tensor, dy: Tensor) -> Tensor:
        """Bilinear lookup at one shift for each scene: four windows of the raster, weighted."""
        whole_x, whole_y = dx.detach().floor(), dy.detach().floor()
        starts = torch.stack([whole_x, whole_y], dim=1).long().tolist()
        x0, y0, x1, y1 = self.region
        windows = [
            _window(part, x0 + ix - corner[0], y0 + iy - corner[1], x1 - x0 + 1, y1 - y0 + 1)
            for part, (ix, iy) in zip(pixels, starts, strict=True)
        ]
        four = torch.stack(windows)
        fx = (dx - whole_x)[:, None, None, None].to(pixels.dtype)
        fy = (dy - whole_y)[:, None, None, None].to(pixels.dtype)
        rows = (1.0 - fy) * four[:, :, :-1] + fy * four[:, :, 1:]
        return (1.0 - fx) * rows[..., :-1] + fx * rows[..., 1:]


def _window(pixels: Tensor, x: int, y: int, width: int, height: int) -> Tensor:
    """[C, height, width] of a raster [C, h, w] from (x, y) on, zero outside."""
    h, w = pixels.shape[1:]
    left, right = min(max(x, 0), w), max(min(x + width, w), 0)
    top, bottom = min(max(y, 0), h), max(min(y + height, h), 0)
    if left >= right or top >= bottom:
        return pixels.new_zeros(pixels.shape[0], height, width)
    part = pixels[:, top:bottom, left:right]
    return torch.nn.functional.pad(part, (left - x, x + width - right, top - y, y + height - bottom))


def _gather(pixels: Tensor, x: Tensor, y: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
    """Bilinear lookup at a shift of its own for every pixel, zero outside.

    Args:
        pixels: [B, C, h, w].
        x, y: [W], [H, 1] whole numbers, place in the raster of the unshifted pixel.
        dx, dy: [B, H, W] pixels.

    Returns:
        [B, C, H, W].
    """
    height, width = pixels.shape[2:]
    column, row = (x + dx).detach().floor(), (y + dy).detach().floor()
    fx, fy = ((dx - (column - x))[:, None]).to(pixels.dtype), ((dy - (row - y))[:, None]).to(pixels.dtype)
    inside = ((column >= 0) & (row >= 0) & (column < width - 1) & (row < height - 1))[:, None]
    start = row.clamp(0, height - 2).long() * width + column.clamp(0, width - 2).long()
    flat = pixels.flatten(2)

    def at(offset: int) -> Tensor:
        index = (start + offset).flatten(1)[:, None].expand(-1, flat.shape[1], -1)
        return flat.gather(2, index).view(*flat.shape[:2], *start.shape[1:])

    upper = (1.0 - fx) * at(0) + fx * at(1)
    lower = (1.0 - fx) * at(width) + fx * at(width + 1)
    return torch.where(inside, (1.0 - fy) * upper + fy * lower, 0.0)


def _scenes(
    rgba: Sequence[Tensor], planes: Tensor, offsets: Sequence[Corner], K: Tensor, disp_focus: Tensor
) -> tuple[Scenes, bool]:
    """Arguments of `render_layers`, checked and batched; whether any of them was."""
    count = len(rgba)
    if not count:
        raise InputError("layers: there are none; give at least an opaque background")
    if len(offsets) != count or planes.shape[-2:] != (count, 3) or planes.ndim not in (2, 3):
        raise InputError(
            f"{count} layers need {count} offsets and planes [{count}, 3], got {len(offsets)} "
            f"and {list(planes.shape)}"
        )
    for index, pixels in enumerate(rgba):
        if pixels.ndim not in (3, 4) or pixels.shape[-3] != 4 or not pixels.is_floating_point():
            raise InputError(
                f"layer {index}: needs float [4, h, w] or [B, 4, h, w], not {list(pixels.shape)}"
            )
        if pixels.device != rgba[0].device or pixels.dtype != rgba[0].dtype:
            raise InputError(
                f"layer {index}: {pixels.dtype} on {pixels.device}, layer 0 is not; make them alike"
            )
    if K.ndim > 1 or disp_focus.ndim > 1:
        raise InputError(f"K and disp_focus must be [] or [B], not {list(K.shape)}, {list(disp_focus.shape)}")
    if not bool(torch.isfinite(K).all() & (K >= 0.0).all() & torch.isfinite(disp_focus).all()):
        raise InputError("K must be finite and >= 0, disp_focus finite")
    sizes = {t.shape[0] for t in rgba if t.ndim == 4} | {t.shape[0] for t in (K, disp_focus) if t.ndim == 1}
    sizes |= {planes.shape[0]} if planes.ndim == 3 else set()
    if len(sizes - {1}) > 1:
        raise InputError(f"batches of different sizes: {sorted(sizes)}")
    batch = max(sizes, default=1)
    exact = torch.float32 if rgba[0].device.type == "mps" else torch.float64
    K, disp_focus, planes = (t.to(rgba[0].device, exact) for t in (K, disp_focus, planes))
    layers = tuple((t if t.ndim == 4 else t[None]).expand(batch, -1, -1, -1) for t in rgba)
    planes = (planes if planes.ndim == 3 else planes[None]).expand(batch, -1, -1)
    scenes = Scenes(layers, tuple(offsets), planes, K.expand(batch), disp_focus.expand(batch))
    return scenes, bool(sizes)


def _largest_radius(scenes: Scenes) -> float:
    """Largest circle of confusion of any scene, over the whole rasters of its layers, pixels."""
    with torch.no_grad():
        return max(float(scenes.side(i, 1.0).max()) for i in range(len(scenes.rgba)))


def _padded(scenes: Scenes, cells: LensCells) -> Scenes:
    """Room around every raster for what the prefilter spreads, and a transparent border for lookups."""
    pad = math.ceil(_largest_radius(scenes) / cells.n) + 2
    rgba = tuple(torch.nn.functional.pad(pixels, (pad,) * 4) for pixels in scenes.rgba)
    corners = tuple((x - pad, y - pad) for x, y in scenes.corners)
    return replace(scenes, rgba=rgba, corners=corners)
