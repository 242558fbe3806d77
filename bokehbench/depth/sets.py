"""What a depth set yields: pictures with measured depth, and which pixels of it count."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bokehbench import images
from bokehbench.errors import ConfigError, InputError
from bokehbench.registry import DepthSetSpec, get

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True)
class DepthCase:
    """One picture of a set before its pixels are read.

    Attributes:
        key: unique in its set; a POSIX path without suffix.
        image, depth: files below the set's folder.
        index: from 0, where one file holds all pictures.
    """

    key: str
    image: str
    depth: str
    index: int = -1


@dataclass(frozen=True, eq=False)
class Measured:
    """One picture and its measured depth.

    Attributes:
        image: [H, W, 3] float32 encoded.
        depth: [H, W] float32 metres, 0 where nothing was measured.
        valid: [H, W], measured pixels inside the set's crop and reach.
    """

    image: FloatImage
    depth: FloatImage
    valid: npt.NDArray[np.bool_]


class DepthSet(Protocol):
    """A set on disk; made by `module:Class(root)` of its spec.

    Attributes:
        reach: (nearest, farthest) depth that counts, metres.
        expected: pictures of the complete set in the layout that was found.
        layout: which layout that is.
    """

    reach: tuple[float, float]
    expected: int
    layout: str

    def cases(self) -> list[DepthCase]:
        """All pictures, sorted; InputError where the folder is not such a set."""
        ...

    def digest(self, case: DepthCase) -> str:
        """Sha256 over what `load` reads."""
        ...

    def load(self, case: DepthCase) -> Measured:
        """Read one picture."""
        ...


def open_set(text: str) -> tuple[DepthSetSpec, Path, DepthSet]:
    """The set of `NAME:DIR`; ConfigError for another form, InputError for a missing or wrong folder."""
    name, colon, folder = text.partition(":")
    if not (colon and folder):
        raise ConfigError(f"--evaluate must be NAME:DIR, for example nyuv2:NYUv2, not {text!r}")
    spec, root = get(DepthSetSpec, name), Path(folder).expanduser()
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; {spec.name} is at {spec.url}")
    depth_set: DepthSet = spec.load()(root)
    return spec, root, depth_set


def read_depth_png(path: Path, unit: float) -> FloatImage:
    """Depth [H, W] in metres of a 16-bit PNG whose value `unit` is one metre; 0 is unmeasured.

    Raises:
        BadImage: unreadable, or not 16 bit.
    """
    from bokehbench.errors import BadImage
    from bokehbench.images.decode import decode

    pixels: npt.NDArray[Any] = decode(path, None, colour=False).pixels
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise BadImage(
            path, "E_CHANNELS", f"depth is a 16-bit grey PNG, this is {pixels.dtype} {pixels.shape}"
        )
    return pixels.astype(np.float32) / np.float32(unit)


def read_pair(image: Path, depth: Path, unit: float) -> tuple[FloatImage, FloatImage]:
    """Picture and depth of one size; BadImage where they are not."""
    from bokehbench.errors import BadImage

    picture, z = images.read_image(image), read_depth_png(depth, unit)
    if picture.shape[:2] != z.shape:
        raise BadImage(depth, "E_SIZE_MISMATCH", f"{z.shape} does not fit the picture {picture.shape[:2]}")
    return picture, z


def wrong_layout(root: Path, spec_name: str) -> InputError:
    """The one line for a folder that is not such a set."""
    spec = get(DepthSetSpec, spec_name)
    return InputError(f"{root}: not {spec.name}; it needs {spec.layout} ({spec.url})")
