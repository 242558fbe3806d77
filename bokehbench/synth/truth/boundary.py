"""Distances to other depth planes, and BokehMe's error map that follows from them for any focus.

Where a scattering renderer goes wrong depends on K and disp_focus, but the geometry does not: how far the
nearest pixel of every other label is, and which disparity it has, is stored once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatMap = npt.NDArray[np.float32]

NO_BOUNDARY = 65504.0
"""Distance of a pixel to its own label, and to a label that is nowhere: beyond every blur radius."""
SHARPNESS = 4.0
"""delta_1 of BokehMe's eq. 5."""
RATIO = 2.0 / 3.0
"""delta_2 of BokehMe's eq. 5."""


def boundary_maps(
    labels: npt.NDArray[np.integer], disparity: FloatMap, count: int
) -> tuple[FloatMap, FloatMap]:
    """Distance to, and disparity of, the nearest pixel of every label.

    Args:
        labels: [H, W] index of the visible layer.
        disparity: [H, W], exact at the labels (hard edges).
        count: labels there may be, L.

    Returns:
        distance: [L, H, W] float32, pixels; NO_BOUNDARY where a pixel has the label itself, or none has it.
        other: [L, H, W] float32, disparity of that nearest pixel; the pixel's own where there is none.
    """
    from scipy.ndimage import distance_transform_edt

    distance = np.full((count, *labels.shape), NO_BOUNDARY, np.float32)
    other = np.broadcast_to(disparity.astype(np.float32), distance.shape).copy()
    for label in np.unique(labels):
        elsewhere = labels != label
        if not elsewhere.any():
            continue
        far, (row, column) = distance_transform_edt(elsewhere, return_indices=True)
        distance[label][elsewhere] = far[elsewhere]
        other[label][elsewhere] = disparity[row[elsewhere], column[elsewhere]]
    return distance, other


def error_map(
    disparity: FloatMap, distance: FloatMap, other: FloatMap, K: float, disp_focus: float
) -> FloatMap:
    """BokehMe's error map E* (Peng et al., CVPR 2022, eq. 2 to 5): where scattering goes wrong.

    With r, r' the blur radii of a pixel and of the nearest pixel of another label, l their distance,
    a = l / max(r, r') and b = min(r, r') / max(r, r'):
    ``E = max(0, 1 - a^4) (0.5 + 0.5 tanh(10 (2/3 - b)))``, 0 where nothing is blurred. Of several other
    labels the worst counts: the nearest edge need not be it.

    Args:
        disparity: [H, W].
        distance, other: [L, H, W] of `boundary_maps`.
        K: pixels per unit of disparity, at this size.
        disp_focus: disparity of the focal plane.

    Returns:
        [H, W] float32 in [0, 1].
    """
    own = K * np.abs(disparity - disp_focus)[None]
    theirs = K * np.abs(other - disp_focus)
    wide = np.maximum(own, theirs)
    safe = np.where(wide > 0.0, wide, 1.0)
    near = 1.0 - np.minimum(distance / safe, 1.0) ** SHARPNESS
    unlike = 0.5 + 0.5 * np.tanh(10.0 * (RATIO - np.minimum(own, theirs) / safe))
    return np.asarray(np.where(wide > 0.0, near * unlike, 0.0).max(axis=0), np.float32)
