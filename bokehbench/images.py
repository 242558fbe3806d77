"""Safe reading and writing of images, disparity maps and EXR files.

At this boundary images are float32 [H, W, 3], encoded, nominal [0, 1]. Whatever a library would do
silently (drop to 8 bit, ignore orientation, return half a truncated file) is done explicitly or refused
with a `BadImage` whose code docs/conventions.md lists.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BadImage
from bokehbench.optics import encode
from bokehbench.records import atomic_path, write_bytes

FloatImage = npt.NDArray[np.float32]
MAX_PIXELS = 100_000_000
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".exr"})


# ---------------------------------------------------------------------------------------------- reading


def read_image(path: Path, gamma: float = 2.2) -> FloatImage:
    """Read a photograph as encoded RGB.

    Args:
        path: 8- or 16-bit image (transparency ignored; EXIF orientation applied to 8 bit only), or linear
            EXR, which is encoded with ``** (1/gamma)``: negative values become 0, values may exceed 1.
        gamma: for EXR only.

    Returns:
        [H, W, 3] float32.

    Raises:
        BadImage: unreadable, truncated, too large, or with non-finite values.
    """
    if path.suffix.lower() == ".exr":
        return encode(read_exr_rgb(path), gamma).astype(np.float32)
    return read_rgba(path)[..., :3]


def read_rgba(path: Path) -> FloatImage:
    """Read an 8- or 16-bit image as encoded straight RGB and alpha (1 where the file has none).

    Returns:
        [H, W, 4] float32 in [0, 1].

    Raises:
        BadImage: unreadable, truncated or too large.
    """
    pixels = _decode(path)
    scale = np.iinfo(pixels.dtype).max
    values = pixels.astype(np.float32) / np.float32(scale)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    if values.shape[2] == 3:
        values = np.concatenate([values, np.ones_like(values[..., :1])], axis=2)
    return np.ascontiguousarray(values)


def _decode(path: Path) -> npt.NDArray[Any]:
    """uint8 (orientation applied) or uint16 (as stored), [H, W] or [H, W, 3|4] RGB order."""
    from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

    if not path.is_file():
        raise BadImage(path, "E_MISSING", "no such file")
    try:
        with _no_bomb_warning(), Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BadImage(path, "E_TOO_LARGE", f"more than {MAX_PIXELS // 10**6} megapixels")
            ImageFile.LOAD_TRUNCATED_IMAGES = False  # other packages flip it; half an image is no image
            if image.mode == "F":  # convert("RGB") would clip it to whole numbers without a word
                message = "floating-point TIFF is not supported; use EXR or .npy"
                raise BadImage(path, "E_UNREADABLE", message)
            if _is_16_bit(path, image):
                image.load()  # finds truncation quietly, where cv2 prints to stderr
                return _decode_16_bit(path)
            upright = ImageOps.exif_transpose(image)
            has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
            return np.asarray(upright.convert("RGBA" if has_alpha else "RGB"))
    except UnidentifiedImageError as error:
        raise BadImage(path, "E_UNREADABLE", "not an image that can be read") from error
    except Image.DecompressionBombError as error:
        raise BadImage(path, "E_TOO_LARGE", f"more than {MAX_PIXELS // 10**6} megapixels") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise BadImage(path, "E_TRUNCATED", f"damaged or truncated ({error})") from error


@contextmanager
def _no_bomb_warning() -> Iterator[None]:
    """Pillow warns from 89 megapixels; `MAX_PIXELS` is our limit, and it is an error."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _is_16_bit(path: Path, image: Any) -> bool:
    if image.mode.startswith("I"):
        return True
    # Pillow reads 16-bit RGB(A) PNG as 8 bit without a word: ask the file (IHDR bit depth).
    if path.suffix.lower() != ".png":
        return False
    with path.open("rb") as file:
        return file.read(25)[24:25] == b"\x10"


def _decode_16_bit(path: Path) -> npt.NDArray[Any]:
    import cv2

    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise BadImage(path, "E_TRUNCATED", "damaged or truncated")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise BadImage(path, "E_UNREADABLE", f"pixels of type {pixels.dtype} are not supported")
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return np.asarray(pixels)


def read_grey(path: Path) -> FloatImage:
    """Read one channel (the first of several) as [H, W] float32 in [0, 1], 16 bit kept."""
    return np.ascontiguousarray(read_rgba(path)[..., 0])


# -------------------------------------------------------------------------------------------- disparity


@dataclass(frozen=True, eq=False)
class DisparityMap:
    """A disparity map as renderers want it.

    Attributes:
        values: [H, W] float32 in [0, 1], near large.
        range: (d_min, d_max) of the file's own unit that [0, 1] stands for.
        filled: number of invalid pixels that were filled.
    """

    values: FloatImage
    range: tuple[float, float]
    filled: int = 0


def read_disparity(path: Path, *, normalise: bool = True) -> DisparityMap:
    """Read a disparity map (8/16-bit image, EXR, .npy); invalid pixels are filled from the background.

    Args:
        path: near must be large; for EXR the first of Y, Z, R (of any layer) or the only channel.
        normalise: stretch the valid values to [0, 1]; False keeps them (they must lie in [0, 1]).

    Raises:
        BadImage: unreadable, not real numbers [H, W], or more than 20 % invalid (NaN, infinite).
    """
    readers = {".npy": _read_npy, ".exr": _read_exr_disparity}
    raw = readers.get(path.suffix.lower(), read_grey)(path)
    if raw.ndim != 2 or raw.size == 0 or raw.dtype.kind not in "iuf":
        raise BadImage(
            path, "E_DISPARITY", f"a disparity map is [H, W] real numbers, this is {raw.shape} {raw.dtype}"
        )
    try:
        return normalise_disparity(raw, normalise=normalise)
    except ValueError as error:
        raise BadImage(path, "E_DISPARITY", str(error)) from error


def _read_npy(path: Path) -> npt.NDArray[Any]:
    if not path.is_file():
        raise BadImage(path, "E_MISSING", "no such file")
    try:
        # Not np.load, which also opens zip archives and pickles.
        with path.open("rb") as file:
            array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # a damaged header raises nearly anything
        raise BadImage(path, "E_UNREADABLE", f"not a readable .npy array ({error})") from error
    return array


def _read_exr_disparity(path: Path) -> npt.NDArray[np.float32]:
    channels = read_exr(path)
    by_name = _without_layers(channels)
    for name in ("Y", "Z", "R"):
        if name in by_name:
            return by_name[name]
    if len(channels) != 1:
        has = ", ".join(sorted(channels))
        raise BadImage(path, "E_CHANNELS", f"needs a channel Y, Z or R, or only one, has {has}")
    return next(iter(channels.values()))


def normalise_disparity(raw: npt.NDArray[Any], *, normalise: bool = True) -> DisparityMap:
    """Fill invalid pixels and stretch to [0, 1].

    Args:
        raw: [H, W], near large; NaN and infinite values are invalid.
        normalise: see `read_disparity`.

    Raises:
        ValueError: more than 20 % invalid, or outside [0, 1] with normalise=False.
    """
    raw = np.asarray(raw, np.float64)
    valid = np.isfinite(raw)
    invalid = int(raw.size - valid.sum())
    if invalid > 0.2 * raw.size:
        raise ValueError(
            f"{invalid / raw.size:.0%} of the disparity is NaN or infinite; at most 20 % can be filled"
        )
    if invalid:
        raw = fill_from_background(raw, valid)
    low, high = float(raw.min()), float(raw.max())
    if not normalise:
        if low < 0.0 or high > 1.0:
            raise ValueError(f"disparity must lie in [0, 1], this spans {low:.4g} to {high:.4g}")
        return DisparityMap(raw.astype(np.float32), (0.0, 1.0), invalid)
    span = high - low
    values = (raw - low) / span if span > 0.0 else np.zeros_like(raw)
    return DisparityMap(values.astype(np.float32), (low, high), invalid)


def fill_from_background(
    raw: npt.NDArray[np.float64], valid: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Fill holes of a disparity map [H, W] with the farther of the two valid neighbours in the row.

    Holes of stereo matching are what one camera sees behind an edge: background. Rows without a valid
    pixel take the column's neighbours.
    """
    along_rows = _nearest_both_ways(np.where(valid, raw, np.nan))
    if np.isnan(along_rows).any():
        along_rows = np.where(np.isnan(along_rows), _nearest_both_ways(along_rows.T).T, along_rows)
    return np.where(valid, raw, along_rows)


def _nearest_both_ways(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    def carry(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        columns = np.arange(rows.shape[1])
        last = np.maximum.accumulate(np.where(np.isnan(rows), -1, columns), axis=1)
        carried = np.take_along_axis(rows, np.maximum(last, 0), axis=1)
        return np.where(last < 0, np.nan, carried)

    return np.fmin(carry(values), carry(values[:, ::-1])[:, ::-1])


def write_disparity(path: Path, disparity: npt.NDArray[Any]) -> None:
    """Write [H, W] in [0, 1] as 16-bit PNG (65535 = 1)."""
    _write_png(path, np.floor(np.clip(disparity, 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16))


# ---------------------------------------------------------------------------------------------- writing


def quantise(image: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Clip to [0, 1] and round to 8 bit, ``floor(255 x + 0.5)``; what is stored and scored. Any shape."""
    if image.dtype == np.uint8:
        return image
    return np.floor(np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def write_png(path: Path, image: npt.NDArray[Any]) -> None:
    """Write encoded [H, W], [H, W, 3] or straight [H, W, 4] as 8-bit PNG, atomically."""
    _write_png(path, quantise(image))


def _write_png(path: Path, pixels: npt.NDArray[Any]) -> None:
    import cv2

    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 6])
    if not done:
        raise BadImage(path, "E_WRITE", "could not be encoded as PNG")
    write_bytes(path, data.tobytes())


def write_jpeg(path: Path, image: npt.NDArray[Any], quality: int = 90) -> None:
    """Write encoded [H, W, 3] as JPEG, atomically; for previews only, never for what is scored."""
    import cv2

    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(quantise(image), cv2.COLOR_RGB2BGR), flags)
    if not done:
        raise BadImage(path, "E_WRITE", "could not be encoded as JPEG")
    write_bytes(path, data.tobytes())


# -------------------------------------------------------------------------------------------------- EXR


def read_exr(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """All channels of an EXR file by full name (``layer.R``), [H, W] float32 each.

    Raises:
        BadImage: missing or unreadable.
    """
    import OpenEXR

    if not path.is_file():
        raise BadImage(path, "E_MISSING", "no such file")
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            return {name: channel.pixels.astype(np.float32) for name, channel in file.channels().items()}
    except Exception as error:  # the binding raises bare RuntimeError and ValueError alike
        raise BadImage(path, "E_UNREADABLE", f"not a readable EXR file ({error})") from error


def read_exr_rgb(path: Path) -> FloatImage:
    """Linear RGB [H, W, 3] of an EXR file, of any layer, as stored (negative values, values above 1).

    Raises:
        BadImage: missing or unreadable, without R, G and B, or with NaN or infinite pixels.
    """
    channels = read_exr(path)
    by_name = _without_layers(channels)
    if not {"R", "G", "B"} <= by_name.keys():
        raise BadImage(path, "E_CHANNELS", f"needs channels R, G and B, has {', '.join(sorted(channels))}")
    image = np.stack([by_name[name] for name in "RGB"], axis=2)
    if not np.isfinite(image).all():
        raise BadImage(path, "E_NONFINITE", "has NaN or infinite pixels")
    return image


def _without_layers(channels: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """Channels by the last component of their names; a channel outside all layers goes first."""
    return {name.rpartition(".")[2]: pixels for name, pixels in channels.items()} | {
        name: pixels for name, pixels in channels.items() if "." not in name
    }


def write_exr(path: Path, channels: Mapping[str, npt.NDArray[Any]], *, half: bool = True) -> None:
    """Write channels [H, W] by name, ZIP compressed, with a fixed header (equal pixels, equal bytes)."""
    import OpenEXR

    dtype = np.float16 if half else np.float32
    limit = np.finfo(dtype).max
    # OpenEXR wants C-contiguous arrays of the very type.
    pixels = {
        name: np.ascontiguousarray(np.clip(values, -limit, limit).astype(dtype))
        for name, values in channels.items()
    }
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with atomic_path(path) as part, OpenEXR.File(header, pixels) as file:
        file.write(str(part))


def write_exr_rgb(path: Path, image: npt.NDArray[Any], *, half: bool = True) -> None:
    """Write linear [H, W, 3]."""
    write_exr(path, {name: image[..., index] for index, name in enumerate("RGB")}, half=half)
