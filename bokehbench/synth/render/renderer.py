"""Render a stack of layers through a lens."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer
from bokehbench.optics import Lens
from bokehbench.synth.render.cells import lens_cells
from bokehbench.synth.render.kernel import render_strip
from bokehbench.synth.render.occupancy import HEIGHT, LEFT, TOP, WIDTH, tile_radii
from bokehbench.synth.render.prefilter import blur_constant, blur_varying, box_taps
from bokehbench.synth.render.quality import MOST_DEPTH, Quality, quality_of
from bokehbench.synth.render.scene import (
    Rect,
    Size,
    Stack,
    common,
    grown,
    largest_radius,
    make_stack,
    support,
)

TILE = 32
STRIP = 1024
"""Longest run of tiles rendered together, pixels: long rows vectorise, accumulators still fit the cache."""

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
        backend: "numba" (CPU), or "torch", "torch:cuda" (the readable reference, on any device).

    Returns:
        [H, W, 4] float32, linear premultiplied RGB and coverage (1 where every ray met something opaque).

    Raises:
        ConfigError: unknown quality or backend.
    """
    level = quality_of(quality)
    if backend != "numba":
        from bokehbench.synth.render import reference

        return reference.render(layers, lens, size, level, backend)
    radius = max(
        (largest_radius(layer.plane, rect, lens) for layer in layers if (rect := support(layer))), default=0.0
    )
    stack = make_stack(layers, math.ceil(level.widest_cell(radius) / 2.0) + 2)
    counts = _cells_per_tile(stack, lens, size, level)
    return _render(stack, lens, size, counts, level.depth)


def render_all_in_focus(layers: Sequence[Layer], size: Size) -> Image:
    """The K = 0 limit: layers composited in linear light, every one sharp.

    Returns:
        [H, W, 4] float32, linear premultiplied RGB and coverage.
    """
    return render_bokeh(layers, Lens(K=0.0, disp_focus=0.0), size)


def _cells_per_tile(stack: Stack, lens: Lens, size: Size, level: Quality) -> npt.NDArray[np.int64]:
    """[rows, columns] n of each tile, from the largest blur that reaches it."""
    width, height = size
    radii = np.zeros((-(-height // TILE), -(-width // TILE)))
    spread = np.array([largest_radius(stack.plane(i), rect, lens) for i, rect in enumerate(stack.rects)])
    optics = np.array([lens.K, lens.disp_focus])
    tile_radii(stack.blocks, stack.table, stack.planes, optics, spread, TILE, radii)
    values, where = np.unique(radii, return_inverse=True)
    return np.array([level.cells_per_axis(v) for v in values], np.int64)[where.reshape(radii.shape)]


def _render(stack: Stack, lens: Lens, size: Size, counts: npt.NDArray[np.int64], depth: int) -> Image:
    width, height = size
    out = np.zeros((height, width, 4), np.float32)
    optics = np.array([lens.K, lens.disp_focus])
    with ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool:
        for n in np.unique(counts):
            strips = _strips(counts == n, size)
            lit = lens_cells(lens.aperture, int(n), depth)
            cells = np.stack([lit.s, lit.t, lit.weight, lit.level], axis=1)
            levels = [
                _prefilter(stack, lens, int(n) << level, _bounding(strips), pool)
                for level in range(int(lit.level.max()) + 1)
            ]
            flats = tuple(levels[min(level, len(levels) - 1)][0] for level in range(MOST_DEPTH + 1))
            reach = np.stack([reach for _, reach in levels])

            def work(strip: Strip, flats: Any = flats, reach: Any = reach, cells: Any = cells) -> None:
                render_strip(flats, stack.table, stack.blocks, stack.planes, optics, reach, cells, strip, out)

            _all(pool, work, strips)
    return out


def _all(pool: ThreadPoolExecutor, function: Callable[[Any], Any], items: Iterable[Any]) -> None:
    for _ in pool.map(function, items):
        pass


def _strips(mask: npt.NDArray[np.bool_], size: Size) -> list[Strip]:
    """Rectangles (x0, y0, x1, y1) of neighbouring tiles of one row that are set."""
    strips: list[Strip] = []
    for row, column in np.argwhere(mask):
        x0, y0 = int(column) * TILE, int(row) * TILE
        x1, y1 = min(x0 + TILE, size[0]), min(y0 + TILE, size[1])
        if strips and strips[-1][1] == y0 and strips[-1][2] == x0 and x1 - strips[-1][0] <= STRIP:
            strips[-1][2] = x1
        else:
            strips.append(np.array([x0, y0, x1, y1], np.int64))
    return strips


def _bounding(strips: list[Strip]) -> Rect:
    every = np.stack(strips)
    return (*every[:, :2].min(axis=0).tolist(), *every[:, 2:].max(axis=0).tolist())


def _prefilter(
    stack: Stack, lens: Lens, n: int, image: Rect, pool: ThreadPoolExecutor
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Blur what rays from the rectangle `image` can reach of each layer by the cells' footprints.

    Returns:
        flat: laid out as `stack.flat`; pixels out of reach are undefined.
        reach: [L] pixels by which alpha has spread.
    """
    reach = np.zeros(len(stack), np.int64)
    sides = [2.0 * largest_radius(stack.plane(i), rect, lens) / n for i, rect in enumerate(stack.rects)]
    if n == 1 or max(sides) <= 1.0:
        return stack.flat, reach
    flat = np.empty_like(stack.flat)
    tasks = []
    for index in range(len(stack)):
        m, f = box_taps(sides[index])
        radius = sides[index] * n / 2.0
        reach[index] = int(m) + (1 if f > 0.0 else 0)
        height, width, left, top = (int(v) for v in stack.table[index, [HEIGHT, WIDTH, LEFT, TOP]])
        part = common(
            grown(image, math.ceil(radius) + 2 * int(reach[index]) + 3),
            (left, top, left + width, top + height),
        )
        if part is None:
            continue
        window = (slice(part[1] - top, part[3] - top), slice(part[0] - left, part[2] - left))
        flat_plane = stack.planes[index, 0] == 0.0 and stack.planes[index, 1] == 0.0
        blur = blur_constant if flat_plane else blur_varying
        taps: tuple[Any, Any] = (int(m), float(f))
        if not flat_plane:
            taps = box_taps(2.0 * lens.K / n * np.abs(stack.disparity(index)[window] - lens.disp_focus))
        for channel in range(4):
            source, target = stack.pixels(index)[channel][window], stack.pixels(index, flat)[channel][window]
            tasks.append((blur, source, *taps, target))
    _all(pool, lambda task: task[0](*task[1:]), tasks)
    return flat, reach
