"""Photographs without a ground truth, for user studies: what the papers collected and did not publish.

IPB (Peng et al., 2022: 40 portraits of a telephone, 3024 x 4032, with the telephone's own bokeh as a
reference) and the 50 low-quality photographs of MagicBokeh are such sets. Any folder of one's own is one,
too:

    image/{name}.jpg       all-in-focus photographs
    disparity/{name}.png   near large; or maps made by `bokehbench depth`
    reference/{name}.jpg   optional, what a telephone or another lens made of it: shown, never scored
    lens.json              {name: {"K": 24, "disp_focus": 0.8}} or {"K": 24, "point": [x, y]}: K and
                       point in pixels of the photograph, disp_focus on the map stretched to [0, 1]
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.benchmarks import focus
from bokehbench.benchmarks.inventory import Part, is_number
from bokehbench.benchmarks.photoset import Item, PhotoSet, safe_key
from bokehbench.cases import CaseInfo, FloatImage
from bokehbench.errors import InputError
from bokehbench.optics import Lens
from bokehbench.records import read_json

LENSES = "lens.json"


class PhotoStudy(PhotoSet):
    """A folder of photographs with a chosen lens each."""

    NAME = "ipb"
    PARTS = (
        Part("image", ("image", "images")),
        Part("disparity", ("disparity",), made="--model depth-anything-v2-large"),
        Part("reference", ("reference", "bokeh")),
    )

    def items(self) -> list[Item]:
        """One item a photograph."""
        images = self._needed("image", ())
        names = list(images)
        maps = self.maps(names)
        references = self._part("reference").files(self.root)
        lenses = _read_lenses(self.root / LENSES, names)
        items = []
        for name in names:
            files = {"image": images[name], **{role: paths[name] for role, paths in maps.items()}}
            files |= {"reference": references[name]} if name in references else {}
            key = safe_key(name)
            known = {what: float(value) for what, value in lenses[name].items() if what != "point"}
            point = lenses[name].get("point")
            items.append(
                Item(key, key, files, "study", known, point=None if point is None else (point[0], point[1]))
            )
        return items

    def files(self) -> list[Path]:
        """See `PhotoSet.files`; the lenses too."""
        lenses = self.root / LENSES
        return super().files() + ([lenses] if lenses.is_file() else [])

    def _region(
        self, item: Item, image: FloatImage, target: FloatImage | None, disparity: FloatImage
    ) -> npt.NDArray[np.bool_] | None:
        if item.point is None:
            return None
        try:
            return focus.point_region(item.point, (disparity.shape[0], disparity.shape[1]))
        except InputError as error:
            raise InputError(f"{self.root / LENSES}: {item.key}: {error}") from error

    def _lens(
        self,
        item: Item,
        info: CaseInfo,
        disparity: FloatImage,
        disparity_range: tuple[float, float] | None,
        region: npt.NDArray[np.bool_] | None,
    ) -> Lens:
        lens = replace(info.lens, K=item.known["K"])
        if region is not None:
            return replace(lens, disp_focus=focus.median_disparity(disparity, region))
        return replace(lens, disp_focus=item.known["disp_focus"])


def _read_lenses(path: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        raise InputError(
            f'{path}: no such file; {{"name": {{"K": 24, "disp_focus": 0.8}}}} for every picture '
            "(bokehbench describe ipb)"
        )
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: needs an object with a lens by picture name")
    for name in names:
        lens = content.get(name)
        if not isinstance(lens, dict):
            raise InputError(f"{path}: has no lens for {name}")
        unknown = set(lens) - {"K", "disp_focus", "point"}
        if unknown:
            raise InputError(f"{path}: {name}: unknown {', '.join(sorted(unknown))}; K, disp_focus, point")
        if not is_number(lens.get("K")) or lens["K"] < 0 or ("disp_focus" in lens) == ("point" in lens):
            raise InputError(f"{path}: {name}: needs K >= 0 and either disp_focus or point")
        point = lens.get("point", [0, 0])
        if not isinstance(point, list) or len(point) != 2 or not all(map(is_number, point)):
            raise InputError(f"{path}: {name}: point is [x, y] in pixels, not {point!r}")
        if "disp_focus" in lens and not is_number(lens["disp_focus"]):
            raise InputError(f"{path}: {name}: disp_focus is a number, not {lens['disp_focus']!r}")
    return content
