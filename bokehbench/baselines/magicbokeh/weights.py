"""Weights of MagicBokeh: our files, and the authors' as `bokehbench weights convert` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch

from bokehbench import weights
from bokehbench.baselines.diffusion import trained
from bokehbench.baselines.diffusion.basefolder import metadata
from bokehbench.baselines.diffusion.networks import config_from_json
from bokehbench.baselines.diffusion.states import read_state
from bokehbench.baselines.magicbokeh import base as bases
from bokehbench.baselines.magicbokeh import build
from bokehbench.baselines.magicbokeh.compact import CompactConfig
from bokehbench.baselines.magicbokeh.fama.settings import Compute, FamaSettings
from bokehbench.baselines.magicbokeh.model import MagicBokeh

SHIPPED = Path(__file__).parent / "trained"
"""Weights that come with the package, with their card."""
COMPACT = ("magicbokeh-compact.safetensors",)
OURS = ("magicbokeh.safetensors", *bases.FILES)
OFFICIAL = ("magicbokeh-official.safetensors", *bases.FILES)
SOURCES = {
    OFFICIAL[0]: "`bokehbench weights convert magicbokeh FILE` (docs/official-weights.md)",
    **dict.fromkeys(bases.FILES, f"`{bases.COMMAND}` (docs/magicbokeh.md)"),
}


def locate(files: Sequence[str]) -> dict[str, Path]:
    """File name in the spec -> the file; Unavailable, with what to do, where one is missing or no card's."""
    return {file: weights.find(file, SHIPPED, SOURCES.get(file, "")) for file in files}


def save(model: MagicBokeh, path: Path, about: Mapping[str, Any] | None = None) -> None:
    """Write a file that `load` reads: `MagicBokeh.trained_state` in fp16, and what builds the model.

    Args:
        model: after training.
        path: .safetensors.
        about: more for its metadata entry `bokehbench`, plain values.

    Raises:
        InputError: weights that are not finite in fp16.
    """
    said = {**(about or {}), **model.origin, "timestep": model.timestep}
    trained.write(path, model.trained_state(), said)


def load(files: Sequence[str], compute: str = "auto", dtype: torch.dtype = torch.float32) -> MagicBokeh:
    """The model of our files, or of the authors' (`OFFICIAL`), in eval mode, on the CPU.

    Args:
        files: as a spec names them.
        compute: how the focus-aware attention is computed, see `FamaSettings`.
        dtype: of UNet and ControlNet on a base; a compact model, VAEs and the step are float32.

    Raises:
        Unavailable: a file is missing.
        ConfigError: `compute` is unknown.
        InputError: files that do not hold this model, or do not belong together.
    """
    paths = locate(files)
    path = paths[files[0]]
    about = metadata(path)
    kind = "compact" if len(files) == 1 else "sd21"
    trained.check_kind(path, about, kind)
    with trained.described_by(path):
        fama = replace(config_from_json(FamaSettings, about["fama"], "fama"), compute=cast(Compute, compute))
        if kind == "compact":
            model = build.random_compact(0, CompactConfig.from_json(about["config"]), fama)
        else:
            model = _on_base(paths, path, about, fama, dtype)
    model.load_trained(read_state([path]))
    if kind == "sd21":  # what was added to them, too
        model.unet.to(dtype)
        model.control.to(dtype)
    return model.eval().requires_grad_(False)


def _on_base(
    paths: Mapping[str, Path],
    path: Path,
    about: Mapping[str, Any],
    fama: FamaSettings,
    dtype: torch.dtype,
) -> MagicBokeh:
    base = bases.read_prepared(paths)
    trained.check_base(path, about["base"], base.about, bases.COMMAND)
    return build.on_base(
        base,
        ranks=about["ranks"],
        alphas=about["alphas"],
        fama=fama,
        tile_px=int(about["tile_px"]),
        timestep=int(about["timestep"]),
        dtype=dtype,
    )
