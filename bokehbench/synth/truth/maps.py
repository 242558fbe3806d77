"""Maps that follow from layers and a lens: coverage, visibility, soft disparity, masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bokehbench.layers import Layer
from bokehbench.optics import Lens, signed_defocus

FloatMap = npt.NDArray[np.float32]
Size = tuple[int, int]

FOCUS_RADIUS = 1.0
"""Blur radius up to which a pixel counts as in focus, pixels."""
MAGICBOKEH_FOCUS_RADIUS = 3.2
"""MagicBokeh's rule at inference: K |d - disp_focus| / 32 <= 0.1."""


def frame(layer: Layer, size: Size) -> FloatMap:
    """The part of a layer that lies in the frame.

    Args:
        layer: raster at an integer offset.
        size: (W, H).

    Returns:
        [H, W, 4] float32, linear premultiplied, 0 outside the raster.
    """
    width, height = size
    rows, columns = layer.rgba.shape[:2]
    out = np.zeros((height, width, 4), np.float32)
    x0, y0 = max(layer.x, 0), max(layer.y, 0)
    x1, y1 = min(layer.x + columns, width), min(layer.y + rows, height)
    if x0 < x1 and y0 < y1:
        out[y0:y1, x0:x1] = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x]
    return out


def visibility(layers: Sequence[Layer], size: Size) -> FloatMap:
    """Share of each pixel of the all-in-focus image that a layer makes: alpha_l prod_{m<l} (1 - alpha_m).

    Args:
        layers: near to far.
        size: (W, H).

    Returns:
        [L, H, W] float32; the sum over layers is the coverage, 1 where the last layer is opaque.
    """
    through = np.ones((size[1], size[0]), np.float32)
    shares = np.empty((len(layers), size[1], size[0]), np.float32)
    for index, layer in enumerate(layers):
        alpha = frame(layer, size)[..., 3]
        shares[index] = through * alpha
        through = through * (1.0 - alpha)
    return shares


def soft_disparity(layers: Sequence[Layer], size: Size, shares: FloatMap | None = None) -> FloatMap:
    """Disparity mixed by visibility, as BokehDiff composites it.

    At soft edges it takes values at which nothing lies; `render.disparity_map` is the exact one.

    Args:
        layers: near to far.
        size: (W, H).
        shares: `visibility(layers, size)` where it is known.

    Returns:
        [H, W] float32.
    """
    shares = visibility(layers, size) if shares is None else shares
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    planes = [layer.plane.disparity(x, y) for layer in layers]
    total = sum(share * plane for share, plane in zip(shares, planes, strict=True))
    return np.asarray(total / np.maximum(shares.sum(axis=0), 1e-6), np.float32)


def focus_mask(disparity: FloatMap, lens: Lens, radius: float = FOCUS_RADIUS) -> FloatMap:
    """1 where the circle of confusion is at most `radius` pixels, else 0; same shape as `disparity`."""
    return (np.abs(signed_defocus(disparity, lens)) <= radius).astype(np.float32)


def subject(labels: npt.NDArray[np.integer], disparity: FloatMap, lens: Lens, focus_layer: int | None) -> int:
    """Index of the layer that the lens is focused on.

    Args:
        labels: [H, W] index of the visible layer.
        disparity: [H, W].
        lens: its `disp_focus` counts.
        focus_layer: the layer that disp_focus was taken from, where it was taken from one.

    Returns:
        `focus_layer`, else the visible layer whose median disparity lies nearest to the focal plane.
    """
    if focus_layer is not None:
        return focus_layer
    seen = np.unique(labels)
    away = [abs(float(np.median(disparity[labels == index])) - lens.disp_focus) for index in seen]
    return int(seen[int(np.argmin(away))])
