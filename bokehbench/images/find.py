"""Finding pictures below a folder: sorted, each once, and a line for what is named like one but is none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bokehbench.errors import BadImage
from bokehbench.images.decode import check_file
from bokehbench.images.read import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be used: POSIX path below its folder, code, one line."""

    path: str
    code: str
    message: str


@dataclass(frozen=True)
class Found:
    """Pictures of a folder as POSIX paths below it, sorted, and what looks like one but cannot be opened."""

    files: tuple[str, ...]
    rejected: tuple[Rejected, ...]


def find_images(root: Path, skip: Path | None = None) -> Found:
    """Look for files with a picture's suffix; hidden files and folders are left alone (``._*``, ``.git``).

    Links are followed, each folder once. Nothing is opened.

    Args:
        root: the folder.
        skip: a folder below it to leave out.
    """
    files: list[str] = []
    rejected: list[Rejected] = []
    seen: set[tuple[int, int]] = set()

    def reject(path: Path, code: str, message: str) -> None:
        name = _printable(path.relative_to(root).as_posix())
        rejected.append(Rejected(name, code, f"{_printable(str(path))}: {message} [{code}]"))

    def denied(error: OSError) -> None:
        reject(Path(error.filename), "E_UNREADABLE", f"cannot be opened ({error.strerror})")

    for folder, folders, names in os.walk(root, onerror=denied, followlinks=True):
        here = Path(folder)
        stat = here.stat()
        if (stat.st_dev, stat.st_ino) in seen or (skip is not None and here.resolve() == skip.resolve()):
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        for name in folders:
            if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith("."):
                reject(here / name, "E_UNREADABLE", "is a folder, not a picture")
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(names):
            path = here / name
            if path.suffix.lower() not in IMAGE_SUFFIXES or name.startswith("."):
                continue
            if _printable(name) != name:
                reject(path, "E_NAME", "its name is not UTF-8; rename it")
                continue
            try:
                check_file(path)
                files.append(path.relative_to(root).as_posix())
            except BadImage as error:
                rejected.append(Rejected(path.relative_to(root).as_posix(), error.code, str(error)))
    return Found(tuple(sorted(files)), tuple(sorted(rejected, key=lambda r: r.path)))


def _printable(name: str) -> str:
    """The name, its bytes that are not UTF-8 written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
