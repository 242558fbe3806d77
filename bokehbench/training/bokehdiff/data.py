"""Pairs for BokehDiff: the all-in-focus picture, its bokeh, disparity and blur radius; stored or made new."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.errors import ConfigError, InputError
from bokehbench.rng import stream
from bokehbench.synth.dataset import make_library
from bokehbench.synth.store.reader import RECORD
from bokehbench.synth.training import (
    Augment,
    Batches,
    BokehDiffCollate,
    RenderCollate,
    SceneSource,
    StreamLoader,
    SynthDataset,
)
from bokehbench.synth.training.items import Item, stack
from bokehbench.synth.training.order import visit
from bokehbench.synth.training.packs import ScenePack
from bokehbench.training.photographs import STREAM, PhotographSettings, stored_identity, stream_identity

KEYS = ("aif", "bokeh", "disp")
COLLATE = BokehDiffCollate()
Pairs = dict[str, Tensor]


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


def scene_of(batch: Pairs) -> Scene:
    """What PISA sees of a batch."""
    return Scene(batch["disparity"], batch["radius"])


def stored_pairs(items: list[Item]) -> Pairs:
    """The collator of a stored set."""
    return pairs(stack(items))


class RenderedPairs:
    """The collator of a stream."""

    def __init__(self, render: RenderCollate) -> None:
        self.render, self.device = render, render.device

    def __call__(self, packs: Sequence[ScenePack]) -> Pairs:
        """A batch."""
        return pairs(self.render(packs))


class ChosenPhotographs:
    """Some photographs of a stored set, as a source of `synth.training.Batches`.

    Args:
        data: all of the set.
        chosen: indices of those that are taken.
    """

    def __init__(self, data: SynthDataset, chosen: Sequence[int]) -> None:
        self.data, self.chosen = data, tuple(chosen)

    def item(self, position: int) -> Item:
        """The part of a photograph at a position of the endless order."""
        epoch, place = visit(position, len(self.chosen), self.data.seed)
        return self.data[epoch * len(self.data) + self.chosen[place]]

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed on this source."""
        return {"photographs": self.data.identity(), "chosen": list(self.chosen)}


class Source(ABC):
    """Pairs for both stages.

    Args:
        settings: of the data.
        seed: of the order, and of crops and flips.
        workers: processes that prepare batches; results do not depend on it.
        rank, world: this process among those that train together.
        device: that the light of a stream is made on.
    """

    def __init__(
        self,
        settings: PhotographSettings,
        seed: int,
        *,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        self.settings, self.seed, self.workers = settings, seed, workers
        self.rank, self.world, self.device = rank, world, torch.device(device)

    def loader(self, batch: int, crop: int | None = None) -> StreamLoader:
        """Endless batches of `batch` pairs a step over all processes; crop None for the settings'."""
        if batch % self.world:
            raise ConfigError(f"a batch of {batch} cannot be shared out among {self.world} processes")
        side, settings = crop or self.settings.crop, self.settings
        augment = Augment((side, side), settings.flip, settings.flip_vertical)
        return self._loader(augment, batch // self.world)

    def held_out(self) -> list[Pairs]:
        """Batches of one for validation: fixed parts of scenes that are never trained on."""
        side = self.settings.validation_side
        return self._held_out(Augment((side, side)), self.settings.validation_crops)

    @abstractmethod
    def _loader(self, augment: Augment, batch: int) -> StreamLoader: ...

    @abstractmethod
    def _held_out(self, augment: Augment, count: int) -> list[Pairs]: ...

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Width and height of the photographs, pixels."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What the photographs are, for records; plain values."""


class StoredSource(Source):
    """A set that `bokehbench synth build` has made."""

    def __init__(self, root: Path, settings: PhotographSettings, seed: int, **others: Any) -> None:
        super().__init__(settings, seed, **others)
        if not (root / RECORD).is_file():
            command = settings.build_command().replace("SET", str(root))
            raise InputError(f"--data {root}: no synthetic set; this makes the one of --config: {command}")
        self.root = root

    def _photographs(self, augment: Augment) -> SynthDataset:
        return SynthDataset(self.root, KEYS, augment=augment, seed=self.seed)

    def _loader(self, augment: Augment, batch: int) -> StreamLoader:
        data = self._photographs(augment)
        train, _ = split(data, self.settings.held_out)
        batches = Batches(ChosenPhotographs(data, train), batch_size=batch, rank=self.rank, world=self.world)
        return StreamLoader(batches, stored_pairs, workers=self.workers)

    def _held_out(self, augment: Augment, count: int) -> list[Pairs]:
        data = self._photographs(augment)
        _, held = split(data, self.settings.held_out)
        # Each is another epoch's, so that a photograph that is taken twice gives two parts.
        return [
            stored_pairs([data[number * len(data) + held[number * len(held) // count]]])
            for number in range(count)
        ]

    def size(self) -> tuple[int, int]:
        """All photographs of a set have one size."""
        data = self._photographs(Augment())
        width, height = data.store.meta(data.samples[0])["out_size"]
        return int(width), int(height)

    def identity(self) -> dict[str, Any]:
        """Recipe, seed and assets of the set, and how much of it there is."""
        return stored_identity(self._photographs(Augment()))


class StreamSource(Source):
    """Scenes of the recipe, made while training; none is seen twice."""

    def __init__(self, settings: PhotographSettings, seed: int, **others: Any) -> None:
        super().__init__(settings, seed, **others)
        self.recipe = settings.load_recipe()
        self.library = make_library(self.recipe)

    def _scenes(self, root_seed: int, augment: Augment) -> SceneSource:
        return SceneSource(
            self.recipe,
            self.library,
            root_seed=root_seed,
            keys=KEYS,
            epoch_size=self.settings.scenes,
            augment=augment,
        )

    def _render(self) -> RenderedPairs:
        return RenderedPairs(RenderCollate(KEYS, quality=self.settings.quality, device=self.device))

    def _loader(self, augment: Augment, batch: int) -> StreamLoader:
        scenes = self._scenes(self.settings.seed, augment)
        batches = Batches(scenes, batch_size=batch, rank=self.rank, world=self.world)
        ahead = 2 if self.workers else 0
        return StreamLoader(batches, self._render(), workers=self.workers, ahead=ahead)

    def _held_out(self, augment: Augment, count: int) -> list[Pairs]:
        scenes = self._scenes(
            int(stream(self.settings.seed, 0, "training.held_out").integers(2**31)), augment
        )
        render = self._render()
        made = (render([scenes.pack(number)]) for number in range(count))
        return [{name: value.cpu() for name, value in batch.items()} for batch in made]

    def size(self) -> tuple[int, int]:
        """As the recipe says."""
        return self.recipe.size

    def identity(self) -> dict[str, Any]:
        """Recipe, seed and assets."""
        return stream_identity(self.recipe, self.library, self.settings.seed)


def open_source(data: str, settings: PhotographSettings, seed: int, **others: Any) -> Source:
    """What `--data` names: `stream`, or the folder of a set."""
    if data == STREAM:
        return StreamSource(settings, seed, **others)
    return StoredSource(Path(data), settings, seed, **others)


def split(data: SynthDataset, held_out: int) -> tuple[list[int], list[int]]:
    """Indices of the photographs to train on, and of those of the last scenes.

    Args:
        data: with all images of each stack.
        held_out: scenes.

    Raises:
        ConfigError: not enough scenes.
    """
    scenes = len(data.samples)
    if scenes <= held_out:
        raise ConfigError(
            f"{data.store.root}: {scenes} scenes are too few to hold {held_out} out (data.held_out); "
            "build more"
        )
    first = (scenes - held_out) * (len(data) // scenes)
    return list(range(first)), list(range(first, len(data)))
