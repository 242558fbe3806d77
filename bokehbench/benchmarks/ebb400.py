"""EBB400: 400 pairs of EBB!, with predicted disparity and a box of what is in focus (Peng et al., CVPR 2022).

The release has the folders ``disparity`` (MiDaS, on which the published numbers rest according to its author)
and ``disparity_dpt`` (DPT, which the paper names). Folders of pictures have different names in copies that
are in use; all of them are taken. Boxes are read from ``boxes.json``: {name: [left, top, right, bottom]},
pixels, right and bottom outside of the box.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from bokehbench.benchmarks.focus import read_boxes
from bokehbench.benchmarks.inventory import SALIENCY, Part
from bokehbench.benchmarks.photoset import Item, PhotoSet, safe_key
from bokehbench.errors import InputError

BOXES = "boxes.json"
IMAGES = ("image", "original", "input", "in", "val/in", "validation/in")
TARGETS = ("bokeh", "gt", "target", "val/gt", "validation/gt")


class EBB400(PhotoSet):
    """A folder of EBB400."""

    NAME = "ebb400"
    PAIRS = 400
    PARTS: ClassVar[tuple[Part, ...]] = (
        Part("image", IMAGES, 400),
        Part("target", TARGETS, 400),
        Part("midas", ("disparity",), 400),
        Part("dpt", ("disparity_dpt",), 400),
        SALIENCY,
    )

    def items(self) -> list[Item]:
        """One item a pair, by number."""
        images = self._needed("image", ())
        names = list(images)
        files = {"image": images, "target": self._needed("target", names), **self.maps(names)}
        boxes = self.boxes(names)
        return [
            Item(
                key=safe_key(name),
                scene=safe_key(name),
                files={role: paths[name] for role, paths in files.items()},
                box=boxes.get(name),
            )
            for name in names
        ]

    def files(self) -> list[Path]:
        """See `PhotoSet.files`; the boxes too."""
        boxes = self.root / BOXES
        return super().files() + ([boxes] if boxes.is_file() else [])

    def boxes(self, names: list[str]) -> dict[str, tuple[float, float, float, float]]:
        """Boxes of the pictures; empty where the protocol has no use for them.

        Raises:
            InputError: there is no such file, or a picture has no box.
        """
        if self.protocol.focus != "box":
            return {}
        path = self.root / BOXES
        if not path.is_file():
            raise InputError(
                f"{path}: no such file, which protocol {self.protocol.name} of {self.NAME} needs: "
                "{name: [left, top, right, bottom]} in pixels, from the labels of the release"
            )
        boxes = read_boxes(path)
        missing = [name for name in names if name not in boxes]
        if missing:
            raise InputError(f"{path}: has no box for {len(missing)} pictures, the first is {missing[0]}")
        return boxes
