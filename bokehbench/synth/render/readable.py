"""The CPU kernel in readable numpy: the same strips, cells and lines, one image row at a time.

Nothing is skipped, no run is cut, no loop is fused, sums are in double precision. Tests hold `kernel.py`
against it. Highlights and vignetting are not its business.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bokehbench.optics import Lens
from bokehbench.synth.render.kernel import WIDEST_POINT
from bokehbench.synth.render.lines import line_of
from bokehbench.synth.render.occupancy import LEFT, TOP
from bokehbench.synth.render.scene import Size, Stack, largest_radius
from bokehbench.synth.render.strips import lens_strips

Array = npt.NDArray[np.float64]


def render_stack(stack: Stack, lens: Lens, size: Size, n: int, thin: int) -> Array:
    """[H, W, 4] what `kernel.render_tiles` makes with n strips everywhere.

    A layer counts as wide or narrow as a whole here: give layers that are clearly one of both.
    """
    width, height = size
    out = np.zeros((height, width, 4))
    strips = lens_strips(lens.aperture, n, thin)
    x = np.arange(width, dtype=np.float64)
    for index, (low, high) in enumerate(strips.t):
        cells = strips.cells[strips.first[index] : strips.first[index + 1]]
        for y in range(height):
            out[y] += _row(stack, lens, (low, high), cells, x, float(y), n)
    return out


def _row(
    stack: Stack, lens: Lens, strip: tuple[float, float], cells: Array, x: Array, y: float, n: int
) -> Array:
    """[W, 4] light of one image row through one strip."""
    through = np.ones((len(cells), len(x)))
    light = np.zeros((len(x), 4))
    for layer in range(len(stack)):
        line = line_of(stack.planes[layer], lens.disp_focus, lens.K * (strip[0] + strip[1]) / 2.0, y)
        wide = (
            n > 1 and largest_radius(stack.plane(layer), stack.rects[layer], lens) * 2.0 / n >= WIDEST_POINT
        )
        pixels, first = _band(stack, layer, lens, strip, y, wide), int(stack.table[layer, LEFT]) - 1
        seen = _wide_cells(pixels, first, line, lens.K, cells, x) if wide else None
        for i in range(len(cells)):
            if seen is not None:
                value = seen[i]
            else:
                u = lens.K * (cells[i, 0] + cells[i, 1]) / 2.0
                value = _look_up(pixels, (x + u * line[0]) / (1.0 - u * line[1]) - first)
            light += cells[i, 2] * through[i][:, None] * value
            through[i] *= np.maximum(0.0, 1.0 - value[:, 3])
    return light


def _band(stack: Stack, layer: int, lens: Lens, strip: tuple[float, float], y: float, wide: bool) -> Array:
    """[w + 2, 4] the layer along a strip's band, from one column before its raster to one behind it."""
    pixels = np.pad(stack.pixels(layer).astype(np.float64), ((0, 0), (0, 0), (1, 1)))
    top, left = stack.table[layer, TOP], stack.table[layer, LEFT]
    columns, rows = left - 1.0 + np.arange(pixels.shape[2]), np.arange(pixels.shape[1])[:, None]
    ends = []
    for t in strip if wide else (sum(strip) / 2.0,):
        a, b = line_of(stack.planes[layer], lens.disp_focus, lens.K * t, y)
        ends.append(y + lens.K * t * (a + b * columns) - top)
    if wide:
        low, high = np.minimum(*ends), np.maximum(*ends)
        weights = (_below(high - rows) - _below(low - rows)) / (high - low)
    else:
        weights = np.maximum(0.0, 1.0 - np.abs(ends[0] - rows))
    return np.asarray(np.einsum("yx,cyx->xc", weights, pixels))


def _below(z: Array) -> Array:
    """Integral of the tent max(0, 1 - |z|) up to z."""
    z = np.clip(z, -1.0, 1.0)
    return 0.5 + z - 0.5 * z * np.abs(z)


def _wide_cells(
    pixels: Array, first: int, line: tuple[float, float], K: float, cells: Array, x: Array
) -> Array:
    """[cells, W, 4] mean over each cell, over lens coordinates: see `lines.integrate`."""
    a, b = line
    smooth = 22.0 * pixels + np.pad(pixels, ((1, 1), (0, 0)))[:-2] + np.pad(pixels, ((1, 1), (0, 0)))[2:]
    density = smooth / 24.0 / (a + b * (first + np.arange(len(pixels))))[:, None] ** 2
    total = np.concatenate([np.zeros((1, 4)), np.cumsum(density, axis=0)])
    means = []
    for s0, s1, _ in cells:
        ends = [_look_up(total, (x + u * a) / (1.0 - u * b) - first + 0.5) for u in (K * s0, K * s1)]
        means.append((a + b * x)[:, None] * (ends[1] - ends[0]) / (K * (s1 - s0)))
    return np.stack(means)


def _look_up(row: Array, at: Array) -> Array:
    """Linear in a row [N, 4]; its ends go on outside."""
    return np.stack([np.interp(at, np.arange(len(row)), row[:, c]) for c in range(4)], axis=1)
