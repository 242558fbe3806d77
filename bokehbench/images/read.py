"""Reading pictures: encoded float32 at this boundary, whatever the file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BadImage
from bokehbench.images.decode import Decoded, decode
from bokehbench.images.exr import bare_names, read_exr, read_exr_rgb
from bokehbench.images.notes import Notes, note
from bokehbench.optics import encode

FloatImage = npt.NDArray[np.float32]
IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".exr", ".hdr"}
)
RINGING = 0.01
"""Negative light up to here is what filters leave behind, and becomes 0."""
COLOURED = 8.0 / 255.0
"""Mean difference between channels from which a picture is no matte (the chroma of JPEG stays below)."""


def read_image(
    path: Path, gamma: float = 2.2, *, need: tuple[int, int] | None = None, notes: Notes | None = None
) -> FloatImage:
    """Read a photograph as encoded RGB.

    Args:
        path: 8- or 16-bit image (transparency ignored, orientation and colour profile applied), or linear
            EXR, HDR or floating-point TIFF, which is encoded with ``** (1/gamma)`` and may exceed 1.
        gamma: for linear files only.
        need: (W, H) that will be used: a picture of more than 25 megapixels may come smaller, at any size
            of at least twice that.
        notes: collects what was done to the file.

    Returns:
        [H, W, 3] float32.

    Raises:
        BadImage: unreadable, truncated, too large, or linear with values that are not finite or negative.
    """
    if path.suffix.lower() == ".exr":
        return _encoded(path, read_exr_rgb(path), gamma, notes)
    decoded = decode(path, notes, need=need)
    return np.ascontiguousarray(_rgb(path, decoded, gamma, notes))


def read_rgba(path: Path, gamma: float = 2.2, *, notes: Notes | None = None) -> FloatImage:
    """Read a picture as encoded straight RGB and alpha (1 where the file has none).

    EXR holds premultiplied colour, by its standard; here it is divided by alpha again.

    Returns:
        [H, W, 4] float32, alpha in [0, 1]; colours of linear files may exceed 1.

    Raises:
        BadImage: see `read_image`.
    """
    if path.suffix.lower() == ".exr":
        return _read_exr_rgba(path, gamma, notes)
    decoded = decode(path, notes)
    rgb = _rgb(path, decoded, gamma, notes)
    pixels = decoded.pixels
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        alpha = _unit(pixels[..., 3])
        if not np.isfinite(alpha).all():
            raise BadImage(path, "E_NONFINITE", "has NaN or infinite alpha")
        alpha = np.clip(alpha, 0.0, 1.0)
    else:
        alpha = np.ones(pixels.shape[:2], np.float32)
    return np.ascontiguousarray(np.dstack([rgb, alpha]))


def read_grey(path: Path, *, notes: Notes | None = None) -> FloatImage:
    """Read a map (a matte, a disparity map) as [H, W] float32 in [0, 1], 16 bit kept, no colour profile.

    Floating-point files come as stored, with NaN where the map is invalid.

    Raises:
        BadImage: unreadable; E_CHANNELS where the picture is coloured, which no map is.
    """
    if path.suffix.lower() == ".exr":
        rgb: FloatImage = read_exr_rgb(path)
    else:
        pixels = decode(path, notes, colour=False).pixels
        if pixels.ndim == 2:
            return np.ascontiguousarray(_unit(pixels))
        rgb = _unit(pixels[..., :3])
    spread = rgb.max(axis=2) - rgb.min(axis=2)
    if not spread.any():
        return np.ascontiguousarray(rgb[..., 0])
    if not float(spread.mean()) <= COLOURED:
        raise BadImage(path, "E_CHANNELS", "is coloured; a map has one channel, or several that are equal")
    return np.ascontiguousarray(rgb @ np.array([0.299, 0.587, 0.114], np.float32))


def _rgb(path: Path, decoded: Decoded, gamma: float, notes: Notes | None) -> FloatImage:
    pixels = decoded.pixels
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    rgb = _unit(pixels[..., :3])
    return _encoded(path, rgb, gamma, notes) if pixels.dtype == np.float32 else rgb


def _unit(pixels: npt.NDArray[Any]) -> FloatImage:
    """Whole numbers over full scale; floats as they are."""
    if pixels.dtype == np.float32:
        return np.asarray(pixels)
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def _encoded(path: Path, light: FloatImage, gamma: float, notes: Notes | None) -> FloatImage:
    """Linear light encoded; refuses what is no light."""
    if not np.isfinite(light).all():
        raise BadImage(path, "E_NONFINITE", "has NaN or infinite pixels")
    darkest = float(light.min())
    if darkest < -RINGING:
        raise BadImage(path, "E_NONFINITE", f"has negative light, down to {darkest:.3g}")
    if darkest < 0.0:
        note(notes, "W_NEGATIVE", f"negative light, down to {darkest:.2g}, became 0")
    return encode(light, gamma).astype(np.float32)


def _read_exr_rgba(path: Path, gamma: float, notes: Notes | None) -> FloatImage:
    light = read_exr_rgb(path)
    alpha = bare_names(read_exr(path)).get("A", np.ones(light.shape[:2], np.float32))
    if not np.isfinite(alpha).all():
        raise BadImage(path, "E_NONFINITE", "has NaN or infinite alpha")
    alpha = np.clip(alpha, 0.0, 1.0)
    straight = light / np.maximum(alpha, 1.0 / 4096.0)[..., None]
    return np.ascontiguousarray(np.dstack([_encoded(path, straight, gamma, notes), alpha]))
