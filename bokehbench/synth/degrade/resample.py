"""Resizing as two matrices: the exact definition of every mode, the same on any device.

Output pixel i covers [i s, (i + 1) s] of n_in pixels, s = n_in / n_out, so that the corners of both pictures
coincide whatever the rounding of sizes. OpenCV's resize computes the same weights for "area" (exact
coverage), "bilinear" and "bicubic" (a = −0.75), none of them with antialiasing beyond
that of areas; it serves on the CPU.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt


@functools.lru_cache(maxsize=256)
def weights(n_in: int, n_out: int, mode: str, factor: float | None = None) -> npt.NDArray[np.float32]:
    """[n_out, n_in] float32, rows sum to 1.

    Args:
        n_in, n_out: pixels along one axis.
        mode: area, bilinear, bicubic, or adaptive (the mean of all pixels that an output pixel touches).
        factor: nominal enlargement that coordinates follow instead of n_out / n_in.
    """
    if mode == "area":
        matrix = _areas(n_in, n_out)
    elif mode == "adaptive":
        matrix = (_areas(n_in, n_out) > 1e-9).astype(np.float64)
        matrix /= matrix.sum(axis=1, keepdims=True)
    else:
        matrix = _interpolated(n_in, n_out, mode, factor)
    single = matrix.astype(np.float32)
    single.flags.writeable = False
    return single


@functools.lru_cache(maxsize=256)
def sparse_weights(n_in: int, n_out: int, mode: str, factor: float | None = None) -> Any:
    """`weights` as a sparse matrix: a product with it adds in one fixed order, unlike that of a dense one."""
    from scipy.sparse import csr_matrix

    return csr_matrix(weights(n_in, n_out, mode, factor))


def _areas(n_in: int, n_out: int) -> npt.NDArray[np.float64]:
    step = n_in / n_out
    low = np.arange(n_out)[:, None] * step
    pixel = np.arange(n_in)[None]
    return np.clip(np.minimum(low + step, pixel + 1.0) - np.maximum(low, pixel), 0.0, None) / step


def _interpolated(n_in: int, n_out: int, mode: str, factor: float | None) -> npt.NDArray[np.float64]:
    step = n_in / n_out if factor is None else 1.0 / factor
    x = (np.arange(n_out) + 0.5) * step - 0.5
    if mode == "bilinear":
        x = np.clip(x, 0.0, n_in - 1.0)
        taps = range(2)
    else:
        taps = range(-1, 3)
    left = np.floor(x).astype(int)
    matrix = np.zeros((n_out, n_in))
    for tap in taps:
        distance = np.abs(x - (left + tap))
        weight = np.clip(1.0 - distance, 0.0, None) if mode == "bilinear" else _cubic(distance)
        np.add.at(matrix, (np.arange(n_out), np.clip(left + tap, 0, n_in - 1)), weight)
    return matrix


def _cubic(t: npt.NDArray[np.float64], a: float = -0.75) -> npt.NDArray[np.float64]:
    """Cubic convolution (Keys 1981) with the slope that OpenCV and torch use."""
    near = ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0
    far = ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a
    return np.where(t <= 1.0, near, np.where(t < 2.0, far, 0.0))
