"""The drawn assets by name; a module is imported when one of its drawings is asked for."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.rng import stream

Raster = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Drawing:
    """One kind of drawn asset.

    Attributes:
        implementation: "module:function" below this package.
        category: what it shows, for balance and statistics.
        fill: typical area of its bounding box over the square it is drawn in (foregrounds).
        sides: where it is cut off and has to be put at the rim of a frame: left, right, top, bottom.
        mirrored: whether its mirror image is as natural (lettering is not).
    """

    implementation: str
    category: str
    fill: float = 1.0
    sides: tuple[str, ...] = ()
    mirrored: bool = True

    def __call__(self, seed: int, size: int | tuple[int, int]) -> Raster:
        """Draw: RGBA [size, size, 4] for foregrounds, RGB [h, w, 3] for backgrounds."""
        module, _, function = self.implementation.partition(":")
        draw = getattr(importlib.import_module(f"bokehbench.synth.assets.{module}"), function)
        drawn: Raster = draw(stream(seed, 0, self.implementation), size)
        return drawn


FOREGROUNDS = {
    "fur": Drawing("hair:draw_fur", "hair", 0.8),
    "hair": Drawing("hair:draw_hair", "hair", 0.5),
    "leaves": Drawing("leaves:draw_leaves", "plant", 0.45, ("left",)),
    "grass": Drawing("hair:draw_grass", "plant", 0.85, ("bottom",)),
    "dandelion": Drawing("hair:draw_dandelion", "plant", 0.5, ("bottom",)),
    "feather": Drawing("hair:draw_feather", "hair", 0.3),
    "lace": Drawing("nets:draw_lace", "net", 0.85, ("top",)),
    "net": Drawing("nets:draw_net", "net", 0.8),
    "fence": Drawing("nets:draw_fence", "net", 0.9, ("bottom",)),
    "wires": Drawing("nets:draw_wires", "thin", 0.9, ("bottom",)),
    "barbed": Drawing("nets:draw_barbed", "thin", 0.6),
    "bubbles": Drawing("glow:draw_bubbles", "translucent", 0.6),
    "neon": Drawing("glow:draw_neon", "light", 0.7, ("top",), mirrored=False),
}
"""Foregrounds: premultiplied linear RGBA."""

BACKGROUNDS = {
    "night_city": Drawing("backgrounds:draw_night_city", "night"),
    "fairy_lights": Drawing("backgrounds:draw_fairy_lights", "night"),
    "foliage": Drawing("backgrounds:draw_foliage", "nature"),
    "meadow": Drawing("backgrounds:draw_meadow", "nature"),
    "shelf": Drawing("backgrounds:draw_shelf", "indoor"),
}
"""Backgrounds: opaque linear RGB."""

LICENCE = "drawn by bokehbench (Apache-2.0), no third-party pixels"


def drawing(kinds: dict[str, Drawing], name: str) -> Drawing:
    """The drawing of a name; ConfigError with the names there are."""
    if name not in kinds:
        raise ConfigError(f"unknown drawn asset {name!r}; one of {', '.join(sorted(kinds))}")
    return kinds[name]
