"""DRealSR (Wei et al., ECCV 2020), test pictures at factor 4, or StableSR's centre crops of them.

test_HR/{name}_x4.png, test_LR/{name}_x1.png     the release's Test_x4: 93 pairs
test_HR/{name}.png, test_LR/{name}.png           DrealSRVal_crop128: 93 pairs, 512 and 128 px
"""

from __future__ import annotations

import re

from bokehbench.benchmarks.inventory import Part
from bokehbench.benchmarks.photoset import Item, safe_key
from bokehbench.benchmarks.restoration import Restoration
from bokehbench.errors import InputError


class DRealSR(Restoration):
    """A folder of DRealSR."""

    NAME = "drealsr"
    PAIRS = 93
    PARTS = (
        Part("target", ("test_HR", "Test_x4/test_HR", "x4/Test_x4/test_HR"), 93),
        Part("lq", ("test_LR", "Test_x4/test_LR", "x4/Test_x4/test_LR"), 93),
    )

    def items(self) -> list[Item]:
        """One item a pair."""
        targets, small = self._needed("target", ()), self._needed("lq", ())
        items = []
        for name, path in targets.items():
            stem = re.sub(r"_x4$", "", name)
            partner = next((small[other] for other in (name, f"{stem}_x1", stem) if other in small), None)
            if partner is None:
                folder = next(iter(small.values())).parent
                raise InputError(f"{folder}: has no low-resolution picture for {path.name} ({stem}_x1.png)")
            key = safe_key(stem)
            items.append(Item(key, key, {"lq": partner, "target": path}, "restoration"))
        return items
