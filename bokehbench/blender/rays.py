"""Rays of a whole stack: which point of the lens and of the image each sample goes through, and where it
lands when the lens is focused elsewhere.

A thin lens sends the ray through lens point (s, t), in radii of the widest aperture, and point (x, y) of the
image that is focused at disparity d₀, to the point

    (x, y) + K (d − d₀) (s, t)

of the image that is focused at d, with K of the widest aperture in pixels. So the light that a ray brings
serves the images of every focal plane, and, where (s, t) lies in a narrower aperture, of every level: it is
traced once. The pattern is computed twice, here and in the camera's shader (`scripts.raycamera`), from
integers and thus alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.blender.sampling import PATTERNS, QUARTERS

KEPT_BITS = 4
"""Leading binary digits of lens points that all pixels share, so that rays land evenly; others are random."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Film:
    """A raster of rays: `cells` × `cells` for each pixel of a frame with a margin.

    Attributes:
        width, height: of the image, pixels.
        margin: pixels around it, from which rays reach the image when it is focused elsewhere.
        cells: rays of a pixel per film, across and down; a power of two.
    """

    width: int
    height: int
    margin: int
    cells: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the raster."""
        return tuple((edge + 2 * self.margin) * self.cells for edge in (self.width, self.height))  # type: ignore[return-value]

    @classmethod
    def of(cls, width: int, height: int, margin: int) -> Film:
        """The film for an image: some millions of rays, which is worth the effort of starting a render."""
        pixels = width * height
        return cls(width, height, margin, 4 if pixels <= 300_000 else 2 if pixels <= 6_000_000 else 1)

    def sequence(self, index: int) -> tuple[int, int]:
        """From where the renderer takes its own random numbers for film `index`: (sequence, sample).

        Quarters of an image must not share a sequence, whose samples avoid each other. Rays of one film lie
        in places of their own; where a pixel has but one, each quarter has every fourth film.
        """
        return (0, index) if self.cells > 1 else (index % QUARTERS, index // QUARTERS)


@dataclass(frozen=True)
class Lens:
    """Shape of the opening, as `optics.Aperture` has it: s right, t down.

    Attributes:
        blades: corners, 0 for a disc.
        rotation: of the first corner from +s towards +t, radians.
        ratio: height over width.
    """

    blades: int = 0
    rotation: float = 0.0
    ratio: float = 1.0


def pattern(
    film: Film,
    lens: Lens,
    ring: tuple[float, float],
    seed: int,
    index: int,
    version: int = PATTERNS[-1],
) -> Floats:
    """Rays of the film number `index` of a ring.

    Args:
        film: its raster.
        lens: the opening.
        ring: (inner, outer) edge, shares of the opening's size.
        seed: of the ring.
        index: counts films; a film holds samples ``index · cells²`` and following of each pixel, and sample n
            belongs to quarter ``n mod 4``.
        version: one of `sampling.PATTERNS`.

    Returns:
        [rows, columns, 4]: x and y in pixels, (0, 0) the corner of the image; s and t.
    """
    columns, rows = film.size
    rays = np.empty((rows, columns, 4), np.float32)
    opening = lens.blades, lens.rotation, lens.ratio
    _pattern(rays, film.margin, film.cells, *opening, *ring, seed, index, version)
    return rays


def splat(
    rays: Floats,
    values: Floats,
    guides: Floats,
    first: int,
    cells: int,
    shifts: npt.NDArray[np.float64],
    colour: Floats,
    aux: Floats,
) -> None:
    """Add the light of a film to the images of several focal planes, each ray to the pixel it lands in.

    Args:
        rays: from `pattern`.
        values: [rows, columns, 3], linear light.
        guides: [rows, columns, 6], albedo and normal.
        first: number of the film's first sample.
        cells: of the film.
        shifts: [F], K (d − d₀) of each plane, pixels.
        colour: [F, 4, H, W, 4], sums of the four quarters and how many rays they have; changed.
        aux: [F, 2, H, W, 6], sums of the guides over both halves; changed.
    """
    _splat(rays, values, guides, first, cells, shifts, colour, aux)


@numba.njit(inline="always", cache=True)
def _mixed(x: Any) -> Any:
    """A 32-bit integer hashed (multiply and shift, all bits used)."""
    y = np.uint32(x ^ (x >> np.uint32(16)))
    y = np.uint32(y * np.uint32(2146121005))
    y = np.uint32(y ^ (y >> np.uint32(15)))
    y = np.uint32(y * np.uint32(2221713035))
    return np.uint32(y ^ (y >> np.uint32(16)))


@numba.njit(inline="always", cache=True)
def _unit(x: Any) -> Any:
    """24 bits as a number in [0, 1)."""
    return np.float64(x >> np.uint32(8)) / 16777216.0


@numba.njit(inline="always", cache=True)
def _sobol(n: Any) -> Any:
    """First two coordinates of point n of Sobol's sequence, 32 bits each."""
    a, b, high, column = np.uint32(0), np.uint32(0), np.uint32(1 << 31), np.uint32(1 << 31)
    while n != 0:
        if n & np.uint32(1):
            a, b = np.uint32(a ^ high), np.uint32(b ^ column)
        n = np.uint32(n >> np.uint32(1))
        high = np.uint32(high >> np.uint32(1))
        column = np.uint32(column ^ (column >> np.uint32(1)))
    return a, b


@numba.njit(inline="always", cache=True)
def _part(n: Any, pixel: Any, version: int) -> Any:
    """Which part of its pixel ray n of a quarter goes through: (parts along an edge, column, row).

    Version 1: four parts, always in the same order, so that they go with the same points of the lens. Version
    2: sixteen, in another order for each sixteen rays; each four rays lie in all four quarters of the pixel,
    and no half of it goes with the lowest bit of n, which says which half of the lens.
    """
    if version == 1:
        part = n ^ pixel
        return 2.0, part & np.uint32(1), (part >> np.uint32(1)) & np.uint32(1)
    one, two = n & np.uint32(1), (n >> np.uint32(1)) & np.uint32(1)
    three, four = (n >> np.uint32(2)) & np.uint32(1), (n >> np.uint32(3)) & np.uint32(1)
    order = _mixed(np.uint32(pixel ^ _mixed(np.uint32((n >> np.uint32(4)) + 303))))
    across = ((two << np.uint32(1)) | three) ^ (order & np.uint32(3))
    down = (((one ^ two) << np.uint32(1)) | four) ^ ((order >> np.uint32(2)) & np.uint32(3))
    return 4.0, across, down


@numba.njit(parallel=True, cache=True)
def _pattern(
    rays: Any,
    margin: int,
    cells: int,
    blades: int,
    rotation: float,
    ratio: float,
    inner: float,
    outer: float,
    seed: int,
    index: int,
    version: int,
) -> None:
    low = np.uint32((1 << (32 - KEPT_BITS)) - 1)
    high = np.uint32(np.uint32(0xFFFFFFFF) ^ low)
    for row in numba.prange(rays.shape[0]):
        py = row // cells
        for column in range(rays.shape[1]):
            px = column // cells
            number = index * cells * cells + (row - py * cells) * cells + column - px * cells
            key = _mixed(np.uint32(seed + number % QUARTERS))
            n = np.uint32(number // QUARTERS)
            pixel = _mixed(np.uint32(px + _mixed(np.uint32(py + key))))
            own = _mixed(np.uint32(n + pixel))
            a, b = _sobol(n)
            a ^= (_mixed(np.uint32(own + 101)) & low) | (_mixed(np.uint32(key + 11)) & high)
            b ^= (_mixed(np.uint32(own + 202)) & low) | (_mixed(np.uint32(key + 12)) & high)
            side, across, down = _part(n, pixel, version)
            x = px - margin + (across + _unit(_mixed(np.uint32(own + 1)))) / side
            y = py - margin + (down + _unit(_mixed(np.uint32(own + 2)))) / side
            radius = np.sqrt(inner * inner + _unit(np.uint32(a)) * (outer * outer - inner * inner))
            turn = _unit(np.uint32(b))
            if blades == 0:
                s, t = np.cos(2.0 * np.pi * turn), np.sin(2.0 * np.pi * turn)
            else:
                corner = np.floor(turn * blades)
                share = turn * blades - corner
                one = rotation + 2.0 * np.pi * corner / blades
                two = rotation + 2.0 * np.pi * (corner + 1.0) / blades
                s = (1.0 - share) * np.cos(one) + share * np.cos(two)
                t = (1.0 - share) * np.sin(one) + share * np.sin(two)
            rays[row, column, 0], rays[row, column, 1] = x, y
            rays[row, column, 2], rays[row, column, 3] = radius * s / ratio, radius * t


@numba.njit(parallel=True, cache=True)
def _splat(
    rays: Any, values: Any, guides: Any, first: int, cells: int, shifts: Any, colour: Any, aux: Any
) -> None:
    height, width = colour.shape[2], colour.shape[3]
    for plane in numba.prange(colour.shape[0]):
        for row in range(rays.shape[0]):
            for column in range(rays.shape[1]):
                x = int(np.floor(rays[row, column, 0] + shifts[plane] * rays[row, column, 2]))
                y = int(np.floor(rays[row, column, 1] + shifts[plane] * rays[row, column, 3]))
                if not (0 <= x < width and 0 <= y < height):
                    continue
                number = first + (row % cells) * cells + column % cells
                quarter = number % QUARTERS
                for channel in range(3):
                    colour[plane, quarter, y, x, channel] += values[row, column, channel]
                colour[plane, quarter, y, x, 3] += 1.0
                for channel in range(6):
                    aux[plane, quarter // 2, y, x, channel] += guides[row, column, channel]
