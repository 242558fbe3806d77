"""Where layers' pixels come from: chooses a source by name, and turns a name into pixels again.

A source is named `proc:KIND#SEED` (drawn), `skimage:NAME` (shipped photograph) or `folder:PATH` (the
user's own), so that a plan names its assets and any machine with the same folders finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import ConfigError, InputError
from bokehbench.synth.assets import catalogue, folder, photographs

Raster = npt.NDArray[np.float32]
PHOTOGRAPH = "photograph"
"""The kind that stands for scikit-image's photographs among the backgrounds."""


@dataclass(frozen=True)
class Source:
    """A named asset: `kind` is proc, skimage or folder."""

    kind: str
    name: str
    seed: int = 0

    @classmethod
    def parse(cls, text: str) -> Source:
        """Inverse of str()."""
        kind, _, rest = text.partition(":")
        if kind not in ("proc", "skimage", "folder") or not rest:
            raise ConfigError(f"{text!r} names no asset; proc:KIND#SEED, skimage:NAME or folder:PATH")
        if kind != "proc":
            return cls(kind, rest)
        name, _, seed = rest.partition("#")
        if not seed.isdigit():
            raise ConfigError(f"{text!r} has no seed; write proc:{name}#1")
        return cls(kind, name, int(seed))

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" + (f"#{self.seed}" if self.kind == "proc" else "")


@dataclass(frozen=True)
class Library:
    """Everything layers may be made of; cheap to send to another process.

    Attributes:
        foregrounds, backgrounds: weights of the drawn kinds (and `photograph`).
        photographs: names of shipped photographs that are large enough.
        foreground_folder, background_folder: the user's own pictures.
        folder_share: how often an asset comes from the folder where there is one.
    """

    foregrounds: Mapping[str, float]
    backgrounds: Mapping[str, float]
    photographs: tuple[str, ...] = ()
    foreground_folder: folder.AssetFolder | None = None
    background_folder: folder.AssetFolder | None = None
    folder_share: float = 1.0

    def choose_foreground(self, rng: np.random.Generator, u: float) -> str:
        """A source; u in [0, 1) picks the kind by weight, or the file."""
        return self._choose(rng, u, self.foregrounds, self.foreground_folder)

    def choose_background(self, rng: np.random.Generator, u: float) -> str:
        """A source; u in [0, 1) picks the kind by weight, or the file."""
        return self._choose(rng, u, self.backgrounds, self.background_folder)

    def _choose(
        self, rng: np.random.Generator, u: float, kinds: Mapping[str, float], own: folder.AssetFolder | None
    ) -> str:
        # Always the same number of draws, so that a folder moves nothing else.
        from_folder, seed = rng.random(), int(rng.integers(2**31))
        if own is not None and from_folder < self.folder_share:
            return str(Source("folder", own.assets[int(u * len(own.assets))].path))
        kind = weighted(u, kinds)
        if kind == PHOTOGRAPH and self.photographs:
            return str(Source("skimage", self.photographs[seed % len(self.photographs)]))
        if kind == PHOTOGRAPH:
            kind = weighted(u, {name: w for name, w in kinds.items() if name != PHOTOGRAPH})
        return str(Source("proc", kind, seed))

    def foreground(self, source: str, side: float, gamma: float) -> tuple[Raster, tuple[str, ...]]:
        """Premultiplied linear RGBA [h, w, 4], cut to its bounding box, and the sides it is cut off at.

        Args:
            source: from `choose_foreground`.
            side: square root of the bounding box's area that will be needed, pixels; drawings are made
                for it, files come as they are.
            gamma: of encoded files.
        """
        asset = Source.parse(source)
        if asset.kind == "folder":
            return folder.read_cutout(
                self._own(self.foreground_folder, source, "--fg").path(asset.name), gamma
            )
        drawing = catalogue.drawing(catalogue.FOREGROUNDS, asset.name)
        rgba = drawing(asset.seed, max(64, int(np.ceil(side / np.sqrt(drawing.fill)))))
        x0, y0, x1, y1 = folder.bounding_box(rgba[..., 3], 1.0 / 255.0)
        return np.ascontiguousarray(rgba[y0:y1, x0:x1]), drawing.sides

    def background(
        self,
        source: str,
        canvas: tuple[int, int],
        at: tuple[float, float],
        crop: float,
        upscale_max: float,
        gamma: float,
    ) -> tuple[Raster, float, str]:
        """Linear RGB [H, W, 3] of canvas size (W, H), scale, and "real", "reflect" or "drawn".

        Args:
            source: from `choose_background`.
            canvas: (W, H) with margins.
            at, crop, upscale_max: see `photographs.cut`.
            gamma: of encoded files.
        """
        asset = Source.parse(source)
        if asset.kind == "proc":
            return catalogue.drawing(catalogue.BACKGROUNDS, asset.name)(asset.seed, canvas), 1.0, "drawn"
        if asset.kind == "skimage":
            path = photographs.shipped_path(asset.name)
        else:
            path = self._own(self.background_folder, source, "--bg").path(asset.name)
        return photographs.cut(photographs.read_linear(path, gamma), canvas, at, crop, upscale_max)

    def folder_of(self, role: str) -> folder.AssetFolder | None:
        """The user's own pictures for a role, "fg" or "bg"; both folders may hold files of one name."""
        return self.foreground_folder if role == "fg" else self.background_folder

    @staticmethod
    def _own(own: folder.AssetFolder | None, source: str, option: str) -> folder.AssetFolder:
        if own is None:
            raise InputError(f"{source} is a file of the user's folder; name that folder with {option}")
        return own

    def to_json(self) -> dict[str, Any]:
        """What a set's record says about its assets."""
        return {
            "foregrounds": self.foreground_folder.to_json() if self.foreground_folder else None,
            "backgrounds": self.background_folder.to_json() if self.background_folder else None,
            "photographs": list(self.photographs),
        }


def describe_source(source: str, own: folder.AssetFolder | None = None) -> dict[str, str]:
    """Category and licence of a source; of a file, what its folder's scan found stated."""
    asset = Source.parse(source)
    if asset.kind == "folder":
        file = own.find(asset.name) if own else None
        stated = (file.category, file.licence) if file else ("", "")
        return {"category": stated[0] or "own", "licence": stated[1] or folder.LICENCE}
    if asset.kind == "skimage":
        shipped = photographs.SHIPPED[asset.name]
        return {"category": shipped.category, "licence": shipped.licence}
    kind = catalogue.FOREGROUNDS.get(asset.name) or catalogue.drawing(catalogue.BACKGROUNDS, asset.name)
    return {"category": kind.category, "licence": kind.licence}


def may_mirror(source: str) -> bool:
    """Whether the mirror image of a foreground is as natural as the foreground."""
    asset = Source.parse(source)
    return asset.kind != "proc" or catalogue.drawing(catalogue.FOREGROUNDS, asset.name).mirrored


def weighted(u: float, weights: Mapping[Any, float]) -> Any:
    """The key whose share of the total weight holds u in [0, 1); keys in sorted order."""
    keys = sorted(weights)
    bounds = np.cumsum([weights[key] for key in keys])
    return keys[min(int(np.searchsorted(bounds, u * bounds[-1], side="right")), len(keys) - 1)]
