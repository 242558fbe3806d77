"""Scenes of perf/raytrace.py: strands before a photograph, natural or with point lights, flat or tilted."""

from __future__ import annotations

import math

import cv2
import numpy as np
from skimage import data

from bokehbench import rng
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens

GAMMA = 2.2


def scene(
    size: int, lights: bool, tilt: float, *, radius: float = 24.0, count: int = 2
) -> tuple[list[Layer], Lens]:
    """`count` layers of disparity 0.9 to 0.1, focus at 0.5, and a lens that blurs the ends by `radius`.

    Args:
        size: of the square image, pixels.
        lights: whether points of radiance 50 to 500 are strewn over the nearest and the farthest layer.
        tilt: rise of disparity over the image, opposite before and behind the focus.
        radius: pixels.
        count: layers; all but the last are strands.
    """
    draw = rng.stream(0, 0, "perf raytrace")
    pad = 2 * math.ceil(radius)
    side = size + 2 * pad
    p = tilt / size
    layers = []
    for index in range(count):
        disparity = 0.9 - 0.8 * index / (count - 1)
        sign = 1.0 if disparity > 0.5 else -1.0
        plane = Plane(sign * p, -sign * p / 2.0, disparity - sign * p * size / 4.0)
        image = _photograph(side) if index == count - 1 else _strands(side, draw, 160 // (count - 1))
        layers.append(Layer(image, plane, -pad, -pad))
    if lights:
        for layer, number, (low, high) in ((layers[-1], 60, (0.0, 1.0)), (layers[0], 10, (0.4, 0.6))):
            for x, y in draw.integers(int(low * side), int(high * side), (number, 2)):
                layer.rgba[y, x, :3] = draw.uniform(50.0, 500.0) * draw.uniform(0.5, 1.0, 3)
    return layers, Lens(radius / 0.4, 0.5)


def _photograph(side: int) -> np.ndarray:
    rgba = np.ones((side, side, 4), np.float32)
    picture = cv2.resize(data.astronaut(), (side, side), interpolation=cv2.INTER_CUBIC)
    rgba[..., :3] = (picture.astype(np.float32) / 255.0) ** GAMMA
    return rgba


def _strands(side: int, draw: np.random.Generator, number: int) -> np.ndarray:
    """Bent strands around a disc, textured."""
    alpha = np.zeros((side, side), np.uint8)
    for _ in range(number):
        at, angle = draw.uniform(0.2 * side, 0.8 * side, 2), draw.uniform(0.0, 2.0 * math.pi)
        points = [at]
        for _ in range(12):
            angle += 0.3 * draw.standard_normal()
            at = at + side / 40.0 * np.array([math.cos(angle), math.sin(angle)])
            points.append(at)
        line = np.int32(np.round(np.array(points) * 16.0))
        cv2.polylines(alpha, [line], False, 255, int(draw.integers(1, 6)), cv2.LINE_AA, 4)
    cv2.circle(alpha, (side // 2, side // 2), side // 6, 255, -1, cv2.LINE_AA)
    rgba = np.empty((side, side, 4), np.float32)
    rgba[..., 3] = alpha / 255.0
    colour = (cv2.resize(data.coffee(), (side, side)).astype(np.float32) / 255.0) ** GAMMA
    rgba[..., :3] = colour * rgba[..., 3:]
    return rgba
