"""The small scene that methods are tried on: a disc before a wall, drawn alike as image, map and layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.cases import FloatImage, Inputs
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens, decode
from bokehbench.rng import stream

SIZE = (128, 96)
WALL, DISC = 0.2, 0.8
"""Disparities of the wall and of the disc before it."""
RADIUS = 0.3
"""Of the disc, in shorter sides."""
MARGIN = 24
"""Pixels that layers reach beyond the frame, for light from there."""
GAMMA = 2.2


@dataclass(frozen=True)
class Scene:
    """A scene of one size.

    Attributes:
        size: (W, H).
        even: one colour everywhere instead of a texture.
        light: largest value of the lamps on the wall, encoded; 1 is white.
        clipped: lamps are cut off at 1, as an 8-bit file would.
    """

    size: tuple[int, int] = SIZE
    even: bool = False
    light: float = 1.0
    clipped: bool = False

    def inputs(self, K: float, disp_focus: float, *, layers: bool = False, seed: int = 0) -> Inputs:
        """What a method is given; `layers` for one that is shown the true ones."""
        lens = Lens(K, disp_focus, GAMMA)
        wall = self._texture("wall")
        disc = self._texture("disc")
        inside = self._inside()
        within = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
        image = np.where(inside[..., None], disc, wall)[within].astype(np.float32)
        disparity = np.where(inside, DISC, WALL)[within].astype(np.float32)
        return Inputs(
            key="smoke",
            image=np.ascontiguousarray(image),
            disparity=np.ascontiguousarray(disparity),
            lens=lens,
            disparity_range=(0.1, 1.1),
            layers=[_layer(disc, inside, DISC), _layer(wall, None, WALL)] if layers else None,
            seed=seed,
        )

    def distance_to_edge(self) -> npt.NDArray[np.float64]:
        """[H, W], pixels to the disc's rim, > 0 inside."""
        x, y = self._grid()
        centre = ((self.size[0] - 1) / 2, (self.size[1] - 1) / 2)
        from_centre = np.hypot(x - centre[0], y - centre[1])[MARGIN:-MARGIN, MARGIN:-MARGIN]
        return np.asarray(RADIUS * min(self.size) - from_centre)

    def _grid(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        width, height = self.size
        y, x = np.mgrid[-MARGIN : height + MARGIN, -MARGIN : width + MARGIN]
        return x, y

    def _inside(self) -> npt.NDArray[np.bool_]:
        x, y = self._grid()
        centre = ((self.size[0] - 1) / 2, (self.size[1] - 1) / 2)
        return np.asarray(np.hypot(x - centre[0], y - centre[1]) < RADIUS * min(self.size))

    def _texture(self, name: str) -> FloatImage:
        """[H + 2 margin, W + 2 margin, 3] encoded, fine and coarse detail in [0.1, 0.9], and some lamps."""
        x, y = self._grid()
        if self.even:
            return np.full((*x.shape, 3), 0.5, np.float32)
        dice = stream(5, 0, f"smoke.{name}")
        waves = np.zeros((*x.shape, 3))
        for length in (4.0, 7.0, 13.0, 31.0):
            angle, phase = dice.uniform(0.0, 2 * np.pi, (2, 3))
            waves += np.sin(
                2 * np.pi / length * (x[..., None] * np.cos(angle) + y[..., None] * np.sin(angle)) + phase
            )
        picture = 0.5 + 0.1 * waves
        if name == "wall" and self.light > 1.0:
            lamps = ((x % 32) < 2) & ((y % 32) < 2)
            picture[lamps] = 1.0 if self.clipped else self.light
        return picture.astype(np.float32)


def _layer(colour: FloatImage, alpha: npt.NDArray[np.bool_] | None, disparity: float) -> Layer:
    rgba = np.ones((*colour.shape[:2], 4), np.float32)
    rgba[..., :3] = decode(colour, GAMMA)
    if alpha is not None:
        rgba *= alpha[..., None]
    return Layer(rgba, Plane(0.0, 0.0, disparity), -MARGIN, -MARGIN)


def light_of(image: FloatImage) -> float:
    """Mean linear light of what is stored of an encoded image, which is cut off at 1."""
    return float(decode(np.clip(image, 0.0, 1.0), GAMMA).mean())


def detail(image: FloatImage, where: npt.NDArray[np.bool_]) -> float:
    """Mean squared difference of neighbours, right and below, where both lie in `where`."""
    right = np.diff(image, axis=1)[where[:, 1:] & where[:, :-1]]
    below = np.diff(image, axis=0)[where[1:] & where[:-1]]
    return float((np.square(right).mean() + np.square(below).mean()) / 2)
