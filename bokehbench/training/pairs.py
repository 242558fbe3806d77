"""Pairs of pictures for methods that are trained on whole parts of photographs; stored or made new."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bokehbench.rng import stream
from bokehbench.synth.degrade import DegradePlan, apply, load_preset
from bokehbench.synth.training import Augment, RenderCollate, SceneSource, StreamLoader, SynthDataset
from bokehbench.synth.training.items import Batch, Item, stack, to_tensor
from bokehbench.synth.training.order import visit
from bokehbench.synth.training.packs import ScenePack
from bokehbench.training.photographs import STREAM, PhotographSettings
from bokehbench.training.sources import (
    AHEAD,
    Photographs,
    StoredPhotographs,
    StreamedPhotographs,
    first_held_out,
)

Pairs = dict[str, Tensor]


@dataclass(frozen=True)
class Wanted:
    """What a method takes of photographs.

    Attributes:
        keys: of `synth.training.items`, without `lq`.
        pairs: makes of a batch of them what the networks are trained on.
        degrade: preset of a low-quality `lq` beside the keys, which then hold `aif`: another degradation each
            time that a photograph is seen. None: no `lq`.
    """

    keys: tuple[str, ...]
    pairs: Callable[[Batch], Pairs]
    degrade: str | None = None


class PairSource(Photographs[PhotographSettings]):
    """Photographs as pairs; `Wanted` says of what."""

    def loader(self, wanted: Wanted, batch: int, crop: int | None = None) -> StreamLoader:
        """Endless batches of `batch` pairs a step over all processes; crop None for the settings'."""
        side, settings = crop or self.settings.crop, self.settings
        return self._loader(wanted, Augment((side, side), settings.flip, settings.flip_vertical), batch)

    def held_out(self, wanted: Wanted) -> list[Pairs]:
        """Batches of one for validation: fixed parts of scenes that are never trained on."""
        side = self.settings.validation_side
        return self._held_out(wanted, Augment((side, side)), self.settings.validation_crops)

    @abstractmethod
    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader: ...

    @abstractmethod
    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Pairs]: ...


class StoredPairs(StoredPhotographs[PhotographSettings], PairSource):
    """Of a set that `bokehbench synth build` has made."""

    def largest_K(self) -> float:
        """Of all photographs, pixels a unit of disparity; no picture is read for it."""
        data = self.dataset()
        return max(float(one["K"]) for key in data.samples for one in data.store.meta(key)["renders"])

    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader:
        data = self.dataset(wanted.keys, augment)
        train, _ = split(data, self.settings.held_out)
        chosen = ChosenPhotographs(data, train, wanted.degrade)
        return self.batches(chosen, batch, StackedPairs(wanted.pairs))

    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Pairs]:
        data = self.dataset(wanted.keys, augment)
        _, held = split(data, self.settings.held_out)
        chosen, collate = ChosenPhotographs(data, held, wanted.degrade), StackedPairs(wanted.pairs)
        # Each is another epoch's, so that a photograph that is taken twice gives two parts.
        return [collate([chosen.part(number * len(held) // count, number)]) for number in range(count)]


class StreamedPairs(StreamedPhotographs[PhotographSettings], PairSource):
    """Of scenes that are made while training."""

    def _scenes(self, wanted: Wanted, root_seed: int, augment: Augment) -> SceneSource:
        return SceneSource(
            self.recipe,
            self.library,
            root_seed=root_seed,
            keys=_with_lq(wanted),
            epoch_size=self.settings.scenes,
            augment=augment,
            degrade=wanted.degrade,
        )

    def _render(self, wanted: Wanted) -> RenderedPairs:
        render = RenderCollate(_with_lq(wanted), quality=self.settings.quality, device=self.device)
        return RenderedPairs(render, wanted.pairs)

    def _loader(self, wanted: Wanted, augment: Augment, batch: int) -> StreamLoader:
        scenes = self._scenes(wanted, self.settings.seed, augment)
        return self.batches(scenes, batch, self._render(wanted), AHEAD)

    def _held_out(self, wanted: Wanted, augment: Augment, count: int) -> list[Pairs]:
        scenes, render = self._scenes(wanted, self.held_out_seed, augment), self._render(wanted)
        made = (render([scenes.pack(number)]) for number in range(count))
        return [{name: value.cpu() for name, value in batch.items()} for batch in made]


def open_pairs(data: str, settings: PhotographSettings, seed: int, **others: Any) -> PairSource:
    """What `--data` names: `stream`, or the folder of a set."""
    if data == STREAM:
        return StreamedPairs(settings, seed, **others)
    return StoredPairs(Path(data), settings, seed, **others)


class ChosenPhotographs:
    """Some photographs of a stored set, as a source of `synth.training.Batches`.

    Args:
        data: all of the set.
        chosen: indices of those that are taken.
        degrade: preset of `lq`, drawn anew for every visit; None for none.
    """

    def __init__(self, data: SynthDataset, chosen: Sequence[int], degrade: str | None = None) -> None:
        self.data, self.chosen = data, tuple(chosen)
        self.degrade = load_preset(degrade) if degrade is not None else None

    def item(self, position: int) -> Item:
        """The part of a photograph at a position of the endless order."""
        epoch, place = visit(position, len(self.chosen), self.data.seed)
        return self.part(place, epoch)

    def part(self, place: int, epoch: int) -> Item:
        """Of the chosen photograph with this number, in each epoch another part."""
        index = self.chosen[place]
        item = self.data[epoch * len(self.data) + index]
        if self.degrade is None:
            return item
        clean = item["aif"].numpy().transpose(1, 2, 0)
        rng = stream(self.data.seed, index, "training.degrade", epoch)
        plan = DegradePlan.sample(rng, self.degrade, (clean.shape[1], clean.shape[0]))
        return {**item, "lq": to_tensor(apply(plan, np.ascontiguousarray(clean)))}

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed on this source."""
        own = {"photographs": self.data.identity(), "chosen": list(self.chosen)}
        return own if self.degrade is None else own | {"degrade": self.degrade.model_dump(mode="json")}


@dataclass(frozen=True)
class StackedPairs:
    """The collator of a stored set."""

    pairs: Callable[[Batch], Pairs]

    def __call__(self, items: list[Item]) -> Pairs:
        """A batch."""
        return self.pairs(stack(items))


class RenderedPairs:
    """The collator of a stream."""

    def __init__(self, render: RenderCollate, pairs: Callable[[Batch], Pairs]) -> None:
        self.render, self.pairs, self.device = render, pairs, render.device

    def __call__(self, packs: Sequence[ScenePack]) -> Pairs:
        """A batch."""
        return self.pairs(self.render(packs))


def split(data: SynthDataset, held_out: int) -> tuple[list[int], list[int]]:
    """Indices of the photographs to train on, and of those of the last scenes.

    Args:
        data: with all images of each stack.
        held_out: scenes.

    Raises:
        ConfigError: not enough scenes.
    """
    first = first_held_out(data, held_out) * (len(data) // len(data.samples))
    return list(range(first)), list(range(first, len(data)))


def partly_in_focus(batch: Pairs, share: float, blur: Sequence[str]) -> Pairs:
    """A batch of which some pictures are seen with the aperture closed: what comes out is what goes in.

    Torch's random numbers stand in checkpoints, so that a resumed training draws the same.

    Args:
        batch: with `image`, `target` and `blur`.
        share: of the pictures, by chance.
        blur: names of what says how strongly to blur, [B, ...]: 0 for those pictures.
    """
    if share == 0.0:
        return batch
    chosen = (torch.rand(len(batch["image"])) < share).to(batch["image"].device)
    target = torch.where(chosen.view(-1, 1, 1, 1), batch["image"], batch["target"])
    return {**batch, "target": target} | {
        name: batch[name].masked_fill(chosen.view(-1, *[1] * (batch[name].dim() - 1)), 0.0) for name in blur
    }


def _with_lq(wanted: Wanted) -> tuple[str, ...]:
    return wanted.keys if wanted.degrade is None else (*wanted.keys, "lq")
