"""How much structure a picture has where: local gradient energy, the base of every comparison of blur.

Two pictures of one place are compared by ``q = 1/2 log2((e_a + eps) / (e_b + eps))``: 0 where both are as
sharp, -1 where the gradients of the first have half the amplitude of the second's.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.metrics.windows import unit_range

Doubles = npt.NDArray[np.float64]
LUMA = (0.2126, 0.7152, 0.0722)
SIGMA = 4.0
TAPS = 33
EPSILON = (0.5 / 255.0) ** 2
"""Gradients of half a code value: what quantisation alone makes."""
STRUCTURED = (2.0 / 255.0) ** 2
"""Below this energy a picture has no structure whose blur could be seen."""


def luma(image: npt.NDArray[Any]) -> Doubles:
    """[H, W] in [0, 1] of encoded [H, W, 3], uint8 or float in [0, 1] (BT.709 weights)."""
    return np.asarray(unit_range(image) @ np.array(LUMA))


def gradient_energy(image: npt.NDArray[Any]) -> Doubles:
    """Squared luma gradient (Sobel, per pixel), averaged with a Gaussian of sigma 4; [H, W].

    Args:
        image: encoded [H, W, 3], uint8 or float in [0, 1].
    """
    grey = luma(image)
    x, y = (cv2.Sobel(grey, cv2.CV_64F, *axis, ksize=3, scale=1.0 / 8.0) for axis in ((1, 0), (0, 1)))
    return np.asarray(cv2.GaussianBlur(x * x + y * y, (TAPS, TAPS), SIGMA))


def relative_sharpness(energy: Doubles, reference: Doubles) -> Doubles:
    """q of two gradient energies: > 0 where the first is the sharper one, octaves of gradient amplitude."""
    return np.asarray(0.5 * np.log2((energy + EPSILON) / (reference + EPSILON)))


def in_focus(
    target: Doubles, image: Doubles, *, least: float = 0.02, piece: float = 0.002
) -> npt.NDArray[np.bool_] | None:
    """Where a bokeh photograph is as sharp as the all-in-focus one, from the pictures alone.

    Gradient amplitude at least half of the input's, where the input has structure; opened with a 5 x 5
    square; pieces smaller than `piece` of the frame are dropped.

    Args:
        target: gradient energy of the bokeh photograph, [H, W].
        image: that of the all-in-focus photograph.
        least: share of the frame that must remain.
        piece: smallest share of one connected piece.

    Returns:
        [H, W], or None where less than `least` remains.
    """
    sharp = (relative_sharpness(target, image) > -1.0) & (image > STRUCTURED)
    opened = cv2.morphologyEx(sharp.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, labels, facts, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    large = facts[:, cv2.CC_STAT_AREA] >= piece * sharp.size
    large[0] = False
    region = large[labels]
    return region if region.mean() >= least else None


def out_of_focus(target: Doubles, image: Doubles) -> npt.NDArray[np.bool_]:
    """Where the bokeh photograph keeps less than half the amplitude of the input's gradients; [H, W]."""
    return np.asarray((relative_sharpness(target, image) <= -1.0) & (image > STRUCTURED))
