"""FID and KID: distances between two sets of features.

FID of few pictures is mostly bias: two samples of one and the same distribution are far apart until there are
many more pictures than features. KID is unbiased at any number, so it stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bokehbench.errors import Undefined
from bokehbench.metrics import inception
from bokehbench.metrics.sets import Measured, Picture

Features = npt.NDArray[np.float64]


def fid(pictures: Sequence[Picture], *, size: int = 299) -> Measured:
    """Fréchet distance between the Inception features of predictions and targets.

    Args:
        pictures: two at least.
        size: of the pictures that the network sees, pixels.

    Raises:
        Undefined: fewer than two pictures.
        Unavailable: the weights are missing, or are not the published file.
    """
    return Measured(frechet_distance(*_both(pictures, size)))


def kid(pictures: Sequence[Picture], *, size: int = 299, degree: int = 3) -> Measured:
    """Kernel distance between the same features; may be negative, 0 is expected of equal distributions.

    Arguments and errors as of `fid`.
    """
    return Measured(kernel_distance(*_both(pictures, size), degree=degree))


def _both(pictures: Sequence[Picture], size: int) -> tuple[Features, Features]:
    if len(pictures) < 2:
        raise Undefined("a distance between sets needs two pictures at least")
    predictions = np.stack([inception.features(picture.prediction, size) for picture in pictures])
    return predictions, np.stack([inception.features(picture.target, size) for picture in pictures])


def frechet_distance(a: Features, b: Features) -> float:
    """|μa − μb|² + tr(Σa + Σb − 2 (Σa Σb)^½) of the Gaussians with these means and sample covariances.

    The last trace is the sum of the singular values of A Bᵀ, with Σa = AᵀA and Σb = BᵀB for any such A and B:
    of the centred features themselves where there are few, else of their triangular factors. So no root of an
    ill-conditioned matrix is taken, and few pictures cost little.

    Args:
        a: [n, D], n >= 2.
        b: [m, D], m >= 2.
    """
    factors = [_factor(x) for x in (a, b)]
    spread = sum(float(np.sum(factor * factor)) for factor in factors)
    common = float(np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum())
    return float(np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)) + spread - 2.0 * common


def _factor(x: Features) -> Features:
    """[min(n, D), D] whose AᵀA is the sample covariance of [n, D]."""
    centred = (x - x.mean(axis=0)) / np.sqrt(len(x) - 1)
    return centred if len(x) <= x.shape[1] else np.asarray(np.linalg.qr(centred, mode="r"))


def kernel_distance(a: Features, b: Features, *, degree: int = 3) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x·y / D + 1)^degree.

    Over all pictures at once, so that nothing is drawn at random.

    Args:
        a: [n, D], n >= 2.
        b: [m, D], m >= 2.
        degree: of the kernel.
    """

    def kernel(x: Features, y: Features) -> Features:
        return np.asarray((x @ y.T / x.shape[1] + 1.0) ** degree)

    def within(x: Features) -> float:
        whole = kernel(x, x)
        return float((whole.sum() - np.trace(whole)) / (len(x) * (len(x) - 1)))

    return within(a) + within(b) - 2.0 * float(kernel(a, b).mean())
