"""Where a method fails: parts of a picture by its true defocus, the same for every method.

With the signed defocus S = K (disparity - disp_focus) of the ground truth, r = |S| in pixels:

    E           where S changes by more than 2 pixels within 3 x 3: edges of occlusion
    band        pixels that the blur of an edge reaches: discs of radius R + 2 around E, R = ceil(max r) there
    focus       r <= 1, outside the band
    defocus     r > 3, outside the band
    transition  the rest

These four are a partition. `highlights` lies across them: what bright points of the input that are out of
focus are spread over. No method's own depth enters, and nothing of a prediction does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError, Undefined
from bokehbench.metrics import energy
from bokehbench.optics import Lens, decode, signed_defocus

Mask = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]

PARTS = ("transition", "focus", "defocus", "band")
"""By label, 0 to 3."""
NAMES = {
    "focus": "in focus",
    "defocus": "out of focus",
    "band": "in the occlusion band",
    "transition": "slightly out of focus",
    "highlights": "in highlights",
}
EDGE = 2.0
RIM = 2
SHARP = 1.0
BLURRED = 3.0
BRIGHT = 0.8
"""Linear luma above which a point of the input is a highlight."""
LEAST = 2000
SHARE = 0.005
"""A region of fewer pixels, or of less of the picture, says too little to have a number."""


@dataclass(frozen=True, eq=False)
class Regions:
    """The parts of one case, on the grid that input, target and predictions share.

    Attributes:
        labels: [H, W] uint8, index into `PARTS`.
        highlights: [H, W].
        structured: [H, W], where the input has structure whose blur can be seen.
        signed_defocus: [H, W] float64, S in pixels, > 0 in front of focus.
    """

    labels: npt.NDArray[np.uint8]
    highlights: Mask
    structured: Mask
    signed_defocus: Doubles

    @property
    def radius(self) -> float:
        """The largest circle of confusion, pixels."""
        return float(np.abs(self.signed_defocus).max())

    def mask(self, name: str) -> Mask:
        """[H, W] of one of `NAMES`."""
        return self.highlights if name == "highlights" else np.asarray(self.labels == PARTS.index(name))

    def crop(self) -> int:
        """Pixels that `+cropR` drops: from farther inside no light of outside the frame is gathered.

        The largest circle of confusion, at most an eighth of the shorter side.
        """
        return min(int(np.ceil(self.radius)), min(self.labels.shape) // 8)


def find_regions(disparity: npt.NDArray[Any], lens: Lens, image: npt.NDArray[Any]) -> Regions:
    """The regions of a case.

    Args:
        disparity: [H, W] in [0, 1], the true one, near large.
        lens: K in pixels at this size.
        image: [H, W, 3] uint8, or encoded float in [0, 1]: the all-in-focus input.

    Raises:
        InputError: the sizes differ.
    """
    if disparity.shape != image.shape[:2]:
        raise InputError(f"disparity is {list(disparity.shape)}, the picture {list(image.shape[:2])}")
    defocus = np.asarray(signed_defocus(disparity.astype(np.float64), lens), np.float64)
    radius = np.abs(defocus)
    band = occlusion_band(defocus)
    labels = np.zeros(radius.shape, np.uint8)
    labels[radius <= SHARP] = PARTS.index("focus")
    labels[radius > BLURRED] = PARTS.index("defocus")
    labels[band] = PARTS.index("band")
    light = decode(image / 255.0 if image.dtype == np.uint8 else image, lens.gamma) @ np.array(energy.LUMA)
    sources = (light > BRIGHT) & (radius > BLURRED)
    return Regions(
        labels,
        discs(np.where(sources, np.ceil(radius), 0).astype(np.int32)),
        energy.gradient_energy(image) > energy.STRUCTURED,
        defocus,
    )


def occlusion_band(defocus: Doubles) -> Mask:
    """[H, W], what the blur of depth edges reaches, from signed defocus [H, W] in pixels."""
    square = np.ones((3, 3), np.uint8)
    edges = cv2.dilate(defocus, square) - cv2.erode(defocus, square) > EDGE
    reach = np.ceil(cv2.dilate(np.abs(defocus), square)) + RIM
    return discs(np.where(edges, reach, 0).astype(np.int32))


def discs(radius: npt.NDArray[np.int32]) -> Mask:
    """Union of discs around pixels, each of its own whole radius, [H, W]; 0 is no disc.

    By distances to all pixels of one radius at a time, inside the box that they reach.
    """
    covered = np.zeros(radius.shape, bool)
    for r in np.unique(radius[radius > 0]).tolist():
        box = tuple(
            slice(max(int(found.min()) - r, 0), int(found.max()) + r + 1)
            for found in (np.flatnonzero((radius == r).any(axis=axis)) for axis in (1, 0))
        )
        others = (radius[box] != r).astype(np.uint8)
        distance = cv2.distanceTransform(others, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        covered[box] |= np.rint(distance * distance) <= r * r  # whole numbers: the same on every machine
    return covered


def enough(mask: Mask, what: str) -> Mask:
    """The mask [H, W] if it is large enough to have a number; `what` completes "n pixels are ...".

    Raises:
        Undefined: it is not; says its area.
    """
    area, needed = int(mask.sum()), max(LEAST, int(np.ceil(SHARE * mask.size)))
    if area < needed:
        raise Undefined(f"only {area} pixels ({100.0 * area / mask.size:.1f} %) are {what}, needs {needed}")
    return mask


class RegionComparison:
    """Prediction and target of an aligned case in one region; what `bokehbench.metrics.sharpness` looks at.

    Attributes:
        moved: [H, W, 3] in [0, 1], the prediction.
        chosen: [H, W], the region.
        sharpness: q of prediction and target where the region has structure, [n].
        gamma: of the lens.
    """

    def __init__(
        self, prediction: npt.NDArray[np.uint8], q: Doubles, chosen: Mask, structured: Mask, gamma: float
    ) -> None:
        self.moved, self.chosen, self.gamma = prediction / 255.0, chosen, gamma
        self.sharpness = q[chosen & structured]


def sharpness_map(prediction: npt.NDArray[np.uint8], target: npt.NDArray[np.uint8]) -> Doubles:
    """q of prediction and target at every pixel, [H, W]: > 0 where the prediction is the sharper one."""
    return energy.relative_sharpness(*(energy.gradient_energy(picture) for picture in (prediction, target)))
