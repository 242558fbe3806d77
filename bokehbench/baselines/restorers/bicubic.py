"""Bicubic enlargement: the restorer that restores nothing."""

from __future__ import annotations

from bokehbench.baselines.restorers.stages import fit, low_quality
from bokehbench.cases import FloatImage, Inputs


class Bicubic:
    """A `bokehbench.cases.Restorer`."""

    def restore(self, inputs: Inputs) -> FloatImage:
        """[H, W, 3] at the size that is wanted."""
        return fit(low_quality(inputs, "bicubic"), inputs.image.shape[:2])
