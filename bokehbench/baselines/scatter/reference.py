"""Scattering as BokehMe's classical renderer defines it, written to be read (methods spec 0.3, A1.2, A1.3).

A source pixel q of signed defocus S and radius r = |S| adds its light to every p at offset D = p - q with

    w = [0.5 + 0.5 tanh(4 (R - |D|))] / (r² + 0.2),      R = r * edge of the aperture in the direction of D,

for D within the square of half-width floor(r) + 1; targets outside the frame are skipped and the sum is
divided by the sum of weights. A central obstruction multiplies by ``0.5 + 0.5 tanh(4 (|D| - inner r))``.
Far pixels (S < 0) scatter as the aperture, near ones as the aperture turned by 180° (docs/conventions.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.optics import Aperture

Array = npt.NDArray[np.float64]


def scatter_reference(
    light: npt.NDArray[Any], defocus: npt.NDArray[Any], aperture: Aperture | None = None, donut: float = 0.0
) -> Array:
    """Scatter every pixel, one offset after another: O(H W r²) in float64.

    Args:
        light: [H, W, 3] linear.
        defocus: [H, W] signed defocus, pixels.
        aperture: None for a disc.
        donut: 0 to 0.5, BokehMe's soft donut: times ``1 - d + d tanh(0.2 (1 + |D| - R))``, which darkens the
            middle to 1 - 2 d.

    Returns:
        [H, W, 3] linear.
    """
    light, defocus = np.asarray(light, np.float64), np.asarray(defocus, np.float64)
    total = np.zeros((*defocus.shape, 3))
    weights = np.zeros(defocus.shape)
    for dy, dx, source, target in offsets(defocus):
        w = scatter_weight(dx, dy, defocus[source], aperture or Aperture(), donut)
        total[target] += w[..., None] * light[source]
        weights[target] += w
    return total / weights[..., None]


def scatter_weight(dx: int, dy: int, defocus: Array, aperture: Aperture, donut: float = 0.0) -> Array:
    """Weight of sources of signed `defocus` (any shape, pixels) at the offset (dx, dy) from them."""
    r = np.abs(defocus)
    distance = np.hypot(dx, dy)
    turn = np.where(defocus > 0, -1.0, 1.0)
    # + 0.0: no direction (-0, -0) at the centre.
    edge = r * aperture.edge(np.arctan2(turn * dy + 0.0, turn * dx + 0.0))
    w = (0.5 + 0.5 * np.tanh(4.0 * (edge - distance))) / (r * r + 0.2)
    if aperture.inner > 0.0:
        w = w * (0.5 + 0.5 * np.tanh(4.0 * (distance - aperture.inner * r)))
    w = w * (1.0 - donut + donut * np.tanh(0.2 * (1.0 + distance - edge)))
    return np.where(max(abs(dx), abs(dy)) <= np.floor(r) + 1.0, w, 0.0)


def dilate_reference(defocus: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Signed defocus dilation: near discs spread their defocus over what they cover (methods spec A1.2).

    Starts from ``trunc(S)`` (towards zero) and takes at each p the signed maximum of ``trunc(S(q))`` over
    all q whose circle of radius |S(q)| reaches p.

    Args:
        defocus: [H, W] signed defocus, pixels.

    Returns:
        [H, W] float32, whole pixels.
    """
    defocus = np.asarray(defocus, np.float64)
    dilated = np.trunc(defocus)
    for dy, dx, source, target in offsets(defocus):
        reached = dx * dx + dy * dy <= defocus[source] ** 2
        spread = np.where(reached, np.trunc(defocus[source]), -np.inf)
        dilated[target] = np.maximum(dilated[target], spread)
    return (dilated + 0.0).astype(np.float32)


Slices = tuple[slice, slice]


def offsets(defocus: Array) -> Iterator[tuple[int, int, Slices, Slices]]:
    """Every (dy, dx) that any pixel reaches, with the slices of sources and targets inside the frame."""
    height, width = defocus.shape
    reach = int(np.abs(defocus).max(initial=0.0)) + 1
    for dy in range(-min(reach, height - 1), min(reach, height - 1) + 1):
        for dx in range(-min(reach, width - 1), min(reach, width - 1) + 1):
            source = (slice(max(0, -dy), height - max(0, dy)), slice(max(0, -dx), width - max(0, dx)))
            target = (slice(max(0, dy), height - max(0, -dy)), slice(max(0, dx), width - max(0, -dx)))
            yield dy, dx, source, target
