"""The base of the full-size model: found on disk or in the hub's cache, checked, and prepared as three files.

Nothing is downloaded here. A base is a folder as diffusers writes it. Prepared, it is UNet and VAE in one
file each, and a third one with the prompt's embedding and all that has to be known about the base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehbench.baselines.bokehdiff.prompt import PROMPT, embed
from bokehbench.baselines.diffusion import basefolder, networks, prepared
from bokehbench.baselines.diffusion.states import read_state
from bokehbench.errors import InputError

NAME = "SG161222/RealVisXL_V5.0"
"""Base of the paper; CreativeML Open RAIL++-M."""
REVISIONS = {
    NAME: "3125c9694b477d14433287b90c84f447237f6867",
    "stabilityai/stable-diffusion-xl-base-1.0": "462165984030d82259a11f4367a4eed129e94a7b",
}
"""Pinned commits of the hub."""
NAMES = prepared.Names(
    "bokehdiff-base.safetensors", "bokehdiff-base-unet.safetensors", "bokehdiff-base-vae.safetensors"
)
FACTS, UNET, VAE = FILES = NAMES.files
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
    """(folder, revision) of a base, see `basefolder.find`."""
    return basefolder.find(base, revision, REVISIONS, PATTERNS, "7 to 14 GB")


def configurations(base: str, revision: str | None = None) -> dict[str, Any]:
    """Those of a base's "unet", "vae" and "scheduler"; no weights are read.

    Raises:
        Unavailable, ConfigError: see `find`.
        InputError: not an SDXL model.
    """
    return _configs(find(base, revision)[0])


def read(base: str, revision: str | None = None, dtype: torch.dtype = torch.float32) -> Base:
    """A base from its folder, its prompt embedded by its own text encoders.

    Raises:
        Unavailable, ConfigError: see `find` and `prompt.embed`.
        InputError: not an SDXL model, or files that cannot be read.
    """
    folder, found = find(base, revision)
    configs = _configs(folder)
    tensors = prepared.states_of(folder)
    embeds, pooled = embed(folder)
    about = {**prepared.about(base, folder, found, tensors, configs), "prompt": PROMPT}
    unet = networks.filled("unet", configs["unet"], tensors["unet"], dtype)
    vae = networks.filled("vae", configs["vae"], tensors["vae"], torch.float32)
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
    folder, found = find(base, revision)
    configs = _configs(folder)
    embeds, pooled = embed(folder)
    tensors = prepared.states_of(folder)
    prepared.fitting(tensors, configs)  # what does not fit is refused before anything is written
    about = {**prepared.about(base, folder, found, tensors, configs), "prompt": PROMPT}
    return prepared.write(folder, tensors, about, to, NAMES, {"prompt_embeds": embeds, "pooled": pooled})


def read_prepared(paths: Mapping[str, Path], dtype: torch.dtype = torch.float32) -> Base:
    """A base from its three files.

    Args:
        paths: by the names of `FILES`.
        dtype: of the UNet; the VAE stays float32, which it needs.

    Raises:
        InputError: files that cannot be read, or that do not belong together.
    """
    about, tensors = prepared.read(paths, NAMES, "bokehbench weights base")
    facts = read_state([paths[FACTS]])
    return Base(
        networks.filled("unet", about["unet"], tensors["unet"], dtype),
        networks.filled("vae", about["vae"], tensors["vae"], torch.float32),
        facts["prompt_embeds"],
        facts["pooled"],
        about,
    )


def _configs(folder: Path) -> dict[str, Any]:
    """Configurations of UNet and VAE, checked: an SDXL model with the schedule that the one step needs."""
    found = basefolder.configs(folder)
    unet, vae = found["unet"], found["vae"]
    wanted = (unet.get("addition_embed_type"), unet.get("in_channels"), unet.get("out_channels"))
    if wanted != ("text_time", vae.get("latent_channels"), vae.get("latent_channels")):
        raise InputError(
            f"{folder}: not a model of the SDXL family (text_time conditioning, latents of its VAE)"
        )
    return found
