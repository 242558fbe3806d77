"""Noise that leaves the generator it is given where it was, so that a drawing looks alike at every size."""

from __future__ import annotations

import numpy as np

from bokehbench.synth.assets import brushes
from bokehbench.synth.assets.brushes import Raster


def fbm(rng: np.random.Generator, shape: tuple[int, ...], cell: float, octaves: int = 4) -> Raster:
    """`brushes.fbm` from a child of `rng`.

    How many numbers noise takes depends on the size of the raster. Taken from a child, they do not shift
    what is drawn afterwards: the same seed then shows the same thing, larger or smaller.
    """
    return brushes.fbm(rng.spawn(1)[0], shape, cell, octaves)
