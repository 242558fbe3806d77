"""Where the weights of a network lie, and what they are: a local folder, or the hub's cache."""

from __future__ import annotations

import functools
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench import weights
from bokehbench.errors import ConfigError, InputError, Unavailable
from bokehbench.records import sha256_file

CONFIGS = ("config.json", "preprocessor_config.json")
TOKENS = ("vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer*.json")
SAFE = ("*.safetensors", "*.safetensors.index.json")
PICKLED = ("pytorch_model*.bin", "pytorch_model.bin.index.json")
"""Read by torch with weights_only=True, which runs nothing; only where there are no safetensors."""


@dataclass(frozen=True)
class Checkpoint:
    """A folder with configuration and weights.

    Attributes:
        id: the hub's OWNER/NAME, or the name of the local folder.
        folder: where it lies.
        revision: commit, where the hub's cache knows it.
        trusted: the user named it: code that comes with it may run.
        file: of the folder, where that alone is the checkpoint.
    """

    id: str
    folder: Path
    revision: str | None = None
    trusted: bool = False
    file: str = ""

    def config(self, name: str = "config.json") -> dict[str, Any]:
        """A JSON file of the folder; InputError where it is missing or broken."""
        try:
            value = json.loads((self.folder / name).read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{self.id}: {name} cannot be read ({error})") from error
        if not isinstance(value, dict):
            raise InputError(f"{self.id}: {name} is no JSON object")
        return value

    def weights(self) -> list[Path]:
        """The weight files that are read: safetensors, or pickled tensors where there are none."""
        if self.file:
            return [self.folder / self.file]
        return _matching(self.folder, SAFE) or _matching(self.folder, PICKLED)

    def _code(self) -> set[str]:
        """Files of its own code that the configuration names."""
        names = (self.config().get("auto_map") or {}).values()
        flat = [name for value in names for name in (value if isinstance(value, list) else [value])]
        return {f"{str(name).partition('.')[0]}.py" for name in flat if name and "--" not in str(name)}

    def digests(self) -> dict[str, str]:
        """File name -> sha256 of all that makes the output: configuration, weights, code that runs."""
        files = self.weights()
        if not self.file:
            files += _matching(self.folder, (*CONFIGS, *TOKENS))
        if self.trusted:
            files += sorted(self.folder.glob("*.py"))
        return {path.name: _sha256(path, *_facts(path)) for path in sorted(files)}

    def is_complete(self) -> bool:
        """Whether configuration and all (parts of the) weights are there, and the code that may run."""
        if not (self.folder / "config.json").is_file():
            return False
        if self.trusted and not all((self.folder / name).is_file() for name in self._code()):
            return False
        weights = self.weights()
        listed = [path for path in weights if path.name.endswith(".index.json")]
        needed = {name for path in listed for name in self.config(path.name).get("weight_map", {}).values()}
        return needed <= {path.name for path in weights} and len(weights) > len(listed)


def find(
    model: str, revision: str | None = None, *, offline: bool = True, trusted: bool = False
) -> Checkpoint:
    """The checkpoint of a local folder or of a hub id.

    Args:
        model: a folder, or OWNER/NAME.
        revision: branch, tag or commit on the hub; its default branch where not given.
        offline: never ask the network; else what is missing is downloaded into the hub's cache.
        trusted: see `Checkpoint`.

    Raises:
        ConfigError: neither a folder nor an id.
        InputError: a folder without configuration or weights.
        Unavailable: not on this machine; says how to get it.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _local(folder, revision, trusted)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", model):
        raise ConfigError(f"{model}: no such folder, and not OWNER/NAME of the Hugging Face hub")
    found = _cached(model, revision, trusted)
    if found is None and not (offline or _hub_is_offline()):
        _download(model, revision, trusted)
        found = _cached(model, revision, trusted)
    if found is None:
        raise Unavailable(f"{model} is not on this machine: {instruction(model, revision)}")
    return found


def find_placed(place: str, source: str) -> Checkpoint:
    """The checkpoint that lies in one of the user's folders of weights, the first that has it.

    Args:
        place: name of a folder, or of a file, there.
        source: how a user gets it, for the error.

    Raises:
        Unavailable: it is in none of them.
        InputError: a folder without configuration or weights.
    """
    for folder in weights.folders():
        if (folder / place).is_dir():
            return _local(folder / place, None, False)
        if (folder / place).is_file():
            return Checkpoint(place, folder.resolve(), file=place)
    raise Unavailable(
        f"{place} is in no folder of weights: {source}; then put it into a folder named by "
        f"${weights.FOLDER_VARIABLE}"
    )


def instruction(model: str, revision: str | None = None) -> str:
    """How to get a checkpoint of the hub, in one line."""
    at = f" --revision {revision}" if revision else ""
    return (
        f"hf download {model}{at} puts it into the hub's cache ($HF_HOME, usually ~/.cache/huggingface); "
        "or give a local folder with its config.json, preprocessor_config.json and *.safetensors instead"
    )


def _local(folder: Path, revision: str | None, trusted: bool) -> Checkpoint:
    if revision is not None:
        raise ConfigError(f"{folder}: a revision is of the hub; a local folder has none")
    found = Checkpoint(folder.resolve().name, folder.resolve(), None, trusted)
    if not found.is_complete():
        raise InputError(
            f"{folder}: needs config.json, preprocessor_config.json and *.safetensors (all parts), as "
            "transformers writes them, and the *.py that config.json names where its code is trusted"
        )
    return found


def _cached(model: str, revision: str | None, trusted: bool) -> Checkpoint | None:
    """What the hub's cache has, never asking the network."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        path = try_to_load_from_cache(model, "config.json", revision=revision)
    except HFValidationError as error:
        raise ConfigError(f"{model}: no such folder, and no id that the hub could have ({error})") from error
    if not isinstance(path, str):
        return None
    folder = Path(path).parent
    found = Checkpoint(model, folder, folder.name, trusted)
    return found if found.is_complete() else None


def _download(model: str, revision: str | None, trusted: bool) -> None:
    from huggingface_hub import snapshot_download

    wanted = [*CONFIGS, *TOKENS, *SAFE, *(["*.py"] if trusted else [])]
    try:
        folder = Path(snapshot_download(model, revision=revision, allow_patterns=wanted))
        if not _matching(folder, SAFE):
            snapshot_download(model, revision=revision, allow_patterns=list(PICKLED))
    except Exception as error:  # the hub, the network and the disk each raise their own
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise Unavailable(
            f"{model} could not be downloaded ({reason}); by hand: {instruction(model, revision)}"
        ) from error


def _hub_is_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def _facts(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    return sha256_file(path)
