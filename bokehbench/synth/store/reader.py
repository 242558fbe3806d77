"""Open a set of any store: keys, JSON and pictures of its samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt

from bokehbench.errors import InputError
from bokehbench.records import read_json
from bokehbench.synth.store import shards
from bokehbench.synth.store.folder import SampleFiles, complete_keys, read_meta
from bokehbench.synth.store.pictures import gamma_of, read_picture

SCHEMA = "bokehbench.synth.dataset/1"
RECORD = "dataset.json"


class StoredSet(ABC):
    """Samples on disk; cheap to send to another process.

    Attributes:
        root: folder of the set.
        record: its dataset.json.
    """

    def __init__(self, root: Path, record: dict[str, Any]) -> None:
        self.root = root
        self.record = record

    @abstractmethod
    def keys(self) -> list[str]:
        """Keys of complete samples, sorted."""

    @abstractmethod
    def meta(self, key: str) -> dict[str, Any]:
        """The JSON of a sample."""

    @abstractmethod
    def data(self, key: str, name: str) -> bytes:
        """Bytes of the file of a picture, by its name (`aif`, `bokeh_k0`, ...)."""

    def read(self, key: str, name: str, meta: dict[str, Any] | None = None) -> npt.NDArray[Any]:
        """Pixels of a picture as `truth.types.Kind` says, images encoded whatever the file is.

        Raises:
            InputError: the sample has no such picture, or its file is missing or damaged.
        """
        meta = self.meta(key) if meta is None else meta
        picture = self.picture(meta, name)
        gamma = gamma_of(name, {r["id"]: r["gamma"] for r in meta["renders"]}, meta["gamma"])
        where = f"{self.root}: {picture['file']}"
        return read_picture(self.data(key, name), where, picture["kind"], gamma)

    def picture(self, meta: dict[str, Any], name: str) -> dict[str, Any]:
        """File and kind of a picture."""
        pictures = pictures_of(meta)
        if name not in pictures:
            has = ", ".join(pictures)
            raise InputError(f"{self.root}: sample {meta['key']} has no picture {name} (it has {has})")
        return pictures[name]


class FolderSet(StoredSet):
    """A folder store (also the samples of a WebDataset store that wait for their shard)."""

    def keys(self) -> list[str]:
        """See `StoredSet`."""
        return complete_keys(self.root)

    def meta(self, key: str) -> dict[str, Any]:
        """See `StoredSet`."""
        return read_meta(SampleFiles(self.root, key).meta)

    def data(self, key: str, name: str) -> bytes:
        """See `StoredSet`."""
        path = self.root / self.picture(self.meta(key), name)["file"]
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: not readable ({error.strerror})") from error


class ShardSet(StoredSet):
    """A WebDataset store."""

    @cached_property
    def _index(self) -> dict[str, dict[str, shards.Member]]:
        found: dict[str, dict[str, shards.Member]] = {}
        for path in shards.shard_paths(self.root):
            found |= shards.index(path)
        return found

    def _members(self, key: str) -> dict[str, shards.Member]:
        if key not in self._index:
            raise InputError(f"{self.root}: has no sample {key}")
        return self._index[key]

    def keys(self) -> list[str]:
        """See `StoredSet`."""
        return sorted(self._index)

    def meta(self, key: str) -> dict[str, Any]:
        """See `StoredSet`."""
        return shards.read_packed_meta(self._members(key), key)

    def data(self, key: str, name: str) -> bytes:
        """See `StoredSet`."""
        members, meta = self._members(key), self.meta(key)
        member = shards.member_name(name, self.picture(meta, name)["file"])
        if member not in members:
            raise InputError(f"{self.root}: {key}.{member} is missing from its shard")
        return members[member].read()


def pictures_of(meta: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Name -> file and kind; sets made before samples said so have the four pictures of that time."""
    if "pictures" in meta:
        return dict(meta["pictures"])
    kinds = {"aif": "image", "bokeh": "image", "disp": "disparity", "layers": "layer"}
    found = {}
    for file in meta["files"]:
        folder, _, rest = file.partition("/")
        if folder not in kinds:
            raise InputError(f"sample {meta['key']}: does not say what {file} is (its JSON lacks pictures)")
        part = Path(rest).stem.removeprefix(meta["key"])
        name = "layer" if folder == "layers" else folder
        found[f"{name}{part}"] = {"file": file, "kind": kinds[folder]}
    return found


def read_dataset(root: Path) -> dict[str, Any]:
    """dataset.json of a set; InputError where the folder is none."""
    path = root / RECORD
    if not path.is_file():
        raise InputError(
            f"{root}: not a synthetic set (no {RECORD}); bokehbench synth build --out {root} makes one"
        )
    values = read_json(path)
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise InputError(f"{path}: not the record of a synthetic set of this version ({SCHEMA})")
    return values


def open_set(root: Path) -> StoredSet:
    """The set in a folder, whatever its store; InputError where there is none."""
    record = read_dataset(root)
    kind = ShardSet if record.get("store", "folder") == "wds" else FolderSet
    return kind(root, record)
