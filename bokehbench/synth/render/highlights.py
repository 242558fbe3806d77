"""Bright points, spread one by one.

A lamp far brighter than the picture shows every cell of the aperture and every step of its rim, so light
above the display's white is taken out of the layers and spread separately. A point of a plane at x0, of
signed defocus S0, is received at x = x0 - S0 (s, t) with the density

    a(s, t) (1 - K (p s + q t)) / S0^2

(docs/conventions.md, inverted; the second factor is the Jacobian of a tilted plane), times what the nearer
layers let through where that ray meets them: at x0 + K (s, t) (p x0 + q y0 + r - d0) / (1 - K (p s + q t)).
This is exact to the footprint of a pixel at any sampling of the lens.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.optics import Aperture, Lens
from bokehbench.synth.render.occupancy import EMPTY, HEIGHT, LEFT, OFFSET, TOP, WIDTH, occupancy
from bokehbench.synth.render.scene import Stack, largest_radius

WHITE = 1.0
LEAST_RADIUS = 1.5
"""Below this radius, pixels, cells are finer than pixels anyway."""
MOST_RATIO = 8.0
"""Points that spread less than this part of a nearer layer are left to the cells: to them it is soft."""
BUDGET = 60.0
"""Spread pixels per image pixel at most; a higher white is taken where there is more light."""
STEP = 16.0
"""Radii are rounded to 1 / STEP pixel, less than any picture shows."""
FOOTPRINT = math.sqrt(2.0)
"""Side of the square whose variance is that of the tent of a bilinear lookup."""


@dataclass(frozen=True, eq=False)
class Highlights:
    """Light that was taken out of a stack.

    Attributes:
        layer: [N] int64, index in the stack.
        place: [N, 2] int64, output x, y.
        colour: [N, 3] float32, linear premultiplied.
        defocus: [N] float64, signed, pixels.
    """

    layer: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    colour: npt.NDArray[np.float32]
    defocus: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.layer)


def take_highlights(stack: Stack, lens: Lens, pixels: int) -> Highlights:
    """Take light above the display's white out of the layers where it is clearly out of focus.

    Args:
        stack: changed in place: colours above white are scaled down to it.
        lens: what is asked for.
        pixels: of the image; bounds the work.
    """
    white, radii = (
        WHITE,
        np.array([largest_radius(stack.plane(i), r, lens) for i, r in enumerate(stack.rects)]),
    )
    found = [_bright(stack, index, lens, white, radii) for index in range(len(stack))]
    while sum(float((np.pi * part[3] ** 2).sum()) for part in found) > BUDGET * pixels:
        white *= 2.0
        found = [_bright(stack, index, lens, white, radii) for index in range(len(stack))]
    for index, (x, y, colour, _) in enumerate(found):
        if len(x):
            left, top = stack.table[index, [LEFT, TOP]]
            stack.pixels(index)[:3, y - top, x - left] -= colour.T
    counts = [len(part[0]) for part in found]
    return Highlights(
        np.repeat(np.arange(len(stack)), counts),
        np.concatenate([np.stack([x, y], axis=1) for x, y, _, _ in found]).reshape(-1, 2),
        np.concatenate([colour for _, _, colour, _ in found]).reshape(-1, 3),
        np.concatenate([defocus for *_, defocus in found]),
    )


def _bright(
    stack: Stack, index: int, lens: Lens, white: float, radii: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """(x, y, colour above white, signed defocus) of a layer's pixels that are to be spread."""
    pixels = stack.pixels(index)
    rows, columns = _brighter(pixels, np.float32(white))
    x, y = columns + stack.table[index, LEFT], rows + stack.table[index, TOP]
    defocus = lens.K * (stack.plane(index).disparity(x, y) - lens.disp_focus)
    nearer = radii[:index].max() if index else 0.0
    take = np.abs(defocus) >= max(LEAST_RADIUS, nearer / MOST_RATIO)
    x, y, defocus = x[take], y[take], defocus[take]
    colour = pixels[:3, rows[take], columns[take]].T
    excess = colour * (1.0 - np.float32(white) / colour.max(axis=1, initial=np.float32(white), keepdims=True))
    return x, y, np.ascontiguousarray(excess), defocus


@numba.njit(cache=True, nogil=True)
def _brighter(pixels, white):  # type: ignore[no-untyped-def]  # pragma: no cover
    rows, columns = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    for row in range(pixels.shape[1]):
        most = np.float32(0.0)
        for channel in range(3):
            for column in range(pixels.shape[2]):
                most = max(most, pixels[channel, row, column])
        if most > white:
            for column in range(pixels.shape[2]):
                if max(pixels[0, row, column], max(pixels[1, row, column], pixels[2, row, column])) > white:
                    rows.append(row)
                    columns.append(column)
    return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)


def spread(
    highlights: Highlights,
    stack: Stack,
    lens: Lens,
    share: npt.NDArray[np.float32] | None,
    out: npt.NDArray[np.float32],
    rows: tuple[int, int],
) -> None:
    """Add the highlights to rows [first, end) of the image.

    Args:
        highlights: of the stack.
        stack: occlusion.
        lens: what is asked for.
        share: [H, W] light of the opening that a pixel sees through the second disc; None without cat-eye.
        out: [H, W, 4] float32; colours are added to.
        rows: first and end; bands of rows may be worked on side by side.
    """
    height, width = out.shape[:2]
    reach = np.abs(highlights.defocus) + 2.0
    y = highlights.place[:, 1]
    near = (y + reach >= rows[0]) & (y - reach < rows[1])
    indices = np.flatnonzero(near)
    # Points of one radius follow one another and share their shape.
    indices = indices[np.argsort(np.round(np.abs(highlights.defocus[indices]) * STEP), kind="stable")]
    if not len(indices):
        return
    side = int(np.clip(8.0 * reach.max(), 256, 1024))
    table = _light_table(replace(lens.aperture, cat_eye=0.0), 1 << (side - 1).bit_length())
    place = np.array([(width - 1) / 2.0, (height - 1) / 2.0, 2.0 / math.hypot(width, height)])
    bounds = np.array([(*_disparities(stack, i),) for i in range(len(stack))], np.float64).reshape(-1, 2)
    _spread(
        highlights.layer,
        highlights.place,
        highlights.colour,
        highlights.defocus,
        indices,
        stack.flat,
        stack.table.copy(),
        stack.blocks,
        stack.planes.copy(),
        bounds,
        np.array([lens.K, lens.disp_focus, lens.aperture.cat_eye]),
        place,
        np.zeros((0, 0), np.float32) if share is None else share,
        table,
        out,
        rows,
    )


def _disparities(stack: Stack, index: int) -> tuple[float, float]:
    x0, y0, x1, y1 = stack.rects[index]
    corners = stack.plane(index).disparity(np.array([x0, x1, x0, x1]), np.array([y0, y0, y1, y1]))
    return float(corners.min()), float(corners.max())


@functools.lru_cache(maxsize=16)
def _light_table(aperture: Aperture, side: int) -> npt.NDArray[np.float64]:
    """[side + 1, side + 1] light of the aperture left of and above a corner; 1 in all."""
    points = (2.0 * np.arange(side) + 1.0 - side) / side
    light = aperture.transmission(*np.meshgrid(points, points))
    table = np.zeros((side + 1, side + 1))
    table[1:, 1:] = np.cumsum(np.cumsum(light, axis=0), axis=1)
    return table / table[-1, -1]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _up_to(table, s, t):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Light up to lens point (s, t)."""
    side = table.shape[0] - 1
    a, b = (
        min(max((s + 1.0) * 0.5 * side, 0.0), side * 1.0),
        min(max((t + 1.0) * 0.5 * side, 0.0), side * 1.0),
    )
    i, k = min(int(a), side - 1), min(int(b), side - 1)
    fx, fy = a - i, b - k
    upper = table[k, i] + fx * (table[k, i + 1] - table[k, i])
    lower = table[k + 1, i] + fx * (table[k + 1, i + 1] - table[k + 1, i])
    return upper + fy * (lower - upper)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_shape(table, radius, shape):  # type: ignore[no-untyped-def]  # pragma: no cover
    """shape [side, side]: light that pixels around a far point of that radius receive; 1 in all."""
    middle = shape.shape[0] // 2
    half = 0.5 * FOOTPRINT / radius
    total = 0.0
    for row in range(shape.shape[0]):
        t = (row - middle) / radius
        for column in range(shape.shape[1]):
            s = (column - middle) / radius
            light = _up_to(table, s + half, t + half) - _up_to(table, s - half, t + half)
            light += _up_to(table, s - half, t - half) - _up_to(table, s + half, t - half)
            shape[row, column] = light
            total += light
    shape /= total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _alpha(flat, entry, x, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    column, row = x - entry[LEFT], y - entry[TOP]
    if not (0.0 <= column < entry[WIDTH] - 1 and 0.0 <= row < entry[HEIGHT] - 1):
        return 0.0
    i, k = int(column), int(row)
    fx, fy = column - i, row - k
    at = entry[OFFSET] + (3 * entry[HEIGHT] + k) * entry[WIDTH] + i
    upper = flat[at] + fx * (flat[at + 1] - flat[at])
    at += entry[WIDTH]
    lower = flat[at] + fx * (flat[at + 1] - flat[at])
    return upper + fy * (lower - upper)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _through(flat, table, planes, K, layers, count, ratio, x0, y0, d0, s, t, pixel):  # type: ignore[no-untyped-def]  # pragma: no cover
    """What the layers nearer than a point let through to lens point (s, t), over the footprint of a pixel."""
    result = 0.0
    for row in range(ratio):
        for column in range(ratio):
            a = s + ((column + 0.5) / ratio - 0.5) * pixel
            b = t + ((row + 0.5) / ratio - 0.5) * pixel
            left = 1.0
            for index in range(count):
                m = layers[index]
                p, q = planes[m, 0], planes[m, 1]
                shift = K * (p * x0 + q * y0 + planes[m, 2] - d0) / (1.0 - K * (p * a + q * b))
                left *= 1.0 - _alpha(flat, table[m], x0 + a * shift, y0 + b * shift)
            result += left
    return result / (ratio * ratio)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _spread(  # type: ignore[no-untyped-def]  # pragma: no cover
    layers,
    places,
    colours,
    defocus,
    indices,
    flat,
    table,
    blocks,
    planes,
    bounds,
    lens,
    place,
    share,
    light,
    out,
    band,
):
    shape, radius = np.zeros((1, 1), np.float32), -1.0
    nearer = np.empty(table.shape[0], np.int64)
    for index in indices:
        x0, y0, own = places[index, 0], places[index, 1], layers[index]
        signed = np.round(defocus[index] * STEP) / STEP
        if abs(signed) != radius:
            radius = abs(signed)
            side = 2 * int(np.ceil(radius + 1.0)) + 1
            shape = np.zeros((side, side), np.float32)
            _fill_shape(light, radius, shape)
        middle = shape.shape[0] // 2
        first, end = max(y0 - middle, band[0]), min(y0 + middle + 1, band[1])
        left, right = max(x0 - middle, 0), min(x0 + middle + 1, out.shape[1])
        if first >= end or left >= right:
            continue
        d0 = lens[1] + defocus[index] / lens[0]
        count, widest = 0, 0.0
        for m in range(own):
            away = lens[0] * max(abs(bounds[m, 0] - d0), abs(bounds[m, 1] - d0))
            pad = int(np.ceil(away * (1.0 + 1.0 / radius))) + 2
            if occupancy(blocks, table[m], x0 - pad, y0 - pad, x0 + pad, y0 + pad) != EMPTY:
                nearer[count] = m
                count += 1
                widest = max(widest, away)
        ratio = min(max(int(np.ceil(widest / radius - 0.5)), 1), int(MOST_RATIO))
        turn = -1.0 / signed
        for y in range(first, end):
            for x in range(left, right):
                row, column = y - y0 + middle, x - x0 + middle
                if signed > 0.0:
                    row, column = 2 * middle - row, 2 * middle - column
                weight = shape[row, column]
                if weight == 0.0:
                    continue
                s, t = (x - x0) * turn, (y - y0) * turn
                factor = weight * (1.0 - lens[0] * (planes[own, 0] * s + planes[own, 1] * t))
                if count:
                    factor *= _through(
                        flat, table, planes, lens[0], nearer, count, ratio, x0, y0, d0, s, t, 1.0 / radius
                    )
                if lens[2] > 0.0:
                    a = s - lens[2] * (x - place[0]) * place[2]
                    b = t - lens[2] * (y - place[1]) * place[2]
                    inside = (1.0 - np.sqrt(a * a + b * b)) * radius + 0.5
                    factor *= min(max(inside, 0.0), 1.0) / max(share[y, x], 1e-6)
                for channel in range(3):
                    out[y, x, channel] += np.float32(factor * colours[index, channel])
