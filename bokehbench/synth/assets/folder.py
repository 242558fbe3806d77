"""The user's own pictures: every file looked at once, bad ones named with a code and left out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bokehbench.errors import BadImage, ConfigError, InputError
from bokehbench.images import Note, Notes, Rejected, find_images, read_image, read_rgba
from bokehbench.images.notes import note
from bokehbench.jobs import progress
from bokehbench.records import read_json, sha256_file, sha256_json, write_text
from bokehbench.synth.assets.cutout import bounding_box, read_cutout
from bokehbench.synth.assets.mattes import lacks_its_other_half, matte_of, picture_of
from bokehbench.synth.assets.photographs import large_enough
from bokehbench.synth.assets.sharpness import BLURRED, sharp_score

__all__ = [
    "AssetFolder",
    "FolderAsset",
    "bounding_box",
    "read_cutout",
    "scan",
    "scan_backgrounds",
    "scan_foregrounds",
    "write_report",
]
LICENCE = "not stated (the user's own file)"
REPORT = "assets_report.jsonl"
STATED = ("category", "licence")
FLAT = 0.01
"""Standard deviation below which a background is nearly constant."""
OPAQUE = 0.98
"""Alpha above which nobody sees through."""
TRANSPARENT = 1e-3
"""Share of pixels below that alpha which refuses a background: hidden colours would become visible."""


@dataclass(frozen=True)
class FolderAsset:
    """A usable picture.

    Attributes:
        path: POSIX path below its folder.
        sha256: digest of its bytes.
        size: (W, H); of a foreground, of the subject's bounding box.
        matte: POSIX path of its matte from the folder, "" where it has none.
        matte_sha256: digest of the matte.
        notes: what was done to use it.
        sharp_score: of a background, see `sharpness.sharp_score`; −1 for foregrounds.
        category, licence: what the JSON file beside the picture says, "" where there is none (the commands
            that make assets write one).
    """

    path: str
    sha256: str
    size: tuple[int, int]
    matte: str = ""
    matte_sha256: str = ""
    notes: tuple[Note, ...] = ()
    sharp_score: float = -1.0
    category: str = ""
    licence: str = ""

    def to_json(self) -> dict[str, Any]:
        """Contents, for the set's record."""
        matte = {"matte": self.matte, "matte_sha256": self.matte_sha256} if self.matte else {}
        stated = {name: getattr(self, name) for name in STATED if getattr(self, name)}
        return {"path": self.path, "sha256": self.sha256, "size": list(self.size), **matte, **stated}


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
        files = [asset.to_json() for asset in self.assets]
        licences = sorted({asset.licence or LICENCE for asset in self.assets})
        return {"files": files, "sha256": sha256_json(files), "licence": "; ".join(licences)}

    def find(self, name: str) -> FolderAsset | None:
        """A usable file by its path below the folder."""
        return next((asset for asset in self.assets if asset.path == name), None)

    def path(self, name: str) -> Path:
        """A file of the folder; InputError where it is not one of the usable ones or was changed."""
        asset = self.find(name)
        if asset is None:
            raise InputError(f"{self.root}: has no usable picture {name}")
        path = self.root / name
        files = [(path, asset.sha256)]
        if asset.matte:
            files.append((self.root / asset.matte, asset.matte_sha256))
        for file, sha256 in files:
            if not file.is_file() or sha256_file(file) != sha256:
                raise InputError(f"{file}: changed since the folder was scanned; start again")
        return path


Look = Callable[[Path, Notes], tuple[tuple[int, int], float]]
"""(path, notes) -> ((W, H), sharp_score); raises BadImage."""


def scan_foregrounds(root: Path, allow_opaque: bool = False) -> AssetFolder:
    """Look at every picture as a cut-out: transparency or a matte, and a subject of at least 32 pixels.

    Raises:
        InputError: no such folder, or nothing in it can be used.
    """
    return _usable(
        scan(root, "foreground", allow_opaque=allow_opaque), "foregrounds (pictures with transparency)"
    )


def scan_backgrounds(root: Path, frame: tuple[int, int], upscale_max: float) -> AssetFolder:
    """Look at every picture as a background: it must fill the frame (W, H) enlarged at most so much.

    Raises:
        InputError: no such folder, or nothing in it can be used.
    """
    return _usable(scan(root, "background", frame=frame, upscale_max=upscale_max), "backgrounds")


def scan(
    root: Path,
    role: Literal["foreground", "background"],
    *,
    frame: tuple[int, int] | None = None,
    upscale_max: float = 1.5,
    allow_opaque: bool = False,
    sharp_min: float = 0.0,
) -> AssetFolder:
    """Look at every picture of a folder and its sub-folders; nothing is raised for a bad file.

    `write_report` writes what was found as JSON lines. A folder of which nothing can be used gives an
    `AssetFolder` without assets.

    Args:
        root: the folder; pictures may have mattes as `mattes` describes.
        role: what the pictures are for.
        frame: of backgrounds, (W, H) that each must fill, enlarged at most `upscale_max` times; None takes
            any size.
        upscale_max: see frame.
        allow_opaque: take foregrounds without transparency.
        sharp_min: backgrounds whose `sharp_score` is less are refused as E_BLURRED; at 0 they are only
            noted (W_BLURRED, W_FLAT).

    Raises:
        InputError: no such folder.
        ConfigError: another role.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of {role}s")
    looks: dict[str, Look] = {
        "foreground": lambda path, notes: _look_at_foreground(path, allow_opaque, notes),
        "background": lambda path, notes: _look_at_background(path, frame, upscale_max, sharp_min, notes),
    }
    if role not in looks:
        raise ConfigError(f"unknown role {role!r}; foreground or background")
    found = find_images(root)
    usable: list[FolderAsset] = []
    rejected: list[Rejected] = list(found.rejected)
    with progress(f"looking at {role}s", len(found.files)) as advance:
        for name in found.files:
            try:
                if role == "background" or picture_of(root / name) is None:
                    usable.append(_look(root, name, looks[role], role))
            except BadImage as error:
                rejected.append(Rejected(name, error.code, str(error)))
            except OSError as error:
                message = f"{root / name}: cannot be opened ({error.strerror}) [E_UNREADABLE]"
                rejected.append(Rejected(name, "E_UNREADABLE", message))
            advance(1)
    bad = sorted((entry.path, entry.code, entry.message) for entry in rejected)
    return AssetFolder(root, tuple(usable), tuple(bad))


def _look(root: Path, name: str, look: Look, role: str) -> FolderAsset:
    path, notes = root / name, Notes()
    if role == "foreground" and lacks_its_other_half(path):
        raise BadImage(path, "E_NO_MATTE", "a matte without its picture")
    size, score = look(path, notes)
    matte = matte_of(path) if role == "foreground" else None
    return FolderAsset(
        name,
        sha256_file(path),
        size,
        Path(os.path.relpath(matte, root)).as_posix() if matte else "",
        sha256_file(matte) if matte else "",
        tuple(notes),
        score,
        **_stated(path),
    )


def _stated(picture: Path) -> dict[str, str]:
    """Category and licence that stand in NAME.json beside NAME.png, each in one line."""
    try:
        values = read_json(picture.with_suffix(".json"))
    except InputError:
        return {}
    values = values if isinstance(values, dict) else {}
    return {name: " ".join(values[name].split()) for name in STATED if isinstance(values.get(name), str)}


def _look_at_foreground(path: Path, allow_opaque: bool, notes: Notes) -> tuple[tuple[int, int], float]:
    rgba, _ = read_cutout(path, allow_opaque=allow_opaque, notes=notes)
    return (rgba.shape[1], rgba.shape[0]), -1.0


def _look_at_background(
    path: Path, frame: tuple[int, int] | None, upscale_max: float, sharp_min: float, notes: Notes
) -> tuple[tuple[int, int], float]:
    if path.suffix.lower() == ".exr":
        image = read_image(path, notes=notes)
    else:
        rgba = read_rgba(path, notes=notes)
        image = np.ascontiguousarray(rgba[..., :3])
        share = float((rgba[..., 3] < OPAQUE).mean())
        if share > TRANSPARENT:
            raise BadImage(
                path, "E_TRANSPARENT", f"{share:.0%} of it is transparent; a background covers everything"
            )
    height, width = image.shape[:2]
    if frame is not None and not large_enough((width, height), frame, 1.0):
        what = f"{width}x{height} would be enlarged to fill {frame[0]}x{frame[1]}"
        if not large_enough((width, height), frame, upscale_max):
            raise BadImage(path, "E_TOO_SMALL", f"{what} by more than {upscale_max:g} times")
        note(notes, "W_UPSCALED", what)
    score = round(sharp_score(image), 4)
    if score < sharp_min:
        raise BadImage(path, "E_BLURRED", f"sharp_score {score:.2f} is less than {sharp_min:g}")
    if float(np.std(image)) < FLAT:
        note(notes, "W_FLAT", "nearly constant")
    elif score < BLURRED:
        note(
            notes,
            "W_BLURRED",
            f"no sharp edges (sharp_score {score:.2f}); all-in-focus backgrounds need them",
        )
    return (width, height), score


def _usable(folder: AssetFolder, what: str) -> AssetFolder:
    if not folder.assets:
        why = f"; the first: {folder.rejected[0][2]}" if folder.rejected else ""
        raise InputError(f"{folder.root}: none of {len(folder.rejected)} files can be used as {what}{why}")
    return folder


def write_report(folders: Iterable[AssetFolder], path: Path) -> None:
    """Write one JSON line a file, usable and not, sorted within each folder.

    Fields: root, path, usable, code and message (of what is not), notes, sha256, size, matte, sharp_score.
    """
    lines = []
    for folder in folders:
        entries: list[dict[str, Any]] = [
            {"path": p, "usable": False, "code": code, "message": message}
            for p, code, message in folder.rejected
        ]
        for asset in folder.assets:
            notes = [{"code": n.code, "message": n.message} for n in asset.notes]
            entry = {**asset.to_json(), "usable": True, "notes": notes}
            entries.append(entry | ({"sharp_score": asset.sharp_score} if asset.sharp_score >= 0.0 else {}))
        lines += [{"root": str(folder.root), **entry} for entry in sorted(entries, key=lambda e: e["path"])]
    write_text(path, "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines))
