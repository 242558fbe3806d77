"""What MagicBokeh is told of the blur: radii as shares of the largest that it was trained on (A3.1).

Beyond that there is nothing that the networks could know. Radii are then cut off, or the whole picture is
rendered smaller, where the largest radius is that one, and enlarged again, which costs detail in focus.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bokehbench.baselines.magicbokeh.model import CONDITION_UNIT_PX
from bokehbench.cases import FloatImage, Inputs
from bokehbench.optics import decode, encode, signed_defocus


@dataclass(frozen=True)
class Reach:
    """How the radii of a picture fit into the range that was trained.

    Attributes:
        largest_px: largest radius that is asked for.
        beyond: share of the pixels whose radius is larger than the unit.
        size: (height, width) that the picture is rendered at.
        rescaled: whether that is less than its own.
        unit_px: largest radius that was trained.
    """

    largest_px: float
    beyond: float
    size: tuple[int, int]
    rescaled: bool
    unit_px: float

    def facts(self) -> dict[str, Any]:
        """For the record of a result: nothing where all radii are in range."""
        if not self.beyond:
            return {}
        asked = {"largest_radius_px": round(self.largest_px, 3), "pixels_beyond": round(self.beyond, 6)}
        blur = f"blur of more than {self.unit_px:g} px of radius"
        if self.rescaled:
            size = [self.size[1], self.size[0]]
            return {**asked, "size": size, "note": f"{blur} is rendered at a smaller size and enlarged"}
        return {**asked, "note": f"{blur} is cut off"}


def reach(inputs: Inputs, unit_px: float = CONDITION_UNIT_PX, allow_rescale: bool = False) -> Reach:
    """Whether the radii of a case lie in the trained range, and what is done where they do not.

    Args:
        inputs: K in pixels of radius at the size of the picture.
        unit_px: largest radius in range, pixels of the picture that is rendered.
        allow_rescale: render a picture with larger radii smaller, else cut radii off.
    """
    radius = np.abs(signed_defocus(inputs.disparity, inputs.lens))
    largest, (height, width) = float(radius.max()), radius.shape
    beyond = float((radius > unit_px).mean())
    if not (allow_rescale and beyond):
        return Reach(largest, beyond, (height, width), False, unit_px)
    factor = unit_px / largest
    small = max(1, round(height * factor)), max(1, int(width * factor))
    return Reach(largest, beyond, small, True, unit_px)


def condition(inputs: Inputs, unit_px: float = CONDITION_UNIT_PX) -> FloatImage:
    """[H, W] float32 in [0, 1]: min(K |d - disp_focus| / unit, 1); 0 is in focus."""
    radius = np.abs(signed_defocus(inputs.disparity, inputs.lens))
    return np.asarray(np.minimum(radius / unit_px, 1.0), np.float32)


def shrunk(inputs: Inputs, size: tuple[int, int]) -> Inputs:
    """The same case at a smaller size (height, width): light averaged over areas, K of that size."""
    import cv2

    gamma, width = inputs.lens.gamma, inputs.image.shape[1]
    light = np.asarray(decode(inputs.image, gamma), np.float32)
    small = cv2.resize(light, size[::-1], interpolation=cv2.INTER_AREA)
    disparity = cv2.resize(
        np.asarray(inputs.disparity, np.float32), size[::-1], interpolation=cv2.INTER_LINEAR
    )
    return replace(
        inputs,
        image=np.asarray(encode(small, gamma), np.float32),
        disparity=disparity,
        lens=inputs.lens.scaled(size[1] / width),
    )


def enlarged(image: FloatImage, size: tuple[int, int]) -> FloatImage:
    """A picture [H, W, 3] in [0, 1] at a larger size (height, width), bicubic."""
    import cv2

    grown = cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(grown, 0.0, 1.0), np.float32)
