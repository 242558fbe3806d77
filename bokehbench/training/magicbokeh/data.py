"""What MagicBokeh is trained on: low-quality pictures, what they should become, and where blur is."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bokehbench.rng import stream
from bokehbench.synth.degrade import DegradePlan, Preset, apply, load_preset
from bokehbench.synth.distributions import Distribution
from bokehbench.synth.training import MagicBokehCollate, StreamLoader
from bokehbench.synth.training.items import Batch, stack, to_tensor
from bokehbench.training.magicbokeh.settings import DataSettings
from bokehbench.training.pairs import Pairs, PairSource, StackedPairs, Wanted
from bokehbench.training.picture_folder import FloatImage, PictureFolder, SquareSettings

BOKEH_KEYS, SHARP_KEYS = ("aif", "bokeh", "disp"), ("aif",)
PHASE = "c"
"""Key that batches of bokeh have, and batches of restoration have not."""


def bokeh_pairs(batch: Batch, unit_px: float) -> Pairs:
    """A batch of bokeh.

    Args:
        batch: of photographs.
        unit_px: of the model's `Layout`.

    Returns:
        lq: [B, 3, H, W] in [-1, 1], enlarged to the target's size. target, sharp: the same with bokeh and all
        in focus. c: [B, 1, H, W] in [0, 1], the radius of the blur that was rendered over the unit.
    """
    made = MagicBokehCollate(K_max=unit_px)(batch)
    c = ((made["condition"] + 1.0) / 2.0).clamp(0.0, 1.0)
    return {"lq": made["lq"], "target": made["target"], "sharp": 2.0 * batch["aif"] - 1.0, PHASE: c}


def sharp_pairs(batch: Batch) -> Pairs:
    """A batch of restoration: lq and target, [B, 3, H, W] in [-1, 1], the target all in focus."""
    return {"lq": 2.0 * batch["lq"] - 1.0, "target": 2.0 * batch["aif"] - 1.0}


def round_trip_pairs(batch: Batch) -> Pairs:
    """A batch of pictures that a VAE learns: image and target, sharp and with bokeh, in [-1, 1]."""
    return {"image": 2.0 * batch["aif"] - 1.0, "target": 2.0 * batch["bokeh"] - 1.0}


def wanted_bokeh(degrade: str, unit_px: float) -> Wanted:
    """Of photographs, for the phase of bokeh and for all validation; see `bokeh_pairs`."""
    return Wanted(BOKEH_KEYS, partial(bokeh_pairs, unit_px=unit_px), degrade)


def wanted_sharp(degrade: str) -> Wanted:
    """Of photographs, for restoration: nothing is blurred, which saves the dearest part of a stream."""
    return Wanted(SHARP_KEYS, sharp_pairs, degrade)


WANTED_ROUND_TRIPS = Wanted(("aif", "bokeh"), round_trip_pairs)
"""Of photographs, for stage 0."""


class DegradedSquares:
    """Squares of pictures in a folder, degraded: a source of `synth.training.Batches`.

    Args:
        folder: of the pictures.
        degrade: preset; each square has a degradation of its own.
    """

    def __init__(self, folder: PictureFolder, degrade: str) -> None:
        self.folder, self.preset = folder, load_preset(degrade)

    def item(self, position: int) -> dict[str, Tensor]:
        """lq and aif, [3, crop, crop] in [0, 1] each, at a position of the endless order."""
        return degraded(self.folder.square(position), self.preset, self.folder.seed, position)

    def held_out(self, count: int) -> list[Pairs]:
        """Batches of one from pictures that are never trained on, at most so many."""
        made: list[Pairs] = []
        for number, square in self.folder.held_squares():
            if len(made) == count:
                break
            item = degraded(square, self.preset, self.folder.seed, number, "training.degrade.held_out")
            made.append(sharp_pairs(stack([item])))
        return made

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed on this source."""
        return {
            "pictures": self.folder.identity(),
            "squares": self.folder.settings.model_dump(mode="json"),
            "seed": self.folder.seed,
            "degrade": self.preset.model_dump(mode="json"),
        }


def degraded(
    square: FloatImage, preset: Preset, seed: int, index: int, name: str = "training.degrade"
) -> dict[str, Tensor]:
    """lq and aif, [3, H, W] each, of a picture [H, W, 3] in [0, 1]; (seed, index, name) draw what is done."""
    plan = DegradePlan.sample(stream(seed, index, name), preset, (square.shape[1], square.shape[0]))
    return {"lq": to_tensor(apply(plan, np.ascontiguousarray(square))), "aif": to_tensor(square)}


def open_pictures(root: Path, data: DataSettings, seed: int) -> PictureFolder:
    """The folder that ``--photographs`` names.

    Args:
        root: the folder.
        data: crop and flips are those of photographs.
        seed: of order, squares and flips.
    """
    own = data.photographs
    squares = SquareSettings(
        crop=data.crop,
        zoom=Distribution(uniform=own.zoom),
        least=own.least or data.crop,
        flip=data.flip,
        held_out=own.held_out,
    )
    return PictureFolder(root, squares, seed, option="--photographs")


def restoration_loader(
    source: PairSource, squares: DegradedSquares | None, degrade: str, batch: int
) -> StreamLoader:
    """Endless batches of restoration: of the folder where there is one, else of all-in-focus pictures.

    Args:
        source: of photographs.
        squares: of the folder.
        degrade: preset.
        batch: pairs a step, over all processes.
    """
    if squares is None:
        return source.loader(wanted_sharp(degrade), batch)
    return source.batches(squares, batch, StackedPairs(sharp_pairs))


def on_device(batch: Pairs, device: torch.device) -> Pairs:
    """All tensors of a batch."""
    return {name: value.to(device) for name, value in batch.items()}
