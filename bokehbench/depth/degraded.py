"""Low-quality pictures at the size of the clean ones: what depth networks are tried on, and trained on."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.records import sha256_bytes
from bokehbench.rng import stream
from bokehbench.synth.degrade import DegradePlan, Preset, degrade

FloatImage = npt.NDArray[np.float32]


def low_quality(rng: np.random.Generator, preset: Preset, image: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Degrade a picture, and bring it back to its size where the preset leaves it small.

    Args:
        rng: of the degradation.
        preset: what it is drawn from.
        image: [H, W, 3] encoded in [0, 1].

    Returns:
        The low-quality picture and the clean one (sharpened where the preset sharpens it), as `image` is.
    """
    height, width = image.shape[:2]
    made = degrade(DegradePlan.sample(rng, preset, (width, height)), image)
    lq = made.lq
    if lq.shape != image.shape:
        lq = np.clip(cv2.resize(lq, (width, height), interpolation=cv2.INTER_CUBIC), 0.0, 1.0)
    return lq, made.hq


def keyed(image: FloatImage, key: str, preset: Preset, seed: int) -> FloatImage:
    """The low-quality twin of a picture of that name, as `bokehbench degrade --key path` makes it."""
    index = int(sha256_bytes(key.encode())[:15], 16)
    return low_quality(stream(seed, index, "degrade"), preset, image)[0]
