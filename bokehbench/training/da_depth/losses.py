"""What keeps a student on low-quality pictures close to its teacher on clean ones (methods spec A3.5).

    L = w_f Σ_l (1 − cos(f_l, f*_l)) + w_d |d − d*| + w_g Σ_k |∇_k (d − d*)|

Features are compared where the head looks at the encoder, patch by patch; disparities d after each has been
shifted by its median and divided by its mean absolute deviation, so that neither scale nor shift counts
(Ranftl et al., Towards Robust Monocular Depth Estimation, TPAMI 2022, equations 5 to 8 and 11).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

LEAST_SPREAD = 1e-6
"""Mean absolute deviation below which a disparity counts as flat."""


def feature_distance(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    """1 − cos for every tap, mean over pictures and patches.

    Args:
        student, teacher: [B, patches, C] a tap.

    Returns:
        [taps], 0 to 2.
    """
    cosine = functional.cosine_similarity
    pairs = zip(student, teacher, strict=True)
    return 1.0 - torch.stack([cosine(one.float(), other.float(), dim=-1).mean() for one, other in pairs])


def aligned(disparity: Tensor) -> Tensor:  # [B, H, W] -> [B, H, W]
    """Median 0 and mean absolute deviation 1, each picture for itself; a flat one becomes 0."""
    values = disparity.float().flatten(1)
    centred = values - values.median(dim=1, keepdim=True).values
    spread = centred.abs().mean(dim=1, keepdim=True).clamp(min=LEAST_SPREAD)
    return (centred / spread).view_as(disparity)


def disparity_distance(student: Tensor, teacher: Tensor) -> Tensor:  # [B, H, W], [B, H, W] -> []
    """Mean absolute error after alignment."""
    return (aligned(student) - aligned(teacher)).abs().mean()


def gradient_distance(student: Tensor, teacher: Tensor, scales: int) -> Tensor:
    """Mean absolute gradient of the error after alignment, summed over scales.

    Args:
        student, teacher: [B, H, W].
        scales: of which each takes every second pixel of the one before; those below two pixels are left out.
    """
    error = aligned(student) - aligned(teacher)
    terms = []
    for scale in range(scales):
        coarse = error[:, :: 2**scale, :: 2**scale]
        if min(coarse.shape[1:]) < 2:
            break
        terms.append(coarse.diff(dim=1).abs().mean() + coarse.diff(dim=2).abs().mean())
    return torch.stack(terms).sum()
