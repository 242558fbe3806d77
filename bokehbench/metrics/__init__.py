"""Metrics: one file each, a function and its spec. Importing this imports no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokehbench.metrics.catalogue import Metric as Metric
    from bokehbench.metrics.catalogue import find as find
    from bokehbench.metrics.score import Score as Score
    from bokehbench.metrics.score import score_images as score_images
    from bokehbench.metrics.score import score_images_detailed as score_images_detailed

_HOME = {
    "Metric": "catalogue",
    "find": "catalogue",
    "Score": "score",
    "score_images": "score",
    "score_images_detailed": "score",
}
__all__ = ["Metric", "Score", "find", "score_images", "score_images_detailed"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
