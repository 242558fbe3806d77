"""Where files of weights are looked for, and what they are known by: their sha256.

A method names its files in its spec. A name is found, in this order, in what `--weights NAME=FILE` says, in
the method's own folder of the package (weights that ship), and in the user's folders. Nothing is ever
downloaded here.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path

from bokehbench import records
from bokehbench.errors import ConfigError, InputError, Unavailable

FOLDER_VARIABLE = "BOKEHBENCH_WEIGHTS"
"""Environment variable with folders of weights (separated like PATH); worker processes inherit it."""
FILE_VARIABLE = "BOKEHBENCH_WEIGHT_FILES"
"""Environment variable with the files of `--weights`, ``name=path`` separated like PATH."""


def use_folder(folder: Path) -> None:
    """Look into `folder` first, here and in every process started from here (`--weights-dir`).

    Raises:
        InputError: no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"--weights-dir {folder}: no such folder")
    known = [name for name in os.environ.get(FOLDER_VARIABLE, "").split(os.pathsep) if name]
    first = str(folder.resolve())
    os.environ[FOLDER_VARIABLE] = os.pathsep.join([first, *(name for name in known if name != first)])


def folders() -> list[Path]:
    """Where the user's files are looked for, in this order.

    `--weights-dir`, $BOKEHBENCH_WEIGHTS, $TORCH_HOME/hub/checkpoints, torch's default cache.
    """
    named = [Path(name) for name in os.environ.get(FOLDER_VARIABLE, "").split(os.pathsep) if name]
    if os.environ.get("TORCH_HOME"):
        named.append(Path(os.environ["TORCH_HOME"], "hub", "checkpoints"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named.append(cache / "torch" / "hub" / "checkpoints")
    return list(dict.fromkeys(named))


def use_files(assignments: Sequence[str]) -> None:
    """Take weights from given files, here and in every process started from here (`--weights NAME=FILE`).

    Args:
        assignments: ``bokehme=RUN/bokehme.safetensors``; the name is that of the file in the method's spec,
            with or without its suffix.

    Raises:
        ConfigError: not of this form, or a name that no method has weights under.
        InputError: no such file.
    """
    from bokehbench.registry import MethodSpec, get, names

    stems = {Path(file).stem for name in names(MethodSpec) for file in get(MethodSpec, name).weights}
    chosen = _chosen()
    for assignment in assignments:
        name, equals, file = assignment.partition("=")
        if not equals or Path(name).stem not in stems:
            known = ", ".join(sorted(stems)) or "none"
            raise ConfigError(f"--weights {assignment}: give NAME=FILE, with NAME one of {known}")
        path = Path(file).resolve()
        if not path.is_file() or os.pathsep in str(path):
            raise InputError(f"--weights {assignment}: no such file (or {os.pathsep!r} in its path)")
        chosen[Path(name).stem] = path
    os.environ[FILE_VARIABLE] = os.pathsep.join(f"{name}={path}" for name, path in chosen.items())


def _chosen() -> dict[str, Path]:
    parts = (part.partition("=") for part in os.environ.get(FILE_VARIABLE, "").split(os.pathsep) if part)
    return {name: Path(path) for name, _, path in parts}


def find(file: str, shipped: Path, source: str = "") -> Path:
    """The file of that name.

    Args:
        file: name in the method's spec.
        shipped: the folder of the package where it lies if it ships.
        source: where a user gets it, for the error; a file that ships needs none.

    Raises:
        Unavailable: it is nowhere; says what to do.
    """
    chosen = _chosen().get(Path(file).stem)
    if chosen is not None:
        return chosen
    for folder in (shipped, *folders()):
        if (folder / file).is_file():
            return folder / file
    where = f" from {source}" if source else ""
    raise Unavailable(
        f"needs {file}{where}: give it with --weights {Path(file).stem}=FILE, or put it into a folder named "
        f"by ${FOLDER_VARIABLE}"
    )


def sha256(path: Path) -> str:
    """Of a file; a file that has not changed is read once a process."""
    facts = path.stat()
    return _sha256(path, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    return records.sha256_file(path)
