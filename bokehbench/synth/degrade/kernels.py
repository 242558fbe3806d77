"""Blur kernels of Real-ESRGAN (Wang et al., ICCVW 2021, section 3.1): every one sums to 1.

With m = xᵀ Σ⁻¹ x: Gaussian exp(−m/2), generalised exp(−m^β/2), plateau 1/(1 + m^β); and the circular
low-pass filter ω J₁(ω r) / (2π r).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Kernel = npt.NDArray[np.float32]
NEGLIGIBLE = 2e-6
"""Weight that may be cut off a kernel's rim: a two-thousandth of a code value of 8 bit."""


def _squared_distance(size: int, sigma: tuple[float, float], theta: float) -> npt.NDArray[np.float64]:
    """m at each of [size, size] taps: axes of lengths `sigma`, the first at the angle `theta` to x."""
    y, x = np.mgrid[0:size, 0:size] - (size // 2)
    along, across = x * np.cos(theta) + y * np.sin(theta), y * np.cos(theta) - x * np.sin(theta)
    return np.asarray((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2)


def gaussian(size: int, sigma: tuple[float, float], theta: float = 0.0, beta: float = 1.0) -> Kernel:
    """Gaussian, or generalised Gaussian where beta is not 1, [size, size] float32.

    Args:
        size: odd side.
        sigma: standard deviations along both axes, pixels.
        theta: angle of the first axis, radians.
        beta: below 1 peaked with long tails, above 1 flat with a steep edge.
    """
    return _normalised(np.exp(-0.5 * _squared_distance(size, sigma, theta) ** beta))


def plateau(size: int, sigma: tuple[float, float], theta: float = 0.0, beta: float = 1.0) -> Kernel:
    """Kernel 1/(1 + m^β), arguments as `gaussian`."""
    return _normalised(1.0 / (1.0 + _squared_distance(size, sigma, theta) ** beta))


def sinc(size: int, cutoff: float) -> Kernel:
    """Ideal circular low-pass filter of a cut-off in radians per pixel (up to π), [size, size] float32."""
    from scipy.special import j1

    y, x = np.mgrid[0:size, 0:size] - (size // 2)
    r = np.hypot(x, y)
    r[size // 2, size // 2] = 1.0
    kernel = cutoff * j1(cutoff * r) / (2.0 * np.pi * r)
    kernel[size // 2, size // 2] = cutoff**2 / (4.0 * np.pi)
    return _normalised(kernel)


def _normalised(kernel: npt.NDArray[np.float64]) -> Kernel:
    return (kernel / kernel.sum()).astype(np.float32)


def cropped(kernel: Kernel) -> Kernel:
    """The kernel without a rim that weighs nothing (`NEGLIGIBLE` in all), normalised again."""
    weights = np.abs(kernel)
    half = kernel.shape[0] // 2
    for radius in range(half):
        inside = slice(half - radius, half + radius + 1)
        if weights.sum() - weights[inside, inside].sum() < NEGLIGIBLE:
            return _normalised(kernel[inside, inside].astype(np.float64))
    return kernel


def separated(kernel: Kernel) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
    """(column, row) whose outer product is the kernel, or None: Gaussians along the axes are separable."""
    column, row = kernel.sum(axis=1), kernel.sum(axis=0)
    return (column, row) if float(np.abs(np.outer(column, row) - kernel).sum()) < NEGLIGIBLE else None
