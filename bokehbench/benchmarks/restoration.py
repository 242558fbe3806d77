"""Low-resolution photographs with a sharp target: K = 0, so that only what a method restores is scored."""

from __future__ import annotations

import numpy as np

from bokehbench.benchmarks.photoset import Item, PhotoSet
from bokehbench.cases import FloatImage
from bokehbench.errors import InputError
from bokehbench.images import read_image
from bokehbench.synth.degrade.pipeline import resize
from bokehbench.synth.degrade.plan import Resize

SCALES = (2, 3, 4)


class Restoration(PhotoSet):
    """Base of RealSR and DRealSR: items have `lq` and `target`; the input is `lq` enlarged by bicubic."""

    def _pictures(self, item: Item) -> tuple[FloatImage, FloatImage | None, FloatImage | None]:
        lq, target = read_image(item.files["lq"]), read_image(item.files["target"])
        height, width = target.shape[:2]
        scale = width // lq.shape[1]
        if scale not in SCALES or (lq.shape[1] * scale, lq.shape[0] * scale) != (width, height):
            raise InputError(
                f"{item.files['target']}: is {width} x {height}, its low-resolution picture "
                f"{lq.shape[1]} x {lq.shape[0]} pixels; it must be 2, 3 or 4 times as large"
            )
        return enlarged(lq, (height, width)), target, lq


def enlarged(lq: FloatImage, shape: tuple[int, ...]) -> FloatImage:
    """A small picture [h, w, 3] by bicubic at the size (H, W) of its target, corners on corners."""
    made = resize(lq, Resize(size=(shape[1], shape[0]), mode="bicubic"))
    return np.asarray(np.clip(made, 0.0, 1.0), np.float32)
