"""How sharp a picture is: an all-in-focus background must be."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

TILE = 16
CONTRAST = 0.08
"""Least difference of light within a tile for it to say anything."""
BLURRED = 0.16
"""Below, typical edges are blurred by 2.5 pixels or more; sharp photographs score 0.27 to 0.6."""


def sharp_score(image: npt.NDArray[np.float32]) -> float:
    """Steepness of typical edges: median over tiles of (largest step between neighbours) / (contrast).

    An edge blurred by a Gaussian of σ pixels scores 1 / (σ √(2π)) whatever its contrast.

    Args:
        image: [H, W, 3] encoded, at the size it is used at.

    Returns:
        0 (nothing but smooth) to 1 (edges within a pixel); 0 where no tile has any contrast.
    """
    grey = cv2.cvtColor(np.clip(image, 0.0, 1.0).astype(np.float32), cv2.COLOR_RGB2GRAY)
    # The noise of a sensor must not pass for an edge.
    grey = cv2.blur(grey, (2, 2))
    across, down = (
        np.abs(np.diff(grey, axis=1, prepend=grey[:, :1])),
        np.abs(np.diff(grey, axis=0, prepend=grey[:1])),
    )
    rows, columns = grey.shape[0] // TILE, grey.shape[1] // TILE
    if rows == 0 or columns == 0:
        return 0.0

    def tiles(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return plane[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)

    contrast = tiles(grey).max(axis=(1, 3)) - tiles(grey).min(axis=(1, 3))
    # A little round the tile, for an edge that lies across its rim.
    steepest = tiles(np.maximum(across, down)).max(axis=(1, 3))
    telling = contrast > CONTRAST
    if not telling.any():
        return 0.0
    return float(np.median(np.minimum(steepest[telling] / contrast[telling], 1.0)))
