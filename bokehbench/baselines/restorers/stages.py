"""A restorer as the first of two stages: to the target's size, 8 bit, then any renderer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bokehbench.cases import FloatImage, Inputs, Renderer, Restorer, facts_of
from bokehbench.errors import InputError, JobFailed
from bokehbench.images import quantise
from bokehbench.synth.degrade.pipeline import resize
from bokehbench.synth.degrade.plan import Resize


def low_quality(inputs: Inputs, who: str) -> FloatImage:
    """The small picture [h, w, 3]; InputError where a case has none."""
    if inputs.lq is None:
        raise InputError(
            f"{who}: restores low-quality pictures, and {inputs.key or 'this picture'} has none beside it; "
            "blb-mini-lq, layered-lq, ebb400-lq, realsr and drealsr have"
        )
    return inputs.lq


def fit(image: FloatImage, shape: tuple[int, ...]) -> FloatImage:
    """A picture [h, w, 3] at another size (H, W), corners on corners, cut to [0, 1].

    A side that is too long is shrunk first, by area; one that is too short then enlarged by bicubic. What a
    network of factor 4 makes for a set of factor 2 is shrunk so, of factor 2 for a set of factor 4 enlarged.
    """
    height, width = shape[:2]
    size = min(image.shape[1], width), min(image.shape[0], height)
    for step in (Resize(size=size, mode="area"), Resize(size=(width, height), mode="bicubic")):
        if step.size != (image.shape[1], image.shape[0]):
            image = resize(image, step)
    return np.asarray(np.clip(image, 0.0, 1.0), np.float32)


class Restoring:
    """A restorer as a renderer that ignores the lens: always at the size of `Inputs.image`, in 8-bit steps.

    The steps are taken whether the picture is stored between the stages or not, so that both give the same.
    """

    def __init__(self, restorer: Restorer, name: str = "the restorer") -> None:
        self.restorer, self.name = restorer, name

    def render(self, inputs: Inputs) -> FloatImage:
        """The restored picture [H, W, 3] in [0, 1]; InputError without `Inputs.lq`."""
        low_quality(inputs, self.name)
        return self.finished(self.restorer.restore(inputs), inputs)

    def finished(self, image: Any, inputs: Inputs) -> FloatImage:
        """What came out of a restorer, checked, at the size of the input, in 8-bit steps."""
        if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3:
            raise JobFailed(
                f"{self.name} returned {getattr(image, 'shape', type(image))}, not an RGB picture"
            )
        if not np.isfinite(image).all():
            raise JobFailed(f"{self.name} returned NaN or infinite pixels")
        fitted = fit(np.asarray(image, np.float32), inputs.image.shape)
        return np.asarray(quantise(fitted), np.float32) / np.float32(255.0)


def behind(inputs: Inputs, restored: FloatImage) -> Inputs:
    """What the second stage sees: the restored picture, nothing of the low-quality one."""
    return replace(inputs, image=restored, lq=None)


class TwoStages:
    """A `bokehbench.cases.Renderer` of a restorer and a renderer.

    Args:
        restorer: the first stage.
        renderer: the second.
    """

    def __init__(self, restorer: Restorer, renderer: Renderer) -> None:
        self.first, self.second = Restoring(restorer), renderer

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3]; InputError without `Inputs.lq`."""
        return self.second.render(behind(inputs, self.first.render(inputs)))

    def facts(self, inputs: Inputs) -> dict[str, Any]:
        """Those of the renderer."""
        return facts_of(self.second, replace(inputs, lq=None))
