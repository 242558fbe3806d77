"""The paper's losses (section 3.2), on encoded pictures, in full precision, nothing clipped."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bokehbench.training.bokehme.settings import Losses


def forward_differences(picture: Tensor) -> tuple[Tensor, Tensor]:
    """[B, C, H, W] -> differences to the right and to the lower neighbour."""
    return picture[..., :, 1:] - picture[..., :, :-1], picture[..., 1:, :] - picture[..., :-1, :]


def gradient_loss(picture: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of the forward differences in x, plus that in y."""
    pairs = zip(forward_differences(picture), forward_differences(target), strict=True)
    return torch.stack([functional.l1_loss(own, true) for own, true in pairs]).sum()


def losses(
    fused: Tensor,  # [B, 3, H, W]
    neural: Tensor,  # [B, 3, H, W]
    target: Tensor,  # [B, 3, H, W]
    weights: Losses,
    error: Tensor | None = None,  # [B, 1, H, W] in [0, 1]
    error_target: Tensor | None = None,  # [B, 1, H, W] in [0, 1]
) -> dict[str, Tensor]:
    """`loss`, the weighted sum, and its terms by their names in `settings.Losses`, each a number."""
    terms = {
        "fused": functional.l1_loss(fused, target),
        "fused_gradient": gradient_loss(fused, target),
        "neural": functional.l1_loss(neural, target),
        "neural_gradient": gradient_loss(neural, target),
    }
    if error is not None and error_target is not None:
        terms["error"] = functional.binary_cross_entropy(error, error_target)
    total = torch.stack([getattr(weights, name) * value for name, value in terms.items()]).sum()
    return {"loss": total, **terms}
