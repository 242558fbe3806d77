"""The drawn assets by name; a module is imported when one of its drawings is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError
from bokehbench.rng import stream

Raster = npt.NDArray[np.float32]
LICENCE = "drawn by bokehbench (Apache-2.0), no third-party pixels"
PRINTED = (
    "drawn by bokehbench (Apache-2.0) around photographs that scikit-image ships: astronaut, hubble (public "
    "domain, NASA), rocket (public domain, SpaceX), chelsea (CC0, Stefan van der Walt), coffee "
    "(CC0, Rachel Michetti)"
)


@dataclass(frozen=True)
class Drawing:
    """One kind of drawn asset.

    Attributes:
        implementation: "module:function" below this package.
        category: what it shows, for balance and statistics.
        fill: typical area of its bounding box over the square it is drawn in (foregrounds).
        sides: where it is cut off and has to be put at the rim of a frame: left, right, top, bottom.
        mirrored: whether its mirror image is as natural (lettering is not).
        licence: of its pixels.
    """

    implementation: str
    category: str
    fill: float = 1.0
    sides: tuple[str, ...] = ()
    mirrored: bool = True
    licence: str = LICENCE

    def __call__(self, seed: int, size: int | tuple[int, int]) -> Raster:
        """Draw: RGBA [size, size, 4] for foregrounds, RGB [h, w, 3] for backgrounds."""
        drawn: Raster = self._function()(stream(seed, 0, self.implementation), size)
        return drawn

    def summary(self) -> str:
        """What it shows: the first line of the function's docstring."""
        return (self._function().__doc__ or "").partition("\n")[0]

    def _function(self) -> Callable[..., Raster]:
        module, _, function = self.implementation.partition(":")
        found: Callable[..., Raster] = getattr(
            importlib.import_module(f"bokehbench.synth.assets.{module}"), function
        )
        return found


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
    "glass": Drawing("glass:draw_glass", "translucent", 0.36, ("bottom",)),
    "smoke": Drawing("smoke:draw_smoke", "translucent", 0.66),
    "fire": Drawing("smoke:draw_fire", "light", 0.64, ("bottom",)),
    "veil": Drawing("smoke:draw_veil", "translucent", 0.94, ("top",)),
    "rope": Drawing("rope:draw_rope", "thin", 0.77),
    "chain": Drawing("rope:draw_chain", "thin", 0.6, ("top",)),
    "sign": Drawing("signs:draw_sign", "lettering", 0.63, ("top",), mirrored=False),
    "letters": Drawing("signs:draw_letters", "lettering", 0.25, mirrored=False),
    "cutout": Drawing("cutouts:draw_cutout", "print", 0.55, mirrored=False, licence=PRINTED),
    "wheel": Drawing("spokes:draw_wheel", "thin", 0.66),
    "snow": Drawing("particles:draw_snow", "particles", 1.0),
    "neon": Drawing("glow:draw_neon", "light", 0.7, ("top",), mirrored=False),
}
"""Foregrounds: premultiplied linear RGBA."""

BACKGROUNDS = {
    "night_city": Drawing("backgrounds:draw_night_city", "night"),
    "fairy_lights": Drawing("backgrounds:draw_fairy_lights", "night"),
    "foliage": Drawing("backgrounds:draw_foliage", "nature"),
    "meadow": Drawing("backgrounds:draw_meadow", "nature"),
    "wall": Drawing("textures:draw_wall", "surface"),
    "planks": Drawing("textures:draw_planks", "surface"),
    "marble": Drawing("textures:draw_marble", "surface"),
    "pebbles": Drawing("pebbles:draw_pebbles", "surface"),
    "lake": Drawing("outdoors:draw_lake", "nature"),
    "sea": Drawing("outdoors:draw_sea", "nature"),
    "forest": Drawing("outdoors:draw_forest", "nature"),
    "bar": Drawing("bar:draw_bar", "indoor"),
    "shelf": Drawing("backgrounds:draw_shelf", "indoor"),
}
"""Backgrounds: opaque linear RGB."""


def drawing(kinds: dict[str, Drawing], name: str) -> Drawing:
    """The drawing of a name; ConfigError with the names there are."""
    if name not in kinds:
        raise ConfigError(f"unknown drawn asset {name!r}; one of {', '.join(sorted(kinds))}")
    return kinds[name]
