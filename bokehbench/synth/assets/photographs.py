"""Photographs as backgrounds: those that scikit-image ships, and how any picture is cut to a canvas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.images import read_image
from bokehbench.optics import decode

Picture = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shipped:
    """A photograph inside the scikit-image wheel (nothing is downloaded).

    Attributes:
        file: name in its data folder.
        size: (W, H) pixels.
        licence: as scikit-image states it.
        category: what it shows.
    """

    file: str
    size: tuple[int, int]
    licence: str
    category: str


SHIPPED = {
    "astronaut": Shipped("astronaut.png", (512, 512), "public domain (NASA)", "indoor"),
    "chelsea": Shipped("chelsea.png", (451, 300), "CC0 (Stefan van der Walt)", "animal"),
    "coffee": Shipped("coffee.png", (600, 400), "CC0 (Rachel Michetti)", "indoor"),
    "hubble": Shipped("hubble_deep_field.jpg", (1000, 872), "public domain (NASA)", "night"),
    "rocket": Shipped("rocket.jpg", (640, 427), "public domain (SpaceX)", "night"),
}
"""The motorcycle stereo pair is left out: the project shows its renderers on it."""


def shipped_path(name: str) -> Path:
    """Where a shipped photograph lies; ConfigError for an unknown name."""
    import skimage

    if name not in SHIPPED:
        raise ConfigError(f"unknown shipped photograph {name!r}; one of {', '.join(sorted(SHIPPED))}")
    return Path(skimage.__file__).parent / "data" / SHIPPED[name].file


def large_enough(size: tuple[int, int], frame: tuple[int, int], upscale_max: float) -> bool:
    """Whether a picture of `size` (W, H) fills a `frame` (W, H) without being enlarged more."""
    return all(have * upscale_max >= need for have, need in zip(size, frame, strict=True))


def read_linear(path: Path, gamma: float) -> Picture:
    """A photograph as linear RGB [h, w, 3]; BadImage where it cannot be read."""
    return decode(read_image(path, gamma), gamma).astype(np.float32)


def cut(
    picture: Picture, canvas: tuple[int, int], at: tuple[float, float], crop: float, upscale_max: float
) -> tuple[Picture, float, str]:
    """Cut a canvas out of a picture.

    Args:
        picture: [h, w, 3] linear.
        canvas: (W, H) asked for.
        at: position of the crop where there is room, [0, 1] each.
        crop: side of the crop over the largest one that fits, (0, 1].
        upscale_max: enlarge at most by this; what is missing then is mirrored.

    Returns:
        ([H, W, 3], scale, "real" or "reflect").
    """
    (width, height), (have_h, have_w) = canvas, picture.shape[:2]
    fit = max(width / have_w, height / have_h)
    scale = min(fit / crop, max(upscale_max, 1e-6)) if fit <= upscale_max else upscale_max
    part_w, part_h = min(width / scale, have_w), min(height / scale, have_h)
    x0, y0 = (
        round(u * (have - part)) for u, have, part in zip(at, (have_w, have_h), (part_w, part_h), strict=True)
    )
    part = picture[y0 : y0 + max(round(part_h), 1), x0 : x0 + max(round(part_w), 1)]
    inside_w, inside_h = min(width, round(part_w * scale)), min(height, round(part_h * scale))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    resized = np.maximum(cv2.resize(part, (inside_w, inside_h), interpolation=method), 0.0)
    left, top = (width - inside_w) // 2, (height - inside_h) // 2
    if inside_w == width and inside_h == height:
        return resized, scale, "real"
    border = (top, height - inside_h - top, left, width - inside_w - left)
    return cv2.copyMakeBorder(resized, *border, cv2.BORDER_REFLECT_101), scale, "reflect"
