"""Pictures of samples as bytes, and back: names of files, encodings, decoding."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import InputError
from bokehbench.images import quantise, read_exr, write_disparity, write_exr, write_exr_rgb, write_png
from bokehbench.optics import decode as to_linear
from bokehbench.optics import encode as to_display
from bokehbench.records import write_bytes
from bokehbench.synth.store.profile import Encoding, Profile
from bokehbench.synth.truth.types import Kind, Truth

SUFFIXES: dict[Encoding, str] = {"png": "png", "jpg": "jpg", "png16": "png", "exr": "exr", "exr32": "exr"}
_NUMBERED = re.compile(r"(.+)_(k?[0-9]+)")


def file_name(key: str, name: str, kind: Kind, encoding: Encoding) -> str:
    """Path of a picture below the root of a folder store, which is also its name in the sample's JSON.

    `aif` -> aif/KEY.png, `bokeh_k0` -> bokeh/KEY_k0.png, `layer_2` -> layers/KEY_2.exr, `disp_soft` ->
    disp_soft/KEY.exr.
    """
    numbered = _NUMBERED.fullmatch(name)
    stem, part = (numbered[1], f"_{numbered[2]}") if numbered else (name, "")
    return f"{'layers' if kind == 'layer' else stem}/{key}{part}.{SUFFIXES[encoding]}"


def gamma_of(name: str, lenses: Mapping[str, float], gamma: float) -> float:
    """The gamma that an image is encoded with.

    Args:
        name: of the picture.
        lenses: gamma of each render, by its id.
        gamma: of everything else.
    """
    stem, _, part = name.partition("_")
    if stem == "bokeh" and part in lenses:
        return lenses[part]
    if stem == "aif" and part.startswith("g"):
        return float(part[1:].replace("p", "."))
    return gamma


def write_picture(path: Path, truth: Truth, profile: Profile, gamma: float) -> None:
    """Encode one picture into a file, atomically; equal pixels make equal bytes.

    Args:
        path: from `file_name`.
        truth: the picture.
        profile: how.
        gamma: of encoded images, which are made linear where the file is EXR.
    """
    encoding, pixels = profile.encoding(truth.name, truth.kind), truth.pixels
    if truth.kind == "layer":
        write_exr(path, {name: pixels[..., c] for c, name in enumerate("RGBA")})
    elif encoding == "jpg":
        write_bytes(path, _jpeg(pixels, profile.jpeg_quality))
    elif encoding == "png16":
        write_disparity(path, pixels)
    elif encoding == "png":
        write_png(path, pixels)
    elif truth.kind == "image":
        write_exr_rgb(path, to_linear(pixels, gamma))
    else:
        write_exr(path, {"Y": pixels}, half=encoding == "exr")


def _jpeg(pixels: npt.NDArray[Any], quality: int) -> bytes:
    import cv2

    # Subsampled colours would bleed over edges, which is what bokeh is about.
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    flags += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(quantise(pixels), cv2.COLOR_RGB2BGR), flags)
    if not done:
        raise InputError("a picture could not be encoded as JPEG")
    return data.tobytes()


def read_picture(data: bytes, where: str, kind: Kind, gamma: float) -> npt.NDArray[Any]:
    """Decode one picture.

    Args:
        data: the file's bytes.
        where: its name, whose suffix says the format; for messages too.
        kind: what the pixels mean; decides shape and type, see `truth.types.Kind`.
        gamma: images in EXR are encoded with it.

    Raises:
        InputError: not such a picture.
    """
    if where.endswith(".exr"):
        return _read_exr(data, where, kind, gamma)
    pixels = _raster(data)
    channels = {"image": 3, "rgba": 4}.get(kind, 1)
    if pixels is None or (pixels.shape[2] if pixels.ndim == 3 else 1) != channels:
        raise InputError(f"{where}: damaged, or not a picture of kind {kind}")
    return pixels if kind == "label" else _unit(pixels)


def decode_member(name: str, data: bytes) -> npt.NDArray[Any] | None:
    """Decode a member of a shard for `webdataset.WebDataset(...).decode(decode_member)`.

    webdataset's own decoders take every picture for one of 8 bit, which clips disparity.

    Args:
        name: the member's, for example `.disp.png`.
        data: its bytes.

    Returns:
        [H, W] or [H, W, C] float32: encoded values in [0, 1], of 16-bit files too; of EXR files the linear
        light or the map. Labels stay uint8. None for what is no picture.

    Raises:
        InputError: a damaged picture.
    """
    stem, _, suffix = name.lstrip(".").rpartition(".")
    if suffix == "exr":
        channels = _exr_channels(data, name)
        planes = [channels[c] for c in "RGBAY" if c in channels]
        return planes[0] if len(planes) == 1 else np.stack(planes, axis=2)
    if suffix not in SUFFIXES.values():
        return None
    pixels = _raster(data)
    if pixels is None:
        raise InputError(f"{name}: damaged")
    return pixels if stem == "label" else _unit(pixels)


def _raster(data: bytes) -> npt.NDArray[Any] | None:
    """Pixels of a PNG or JPEG in the order RGB(A), with the bits that it has; None where it is damaged."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if pixels is None or pixels.ndim == 2:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


def _unit(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def _exr_channels(data: bytes, where: str) -> dict[str, npt.NDArray[np.float32]]:
    # The OpenEXR binding reads files only.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.exr"
        path.write_bytes(data)
        try:
            return read_exr(path)
        except InputError as error:
            raise InputError(f"{where}: damaged, or not an EXR file") from error


def _read_exr(data: bytes, where: str, kind: Kind, gamma: float) -> npt.NDArray[np.float32]:
    channels = _exr_channels(data, where)
    wanted = {"image": "RGB", "layer": "RGBA"}.get(kind, "Y")
    if set(wanted) != channels.keys():
        raise InputError(f"{where}: has channels {', '.join(channels)}, {kind} needs {', '.join(wanted)}")
    if kind == "image":
        return to_display(np.stack([channels[c] for c in wanted], axis=2), gamma).astype(np.float32)
    return channels["Y"] if len(wanted) == 1 else np.stack([channels[c] for c in wanted], axis=2)
