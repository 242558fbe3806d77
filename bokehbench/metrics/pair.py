"""What is known of a real pair before any prediction is looked at: its registration, and what is in focus.

Made from input and target alone, once per case, so that it is the same for every method.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.metrics import energy, geometry
from bokehbench.metrics.gain import fit_gain
from bokehbench.optics import decode, encode

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pair:
    """A target and how its input lies to it.

    Attributes:
        homography: from the target's grid to the input's.
        in_focus: [H, W] on the target's grid, what is sharp in both; None where that is too little.
        out_of_focus: [H, W] on the target's grid, structure of the input that the target has blurred.
    """

    homography: geometry.Homography
    in_focus: Mask | None
    out_of_focus: Mask

    def within(self, border: int) -> Pair:
        """The same without the pixels at every side that a protocol does not count."""
        kept = inside(self.out_of_focus.shape, border)
        in_focus = None if self.in_focus is None else self.in_focus & kept
        return replace(self, in_focus=in_focus, out_of_focus=self.out_of_focus & kept)

    def warped(self, prediction: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], Mask]:
        """A prediction on the target's grid, [H, W, 3] in [0, 1], and [H, W], where it is valid."""
        matrix = self.homography.matrix
        return geometry.warp(prediction, matrix), geometry.valid_pixels(matrix, prediction.shape)

    def gain(
        self, moved: npt.NDArray[np.float64], target: npt.NDArray[Any], valid: Mask, gamma: float
    ) -> npt.NDArray[np.float64]:
        """[3] factors in linear light from a prediction on the target's grid to the target."""
        region = valid if self.in_focus is None else valid & self.in_focus
        region = region if region.any() else valid
        return fit_gain(decode(moved, gamma), decode(_unit(target), gamma), region)


class Comparison:
    """One prediction beside the target of its pair; what several metrics look at is computed once.

    Attributes:
        prediction: [H, W, 3] uint8 on the input's grid.
        target: [H, W, 3] uint8.
        pair: of the case.
        gamma: of the lens.
        moved: [H, W, 3] in [0, 1], the prediction on the target's grid.
        valid: [H, W], where it is.
    """

    def __init__(
        self, prediction: npt.NDArray[Any], target: npt.NDArray[Any], pair: Pair, gamma: float, border: int
    ) -> None:
        self.prediction, self.target, self.pair, self.gamma = prediction, target, pair.within(border), gamma
        self.moved, valid = pair.warped(prediction)
        self.valid = valid & inside(valid.shape, border)

    @cached_property
    def gain(self) -> npt.NDArray[np.float64]:
        """[3] factors of light per channel, prediction to target."""
        return self.pair.gain(self.moved, self.target, self.valid, self.gamma)

    @cached_property
    def corrected(self) -> npt.NDArray[np.float64]:
        """[H, W, 3] in [0, 1], registered and with the gain taken out."""
        return with_gain(self.moved, self.gain, self.gamma)

    def aligned(self, how: str) -> npt.NDArray[np.float64]:
        """[H, W, 3] in [0, 1], the prediction as it lies (`raw`), registered (`geo`), or also `geo_gain`."""
        if how == "geo_gain":
            return self.corrected
        return self.moved if how == "geo" else _unit(self.prediction)

    def region(self, name: str) -> Mask:
        """[H, W], pixels that count: all that are valid, or of these `focus` or `defocus` by the pair."""
        if name == "":
            return self.valid
        if name == "defocus":
            return self.valid & self.pair.out_of_focus
        nothing = np.zeros_like(self.valid)
        return nothing if self.pair.in_focus is None else self.valid & self.pair.in_focus

    @property
    def chosen(self) -> Mask:
        """[H, W], where the target is out of focus."""
        return self.pair.out_of_focus

    @cached_property
    def sharpness(self) -> npt.NDArray[np.float64]:
        """q of prediction and target where the target is out of focus, [n]."""
        energies = (energy.gradient_energy(picture) for picture in (self.moved, self.target))
        return energy.relative_sharpness(*energies)[self.pair.out_of_focus]


def make_pair(image: npt.NDArray[Any], target: npt.NDArray[Any]) -> Pair:
    """Register a pair and find what is in focus.

    Args:
        image: [H, W, 3] uint8, or encoded float in [0, 1]: the all-in-focus input.
        target: the same size.
    """
    target_energy = energy.gradient_energy(target)
    first_look = energy.in_focus(target_energy, energy.gradient_energy(image))
    found = geometry.find_homography(image, target, first_look)
    image_energy = energy.gradient_energy(geometry.warp(image, found.matrix))
    valid = geometry.valid_pixels(found.matrix, target.shape)
    sharp = energy.in_focus(target_energy, image_energy)
    return Pair(
        found,
        None if sharp is None else sharp & valid,
        energy.out_of_focus(target_energy, image_energy) & valid,
    )


def inside(shape: tuple[int, ...], border: int) -> Mask:
    """[H, W], False in a border of that many pixels."""
    kept = np.zeros(shape[:2], bool)
    kept[border : shape[0] - border, border : shape[1] - border] = True
    return kept


def with_gain(
    moved: npt.NDArray[np.float64], gain: npt.NDArray[np.float64], gamma: float
) -> npt.NDArray[np.float64]:
    """An encoded picture [H, W, 3] whose light is multiplied by a factor per channel, clipped to [0, 1]."""
    return np.asarray(encode(np.clip(decode(moved, gamma) * gain, 0.0, 1.0), gamma))


def _unit(image: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(image / 255.0 if image.dtype == np.uint8 else image, np.float64)
