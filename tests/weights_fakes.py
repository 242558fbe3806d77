"""Checkpoints as their authors write them, and as nobody should: for the tests of `weights convert`."""

from __future__ import annotations

import io
import struct
import sys
import types
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

RANKS = {"vae": 3, "isr": 4, "bokeh": 2}
ENCODER = {"conv_in": (8, 4), "down_blocks.0.attentions.0.proj_in": (8, 8)}
DECODER = {"up_blocks.1.attentions.0.proj_in": (8, 8), "conv_out": (4, 8)}
VAE = {"encoder.conv_in": (4, 3), "quant_conv": (8, 8)}
ATTENTION = "up_blocks.1.attentions.0.transformer_blocks.0.attn1.processor"


class ControlNetModel(nn.Module):
    """A network as an object, of a class that exists where it was saved, and nowhere else."""

    def __init__(self, inner: nn.Module | None = None) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(4, 8, 3)
        self.down_blocks = nn.ModuleList([nn.Sequential(nn.Linear(8, 8), nn.SiLU(), nn.GroupNorm(2, 8))])
        self.register_buffer("kept", torch.arange(3))
        self.register_buffer("passing", torch.ones(2), persistent=False)
        self.size, self.kind, self.place = torch.Size([1, 2]), torch.float16, torch.device("cpu")
        self.config = OrderedDict(act_fn="silu", blocks=(1, 2), none=None)
        if inner is not None:
            self.inner = inner


def lora(modules: Mapping[str, tuple[int, int]], adapter: str, rank: int) -> dict[str, Tensor]:
    found = {}
    for name, (out, inside) in modules.items():
        found[f"{name}.lora_A.{adapter}.weight"] = torch.randn(rank, inside)
        found[f"{name}.lora_B.{adapter}.weight"] = torch.randn(out, rank)
    return found


def released() -> dict[str, Any]:
    """All that the released checkpoint has, for a network of a few numbers."""
    unet = lora(ENCODER, "default_encoder", RANKS["isr"]) | lora(DECODER, "default_decoder", RANKS["isr"])
    first = {"conv_in.base_layer.weight": torch.randn(8, 4, 3, 3), "conv_in.base_layer.bias": torch.randn(8)}
    sides = ((RANKS["bokeh"], 8), (8, RANKS["bokeh"]))
    projections = ("to_q", "to_k", "to_v", "to_out")
    return {
        "state_dict_unet": OrderedDict(first | unet),
        "rank_unet": RANKS["isr"],
        "unet_lora_encoder_modules": list(ENCODER),
        "unet_lora_decoder_modules": list(DECODER),
        "state_dict_vae": lora(VAE, "default_encoder", RANKS["vae"]),
        "rank_vae": RANKS["vae"],
        "vae_lora_encoder_modules": [*VAE, "quant_conv"],
        "controlnet": ControlNetModel(),
        "state_dict_attn": RANKS["bokeh"],
        "processor_state_dict": {
            f"{ATTENTION}.{part}_lora.{i}.weight": torch.randn(*sides[i])
            for part in projections
            for i in (0, 1)
        },
    }


def save(content: Any, path: Path, **how: Any) -> Path:
    """torch.save, with the class of the ControlNet where the released code has it."""
    home, parent = types.ModuleType("models.controlnet"), types.ModuleType("models")
    home.ControlNetModel = ControlNetModel  # type: ignore[attr-defined]
    before = ControlNetModel.__module__
    ControlNetModel.__module__ = home.__name__
    sys.modules |= {parent.__name__: parent, home.__name__: home}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.save(content, path, **how)
    finally:
        ControlNetModel.__module__ = before
        for name in (parent.__name__, home.__name__):
            del sys.modules[name]
    return path


def archive(
    path: Path,
    pickle: bytes,
    storages: Mapping[str, bytes] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """A zip file with a pickle of one's own."""
    parts = {"data.pkl": pickle, **{f"data/{key}": value for key, value in (storages or {}).items()}}
    with zipfile.ZipFile(path, "w") as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that are there twice
        for name, content in [*((f"archive/{n}", c) for n, c in parts.items()), *(extra or {}).items()]:
            opened.writestr(name, content)
    return path


def text(value: str) -> bytes:
    """A string in a pickle."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """A whole number in a pickle."""
    content = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(content)]) + content


def name(module: str, attribute: str) -> bytes:
    """A name in a pickle."""
    return f"c{module}\n{attribute}\n".encode()


def tensor(
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    count: int = 4,
    kind: str = "FloatStorage",
    key: str = "0",
) -> bytes:
    """A tensor in a pickle, as torch.save writes it, of any claims."""
    storage = b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + number(count) + b"tQ"
    sizes = b"".join(b"(" + b"".join(map(number, numbers)) + b"t" for numbers in (shape, strides))
    hooks = name("collections", "OrderedDict") + b")R"
    return (
        name("torch._utils", "_rebuild_tensor_v2")
        + b"("
        + storage
        + number(offset)
        + sizes
        + b"\x89"
        + hooks
        + b"tR"
    )


def pickled(*parts: bytes) -> bytes:
    """A pickle of protocol 2."""
    return b"\x80\x02" + b"".join(parts) + b"."


def legacy(content: Any) -> bytes:
    """The older form of torch.save."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()
