"""Measures from the formulas of their papers, written once more and apart from bokehbench, to compare with.

`calibrate_metrics.py` and tests/metrics use them. Images are [H, W, 3] uint8, H and W even (ms_ssim:
multiples of 16).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, signal

YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])


def halved(plane: np.ndarray) -> np.ndarray:
    height, width = plane.shape
    return plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def similarity(x: np.ndarray, y: np.ndarray, constant: float) -> np.ndarray:
    return (2 * x * y + constant) / (x * x + y * y + constant)


def contrast_and_ssim(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Wang 2004 with a Gaussian of 11 taps, sigma 1.5, valid windows; x, y [H, W] in [0, 1]."""

    def local_mean(plane: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(plane, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    mean_x, mean_y = local_mean(x), local_mean(y)
    covariance = local_mean(x * y) - mean_x * mean_y
    variances = local_mean(x * x) + local_mean(y * y) - mean_x**2 - mean_y**2
    contrast = (2 * covariance + 0.03**2) / (variances + 0.03**2)
    luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    return float(contrast.mean()), float((contrast * luminance).mean())


def ms_ssim(prediction: np.ndarray, target: np.ndarray) -> float:
    channels = []
    for c in range(3):
        x, y = prediction[..., c] / 255.0, target[..., c] / 255.0
        product = 1.0
        for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
            if scale:
                x, y = halved(x), halved(y)
            contrast, whole = contrast_and_ssim(x, y)
            product *= max(whole if scale == 4 else contrast, 0.0) ** weight
        channels.append(product)
    return float(np.mean(channels))


def gmsd(prediction: np.ndarray, target: np.ndarray) -> float:
    """Xue 2014: Prewitt gradients of the halved luma, standard deviation of their similarity."""
    kernel = np.outer([1, 1, 1], [1, 0, -1]) / 3.0

    def gradient(image: np.ndarray) -> np.ndarray:
        luma = halved(image / 255.0 @ YIQ[0])
        across, down = (ndimage.correlate(luma, k, mode="constant") for k in (kernel, kernel.T))
        return np.hypot(across, down)

    return float(similarity(gradient(prediction), gradient(target), 170 / 255**2).std())


def haarpsi(prediction: np.ndarray, target: np.ndarray) -> float:
    """Reisenhofer 2018, equations 7 to 12, colour form."""

    def filtered(plane: np.ndarray, kernel: np.ndarray, before: int, after: int) -> np.ndarray:
        return signal.correlate2d(np.pad(plane, ((before, after),) * 2), kernel, mode="valid")

    def coefficients(image: np.ndarray) -> tuple[list[list[np.ndarray]], list[np.ndarray]]:
        luma, *chroma = (halved(image @ row) for row in YIQ)
        haar = []
        for size in (2, 4, 8):
            step = np.repeat([1.0, -1.0], size // 2) / size
            pair = (np.outer(np.ones(size), step), np.outer(step, np.ones(size)))
            haar.append([np.abs(filtered(luma, kernel, size // 2 - 1, size // 2)) for kernel in pair])
        box = np.full((2, 2), 0.25)
        return haar, [np.abs(filtered(plane, box, 0, 1)) for plane in chroma]

    (x, x_chroma), (y, y_chroma) = coefficients(prediction), coefficients(target)
    weights = [np.maximum(x[2][k], y[2][k]) for k in (0, 1)]
    local = [np.mean([similarity(x[j][k], y[j][k], 30.0) for j in (0, 1)], axis=0) for k in (0, 1)]
    weights.append(np.mean(weights, axis=0))
    local.append(np.mean([similarity(a, b, 30.0) for a, b in zip(x_chroma, y_chroma, strict=True)], axis=0))
    mean = np.average(1.0 / (1.0 + np.exp(-4.2 * np.array(local))), weights=np.array(weights))
    return float((np.log(mean / (1.0 - mean)) / 4.2) ** 2)
