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

from bokehbench.apertures import MASK, Aperture, image_position, mask_of, outline_table
from bokehbench.errors import ConfigError
from bokehbench.layers import Layer
from bokehbench.optics import Lens
from bokehbench.synth.render.occupancy import HEIGHT, LEFT, OFFSET, TOP, WIDTH
from bokehbench.synth.render.scene import Size, make_stack


def trace_pixels(
    layers: Sequence[Layer],
    lens: Lens,
    x: npt.NDArray[np.int64],
    y: npt.NDArray[np.int64],
    *,
    per_axis: int,
    seed: int,
    size: Size | None = None,
) -> npt.NDArray[np.float32]:
    """Linear premultiplied RGB and coverage at chosen pixels.

    The square [-1, 1]^2 is cut into per_axis^2 strata with one random lens point each; for a disc they are
    mapped onto it (Shirley and Chiu 1997, equal area). Each ray counts by what the opening lets through at
    its lens point, as that pixel sees the opening; the mean is over these weights.

    Args:
        layers: near to far, as `render_bokeh` takes them.
        lens: what is asked for.
        x, y: [P] pixel coordinates.
        per_axis: strata per axis.
        seed: of the jitter; every pixel has a sequence of its own.
        size: (W, H) of the image, needed where the lens is not the same all over it.

    Returns:
        [P, 4] float32.

    Raises:
        ConfigError: a cat-eye or a cos^4 falloff, and no size.
    """
    if size is None and (lens.aperture.cat_eye or lens.cos4):
        raise ConfigError("cat-eye and falloff depend on the place in the image: trace_pixels needs its size")
    stack = make_stack(layers, 1)
    out = np.zeros((len(x), 4), np.float32)
    if not len(stack):
        return out
    out[:, 3] = np.inf
    pixels = np.stack([x, y], axis=1).astype(np.int64)
    places = np.zeros((len(x), 2)) if size is None else np.stack(image_position(x, y, size), axis=1)
    for single, channels in lens.channels():
        part = np.zeros((len(x), 4), np.float32)
        optics = (single.K, single.disp_focus, single.vignette == "physical")
        opening = _opening(single.aperture)
        _trace(stack.flat, stack.table, stack.planes, optics, opening, pixels, places, per_axis, seed, part)
        out[:, channels] = part[:, channels]
        out[:, 3] = np.minimum(out[:, 3], part[:, 3])
    cos4 = (1.0 + lens.cos4**2 * (places**2).sum(axis=1)) ** -2
    out[:, :3] *= cos4[:, None].astype(np.float32)
    return out


DISC, POLYGON, OUTLINE, PICTURE = range(4)


def _opening(aperture: Aperture) -> tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Kind, numbers and table of `_light`."""
    kind = POLYGON if aperture.blades else DISC
    table = np.zeros((1, 1))
    if aperture.shape.startswith(MASK):
        kind, table = PICTURE, np.array(mask_of(aperture.shape))
    elif aperture.shape:
        kind, table = OUTLINE, outline_table(aperture.shape)[1][None]
    shape = (aperture.blades, aperture.curvature, aperture.rotation, aperture.inner)
    return kind, np.array([*shape, aperture.rim, aperture.rim_power, aperture.cat_eye], np.float64), table


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
def _look_up(mask, s, t, rotation):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`Aperture._look_up` for one point."""
    side = mask.shape[0]
    across = np.cos(rotation) * s + np.sin(rotation) * t
    down = np.cos(rotation) * t - np.sin(rotation) * s
    column = min(max((across + 1.0) * (side / 2.0) - 0.5, 0.0), side - 1.0)
    row = min(max((down + 1.0) * (side / 2.0) - 0.5, 0.0), side - 1.0)
    i, k = min(int(column), side - 2), min(int(row), side - 2)
    fx, fy = column - i, row - k
    upper = (1.0 - fx) * mask[k, i] + fx * mask[k, i + 1]
    lower = (1.0 - fx) * mask[k + 1, i] + fx * mask[k + 1, i + 1]
    return (1.0 - fy) * upper + fy * lower


@numba.njit(cache=True, nogil=True)
def _light(s, t, kind, numbers, table):  # type: ignore[no-untyped-def]  # pragma: no cover
    """`Aperture.transmission` for one point; numbers: the fields in their order, without shape."""
    blades, curvature, rotation, inner = numbers[0], numbers[1], numbers[2], numbers[3]
    radius, edge, light = np.sqrt(s * s + t * t), 1.0, 1.0
    angle = np.arctan2(t, s) - rotation
    if kind == POLYGON:
        sector = 2.0 * np.pi / blades
        edge = (1.0 - curvature) * np.cos(sector / 2.0) / np.cos(angle % sector - sector / 2.0) + curvature
    elif kind == OUTLINE:
        at = (angle % (2.0 * np.pi)) / (2.0 * np.pi) * (table.shape[1] - 1)
        i = min(int(at), table.shape[1] - 2)
        edge = table[0, i] + (at - i) * (table[0, i + 1] - table[0, i])
    elif kind == PICTURE:
        light = _look_up(table, s, t, rotation)
    if radius > edge or radius < inner:
        return 0.0
    return light * (1.0 + numbers[4] * radius ** numbers[5])


@numba.njit(cache=True, nogil=True)
def _ray(flat, table, planes, optics, s, t, light, x, y, colour):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add what one ray sees, front to back, times `light`."""
    through = light
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
        if through < 1e-9 * light:
            break


@numba.njit(cache=True, nogil=True, parallel=True)
def _trace(flat, table, planes, optics, opening, pixels, places, per_axis, seed, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    kind, numbers, shape = opening
    disc = kind == DISC and numbers[3] == 0.0
    for index in numba.prange(pixels.shape[0]):
        x, y = pixels[index, 0], pixels[index, 1]
        middle_s, middle_t = numbers[6] * places[index, 0], numbers[6] * places[index, 1]
        state = np.uint64(seed) * np.uint64(0xD1342543DE82EF95) + np.uint64(y * 1000003 + x)
        colour = np.zeros(4)
        whole, seen = 0.0, 0.0
        for row in range(per_axis):
            for column in range(per_axis):
                state, a = _random(state)
                state, b = _random(state)
                s, t = 2.0 * (column + a) / per_axis - 1.0, 2.0 * (row + b) / per_axis - 1.0
                if disc:
                    s, t = _to_disc(s, t)
                light = _light(s, t, kind, numbers, shape)
                whole += light
                if light > 0.0 and (s - middle_s) ** 2 + (t - middle_t) ** 2 <= 1.0:
                    seen += light
                    _ray(flat, table, planes, optics, s, t, light, x, y, colour)
        light = max(whole if optics[2] else seen, 1e-12)
        for channel in range(3):
            out[index, channel] = colour[channel] / light
        out[index, 3] = colour[3] / max(seen, 1e-12)
