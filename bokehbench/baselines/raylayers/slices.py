"""Two surfaces cut into fronto-parallel layers that differ by little blur and leave no gap.

A pixel lies in the layer of its own defocus and, where its surface goes on continuously to farther layers
nearby, in these too: a ray that slips past the edge of one slice meets the same surface in the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.raylayers.surfaces import Surface
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens

FINE, FINE_STEP = 4.0, 0.25
MEDIUM_STEP, MEDIUM = 1.0, 12.0
GROWTH = 1.08
"""Slices are a quarter of a pixel of blur thick up to S = 4, one pixel up to 12, then 8 % of the blur."""

Indices = npt.NDArray[np.int32]
FIRST_MEDIUM = round(FINE / FINE_STEP)
FIRST_COARSE = FIRST_MEDIUM + round((MEDIUM - FINE) / MEDIUM_STEP)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Surfaces cut into slices, numbered from far to near.

    Attributes:
        surfaces: near to far.
        nearest, farthest: per surface [H, W], numbers of the slices that a pixel lies in, ends included.
        defocus: by number, the mean signed defocus of the slice's own pixels: a surface of one depth is
            blurred by that depth.
    """

    surfaces: tuple[Surface, ...]
    nearest: tuple[Indices, ...]
    farthest: tuple[Indices, ...]
    defocus: dict[int, float]


def slice_index(defocus: npt.NDArray[np.float32]) -> Indices:
    """Number of the slice of each signed defocus, any shape; 0 is in focus, positive numbers are near."""
    size = np.abs(defocus).astype(np.float64)
    fine = size / FINE_STEP
    medium = FIRST_MEDIUM + (size - FINE) / MEDIUM_STEP
    coarse = FIRST_COARSE + np.log(np.maximum(size, MEDIUM) / MEDIUM) / math.log(GROWTH)
    index = np.where(size < FINE, fine, np.where(size < MEDIUM, medium, coarse))
    return (np.sign(defocus) * np.floor(index + 0.5)).astype(np.int32)


def farthest_nearby(surface: Surface, index: Indices, overlap: int, jump: float) -> Indices:
    """[H, W] number of the farthest slice that the same surface reaches within `overlap` pixels."""
    farthest = index.copy()
    for _ in range(overlap):
        farthest = _step_back(farthest, surface.defocus, surface.there, np.float32(jump))
    return farthest


@numba.njit(cache=True, nogil=True)
def _step_back(farthest, defocus, there, jump):  # type: ignore[no-untyped-def]  # pragma: no cover
    height, width = farthest.shape
    out = farthest.copy()
    for y in range(height):
        for x in range(width):
            if not there[y, x]:
                continue
            for ny in range(max(y - 1, 0), min(y + 2, height)):
                for nx in range(max(x - 1, 0), min(x + 2, width)):
                    if there[ny, nx] and abs(defocus[ny, nx] - defocus[y, x]) <= jump:
                        out[y, x] = min(out[y, x], farthest[ny, nx])
    return out


def cut(surfaces: Sequence[Surface], overlap: int, jump: float) -> Pieces:
    """Cut surfaces, listed near to far, into slices that overlap backwards by `overlap` pixels.

    Args:
        surfaces: near to far.
        overlap: pixels by which slices of one surface go on.
        jump: difference of S from which neighbours are different surfaces.
    """
    nearest = [slice_index(surface.defocus) for surface in surfaces]
    farthest = []
    for surface, index in zip(surfaces, nearest, strict=True):
        reached = farthest_nearby(surface, index, overlap, jump)
        # A soft rim counts once: repeated in the next slice it would cover more than its alpha.
        farthest.append(np.where(surface.alpha < 1.0, index, reached))
    here = [surface.there for surface in surfaces]
    index = np.concatenate([n[t] for n, t in zip(nearest, here, strict=True)])
    depth = np.concatenate([s.defocus[t] for s, t in zip(surfaces, here, strict=True)]).astype(np.float64)
    first = int(index.min())
    count = np.bincount(index - first)
    mean = np.bincount(index - first, depth) / np.maximum(count, 1)
    middle = {first + n: float(mean[n]) for n in np.flatnonzero(count)}
    return Pieces(tuple(surfaces), tuple(nearest), tuple(farthest), middle)


def layers_of(
    pieces: Pieces,
    lens: Lens,
    window: tuple[slice, slice],
    origin: tuple[int, int],
) -> list[Layer]:
    """Layers of a part of the image, near to far.

    Args:
        pieces: from `cut`; where two surfaces share a slice the first lies over the other.
        lens: what is asked for, K > 0.
        window: rows and columns of the part.
        origin: (x, y) of the window's first pixel in output coordinates.
    """
    layers = []
    every = list(zip(pieces.surfaces, pieces.nearest, pieces.farthest, strict=True))
    present = [np.unique(nearest[window][s.there[window]]) for s, nearest, _ in every]
    for index in sorted({int(i) for numbers in present for i in numbers}, reverse=True):
        mask = [s.there[window] & (far[window] <= index) & (index <= near[window]) for s, near, far in every]
        x, y, w, h = cv2.boundingRect(np.logical_or.reduce(mask).view(np.uint8))
        part = (slice(y, y + h), slice(x, x + w))
        rgba = np.zeros((h, w, 4), np.float32)
        for surface, here in zip(pieces.surfaces[::-1], mask[::-1], strict=True):
            inside = here[part]
            alpha = surface.alpha[window][part][inside]
            rgba[inside] *= 1.0 - alpha[:, None]
            rgba[inside, :3] += surface.colour[window][part][inside] * alpha[:, None]
            rgba[inside, 3] += alpha
        plane = Plane(0.0, 0.0, lens.disp_focus + pieces.defocus[index] / lens.K)
        layers.append(Layer(rgba, plane, origin[0] + x, origin[1] + y))
    return layers
