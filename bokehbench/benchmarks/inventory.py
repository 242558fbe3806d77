"""What a folder of somebody else's pictures has: parts, counts, hashes that are seen once and compared later.

No published set is shipped or fetched here, and none comes with checksums. `bokehbench describe NAME:DIR
--record` writes `DIR/.bokehbench.json` with size and sha256 of every file; from then on a file that differs
is an error, and opening the set is fast, since files of the same size and date are not hashed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.errors import InputError
from bokehbench.images import IMAGE_SUFFIXES
from bokehbench.jobs import progress

RECORD = ".bokehbench.json"
SCHEMA = "bokehbench.inventory/1"
MAPS = frozenset({".exr", ".npy", ".png"})
LARGEST = 1e9
"""Of a number in a set's files, so that nothing overflows; NaN and infinity are none either."""
TAILS = (".raw", ".saliency")
"""What `bokehbench depth` puts between a picture's name and the suffix of its further maps."""


@dataclass(frozen=True)
class Part:
    """One kind of files of a set.

    Attributes:
        role: what the files are: image, target, mask ...
        folders: names that their folder may have, the release's own first, below the set's folder.
        count: files of the published set; 0 where that is not known.
        tail: between a picture's name and the suffix: ``.saliency`` of ``12.saliency.exr``.
        made: options of `bokehbench depth` that make it, for what no set ships.
    """

    role: str
    folders: tuple[str, ...]
    count: int = 0
    tail: str = ""
    made: str = ""

    def files(self, root: Path) -> dict[str, Path]:
        """Path by name without tail and suffix, of the first of the folders that has any; sorted."""
        for name in self.folders:
            found = index(root / name, self.tail)
            if found:
                return found
        return {}


_BIREFNET = "--saliency birefnet --trust-remote-code ZhengPeng7/BiRefNet"
SALIENCY = Part("saliency", ("birefnet", "clipseg"), tail=".saliency", made=_BIREFNET)
"""Masks of the salient subject, made by `bokehbench depth` from the input alone."""


def index(folder: Path, tail: str = "") -> dict[str, Path]:
    """The pictures and maps of a folder (not below it) by their name without tail and suffix, sorted.

    Raises:
        InputError: two files of one name.
    """
    found: dict[str, Path] = {}
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES | MAPS:
            continue
        stem = path.stem
        if tail and not stem.endswith(tail):
            continue
        if not tail and stem.endswith(TAILS):
            continue
        stem = stem.removesuffix(tail)
        if stem in found:
            raise InputError(f"{path} and {found[stem].name}: two files of one name; leave one of them")
        found[stem] = path
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def natural(name: str) -> tuple[int, int, str]:
    """Order of names: numbers by value, before other names."""
    return (0, int(name), name) if name.isdecimal() else (1, 0, name)


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a number that can be computed with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_list_of_files(value: Any) -> bool:
    wanted = {"bytes": int, "modified": int, "sha256": str}
    return isinstance(value, dict) and all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in wanted.items())
        for entry in value.values()
    )


class Hashes:
    """sha256 of a set's files, through its record where there is one.

    Attributes:
        root: the set's folder.
        recorded: whether it has a record.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        path = root / RECORD
        self.recorded = path.is_file()
        content = records.read_json(path) if self.recorded else {}
        if self.recorded and (not isinstance(content, dict) or content.get("schema") != SCHEMA):
            raise InputError(f"{path}: not an inventory of ours; delete it")
        self._files: dict[str, dict[str, Any]] = content.get("files", {}) if self.recorded else {}
        if not _is_list_of_files(self._files):
            raise InputError(
                f"{path}: broken; delete it, or record the set anew (bokehbench describe NAME:DIR --record)"
            )
        self._seen: dict[Path, str] = {}

    def of(self, path: Path) -> str:
        """Digest of one file.

        Raises:
            InputError: the file is not the one that was recorded.
        """
        if path not in self._seen:
            self._seen[path] = self._compared(path)
        return self._seen[path]

    def _compared(self, path: Path) -> str:
        entry = self._files.get(path.relative_to(self.root).as_posix())
        stat = path.stat()
        if entry is not None and (entry["bytes"], entry["modified"]) == (stat.st_size, stat.st_mtime_ns):
            return str(entry["sha256"])
        digest = records.sha256_file(path)
        if entry is not None and entry["sha256"] != digest:
            raise InputError(
                f"{path}: is not the file that was recorded; bring it back, or record the set anew "
                "(bokehbench describe NAME:DIR --record)"
            )
        return digest

    def of_all(self, paths: Iterable[Path]) -> str:
        """One digest over several files: their names below the folder and their bytes."""
        lines = sorted(f"{path.relative_to(self.root).as_posix()}\0{self.of(path)}" for path in paths)
        return records.sha256_bytes("\n".join(lines).encode())


def record(root: Path, files: Sequence[Path], benchmark: str) -> str:
    """Hash the files of a set, write its record, and return one digest over all of them.

    Args:
        root: the set's folder.
        files: what belongs to it.
        benchmark: its name.
    """
    entries = {}
    with progress("hashing", len(files)) as advance:
        for path in sorted(files):
            stat = path.stat()
            entries[path.relative_to(root).as_posix()] = {
                "bytes": stat.st_size,
                "modified": stat.st_mtime_ns,
                "sha256": records.sha256_file(path),
            }
            advance(1)
    digest = records.sha256_json({name: entry["sha256"] for name, entry in entries.items()})
    content = {"schema": SCHEMA, "benchmark": benchmark, "sha256": digest, "files": entries}
    records.write_json(root / RECORD, content)
    return digest
