"""Reading what a store holds: the JSON and the pictures of samples, by name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError
from bokehbench.images import read_disparity, read_exr, read_grey, read_image, read_rgba
from bokehbench.records import sha256_json
from bokehbench.synth.dataset import read_dataset, sample_keys
from bokehbench.synth.store.folder import SampleFiles, read_meta


class StoredSet(Protocol):
    """Samples of a set, however they are stored."""

    root: Path
    keys: list[str]
    identity: str

    def meta(self, key: str) -> dict[str, Any]:
        """JSON of a sample."""
        ...

    def names(self, key: str) -> set[str]:
        """Pictures that it has: `aif`, `bokeh_k0`, `layer_1` ..."""
        ...

    def read(self, key: str, name: str) -> npt.NDArray[Any]:
        """A picture as `Truth` has it."""
        ...


def open_set(root: Path) -> StoredSet:
    """The set in a folder; InputError where there is none."""
    read_dataset(root)
    return FolderSet(root)


class FolderSet:
    """The folder store: one file a picture."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys = sample_keys(root)
        record = read_dataset(root)
        self.identity = sha256_json(
            {name: record.get(name) for name in ("config_hash", "root_seed", "assets_hash")}
        )
        self._meta = lru_cache(maxsize=4096)(lambda key: read_meta(SampleFiles(root, key).meta))

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["root"])  # type: ignore[misc]

    def meta(self, key: str) -> dict[str, Any]:
        """JSON of a sample."""
        return self._meta(key)

    def names(self, key: str) -> set[str]:
        """Pictures that it has."""
        return set(_by_name(key, tuple(self.meta(key)["files"])))

    def read(self, key: str, name: str) -> npt.NDArray[Any]:
        """A picture as `Truth` has it."""
        files = _by_name(key, tuple(self.meta(key)["files"]))
        if name not in files:
            raise InputError(f"{self.root}: sample {key} holds no {name}")
        return decode(self.root / files[name], name)


@lru_cache(maxsize=4096)
def _by_name(key: str, files: tuple[str, ...]) -> dict[str, str]:
    """`aif/KEY.png` -> aif, `bokeh/KEY_k0.png` -> bokeh_k0, `layers/KEY_1.exr` -> layer_1."""
    found = {}
    for file in files:
        path = Path(file)
        part = path.stem.removeprefix(key)
        found[("layer" if path.parent.name == "layers" else path.parent.name) + part] = file
    return found


def decode(path: Path, name: str) -> npt.NDArray[Any]:
    """A picture from its file, by what its name means.

    Returns:
        [H, W, 3] or [H, W, 4] float32 of images, cut-outs and layers, [H, W] float32 of maps, [H, W] uint8
        of labels.
    """
    kind = name.partition("_")[0]
    if path.suffix == ".exr":
        channels = read_exr(path)
        order = [channel for channel in "RGBA" if channel in channels]
        return (
            np.stack([channels[c] for c in order], axis=2)
            if len(order) > 1
            else next(iter(channels.values()))
        )
    if kind in ("disp", "bdisp"):
        return read_disparity(path, normalise=False).values
    if kind in ("aif", "bokeh", "lq"):
        return read_image(path)
    if kind == "rgba":
        return read_rgba(path)
    if kind == "label":
        return np.asarray(np.rint(255.0 * read_grey(path)), np.uint8)
    return read_grey(path)
