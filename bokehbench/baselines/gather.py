"""A plain gather with a guard: the depth of field of games, the naive floor of lens blur.

Every pixel p is the mean of the light q within its own circle of confusion,

    B(p) = sum_q w J(q) / sum_q w,      w = clip(r_p - rho + 0.5, 0, 1) g(p, q),

with rho the distance of p and q. The guard g keeps a sharp foreground from leaking into the blurred
background beside it: a q that is nearer than p counts only as far as its own circle reaches,
``clip(r_q - rho + 0.5, 0, 1)``; for others g is 1. What stays wrong by construction: a blurred foreground
ends at its outline, for a sharp p beside it looks at nothing but itself.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.footprints import edge_table, refuse_radius
from bokehbench.baselines.scatter.reference import offsets
from bokehbench.cases import FloatImage, Inputs
from bokehbench.optics import Aperture, decode, encode, signed_defocus

APART = 0.5
"""Difference of signed defocus from which q is nearer than p, pixels."""


class Gather:
    """The method: decode, gather, encode."""

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        light = decode(inputs.image, lens.gamma).astype(np.float32)
        defocus = signed_defocus(inputs.disparity, lens)
        return encode(gather(light, defocus, lens.aperture), lens.gamma).astype(np.float32)


def gather_reference(
    light: npt.NDArray[Any], defocus: npt.NDArray[Any], aperture: Aperture
) -> npt.NDArray[np.float64]:
    """The formula above, one offset after another in float64.

    Args:
        light: [H, W, 3] linear.
        defocus: [H, W] signed, pixels.
        aperture: shape of the opening.

    Returns:
        [H, W, 3] linear.
    """
    defocus = np.asarray(defocus, np.float64)
    total, weights = np.zeros((*defocus.shape, 3)), np.zeros(defocus.shape)
    for dy, dx, source, target in offsets(defocus):
        own = _weight_reference(dx, dy, defocus[target], aperture)
        nearer = defocus[source] > defocus[target] + APART
        w = own * np.where(nearer, _weight_reference(dx, dy, defocus[source], aperture), 1.0)
        if dx == 0 and dy == 0:
            w = np.ones_like(w)
        total[target] += w[..., None] * light[source]
        weights[target] += w
    return np.asarray(total / weights[..., None])


def _weight_reference(
    dx: int, dy: int, defocus: npt.NDArray[np.float64], aperture: Aperture
) -> npt.NDArray[np.float64]:
    """How much of the disc of a pixel of signed `defocus` lies at (dx, dy), p - q, from it."""
    distance = math.hypot(dx, dy)
    turn = np.where(defocus > 0, -1.0, 1.0)
    radius = np.abs(defocus)
    edge = radius * aperture.edge(np.arctan2(turn * dy + 0.0, turn * dx + 0.0))
    w = np.clip(edge - distance + 0.5, 0.0, 1.0)
    if aperture.inner > 0.0:
        w = w * np.clip(distance - aperture.inner * radius + 0.5, 0.0, 1.0)
    return np.asarray(w)


def gather(light: npt.NDArray[Any], defocus: npt.NDArray[Any], aperture: Aperture) -> npt.NDArray[np.float32]:
    """As `gather_reference`, compiled; O(r²) operations a pixel, since the guard is another for each pair."""
    largest = float(np.abs(defocus).max(initial=0.0))
    refuse_radius(largest)
    out = np.empty((*defocus.shape, 3), np.float32)
    edge = edge_table(aperture, int(largest) + 1)
    _gather(
        np.ascontiguousarray(light, np.float32),
        np.ascontiguousarray(defocus, np.float64),
        edge,
        float(aperture.inner),
        out,
    )
    return out


@numba.njit(cache=True, inline="always")
def _disc(dx: int, dy: int, distance: float, defocus: float, edge: Any, inner: float) -> float:
    centre, turn, radius = edge.shape[0] // 2, (-1 if defocus > 0.0 else 1), abs(defocus)
    weight = min(max(radius * edge[centre + turn * dy, centre + turn * dx] - distance + 0.5, 0.0), 1.0)
    if inner > 0.0:
        weight *= min(max(distance - inner * radius + 0.5, 0.0), 1.0)
    return weight


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _gather(light, defocus, edge, inner, out) -> None:  # type: ignore[no-untyped-def]
    height, width = defocus.shape
    for y in numba.prange(height):
        for x in range(width):
            own = defocus[y, x]
            reach = int(abs(own)) + 1
            red, green, blue, total = light[y, x, 0], light[y, x, 1], light[y, x, 2], 1.0
            for qy in range(max(0, y - reach), min(height, y + reach + 1)):
                for qx in range(max(0, x - reach), min(width, x + reach + 1)):
                    dy, dx = y - qy, x - qx
                    distance = math.sqrt(dx * dx + dy * dy)
                    weight = _disc(dx, dy, distance, own, edge, inner) if distance > 0.0 else 0.0
                    if weight > 0.0 and defocus[qy, qx] > own + APART:
                        near = min(int(abs(defocus[qy, qx])) + 1, edge.shape[0] // 2)
                        reached = max(abs(dx), abs(dy)) <= near
                        weight *= _disc(dx, dy, distance, defocus[qy, qx], edge, inner) if reached else 0.0
                    if weight > 0.0:
                        red += weight * light[qy, qx, 0]
                        green += weight * light[qy, qx, 1]
                        blue += weight * light[qy, qx, 2]
                        total += weight
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = red / total, green / total, blue / total
