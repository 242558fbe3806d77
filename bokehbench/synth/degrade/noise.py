"""The random fields of noise: made on the CPU from named streams, whatever device the picture is on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bokehbench.rng import stream
from bokehbench.synth.degrade.plan import Noise


def gaussian_field(seed: int, step: Noise, height: int, width: int) -> npt.NDArray[np.float32]:
    """[H, W, 1|3] standard normal, one channel where the noise is grey."""
    shape = (height, width, 1 if step.grey else 3)
    return stream(seed, step.field, "degrade.gaussian").standard_normal(shape, dtype=np.float32)


def uniform_field(seed: int, step: Noise, height: int, width: int) -> npt.NDArray[np.uint32]:
    """[H, W, 1|3] uniform numbers below 2³² − 1 (a table's last bound, so that every search ends)."""
    shape = (height, width, 1 if step.grey else 3)
    return stream(seed, step.field, "degrade.poisson").integers(0, 2**32 - 1, shape, dtype=np.uint32)
