"""A stored set as a data set of torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from bokehbench.errors import ConfigError, InputError
from bokehbench.layers import Layer, Plane
from bokehbench.optics import Lens
from bokehbench.rng import stream
from bokehbench.synth.render import disparity_map
from bokehbench.synth.store.reader import open_set, pictures_of
from bokehbench.synth.training.items import Item, checked_keys, lens_fields, map_tensors, truth_names
from bokehbench.synth.training.order import visit
from bokehbench.synth.training.window import Augment
from bokehbench.synth.truth.corruption import Corruption, CorruptionPlan
from bokehbench.synth.truth.named import Shot, View, compute, truth_spec

LENS_FIELDS = {item.name for item in fields(Lens)}


class SynthDataset(Dataset[Item]):
    """Samples that `bokehbench synth build` has stored, one bokeh image an item.

    Args:
        root: folder of the set.
        keys: what items hold, see `items`; ground truth that was not stored is computed from the stored
            layers where these are there.
        augment: random crop and flips; a function of (seed, index, epoch).
        renders: "all" counts every image of a bokeh stack as an item; "one" takes one of each sample, in
            every epoch another.
        seed: of augmentation, choice and order.
        corruption: makes `disp_pred` anew in every epoch, instead of what was stored.

    Index e N + i, with N the length, is item i in epoch e (`EpochSampler` yields such indices); indices
    below N are the first epoch.

    Raises:
        InputError: no set, or one without the pictures that are asked for.
        ConfigError: an unknown key.
    """

    def __init__(
        self,
        root: Path | str,
        keys: Sequence[str] = ("aif", "bokeh", "disp"),
        *,
        augment: Augment | None = None,
        renders: Literal["all", "one"] = "all",
        seed: int = 0,
        corruption: Corruption | None = None,
    ) -> None:
        self.keys = checked_keys(keys)
        self.augment = augment or Augment()
        self.renders = renders
        self.seed, self.corruption = seed, corruption
        self.store = open_set(Path(root))
        self.samples = self.store.keys()
        if not self.samples:
            raise InputError(f"{root}: holds no complete sample; bokehbench synth build --out {root} goes on")
        if renders not in ("all", "one"):
            raise ConfigError(f"renders must be all or one, not {renders!r}")
        names = truth_names(self.keys)
        if corruption is not None and "disp_pred" in names:
            names = [name for name in dict.fromkeys(("disp", "label", *names)) if name != "disp_pred"]
        self._names = names
        # All samples of a set have the same stack.
        self._stack = len(self.store.meta(self.samples[0])["renders"]) if renders == "all" else 1

    def __len__(self) -> int:
        return len(self.samples) * self._stack

    def __iter__(self) -> Iterator[Item]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Item:
        if index < 0:
            raise IndexError(index)
        epoch, place = divmod(index, len(self))
        key, number = self.samples[place // self._stack], place % self._stack
        meta = self.store.meta(key)
        if self.renders == "one":
            number = int(stream(self.seed, place, "training.render", epoch).integers(len(meta["renders"])))
        render = meta["renders"][number]
        lens = Lens.from_json({name: value for name, value in render.items() if name in LENS_FIELDS})
        window = self.augment.window(tuple(meta["out_size"]), self.seed, place, epoch)
        pictures = self._pictures(key, meta, render)
        if self.corruption is not None and "disp_pred" in self.keys:
            rng = stream(self.seed, place, "training.corruption", epoch)
            plan = CorruptionPlan.sample(rng, self.corruption)
            pictures["disp_pred"] = plan.apply(pictures["disp"], pictures["label"])
        item: Item = dict(
            map_tensors((k for k in self.keys if k != "planes"), pictures, lens, render["id"], window)
        )
        if "planes" in self.keys:
            planes = [window.plane(Plane(*layer["plane"])) for layer in meta["layers"]]
            item["planes"] = torch.tensor(
                [[plane.p, plane.q, plane.r] for plane in planes], dtype=torch.float64
            )
        return item | lens_fields(window.lens(lens), key, render["id"])

    def item(self, position: int) -> Item:
        """The item at a position of the endless shuffled order (`stream.Batches` trains on it)."""
        epoch, index = visit(position, len(self), self.seed)
        return self[epoch * len(self) + index]

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed on this source."""
        return {
            "set": {
                name: self.store.record.get(name) for name in ("config_hash", "root_seed", "assets_hash")
            },
            "length": len(self),
            "keys": list(self.keys),
            "augment": repr(self.augment),
            "renders": self.renders,
            "seed": self.seed,
            "corruption": repr(self.corruption),
        }

    def _pictures(
        self, key: str, meta: dict[str, Any], render: dict[str, Any]
    ) -> dict[str, npt.NDArray[Any]]:
        """Arrays by the names of `Truth`: read where they are stored, else computed from stored layers."""
        there = pictures_of(meta)
        found: dict[str, npt.NDArray[Any]] = {}
        missing = []
        for name in self._names:
            stored = [each for each in _pictures_of(name, render["id"], len(meta["layers"])) if each in there]
            if stored:
                found |= {each: self.store.read(key, each, meta) for each in stored}
            else:
                missing.append(name)
        if missing:
            found |= self._computed(key, meta, render, missing)
        return found

    def _computed(
        self, key: str, meta: dict[str, Any], render: dict[str, Any], names: list[str]
    ) -> dict[str, npt.NDArray[Any]]:
        layers = [f"layer_{i}" for i in range(len(meta["layers"]))]
        lost = [name for name in names if truth_spec(name).needs == "light" or name == "disp_pred"]
        if lost or not set(layers) <= pictures_of(meta).keys():
            what = ", ".join(lost or names)
            raise InputError(
                f"{self.store.root}: sample {key} holds no {what}; build the set again with these names in "
                "the recipe's `truth`" + ("" if lost else " (or with `layers`, from which they follow)")
            )
        size = tuple(meta["out_size"])
        stack = tuple(
            Layer(self.store.read(key, name, meta), Plane(*fact["plane"]), fact["x"], fact["y"])
            for name, fact in zip(layers, meta["layers"], strict=True)
        )
        lens = Lens.from_json({name: value for name, value in render.items() if name in LENS_FIELDS})
        shot = Shot(render["id"], lens, render.get("focus_layer"))
        transfer = meta.get("transfer", "power")
        view = View(stack, size, meta["gamma"], disparity_map(stack, size), (shot,), transfer=transfer)
        return {truth.name: truth.pixels for truth in compute(names, view)}


def _pictures_of(name: str, shot: str, layers: int) -> list[str]:
    """Names of the pictures that a name of ground truth may have in a sample."""
    if name == "boundary":
        return [f"{part}_{i}" for part in ("bdist", "bdisp") for i in range(layers)]
    return [name, f"{name}_{shot}", *(f"{name}_{i}" for i in range(layers))]
