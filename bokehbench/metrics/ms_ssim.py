"""Multi-scale structural similarity (Wang, Simoncelli and Bovik, 2003)."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from bokehbench.metrics.tensors import to_tensor


def ms_ssim(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    *,
    kernel_size: int = 11,
    kernel_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> float:
    """Contrast and structure at five scales times luminance at the coarsest, by piq in float64.

    Args:
        prediction: [H, W, 3] uint8; H, W >= 161, the size of the window at the coarsest scale.
        target: the same.
        kernel_size: of the Gaussian window, pixels at each scale.
        kernel_sigma: of the Gaussian window, pixels at each scale.
        k1: luminance constant.
        k2: contrast constant.

    Returns:
        In [0, 1], 1 means equal.
    """
    import piq

    value = piq.multi_scale_ssim(
        to_tensor(prediction), to_tensor(target), kernel_size, kernel_sigma, k1=k1, k2=k2
    )
    return float(value)
