"""The portrait mode of Wadhwa et al. (ToG 2018): discs scattered in three groups, composited by depth.

Only the rendering module (methods spec B4); what the paper leaves open, or draws from its own segmentation
and stereo, is said here. Every pixel of signed defocus S is a translucent disc of radius r = max(|S| - slab,
0) with the footprint ``clip(r - rho + 0.5, 0, 1)`` divided by its sum: each pixel spreads an energy of 1.
With `mode="layers"` discs are added up apart for what lies behind the focal plane (S < -FOCUSED), in it, and
before it (S > FOCUSED). From the sums (C_g, W_g) of a group

    colour = C_g / W_g,      alpha = min(1, W_g),

and the groups are composited in that order, divided by the composited alpha: a blurred background does not
bleed onto a sharp subject, a blurred foreground spreads over everything. `mode="single"` adds all discs up
together: scattering as `scatter` has it, with discs that conserve energy and have a linear rim.

Left out: the half resolution at which the paper computes this on a phone, and the noise that it adds back.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from bokehbench.baselines.footprints import LINEAR, Ladder, build_ladder
from bokehbench.baselines.layer_stack import disc
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import ConfigError
from bokehbench.optics import Aperture, Lens, decode, encode, signed_defocus

MODES = ("layers", "single")
FOCUSED = 1.0
"""Signed defocus up to which a pixel belongs to the focal plane, pixels."""
_EMPTY = 1e-6
BAND = 48
Sums = npt.NDArray[np.float64]


class Wadhwa:
    """The method: decode, scatter by groups, composite, encode.

    Args:
        mode: "layers" or "single".
        slab: pixels of blur radius that are subtracted: a slab around the focal plane stays sharp. The
            paper's is for pleasing portraits; a lens has none.

    Raises:
        ConfigError: an option out of range.
    """

    def __init__(self, mode: str = "layers", slab: float = 0.0) -> None:
        if mode not in MODES:
            raise ConfigError(f"wadhwa: mode is {' or '.join(MODES)}, not {mode!r}")
        if not slab >= 0.0:
            raise ConfigError(f"wadhwa: slab must be at least 0, not {slab}")
        self.mode, self.slab = mode, slab

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32, encoded with `inputs.lens.gamma`."""
        lens = inputs.lens
        light = decode(inputs.image, lens.gamma).astype(np.float32)
        defocus = with_slab(inputs.disparity, lens, self.slab)
        sums = group_sums(light, defocus, groups(defocus, self.mode), lens.aperture)
        return encode(composite(sums), lens.gamma).astype(np.float32)


def with_slab(disparity: npt.NDArray[Any], lens: Lens, slab: float) -> npt.NDArray[np.float64]:
    """[H, W] signed defocus, pixels, its size less by the slab."""
    defocus = signed_defocus(disparity.astype(np.float64), lens)
    return np.asarray(np.sign(defocus) * np.maximum(np.abs(defocus) - slab, 0.0))


def groups(defocus: npt.NDArray[Any], mode: str) -> npt.NDArray[np.int32]:
    """[H, W] the group of each pixel: 0 behind focus, 1 in it, 2 before; all 0 where `mode` is "single"."""
    if mode == "single":
        return np.zeros(defocus.shape, np.int32)
    return (defocus >= -FOCUSED).astype(np.int32) + (defocus > FOCUSED).astype(np.int32)


def composite(sums: Sums) -> npt.NDArray[np.float64]:
    """The groups over one another, the last nearest.

    Args:
        sums: [G, H, W, 4], light and weight.

    Returns:
        [H, W, 3] linear.
    """
    colour = np.zeros((*sums.shape[1:3], 3))
    cover = np.zeros((*sums.shape[1:3], 1))
    for group in sums:
        weight = group[..., 3:]
        alpha = np.clip(weight, 0.0, 1.0)
        own = np.maximum(group[..., :3], 0.0) / np.maximum(weight, _EMPTY)
        colour = colour * (1.0 - alpha) + alpha * own
        cover = cover * (1.0 - alpha) + alpha
    return np.asarray(colour / np.maximum(cover, _EMPTY))


def group_sums_reference(
    light: npt.NDArray[Any], defocus: npt.NDArray[Any], group: npt.NDArray[np.int32], aperture: Aperture
) -> Sums:
    """Add up the discs of each group, one pixel after another.

    Args:
        light: [H, W, 3] linear.
        defocus: [H, W] signed, pixels.
        group: [H, W], from `groups`.
        aperture: shape of the opening.

    Returns:
        [G, H, W, 4]: light times weight, and weight.
    """
    height, width = defocus.shape
    reach = int(np.abs(defocus).max(initial=0.0)) + 2
    sums = np.zeros((int(group.max()) + 1, height + 2 * reach, width + 2 * reach, 4))
    for y in range(height):
        for x in range(width):
            footprint = disc(float(defocus[y, x]), aperture)[..., None]
            half = footprint.shape[0] // 2
            rows = slice(y + reach - half, y + reach + half + 1)
            columns = slice(x + reach - half, x + reach + half + 1)
            sums[group[y, x], rows, columns] += footprint * np.append(light[y, x], 1.0)
    return sums[:, reach : reach + height, reach : reach + width]


def group_sums(
    light: npt.NDArray[Any], defocus: npt.NDArray[Any], group: npt.NDArray[np.int32], aperture: Aperture
) -> Sums:
    """As `group_sums_reference`, O(r) operations a pixel; radii lie between those of a ladder."""
    ladder = build_ladder(defocus, aperture, rim=LINEAR)
    sums = np.empty((int(group.max()) + 1, *defocus.shape, 4))
    gain = 1.0 / energy(ladder)
    for n in range(len(sums)):
        _sum_bands(
            np.ascontiguousarray(light, np.float32),
            np.where(group == n, gain, 0.0),
            (ladder.rung, ladder.fraction, ladder.reach, ladder.first, ladder.rows),
            (ladder.offset, ladder.base, ladder.slope),
            ladder.margin,
            ladder.stride,
            sums[n],
        )
    return sums


def energy(ladder: Ladder) -> npt.NDArray[np.float64]:
    """[H, W], the sum of each pixel's footprint."""
    base, slope = ladder.totals(), ladder.totals(ladder.slope)
    return np.asarray(base[ladder.rung] + ladder.fraction * slope[ladder.rung])


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def _sum_bands(light, gain, steps, entries, margin, stride, out) -> None:  # type: ignore[no-untyped-def]
    height = gain.shape[0]
    reach = steps[2].max()
    for band in numba.prange((height + BAND - 1) // BAND):
        top = band * BAND
        bottom = min(height, top + BAND)
        buffer = np.zeros((bottom - top, stride, 4))
        for y in range(max(0, top - reach), min(height, bottom + reach)):
            _add_row(y, light, gain, steps, entries, margin, top, buffer)
        for y in range(top, bottom):
            total = np.zeros(4)
            for x in range(-margin, out.shape[1]):
                total += buffer[y - top, x + margin]
                if x >= 0:
                    out[y, x] = total


@numba.njit(cache=True, fastmath={"contract"})
def _add_row(y, light, gain, steps, entries, margin, top, buffer) -> None:  # type: ignore[no-untyped-def]
    """Add the footprints of one row of sources, as differences along rows, to a band's buffer."""
    rung, fraction, reach, first, rows = steps
    offset, base, slope = entries
    height, stride = buffer.shape[:2]
    flat = buffer.reshape(-1)
    for x in range(gain.shape[1]):
        n, weight = rung[y, x], gain[y, x]
        upper = max(-reach[n], top - y)
        lower = min(reach[n], top + height - 1 - y)
        if weight == 0.0 or upper > lower:
            continue
        middle = first[n] + reach[n]
        f = np.float64(fraction[y, x])
        origin = 4 * ((y - top) * stride + x + margin)
        for e in range(rows[middle + upper], rows[middle + lower + 1]):
            step = weight * (np.float64(base[e]) + f * np.float64(slope[e]))
            at = np.uint64(origin + offset[e])
            flat[at] += step * light[y, x, 0]
            flat[at + np.uint64(1)] += step * light[y, x, 1]
            flat[at + np.uint64(2)] += step * light[y, x, 2]
            flat[at + np.uint64(3)] += step
