"""The truth to compare with: many jittered lens samples per pixel, traced one ray at a time.

It shares nothing with the fast path but the formula of the ray (docs/conventions.md): no cells, no
prefilter, no tiles, no whole-pixel runs. Its error is noise that falls with the number of samples; two
halves compared say how much is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer
from bokehbench.optics import Lens
from bokehbench.synth.render.occupancy import HEIGHT, LEFT, OFFSET, TOP, WIDTH
from bokehbench.synth.render.scene import make_stack


def trace_pixels(
    layers: Sequence[Layer],
    lens: Lens,
    x: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    *,
    per_axis: int,
    seed: int,
) -> npt.NDArray[np.float32]:
    """Linear premultiplied RGB and coverage at chosen pixels.

    The square [-1, 1]^2 is cut into per_axis^2 strata with one random lens point each; for a disc they are
    mapped onto it (Shirley and Chiu 1997, equal area), for other shapes points outside are thrown away
    and the mean is over the rest.

    Args:
        layers: near to far, as `render_bokeh` takes them.
        lens: what is asked for.
        x, y: [P] pixel coordinates.
        per_axis: strata per axis.
        seed: of the jitter; every pixel has a sequence of its own.

    Returns:
        [P, 4] float32.
    """
    stack = make_stack(layers, 1)
    out = np.zeros((len(x), 4), np.float32)
    aperture = lens.aperture
    shape = (aperture.blades, aperture.curvature, aperture.rotation, aperture.inner)
    points = np.stack([x, y], axis=1).astype(np.int64)
    if len(stack):
        _trace(
            stack.flat,
            stack.table,
            stack.planes,
            (lens.K, lens.disp_focus),
            shape,
            points,
            per_axis,
            seed,
            out,
        )
    return out


@numba.njit(cache=True, nogil=True)
def _random(state):  # type: ignore[no-untyped-def]  # pragma: no cover
    """SplitMix64: next state and a number in [0, 1)."""
    state += np.uint64(0x9E3779B97F4A7C15)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return state, np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@numba.njit(cache=True, nogil=True)
def _to_disc(a, b):  # type: ignore[no-untyped-def]  # pragma: no cover
    if a == 0.0 and b == 0.0:
        return 0.0, 0.0
    if abs(a) > abs(b):
        radius, angle = a, (np.pi / 4.0) * (b / a)
    else:
        radius, angle = b, (np.pi / 2.0) - (np.pi / 4.0) * (a / b)
    return radius * np.cos(angle), radius * np.sin(angle)


@numba.njit(cache=True, nogil=True)
def _open(s, t, shape):  # type: ignore[no-untyped-def]  # pragma: no cover
    blades, curvature, rotation, inner = shape
    radius, edge = np.sqrt(s * s + t * t), 1.0
    if blades > 0:
        sector = 2.0 * np.pi / blades
        local = (np.arctan2(t, s) - rotation) % sector - sector / 2.0
        edge = (1.0 - curvature) * np.cos(sector / 2.0) / np.cos(local) + curvature
    return inner <= radius <= edge


@numba.njit(cache=True, nogil=True)
def _ray(flat, table, planes, optics, s, t, x, y, colour):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add what one ray sees, front to back."""
    through = 1.0
    u, v = optics[0] * s, optics[0] * t
    for layer in range(table.shape[0]):
        p, q, r = planes[layer, 0], planes[layer, 1], planes[layer, 2]
        delta = (p * x + q * y + r - optics[1]) / (1.0 - (p * u + q * v))
        column, row = x + u * delta - table[layer, LEFT], y + v * delta - table[layer, TOP]
        height, width = table[layer, HEIGHT], table[layer, WIDTH]
        if not (0.0 <= column < width - 1 and 0.0 <= row < height - 1):
            continue
        i, k = int(column), int(row)
        fx, fy = column - i, row - k
        alpha = 0.0
        for channel in range(4):
            at = table[layer, OFFSET] + (channel * height + k) * width + i
            upper = (1.0 - fx) * flat[at] + fx * flat[at + 1]
            lower = (1.0 - fx) * flat[at + width] + fx * flat[at + width + 1]
            alpha = (1.0 - fy) * upper + fy * lower
            colour[channel] += through * alpha
        through *= 1.0 - alpha
        if through < 1e-9:
            break


@numba.njit(cache=True, nogil=True, parallel=True)
def _trace(flat, table, planes, optics, shape, points, per_axis, seed, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    disc = shape[0] == 0 and shape[3] == 0.0
    for index in numba.prange(points.shape[0]):
        x, y = points[index, 0], points[index, 1]
        state = np.uint64(seed) * np.uint64(0xD1342543DE82EF95) + np.uint64(y * 1000003 + x)
        colour = np.zeros(4)
        kept = 0
        for row in range(per_axis):
            for column in range(per_axis):
                state, a = _random(state)
                state, b = _random(state)
                s, t = 2.0 * (column + a) / per_axis - 1.0, 2.0 * (row + b) / per_axis - 1.0
                if disc:
                    s, t = _to_disc(s, t)
                elif not _open(s, t, shape):
                    continue
                kept += 1
                _ray(flat, table, planes, optics, s, t, x, y, colour)
        for channel in range(4):
            out[index, channel] = colour[channel] / max(kept, 1)
