"""Pairs for BokehDiff: the all-in-focus picture, its bokeh, disparity and blur radius."""

from __future__ import annotations

from typing import Any

from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.synth.training import BokehDiffCollate
from bokehbench.training.pairs import Pairs, Wanted

KEYS = ("aif", "bokeh", "disp")
COLLATE = BokehDiffCollate()


def pairs(batch: dict[str, Any]) -> Pairs:
    """What the networks are trained on.

    The radius is that which was rendered. The released code states it up to three times too small.

    Returns:
        image, target: [B, 3, H, W] in [-1, 1]. disparity: [B, 1, H, W]. radius: [B, 1, H, W], pixels.
    """
    made = COLLATE(batch)
    disparity, coc = made["disp_coc"].split(1, dim=1)
    return {
        "image": made["image"],
        "target": made["target"],
        "disparity": disparity.contiguous(),
        "radius": COLLATE.unit * coc,
    }


WANTED = Wanted(KEYS, pairs)
"""Of photographs."""


def scene_of(batch: Pairs) -> Scene:
    """What PISA sees of a batch."""
    return Scene(batch["disparity"], batch["radius"])
