"""Files that survive being killed: atomic writes, canonical JSON, hashes, and what code made them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import bokehbench
from bokehbench.errors import InputError

STALE_SECONDS = 3600.0
"""After so long, what a process of another machine left is taken for dead."""


@functools.cache
def machine() -> str:
    """Eight characters for this machine since its last start: within it, a process number means something.

    Containers with process numbers of their own count as machines.
    """
    facts = [platform.node()]
    with contextlib.suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    with contextlib.suppress(OSError):
        facts.append(os.readlink("/proc/self/ns/pid"))
    return sha256_json(facts)[:8]


def is_living(pid: int) -> bool:
    """Whether a process of this machine runs (one that ended and was not collected does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends without an error.

    A process killed inside the block leaves only a `*.part-*` file, which `remove_parts` deletes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers choose the format by it.
    part = path.with_name(f"{path.stem}.part-{machine()}-{os.getpid()}{path.suffix}")
    try:
        yield part
        with part.open("rb") as handle:
            os.fsync(handle.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def age(path: Path) -> float:
    """Seconds since a file was written to; 0 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def remove_parts(folder: Path) -> None:
    """Delete what killed processes left below `folder`.

    Files of living processes stay, and those of other machines that were written to within the hour.
    """
    for part in folder.rglob("*.part-*"):
        owner = part.name.rpartition(".part-")[2].partition(".")[0]
        where, _, pid = owner.rpartition("-")
        if not pid.isdigit():
            continue
        if not is_living(int(pid)) if where in ("", machine()) else age(part) > STALE_SECONDS:
            part.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write atomically."""
    with atomic_path(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write atomically, keys sorted, so that equal values are equal bytes."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; InputError where it is missing or broken."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})") from error


def plain(value: Any) -> Any:
    """A value as JSON gives it back: tuples are lists, what JSON has not is its text."""
    return json.loads(json.dumps(value, default=str))


def sha256_bytes(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def sha256_files(paths: Iterable[Path], root: Path) -> str:
    """One digest over several files: their names below `root` and their bytes, in sorted order."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(root).as_posix()}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Digest of a value's canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256_bytes(text.encode())


@functools.cache
def code_version() -> dict[str, Any]:
    """What code this is: package version, and commit and dirtiness where it runs from a checkout."""
    root = Path(bokehbench.__file__).resolve().parent.parent
    version: dict[str, Any] = {"version": bokehbench.__version__, "commit": None, "dirty": None}
    if (root / ".git").exists():

        def git(*arguments: str) -> str:
            command = ["git", "-C", str(root), *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            version["commit"] = git("rev-parse", "HEAD")
            version["dirty"] = git("status", "--porcelain", "--", "bokehbench") != ""
    return version


def library_versions(*names: str) -> dict[str, str]:
    """Installed versions of distributions, for records."""
    return {name: metadata.version(name) for name in names}
