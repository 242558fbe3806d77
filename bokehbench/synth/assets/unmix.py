"""Foreground colours of a photograph with a matte: what shows through soft parts is taken out.

Minimises, over foreground F and background B, |αF + (1 − α)B − I|² plus smoothness of F and B that is
stronger across changes of alpha, from coarse to fine; each pixel's 2 x 2 system is solved in turn with its
neighbours held (Germer, Uelwer, Conrad, Harmeling: Fast Multi-Level Foreground Estimation, ICPR 2020).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Raster = npt.NDArray[np.float32]
SMOOTHNESS = 1e-5
ALPHA_WEIGHT = 1.0
COARSE_SIDE = 32
"""Sides up to here take many steps, larger ones few."""
COARSE_STEPS, FINE_STEPS = 10, 2


def foreground_colours(image: Raster, alpha: Raster) -> Raster:
    """F [H, W, 3] in [0, 1] of an encoded picture [H, W, 3] and its matte [H, W]; the picture where α = 1."""
    height, width = alpha.shape
    levels = int(np.ceil(np.log2(max(height, width))))
    opaque, clear = alpha > 0.9, alpha < 0.1
    front = np.full((1, 1, 3), image[opaque].mean(axis=0) if opaque.any() else 0.5, np.float32)
    back = np.full((1, 1, 3), image[clear].mean(axis=0) if clear.any() else 0.5, np.float32)
    for level in range(levels + 1):
        size = tuple(max(1, round(side ** (level / max(levels, 1)))) for side in (width, height))
        picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3)
        matte = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 1)
        front, back = (
            cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST).reshape(size[1], size[0], 3)
            for plane in (front, back)
        )
        for _ in range(COARSE_STEPS if max(size) <= COARSE_SIDE else FINE_STEPS):
            front, back = _step(picture, matte, front, back)
    return np.where(alpha[..., None] >= 1.0, image, front).astype(np.float32)


def _step(image: Raster, alpha: Raster, front: Raster, back: Raster) -> tuple[Raster, Raster]:
    """One round of all pixels' own solutions, [h, w, 3] each."""
    total = np.zeros_like(alpha)
    pull_front, pull_back = np.zeros_like(front), np.zeros_like(back)
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
        weight = SMOOTHNESS + ALPHA_WEIGHT * np.abs(alpha - _neighbour(alpha, axis, sign))
        total += weight
        pull_front += weight * _neighbour(front, axis, sign)
        pull_back += weight * _neighbour(back, axis, sign)
    a, b = alpha, 1.0 - alpha
    right_front, right_back = a * image + pull_front, b * image + pull_back
    # [[a² + t, a b], [a b, b² + t]] (F, B) = right side
    determinant = total * (a * a + b * b + total)
    new_front = ((b * b + total) * right_front - a * b * right_back) / determinant
    new_back = ((a * a + total) * right_back - a * b * right_front) / determinant
    return np.clip(new_front, 0.0, 1.0), np.clip(new_back, 0.0, 1.0)


def _neighbour(values: Raster, axis: int, sign: int) -> Raster:
    """Each pixel's neighbour along an axis; itself at the rim."""
    moved = np.roll(values, sign, axis=axis)
    edge = (0 if sign > 0 else -1,) if axis == 0 else (slice(None), 0 if sign > 0 else -1)
    moved[edge] = values[edge]
    return moved
