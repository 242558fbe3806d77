"""From photographs to what BokehMe's networks are trained on, the classical rendering among it."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehbench.baselines.bokehme.procedure import classical_rendering
from bokehbench.optics import Lens
from bokehbench.rng import stream
from bokehbench.synth.store.reader import StoredSet
from bokehbench.synth.training import RenderCollate, ScenePack, SynthDataset
from bokehbench.synth.training.collators import error_map, signed_defocus
from bokehbench.synth.training.items import Item
from bokehbench.synth.training.order import visit
from bokehbench.synth.truth.corruption import Corruption, CorruptionPlan

KEYS = ("aif", "bokeh", "disp", "boundary")
MEMORY = 256 * 2**20
"""Bytes of decoded pictures that a process keeps."""

Crop = dict[str, Tensor]


def margin(K: float) -> int:
    """Pixels from which light reaches a crop, and a wrong defocus too, with this K."""
    return math.ceil(K) + 1


def prepare(item: Item, around: int = 0) -> Crop:
    """What the networks are trained on, of a part of a photograph.

    Args:
        item: keys aif, bokeh, disp, bdist and bdisp, and disp_pred where the disparity that is seen is not
            the true one.
        around: pixels on each side that scattering sees, and that are cut off afterwards.

    Returns:
        image, target: [3, H, W] encoded. gamma: [].
        defocus: [1, H, W] signed, pixels, as it is seen.
        classical: [3, H, W] encoded, scattered by that defocus. dilated: [1, H, W], pixels, of it.
        error: [1, H, W], E* (the paper's eq. 5), a fact of the scene: from the true disparity.
    """
    image, gamma = item["aif"], item["gamma"]
    aperture = Lens.from_json(item["lens"]).aperture
    K, focus = item["K"].view(1), item["disp_focus"].view(1)
    seen: Tensor = item["disp_pred"] if "disp_pred" in item else item["disp"]
    defocus = signed_defocus(seen[None], K, focus)
    classical, dilated = classical_rendering(image[None], defocus, gamma.view(1), aperture)
    pictures = {
        "image": image,
        "target": item["bokeh"],
        "defocus": defocus[0],
        "classical": classical[0],
        "dilated": dilated[0],
        "error": error_map(item["disp"][None], item["bdist"][None], item["bdisp"][None], K, focus)[0],
    }
    height, width = image.shape[-2:]
    inner = (slice(around, height - around), slice(around, width - around))
    return {"gamma": gamma, **{name: one[..., *inner].contiguous() for name, one in pictures.items()}}


def stacked(crops: Sequence[Mapping[str, npt.NDArray[np.float32]]]) -> Crop:
    """A batch, [B, ...] each, of crops as `StoredCrops` gives them."""
    return {name: torch.from_numpy(np.stack([crop[name] for crop in crops])) for name in crops[0]}


class RenderedCrops:
    """The collator of a stream: renders scenes and prepares them.

    Args:
        render: of scenes; keys as `KEYS`, and disp_pred where there is corruption.
        around: see `prepare`.
    """

    def __init__(self, render: RenderCollate, around: int) -> None:
        self.render, self.around, self.device = render, around, render.device

    def __call__(self, packs: Sequence[ScenePack]) -> Crop:
        """A batch."""
        # One by one: scenes have unequally many layers, and lenses of their own.
        batches = [self.render([pack]) for pack in packs]
        items = [{key: value[0] for key, value in batch.items()} for batch in batches]
        crops = [self.prepared(item) for item in items]
        return {name: torch.stack([crop[name] for crop in crops]) for name in crops[0]}

    def prepared(self, item: Item) -> Crop:
        """What is trained on, of a scene."""
        return prepare(item, self.around)


class KeptPictures(StoredSet):
    """A stored set that keeps what it has decoded last, so that several crops cost one reading."""

    def __init__(self, stored: StoredSet, memory: int = MEMORY) -> None:
        super().__init__(stored.root, stored.record)
        self.stored, self.memory, self._used = stored, memory, 0
        self._pictures: OrderedDict[tuple[str, str], npt.NDArray[Any]] = OrderedDict()
        self._metas: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def keys(self) -> list[str]:
        """See `StoredSet`."""
        return self.stored.keys()

    def meta(self, key: str) -> dict[str, Any]:
        """See `StoredSet`."""
        if key not in self._metas:
            self._metas[key] = self.stored.meta(key)
            if len(self._metas) > 64:
                self._metas.popitem(last=False)
        return self._metas[key]

    def data(self, key: str, name: str) -> bytes:
        """See `StoredSet`."""
        return self.stored.data(key, name)

    def read(self, key: str, name: str, meta: dict[str, Any] | None = None) -> npt.NDArray[Any]:
        """See `StoredSet`; not to be changed."""
        if (key, name) in self._pictures:
            self._pictures.move_to_end((key, name))
            return self._pictures[key, name]
        pixels = self.stored.read(key, name, meta)
        self._pictures[key, name] = pixels
        self._used += pixels.nbytes
        while self._used > self.memory and len(self._pictures) > 1:
            self._used -= self._pictures.popitem(last=False)[1].nbytes
        return pixels


class StoredCrops:
    """Crops of a stored set, as a source of `synth.training.Batches`.

    Args:
        data: all of the set; its windows are larger than the crops by `around` on each side.
        chosen: indices of the photographs that are taken.
        crops: taken out of a photograph each time that it is read.
        mixed: photographs that are read together, and whose crops are shuffled: a batch is to hold crops of
            many photographs, though each is read for several.
        corruption: of the disparity that is seen, other in every crop; None for the true one.
        around: see `prepare`.
        tries: parts that are drawn for a crop, see `settings.DataSettings`.
    """

    def __init__(
        self,
        data: SynthDataset,
        chosen: Sequence[int],
        crops: int = 1,
        mixed: int = 1,
        corruption: Corruption | None = None,
        around: int = 0,
        tries: int = 1,
    ) -> None:
        self.data, self.chosen, self.corruption = data, tuple(chosen), corruption
        self.crops, self.mixed, self.around, self.tries = crops, mixed, around, tries
        if not isinstance(data.store, KeptPictures):
            data.store = KeptPictures(data.store)

    def __len__(self) -> int:
        return len(self.chosen) * self.crops

    def item(self, position: int) -> dict[str, npt.NDArray[np.float32]]:
        """The crop at a position of the endless order.

        Arrays, not tensors: those would go from workers to the main process through a file each.
        """
        group, crop = self.place(position)
        epoch, place = visit(group, len(self.chosen), self.data.seed)
        made = self.crop(self.chosen[place], epoch * self.crops + crop)
        return {name: value.numpy() for name, value in made.items()}

    def place(self, position: int) -> tuple[int, int]:
        """(number of the photograph in the endless order, number of its crop) at a position."""
        block, inside = divmod(position, self.mixed * self.crops)
        shuffled = _shuffled(self.mixed * self.crops, self.data.seed, block)[inside]
        return block * self.mixed + int(shuffled) // self.crops, int(shuffled) % self.crops

    def crop(self, index: int, epoch: int) -> Crop:
        """A crop of a photograph, in each epoch another."""
        visits = range(epoch * self.tries, (epoch + 1) * self.tries)
        item = max((self.data[visit * len(self.data) + index] for visit in visits), key=edges)
        if self.corruption is not None:
            rng = stream(self.data.seed, index, "training.corruption", epoch)
            disparity = item["disp"][0].numpy()
            labels = np.zeros(disparity.shape, np.uint8)  # neither blur nor morphology asks for them
            spoiled = CorruptionPlan.sample(rng, self.corruption).apply(disparity, labels)
            item["disp_pred"] = torch.from_numpy(spoiled)[None]
        return self.prepared(item)

    def prepared(self, item: Item) -> Crop:
        """What is trained on, of a part of a photograph."""
        return prepare(item, self.around)

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed on this source."""
        return {
            "photographs": self.data.identity(),
            "chosen": list(self.chosen),
            "crops": self.crops,
            "mixed": self.mixed,
            "around": self.around,
            "tries": self.tries,
            "corruption": self.corruption and self.corruption.model_dump(mode="json"),
        }


def edges(item: Item) -> float:
    """How much of a part of a photograph depth edges reach: the mean of E*."""
    K, focus = item["K"].view(1), item["disp_focus"].view(1)
    reached = error_map(item["disp"][None], item["bdist"][None], item["bdisp"][None], K, focus)
    return float(reached.mean())


@lru_cache(maxsize=8)
def _shuffled(length: int, seed: int, block: int) -> npt.NDArray[np.int64]:
    return stream(seed, block, "training.mixed").permutation(length)
