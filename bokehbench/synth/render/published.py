"""The published samplers with their faults, for faithful comparison with data made by them.

Two kernels, written from the formulas of the papers' data generators (MPIB, CVPR 2022; BokehDiff, 2025). Both
take a square grid of lens samples inside the disc, one bilinear lookup a ray and layer, front to back:

- a ray counts where ``0 <= x' < W``, and the right neighbour is clamped: one more pixel is accepted on the
  right and at the bottom than on the left and at the top;
- alpha below 0.01 is skipped, alpha above 0.99 ends the ray without giving the rest to what lies behind;
- rays that leave the raster give nothing, and the sum is divided by what was accumulated: brightness stays,
  the blur disc is cut;
- mpib adds 1e-5 to two denominators, which moves content by ``1e-5 x / Z`` pixels even at K = 0;
- bokehdiff adds 1e-5 to ``C / K``, which shrinks discs by ``1e-5 K d``, and counts the light behind the last
  layer as black where that is transparent.

`render_bokeh` has none of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.layers import Layer
from bokehbench.optics import Lens
from bokehbench.synth.render.scene import Rect, Size

Kernel = Literal["mpib", "bokehdiff"]
EPSILON = 1e-5


def render_published(
    layers: Sequence[Layer],
    lens: Lens,
    size: Size,
    *,
    kernel: Kernel,
    samples: int,
    region: Rect | None = None,
) -> npt.NDArray[np.float32]:
    """What the published kernel makes of the layers.

    Args:
        layers: near to far, premultiplied linear; what lies outside the image is lost.
        lens: K and disp_focus; the aperture is a disc, whatever it says.
        size: (W, H) of the image, which is also the raster of every layer.
        kernel: "mpib" or "bokehdiff".
        samples: lens samples per side of the square grid, at least 3.
        region: x0, y0, x1, y1 of the pixels that are wanted; the whole image without.

    Returns:
        [H, W, 4] float32 (of the region): linear colour after the division, and the mean weight before it.

    Raises:
        ConfigError: fewer than 3 samples, or a layer whose disparity is <= 0 at the origin (bokehdiff and
            mpib hold planes as Z = A X + B Y + C, which is singular there).
    """
    if samples < 3:
        raise ConfigError(f"the published samplers need at least 3 samples per side, not {samples}")
    if any(layer.plane.r <= 0.0 for layer in layers):
        raise ConfigError("the published samplers cannot hold a plane with disparity <= 0 at the first pixel")
    rasters = np.stack([_raster(layer, size) for layer in layers])
    planes = np.array(
        [(-x.plane.p / x.plane.r, -x.plane.q / x.plane.r, 1.0 / x.plane.r) for x in layers], np.float64
    )
    x0, y0, x1, y1 = region or (0, 0, *size)
    out = np.zeros((y1 - y0, x1 - x0, 4), np.float32)
    _render(rasters, planes, lens.K, lens.disp_focus, lens_grid(samples), kernel == "mpib", x0, y0, out)
    return out


def lens_grid(samples: int) -> npt.NDArray[np.float64]:
    """[N, 2] points of a square grid over [-1, 1]^2 that lie in the disc, its rim included."""
    line = np.linspace(-1.0, 1.0, samples)
    s, t = np.meshgrid(line, line)
    inside = s**2 + t**2 <= 1.0
    return np.stack([s[inside], t[inside]], axis=1)


def _raster(layer: Layer, size: Size) -> npt.NDArray[np.float32]:
    """[H, W, 4] of the image, transparent where the layer has nothing."""
    whole = np.zeros((size[1], size[0], 4), np.float32)
    height, width = layer.rgba.shape[:2]
    x0, y0 = max(layer.x, 0), max(layer.y, 0)
    x1, y1 = min(layer.x + width, size[0]), min(layer.y + height, size[1])
    if x0 < x1 and y0 < y1:
        whole[y0:y1, x0:x1] = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x]
    return whole


@numba.njit(cache=True, nogil=True, parallel=True)
def _render(rasters, planes, K, disp_focus, grid, mpib, x0, y0, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    height, width = rasters.shape[1:3]
    last = len(rasters) - 1
    for j in numba.prange(out.shape[0]):
        y = y0 + j
        for i in range(out.shape[1]):
            x = x0 + i
            red = green = blue = weight = 0.0
            for k in range(len(grid)):
                through = 1.0
                for layer in range(len(rasters)):
                    column, row = _hit(planes[layer], K, disp_focus, grid[k, 0], grid[k, 1], x, y, mpib)
                    if not (0.0 <= column < width and 0.0 <= row < height):
                        continue
                    raster = rasters[layer]
                    alpha = _look_up(raster, column, row, 3)
                    if alpha < 0.01:
                        if layer == last and not mpib:
                            weight += through
                        continue
                    red += through * _look_up(raster, column, row, 0)
                    green += through * _look_up(raster, column, row, 1)
                    blue += through * _look_up(raster, column, row, 2)
                    weight += through * alpha
                    if alpha > 0.99:
                        break
                    through *= 1.0 - alpha
            divisor = max(weight, 0.0 if mpib else 1e-5)
            scale = 1.0 / divisor if divisor != 0.0 else np.nan
            out[j, i, 0], out[j, i, 1], out[j, i, 2] = red * scale, green * scale, blue * scale
            out[j, i, 3] = weight / len(grid)


@numba.njit(cache=True, nogil=True, inline="always")
def _hit(plane, K, disp_focus, s, t, x, y, mpib):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Where the ray of a lens sample meets a plane Z = A X + B Y + C: column, row."""
    a, b, c = plane
    if mpib:
        u, v = K * s, K * t
        zf = 1.0 / max(disp_focus, 1e-12)
        tau = (a * u + b * v + c) / (zf - a * (zf * x - u) - b * (zf * y - v) + EPSILON)
        z = tau * zf + EPSILON
        return (u + tau * (zf * x - u)) / z, (v + tau * (zf * y - v)) / z
    if K == 0.0:  # C / K is infinite
        return float(x), float(y)
    tau = (1.0 - a * x - b * y - c * disp_focus) / (a * s + b * t + c / K + EPSILON)
    return x + tau * s, y + tau * t


@numba.njit(cache=True, nogil=True, inline="always")
def _look_up(raster, column, row, channel):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Bilinear, the right and lower neighbours clamped."""
    i, k = int(column), int(row)
    i1, k1 = min(i + 1, raster.shape[1] - 1), min(k + 1, raster.shape[0] - 1)
    fx, fy = column - i, row - k
    upper = (1.0 - fx) * raster[k, i, channel] + fx * raster[k, i1, channel]
    lower = (1.0 - fx) * raster[k1, i, channel] + fx * raster[k1, i1, channel]
    return (1.0 - fy) * upper + fy * lower
