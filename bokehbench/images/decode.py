"""From a file to an array as it was stored: orientation, colour profile and bit depth seen to.

Pillow decides what a file is and finds damage; OpenCV reads what Pillow would cut down to 8 bit.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BadImage
from bokehbench.images.limits import LARGE_PIXELS, MAX_PIXELS, check_size
from bokehbench.images.notes import Notes, note

Array = npt.NDArray[Any]
Size = tuple[int, int]
GIF_RATIO = 4096
"""Pixels a byte that its compression (LZW of 12 bit) cannot exceed; decoding what is not there takes long."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels of a file.

    Attributes:
        pixels: [H, W] or [H, W, 3|4] RGB(A); uint8 and uint16 are encoded and straight, float32 is linear.
        grey: whether the file has a single channel of colour.
    """

    pixels: Array
    grey: bool


def check_file(path: Path) -> None:
    """BadImage where there is no file to be read."""
    try:
        if path.is_file():
            return
        if path.is_dir():
            raise BadImage(path, "E_UNREADABLE", "is a folder, not a picture")
    except OSError as error:  # a name that is too long, for one
        raise BadImage(path, "E_UNREADABLE", f"cannot be opened ({error.strerror})") from error
    if path.is_symlink():
        raise BadImage(path, "E_LINK", "a link that leads nowhere")
    raise BadImage(path, "E_MISSING", "no such file")


def decode(path: Path, notes: Notes | None, *, colour: bool = True, need: Size | None = None) -> Decoded:
    """Decode any picture but EXR.

    Args:
        path: the file.
        notes: collects warnings.
        colour: apply colour profiles; False for what is no colour (mattes, disparity).
        need: (W, H) that will be used; a picture of more than 25 megapixels may come at any size of at
            least twice that.

    Raises:
        BadImage: whatever is wrong with the file; nothing else.
    """
    from PIL import Image, ImageFile, UnidentifiedImageError

    check_file(path)
    if path.suffix.lower() == ".hdr":
        return Decoded(_opencv(path), False)
    try:
        with warnings.catch_warnings():
            # Bombs are judged by our own limit, and damage becomes an error below.
            warnings.simplefilter("ignore")
            ImageFile.LOAD_TRUNCATED_IMAGES = False  # other packages flip it; half an image is no image
            with Image.open(path) as image:
                check_size(path, image.width, image.height)
                if image.format == "PNG":
                    _check_png(path)
                if image.format == "GIF" and image.width * image.height > GIF_RATIO * path.stat().st_size:
                    raise BadImage(path, "E_TRUNCATED", "too few bytes for so many pixels")
                return _decode_pillow(path, image, notes, colour, need)
    except BadImage:
        raise
    except UnidentifiedImageError as error:
        if _is_tiff(path):  # several floating-point channels, which Pillow does not know
            _check_tiff_size(path)
            return Decoded(_opencv(path), False)
        raise BadImage(path, "E_UNREADABLE", "not an image that can be read") from error
    except Image.DecompressionBombError as error:
        raise BadImage(path, "E_TOO_LARGE", f"more than {MAX_PIXELS // 10**6} megapixels") from error
    except PermissionError as error:
        raise BadImage(path, "E_UNREADABLE", f"cannot be opened ({error.strerror})") from error
    except Exception as error:  # a damaged file raises nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadImage(path, "E_TRUNCATED", f"damaged or truncated ({reason})") from error


def _decode_pillow(path: Path, image: Any, notes: Notes | None, colour: bool, need: Size | None) -> Decoded:
    from PIL import ImageOps

    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        note(notes, "W_MULTIFRAME", f"the first of {image.n_frames} frames was taken")
    grey = image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")
    if image.mode == "I":  # 32-bit whole numbers, of no stated range
        return Decoded(_whole_numbers(path, _turned(np.asarray(image), image), notes), True)
    if image.mode.startswith("I;16") or image.mode == "F" or _more_than_8_bit(path, image):
        image.load()  # finds truncation quietly, where OpenCV prints to stderr
        if colour and image.info.get("icc_profile") and not grey:
            note(notes, "W_ICC_FAIL", "the colour profile of a picture of more than 8 bit is not applied")
        return Decoded(_turned(_opencv(path), image), grey)
    if need is not None and image.width * image.height > LARGE_PIXELS:
        image = _reduced(image, need)
    upright = ImageOps.exif_transpose(image)
    return Decoded(_eight_bit(path, upright, notes, colour), grey)


def _eight_bit(path: Path, image: Any, notes: Notes | None, colour: bool) -> npt.NDArray[np.uint8]:
    """uint8 [H, W, 3|4] of an upright picture."""
    has_alpha = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    if image.mode == "CMYK":
        note(notes, "W_CMYK", "converted from CMYK")
    elif image.mode not in ("1", "L", "P", "RGB", "RGBX", "YCbCr", "HSV") and not has_alpha:
        raise BadImage(path, "E_UNREADABLE", f"colours of the kind {image.mode} are not supported")
    alpha = None
    if has_alpha:
        image = image.convert("RGBA")
        alpha = np.asarray(image)[..., 3]
        if alpha.min() == 0 and not np.any((alpha > 0) & (alpha < 255)):
            note(notes, "W_BINARY_ALPHA", "alpha is 0 or 1, edges are not soft")
    rgb = np.asarray(_in_srgb(image, notes) if colour else image.convert("RGB"))
    return rgb if alpha is None else np.dstack([rgb, alpha])


def _in_srgb(image: Any, notes: Notes | None) -> Any:
    """RGB of a picture, converted from its colour profile where it has another one than sRGB."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    plain = image if image.mode in ("CMYK", "L") else image.convert("RGB")
    if not profile:
        return plain.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if plain.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return plain
        converted = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        note(notes, "W_ICC_FAIL", f"a colour profile that cannot be used was left out ({error})")
        return plain.convert("RGB")
    note(notes, "W_ICC", "converted to sRGB from the picture's colour profile")
    return converted


def _reduced(image: Any, need: Size) -> Any:
    """A large picture at a fraction of its size that is at least twice what is needed."""
    # Rotated by orientation, either side may be the longer one.
    side = 2 * max(need)
    exif = image.getexif()
    if image.format == "JPEG":
        image.draft("RGB", (side, side))
    factor = min(image.width, image.height) // side
    if factor > 1:
        image = image.convert("RGB" if image.mode == "P" else image.mode).reduce(factor)
    image.getexif().update(exif)
    return image


def _more_than_8_bit(path: Path, image: Any) -> bool:
    """Pillow reads 16-bit RGB of PNG and TIFF as 8 bit without a word: ask the file."""
    if image.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24:25] == b"\x10"
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (8,))
        return max(bits if isinstance(bits, tuple) else (bits,)) > 8
    return False


def _whole_numbers(path: Path, values: Array, notes: Notes | None) -> npt.NDArray[np.uint16]:
    """32-bit whole numbers as 16 bit: full scale is 65535 where they fit, else their largest."""
    if values.min() < 0:
        raise BadImage(path, "E_NONFINITE", "has negative pixels")
    full = max(int(values.max()), 1)
    note(notes, "W_RANGE", f"32-bit whole numbers; the largest, {full}, was taken for white")
    return np.rint(values.astype(np.float64) * (65535.0 / full)).astype(np.uint16)


def _opencv(path: Path) -> Array:
    """uint8, uint16 or float32, [H, W] or [H, W, 3|4] RGB(A), not turned."""
    import cv2

    level = cv2.setLogLevel(0)  # damage is an error of ours, not a line on stderr
    try:
        data = np.fromfile(path, np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except cv2.error:
        pixels = None
    except OSError as error:
        raise BadImage(path, "E_UNREADABLE", f"cannot be opened ({error.strerror})") from error
    finally:
        cv2.setLogLevel(level)
    if pixels is None:
        raise BadImage(path, "E_TRUNCATED", "damaged or truncated")
    check_size(path, pixels.shape[1], pixels.shape[0])
    if pixels.dtype == np.float64:
        pixels = pixels.astype(np.float32)
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise BadImage(path, "E_UNREADABLE", f"pixels of type {pixels.dtype} are not supported")
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return np.asarray(pixels[..., [2, 1, 0, 3][: pixels.shape[2]]])
    return np.asarray(pixels[..., 0] if pixels.ndim == 3 else pixels)


def _turned(pixels: Array, image: Any) -> Array:
    """Pixels [H, W, ...] set upright by the EXIF orientation of the picture they come from."""
    orientation = image.getexif().get(0x0112, 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _check_png(path: Path) -> None:
    """Check sums of all critical chunks: Pillow leaves those of the pixels unread."""
    data, at = path.read_bytes(), 8
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if end > len(data):
            break
        critical = not kind[0] & 0x20
        if critical and zlib.crc32(memoryview(data)[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            raise BadImage(path, "E_TRUNCATED", f"damaged (check sum of a chunk {kind.decode('latin-1')!r})")
        if kind == b"IEND":
            return
        at = end
    raise BadImage(path, "E_TRUNCATED", "damaged or truncated (ends before its end)")


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*")


def _check_tiff_size(path: Path) -> None:
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it says becomes our error
    try:
        with tifffile.TiffFile(path) as file:
            height, width = file.pages[0].shape[:2]
    except Exception as error:  # a damaged header raises nearly anything
        raise BadImage(path, "E_UNREADABLE", f"not a TIFF file that can be read ({error})") from error
    check_size(path, width, height)
