"""Registration of a real pair: the homography between two photographs that were not taken at once.

A pair like EBB's is two exposures with a shutter press and a change of aperture between them, so the bokeh
photograph is shifted, scaled and turned against the input by several pixels. A renderer keeps the input's
geometry. The homography is found once per pair, between *input* and target, so every method is warped alike.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.metrics.energy import Doubles, luma

CORRELATION = 0.90
DISPLACEMENT = 0.02
"""A homography that moves pixels by more than this share of the diagonal, on average, is not believed."""
ITERATIONS = 200
STEP = 1e-6
SMOOTHING = 5
COARSE = 256
"""Shorter side at which the search begins: a few pixels there are many at full size."""
GAIN = 0.001
"""By how much a homography must correlate better than an affine map to be taken."""
MARGIN = 8


@dataclass(frozen=True, eq=False)
class Homography:
    """Pixels of the target's grid to pixels of the input's.

    Attributes:
        matrix: [3, 3] float64; the identity where none was accepted.
        accepted: whether it can be believed.
        reason: why not.
        correlation: enhanced correlation coefficient of the warped input and the target; None where the
            search did not converge.
        displacement: mean distance that it moves a pixel, pixels.
    """

    matrix: Doubles
    accepted: bool
    reason: str
    correlation: float | None
    displacement: float


def find_homography(
    image: npt.NDArray[Any], target: npt.NDArray[Any], mask: npt.NDArray[np.bool_] | None = None
) -> Homography:
    """Maximise the enhanced correlation coefficient (Evangelidis and Psarakis, 2008), coarse to fine.

    First an affine map; a homography, begun there, only where it raises the coefficient by `GAIN`. What is in
    focus is often a small part of the frame, and two more degrees of freedom that are fitted to it swing at
    the far corners.

    Args:
        image: encoded [H, W, 3], the input of the pair.
        target: the other photograph, same size.
        mask: [H, W] pixels of `image` to look at, those in focus in both; None for all.
    """
    pictures = [luma(picture).astype(np.float32) for picture in (target, image)]
    weight = None if mask is None else mask.astype(np.uint8)
    small = COARSE / min(pictures[0].shape)
    affine = np.eye(3)
    correlation = 0.0
    try:
        for scale in (small, 1.0) if small < 0.75 else (1.0,):
            correlation, affine = _ecc(pictures, weight, affine, scale, cv2.MOTION_AFFINE)
    except cv2.error:
        return Homography(np.eye(3), False, "the registration did not converge", None, 0.0)
    with contextlib.suppress(cv2.error):
        better, matrix = _ecc(pictures, weight, affine, 1.0, cv2.MOTION_HOMOGRAPHY)
        if better > correlation + GAIN:
            correlation, affine = better, matrix
    return _judged(affine, correlation, pictures[0].shape)


def _ecc(
    pictures: list[npt.NDArray[np.float32]],
    weight: npt.NDArray[np.uint8] | None,
    matrix: Doubles,
    scale: float,
    motion: int,
) -> tuple[float, Doubles]:
    """One search at a size; `matrix` [3, 3] is that of the full size before and after."""
    start = _scaled(matrix, scale)
    if scale != 1.0:
        size = tuple(round(side * scale) for side in reversed(pictures[0].shape))
        pictures = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures]
        weight = None if weight is None else cv2.resize(weight, size, interpolation=cv2.INTER_NEAREST)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ITERATIONS, STEP)
    begun = (start if motion == cv2.MOTION_HOMOGRAPHY else start[:2]).astype(np.float32)
    correlation, found = cv2.findTransformECC(*pictures, begun, motion, criteria, weight, SMOOTHING)
    whole = np.eye(3)
    whole[: len(found)] = found
    return float(correlation), _scaled(whole, 1.0 / scale)


def _scaled(matrix: Doubles, scale: float) -> Doubles:
    """The same map between pictures that are `scale` times as large (pixel centres at whole numbers)."""
    shift = 0.5 * (scale - 1.0)
    larger = np.array([[scale, 0.0, shift], [0.0, scale, shift], [0.0, 0.0, 1.0]])
    moved = larger @ matrix @ np.linalg.inv(larger)
    return np.asarray(moved / moved[2, 2])


def _judged(matrix: Doubles, correlation: float, shape: tuple[int, ...]) -> Homography:
    displacement = mean_displacement(matrix, shape)
    limit = DISPLACEMENT * float(np.hypot(shape[0], shape[1]))
    reason = ""
    if not np.isfinite(matrix).all() or not displacement <= limit:
        reason = f"it would move pixels by {displacement:.1f} on average, more than {limit:.1f}"
    elif correlation < CORRELATION:
        reason = f"the correlation is {correlation:.3f}, below {CORRELATION}"
    if reason:
        return Homography(np.eye(3), False, reason, correlation, displacement)
    return Homography(matrix, True, "", correlation, displacement)


def mean_displacement(matrix: Doubles, shape: tuple[int, ...]) -> float:
    """Mean distance, pixels, by which a homography moves the pixels of [H, W] (from 17 x 17 of them)."""
    x, y = np.meshgrid(np.linspace(0, shape[1] - 1, 17), np.linspace(0, shape[0] - 1, 17))
    with np.errstate(all="ignore"):
        moved = np.einsum("ij,jkl->ikl", matrix, np.stack([x, y, np.ones_like(x)]))
        distance = np.hypot(moved[0] / moved[2] - x, moved[1] / moved[2] - y)
    return float(distance.mean())


def warp(image: npt.NDArray[Any], matrix: Doubles) -> Doubles:
    """A picture of the input's grid on the target's: [H, W, 3] in [0, 1], cubic, edges continued."""
    picture = np.asarray(image / 255.0 if image.dtype == np.uint8 else image, np.float64)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpPerspective(
        picture, matrix, picture.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.clip(moved, 0.0, 1.0)


def valid_pixels(matrix: Doubles, shape: tuple[int, ...], margin: int = MARGIN) -> npt.NDArray[np.bool_]:
    """Pixels of the target's grid [H, W] that the input covers, without a margin at its edges."""
    ones = np.zeros(shape[:2], np.uint8)
    ones[1:-1, 1:-1] = 1  # so that the frame itself counts as an edge
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    covered = cv2.warpPerspective(ones, matrix, (shape[1], shape[0]), flags=flags, borderValue=0)
    covered[[0, -1], :] = 0
    covered[:, [0, -1]] = 0
    square = np.ones((2 * margin - 1, 2 * margin - 1), np.uint8)
    return np.asarray(cv2.erode(covered, square, borderValue=0) > 0)
