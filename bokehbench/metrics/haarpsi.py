"""Haar wavelet-based perceptual similarity (Reisenhofer et al., 2018)."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from bokehbench.metrics.tensors import to_tensor


def haarpsi(
    prediction: npt.NDArray[Any],
    target: npt.NDArray[Any],
    *,
    scales: int = 3,
    subsample: bool = True,
    c: float = 30.0,
    alpha: float = 4.2,
) -> float:
    """Similarity of Haar coefficients of luma and chroma, weighted by the coarse ones, by piq in float64.

    Args:
        prediction: [H, W, 3] uint8; H, W >= 16.
        target: the same.
        scales: of the wavelet decomposition.
        subsample: pool by 2 first, as the paper does.
        c: keeps the similarity of weak coefficients defined.
        alpha: steepness of the sigmoid.

    Returns:
        In [0, 1], 1 means equal; not finite where both images are black.
    """
    import piq

    value = piq.haarpsi(
        to_tensor(prediction), to_tensor(target), scales=scales, subsample=subsample, c=c, alpha=alpha
    )
    return float(value)
