"""OpenEXR files: channels by name, linear RGB, fixed headers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BadImage
from bokehbench.images.decode import check_file
from bokehbench.images.limits import check_size
from bokehbench.records import atomic_path

FloatImage = npt.NDArray[np.float32]


def read_exr(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """All channels of an EXR file by full name (``layer.R``), [H, W] float32 each.

    Raises:
        BadImage: missing or unreadable.
    """
    import OpenEXR

    check_file(path)
    try:
        with OpenEXR.File(str(path), header_only=True) as file:
            low, high = file.header()["dataWindow"]
        # The binding meets what is missing with lines on stderr: ask the table of chunks beforehand.
        if not OpenEXR.InputFile(str(path)).isComplete():
            raise BadImage(path, "E_TRUNCATED", "cut short")
        check_size(path, int(high[0]) - int(low[0]) + 1, int(high[1]) - int(low[1]) + 1)
        with OpenEXR.File(str(path), separate_channels=True) as file:
            if not file.parts:
                raise BadImage(path, "E_TRUNCATED", "damaged or truncated")
            return {name: channel.pixels.astype(np.float32) for name, channel in file.channels().items()}
    except BadImage:
        raise
    except Exception as error:  # the binding raises bare RuntimeError and ValueError alike
        reason = " ".join(str(error).split())
        raise BadImage(path, "E_UNREADABLE", f"not a readable EXR file ({reason})") from error


def read_exr_rgb(path: Path) -> FloatImage:
    """Linear RGB [H, W, 3] of an EXR file, of any layer, as stored (negative values, values above 1).

    Raises:
        BadImage: missing or unreadable, without R, G and B, or with NaN or infinite pixels.
    """
    channels = read_exr(path)
    by_name = bare_names(channels)
    if not {"R", "G", "B"} <= by_name.keys():
        raise BadImage(path, "E_CHANNELS", f"needs channels R, G and B, has {', '.join(sorted(channels))}")
    image = np.stack([by_name[name] for name in "RGB"], axis=2)
    if not np.isfinite(image).all():
        raise BadImage(path, "E_NONFINITE", "has NaN or infinite pixels")
    return image


def bare_names(channels: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
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
