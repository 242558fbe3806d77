"""Depth and saliency of one picture, by networks whose weights the user brings.

    disparity = predict("depth-anything-v2-large", image)      # [H, W] in [0, 1], near = 1
    identity("depth-anything-v2-large")                        # what a record says of it

Nothing is downloaded here unless the caller says so, and no code that comes with weights runs unless the
caller names the weights.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokehbench.depth.choice import Choice
    from bokehbench.depth.disparity import Prediction, to_prediction
    from bokehbench.depth.focus import focus_in_mask
    from bokehbench.depth.models import identity, predict, predict_raw, predict_saliency

__all__ = [
    "Choice",
    "Prediction",
    "focus_in_mask",
    "identity",
    "predict",
    "predict_raw",
    "predict_saliency",
    "to_prediction",
]

_HOME = {
    "Choice": "choice",
    "Prediction": "disparity",
    "to_prediction": "disparity",
    "focus_in_mask": "focus",
}


def __getattr__(name: str) -> Any:
    """Import on use: the specs of this room must stay light."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME.get(name, 'models')}"), name)
