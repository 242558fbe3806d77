"""Where files of weights are looked for, and what they are known by: their sha256.

A method names its files in its spec. A name is found, in this order, in what `--weights NAME=FILE` says, in
the method's own folder of the package (weights that ship), and in the user's folders. Nothing is ever
downloaded here.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.errors import ConfigError, InputError, Unavailable

FOLDER_VARIABLE = "BOKEHBENCH_WEIGHTS"
"""Environment variable with folders of weights (separated like PATH); worker processes inherit it."""
FILE_VARIABLE = "BOKEHBENCH_WEIGHT_FILES"
"""Environment variable with the files of `--weights`, ``name=path`` separated like PATH."""


@dataclass(frozen=True)
class Wanted:
    """A file of weights that a method names.

    Attributes:
        file: its name, with folders where it has any.
        beside: where it lies if it comes with the method: a folder of the package, or of the description.
        sha256: that it must have; empty where its publisher names none (then it is part of every result).
        source: where a user gets it; empty where that is not known.
        option: what `--weights` calls it; empty for its name without the suffix.
        trained_by: what follows `bokehbench train` in the command that makes it; empty where none does.
    """

    file: str
    beside: Path
    sha256: str = ""
    source: str = ""
    option: str = ""
    trained_by: str = ""


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


def use_files(assignments: Sequence[str], others: Sequence[str] = ()) -> None:
    """Take weights from given files, here and in every process started from here (`--weights NAME=FILE`).

    Args:
        assignments: ``bokehme=RUN/bokehme.safetensors``; the name is that of the file in the method's spec,
            with or without its suffix.
        others: files that may be named besides those of the methods that are registered.

    Raises:
        ConfigError: not of this form, or a name that no method has weights under.
        InputError: no such file.
    """
    from bokehbench.registry import FILE_OF_WEIGHTS, MethodSpec, RestorerSpec, get, names

    specs = (get(kind, name) for kind in (MethodSpec, RestorerSpec) for name in names(kind))
    stems = {Path(file).stem for file in (*others, *(file for spec in specs for file in spec.weights))}
    chosen = _chosen()
    for assignment in assignments:
        name, equals, file = assignment.partition("=")
        by_file = name.startswith(FILE_OF_WEIGHTS)  # of a restorer that is named after it
        name = name.removeprefix(FILE_OF_WEIGHTS)
        if not equals or (Path(name).stem not in stems and not by_file):
            known = ", ".join(sorted(stems)) or "none"
            raise ConfigError(f"--weights {assignment}: give NAME=FILE, with NAME one of {known}")
        path = Path(file).resolve()
        if not path.is_file() or os.pathsep in str(path):
            raise InputError(f"--weights {assignment}: no such file (or {os.pathsep!r} in its path)")
        chosen[Path(name).stem] = path
    os.environ[FILE_VARIABLE] = os.pathsep.join(f"{name}={path}" for name, path in chosen.items())


def is_given(file: str) -> bool:
    """Whether `--weights` says where this file of a method's spec is."""
    return Path(file).stem in _chosen()


def _chosen() -> dict[str, Path]:
    parts = (part.partition("=") for part in os.environ.get(FILE_VARIABLE, "").split(os.pathsep) if part)
    return {name: Path(path) for name, _, path in parts}


def locate(wanted: Wanted) -> tuple[str, Path | None]:
    """(status, path): ok and the file, sha-mismatch and the wrong one, or unavailable and None.

    A wrong file does not hide the right one in a later folder; a file given by name is the only one. Where no
    sha256 is wanted, that of the card beside the file is.
    """
    wrong = None
    for path in _candidates(wanted):
        if (wanted.sha256 or card_sha256(path)) in ("", sha256(path)):
            return "ok", path
        wrong = wrong or path
    return ("sha-mismatch", wrong) if wrong else ("unavailable", None)


def require(wanted: Wanted) -> Path:
    """The file; Unavailable where there is none, or only one with other contents: says what to do."""
    status, path = locate(wanted)
    if status == "ok" and path is not None:
        return path
    raise Unavailable(instruction(wanted, path))


def instruction(wanted: Wanted, wrong: Path | None) -> str:
    """One line that says how to get a file that is missing, or is `wrong`."""
    where = f" from {wanted.source}" if wanted.source else ""
    if wrong is not None:
        return (
            f"{wrong}: sha-mismatch: its sha256 is {sha256(wrong)[:8]}…, "
            f"{(wanted.sha256 or card_sha256(wrong))[:8]}… is wanted; get {wanted.file}{where or ' again'}"
        )
    needs = f"needs {wanted.file}{where}:"
    if wanted.trained_by:
        needs = f"not trained: `bokehbench train {wanted.trained_by}` makes {wanted.file};"
    option = wanted.option or Path(wanted.file).stem
    return (
        f"{needs} give it with --weights {option}=FILE, or put it into a folder named by ${FOLDER_VARIABLE}"
    )


def card(path: Path) -> dict[str, Any]:
    """What `bokehbench train` has written beside a file of weights; empty where there is no such card."""
    beside = path.with_suffix(".json")
    with contextlib.suppress(InputError):
        content = records.read_json(beside) if beside.is_file() else {}
        return content if isinstance(content, dict) else {}
    return {}


def card_sha256(path: Path) -> str:
    """Of the file that the card beside it describes; empty without one."""
    about = card(path).get("weights")
    return str(about.get("sha256") or "") if isinstance(about, dict) else ""


def find(file: str, shipped: Path, source: str = "") -> Path:
    """The file of that name.

    Args:
        file: name in the method's spec.
        shipped: the folder of the package where it lies if it ships.
        source: where a user gets it, for the error; a file that ships needs none, nor one that is trained
            here: the spec of its method says by which command.

    Raises:
        Unavailable: it is nowhere; says what to do.
    """
    return require(Wanted(file, shipped, source=source, trained_by=_trained_by(file)))


def _trained_by(file: str) -> str:
    """`Wanted.trained_by` of a file, from the specs of the methods."""
    from bokehbench.registry import MethodSpec, get, names

    specs = (get(MethodSpec, name) for name in names(MethodSpec))
    return next((spec.trained_by for spec in specs if spec.trained_by and spec.weights[0] == file), "")


def _candidates(wanted: Wanted) -> Iterator[Path]:
    chosen = _chosen().get(Path(wanted.file).stem)
    if chosen is not None:
        yield chosen
        return
    for folder in dict.fromkeys((wanted.beside, *folders())):
        if (folder / wanted.file).is_file():
            yield folder / wanted.file


def sha256(path: Path) -> str:
    """Of a file; a file that has not changed is read once a process."""
    facts = path.stat()
    return _sha256(path, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    return records.sha256_file(path)
