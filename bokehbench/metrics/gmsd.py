"""Gradient magnitude similarity deviation (Xue et al., 2014)."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from bokehbench.metrics.tensors import to_tensor


def gmsd(prediction: npt.NDArray[Any], target: npt.NDArray[Any], *, t: float = 170.0 / 255.0**2) -> float:
    """Standard deviation over the image of the similarity of luma gradients, by piq in float64.

    Args:
        prediction: [H, W, 3] uint8; pooled by 2 before gradients are taken.
        target: the same.
        t: keeps the similarity of weak gradients defined.

    Returns:
        At least 0, which means equally good everywhere: equal images, and also equally bad ones.
    """
    import piq

    return float(piq.gmsd(to_tensor(prediction), to_tensor(target), t=t))
