"""What the kernels are given: the visible parts of all layers, planar and padded, in one flat buffer."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.synth.render.occupancy import BLOCK, HEIGHT, LEFT, OFFSET, TOP, WIDTH, classify

Size = tuple[int, int]
Rect = tuple[int, int, int, int]
"""x0, y0, x1, y1; the end lies outside."""
BAND = 4
"""Rows of blocks that are copied at a time."""


def grown(rect: Rect, pad: int) -> Rect:
    """The rectangle with `pad` pixels more on every side."""
    return rect[0] - pad, rect[1] - pad, rect[2] + pad, rect[3] + pad


def common(a: Rect | None, b: Rect | None) -> Rect | None:
    """Intersection, None where empty."""
    if a is None or b is None:
        return None
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def disparity_bounds(plane: Plane, rect: Rect) -> tuple[float, float]:
    """Least and largest disparity of a plane over a rectangle (affine: its corners suffice)."""
    x0, y0, x1, y1 = rect
    values = [float(plane.disparity(x, y)) for x in (x0, x1 - 1) for y in (y0, y1 - 1)]
    return min(values), max(values)


def largest_radius(plane: Plane, rect: Rect, lens: Lens) -> float:
    """Largest circle of confusion of a plane over a rectangle, pixels."""
    low, high = disparity_bounds(plane, rect)
    return lens.K * max(abs(low - lens.disp_focus), abs(high - lens.disp_focus))


def support(layer: Layer) -> Rect | None:
    """Bounding rectangle of what is not transparent, in output coordinates; None for an empty layer."""
    x0, y0, x1, y1 = _bounds(layer.rgba)
    return (layer.x + x0, layer.y + y0, layer.x + x1, layer.y + y1) if x0 < x1 else None


@numba.njit(cache=True, nogil=True)
def _bounds(rgba):  # type: ignore[no-untyped-def]  # pragma: no cover
    height, width = rgba.shape[:2]
    x0, y0, x1, y1 = width, height, 0, 0
    for y in range(height):
        first = 0
        while first < width and not rgba[y, first].any():
            first += 1
        if first == width:
            continue
        last = width - 1
        while not rgba[y, last].any():
            last -= 1
        x0, x1 = min(x0, first), max(x1, last + 1)
        y0, y1 = min(y0, y), y + 1
    return x0, y0, x1, y1


@dataclass(frozen=True, eq=False)
class Stack:
    """Layers as kernels want them; empty ones are left out.

    Attributes:
        flat: float32, [4, h, w] premultiplied RGBA of each layer, one after the other.
        table: [L, 7] int64, see `occupancy`.
        blocks: uint8, classes of all layers' blocks.
        planes: [L, 3] float64 (p, q, r).
        rects: support of each layer in output coordinates.
    """

    flat: npt.NDArray[np.float32]
    table: npt.NDArray[np.int64]
    blocks: npt.NDArray[np.uint8]
    planes: npt.NDArray[np.float64]
    rects: list[Rect]

    def __len__(self) -> int:
        return len(self.rects)

    def plane(self, index: int) -> Plane:
        """Disparity of a layer."""
        return Plane(*self.planes[index])

    def pixels(self, index: int, flat: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
        """View [4, h, w] of a layer, of `flat` in place of this stack's own where given."""
        offset, height, width = self.table[index, [OFFSET, HEIGHT, WIDTH]]
        flat = self.flat if flat is None else flat
        return flat[offset : offset + 4 * height * width].reshape(4, height, width)

    def disparity(self, index: int) -> npt.NDArray[np.float64]:
        """[h, w] disparity at every pixel of a layer's raster."""
        height, width, left, top = self.table[index, [HEIGHT, WIDTH, LEFT, TOP]]
        x, y = np.arange(left, left + width)[None, :], np.arange(top, top + height)[:, None]
        return self.plane(index).disparity(x, y)


def make_stack(layers: Sequence[Layer], pad: int, pool: Executor | None = None) -> Stack:
    """Copy the visible parts of the layers, with `pad` >= 1 transparent pixels or more around each.

    Rasters start at multiples of BLOCK, so that blocks lie at the same places of the scene however layers
    are cropped. A pool, where given, copies parts side by side.
    """
    seen = [(layer, rect) for layer in layers if (rect := support(layer)) is not None]
    frames = [_frame(rect, pad) for _, rect in seen]
    grids = [(-(-(y1 - y0) // BLOCK), -(-(x1 - x0) // BLOCK)) for x0, y0, x1, y1 in frames]
    offsets = np.cumsum([0] + [4 * (y1 - y0) * (x1 - x0) for x0, y0, x1, y1 in frames])
    block_offsets = np.cumsum([0] + [rows * columns for rows, columns in grids])
    table = [
        (offsets[i], y1 - y0, x1 - x0, x0, y0, block_offsets[i], grids[i][1])
        for i, (x0, y0, x1, y1) in enumerate(frames)
    ]
    planes = [(layer.plane.p, layer.plane.q, layer.plane.r) for layer, _ in seen]
    stack = Stack(
        np.zeros(offsets[-1], np.float32),
        np.array(table, np.int64).reshape(-1, 7),
        np.zeros(block_offsets[-1], np.uint8),
        np.array(planes, np.float64).reshape(-1, 3),
        [rect for _, rect in seen],
    )
    tasks = []
    for index, (layer, (x0, y0, x1, y1)) in enumerate(seen):
        left, top = frames[index][:2]
        part = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x]
        first, (rows, columns) = block_offsets[index], grids[index]
        blocks = stack.blocks[first : first + rows * columns].reshape(rows, columns)
        tasks += [
            (part, stack.pixels(index), blocks, y0 - top, x0 - left, row, min(row + BAND, rows))
            for row in range(0, rows, BAND)
        ]
    for _ in (map if pool is None else pool.map)(lambda task: _copy(*task), tasks):
        pass
    return stack


def _frame(rect: Rect, pad: int) -> Rect:
    x0, y0, x1, y1 = grown(rect, pad)
    return x0 // BLOCK * BLOCK, y0 // BLOCK * BLOCK, x1, y1


@numba.njit(cache=True, nogil=True)
def _copy(rgba, pixels, blocks, top, left, first, end):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Copy and classify the rows of blocks first..end; rgba's first pixel goes to (left, top)."""
    for y in range(max(first * BLOCK, top), min(end * BLOCK, top + rgba.shape[0])):
        for x in range(rgba.shape[1]):
            for channel in range(4):
                pixels[channel, y, left + x] = rgba[y - top, x, channel]
    classify(pixels[3, first * BLOCK : end * BLOCK], blocks[first:end])
