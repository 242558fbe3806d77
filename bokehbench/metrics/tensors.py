"""From the arrays that are scored to the tensors that torch libraries want."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


def to_tensor(image: npt.NDArray[Any], *, double: bool = True) -> torch.Tensor:
    """[H, W, 3] uint8, or float in [0, 1], as [1, 3, H, W] in [0, 1], float64 or float32."""
    import torch

    dtype = torch.float64 if double else torch.float32
    planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None]).to(dtype)
    return planes / 255.0 if image.dtype == np.uint8 else planes
