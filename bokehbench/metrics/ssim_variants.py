"""What papers and their scripts call SSIM, one function each, so that their numbers can be told apart.

None of them is `ssim`; docs/metrics.md says who uses which.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.metrics.psnr import luma601
from bokehbench.metrics.windows import gaussian_window, similarity_maps, unit_range

Image = npt.NDArray[Any]


def ssim_y601(
    prediction: Image,
    target: Image,
    *,
    kernel_size: int = 11,
    kernel_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> float:
    """SSIM of the luma of BT.601 (studio swing), rounded to whole values; negative contrast counts as 0.

    Args:
        prediction: [H, W, 3] uint8; H, W >= `kernel_size`.
        target: the same.
        kernel_size: of the Gaussian window, pixels.
        kernel_sigma: of the Gaussian window, pixels.
        k1: luminance constant.
        k2: contrast constant.
    """
    x, y = (np.rint(luma601(image)) / 255.0 for image in (prediction, target))
    window = gaussian_window(kernel_size, kernel_sigma)
    contrast, luminance = similarity_maps(x, y, window=window, k1=k1, k2=k2)
    return float((np.maximum(contrast, 0.0) * luminance).mean())


def ssim_sk7(
    prediction: Image, target: Image, *, kernel_size: int = 7, k1: float = 0.01, k2: float = 0.03
) -> float:
    """scikit-image's SSIM as it comes: uniform windows, sample covariance, valid windows of every channel.

    Args:
        prediction: [H, W, 3] uint8; H, W >= `kernel_size`.
        target: the same.
        kernel_size: side of the window, pixels.
        k1: luminance constant.
        k2: contrast constant.
    """
    window = np.full(kernel_size, 1.0 / kernel_size)
    pair = unit_range(prediction), unit_range(target)
    contrast, luminance = similarity_maps(*pair, window=window, k1=k1, k2=k2, unbiased=True)
    return float((contrast * luminance).mean())


def ssim_tm(
    prediction: Image,
    target: Image,
    *,
    kernel_size: int = 11,
    kernel_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> float:
    """torchmetrics' SSIM since 1.4.2: the frame is continued by reflection and no window is left out.

    Arguments as of `ssim_y601`, all three channels.
    """
    margin = kernel_size // 2
    around = ((margin, margin), (margin, margin), (0, 0))
    x, y = (np.pad(unit_range(image), around, mode="reflect") for image in (prediction, target))
    window = gaussian_window(kernel_size, kernel_sigma)
    contrast, luminance = similarity_maps(x, y, window=window, k1=k1, k2=k2)
    return float((contrast * luminance).mean())


def ssim_piqds(
    prediction: Image,
    target: Image,
    *,
    size: int = 256,
    kernel_size: int = 11,
    kernel_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> float:
    """piq's SSIM as it comes: both pictures are pooled to about `size` pixels on the shorter side first.

    Other arguments as of `ssim_y601`, all three channels. Pooling hides most of what blur changes: 0.90
    instead of 0.81 on a photograph of 512 x 512 blurred with sigma 2.
    """
    factor = max(1, round(min(target.shape[:2]) / size))
    x, y = (_pooled(unit_range(image), factor) for image in (prediction, target))
    window = gaussian_window(kernel_size, kernel_sigma)
    contrast, luminance = similarity_maps(x, y, window=window, k1=k1, k2=k2)
    return float((contrast * luminance).mean())


def _pooled(image: npt.NDArray[np.float64], factor: int) -> npt.NDArray[np.float64]:
    """Means of factor x factor pixels; what is left over at the right and at the bottom is dropped."""
    height, width = (side // factor for side in image.shape[:2])
    whole = image[: height * factor, : width * factor]
    return np.asarray(whole.reshape(height, factor, width, factor, -1).mean(axis=(1, 3)))
