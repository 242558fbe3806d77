"""What predicted a map: the record that `bokehbench depth` writes beside it, held against map and picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bokehbench.benchmarks.inventory import TAILS, Hashes
from bokehbench.errors import InputError
from bokehbench.records import read_json
from bokehbench.registry import DepthModelSpec, PretrainedSpec, SaliencyModelSpec, find

UNVERIFIED = "unverified"
"""Of a map without a record: nobody knows what made it, and from which picture."""
SALIENCY_TAIL = ".saliency"


def origin(path: Path, picture: Path, network: str, hashes: Hashes) -> str:
    """The network that predicted a map, and its weights: ``depth-pro@1 (weights 1a2b3c4d)``.

    Args:
        path: the map.
        picture: what it must have been predicted from.
        network: the registered one it must be of; any where no network has that name.
        hashes: of the set.

    Returns:
        Empty where no record of `bokehbench depth` lies beside the map.

    Raises:
        InputError: it is of another network or picture, or was changed since.
    """
    record = _record(path)
    if not record:
        return ""
    task = "saliency" if path.stem.endswith(SALIENCY_TAIL) else "depth"
    made = _at(record, "identities", task)
    spec, weights = str(_at(made, "spec") or "nothing"), str(_at(made, "weights") or "unknown")
    if not _is(made, network, SaliencyModelSpec if task == "saliency" else DepthModelSpec):
        raise InputError(f"{path}: was predicted by {spec}, not by {network}")
    if _at(record, "source_sha256") != hashes.of(picture):
        raise InputError(f"{path}: was predicted from another picture than {picture}")
    files = _at(record, "files")
    entries = files.values() if isinstance(files, dict) else ()
    known = {Path(str(_at(entry, "path"))).name: _at(entry, "sha256") for entry in entries}
    if known.get(path.name) != hashes.of(path):
        raise InputError(f"{path}: is not the file that its record {_beside(path).name} is about")
    return f"{spec} (weights {weights})"


def _beside(path: Path) -> Path:
    stem = next((path.stem.removesuffix(tail) for tail in TAILS if path.stem.endswith(tail)), path.stem)
    return path.with_name(f"{stem}.json")


def _record(path: Path) -> dict[str, Any]:
    """The record beside a map; empty where there is none, or what lies there is no such record."""
    beside = _beside(path)
    content = read_json(beside) if beside.is_file() else {}
    return content if isinstance(content, dict) and "identities" in content else {}


def _at(value: Any, *keys: str) -> Any:
    """An entry of nested JSON objects; None where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _is(made: Any, network: str, kind: type[PretrainedSpec]) -> bool:
    """Whether an identity is of the network of that name; a local copy goes by its folder's name."""
    spec = find(kind, network)
    if spec is None:
        return made is not None
    repo = str(_at(made, "repo") or "").rpartition("/")[2]
    same_files = bool(repo) and repo == spec.repo.rpartition("/")[2]
    return str(_at(made, "spec")).partition("@")[0] == spec.name or same_files
