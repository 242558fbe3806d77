"""EBB400-LQ: EBB400 with degraded inputs, as MagicBokeh measures restoration and bokeh together.

The authors' pairs and low-quality files were not published. Ours is made from EBB400 by one command, which
fixes preset and seed and records every picture's plan and digests in ``degrade.json``:

    bokehbench degrade EBB400 --set ebb400-lq --out EBB400-LQ

A method sees the picture enlarged by bicubic to the target's size, and the small one in `Inputs.lq`.
"""

from __future__ import annotations

from pathlib import Path

from bokehbench.benchmarks import twins
from bokehbench.benchmarks.ebb400 import EBB400, IMAGES
from bokehbench.benchmarks.inventory import Hashes, Part
from bokehbench.benchmarks.photoset import Item
from bokehbench.cases import CaseInfo, FloatImage
from bokehbench.errors import InputError
from bokehbench.images import read_image


class EBB400LQ(EBB400):
    """A folder made by `bokehbench degrade EBB400 --set ebb400-lq`."""

    NAME = "ebb400-lq"
    PARTS = (
        # The set's own maps are of the clean pictures.
        *(part for part in EBB400.PARTS if part.role not in ("midas", "dpt")),
        Part("lq", tuple(f"{twins.SMALL}/{name}" for name in IMAGES), 400),
    )

    def items(self) -> list[Item]:
        """One item a pair, with its small picture."""
        items = super().items()
        small = self._needed("lq", [item.files["image"].stem for item in items])
        return [
            Item(item.key, item.scene, {**item.files, "lq": small[item.files["image"].stem]}, box=item.box)
            for item in items
        ]

    def cases(self) -> list[CaseInfo]:
        """See `Benchmark`.

        Raises:
            InputError: the pictures are not those of the set's preset and seed, or were changed since,
                or a map is that of a clean picture.
        """
        twins.check(self.root, self.NAME)
        hashes, recorded = Hashes(self.root), twins.digests(self.root)
        for item in self.items():
            digests = {role: recorded.get(self._name(path)) for role, path in item.files.items()}
            for role, path in item.files.items():
                if role in ("image", "lq") and digests[role] != hashes.of(path):
                    raise InputError(
                        f"{path}: is not the picture that {twins.RECORD} is about; make the set again"
                    )
                if role in ("disparity", "mask") and digests[role] == hashes.of(path):
                    raise InputError(
                        f"{path}: was copied from the clean set; delete the folder and predict it from the "
                        "degraded pictures (bokehbench depth)"
                    )
        return super().cases()

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def files(self) -> list[Path]:
        """See `PhotoSet.files`; the record of the degradations too."""
        return [*super().files(), self.root / twins.RECORD]

    def _pictures(self, item: Item) -> tuple[FloatImage, FloatImage | None, FloatImage | None]:
        image, target, _ = super()._pictures(item)
        return image, target, read_image(item.files["lq"])
