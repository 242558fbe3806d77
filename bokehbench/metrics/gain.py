"""One factor per colour channel between a prediction and its target, in linear light.

Two exposures differ in brightness and white balance; a renderer cannot know by how much. Three numbers, and
no more, take that out of a score: a matrix of twelve would hide real errors of colour.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.metrics.energy import Doubles

SIGMA = 4.0
ROUNDS = 5
HUBER = 1.345
"""Residuals beyond so many standard deviations weigh less (95 % efficiency on Gaussian noise)."""


def fit_gain(
    prediction: Doubles,
    target: Doubles,
    mask: npt.NDArray[np.bool_] | None = None,
    *,
    sigma: float = SIGMA,
    rounds: int = ROUNDS,
) -> Doubles:
    """Least squares of ``gain * prediction = target`` per channel, robust against what differs in structure.

    Args:
        prediction: [H, W, 3] linear light.
        target: the same.
        mask: [H, W] pixels to fit; None for all. Blurred pictures are fitted where they are in focus, since
            a wrong amount of blur biases the factor elsewhere.
        sigma: of the Gaussian that both are smoothed with first, pixels; 0 for none.
        rounds: of Huber weights; 0 is plain least squares.

    Returns:
        [3], > 0; 1 in a channel that is black.
    """
    if sigma > 0.0:
        prediction, target = (cv2.GaussianBlur(light, (0, 0), sigma) for light in (prediction, target))
    chosen: Any = np.ones(target.shape[:2], bool) if mask is None else mask
    return np.array([_channel(prediction[..., c][chosen], target[..., c][chosen], rounds) for c in range(3)])


def _channel(x: Doubles, y: Doubles, rounds: int) -> float:
    weight = np.ones_like(x)
    gain = 1.0
    for _ in range(rounds + 1):
        energy = float(np.sum(weight * x * x))
        if energy <= 0.0:
            return 1.0
        gain = float(np.sum(weight * x * y)) / energy
        residual = np.abs(gain * x - y)
        spread = 1.4826 * float(np.median(residual))
        if spread == 0.0:
            break
        weight = np.minimum(1.0, HUBER * spread / np.maximum(residual, 1e-30))
    return gain if gain > 0.0 else 1.0
