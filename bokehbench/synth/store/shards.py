"""The WebDataset store: tar files of a fixed range of samples each, and what packs them.

Shard s holds the samples s S ... (s + 1) S - 1 of the set, and nothing else, whatever the order in which
they were made; its bytes are a function of theirs. Members are named {key}.{picture}.{suffix}, keys
without dots, in order::

    000000123.aif.png  000000123.bokeh_k0.png  000000123.disp.png  000000123.json  000000124.aif.png ...

Samples wait for their shard in `waiting/`, a folder store. Beside each shard lies a table of its samples
(`train-000042.parquet`), written first.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench.errors import InputError
from bokehbench.records import atomic_path
from bokehbench.synth.store import table
from bokehbench.synth.store.folder import SampleFiles, check_meta, read_meta, remove_sample

WAITING = "waiting"
OWNER = "bokehbench"


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


def pack(root: Path, shard: int, keys: Sequence[str]) -> None:
    """Write a shard from samples that wait; equal samples make equal bytes."""
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
                members["json"] = SampleFiles(waiting, meta["key"]).meta.read_bytes()
                writer.write({"__key__": meta["key"], **members})
        table.write_parquet(path.with_suffix(".parquet"), [table.row(meta, files=False) for meta in metas])


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
            part.write_bytes(members["json"].read())


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
                found.setdefault(key, {})[name] = Member(path, info.offset_data, info.size)
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{path}: not a readable tar file ({error})") from error
    return found


def read_packed_meta(members: dict[str, Member], key: str) -> dict[str, Any]:
    """The JSON of a packed sample."""
    if "json" not in members:
        raise InputError(f"sample {key}: has no JSON in its shard")
    where = f"{members['json'].tar}: {key}.json"
    try:
        return check_meta(json.loads(members["json"].read()), where)
    except ValueError as error:
        raise InputError(f"{where}: not readable as JSON ({error})") from error
