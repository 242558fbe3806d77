"""How many samples an image gets: until its error, estimated without a reference, is as small as asked for.

The samples of an image are four independent quarters. Two halves (quarters 0, 1 and 2, 3) are denoised and
put right by themselves, and the image is the mean of both, X = (A + B)/2. Half A has not seen quarters 2 and
3, so that ``E[(A − Q2)(A − Q3)]`` is the squared error of every pixel, whatever was done to it, blur
included. With the same for B,

    |X − truth|² = (|A − truth|² + |B − truth|²)/2 − |A − B|²/4.

No reference is needed: only products of independent noise remain, which are zero on average. This happens in
linear light, because the encoding of a noisy quarter would be biased, and is multiplied by how steep the
encoding is between a half and its own samples (`weight`): 0 where both are white. That
factor is not free of noise, so that the estimate is not quite unbiased. Stopping at the first estimate that
is small enough would choose lucky ones, most of all where few samples bring most of the light and the first
looks see none of them; so two standard errors are added.

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
PATTERNS = 1, 2
"""Versions of `rays.pattern`, the newest last, which is the default. In the first the part of a pixel that a
ray goes through says which half of the lens it comes from, so that shared rays hardly get better beyond some
44 dB; `blb-mini@1` and `blb-lite@2` are made with it."""
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
    "compared with both quarters of the other, and products of independent noise cancel; two standard errors "
    "of the estimate are added. noise_psnr_raw: of the plain mean of the samples. spp: rays per pixel that "
    "the image is made of; rays: whether other images of the scene are made of the same (errors of such "
    "images are alike)."
)
"""Of the figures in info.json."""
FLOOR = 1e-3
"""Linear light below which the encoding counts as straight: its derivative has a pole at black."""

CLOSE = 0.3
"""Of the distance between both halves: a half that is so close to its own samples counts as not denoised."""
BLOCKS = 8
"""Rows and columns of blocks whose scatter gives the estimate's standard error."""
CAUTION = 2.0
"""Standard errors added to an estimate. With one, images with rare bright samples stopped 3 dB early."""
WINDOW = 5.0
"""Standard deviation of the window over which the denoiser is judged, pixels; smaller ones flatter it."""

RINGS = 5
"""The aperture of level 5 in rings; level k sees the inner k of them."""
RING_EDGES = tuple(ring / RINGS for ring in range(RINGS + 1))
RING_ROUNDS = (1.0, 0.60, 0.39, 0.28, 0.22)
"""Samples of each ring against the innermost: pixels of every level then have one variance, if rays have.
(Level k weighs ring j by its area, 2j−1 of k²: ``sum_j ((2j−1)/k²)² / n_j = 1`` for each k.)"""

MEMORY = 4 << 30
"""Bytes for sums of light; more focal planes than fit are rendered one group after the other."""
FLOATS = QUARTERS * 4 + 2 * 6
"""Of each pixel, ring and focal plane."""


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


def planes_at_once(width: int, height: int) -> int:
    """How many focal planes' sums fit into memory."""
    return max(1, MEMORY // (4 * FLOATS * width * height * RINGS))


def expected(quality: float, sharing: int = 0, groups: int = 1) -> int:
    """Samples per pixel that an image will need, roughly: scenes differ by a factor of 3.

    Args:
        quality: dB.
        sharing: bokeh images that share their rays; 0 for an image with samples of its own.
        groups: how often the rays are traced, as not all focal planes fit into memory.
    """
    alone = 250.0 * 10.0 ** ((quality - 40.0) / 10.0 / SLOPE)
    rays = alone * sum(RING_ROUNDS) * groups / sharing if sharing else alone
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
        Of the mean over pixels and channels, plus two of its standard errors, which it is never below: an
        estimate may come out negative by chance, an error cannot.
    """
    a, b = halves
    weights = [weight(halves, quarters, which) for which in range(2)]
    of_a, of_b = (half_squared(halves, quarters, which) for which in range(2))
    apart = (weights[0] + weights[1]) / 2.0 * (a - b) ** 2.0 / 4.0
    mean = float(((of_a + of_b) / 2.0 - apart).mean())
    return max(0.0, mean) + CAUTION * standard_error(of_a, of_b)


def weight(
    halves: Sequence[FloatImage], quarters: Sequence[FloatImage], which: int
) -> npt.NDArray[np.float64]:
    """Squared steepness of the encoding between half 0 or 1 and its own samples.

    Its own samples show light that was blurred away, and have no part in what judges the half. Where nothing
    was denoised they are the half itself, and a dark pixel's noise would count too much: the other half then.
    """
    half, other = halves[which], halves[1 - which]
    own = (quarters[2 * which] + quarters[2 * which + 1]) / 2
    far = np.where(np.abs(own - half) < CLOSE * np.abs(other - half), other, own)
    squared: npt.NDArray[np.float64] = secant(half, far) ** 2.0
    return squared


def half_squared(
    halves: Sequence[FloatImage], quarters: Sequence[FloatImage], which: int
) -> npt.NDArray[np.float64]:
    """Squared error of encoded half 0 or 1 by pixel and channel, from the other half's quarters."""
    half, one, two = halves[which], quarters[2 - 2 * which], quarters[3 - 2 * which]
    squared: npt.NDArray[np.float64] = weight(halves, quarters, which) * (half - one) * (half - two)
    return squared


def standard_error(of_a: npt.NDArray[Any], of_b: npt.NDArray[Any]) -> float:
    """Of the mean of both halves' squared errors.

    Both halves are about equally wrong in each block of the image, however much blocks differ: what their
    estimates differ by is chance.
    """
    difference = (of_a - of_b).mean(axis=2) / 2.0
    blocks = [
        block.mean()
        for rows in np.array_split(difference, BLOCKS)
        for block in np.array_split(rows, BLOCKS, axis=1)
    ]
    return float(np.std(blocks) / math.sqrt(len(blocks)))


def reconciled(half: FloatImage, quarters: Sequence[FloatImage]) -> FloatImage:
    """A denoised half moved towards its own samples where the denoiser was wrong.

    What a denoiser took away is noise, or detail. Detail is in both quarters of the half: the share g of its
    residual M − A that is detail is the product of Q0 − A and Q1 − A over the square of M − A, over a small
    window. Of the mean of two halves, whose noise has half the variance, 2g/(1 + g) is taken back. The other
    half's quarters are not used, so that they can judge the result.

    Args:
        half: A, linear [H, W, 3].
        quarters: the two that it is made of.
    """
    from scipy.ndimage import gaussian_filter

    steep = steepness(half) ** 2.0
    one, two = (quarter - half for quarter in quarters)
    both, own = steep * one * two, steep * ((one + two) / 2.0) ** 2.0
    shared, whole = (gaussian_filter(term.mean(axis=2), WINDOW) for term in (both, own))
    share = np.clip(shared / np.maximum(whole, 1e-12), 0.0, 1.0)[..., None]
    gain = 2.0 * share / (1.0 + share)
    moved: FloatImage = np.maximum(half + gain * (one + two) / 2.0, 0.0).astype(np.float32)
    return moved


def psnr(squared: float) -> float:
    """Peak signal-to-noise ratio of a mean squared error, dB, two decimals, at most 90."""
    return round(-10.0 * math.log10(max(squared, 1e-9)), 2)
