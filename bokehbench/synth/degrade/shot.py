"""Poisson numbers as a function of uniform ones: exact quantiles, the same on every device.

Shot noise rounds a picture to code values v of 0…255 and draws counts of mean λ = v n / 255, n a power of
two of at most 256. So there are at most 256 different λ, and a table of their distribution functions turns a
32-bit uniform number u into the count k with F(k − 1) <= u < F(k), without a random number more or less for
any pixel: a picture that differs in one code value keeps all its other noise.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]
GUIDE_BITS = 8


@dataclass(frozen=True, eq=False)
class ShotTable:
    """Distribution functions of 256 code values.

    Attributes:
        upper: [256, counts] uint32, floor(2³² F(k)), the last count of a row 2³² − 1.
        guide: [256, 256] uint16, the least count that u of these upper 8 bits can give (Chen and Asau 1974).
    """

    upper: Words
    guide: npt.NDArray[np.uint16]


@functools.lru_cache(maxsize=9)
def table(photons: int) -> ShotTable:
    """The table for n = `photons` counts at white, 1 to 256."""
    from scipy.special import pdtr

    mean = np.arange(256) * (photons / 255.0)
    counts = np.arange(int(photons + 8.0 * np.sqrt(photons) + 12.0))
    upper = np.floor(pdtr(counts[None], mean[:, None]) * 2.0**32)
    upper = np.minimum(upper, 2.0**32 - 1.0).astype(np.uint32)
    upper[:, -1] = 2**32 - 1
    starts = (np.arange(256, dtype=np.uint64) << (32 - GUIDE_BITS)).astype(np.uint32)
    guide = np.stack([np.searchsorted(row, starts, side="right") for row in upper])
    return ShotTable(upper, np.minimum(guide, upper.shape[1] - 1).astype(np.uint16))


@numba.njit(cache=True, nogil=True)
def counts(
    values: npt.NDArray[np.uint8], uniform: Words, upper: Words, guide: npt.NDArray[np.uint16]
) -> npt.NDArray[np.uint16]:
    """Counts of code values [n] for uniform numbers [n]; `batch` has the same as a binary search."""
    out = np.empty(values.size, np.uint16)
    last = upper.shape[1] - 1
    for i in range(values.size):
        value, u = values[i], uniform[i]
        k = guide[value, u >> (32 - GUIDE_BITS)]
        while k < last and u >= upper[value, k]:
            k += 1
        out[i] = k
    return out


@numba.njit(cache=True, nogil=True)
def residual(
    found: npt.NDArray[np.uint16], values: npt.NDArray[np.uint8], photons: int
) -> npt.NDArray[np.float32]:
    """Counts [n] over their mean for white, minus the code value: the noise, float32 [n]."""
    out = np.empty(values.size, np.float32)
    for i in range(values.size):
        out[i] = np.float32(found[i]) / np.float32(photons) - np.float32(values[i]) / np.float32(255.0)
    return out


def photons_of(values: npt.NDArray[np.uint8]) -> int:
    """n of a picture of code values: the number of different ones, rounded up to a power of two."""
    different = int(np.count_nonzero(np.bincount(values.ravel(), minlength=256)))
    return 1 << max(0, different - 1).bit_length()
