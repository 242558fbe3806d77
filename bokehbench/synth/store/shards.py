"""The WebDataset store: tar files of a fixed range of samples each, and what packs them.

Shard s holds the samples s S ... (s + 1) S - 1 of the set, and nothing else, whatever the order in which
they were made; its bytes are a function of theirs. Members are named {key}.{picture}.{suffix}, keys
without dots, in order::

    000000123.aif.png  000000123.bokeh_k0.png  000000123.disp.png  000000123.json  000000123.meta ...

`json` is a flat row with the same columns for every sample (the loader of `datasets` insists on that),
`meta` the sample's whole JSON, from which it can be made again.

Samples wait for their shard in `waiting/`, a folder store. Beside each shard lies a table of its samples
(`train-000042.parquet`), written first.
"""

from __future__ import annotations

import functools
import json
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench.errors import InputError
from bokehbench.images import encode_png, write_exr
from bokehbench.records import atomic_path
from bokehbench.synth.store import table
from bokehbench.synth.store.folder import SampleFiles, check_meta, read_meta, remove_sample

WAITING = "waiting"
OWNER = "bokehbench"
META = "meta"
"""Member with a sample's JSON; no suffix that readers would decode."""


@dataclass(frozen=True)
class Member:
    """Where the bytes of one member lie."""

    tar: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """The bytes; InputError where the file ends before."""
        try:
            with self.tar.open("rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise InputError(f"{self.tar}: not readable ({error.strerror})") from error
        if len(data) != self.size:
            raise InputError(f"{self.tar}: cut short; delete it and run bokehbench synth build again")
        return data


def shard_path(root: Path, shard: int) -> Path:
    """The tar file of a shard."""
    return root / f"train-{shard:06d}.tar"


def shard_paths(root: Path) -> list[Path]:
    """All shards that are there, in order."""
    return sorted(path for path in root.glob("train-*.tar") if path.stem[6:].isdigit())


def member_name(picture: str, file: str) -> str:
    """What follows the key: `bokeh_k0.png`."""
    return picture + Path(file).suffix


def pack(root: Path, shard: int, keys: Sequence[str], layers: int) -> None:
    """Write a shard from samples that wait; equal samples make equal bytes.

    Args:
        root, shard, keys: which.
        layers: most that a sample of the set may have.
    """
    import webdataset

    waiting, path = root / WAITING, shard_path(root, shard)
    metas = [read_meta(SampleFiles(waiting, key).meta) for key in sorted(keys)]
    with atomic_path(path) as part, part.open("wb") as file:
        with webdataset.TarWriter(file, encoder=False, mtime=0, user=OWNER, group=OWNER) as writer:
            for meta in metas:
                members = {
                    member_name(name, picture["file"]): (waiting / picture["file"]).read_bytes()
                    for name, picture in meta["pictures"].items()
                }
                members |= _blanks(meta, layers)
                members["json"] = json.dumps(table.row(meta, files=False), sort_keys=True).encode()
                members[META] = SampleFiles(waiting, meta["key"]).meta.read_bytes()
                writer.write({"__key__": meta["key"], **members})
        table.write_parquet(path.with_suffix(".parquet"), [table.row(meta, files=False) for meta in metas])


def _blanks(meta: dict[str, Any], layers: int) -> dict[str, bytes]:
    """One black pixel for every layer that a sample has fewer than another of its set may have.

    The loader of `datasets` opens only sets whose samples all have the same members; the sample's JSON does
    not name these.
    """
    found = {}
    for name, picture in meta["pictures"].items():
        stem, _, part = name.rpartition("_")
        if part != "0":  # of every numbered picture the first
            continue
        channels = {"layer": "RGBA", "rgba": "RGBA"}.get(picture["kind"], "Y")
        for number in range(len(meta["layers"]), layers):
            member = member_name(f"{stem}_{number}", picture["file"])
            found[member] = _black(channels, exr=member.endswith(".exr"))
    return found


@functools.cache
def _black(channels: str, *, exr: bool) -> bytes:
    if not exr:
        return encode_png(np.zeros((1, 1, len(channels)), np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "black.exr"
        write_exr(path, {name: np.zeros((1, 1), np.float32) for name in channels})
        return path.read_bytes()


def unpack(root: Path, shard: int) -> None:
    """Put the samples of a shard back among those that wait (a shard that has to grow)."""
    waiting = root / WAITING
    for key, members in index(shard_path(root, shard)).items():
        meta = read_packed_meta(members, key)
        for name, picture in meta["pictures"].items():
            data = members[member_name(name, picture["file"])].read()
            with atomic_path(waiting / picture["file"]) as part:
                part.write_bytes(data)
        with atomic_path(SampleFiles(waiting, key).meta) as part:
            part.write_bytes(members[META].read())


def remove_waiting(root: Path, keys: Sequence[str]) -> None:
    """Remove samples that lie in a shard now, and the folder once it is empty."""
    waiting = root / WAITING
    for key in keys:
        if SampleFiles(waiting, key).meta.is_file():
            remove_sample(waiting, key)
    if waiting.is_dir() and not any(path.is_file() for path in waiting.rglob("*")):
        shutil.rmtree(waiting, ignore_errors=True)


def index(path: Path) -> dict[str, dict[str, Member]]:
    """Key -> member name -> place of every sample of a shard; InputError where it is no tar file."""
    found: dict[str, dict[str, Member]] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                key, _, name = info.name.partition(".")
                if not (key.isascii() and key.isdigit()):  # keys become paths when a shard is unpacked
                    raise InputError(f"{path}: holds {info.name!r}, which belongs to no sample")
                found.setdefault(key, {})[name] = Member(path, info.offset_data, info.size)
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{path}: not a readable tar file ({error})") from error
    return found


def read_packed_meta(members: dict[str, Member], key: str) -> dict[str, Any]:
    """The JSON of a packed sample."""
    if META not in members:
        raise InputError(f"sample {key}: has no {META} in its shard")
    where = f"{members[META].tar}: {key}.{META}"
    try:
        return check_meta(json.loads(members[META].read()), where)
    except ValueError as error:
        raise InputError(f"{where}: not readable as JSON ({error})") from error
