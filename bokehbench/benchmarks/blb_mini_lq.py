"""blb-mini-lq: blb-mini with degraded inputs, for restoration and bokeh together; comes with the package.

Each case has its own draw of Real-ESRGAN's degradations, so that 18 cases of three images see 18 of them. The
folder holds the small pictures and the record of how they were made; targets, disparity and lens are those of
blb-mini.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bokehbench.benchmarks import twins
from bokehbench.benchmarks.restoration import enlarged
from bokehbench.cases import Case, CaseInfo
from bokehbench.images import read_image
from bokehbench.records import sha256_json


class BLBMiniLQ:
    """A folder made by `bokehbench degrade --set blb-mini-lq` (`bokehbench.cases.Benchmark`)."""

    NAME = "blb-mini-lq"

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._clean = twins.bundled(twins.find(self.NAME).of)

    def cases(self) -> list[CaseInfo]:
        """Those of blb-mini.

        Raises:
            InputError: the pictures are not those of the set's preset and seed, or were changed since.
        """
        twins.check(self.root, self.NAME)
        recorded = twins.digests(self.root)
        found = []
        for info in self._clean.cases():
            lq = twins.checked(self.root, self._small(info.key), recorded)
            found.append(replace(info, data=sha256_json({"clean": info.data, "lq": lq})))
        return found

    def load(self, info: CaseInfo) -> Case:
        """Read one case."""
        case = self._clean.load(info)
        lq = read_image(self.root / self._small(info.key))
        image = enlarged(lq, case.inputs.image.shape)
        return replace(case, inputs=replace(case.inputs, image=image, lq=lq))

    @staticmethod
    def _small(key: str) -> str:
        return f"{twins.SMALL}/{key}.png"
