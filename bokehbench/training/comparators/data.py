"""Parts of photographs for networks that make the whole picture themselves: nothing is scattered for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bokehbench.synth.training import RenderCollate, SynthDataset
from bokehbench.synth.training.collators import signed_defocus
from bokehbench.synth.training.items import Item
from bokehbench.training.bokehme.data import Crop, RenderedCrops, StoredCrops
from bokehbench.training.bokehme.sources import Wanted


@dataclass(frozen=True)
class Plain(Wanted):
    """Photographs with a K and a gamma, and how they are seen.

    Attributes:
        encoded: gamma with which both pictures are encoded anew; None for their own.
    """

    keys = ("aif", "bokeh", "disp")
    encoded: float | None = None

    def stored(self, data: SynthDataset, chosen: Sequence[int], **how: Any) -> StoredCrops:
        """See `Wanted`."""
        return PlainCrops(data, chosen, encoded=self.encoded, **how)

    def rendered(self, render: RenderCollate) -> RenderedCrops:
        """See `Wanted`."""
        return PlainRender(render, self.encoded)


def prepare(item: Item, encoded: float | None = None) -> Crop:
    """What the networks are trained on, of a part of a photograph.

    Args:
        item: keys aif, bokeh, disp, and disp_pred where the disparity that is seen is not the true one.
        encoded: see `Plain`.

    Returns:
        image, target: [3, H, W] encoded. disparity: [1, H, W], and defocus: [1, H, W] signed, pixels, both as
        they are seen. gamma: [], of the encoding. K, disp_focus: [], of the lens.
    """
    K, focus, gamma = item["K"].view(1), item["disp_focus"].view(1), item["gamma"]
    seen = item["disp_pred"] if "disp_pred" in item else item["disp"]
    anew = 1.0 if encoded is None else gamma / encoded
    return {
        "image": item["aif"] ** anew,
        "target": item["bokeh"] ** anew,
        "disparity": seen,
        "defocus": signed_defocus(seen[None], K, focus)[0],
        "gamma": gamma if encoded is None else torch.full_like(gamma, encoded),
        "K": item["K"],
        "disp_focus": item["disp_focus"],
    }


class PlainCrops(StoredCrops):
    """Crops of a stored set, see `StoredCrops`.

    Args:
        encoded: see `Plain`.
        others: of `StoredCrops`.
    """

    def __init__(self, *others: Any, encoded: float | None, **more: Any) -> None:
        super().__init__(*others, **more)
        self.encoded = encoded

    def prepared(self, item: Item) -> Crop:
        """See `prepare`."""
        return prepare(item, self.encoded)

    def identity(self) -> dict[str, Any]:
        """See `StoredCrops`."""
        return super().identity() | {"encoded": self.encoded}


class PlainRender(RenderedCrops):
    """The collator of a stream.

    Args:
        render: see `RenderedCrops`.
        encoded: see `Plain`.
    """

    def __init__(self, render: RenderCollate, encoded: float | None) -> None:
        super().__init__(render, around=0)
        self.encoded = encoded

    def prepared(self, item: Item) -> Crop:
        """See `prepare`."""
        return prepare(item, self.encoded)
