"""EBB Val294: the last 294 of the 4694 training pairs of EBB!, the usual validation split.

The folder is the training set itself (``original/0.jpg`` to ``4693.jpg`` and ``bokeh/`` alike), of which
numbers 4400 and above are taken, or a copy of those pairs alone. The set has no depth: maps and masks are
made by `bokehbench depth` into a folder beside the pictures.
"""

from __future__ import annotations

from bokehbench.benchmarks.ebb400 import IMAGES, TARGETS
from bokehbench.benchmarks.inventory import SALIENCY, Part
from bokehbench.benchmarks.photoset import Item, PhotoSet, safe_key
from bokehbench.errors import InputError

FIRST = 4400


class EBBVal294(PhotoSet):
    """A folder of EBB!'s training pairs."""

    NAME = "ebb-val294"
    PAIRS = 294
    PARTS = (
        Part("image", ("original", *(name for name in IMAGES if name != "original")), 294),
        Part("target", TARGETS, 294),
        SALIENCY,
    )

    def items(self) -> list[Item]:
        """One item a pair of the split, by number."""
        images = self._needed("image", ())
        strange = [name for name in images if not name.isdecimal()]
        if strange:
            raise InputError(
                f"{images[strange[0]]}: pictures of EBB! are called by their number, 4400.jpg to 4693.jpg"
            )
        names = [name for name in images if int(name) >= FIRST]
        files = {"image": images, "target": self._needed("target", names), **self.maps(names)}
        return [
            Item(
                key=safe_key(name),
                scene=safe_key(name),
                files={role: paths[name] for role, paths in files.items()},
            )
            for name in names
        ]

    def counts(self) -> list[tuple[str, int, int]]:
        """See `PhotoSet.counts`; pictures of the split alone."""
        return [
            (what, sum(name.isdecimal() and int(name) >= FIRST for name in part.files(self.root)), count)
            for part, (what, _, count) in zip(self.PARTS, super().counts(), strict=True)
        ]
