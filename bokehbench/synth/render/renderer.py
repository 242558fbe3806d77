"""Render a stack of layers through a lens."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.layers import Layer
from bokehbench.optics import Lens
from bokehbench.synth.render.cells import lens_cells
from bokehbench.synth.render.prefilter import box_prefilter
from bokehbench.synth.render.quality import quality_of
from bokehbench.synth.render.scene import Sheet, Size, largest_radius, make_sheets, support

TILE = 32


def render_bokeh(
    layers: Sequence[Layer], lens: Lens, size: Size, *, quality: str = "standard", backend: str = "numba"
) -> npt.NDArray[np.float32]:
    """What the lens sees of the layers.

    Args:
        layers: near to far, premultiplied linear, in output pixel coordinates; nothing lies outside their
            rasters.
        lens: K in pixels at this size; only `gamma` is not used.
        size: (W, H) of the image.
        quality: name in `QUALITIES`.
        backend: "numba" (CPU).

    Returns:
        [H, W, 4] float32, linear premultiplied RGB and coverage (1 where every ray met something opaque).
    """
    level = quality_of(quality)
    if backend != "numba":
        raise ConfigError(f"unknown backend {backend!r}; one of numba")
    radius = max(
        (largest_radius(layer.plane, rect, lens) for layer in layers if (rect := support(layer))), default=0.0
    )
    n = level.cells_per_axis(radius)
    sheets = make_sheets(layers, int(np.ceil(radius / n)) + 2)
    filtered = [
        replace(
            sheet,
            pixels=box_prefilter(
                sheet.pixels, 2.0 * lens.K / n * np.abs(sheet.disparity() - lens.disp_focus)
            ),
        )
        if n > 1
        else sheet
        for sheet in sheets
    ]
    cells = lens_cells(lens.aperture, n)
    return _render(filtered, lens, size, np.stack([cells.s, cells.t, cells.weight], axis=1))


def render_all_in_focus(layers: Sequence[Layer], size: Size) -> npt.NDArray[np.float32]:
    """The K = 0 limit: layers composited in linear light, every one sharp.

    Returns:
        [H, W, 4] float32, linear premultiplied RGB and coverage.
    """
    return render_bokeh(layers, Lens(K=0.0, disp_focus=0.0), size)


def _render(
    sheets: Sequence[Sheet], lens: Lens, size: Size, cells: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    import numba

    from bokehbench.synth.render.kernel import render_tile

    width, height = size
    out = np.zeros((height, width, 4), np.float32)
    if not sheets:
        return out
    pixels = numba.typed.List([sheet.pixels for sheet in sheets])
    origins = np.array([[sheet.x, sheet.y] for sheet in sheets], np.int64)
    planes = np.array([[s.plane.p, s.plane.q, s.plane.r] for s in sheets], np.float64)
    optics = np.array([lens.K, lens.disp_focus], np.float64)
    tiles = [
        np.array([x, y, min(x + TILE, width), min(y + TILE, height)], np.int64)
        for y in range(0, height, TILE)
        for x in range(0, width, TILE)
    ]
    with ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool:
        list(pool.map(lambda tile: render_tile(pixels, origins, planes, optics, cells, tile, out), tiles))
    return out
