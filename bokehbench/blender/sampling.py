"""How many samples an image gets: until its error, estimated without bias, is as small as was asked for.

The samples of an image are four independent quarters. Two halves (quarters 0, 1 and 2, 3) are denoised by
themselves, and the image is the mean of both, X = (A + B)/2. Half A has not seen quarters 2 and 3, so that
``E[(A − Q2)(A − Q3)]`` is the squared error of every pixel, whatever the denoiser did, blur included. With
the same for B,

    |X − truth|² = (|A − truth|² + |B − truth|²)/2 − |A − B|²/4.

No reference is needed: only products of independent noise remain, which are zero on average. This happens in
linear light, because the encoding of a noisy quarter would be biased, and is multiplied by how steep the
encoding is between X and the mean of all samples: 0 where both are white.

Pure functions of arrays; nothing here imports bpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError

FloatImage = npt.NDArray[np.float32]

DEFAULT_QUALITY = 45.0
"""dB; the best methods score 39 to 43 dB on BLB, so that what they are scored on must be cleaner."""
QUALITY_RANGE = (20.0, 60.0)
QUARTERS = 4
ROUND = 16
"""Samples per pixel of one round of rays."""
FIRST = 2
"""Rounds before the first look."""
MOST = 256
"""Rounds after which an image is taken as it is."""
SLOPE = 0.72
"""Squared error of a denoised image falls as samples to the power −0.72 (2.2 dB a doubling), measured."""
GAMMA = 2.2
MEANING = (
    "noise_psnr: estimated error of the image against an endlessly sampled one, as PSNR of encoded pixels "
    "clipped to [0, 1]; what the denoiser blurs is in it. Two halves are denoised by themselves, each is "
    "compared with both quarters of the other, and products of independent noise cancel. noise_psnr_raw: "
    "of the plain mean of the samples. spp: rays per pixel that the image is made of; rays: whether other "
    "images of the scene are made of the same (errors of such images are alike)."
)
"""Of the figures in info.json."""
FLOOR = 1e-3
"""Linear light below which the encoding counts as straight: its derivative has a pole at black."""

CAUTION = 10.0**0.04
"""Against 128 other samples the estimate was found up to 0.4 dB too good: so much is taken off."""
WINDOW = 5.0
"""Standard deviation of the window over which the denoiser is judged, pixels; smaller ones flatter it."""

RINGS = 5
"""The aperture of level 5 in rings; level k sees the inner k of them."""
RING_EDGES = tuple(ring / RINGS for ring in range(RINGS + 1))
RING_ROUNDS = (1.0, 0.60, 0.39, 0.28, 0.22)
"""Samples of each ring against the innermost: pixels of every level then have one variance, if rays have.
(Level k weighs ring j by its area, 2j−1 of k²: ``sum_j ((2j−1)/k²)² / n_j = 1`` for each k.)"""


def check_quality(quality: float) -> float:
    """The same quality, or ConfigError where it is no sensible PSNR."""
    low, high = QUALITY_RANGE
    if not (math.isfinite(quality) and low <= quality <= high):
        raise ConfigError(f"--quality must lie between {low:g} and {high:g} dB, not {quality}")
    return quality


def ring_weights(level: int) -> tuple[float, ...]:
    """Share of each ring in the aperture of level index 0 to 4, from the middle."""
    return tuple((2 * ring + 1) / (level + 1) ** 2 for ring in range(level + 1))


def ring_rounds(ring: int, rounds: int) -> int:
    """Rounds of rays that a ring gets when the innermost gets `rounds`."""
    return max(1, math.ceil(RING_ROUNDS[ring] * rounds))


def samples(level: int, rounds: int) -> int:
    """Rays per pixel that an image of level index 0 to 4 is made of."""
    return ROUND * sum(ring_rounds(ring, rounds) for ring in range(level + 1))


def expected(quality: float, sharing: int = 0) -> int:
    """Samples per pixel that an image will need, roughly: scenes differ by a factor of 3.

    Args:
        quality: dB.
        sharing: bokeh images that share their rays; 0 for an image with samples of its own.
    """
    alone = 250.0 * 10.0 ** ((quality - 40.0) / 10.0 / SLOPE)
    rays = alone * sum(RING_ROUNDS) / sharing if sharing else alone
    return min(ROUND * MOST, max(ROUND, round(rays)))


def next_look(rounds: int, error: float, quality: float) -> int:
    """After how many rounds an image is looked at again, when after `rounds` its squared error is `error`.

    Not more than a prediction, on a grid of steps of about a sixth, so that it depends little on chance. An
    estimate that is not positive (more chance than error) means one step.
    """
    wanted = 10.0 ** (-quality / 10.0)
    ratio = max(1.0, error / wanted)  # plain averaging: no image gets clean faster
    ahead = min(float(MOST), rounds * min(ratio, 8.0))
    look = step(rounds)
    while look < ahead * 0.97 and look < MOST:
        look = step(look)
    return look


def step(rounds: int) -> int:
    """The next number of rounds on the grid 2, 3, ... 8, 10, 12, 14, 17, ... 256."""
    return min(MOST, rounds + max(1, round(rounds / 6)))


def encoded(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """What is scored of linear light of any shape: clipped to [0, 1] and encoded."""
    light: npt.NDArray[np.float64] = np.clip(image, 0.0, 1.0, dtype=np.float64) ** (1.0 / GAMMA)
    return light


def steepness(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Derivative of the encoding at linear light of any shape."""
    light = np.clip(image, FLOOR, 1.0, dtype=np.float64)
    slope: npt.NDArray[np.float64] = light ** (1.0 / GAMMA - 1.0) / GAMMA
    return slope


def secant(a: FloatImage, b: FloatImage) -> npt.NDArray[np.float64]:
    """Change of the encoding from a to b per change of light; 0 where both are clipped to white."""
    apart = b.astype(np.float64) - a
    near = np.abs(apart) < 1e-3
    slope: npt.NDArray[np.float64] = np.where(
        near, steepness(a) * (a < 1.0), (encoded(b) - encoded(a)) / np.where(near, 1.0, apart)
    )
    return slope


def squared_error(halves: Sequence[FloatImage], quarters: Sequence[FloatImage]) -> float:
    """Estimated mean squared error of the encoded mean of two denoised halves, denoiser's bias included.

    Args:
        halves: A and B, linear [H, W, 3], made of quarters 0, 1 and of quarters 2, 3.
        quarters: four, linear [H, W, 3], independent, each right on average.

    Returns:
        Of the mean over pixels and channels; by chance it may be negative where quality is high and pixels
        are few.
    """
    image = (halves[0] + halves[1]) / 2
    samples = sum(quarters[1:], quarters[0]) / QUARTERS
    return CAUTION * float((secant(image, samples) ** 2.0 * _squared(halves, quarters)).mean())


def _squared(halves: Sequence[npt.NDArray[Any]], quarters: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Squared error of the halves' mean by pixel and channel, right on average."""
    a, b = halves
    of_a = (a - quarters[2]) * (a - quarters[3])
    of_b = (b - quarters[0]) * (b - quarters[1])
    squared: npt.NDArray[Any] = of_a / 2.0 + of_b / 2.0 - (a - b) ** 2.0 / 4.0
    return squared


def reconciled(clean: Sequence[FloatImage], raw: Sequence[FloatImage]) -> list[FloatImage]:
    """Two denoised halves, each moved towards its own samples where the denoiser was wrong.

    What a denoiser took away is noise, or detail. Detail is in the samples of both halves: the share g of
    half A's residual M_A − A that shows in M_B − A too is the regression of the one on the other, over a
    small window. Of the mean of both halves, whose noise has half the variance, 2g/(1 + g) is taken back.

    Args:
        clean: A and B, linear [H, W, 3].
        raw: the samples' means M_A and M_B.
    """
    from scipy.ndimage import gaussian_filter

    (a, b), (of_a, of_b) = clean, raw
    weight = steepness((a + b) / 2) ** 2.0
    both = weight * ((of_a - a) * (of_b - a) + (of_b - b) * (of_a - b))
    own = weight * ((of_a - a) ** 2.0 + (of_b - b) ** 2.0)
    shared, whole = (gaussian_filter(term.mean(axis=2), WINDOW) for term in (both, own))
    share = np.clip(shared / np.maximum(whole, 1e-12), 0.0, 1.0)[..., None]
    gain = 2.0 * share / (1.0 + share)
    return [np.maximum(x + gain * (m - x), 0.0).astype(np.float32) for x, m in zip(clean, raw, strict=True)]


def psnr(squared: float) -> float:
    """Peak signal-to-noise ratio of a mean squared error, dB, two decimals, at most 90."""
    return round(-10.0 * math.log10(max(squared, 1e-9)), 2)
