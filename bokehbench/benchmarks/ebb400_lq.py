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
    PARTS = (*EBB400.PARTS, Part("lq", tuple(f"{twins.SMALL}/{name}" for name in IMAGES), 400))

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
            InputError: the pictures are not those of the set's preset and seed, or were changed since.
        """
        twins.check(self.root, self.NAME)
        hashes, recorded = Hashes(self.root), twins.digests(self.root)
        for item in self.items():
            for path in (item.files["image"], item.files["lq"]):
                if recorded.get(path.relative_to(self.root).as_posix()) != hashes.of(path):
                    raise InputError(
                        f"{path}: is not the picture that {twins.RECORD} is about; make the set again"
                    )
        return super().cases()

    def files(self) -> list[Path]:
        """See `PhotoSet.files`; the record of the degradations too."""
        return [*super().files(), self.root / twins.RECORD]

    def _pictures(self, item: Item) -> tuple[FloatImage, FloatImage | None, FloatImage | None]:
        image, target, _ = super()._pictures(item)
        return image, target, read_image(item.files["lq"])
