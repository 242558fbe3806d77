"""layered-lq: sets of ray-traced layers with degraded inputs, for restoration and bokeh together.

bokehbench synth build --count 12 --seed 7 --out SET
bokehbench degrade SET --set layered-lq --out SET-LQ
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bokehbench.benchmarks import twins
from bokehbench.benchmarks.layered import Layered
from bokehbench.cases import Case, CaseInfo
from bokehbench.images import read_image
from bokehbench.layers import Layer
from bokehbench.records import sha256_json

COPIED = ("disp/", "bokeh/")


class LayeredLQ(Layered):
    """A folder made by `bokehbench degrade SET --set layered-lq`: `aif` is degraded, layers are left out."""

    NAME = "layered-lq"
    NEEDED = ("aif", "bokeh_k0", "disp")
    AGAIN = f"make the set again (bokehbench degrade SET --set {NAME})"

    def cases(self) -> list[CaseInfo]:
        """See `Layered.cases`.

        Raises:
            InputError: the pictures are not those of the set's preset and seed, or were changed since.
        """
        twins.check(self.root, self.NAME)
        recorded = twins.digests(self.root)
        found = []
        for info in super().cases():
            names = (f"aif/{info.scene}.png", self._small(info.scene))
            lq = [twins.checked(self.root, name, recorded) for name in names]
            found.append(replace(info, data=sha256_json({"clean": info.data, "lq": lq})))
        return found

    def load(self, info: CaseInfo) -> Case:
        """See `Layered.load`."""
        case = super().load(info)
        lq = read_image(self.root / self._small(info.scene))
        return replace(case, inputs=replace(case.inputs, lq=lq))

    def _is_needed(self, name: str) -> bool:
        return name.startswith(COPIED)

    def _true_layers(self, meta: dict[str, Any]) -> list[Layer] | None:
        return None

    @staticmethod
    def _small(scene: str) -> str:
        return f"{twins.SMALL}/aif/{scene}.png"
