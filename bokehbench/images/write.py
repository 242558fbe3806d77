"""Writing 8- and 16-bit files, atomically."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BadImage
from bokehbench.records import write_bytes


def quantise(image: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Clip to [0, 1] and round to 8 bit, ``floor(255 x + 0.5)``; what is stored and scored. Any shape."""
    if image.dtype == np.uint8:
        return image
    return np.floor(np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def encode_png(pixels: npt.NDArray[Any]) -> bytes:
    """The PNG file of [H, W], [H, W, 3] or straight [H, W, 4], of their 8 or 16 bit; floats are quantised.

    Raises:
        BadImage: E_WRITE.
    """
    import cv2

    if pixels.dtype.kind == "f":
        pixels = quantise(pixels)
    if pixels.ndim == 3 and pixels.shape[2] > 1:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise BadImage("PNG", "E_WRITE", f"{pixels.dtype} {pixels.shape} could not be encoded")
    return bytes(data)


def write_png(path: Path, image: npt.NDArray[Any]) -> None:
    """Write encoded [H, W], [H, W, 3] or straight [H, W, 4] as 8-bit PNG, atomically."""
    write_bytes(path, encode_png(quantise(image)))


def write_jpeg(path: Path, image: npt.NDArray[Any], quality: int = 90) -> None:
    """Write encoded [H, W, 3] as JPEG, atomically; for previews only, never for what is scored."""
    import cv2

    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(quantise(image), cv2.COLOR_RGB2BGR), flags)
    if not done:
        raise BadImage(path, "E_WRITE", "could not be encoded as JPEG")
    write_bytes(path, data.tobytes())


def write_disparity(path: Path, disparity: npt.NDArray[Any]) -> None:
    """Write [H, W] in [0, 1] as 16-bit PNG (65535 = 1)."""
    codes = np.floor(np.clip(disparity, 0.0, 1.0) * 65535.0 + 0.5)
    write_bytes(path, encode_png(codes.astype(np.uint16)))
