"""Parts of photographs for networks that make the whole picture themselves: nothing is scattered for them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bokehbench.errors import ConfigError, InputError
from bokehbench.synth.config import Recipe, parse_recipe
from bokehbench.synth.training import (
    Augment,
    RenderCollate,
    SceneSource,
    StreamLoader,
    SynthDataset,
)
from bokehbench.synth.training.collators import signed_defocus
from bokehbench.synth.training.items import Item
from bokehbench.training.bokehme.data import KEYS, Crop, RenderedCrops, StoredCrops, stacked
from bokehbench.training.bokehme.settings import DataSettings
from bokehbench.training.bokehme.sources import Range, is_within
from bokehbench.training.photographs import STREAM
from bokehbench.training.sources import (
    AHEAD,
    Photographs,
    StoredPhotographs,
    StreamedPhotographs,
    first_held_out,
)


@dataclass(frozen=True)
class Wanted:
    """Which photographs a stage is trained on, and how it sees them.

    Attributes:
        K: [low, high], pixels per unit of disparity.
        gamma: [low, high] of their encoding.
        encoded: gamma with which both pictures are encoded anew; None for their own.
    """

    K: Range
    gamma: Range
    encoded: float | None = None

    def takes(self, K: float, gamma: float) -> bool:
        """Whether a photograph is one of them."""
        return is_within(K, self.K) and is_within(gamma, self.gamma)

    def __str__(self) -> str:
        return f"K from {self.K[0]:g} to {self.K[1]:g} and gamma from {self.gamma[0]:g} to {self.gamma[1]:g}"


def prepare(item: Item, encoded: float | None = None) -> Crop:
    """What the networks are trained on, of a part of a photograph.

    Args:
        item: keys aif, bokeh, disp, and disp_pred where the disparity that is seen is not the true one.
        encoded: see `Wanted`.

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
        encoded: see `Wanted`.
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
        encoded: see `Wanted`.
    """

    def __init__(self, render: RenderCollate, encoded: float | None) -> None:
        super().__init__(render, around=0)
        self.encoded = encoded

    def prepared(self, item: Item) -> Crop:
        """See `prepare`."""
        return prepare(item, self.encoded)


class PlainSource(Photographs[DataSettings]):
    """Photographs as crops for all stages."""

    def loader(self, wanted: Wanted, batch: int) -> StreamLoader:
        """Endless batches of crops, `batch` of them a step over all processes."""
        side, settings = self.settings.crop, self.settings
        return self._loader(wanted, Augment((side, side), settings.flip, settings.flip_vertical), batch)

    def held_out(self, wanted: Wanted) -> list[Crop]:
        """Batches of one for validation: fixed parts of scenes that are never trained on, as they are."""
        side = self.settings.validation_side
        crops = self._held_out(wanted, Augment((side, side)), self.settings.validation_crops)
        return [{name: value[None] for name, value in crop.items()} for crop in crops]

    @abstractmethod
    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader: ...

    @abstractmethod
    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Crop]: ...


class StoredSource(StoredPhotographs[DataSettings], PlainSource):
    """Of a set that `bokehbench synth build` has made."""

    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader:
        settings, data = self.settings, self.dataset(KEYS, augment)
        chosen, _ = split(data, wanted, settings.held_out)
        how = (settings.crops, settings.mixed, settings.corruption)
        crops = PlainCrops(data, chosen, *how, tries=settings.tries, encoded=wanted.encoded)
        return self.batches(crops, batch, stacked)

    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Crop]:
        data = self.dataset(KEYS, augment)
        _, chosen = split(data, wanted, self.settings.held_out)
        crops = PlainCrops(data, chosen, encoded=wanted.encoded)
        # Spread over the photographs; each crop is another epoch's, so that a photograph may be taken twice.
        return [crops.crop(chosen[number * len(chosen) // count], number) for number in range(count)]


class StreamSource(StreamedPhotographs[DataSettings], PlainSource):
    """Of scenes that are made while training."""

    def _scenes(self, wanted: Wanted, root_seed: int, augment: Augment, corrupt: bool) -> SceneSource:
        corruption = self.settings.corruption if corrupt else None
        return SceneSource(
            narrowed(self.recipe, wanted),
            self.library,
            root_seed=root_seed,
            keys=("aif", "bokeh", "disp", "disp_pred") if corruption else ("aif", "bokeh", "disp"),
            epoch_size=self.settings.scenes,
            augment=augment,
            corruption=corruption,
        )

    def _render(self, scenes: SceneSource, wanted: Wanted) -> PlainRender:
        render = RenderCollate(scenes.keys, quality=self.settings.quality, device=self.device)
        return PlainRender(render, wanted.encoded)

    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader:
        scenes = self._scenes(wanted, self.settings.seed, augment, corrupt=True)
        return self.batches(scenes, batch, self._render(scenes, wanted), AHEAD)

    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Crop]:
        scenes = self._scenes(wanted, self.held_out_seed, augment, corrupt=False)
        made = (self._render(scenes, wanted)([scenes.pack(number)]) for number in range(count))
        return [{name: value[0].cpu() for name, value in crop.items()} for crop in made]


def open_source(data: str, settings: DataSettings, seed: int, **others: Any) -> PlainSource:
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
    stack["gamma"] = [gamma for gamma in stack["gamma"] if is_within(gamma, wanted.gamma)]
    if not (stack["K_at_512"] and stack["gamma"]):
        raise ConfigError(f"recipe {recipe.id}: its stack has nothing with {wanted}")
    return parse_recipe(changed, recipe.id)
