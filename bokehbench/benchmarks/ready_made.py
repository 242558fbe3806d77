"""Ready-made BLB sets: a folder is opened under a set's name only if it is that set, or a part of it."""

from __future__ import annotations

import functools
from pathlib import Path

from bokehbench.benchmarks.blb import BLB
from bokehbench.blender import membership
from bokehbench.blender.sets import find_set


class ReadyMade(BLB):
    """A folder that `bokehbench blb render --set NAME` made; images may be missing, as while it renders.

    Args:
        root: holds a folder per scene, or is one.
        name: of the set, see `bokehbench.blender.sets`.

    Raises:
        InputError: there is no scene, or one of other settings, size, levels or focal planes than the set's.
    """

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root)
        membership.require(find_set(name), self.root)


BLBMini = functools.partial(ReadyMade, name="blb-mini")
BLBLite = functools.partial(ReadyMade, name="blb-lite")
