"""The pictures of the page: copies as scored, error maps on a fixed scale, thumbnails.

Each file has a key of what it was made from, kept in `assets/manifest.json`: a second call makes only what
changed, and removes what an earlier page had and this one has not. Nothing else in the folder is touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import images, jobs, records
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.strips import Strip
from bokehbench.leaderboard.tables import Table

ASSETS = "assets"
MANIFEST = "manifest.json"
ERROR_SCALE = 64
"""8-bit units that the top of the error map's colours stands for; larger errors look the same."""
ERROR_TICKS = (0, 4, 16, 36, ERROR_SCALE)
"""Equally spaced on the legend: colours follow the square root, so that small errors can be seen too."""
THUMBNAIL = 192
"""Width of thumbnails, pixels."""


@dataclass(frozen=True)
class Picture:
    """A file below assets/, the key of what it is made from, and how it is written."""

    name: str
    key: str
    write: Callable[[Path], None]


def slug(text: str) -> str:
    """Letters, digits, `_`, `.` and `-` only: safe in file names and addresses."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.") or "x"


def case_folder(table: Table, case: str) -> str:
    """Folder of a case's pictures below assets/."""
    return f"cases/{table.name}/{slug(case)}"


def strip_image(index: int, number: int, strip: Strip) -> str:
    """Name of a strip's picture below assets/."""
    suffix = Path(strip.content.images[number].file).suffix.lower()
    return f"strips/{index}-{slug(strip.path.stem)}/{number}{suffix}"


def write_pictures(
    out: Path, boards: Sequence[tuple[Collected, Table]], strips: Sequence[Strip]
) -> tuple[int, int]:
    """Bring OUT/assets up to date; returns (written now, present before)."""
    assets = out / ASSETS
    before = _manifest(assets)
    wanted = [picture for board, table in boards for picture in _case_pictures(board, table)]
    wanted += list(_strip_pictures(strips))
    due = [p for p in wanted if before.get(p.name) != p.key or not (assets / p.name).is_file()]
    with jobs.progress("pictures", len(due)) as advance:
        for picture in due:
            picture.write(assets / picture.name)
            advance(1)
    records.write_json(assets / MANIFEST, {picture.name: picture.key for picture in wanted})
    for name in before.keys() - {picture.name for picture in wanted}:
        _remove(assets, name)
    return len(due), len(wanted) - len(due)


def _manifest(assets: Path) -> dict[str, str]:
    path = assets / MANIFEST
    if not path.exists():
        return {}
    content = records.read_json(path)
    return {str(k): str(v) for k, v in content.items()} if isinstance(content, dict) else {}


def _remove(assets: Path, name: str) -> None:
    path = (assets / name).resolve()
    if path.is_relative_to(assets.resolve()):  # whatever the manifest says, nothing outside is ours
        path.unlink(missing_ok=True)
        for folder in (path.parent, path.parent.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


# ------------------------------------------------------------------------------------------ what is wanted


def _case_pictures(board: Collected, table: Table) -> Iterator[Picture]:
    for key, case in board.cases.items():
        folder = case_folder(table, key)
        target = case.at.case_image(key, "target")
        yield _copy(f"{folder}/_target.png", target, case.target)
        yield Picture(
            f"{folder}/_thumb.jpg",
            f"thumb {THUMBNAIL} {case.target}",
            partial(_thumbnail, target, case.target),
        )
        for what in ("image", "disparity"):
            source = case.at.case_image(key, what)
            if source.is_file():
                yield _copy(f"{folder}/_{what}.png", source, records.sha256_file(source))
        for row in (*table.rows, *table.incomplete):
            entry = board.rows[row.key].get(key)
            if entry is None:
                continue
            prediction = entry.result.prediction
            yield _copy(f"{folder}/{slug(row.label)}.png", prediction, entry.prediction)
            yield Picture(
                f"{folder}/{slug(row.label)}.error.png",
                f"error sqrt {ERROR_SCALE} {entry.prediction} {case.target}",
                partial(write_error_map, prediction, target, case.target),
            )


def _strip_pictures(strips: Sequence[Strip]) -> Iterator[Picture]:
    for index, strip in enumerate(strips):
        for number, image in enumerate(strip.content.images):
            source = strip.image_path(image)
            yield _copy(strip_image(index, number, strip), source, records.sha256_file(source))


def _copy(name: str, source: Path, sha256: str) -> Picture:
    return Picture(name, sha256, partial(_copy_bytes, source))


# ---------------------------------------------------------------------------------------- how it is made


def _copy_bytes(source: Path, to: Path) -> None:
    records.write_bytes(to, source.read_bytes())


def _bytes(path: Path) -> npt.NDArray[np.uint8]:
    return images.quantise(images.read_image(path))


@lru_cache(maxsize=1)
def _target_bytes(path: Path, key: str) -> npt.NDArray[np.uint8]:
    """A case's target, read once for its thumbnail and all its error maps; `key` is the file's hash."""
    return _bytes(path)


def _thumbnail(source: Path, key: str, to: Path) -> None:
    import cv2

    pixels = _target_bytes(source, key)
    height = max(1, round(pixels.shape[0] * THUMBNAIL / pixels.shape[1]))
    if pixels.shape[1] > THUMBNAIL:
        pixels = np.asarray(cv2.resize(pixels, (THUMBNAIL, height), interpolation=cv2.INTER_AREA), np.uint8)
    images.write_jpeg(to, pixels, quality=85)


def error_index(prediction: npt.NDArray[Any], target: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Where a prediction is wrong: mean absolute difference of the channels, as an index of colours.

    The index is 255 sqrt(difference / `ERROR_SCALE`): the same scale for every picture.

    Args:
        prediction: [H, W, 3] uint8.
        target: [H, W, 3] uint8.

    Returns:
        [H, W] uint8: 0 where equal, 255 for `ERROR_SCALE` 8-bit units or more.
    """
    error = np.abs(prediction.astype(np.int16) - target.astype(np.int16)).sum(axis=2, dtype=np.int16)
    steps = np.sqrt(np.arange(3 * 255 + 1) / (3 * ERROR_SCALE))
    return images.quantise(steps)[error]


def write_error_map(prediction: Path, target: Path, key: str, to: Path) -> None:
    """Write the error map of two image files as a palette PNG: black, purple, orange, light yellow."""
    import cv2
    from PIL import Image

    index = error_index(_bytes(prediction), _target_bytes(target, key))
    palette = cv2.applyColorMap(np.arange(256, dtype=np.uint8), cv2.COLORMAP_INFERNO)[:, 0, ::-1]
    picture = Image.fromarray(index)
    picture.putpalette(palette.tobytes())
    with records.atomic_path(to) as part:
        picture.save(part, format="PNG", compress_level=3)
