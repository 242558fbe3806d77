"""The user's own pictures: every file looked at once, bad ones named with a code and left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.errors import BadImage, InputError
from bokehbench.images import IMAGE_SUFFIXES, read_image, read_rgba
from bokehbench.jobs import progress
from bokehbench.optics import decode
from bokehbench.records import sha256_file, sha256_json
from bokehbench.synth.assets.photographs import large_enough

Raster = npt.NDArray[np.float32]
HAZE = 8.0 / 255.0
"""Alpha that does not count as part of the subject (noise of mattes)."""
SMALLEST = 32
"""Least side of a foreground's bounding box, pixels."""
LICENCE = "not stated (the user's own file)"


@dataclass(frozen=True)
class FolderAsset:
    """A usable picture: POSIX path below its folder, digest of its bytes, (W, H)."""

    path: str
    sha256: str
    size: tuple[int, int]


@dataclass(frozen=True)
class AssetFolder:
    """Usable pictures of a folder, sorted by path, and one line for each that is not.

    Attributes:
        root: the folder.
        assets: usable files.
        rejected: (path, code, message).
    """

    root: Path
    assets: tuple[FolderAsset, ...]
    rejected: tuple[tuple[str, str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What the set's record says: contents, not where the folder lay."""
        files = [{"path": a.path, "sha256": a.sha256, "size": list(a.size)} for a in self.assets]
        return {"files": files, "sha256": sha256_json(files), "licence": LICENCE}

    def path(self, name: str) -> Path:
        """A file of the folder; InputError where it is not one of the usable ones or was changed."""
        asset = next((a for a in self.assets if a.path == name), None)
        if asset is None:
            raise InputError(f"{self.root}: has no usable picture {name}")
        path = self.root / name
        if not path.is_file() or sha256_file(path) != asset.sha256:
            raise InputError(f"{path}: changed since the folder was scanned; start again")
        return path


def scan_foregrounds(root: Path) -> AssetFolder:
    """Look at every picture as a cut-out: it needs transparency and a subject of at least 32 pixels."""

    def size_of(path: Path) -> tuple[int, int]:
        rgba, _ = read_cutout(path)
        return rgba.shape[1], rgba.shape[0]

    return _scan(root, size_of, "foregrounds (pictures with transparency)")


def scan_backgrounds(root: Path, frame: tuple[int, int], upscale_max: float) -> AssetFolder:
    """Look at every picture as a background: it must fill the frame (W, H) enlarged at most so much."""

    def size_of(path: Path) -> tuple[int, int]:
        height, width = read_image(path).shape[:2]
        if not large_enough((width, height), frame, upscale_max):
            raise BadImage(
                path,
                "E_TOO_SMALL",
                f"{width}x{height} would be enlarged more than {upscale_max:g} times to fill "
                f"{frame[0]}x{frame[1]}",
            )
        return width, height

    return _scan(root, size_of, "backgrounds")


def read_cutout(path: Path, gamma: float = 2.2) -> tuple[Raster, tuple[str, ...]]:
    """A foreground as premultiplied linear RGBA, cut to its bounding box, and the sides it is cut off at.

    Raises:
        BadImage: unreadable; E_EMPTY_ALPHA, E_OPAQUE, E_TOO_SMALL.
    """
    straight = read_rgba(path)
    alpha = straight[..., 3]
    if alpha.max() <= HAZE:
        raise BadImage(path, "E_EMPTY_ALPHA", "transparent everywhere")
    if alpha.min() >= 1.0 - HAZE:
        raise BadImage(path, "E_OPAQUE", "has no transparency; a foreground needs an alpha channel")
    floor = float(alpha.min())
    if floor > 0.0:  # a uniform haze would make the whole rectangle part of the subject
        alpha = (alpha - floor) / (1.0 - floor)
    x0, y0, x1, y1 = bounding_box(alpha, HAZE)
    if min(x1 - x0, y1 - y0) < SMALLEST:
        raise BadImage(
            path, "E_TOO_SMALL", f"the subject is {x1 - x0}x{y1 - y0}, less than {SMALLEST} pixels"
        )
    rgb = decode(straight[y0:y1, x0:x1, :3], gamma).astype(np.float32)
    alpha = alpha[y0:y1, x0:x1, None]
    sides = _cut_sides(straight[..., 3])
    return np.concatenate([rgb * alpha, alpha], axis=2), sides


def _cut_sides(alpha: Raster) -> tuple[str, ...]:
    """Sides of the picture that the subject runs into over more than a twentieth of their length."""
    rims = {"left": alpha[:, 0], "right": alpha[:, -1], "top": alpha[0], "bottom": alpha[-1]}
    return tuple(side for side, rim in rims.items() if (rim > 0.5).mean() > 0.05)


def bounding_box(alpha: Raster, above: float) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 (end outside) of where alpha [h, w] exceeds a value; the whole where it never does."""
    columns, rows = np.flatnonzero((alpha > above).any(axis=0)), np.flatnonzero((alpha > above).any(axis=1))
    if len(columns) == 0:
        return 0, 0, alpha.shape[1], alpha.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _scan(root: Path, size_of: Callable[[Path], tuple[int, int]], what: str) -> AssetFolder:
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of {what}")
    names = sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    usable, rejected = [], []
    with progress(f"looking at {what}", len(names)) as advance:
        for name in names:
            path = root / name
            try:
                usable.append(FolderAsset(name, sha256_file(path), size_of(path)))
            except BadImage as error:
                rejected.append((name, error.code, str(error)))
            except OSError as error:
                rejected.append((name, "E_UNREADABLE", f"{path}: {error.strerror} [E_UNREADABLE]"))
            advance(1)
    if not usable:
        why = f"; the first: {rejected[0][2]}" if rejected else ""
        raise InputError(f"{root}: none of {len(names)} files can be used as {what}{why}")
    return AssetFolder(root, tuple(usable), tuple(rejected))
