"""From photographs to what BokehMe's networks are trained on, the classical rendering among it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from bokehbench.baselines.scatter.tensors import scatter_tensor
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


def prepare(item: Item) -> Crop:
    """What the networks are trained on, of one photograph.

    Args:
        item: keys aif, bokeh, disp, bdist and bdisp, and disp_pred where the disparity that is seen is not
            the true one.

    Returns:
        image, target: [3, H, W] encoded. gamma: [].
        defocus: [1, H, W] signed, pixels, as it is seen.
        classical: [3, H, W] encoded, scattered by that defocus. dilated: [1, H, W], pixels, of it.
        error: [1, H, W], E* (the paper's eq. 5), a fact of the scene: from the true disparity.
    """
    image, gamma = item["aif"], item["gamma"]
    K, focus = item["K"].view(1), item["disp_focus"].view(1)
    seen: Tensor = item["disp_pred"] if "disp_pred" in item else item["disp"]
    defocus = signed_defocus(seen[None], K, focus)
    light = image.clamp(min=0.0) ** gamma
    blurred, dilated = scatter_tensor(light[None], defocus, Lens.from_json(item["lens"]).aperture)
    return {
        "image": image,
        "target": item["bokeh"],
        "gamma": gamma,
        "defocus": defocus[0],
        "classical": blurred[0].clamp(min=0.0) ** (1.0 / gamma),
        "dilated": dilated[0],
        "error": error_map(item["disp"][None], item["bdist"][None], item["bdisp"][None], K, focus)[0],
    }


def stacked(crops: Sequence[Mapping[str, npt.NDArray[np.float32]]]) -> Crop:
    """A batch, [B, ...] each, of crops as `StoredCrops` gives them."""
    return {name: torch.from_numpy(np.stack([crop[name] for crop in crops])) for name in crops[0]}


class RenderedCrops:
    """The collator of a stream: renders scenes and prepares them.

    Args:
        render: of scenes; keys as `KEYS`, and disp_pred where there is corruption.
    """

    def __init__(self, render: RenderCollate) -> None:
        self.render, self.device = render, render.device

    def __call__(self, packs: Sequence[ScenePack]) -> Crop:
        """A batch."""
        # One by one: scenes have unequally many layers, and lenses of their own.
        batches = [self.render([pack]) for pack in packs]
        crops = [prepare({key: value[0] for key, value in batch.items()}) for batch in batches]
        return {name: torch.stack([crop[name] for crop in crops]) for name in crops[0]}


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
        data: all of the set.
        chosen: indices of the photographs that are taken.
        crops: taken out of a photograph in a row, each time that it is read.
        corruption: of the disparity that is seen, other in every crop; None for the true one.
    """

    def __init__(
        self, data: SynthDataset, chosen: Sequence[int], crops: int, corruption: Corruption | None
    ) -> None:
        self.data, self.chosen, self.crops, self.corruption = data, tuple(chosen), crops, corruption
        if not isinstance(data.store, KeptPictures):
            data.store = KeptPictures(data.store)

    def __len__(self) -> int:
        return len(self.chosen) * self.crops

    def item(self, position: int) -> dict[str, npt.NDArray[np.float32]]:
        """The crop at a position of the endless order.

        Arrays, not tensors: those would go from workers to the main process through a file each.
        """
        group, crop = divmod(position, self.crops)
        epoch, place = visit(group, len(self.chosen), self.data.seed)
        made = self.crop(self.chosen[place], epoch * self.crops + crop)
        return {name: value.numpy() for name, value in made.items()}

    def crop(self, index: int, epoch: int) -> Crop:
        """A crop of a photograph, in each epoch another."""
        if get_worker_info() is not None:
            import numba

            numba.set_num_threads(1)  # the workers share the cores
        item = self.data[epoch * len(self.data) + index]
        if self.corruption is not None:
            rng = stream(self.data.seed, index, "training.corruption", epoch)
            disparity = item["disp"][0].numpy()
            labels = np.zeros(disparity.shape, np.uint8)  # neither blur nor morphology asks for them
            spoiled = CorruptionPlan.sample(rng, self.corruption).apply(disparity, labels)
            item["disp_pred"] = torch.from_numpy(spoiled)[None]
        return prepare(item)

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to be resumed on this source."""
        return {
            "photographs": self.data.identity(),
            "chosen": list(self.chosen),
            "crops": self.crops,
            "corruption": self.corruption and self.corruption.model_dump(mode="json"),
        }
