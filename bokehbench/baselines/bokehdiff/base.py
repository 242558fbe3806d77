"""The base of the full-size model: found on disk or in the hub's cache, checked, and prepared as three files.

Nothing is downloaded here. A base is a folder as diffusers writes it. Prepared, it is UNet and VAE in one
file each, and a third one with the prompt's embedding and all that has to be known about the base.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehbench import records, weights
from bokehbench.baselines.bokehdiff import sdxl
from bokehbench.baselines.bokehdiff.model import check_keys
from bokehbench.baselines.bokehdiff.one_step import SCHEDULE, check_schedule
from bokehbench.baselines.bokehdiff.prompt import PROMPT, embed
from bokehbench.errors import ConfigError, InputError, Unavailable

NAME = "SG161222/RealVisXL_V5.0"
"""Base of the paper; CreativeML Open RAIL++-M."""
REVISIONS = {
    NAME: "3125c9694b477d14433287b90c84f447237f6867",
    "stabilityai/stable-diffusion-xl-base-1.0": "462165984030d82259a11f4367a4eed129e94a7b",
}
"""Pinned commits of the hub."""
FACTS = "bokehdiff-base.safetensors"
UNET, VAE = "bokehdiff-base-unet.safetensors", "bokehdiff-base-vae.safetensors"
FILES = (FACTS, UNET, VAE)
"""A prepared base."""
PATTERNS = ("*.json", "*.txt", "unet/*.safetensors", "vae/*.safetensors", "text_encoder*/*.safetensors")


@dataclass(frozen=True)
class Base:
    """A base model in memory.

    Attributes:
        unet, vae: networks, frozen.
        prompt_embeds, pooled: see `prompt.embed`.
        about: name, revision, fingerprint, the prompt, and the configurations of both networks.
    """

    unet: Any
    vae: Any
    prompt_embeds: Tensor
    pooled: Tensor
    about: Mapping[str, Any] = field(default_factory=dict)


def find(base: str, revision: str | None = None) -> tuple[Path, str]:
    """(folder, revision) of a base; the revision of a local folder is empty.

    Args:
        base: a folder, or OWNER/NAME of the hub, which is looked for in the hub's cache.
        revision: of the hub; None for the pinned one, or the newest where none is pinned.

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

    revision = revision or REVISIONS.get(base)
    try:
        cached = snapshot_download(base, revision=revision, local_files_only=True)
    except Exception as error:  # several classes, all of which say that it is not there
        at = f" --revision {revision}" if revision else ""
        patterns = " ".join(f"--include {pattern!r}" for pattern in PATTERNS)
        raise Unavailable(
            f"{base}{f' ({revision[:8]})' if revision else ''} is not on this machine: fetch it with "
            f"`hf download {base}{at} {patterns}` (7 to 14 GB; read its licence first), or name a folder"
        ) from error
    return Path(cached), Path(cached).name


def read(base: str, revision: str | None = None, dtype: torch.dtype = torch.float32) -> Base:
    """A base from its folder, its prompt embedded by its own text encoders.

    Raises:
        Unavailable, ConfigError: see `find` and `prompt.embed`.
        InputError: not an SDXL model, or files that cannot be read.
    """
    folder, found = find(base, revision)
    configs = _configs(folder)
    states = {part: sdxl.read_state(_files(folder / part)) for part in ("unet", "vae")}
    embeds, pooled = embed(folder)
    about = {
        "name": base if found else folder.resolve().name,
        "revision": found,
        "fingerprint": sdxl.fingerprint(states["unet"], states["vae"]),
        "prompt": PROMPT,
        **configs,
    }
    unet = sdxl.filled("unet", configs["unet"], states["unet"], dtype)
    vae = sdxl.filled("vae", configs["vae"], states["vae"], torch.float32)
    return Base(unet, vae, embeds, pooled, about)


def prepare(base: str, revision: str | None, to: Path) -> list[Path]:
    """Make the three files of a base in a folder of weights.

    UNet and VAE are linked where they are one file each (copied over to another disk); shards are joined.

    Args:
        base, revision: see `find`.
        to: folder.

    Raises:
        see `read`.
    """
    from safetensors.torch import save as to_bytes

    folder, found = find(base, revision)
    configs = _configs(folder)
    embeds, pooled = embed(folder)
    states = {}
    for part, name in (("unet", UNET), ("vae", VAE)):
        paths = _files(folder / part)
        states[part] = sdxl.read_state(paths)
        own = sdxl.on_meta(part, configs[part]).state_dict()
        check_keys(own, sdxl.spelled(own, states[part]), f"the {part} of this base model")
        _put(paths, states[part], to / name)
    about = {
        "name": base if found else folder.resolve().name,
        "revision": found,
        "fingerprint": sdxl.fingerprint(states["unet"], states["vae"]),
        "prompt": PROMPT,
        "sha256": {name: weights.sha256(to / name) for name in (UNET, VAE)},
        **configs,
    }
    tensors = {"prompt_embeds": embeds.contiguous(), "pooled": pooled.contiguous()}
    records.write_bytes(to / FACTS, to_bytes(tensors, {"bokehbench": json.dumps(about, sort_keys=True)}))
    return [to / name for name in FILES]


def read_prepared(paths: Mapping[str, Path], dtype: torch.dtype = torch.float32) -> Base:
    """A base from its three files.

    Args:
        paths: by the names of `FILES`.
        dtype: of the UNet; the VAE stays float32, which it needs.

    Raises:
        InputError: files that cannot be read, or that do not belong together.
    """
    facts = sdxl.read_state([paths[FACTS]])
    about = metadata(paths[FACTS])
    for name in (UNET, VAE):
        wanted, found = about.get("sha256", {}).get(name), weights.sha256(paths[name])
        if wanted != found:
            raise InputError(
                f"{paths[name]}: not the one that {paths[FACTS].name} was made with (sha256 {found[:8]}…); "
                "make the three again with bokehbench weights base"
            )
    unet, vae = (sdxl.read_state([paths[name]]) for name in (UNET, VAE))
    return Base(
        sdxl.filled("unet", about["unet"], unet, dtype),
        sdxl.filled("vae", about["vae"], vae, torch.float32),
        facts["prompt_embeds"],
        facts["pooled"],
        about,
    )


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


def _configs(folder: Path) -> dict[str, Any]:
    """Configurations of UNet and VAE, checked: an SDXL model with the schedule that the one step needs."""
    read: dict[str, dict[str, Any]] = {}
    for part, name in (("unet", "config"), ("vae", "config"), ("scheduler", "scheduler_config")):
        path = folder / part / f"{name}.json"
        if not path.is_file():
            raise InputError(f"{folder}: no {part}/{name}.json: not a folder of a diffusers model")
        read[part] = records.read_json(path)
    check_schedule(read["scheduler"], folder / "scheduler/scheduler_config.json")
    unet, vae = read["unet"], read["vae"]
    wanted = (unet.get("addition_embed_type"), unet.get("in_channels"), unet.get("out_channels"))
    if wanted != ("text_time", vae.get("latent_channels"), vae.get("latent_channels")):
        raise InputError(
            f"{folder}: not a model of the SDXL family (text_time conditioning, latents of its VAE)"
        )
    return {"unet": unet, "vae": vae, "scheduler": {key: read["scheduler"][key] for key in SCHEDULE}}


def _files(folder: Path) -> list[Path]:
    """The files of one network: full precision where it is there, all shards."""
    # Variants have longer names than the network itself: `.non_ema`, `.fp16`.
    found = sorted(folder.glob("*.safetensors"), key=lambda path: (len(path.name), path.name))
    plain = [path for path in found if ".fp16." not in path.name]
    whole = [path for path in plain if "-of-" not in path.name]
    chosen = whole[:1] or plain or [path for path in found if "-of-" not in path.name][:1] or found
    if not chosen:
        raise InputError(f"{folder}: no .safetensors file (pickled weights are not read)")
    return chosen


def _put(paths: Sequence[Path], state: Mapping[str, Tensor], target: Path) -> None:
    from safetensors.torch import save_file

    with records.atomic_path(target) as part:
        if len(paths) > 1:
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, part)
            return
        try:
            os.link(paths[0].resolve(), part)
        except OSError:  # another disk
            shutil.copyfile(paths[0], part)
