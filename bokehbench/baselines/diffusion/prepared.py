"""A base as three files in a folder of weights: UNet, VAE, and what has to be known about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from bokehbench import records, weights
from bokehbench.baselines.diffusion import basefolder
from bokehbench.baselines.diffusion.networks import on_meta
from bokehbench.baselines.diffusion.states import check_keys, fingerprint, read_state, spelled
from bokehbench.errors import InputError

PARTS = ("unet", "vae")
States = Mapping[str, Mapping[str, Tensor]]
"""Tensors of "unet" and "vae"."""


@dataclass(frozen=True)
class Names:
    """Of the three files; `facts` has the metadata, and tensors that are no network's."""

    facts: str
    unet: str
    vae: str

    @property
    def files(self) -> tuple[str, str, str]:
        """All three."""
        return self.facts, self.unet, self.vae

    def of(self, part: str) -> str:
        """The file of "unet" or "vae"."""
        return self.unet if part == "unet" else self.vae


def states_of(folder: Path) -> dict[str, dict[str, Tensor]]:
    """The tensors of both networks of a folder of diffusers."""
    return {part: read_state(basefolder.weight_files(folder / part)) for part in PARTS}


def fitting(states: States, configs: Mapping[str, Any]) -> dict[str, dict[str, Tensor]]:
    """The same under the names of today; InputError where they are not those of the configurations."""
    found = {}
    for part in PARTS:
        own = on_meta(part, configs[part]).state_dict()
        found[part] = spelled(own, states[part])
        check_keys(own, found[part], f"the {part} of this base model")
    return found


def about(
    base: str, folder: Path, revision: str, states: States, configs: Mapping[str, Any]
) -> dict[str, Any]:
    """What has to be known: name, revision, fingerprint, and the configurations.

    Args:
        base: as it was asked for.
        folder: where it was found.
        revision: of the hub; empty for a folder.
        states, configs: of its networks.
    """
    return {
        "name": base if revision else folder.resolve().name,
        "revision": revision,
        "fingerprint": fingerprint(states["unet"], states["vae"]),
        **configs,
    }


def write(
    folder: Path,
    states: States,
    known: Mapping[str, Any],
    to: Path,
    names: Names,
    more: Mapping[str, Tensor] | None = None,
) -> list[Path]:
    """Write the three files; networks are linked where they are one file each, shards are joined.

    Args:
        folder: of diffusers.
        states: as they were read from it, and fit.
        known: see `about`.
        to: folder of weights.
        names: of the files.
        more: tensors beside the networks.
    """
    from safetensors.torch import save as to_bytes

    for part in PARTS:
        basefolder.put(basefolder.weight_files(folder / part), states[part], to / names.of(part))
    digests = {names.of(part): weights.sha256(to / names.of(part)) for part in PARTS}
    said = json.dumps({**known, "sha256": digests}, sort_keys=True)
    tensors = {name: tensor.contiguous() for name, tensor in (more or {}).items()}
    records.write_bytes(to / names.facts, to_bytes(tensors, {"bokehbench": said}))
    return [to / name for name in names.files]


def read(
    paths: Mapping[str, Path], names: Names, command: str
) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    """(what is known, tensors of the networks as the files have them).

    Args:
        paths: by name.
        names: of the files.
        command: that makes them, for the error.

    Raises:
        InputError: files that cannot be read, or that do not belong together.
    """
    known = basefolder.metadata(paths[names.facts])
    for name in (names.unet, names.vae):
        wanted, found = known.get("sha256", {}).get(name), weights.sha256(paths[name])
        if wanted != found:
            raise InputError(
                f"{paths[name]}: not the one that {paths[names.facts].name} was made with (sha256 "
                f"{found[:8]}…); make the three again with {command}"
            )
    return known, {part: read_state([paths[names.of(part)]]) for part in PARTS}
