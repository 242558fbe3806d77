"""Squares of real pictures: any folder, its sub-folders too, in a seeded order that never ends."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from bokehbench.errors import BadImage, InputError
from bokehbench.images import find_images, read_image
from bokehbench.records import sha256_bytes, sha256_json
from bokehbench.rng import stream
from bokehbench.synth.distributions import Distribution, Share, Strict
from bokehbench.synth.training.order import visit

FloatImage = npt.NDArray[np.float32]
ATTEMPTS = 100
"""Pictures in a row that may be unusable: with more, something is wrong with the folder."""


class SquareSettings(Strict):
    """Which squares are taken.

    Attributes:
        crop: pixels on a side, after resizing.
        zoom: the square that becomes a crop has the picture's shorter side over this; at least 1.
        least: pixels; pictures with a smaller shorter side are left out.
        flip: probability of mirroring left and right.
        held_out: pictures that are never trained on.
    """

    crop: Annotated[int, Field(ge=14, le=2048)]
    zoom: Distribution
    least: Annotated[int, Field(ge=1)]
    flip: Share
    held_out: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _inside(self) -> SquareSettings:
        zoom = self.zoom
        bounds = zoom.clip or zoom.uniform or zoom.loguniform or (zoom.constant or 0.0,)
        if min(bounds) < 1.0:
            raise ValueError("zoom: must be at least 1 (a square inside the picture); give it a clip: [1, …]")
        return self


class PictureFolder:
    """Squares of the pictures of a folder.

    A picture that cannot be used (damaged, too small) is named in a warning, and another takes its place: the
    same one whenever this position is asked for.

    Args:
        root: the folder.
        settings: of the squares.
        seed: of order, squares and flips, and of what is held out.
        option: of the command line that names the folder, for errors.

    Attributes:
        names: POSIX paths below the folder of the pictures that are trained on, sorted.
        held: those that are held out, chosen by their names and the seed.

    Raises:
        InputError: no folder, or not enough pictures in it.
    """

    def __init__(self, root: Path, settings: SquareSettings, seed: int, option: str = "--data") -> None:
        self.root, self.settings, self.seed, self.where = root, settings, seed, f"{option} {root}"
        if not root.is_dir():
            raise InputError(f"{self.where}: no such folder; it has to hold pictures, in sub-folders or not")
        found = list(find_images(root).files)
        if not found:
            raise InputError(f"{self.where}: no pictures in it or in its sub-folders")
        held_out = settings.held_out
        if len(found) <= held_out:
            raise InputError(
                f"{self.where}: {len(found)} pictures are too few to hold {held_out} out (data.held_out)"
            )
        drawn = sorted(found, key=lambda name: sha256_bytes(f"{seed}/{name}".encode()))
        self.held = drawn[:held_out]
        self.names = sorted(drawn[held_out:])

    def reordered(self, seed: int) -> PictureFolder:
        """The same pictures, the same of them held out; order, squares and flips are of another seed."""
        other = copy.copy(self)
        other.seed = seed
        return other

    def square(self, position: int) -> FloatImage:
        """The square at a position of the endless order, [crop, crop, 3] encoded in [0, 1].

        Raises:
            InputError: a hundred pictures in a row cannot be used.
        """
        _, index = visit(position, len(self.names), self.seed)
        for attempt in range(ATTEMPTS):
            rng = stream(self.seed, position, "training.square", attempt)
            if attempt:
                index = int(rng.integers(len(self.names)))
            zoom, place, mirror = self.settings.zoom.draw(rng), rng.random(2), rng.random()
            square = self._usable(self.names[index], zoom, place)
            if square is not None:
                return np.ascontiguousarray(square[:, ::-1]) if mirror < self.settings.flip else square
        raise InputError(f"{self.where}: {ATTEMPTS} pictures in a row cannot be used; the warnings say why")

    def held_squares(self) -> Iterator[tuple[int, FloatImage]]:
        """(number, square) from the middle of each held-out picture that can be used; no zoom, no flip."""
        for number, name in enumerate(self.held):
            square = self._usable(name, 1.0, np.full(2, 0.5))
            if square is not None:
                yield number, square

    def identity(self) -> dict[str, Any]:
        """What the pictures are: names and sizes of files (reading all of them could take a day)."""
        facts = [[name, (self.root / name).stat().st_size] for name in sorted([*self.names, *self.held])]
        return {"kind": "folder of pictures", "pictures": len(facts), "files_sha256": sha256_json(facts)}

    def _usable(self, name: str, zoom: float, place: npt.NDArray[np.float64]) -> FloatImage | None:
        """A square of a picture; None, and a warning, where the picture cannot be used."""
        side = round(self.settings.crop * zoom)
        try:
            image = read_image(self.root / name, need=(side, side))
        except BadImage as error:
            warnings.warn(f"left out: {error}", stacklevel=3)
            return None
        if min(image.shape[:2]) < self.settings.least:
            least = self.settings.least
            warnings.warn(f"left out: {name}: has a side below {least} pixels (data.least)", stacklevel=3)
            return None
        return square_of(image, zoom, place, self.settings.crop)


def square_of(image: FloatImage, zoom: float, place: npt.NDArray[np.float64], crop: int) -> FloatImage:
    """[H, W, 3] -> [crop, crop, 3] in [0, 1]: a square of the shorter side over `zoom`, resized.

    Args:
        image: encoded; may exceed 1, which is clipped.
        zoom: at least 1.
        place: of the square, down and right, each in [0, 1] from one end of the picture to the other.
        crop: pixels.
    """
    height, width = image.shape[:2]
    side = max(1, round(min(height, width) / zoom))
    top, left = round(place[0] * (height - side)), round(place[1] * (width - side))
    window = np.clip(image[top : top + side, left : left + side], 0.0, 1.0).astype(np.float32)
    method = cv2.INTER_AREA if side > crop else cv2.INTER_CUBIC
    return np.clip(cv2.resize(window, (crop, crop), interpolation=method), 0.0, 1.0)
