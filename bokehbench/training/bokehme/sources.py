"""Where a training of BokehMe gets its photographs: a stored set, or a stream of new scenes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch

from bokehbench.errors import ConfigError, InputError
from bokehbench.rng import stream
from bokehbench.synth.config import Recipe, parse_recipe
from bokehbench.synth.dataset import make_library
from bokehbench.synth.store.reader import RECORD
from bokehbench.synth.training import Augment, Batches, RenderCollate, SceneSource, StreamLoader, SynthDataset
from bokehbench.training.bokehme.data import KEYS, Crop, RenderedCrops, StoredCrops, margin, stacked
from bokehbench.training.bokehme.settings import DataSettings
from bokehbench.training.photographs import STREAM, stored_identity, stream_identity

TOLERANCE = 1e-3
"""Relative error with which K of a photograph is compared."""
Range = tuple[float, float]


class Source(ABC):
    """Photographs for all stages.

    Args:
        settings: of the data.
        seed: of the order, and of crops and flips.
        workers: processes that prepare batches; results do not depend on it.
        rank, world: this process among those that train together.
        device: that the light of a stream is made on.
    """

    def __init__(
        self,
        settings: DataSettings,
        seed: int,
        *,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings, self.seed, self.workers = settings, seed, workers
        self.rank, self.world, self.device = rank, world, torch.device(device)

    def loader(self, K: Range, batch: int) -> StreamLoader:
        """Endless batches of crops with K in a range, `batch` of them a step over all processes."""
        if batch % self.world:
            raise ConfigError(f"a batch of {batch} cannot be shared out among {self.world} processes")
        return self._loader(K, batch // self.world)

    def held_out(self, K: Range) -> list[Crop]:
        """Batches of one for validation: fixed parts of scenes that are never trained on, as they are."""
        crops = self._held_out(K, self.settings.validation_crops)
        return [{name: value[None] for name, value in crop.items()} for crop in crops]

    @abstractmethod
    def _loader(self, K: Range, batch: int) -> StreamLoader: ...

    @abstractmethod
    def _held_out(self, K: Range, count: int) -> list[Crop]: ...

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What the photographs are, for records; plain values."""

    def _augment(self, K: Range) -> Augment:
        side = self.settings.crop + 2 * margin(K[1])
        return Augment((side, side), self.settings.flip, self.settings.flip_vertical)

    def _still(self, K: Range) -> Augment:
        """Of validation."""
        side = self.settings.validation_side + 2 * margin(K[1])
        return Augment((side, side))


class StoredSource(Source):
    """A set that `bokehbench synth build` has made."""

    def __init__(self, root: Path, settings: DataSettings, seed: int, **others: Any) -> None:
        super().__init__(settings, seed, **others)
        if not (root / RECORD).is_file():
            command = settings.build_command().replace("SET", str(root))
            raise InputError(f"--data {root}: no synthetic set; this makes the one of --config: {command}")
        self.root = root

    def _photographs(self, augment: Augment) -> SynthDataset:
        return SynthDataset(self.root, KEYS, augment=augment, seed=self.seed)

    def _loader(self, K: Range, batch: int) -> StreamLoader:
        settings = self.settings
        data = self._photographs(self._augment(K))
        chosen, _ = split(data, K, settings.held_out)
        crops = StoredCrops(data, chosen, settings.crops, settings.mixed, settings.corruption, margin(K[1]))
        batches = Batches(crops, batch_size=batch, rank=self.rank, world=self.world)
        return StreamLoader(batches, stacked, workers=self.workers)

    def _held_out(self, K: Range, count: int) -> list[Crop]:
        data = self._photographs(self._still(K))
        _, chosen = split(data, K, self.settings.held_out)
        crops = StoredCrops(data, chosen, around=margin(K[1]))
        # Spread over the photographs; each crop is another epoch's, so that a photograph may be taken twice.
        return [crops.crop(chosen[number * len(chosen) // count], number) for number in range(count)]

    def identity(self) -> dict[str, Any]:
        """Recipe, seed and assets of the set, and how much of it there is."""
        return stored_identity(self._photographs(Augment()))


class StreamSource(Source):
    """Scenes of the recipe, made while training; none is seen twice."""

    def __init__(self, settings: DataSettings, seed: int, **others: Any) -> None:
        super().__init__(settings, seed, **others)
        self.recipe = settings.load_recipe()
        self.library = make_library(self.recipe)

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

    def _loader(self, K: Range, batch: int) -> StreamLoader:
        scenes = self._scenes(K, self.settings.seed, self._augment(K), corrupt=True)
        batches = Batches(scenes, batch_size=batch, rank=self.rank, world=self.world)
        ahead = 2 if self.workers else 0
        return StreamLoader(batches, self._render(scenes, K), workers=self.workers, ahead=ahead)

    def _held_out(self, K: Range, count: int) -> list[Crop]:
        seed = int(stream(self.settings.seed, 0, "training.held_out").integers(2**31))
        scenes = self._scenes(K, seed, self._still(K), corrupt=False)
        made = (self._render(scenes, K)([scenes.pack(number)]) for number in range(count))
        return [{name: value[0].cpu() for name, value in crop.items()} for crop in made]

    def identity(self) -> dict[str, Any]:
        """Recipe, seed and assets."""
        return stream_identity(self.recipe, self.library, self.settings.seed)


def open_source(data: str, settings: DataSettings, seed: int, **others: Any) -> Source:
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
    root, scenes = data.store.root, len(data.samples)
    if scenes <= held_out:
        raise ConfigError(
            f"{root}: {scenes} scenes are too few to hold {held_out} out (data.held_out); build more"
        )
    stack = len(data) // scenes
    train: list[int] = []
    held: list[int] = []
    for scene, key in enumerate(data.samples):
        for number, render in enumerate(data.store.meta(key)["renders"]):
            if _is_within(render["K"], K):
                (held if scene >= scenes - held_out else train).append(scene * stack + number)
    if not train or not held:
        raise InputError(f"{root}: has no photographs with K from {K[0]:g} to {K[1]:g} (arnet.K, iunet.K)")
    return train, held


def with_K(recipe: Recipe, K: Range) -> Recipe:
    """The recipe with those K of its stack alone that lie in a range; ConfigError where none does."""
    scale = recipe.size[0] / 512.0
    values = recipe.stack.K_at_512 if recipe.stack else ()
    kept = [value for value in values if _is_within(value * scale, K)]
    if not kept or recipe.stack is None:
        raise ConfigError(
            f"recipe {recipe.id}: its stack has no K from {K[0]:g} to {K[1]:g} pixels (arnet.K, iunet.K)"
        )
    changed = recipe.to_json()
    changed["stack"]["K_at_512"] = kept
    return parse_recipe(changed, recipe.id)


def _is_within(K: float, limits: Range) -> bool:
    return limits[0] * (1.0 - TOLERANCE) <= K <= limits[1] * (1.0 + TOLERANCE)
