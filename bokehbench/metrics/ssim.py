"""Structural similarity (Wang et al., 2004)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def ssim(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    mask: npt.NDArray[np.bool_] | None = None,
    *,
    kernel_size: int = 11,
    kernel_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> float:
    """Mean over the valid windows of every RGB channel, biased covariance, at full resolution.

    This is `piq.ssim(..., downsample=False)` and scikit-image's with `gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False`. Unless told not to, piq pools large images first; that is another, much
    higher number (0.904 instead of 0.811 on a blurred 512 x 512 photograph). float64, because
    E[x²] − E[x]² cancels on smooth bokeh.

    Args:
        prediction: [H, W, 3] uint8, or float64 in [0, 1] for `+lin`; H, W >= `kernel_size`.
        target: the same.
        mask: [H, W], pixels whose windows count; None for all.
        kernel_size: of the Gaussian window, pixels.
        kernel_sigma: of the Gaussian window, pixels.
        k1: luminance constant.
        k2: contrast constant.

    Returns:
        At most 1, which means equal.
    """
    from bokehbench.metrics.windows import contrast_and_similarity, unit_range

    _, similarity = contrast_and_similarity(
        unit_range(prediction),
        unit_range(target),
        mask,
        kernel_size=kernel_size,
        kernel_sigma=kernel_sigma,
        k1=k1,
        k2=k2,
    )
    return float(similarity.mean())
