"""Crops of the photographs that a stage wants: of a stored set, or of a stream; BokehMe's and others'."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bokehbench.errors import ConfigError, InputError
from bokehbench.synth.config import Recipe, parse_recipe
from bokehbench.synth.training import Augment, RenderCollate, SceneSource, StreamLoader, SynthDataset
from bokehbench.training.bokehme.data import KEYS, Crop, RenderedCrops, StoredCrops, margin, stacked
from bokehbench.training.bokehme.settings import DataSettings
from bokehbench.training.photographs import STREAM
from bokehbench.training.sources import (
    AHEAD,
    Photographs,
    StoredPhotographs,
    StreamedPhotographs,
    first_held_out,
)

TOLERANCE = 1e-3
"""Relative error with which K and gamma of a photograph are compared."""
Range = tuple[float, float]


@dataclass(frozen=True)
class Wanted(ABC):
    """Which photographs a stage is trained on, and what it makes of their parts.

    Attributes:
        K: [low, high], pixels per unit of disparity.
        gamma: [low, high] of their encoding; None for any.
        keys: pictures of a stream's scenes that crops are made of.
    """

    K: Range
    gamma: Range | None = None
    keys: ClassVar[tuple[str, ...]]

    def takes(self, K: float, gamma: float) -> bool:
        """Whether a photograph is one of them."""
        return is_within(K, self.K) and (self.gamma is None or is_within(gamma, self.gamma))

    @property
    def around(self) -> int:
        """Pixels on each side of a crop that it is made of as well."""
        return 0

    @abstractmethod
    def stored(self, data: SynthDataset, chosen: Sequence[int], **how: Any) -> StoredCrops:
        """Crops of a stored set; `how` are other arguments of `StoredCrops`."""

    @abstractmethod
    def rendered(self, render: RenderCollate) -> RenderedCrops:
        """The collator of a stream."""

    def __str__(self) -> str:
        gamma = f" and gamma from {self.gamma[0]:g} to {self.gamma[1]:g}" if self.gamma else ""
        return f"K from {self.K[0]:g} to {self.K[1]:g}{gamma}"


class Scattered(Wanted):
    """BokehMe's: photographs with a K, their parts with the classical rendering beside them."""

    keys = KEYS

    @property
    def around(self) -> int:
        """From where light is scattered into a crop."""
        return margin(self.K[1])

    def stored(self, data: SynthDataset, chosen: Sequence[int], **how: Any) -> StoredCrops:
        """See `Wanted`."""
        return StoredCrops(data, chosen, around=self.around, **how)

    def rendered(self, render: RenderCollate) -> RenderedCrops:
        """See `Wanted`."""
        return RenderedCrops(render, self.around)

    def __str__(self) -> str:
        return f"{super().__str__()} (arnet.K, iunet.K)"


class CropSource(Photographs[DataSettings]):
    """Photographs as crops for all stages."""

    def loader(self, wanted: Wanted, batch: int) -> StreamLoader:
        """Endless batches of crops, `batch` of them a step over all processes."""
        side, settings = self.settings.crop + 2 * wanted.around, self.settings
        return self._loader(wanted, Augment((side, side), settings.flip, settings.flip_vertical), batch)

    def held_out(self, wanted: Wanted) -> list[Crop]:
        """Batches of one for validation: fixed parts of scenes that are never trained on, as they are."""
        side = self.settings.validation_side + 2 * wanted.around
        crops = self._held_out(wanted, Augment((side, side)), self.settings.validation_crops)
        return [{name: value[None] for name, value in crop.items()} for crop in crops]

    @abstractmethod
    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader: ...

    @abstractmethod
    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Crop]: ...


class StoredSource(StoredPhotographs[DataSettings], CropSource):
    """Of a set that `bokehbench synth build` has made."""

    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader:
        settings, data = self.settings, self.dataset(KEYS, augment)
        chosen, _ = split(data, wanted, settings.held_out)
        how = {name: getattr(settings, name) for name in ("crops", "mixed", "corruption", "tries")}
        return self.batches(wanted.stored(data, chosen, **how), batch, stacked)

    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Crop]:
        data = self.dataset(KEYS, augment)
        _, chosen = split(data, wanted, self.settings.held_out)
        crops = wanted.stored(data, chosen)
        # Spread over the photographs; each crop is another epoch's, so that a photograph may be taken twice.
        return [crops.crop(chosen[number * len(chosen) // count], number) for number in range(count)]


class StreamSource(StreamedPhotographs[DataSettings], CropSource):
    """Of scenes that are made while training."""

    def _scenes(self, wanted: Wanted, root_seed: int, augment: Augment, corrupt: bool) -> SceneSource:
        corruption = self.settings.corruption if corrupt else None
        return SceneSource(
            narrowed(self.recipe, wanted),
            self.library,
            root_seed=root_seed,
            keys=(*wanted.keys, "disp_pred") if corruption else wanted.keys,
            epoch_size=self.settings.scenes,
            augment=augment,
            corruption=corruption,
        )

    def _render(self, scenes: SceneSource, wanted: Wanted) -> RenderedCrops:
        return wanted.rendered(RenderCollate(scenes.keys, quality=self.settings.quality, device=self.device))

    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader:
        scenes = self._scenes(wanted, self.settings.seed, augment, corrupt=True)
        return self.batches(scenes, batch, self._render(scenes, wanted), AHEAD)

    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Crop]:
        scenes = self._scenes(wanted, self.held_out_seed, augment, corrupt=False)
        made = (self._render(scenes, wanted)([scenes.pack(number)]) for number in range(count))
        return [{name: value[0].cpu() for name, value in crop.items()} for crop in made]


def open_source(data: str, settings: DataSettings, seed: int, **others: Any) -> CropSource:
    """What `--data` names: `stream`, or the folder of a set."""
    if data == STREAM:
        return StreamSource(settings, seed, **others)
    return StoredSource(Path(data), settings, seed, **others)


def split(data: SynthDataset, wanted: Wanted, held_out: int) -> tuple[list[int], list[int]]:
    """Indices of the photographs to train on, and of those of the last scenes; no picture is read.

    Args:
        data: with all images of each stack.
        wanted: which of them.
        held_out: scenes.

    Raises:
        ConfigError: not enough scenes.
        InputError: no such photograph.
    """
    first, stack = first_held_out(data, held_out), len(data) // len(data.samples)
    train: list[int] = []
    held: list[int] = []
    for scene, key in enumerate(data.samples):
        for number, render in enumerate(data.store.meta(key)["renders"]):
            if wanted.takes(render["K"], render["gamma"]):
                (held if scene >= first else train).append(scene * stack + number)
    if not train or not held:
        raise InputError(f"{data.store.root}: has no photographs with {wanted}, to train on and to hold out")
    return train, held


def narrowed(recipe: Recipe, wanted: Wanted) -> Recipe:
    """The recipe with those K and gamma of its stack that are wanted; ConfigError where there are none."""
    changed, scale = recipe.to_json(), recipe.size[0] / 512.0
    stack = changed.get("stack") or {"K_at_512": [], "gamma": []}
    stack["K_at_512"] = [K for K in stack["K_at_512"] if is_within(K * scale, wanted.K)]
    if wanted.gamma is not None:
        stack["gamma"] = [gamma for gamma in stack["gamma"] if is_within(gamma, wanted.gamma)]
    if not (stack["K_at_512"] and stack["gamma"]):
        raise ConfigError(f"recipe {recipe.id}: its stack has nothing with {wanted}")
    return parse_recipe(changed, recipe.id)


def is_within(value: float, limits: Range) -> bool:
    """Whether K or gamma of a photograph lies in a range, ends included."""
    return limits[0] * (1.0 - TOLERANCE) <= value <= limits[1] * (1.0 + TOLERANCE)
