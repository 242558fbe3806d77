"""Render a stack of layers through a lens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.apertures import image_position, overlap
from bokehbench.layers import Layer
from bokehbench.optics import Lens, falloff
from bokehbench.synth.render.highlights import spread, take_highlights
from bokehbench.synth.render.kernel import render_tiles
from bokehbench.synth.render.quality import Quality, quality_of
from bokehbench.synth.render.scene import (
    Size,
    Stack,
    make_stack,
)
from bokehbench.synth.render.strips import lens_strips
from bokehbench.synth.render.tiles import TILE, cells_per_tile

PAD = 2
"""Transparent pixels around the layers: a bilinear look-up ends in them."""
STRIP = 1024
"""Longest run of tiles rendered together, pixels: long rows vectorise, accumulators still fit the cache."""
ALIKE = 1.34
"""Tiles whose numbers of strips differ by no more than this factor are rendered together."""

Strip = npt.NDArray[np.int64]
Image = npt.NDArray[np.float32]


def render_bokeh(
    layers: Sequence[Layer],
    lens: Lens,
    size: Size,
    *,
    quality: str | Quality = "standard",
    backend: str = "numba",
) -> Image:
    """What the lens sees of the layers.

    Args:
        layers: near to far, premultiplied linear, in output pixel coordinates; nothing lies outside their
            rasters. `validate` says whether they can be rendered exactly.
        lens: K in pixels at this size; gamma is not used, light stays linear.
        size: (W, H) of the image.
        quality: name in `QUALITIES`, or a `Quality`.
        backend: "numba" (CPU), "torch[:DEVICE]" (any device), or "triton" (CUDA); see `tensor_renderer`.

    Returns:
        [H, W, 4] float32, linear premultiplied RGB and coverage (1 where every ray met something opaque).

    Raises:
        ConfigError: unknown quality or backend.
        Unavailable: a backend whose device is not there.
    """
    level = quality_of(quality)
    if backend != "numba":
        from bokehbench.synth.render import tensor_renderer

        return tensor_renderer.render(layers, lens, size, level, backend)
    with ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool:
        images = [(_render(layers, part, size, level, pool), channels) for part, channels in lens.channels()]
    image = images[0][0]
    for other, channels in images[1:]:
        image[..., channels] = other[..., channels]
        np.minimum(image[..., 3], other[..., 3], out=image[..., 3])
    return image


def render_all_in_focus(layers: Sequence[Layer], size: Size) -> Image:
    """The K = 0 limit: layers composited in linear light, every one sharp.

    Returns:
        [H, W, 4] float32, linear premultiplied RGB and coverage.
    """
    return render_bokeh(layers, Lens(K=0.0, disp_focus=0.0), size)


def _render(
    layers: Sequence[Layer], lens: Lens, size: Size, level: Quality, pool: ThreadPoolExecutor
) -> Image:
    """`render_bokeh` through one lens without focus shift."""
    stack = make_stack(layers, PAD, pool)
    if not len(stack):
        return np.zeros((size[1], size[0], 4), np.float32)
    highlights = take_highlights(stack, lens, size[0] * size[1])
    counts = cells_per_tile(stack, lens, size, level)
    out = _trace(stack, lens, size, counts, level.depth, pool)
    eye = lens.aperture.cat_eye
    if len(highlights):
        place = image_position(np.arange(size[0]), np.arange(size[1])[:, None], size)
        share = overlap(lens.aperture, *place).astype(np.float32) if eye else None
        bands = [(y, min(y + 2 * TILE, size[1])) for y in range(0, size[1], 2 * TILE)]
        _all(pool, lambda band: spread(highlights, stack, lens, share, out, band), bands)
    darker = falloff(lens, size)
    if darker is not None:
        out[..., :3] *= darker[..., None]
    return out


def _trace(
    stack: Stack,
    lens: Lens,
    size: Size,
    counts: npt.NDArray[np.int64],
    thin: int,
    pool: ThreadPoolExecutor,
) -> Image:
    """The layers as cells see them, every pixel divided by the light of the opening that it sees."""
    width, height = size
    out = np.zeros((height, width, 4), np.float32)
    place = np.array([(width - 1) / 2.0, (height - 1) / 2.0, 2.0 / math.hypot(width, height)])
    eye = lens.aperture.cat_eye
    opening = replace(lens.aperture, cat_eye=0.0)

    def work(part: tuple[int, Strip]) -> None:
        n, tile = part
        cut = lens_strips(opening, n, thin)
        optics = np.array([lens.K, lens.disp_focus, 2.0 * lens.K / n if n > 1 else 0.0])
        samples = (cut.t, cut.first, cut.cells)
        render_tiles(
            stack.flat, stack.table, stack.blocks, stack.planes, optics, *samples, place, eye, tile, out
        )

    for n in np.unique(counts):
        lens_strips(opening, int(n), thin)  # into the cache, by one thread
    _all(pool, work, _parts(counts, size))
    return out


def _all(pool: ThreadPoolExecutor, function: Callable[[Any], Any], items: Iterable[Any]) -> None:
    for _ in pool.map(function, items):
        pass


def _parts(counts: npt.NDArray[np.int64], size: Size) -> list[tuple[int, Strip]]:
    """Rectangles (x0, y0, x1, y1) of neighbouring tiles of one row and the n that all of them take.

    Tiles whose n is nearly the same share the largest: long rows vectorise, and read less beside themselves.
    """
    parts: list[tuple[int, Strip]] = []
    for row, line in enumerate(counts.tolist()):
        y0, y1 = row * TILE, min((row + 1) * TILE, size[1])
        first, low, high = 0, line[0], line[0]
        for column, n in enumerate([*line[1:], 0], start=1):
            joined = min(low, n), max(high, n)
            if (n == 1) == (high == 1) and joined[1] <= ALIKE * joined[0] and column - first < STRIP // TILE:
                low, high = joined
                continue
            x1 = min(column * TILE, size[0])
            parts.append((high, np.array([first * TILE, y0, x1, y1], np.int64)))
            first, low, high = column, n, n
    return parts
