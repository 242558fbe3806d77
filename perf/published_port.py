"""The published layered ray tracer, ported directly: what perf/raytrace.py compares with.

A square grid of lens samples kept inside the disc, one bilinear RGBA lookup per pixel, sample and layer,
alpha below 0.01 skipped, alpha above 0.99 the end of the ray, sums divided by the accumulated weight
(MPIB and BokehDiff data generators, their equations; clean room). Multi-threaded over pixels.
"""

from __future__ import annotations

import numba
import numpy as np


def pack(layers):
    """Per layer: interleaved [h, w, 4] float32, origin and plane."""
    return (
        np.stack([layer.rgba for layer in layers]),  # of one size: no list to look into per ray
        np.array([[layer.x, layer.y] for layer in layers], np.int64),
        np.array([[layer.plane.p, layer.plane.q, layer.plane.r] for layer in layers]),
    )


def render(packed, lens, points, n):
    """[P, 3] linear colour at the pixels `points` [P, 2] with an n x n grid on the lens."""
    line = np.linspace(-1.0, 1.0, n)
    s, t = np.meshgrid(line, line)
    inside = s**2 + t**2 <= 1.0
    out = np.empty((len(points), 3), np.float32)
    _render(*packed, lens.K, lens.disp_focus, np.stack([s[inside], t[inside]], axis=1), points, out)
    return out


@numba.njit(parallel=True, fastmath=True, cache=True)
def _render(images, origins, planes, K, disp_focus, samples, points, out):
    for index in numba.prange(points.shape[0]):
        x, y = points[index, 0], points[index, 1]
        red = green = blue = np.float32(0.0)
        total = np.float32(0.0)
        for sample in range(samples.shape[0]):
            u, v = K * samples[sample, 0], K * samples[sample, 1]
            through = np.float32(1.0)
            for layer in range(len(images)):
                image = images[layer]
                p, q, r = planes[layer, 0], planes[layer, 1], planes[layer, 2]
                delta = (p * x + q * y + r - disp_focus) / (1.0 - (p * u + q * v))
                column, row = x + u * delta - origins[layer, 0], y + v * delta - origins[layer, 1]
                if not (0.0 <= column < image.shape[1] - 1 and 0.0 <= row < image.shape[0] - 1):
                    continue
                i, k = int(column), int(row)
                fx, fy = np.float32(column - i), np.float32(row - k)
                one = np.float32(1.0)
                w00, w01 = (one - fx) * (one - fy), fx * (one - fy)
                w10, w11 = (one - fx) * fy, fx * fy
                alpha = w00 * image[k, i, 3] + w01 * image[k, i + 1, 3]
                alpha += w10 * image[k + 1, i, 3] + w11 * image[k + 1, i + 1, 3]
                if alpha < 0.01:
                    continue
                for channel in range(3):
                    value = w00 * image[k, i, channel] + w01 * image[k, i + 1, channel]
                    value += w10 * image[k + 1, i, channel] + w11 * image[k + 1, i + 1, channel]
                    if channel == 0:
                        red += through * value
                    elif channel == 1:
                        green += through * value
                    else:
                        blue += through * value
                total += through * alpha
                through *= one - alpha
                if alpha > 0.99:
                    break
        out[index, 0], out[index, 1], out[index, 2] = red / total, green / total, blue / total
