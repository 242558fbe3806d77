"""Exact maps of a stack of layers: labels and disparity with hard edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer
from bokehbench.synth.render.scene import Size


def label_map(layers: Sequence[Layer], size: Size) -> npt.NDArray[np.int32]:
    """Index of the nearest layer with alpha >= 0.5 at each pixel.

    Args:
        layers: near to far.
        size: (W, H).

    Returns:
        [H, W] int32; the last layer's index where no layer reaches 0.5.
    """
    width, height = size
    labels = np.full((height, width), len(layers) - 1, np.int32)
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        rows, columns = layer.rgba.shape[:2]
        x0, y0 = max(layer.x, 0), max(layer.y, 0)
        x1, y1 = min(layer.x + columns, width), min(layer.y + rows, height)
        if x0 >= x1 or y0 >= y1:
            continue
        alpha = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x, 3]
        labels[y0:y1, x0:x1][alpha >= 0.5] = index
    return labels


def disparity_map(layers: Sequence[Layer], size: Size) -> npt.NDArray[np.float32]:
    """Disparity of the nearest layer with alpha >= 0.5: hard edges, the planes' own values.

    Args:
        layers: near to far.
        size: (W, H).

    Returns:
        [H, W] float32.
    """
    labels = label_map(layers, size)
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    disparity = np.empty(labels.shape, np.float64)
    for index, layer in enumerate(layers):
        here = labels == index
        disparity[here] = layer.plane.disparity(x[here], y[here])
    return disparity.astype(np.float32)
