"""The base of a full-size model as diffusers writes it: a folder, on disk or in the hub's cache.

Nothing is downloaded here.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from bokehbench import records
from bokehbench.baselines.diffusion.one_step import SCHEDULE, check_schedule
from bokehbench.errors import ConfigError, InputError, Unavailable


def find(
    base: str,
    revision: str | None,
    pinned: Mapping[str, str],
    patterns: Sequence[str],
    weight: str,
) -> tuple[Path, str]:
    """(folder, revision) of a base; the revision of a local folder is empty.

    Args:
        base: a folder, or OWNER/NAME of the hub, which is looked for in the hub's cache.
        revision: of the hub; None for the pinned one, or the newest where none is pinned.
        pinned: commits of the hub by name.
        patterns: files that are needed, for the advice where they are missing.
        weight: how much that is to fetch, for the same.

    Raises:
        Unavailable: it is not on this machine; says how to get it.
        ConfigError: a revision of a folder, or no name that the hub could have.
    """
    folder = Path(base).expanduser()
    if folder.is_dir():
        if revision:
            raise ConfigError(f"{base}: a revision is of the hub; a local folder has none")
        return folder, ""
    if base.count("/") != 1 or base.startswith(("/", ".", "~")):
        raise ConfigError(f"{base}: no such folder, and not OWNER/NAME of the Hugging Face hub")
    from huggingface_hub import snapshot_download

    revision = revision or pinned.get(base)
    try:
        cached = snapshot_download(base, revision=revision, local_files_only=True)
    except Exception as error:  # several classes, all of which say that it is not there
        at = f" --revision {revision}" if revision else ""
        wanted = " ".join(f"--include {pattern!r}" for pattern in patterns)
        raise Unavailable(
            f"{base}{f' ({revision[:8]})' if revision else ''} is not on this machine: fetch it with "
            f"`hf download {base}{at} {wanted}` ({weight}; read its licence first), or name a folder"
        ) from error
    return Path(cached), Path(cached).name


def configs(folder: Path) -> dict[str, Any]:
    """Configurations of "unet", "vae" and "scheduler", whose schedule is the one that the one step needs.

    Raises:
        InputError: one is missing, or another schedule.
    """
    found: dict[str, dict[str, Any]] = {}
    for part, name in (("unet", "config"), ("vae", "config"), ("scheduler", "scheduler_config")):
        path = folder / part / f"{name}.json"
        if not path.is_file():
            raise InputError(f"{folder}: no {part}/{name}.json: not a folder of a diffusers model")
        found[part] = records.read_json(path)
    check_schedule(found["scheduler"], folder / "scheduler/scheduler_config.json")
    return {**found, "scheduler": {key: found["scheduler"][key] for key in SCHEDULE}}


def weight_files(folder: Path) -> list[Path]:
    """The files of one network: full precision where it is there, all shards.

    Raises:
        InputError: there is none.
    """
    # Variants have longer names than the network itself: `.non_ema`, `.fp16`.
    found = sorted(folder.glob("*.safetensors"), key=lambda path: (len(path.name), path.name))
    plain = [path for path in found if ".fp16." not in path.name]
    whole = [path for path in plain if "-of-" not in path.name]
    chosen = whole[:1] or plain or [path for path in found if "-of-" not in path.name][:1] or found
    if not chosen:
        raise InputError(f"{folder}: no .safetensors file (pickled weights are not read)")
    return chosen


def put(paths: Sequence[Path], state: Mapping[str, Tensor], target: Path) -> None:
    """One file of a network's tensors: a link to the one that there is (a copy on another disk), or joined.

    Args:
        paths: its files.
        state: their tensors, as they were read.
        target: .safetensors.
    """
    from safetensors.torch import save_file

    with records.atomic_path(target) as part:
        if len(paths) > 1:
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, part)
            return
        try:
            os.link(paths[0].resolve(), part)
        except OSError:  # another disk
            shutil.copyfile(paths[0], part)


def metadata(path: Path) -> dict[str, Any]:
    """What a file of ours says about itself, its metadata entry `bokehbench`.

    Raises:
        InputError: it cannot be read, or says nothing.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as opened:
            found = json.loads((opened.metadata() or {})["bokehbench"])
        if isinstance(found, dict):
            return found
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as a file of bokehbench ({said})") from error
    raise InputError(f"{path}: does not say what it holds; get the file again")
