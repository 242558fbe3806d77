"""Weights of BokehDiff: our files, and the authors' LoRA and VAE file; every tensor accounted for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehbench import weights
from bokehbench.baselines.bokehdiff import base as bases
from bokehbench.baselines.bokehdiff import build
from bokehbench.baselines.bokehdiff.compact import CompactConfig
from bokehbench.baselines.bokehdiff.model import TILE_PX, TRAINED_VAE, BokehDiff
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.diffusion import trained
from bokehbench.baselines.diffusion.basefolder import metadata
from bokehbench.baselines.diffusion.states import check_keys, read_state, spelled
from bokehbench.errors import InputError

SHIPPED = Path(__file__).parent / "trained"
"""Weights that come with the package, with their card."""
COMPACT = ("bokehdiff-compact.safetensors",)
OURS = ("bokehdiff.safetensors", *bases.FILES)
OFFICIAL_LORA, OFFICIAL_VAE = "bokehdiff-official-lora.safetensors", "bokehdiff-official-vae.ckpt"
OFFICIAL = (OFFICIAL_LORA, OFFICIAL_VAE, *bases.FILES)
RELEASE = "the authors' release on the hub (zcx65535/bokehdiff"
SOURCES = {
    OFFICIAL_LORA: f"{RELEASE}, small/pytorch_lora_weights.safetensors)",
    OFFICIAL_VAE: f"{RELEASE}, small/vae.ckpt)",
    **dict.fromkeys(bases.FILES, f"`bokehbench weights base {bases.NAME}` (docs/bokehdiff.md)"),
}
PARTS = ("coc", "query_softmax", "occlusion", "samples", "jitters")
"""Of PISA's settings, what a file of weights says: the ablations, and how finely occlusion is sampled."""
SPELLINGS = (
    (re.compile(r"^(base_model\.model\.|unet\.)+"), ""),
    (re.compile(r"\.processor\.(to_[a-z]+)_lora\."), r".\1.lora."),
    (re.compile(r"\.to_out\.lora\."), ".to_out.0.lora."),
    (re.compile(r"\.lora(_linear_layer)?\.down\.weight$|\.lora_down\.weight$"), ".lora_A.weight"),
    (re.compile(r"\.lora(_linear_layer)?\.up\.weight$|\.lora_up\.weight$"), ".lora_B.weight"),
    (re.compile(r"\.(lora_[AB])\.default\.weight$"), r".\1.weight"),
)
"""How peft and diffusers write a LoRA's tensors, to how `BokehDiff.trained_state` does without ``unet.``"""


def locate(files: Sequence[str]) -> dict[str, Path]:
    """File name in the spec -> the file; Unavailable, with what to do, where one is missing or no card's."""
    return {file: weights.find(file, SHIPPED, SOURCES.get(file, "")) for file in files}


def save(model: BokehDiff, path: Path, about: Mapping[str, Any] | None = None) -> None:
    """Write a file that `load` reads: `BokehDiff.trained_state` in fp16, and what builds the model.

    Args:
        model: after training.
        path: .safetensors.
        about: more for its metadata entry `bokehbench`, plain values.

    Raises:
        InputError: weights that are not finite in fp16.
    """
    settings = asdict(model.processor.settings)
    said = {
        **(about or {}),
        **model.origin,
        "timestep": model.timestep,
        "pisa": {part: settings[part] for part in PARTS},
    }
    trained.write(path, model.trained_state(), said)


def load(files: Sequence[str], form: str = "auto", dtype: torch.dtype = torch.float32) -> BokehDiff:
    """The model of our files, or of the authors' (`OFFICIAL`), in eval mode, on the CPU.

    Args:
        files: as a spec names them.
        form: how PISA is computed, see `PisaSettings`.
        dtype: of the UNet on a base; a compact model and VAEs are float32.

    Raises:
        Unavailable: a file is missing.
        InputError: files that do not hold this model, or do not belong together.
    """
    paths = locate(files)
    if tuple(files) == OFFICIAL:
        return _official(paths, form, dtype)
    path = paths[files[0]]
    about = metadata(path)
    kind = "compact" if len(files) == 1 else "sdxl"
    trained.check_kind(path, about, kind)
    with trained.described_by(path):
        settings = replace(PisaSettings(**about["pisa"]), form=form)
        if kind == "compact":
            model = build.random_compact(0, CompactConfig.from_json(about["config"]), settings)
        else:
            base = bases.read_prepared(paths, dtype)
            trained.check_base(path, about["base"], base.about, "bokehbench weights base")
            tile_px = int(about.get("tile_px", TILE_PX))
            model = build.on_base(base, int(about["rank"]), int(about["timestep"]), settings, tile_px=tile_px)
    model.load_trained(read_state([path]))
    return model.eval().requires_grad_(False)


# --------------------------------------------------------------------------------------- the authors' files


def _official(paths: Mapping[str, Path], form: str, dtype: torch.dtype) -> BokehDiff:
    settings = PisaSettings(compat=True, form=form)
    lora = official_lora(read_state([paths[OFFICIAL_LORA]]), paths[OFFICIAL_LORA])
    ranks = {tensor.shape[0] for name, tensor in lora.items() if name.endswith(".lora_A.weight")}
    if len(ranks) != 1:
        raise InputError(f"{paths[OFFICIAL_LORA]}: a LoRA of one rank is wanted, not of {sorted(ranks)}")
    model = build.on_base(bases.read_prepared(paths, dtype), ranks.pop(), settings=settings)
    own = model.trained_state()
    adapted = {name.removeprefix("unet."): t for name, t in own.items() if name.startswith("unet.")}
    try:
        check_keys(adapted, lora, "the LoRA of BokehDiff")
    except InputError as error:
        raise InputError(f"{paths[OFFICIAL_LORA]}: {error}") from error
    encoder = official_vae(paths[OFFICIAL_VAE], model.vae.state_dict())
    model.load_trained(
        {f"unet.{name}": tensor for name, tensor in lora.items()}
        | {name: encoder[name.removeprefix("vae.")] for name in own if name.startswith("vae.")}
    )
    model.vae.load_state_dict(encoder)
    return model.eval().requires_grad_(False)


def official_lora(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """A LoRA file of peft or diffusers under our names.

    Scales (``.alpha``) must be the rank, so that they change nothing.

    Raises:
        InputError: a tensor that is no part of a LoRA, one that is there twice, or another scale.
    """
    found: dict[str, Tensor] = {}
    alphas: dict[str, float] = {}
    for key, tensor in state.items():
        name = key
        for pattern, spelling in SPELLINGS:
            name = pattern.sub(spelling, name)
        if name.endswith(".alpha"):
            alphas[name.removesuffix(".alpha")] = float(tensor)
            continue
        if not name.endswith((".lora_A.weight", ".lora_B.weight")):
            raise InputError(f"{path}: {key} is no tensor of a LoRA")
        if name in found:
            raise InputError(f"{path}: {key} is there twice under two names")
        found[name] = tensor
    for module, alpha in alphas.items():
        matrix = found.get(f"{module}.lora_A.weight")
        if matrix is None or alpha != matrix.shape[0]:
            raise InputError(f"{path}: {module} has alpha {alpha:g}, its rank is wanted")
    return found


def official_vae(path: Path, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All tensors of the VAE, with those of the authors' file in place of the base's.

    The file has the parts of the encoder that are trained, alone or with any others of the VAE.

    Raises:
        InputError: tensors that the VAE has not, or trained ones that are missing.
    """
    try:
        # Tensors alone: a pickle may be anybody's program.
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as weights ({said}); get the file again") from error
    content = content.get("state_dict", content) if isinstance(content, Mapping) else {}
    tensors = {str(k).removeprefix("module.").removeprefix("vae."): v for k, v in content.items()}
    if not tensors or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise InputError(f"{path}: no dictionary of tensors in it")
    fitting = spelled(own, tensors)
    wanted = {name: t for name, t in own.items() if name.startswith(TRAINED_VAE) or name in fitting}
    try:
        check_keys(wanted, fitting, "a VAE of BokehDiff")
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return {name: fitting.get(name, tensor) for name, tensor in own.items()}
