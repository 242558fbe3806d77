"""Layers as cut-outs that any image program reads: straight colours, bled under what is transparent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bokehbench.optics import encode

FloatMap = npt.NDArray[np.float32]
ALPHA_MIN = 1.0 / 512.0
"""Below it 8 bit store alpha as 0, and colour divided by alpha is mostly rounding."""


def straight_rgba(premultiplied: FloatMap, gamma: float, transfer: str = "power") -> FloatMap:
    """Encoded straight colours with alpha.

    Colours of transparent pixels are those of the nearest opaque ones (pyramid fill), so that filters and
    lossy encoders find no dark fringe.

    Args:
        premultiplied: [h, w, 4] linear.
        gamma: encoded = linear ** (1 / gamma),
        transfer: unless this is "srgb", the piecewise curve.

    Returns:
        [h, w, 4] float32 in [0, 1]; light above 1 is clipped.
    """
    alpha = np.clip(premultiplied[..., 3], 0.0, 1.0)
    solid = alpha >= ALPHA_MIN
    colour = premultiplied[..., :3] / np.where(solid, alpha, 1.0)[..., None]
    filled = pyramid_fill(np.minimum(colour, 1.0), np.where(solid, alpha, 0.0))
    if transfer == "srgb":
        from bokehbench.synth.highlights import srgb_encode  # recipes name ground truth: no circle at import

        encoded = srgb_encode(filled)
    else:
        encoded = encode(filled, gamma)
    return np.concatenate([encoded, alpha[..., None]], axis=2).astype(np.float32)


def pyramid_fill(colour: FloatMap, weight: FloatMap) -> FloatMap:
    """Keep pixels of weight > 0, fill the others from ever coarser weighted means (push-pull).

    Args:
        colour: [h, w, C].
        weight: [h, w] >= 0.

    Returns:
        [h, w, C] float32; 0 where no pixel has weight.
    """
    known = weight > 0.0
    if known.all() or not known.any():
        return np.where(known[..., None], colour, 0.0).astype(np.float32)
    height, width = weight.shape
    below = np.concatenate([colour * weight[..., None], weight[..., None]], axis=2).astype(np.float32)
    below = np.pad(below, ((0, height % 2), (0, width % 2), (0, 0)))
    halved = below.reshape(below.shape[0] // 2, 2, below.shape[1] // 2, 2, -1).sum(axis=(1, 3))
    mean = halved[..., :-1] / np.maximum(halved[..., -1:], 1e-12)
    # Weights saturate: a distant hole is filled by the outline around it, not by the heaviest region.
    coarse = pyramid_fill(mean, np.minimum(halved[..., -1], 1.0))
    return np.where(known[..., None], colour, _doubled(coarse)[:height, :width]).astype(np.float32)


def _doubled(image: FloatMap) -> FloatMap:
    """Twice the size, linear between the centres of the coarse pixels."""
    for axis in (0, 1):
        size = image.shape[axis]
        position = np.clip((np.arange(2 * size) - 0.5) / 2.0, 0.0, size - 1.0)
        first = np.minimum(position.astype(int), max(size - 2, 0))
        share = (position - first).reshape([-1 if k == axis else 1 for k in range(3)]).astype(np.float32)
        second = np.minimum(first + 1, size - 1)
        image = image.take(first, axis) * (1.0 - share) + image.take(second, axis) * share
    return image
