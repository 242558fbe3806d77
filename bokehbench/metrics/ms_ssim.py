"""Multi-scale structural similarity (Wang, Simoncelli and Bovik, 2003)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the paper, finest scale first."""


def ms_ssim(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    *,
    kernel_size: int = 11,
    kernel_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> float:
    """Product of the contrast-structure terms of four scales and of SSIM at the fifth, mean of the channels.

    This is `piq.multi_scale_ssim` in float64: scales are halved by the mean of 2 x 2 pixels, odd sizes are
    padded at the top left, negative terms count as 0.

    Args:
        prediction: [H, W, 3] uint8; H, W >= 161, so that the window fits at the coarsest scale.
        target: the same.
        kernel_size: of the Gaussian window, pixels at each scale.
        kernel_sigma: of the Gaussian window, pixels at each scale.
        k1: luminance constant.
        k2: contrast constant.

    Returns:
        In [0, 1], 1 means equal.
    """
    from bokehbench.metrics.windows import contrast_and_similarity, unit_range

    x, y = unit_range(prediction), unit_range(target)
    product = np.ones(3)
    for scale, exponent in enumerate(SCALES):
        if scale > 0:
            x, y = _halved(x), _halved(y)
        contrast, similarity = contrast_and_similarity(
            x, y, kernel_size=kernel_size, kernel_sigma=kernel_sigma, k1=k1, k2=k2
        )
        term = similarity if scale == len(SCALES) - 1 else contrast
        product *= np.maximum(term, 0.0) ** exponent
    return float(product.mean())


def _halved(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean of 2 x 2 pixels, [H, W, 3] to half of it."""
    odd = max(image.shape[0] % 2, image.shape[1] % 2)
    padded = np.pad(image, ((odd, 0), (odd, 0), (0, 0)), mode="edge")
    height, width = (side // 2 for side in padded.shape[:2])
    whole = padded[: 2 * height, : 2 * width]
    return np.asarray(whole.reshape(height, 2, width, 2, 3).mean(axis=(1, 3)))
