"""Crops for BokehMe, of photographs with a K of the stage: of a stored set, or of a stream."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

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


class CropSource(Photographs[DataSettings]):
    """Photographs as crops for all stages."""

    def loader(self, K: Range, batch: int) -> StreamLoader:
        """Endless batches of crops with K in a range, `batch` of them a step over all processes."""
        side = self.settings.crop + 2 * margin(K[1])
        return self._loader(K, Augment((side, side), self.settings.flip, self.settings.flip_vertical), batch)

    def held_out(self, K: Range) -> list[Crop]:
        """Batches of one for validation: fixed parts of scenes that are never trained on, as they are."""
        side = self.settings.validation_side + 2 * margin(K[1])
        crops = self._held_out(K, Augment((side, side)), self.settings.validation_crops)
        return [{name: value[None] for name, value in crop.items()} for crop in crops]

    @abstractmethod
    def _loader(self, K: Range, augment: Augment, batch: int) -> StreamLoader: ...

    @abstractmethod
    def _held_out(self, K: Range, augment: Augment, count: int) -> list[Crop]: ...


class StoredSource(StoredPhotographs[DataSettings], CropSource):
    """Of a set that `bokehbench synth build` has made."""

    def _loader(self, K: Range, augment: Augment, batch: int) -> StreamLoader:
        settings = self.settings
        data = self.dataset(KEYS, augment)
        chosen, _ = split(data, K, settings.held_out)
        how = (settings.crops, settings.mixed, settings.corruption)
        crops = StoredCrops(data, chosen, *how, around=margin(K[1]), tries=settings.tries)
        return self.batches(crops, batch, stacked)

    def _held_out(self, K: Range, augment: Augment, count: int) -> list[Crop]:
        data = self.dataset(KEYS, augment)
        _, chosen = split(data, K, self.settings.held_out)
        crops = StoredCrops(data, chosen, around=margin(K[1]))
        # Spread over the photographs; each crop is another epoch's, so that a photograph may be taken twice.
        return [crops.crop(chosen[number * len(chosen) // count], number) for number in range(count)]


class StreamSource(StreamedPhotographs[DataSettings], CropSource):
    """Of scenes that are made while training."""

    def _scenes(self, K: Range, root_seed: int, augment: Augment, corrupt: bool) -> SceneSource:
        corruption = self.settings.corruption if corrupt else None
        return SceneSource(
            with_K(self.recipe, K),
            self.library,
            root_seed=root_seed,
            keys=(*KEYS, "disp_pred") if corruption else KEYS,
            epoch_size=self.settings.scenes,
            augment=augment,
            corruption=corruption,
        )

    def _render(self, scenes: SceneSource, K: Range) -> RenderedCrops:
        render = RenderCollate(scenes.keys, quality=self.settings.quality, device=self.device)
        return RenderedCrops(render, margin(K[1]))

    def _loader(self, K: Range, augment: Augment, batch: int) -> StreamLoader:
        scenes = self._scenes(K, self.settings.seed, augment, corrupt=True)
        return self.batches(scenes, batch, self._render(scenes, K), AHEAD)

    def _held_out(self, K: Range, augment: Augment, count: int) -> list[Crop]:
        scenes = self._scenes(K, self.held_out_seed, augment, corrupt=False)
        made = (self._render(scenes, K)([scenes.pack(number)]) for number in range(count))
        return [{name: value[0].cpu() for name, value in crop.items()} for crop in made]


def open_source(data: str, settings: DataSettings, seed: int, **others: Any) -> CropSource:
    """What `--data` names: `stream`, or the folder of a set."""
    if data == STREAM:
        return StreamSource(settings, seed, **others)
    return StoredSource(Path(data), settings, seed, **others)


def split(data: SynthDataset, K: Range, held_out: int) -> tuple[list[int], list[int]]:
    """Indices of the photographs with K in a range: those to train on, and those of the last scenes.

    No picture is read for it.

    Args:
        data: with all images of each stack.
        K: [low, high], pixels per unit of disparity.
        held_out: scenes.

    Raises:
        ConfigError: not enough scenes.
        InputError: no photograph has such a K.
    """
    first, stack = first_held_out(data, held_out), len(data) // len(data.samples)
    train: list[int] = []
    held: list[int] = []
    for scene, key in enumerate(data.samples):
        for number, render in enumerate(data.store.meta(key)["renders"]):
            if is_within(render["K"], K):
                (held if scene >= first else train).append(scene * stack + number)
    if not train or not held:
        raise InputError(
            f"{data.store.root}: has no photographs with K from {K[0]:g} to {K[1]:g} (arnet.K, iunet.K)"
        )
    return train, held


def with_K(recipe: Recipe, K: Range) -> Recipe:
    """The recipe with those K of its stack alone that lie in a range; ConfigError where none does."""
    scale = recipe.size[0] / 512.0
    values = recipe.stack.K_at_512 if recipe.stack else ()
    kept = [value for value in values if is_within(value * scale, K)]
    if not kept or recipe.stack is None:
        raise ConfigError(
            f"recipe {recipe.id}: its stack has no K from {K[0]:g} to {K[1]:g} pixels (arnet.K, iunet.K)"
        )
    changed = recipe.to_json()
    changed["stack"]["K_at_512"] = kept
    return parse_recipe(changed, recipe.id)


def is_within(value: float, limits: Range) -> bool:
    """Whether K or gamma of a photograph lies in a range, ends included."""
    return limits[0] * (1.0 - TOLERANCE) <= value <= limits[1] * (1.0 + TOLERANCE)
