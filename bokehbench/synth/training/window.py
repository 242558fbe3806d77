"""Random crops and flips, with all that they change: pixels, planes, the opening of the lens."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.apertures import MASK, Aperture, mask_of
from bokehbench.errors import ConfigError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.rng import stream

Size = tuple[int, int]


@dataclass(frozen=True)
class Augment:
    """What is done at random to a training sample; K and disp_focus are left alone by all of it.

    Attributes:
        crop: (W, H) of a random part, None for the whole image.
        flip: probability of a mirror image, left and right swapped.
        flip_vertical: probability of one with top and bottom swapped.
    """

    crop: Size | None = None
    flip: float = 0.0
    flip_vertical: float = 0.0

    def __post_init__(self) -> None:
        if self.crop is not None and min(self.crop) < 1:
            raise ConfigError(f"crop must be at least 1x1 pixels, not {self.crop[0]}x{self.crop[1]}")
        for name in ("flip", "flip_vertical"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} is a probability in [0, 1], not {getattr(self, name)}")

    def window(self, size: Size, seed: int, index: int, epoch: int = 0) -> Window:
        """The window of one visit: a function of (seed, index, epoch) alone.

        Raises:
            ConfigError: the image is smaller than the crop.
        """
        width, height = self.crop or size
        if width > size[0] or height > size[1]:
            raise ConfigError(f"crop {width}x{height} does not fit an image of {size[0]}x{size[1]} pixels")
        mirror, turn, u, v = stream(seed, index, "training.window", epoch).random(4)
        return Window(
            x=int(u * (size[0] - width + 1)),
            y=int(v * (size[1] - height + 1)),
            width=width,
            height=height,
            full=size,
            mirrored=bool(mirror < self.flip),
            upside_down=bool(turn < self.flip_vertical),
        )


@dataclass(frozen=True)
class Window:
    """A part of an image, or of its mirror image.

    Attributes:
        x, y: top-left pixel, in the image after flipping.
        width, height: of the part.
        full: (W, H) of the whole image.
        mirrored: left and right are swapped before the part is cut out.
        upside_down: top and bottom are.
    """

    x: int
    y: int
    width: int
    height: int
    full: Size
    mirrored: bool = False
    upside_down: bool = False

    @property
    def size(self) -> Size:
        """(W, H) of the part."""
        return self.width, self.height

    def cut(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The part of an array [H, W, ...] of the whole image."""
        flipped = pixels[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]
        return np.ascontiguousarray(flipped[self.y : self.y + self.height, self.x : self.x + self.width])

    def plane(self, plane: Plane) -> Plane:
        """The same plane in the coordinates of the part."""
        if self.mirrored:
            plane = Plane(-plane.p, plane.q, plane.r + plane.p * (self.full[0] - 1))
        if self.upside_down:
            plane = Plane(plane.p, -plane.q, plane.r + plane.q * (self.full[1] - 1))
        return plane.shifted(self.x, self.y)

    def layers(self, layers: Sequence[Layer]) -> tuple[Layer, ...]:
        """The same scene in the coordinates of the part; nothing is cut off, light comes from all around."""
        moved = []
        for layer in layers:
            height, width = layer.rgba.shape[:2]
            x = self.full[0] - layer.x - width if self.mirrored else layer.x
            y = self.full[1] - layer.y - height if self.upside_down else layer.y
            rgba = np.ascontiguousarray(
                layer.rgba[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]
            )
            moved.append(Layer(rgba, self.plane(layer.plane), x - self.x, y - self.y))
        return tuple(moved)

    def lens(self, lens: Lens) -> Lens:
        """The lens whose image of the flipped scene is the flipped image."""
        return replace(lens, aperture=flipped_aperture(lens.aperture, self.mirrored, self.upside_down))

    def inner(self) -> Window:
        """The part without the flips: what is left to do once the scene has been flipped."""
        return replace(self, mirrored=False, upside_down=False)

    def outer(self) -> Window:
        """The flips without the part."""
        width, height = self.full
        return replace(self, x=0, y=0, width=width, height=height)


def flipped_aperture(aperture: Aperture, mirrored: bool, upside_down: bool) -> Aperture:
    """The mirror image of an opening: left and right swapped, top and bottom swapped.

    A cat-eye is displaced along the image position, so it flips with the image by itself.
    """
    if mirrored:
        aperture = _mirrored(aperture)
    if upside_down:
        # Top and bottom are swapped by a mirror and half a turn.
        aperture = _turned(_mirrored(aperture))
    return aperture


def _mirrored(aperture: Aperture) -> Aperture:
    if aperture.shape.startswith(MASK):
        picture = np.floor(mask_of(aperture.shape)[:, ::-1] * 255.0 + 0.5).astype(np.uint8)
        data = cv2.imencode(".png", np.ascontiguousarray(picture))[1]
        text = MASK + base64.b64encode(data.tobytes()).decode("ascii")
        return replace(aperture, shape=text, rotation=_angle(-aperture.rotation))
    if aperture.shape:
        # The built-in outlines equal their mirror image at rotation 0.
        return replace(aperture, rotation=_angle(-aperture.rotation))
    # A polygon has a corner on the +x axis: mirroring puts it on the -x axis.
    return _turned(replace(aperture, rotation=-aperture.rotation))


def _turned(aperture: Aperture) -> Aperture:
    """By half a turn."""
    if not aperture.shape and aperture.blades == 0:
        return replace(aperture, rotation=0.0)  # a disc
    return replace(aperture, rotation=_angle(aperture.rotation + math.pi))


def _angle(radians: float) -> float:
    """In [0, 2 pi), so that flipping twice gives equal numbers but for rounding."""
    return radians % (2.0 * math.pi)
