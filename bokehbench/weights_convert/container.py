"""The parts of a file of torch.save, as a zip archive or in the older form: the pickle, and the storages.

An archive of TorchScript is one of these with a program beside, which stays unread.

Zip: `NAME/data.pkl`, and `NAME/data/KEY` for each storage, not compressed. Older: five pickles (a magic
number, a version, facts of the machine, the content, the keys), then for each key its count and its numbers.
"""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import dataclass
from typing import Any, BinaryIO

from bokehbench.errors import InputError
from bokehbench.weights_convert import machine
from bokehbench.weights_convert.values import DTYPES, Name, Storage

MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001
PROTOCOL = b"\x80"
"""What a pickle of torch.save begins with."""
MOST_PICKLE_BYTES = 1 << 26
MOST_RECORDS = 100_000
LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Of a record in a zip archive: signature, and the lengths of its name and extra field."""
SCRIPTED = "constants.pkl"
"""Record that every archive of TorchScript has, and no other."""
PROGRAM = ("code/", "constants/", SCRIPTED, "traced_inputs/", "traced_inputs.pkl", "extra/")
"""Records of TorchScript that are not read."""
FACTS = ("version", "byteorder")
"""Records beside the pickle and the storages; newer ones begin with a dot."""


@dataclass
class Checkpoint:
    """What a file holds.

    Attributes:
        content: of its pickle.
        starts: key of a storage -> where its numbers begin.
    """

    content: Any
    starts: dict[str, int]


@dataclass(frozen=True)
class _Record:
    start: int
    length: int


def read(file: BinaryIO) -> Checkpoint:
    """Read a file, without the numbers of its tensors.

    Raises:
        InputError: it is damaged, is no file of torch.save, or holds what is not converted.
    """
    head = file.read(4)
    file.seek(0)
    try:
        return _archive(file) if head == b"PK\x03\x04" else _legacy(file)
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError) as error:
        said = " ".join(str(error).split())[:120]
        raise InputError(f"is damaged or cut short ({said})") from error


# ------------------------------------------------------------------------------------------ zip archives


def _archive(file: BinaryIO) -> Checkpoint:
    with zipfile.ZipFile(file) as archive:
        records = _records(file, archive)
    root = next((name.removesuffix("data.pkl") for name in records if name.endswith("/data.pkl")), None)
    if root is None or root.count("/") != 1:
        raise InputError("has no data.pkl: no file of torch.save")
    beside = (".", *PROGRAM) if f"{root}{SCRIPTED}" in records else "."
    numbers: dict[str, _Record] = {}
    for name, record in records.items():
        inner = name.removeprefix(root)
        if inner.startswith("data/"):
            numbers[inner.removeprefix("data/")] = record
        elif inner == name or not (inner == "data.pkl" or inner in FACTS or inner.startswith(beside)):
            raise InputError(f"has a record {name[:80]!r}, which is no part of a checkpoint")
    order = records.get(f"{root}byteorder")
    if order is not None and _content(file, order) != b"little":
        raise InputError("has numbers of another byte order, which are not converted")
    known = _Storages({key: record.length for key, record in numbers.items()})
    pickle = io.BytesIO(_content(file, records[f"{root}data.pkl"]))
    content = machine.read(pickle, known.of)
    if pickle.read(1):
        raise InputError("has more behind the end of its pickle")
    known.check_all_used()
    return Checkpoint(content, {key: record.start for key, record in numbers.items()})


def _records(file: BinaryIO, archive: zipfile.ZipFile) -> dict[str, _Record]:
    """Name -> where its bytes are; none twice, none over another, none outside."""
    entries = archive.infolist()
    if len(entries) > MOST_RECORDS:
        raise InputError(f"has {len(entries)} records; no checkpoint needs so many")
    found: dict[str, _Record] = {}
    for entry in entries:
        name = entry.filename
        if name in found:
            raise InputError(f"has the record {name[:80]!r} twice")
        if name.startswith("/") or "\\" in name or ".." in name.split("/"):
            raise InputError(f"has a record {name[:80]!r}, which leads out of the archive")
        stored = entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
        if not stored and not name.partition("/")[2].startswith(PROGRAM):
            raise InputError(f"has the record {name[:80]!r} compressed, which torch.save never does")
        if entry.flag_bits & 1:
            raise InputError(f"has the record {name[:80]!r} encrypted")
        found[name] = _Record(_start(file, entry.header_offset), entry.compress_size)
    end = 0
    for name, record in sorted(found.items(), key=lambda item: (item[1].start, item[1].length)):
        if record.start < end or record.start + record.length > archive.start_dir:
            raise InputError(f"has a record {name[:80]!r} that lies over another one, or outside of the file")
        end = record.start + record.length
    return found


def _start(file: BinaryIO, header: int) -> int:
    file.seek(header)
    signature, name, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise InputError("is damaged: a record is not where its index says")
    return int(header + LOCAL_HEADER.size + name + extra)


def _content(file: BinaryIO, record: _Record) -> bytes:
    if record.length > MOST_PICKLE_BYTES:
        raise InputError(f"has a pickle of {record.length >> 20} MiB beside its tensors: no file of weights")
    file.seek(record.start)
    content = file.read(record.length)
    if len(content) != record.length:
        raise InputError("is cut short")
    return content


class _Storages:
    """What the persistent ids of a pickle stand for; each storage must be there, and be used.

    Args:
        bytes_of: key -> bytes, where the file says so before the pickle is read.
    """

    def __init__(self, bytes_of: dict[str, int] | None = None) -> None:
        self.bytes_of = bytes_of
        self.used: dict[str, Storage] = {}

    def of(self, identity: Any) -> Any:
        """A storage; or a class, which old files name together with its source code."""
        if not isinstance(identity, tuple) or not identity:
            raise InputError("refers to something that is no storage")
        if identity[0] == "module" and self.bytes_of is None and isinstance(identity[1], Name):
            return identity[1]
        if identity[0] != "storage" or len(identity) < 5 or any(part is not None for part in identity[5:]):
            raise InputError("refers to something that is no storage")
        return self._storage(*identity[1:5])

    def _storage(self, kind: Any, key: Any, place: Any, count: Any) -> Storage:
        if not isinstance(kind, Name) or kind.module != "torch" or kind.name not in DTYPES:
            raise InputError(f"has tensors of {str(kind)[:60]}, which are not converted (dense numbers are)")
        if not isinstance(key, str) or type(count) is not int or count < 0:
            raise InputError("has a storage without a key or a size")
        dtype, size = DTYPES[kind.name]
        storage = Storage(key, dtype, size, count)
        if self.bytes_of is not None and key not in self.bytes_of:
            raise InputError(f"refers to the storage {key[:40]!r}, which the file has not")
        if self.bytes_of is not None and self.bytes_of[key] != count * size:
            raise InputError(f"says that storage {key[:40]!r} has {count} numbers, and the file has others")
        if self.used.setdefault(key, storage) != storage:
            raise InputError(f"refers to the storage {key[:40]!r} in two ways")
        return storage

    def check_all_used(self) -> None:
        """Every storage of the file belongs to a tensor."""
        if self.bytes_of is not None and (unused := self.bytes_of.keys() - self.used.keys()):
            raise InputError(f"has {len(unused)} storages that no tensor uses ({min(unused)[:40]} …)")


# -------------------------------------------------------------------------------------- the older form


def _legacy(file: BinaryIO) -> Checkpoint:
    if file.read(1) != PROTOCOL:
        raise InputError("is no file of torch.save")
    file.seek(0)
    if machine.read(file, _nothing) != MAGIC:
        raise InputError("is no file of torch.save")
    if machine.read(file, _nothing) != LEGACY_VERSION:
        raise InputError("is of another version of torch.save's older form")
    facts = machine.read(file, _nothing)
    if not isinstance(facts, dict) or facts.get("little_endian") is not True:
        raise InputError("has numbers of another byte order, which are not converted")
    known = _Storages()
    content = machine.read(file, known.of)
    keys = machine.read(file, _nothing)
    named = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not named or sorted(keys) != sorted(known.used):
        raise InputError("has other storages than its tensors use")
    starts: dict[str, int] = {}
    position, end = file.tell(), file.seek(0, io.SEEK_END)
    for key in keys:
        storage = known.used[key]
        file.seek(position)
        if struct.unpack("<q", file.read(8))[0] != storage.count:
            raise InputError(f"says that storage {key[:40]!r} has {storage.count} numbers, and has others")
        starts[key] = position + 8
        position = starts[key] + storage.count * storage.item_bytes
    if position != end:
        raise InputError("is cut short" if position > end else "has more behind its last storage")
    return Checkpoint(content, starts)


def _nothing(_: Any) -> Any:
    raise InputError("refers to a storage where none can be")
