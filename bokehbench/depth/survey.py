"""What the folder of a depth set has of what it should have."""

from __future__ import annotations

from pathlib import Path

from bokehbench.depth.nyuv2 import MAT, SPLITS
from bokehbench.depth.sets import open_set


def survey(name: str, folder: str) -> tuple[list[str], list[Path]]:
    """Lines that say what a folder has, and the files that an evaluation reads; raises as `sets.open_set`."""
    spec, root, depth_set = open_set(f"{name}:{folder}")
    cases = depth_set.cases()
    missing = "" if len(cases) == depth_set.expected else f", {depth_set.expected - len(cases)} missing"
    lines = [
        f"{spec.name} in {root}",
        f"  layout: {depth_set.layout}",
        f"  pictures with depth: {len(cases)} of {depth_set.expected}{missing}",
        f"  compared: {spec.protocol}",
    ]
    names = {MAT, SPLITS} if depth_set.layout == "mat" else {n for c in cases for n in (c.image, c.depth)}
    return lines, [root / name for name in sorted(names)]
