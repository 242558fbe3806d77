"""The pictures of the page, as scored, each a script that the page loads when it is looked at; thumbnails.

A page opened from `file://` may show a picture file but not read its pixels, and error maps, circles of
confusion and values under the pointer need them. A script it may load, so a picture is stored as one::

    assets/pictures/{id}.js    BOKEHBENCH_PICTURE("{id}", {bytes}, "...");

`id` is a hash of the scored file and of how it is stored: what several cases or methods share is stored once,
and what is there need not be made again, also after a run that was killed. The text is a lossless WebP, 15
bits a letter from U+3400 on, in UTF-16 (base64 would make the folder a quarter larger). A disparity map keeps
its 16 bits, the high byte as red and the low one as green. `templates/compare-pixels.js` reads all this.

Other files have a key of what they were made from. All of them stand in `assets/manifest.json`: a second call
makes only what changed, and removes what an earlier page had and this one has not. Nothing else in the folder
is touched.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bokehbench import images, jobs, records
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.strips import Strip
from bokehbench.leaderboard.tables import Table

ASSETS = "assets"
MANIFEST = "manifest.json"
THUMBNAIL = 192
"""Width of thumbnails, pixels."""
GIVEN = ("image", "disparity", "truth", "reference")
"""Pictures of a case besides its target, where it has them."""
MAPS = ("disparity", "truth")
WEBP = {"lossless": True, "quality": 60, "method": 3, "exact": True}
"""A quarter smaller than PNG; more effort gains a hundredth."""
FIRST_CODE = 0x3400
STORED_AS = {"version": 1, "thumbnail": THUMBNAIL, "first": FIRST_CODE, **WEBP}
"""Part of every name: pictures that are stored otherwise are other files."""


@dataclass(frozen=True)
class Picture:
    """A file below assets/, the key of what it is made from (none where its name says it), its writer."""

    name: str
    key: str
    write: Callable[[Path], None]


@dataclass(frozen=True)
class CropPicture:
    """A part of a picture file that the page shows.

    Attributes:
        label: what it is.
        note: a second line; empty for none.
        source: the file.
        sha256: of that.
        box: left, top, width, height in its pixels.
        is_map: a 16-bit grey map.
    """

    label: str
    note: str
    source: Path
    sha256: str
    box: tuple[int, int, int, int]
    is_map: bool = False


def slug(text: str) -> str:
    """Letters, digits, `_`, `.` and `-` only: safe in file names and addresses."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.") or "x"


def case_pictures(board: Collected, table: Table, case: str) -> dict[str, tuple[Path, str]]:
    """Every picture of a case: (file, sha256) by `_target`, `_image`, ... or the label of a row."""
    found = board.cases[case]
    pictures = {"_target": (found.at.case_image(case, "target"), found.target)}
    for what in GIVEN:
        path = found.at.case_image(case, what)
        if path.is_file():
            pictures[f"_{what}"] = (path, _sha256(path, path.stat().st_mtime_ns))
    for row in (*table.rows, *table.incomplete):
        entry = board.rows[row.key].get(case)
        if entry is not None and entry.prediction:
            pictures[row.label] = (entry.result.prediction, entry.prediction)
    return pictures


@cache
def _sha256(path: Path, changed: int) -> str:
    """Hash of a file that is asked for twice, for its picture and for the page's data."""
    return records.sha256_file(path)


def picture_id(sha256: str) -> str:
    """What a picture is called in the page, by the hash of its file."""
    return records.sha256_json([STORED_AS, sha256])[:16]


def thumbnail(target: str) -> str:
    """Name below assets/ of the thumbnail of a target with this hash."""
    return f"thumbs/{picture_id(target)}.jpg"


def strip_image(index: int, number: int, strip: Strip) -> str:
    """Name of a strip's picture below assets/."""
    suffix = Path(strip.content.images[number].file).suffix.lower()
    return f"strips/{index}-{slug(strip.path.stem)}/{number}{suffix}"


def crop_image(one: CropPicture) -> str:
    """Name of a crop's picture below assets/: by the file and the part of it."""
    return f"crops/{records.sha256_json([one.sha256, one.box])[:16]}.png"


def write_pictures(
    out: Path,
    boards: Sequence[tuple[Collected, Table]],
    strips: Sequence[Strip],
    crops: Sequence[CropPicture] = (),
) -> tuple[int, int]:
    """Bring OUT/assets up to date; returns (written now, present before).

    Args:
        out: folder of the page.
        boards: results and their tables.
        strips: rows of pictures.
        crops: parts of pictures.
    """
    assets = out / ASSETS
    before = _manifest(assets)
    found = [picture for board, table in boards for picture in _case_pictures(board, table)]
    wanted = list(
        {
            picture.name: picture for picture in (*found, *_strip_pictures(strips), *_crop_pictures(crops))
        }.values()
    )
    due = [
        picture
        for picture in wanted
        if not (assets / picture.name).is_file() or (picture.key and before.get(picture.name) != picture.key)
    ]
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with jobs.progress("pictures", len(due)) as advance, ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda picture: picture.write(assets / picture.name), due):
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
        for source, (path, sha256) in case_pictures(board, table, key).items():
            write = partial(write_picture, path, picture_id(sha256), source.removeprefix("_") in MAPS)
            yield Picture(f"pictures/{picture_id(sha256)}.js", "", write)
        target = case.at.case_image(key, "target")
        yield Picture(thumbnail(case.target), "", partial(_thumbnail, target))


def _strip_pictures(strips: Sequence[Strip]) -> Iterator[Picture]:
    for index, strip in enumerate(strips):
        for number, image in enumerate(strip.content.images):
            source = strip.image_path(image)
            yield _copy(strip_image(index, number, strip), source, records.sha256_file(source))


def _crop_pictures(crops: Sequence[CropPicture]) -> Iterator[Picture]:
    for one in crops:
        yield Picture(crop_image(one), "", partial(_write_crop, one))


def _write_crop(one: CropPicture, to: Path) -> None:
    x, y, width, height = one.box
    if one.is_map:
        pixels = np.repeat(images.read_grey(one.source)[..., None], 3, axis=2)
    else:
        pixels = images.read_image(one.source)
    images.write_png(to, pixels[y : y + height, x : x + width])


def _copy(name: str, source: Path, sha256: str) -> Picture:
    return Picture(name, sha256, partial(_copy_bytes, source))


# ---------------------------------------------------------------------------------------- how it is made


def _copy_bytes(source: Path, to: Path) -> None:
    records.write_bytes(to, source.read_bytes())


def write_picture(source: Path, name: str, is_map: bool, to: Path) -> None:
    """Write a picture file, or a 16-bit map, as the script that the page loads."""
    if is_map:
        codes = np.rint(images.read_grey(source) * 65535).astype(np.uint16)
        pixels = np.stack([codes >> 8, codes & 255, 0 * codes], axis=2).astype(np.uint8)
    else:
        pixels = images.quantise(images.read_image(source))
    webp = _webp(pixels)
    call, end = f'\ufeffBOKEHBENCH_PICTURE("{name}",{len(webp)},"', '");\n'  # begins with the mark of UTF-16
    records.write_bytes(to, call.encode("utf-16-le") + pack(webp) + end.encode("utf-16-le"))


def _webp(pixels: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="WEBP", **WEBP)
    return buffer.getvalue()


def pack(data: bytes) -> bytes:
    """15 bits a letter, from U+3400 on, as UTF-16 (little end first); no letter needs an escape."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    rows = np.pad(bits, (0, -len(bits) % 15)).reshape(-1, 15)
    codes = np.packbits(np.pad(rows, ((0, 0), (1, 0))), axis=1).view(">u2")[:, 0]
    return (codes + np.uint16(FIRST_CODE)).astype("<u2").tobytes()


def _thumbnail(source: Path, to: Path) -> None:
    import cv2

    pixels = images.quantise(images.read_image(source))
    height = max(1, round(pixels.shape[0] * THUMBNAIL / pixels.shape[1]))
    if pixels.shape[1] > THUMBNAIL:
        pixels = np.asarray(cv2.resize(pixels, (THUMBNAIL, height), interpolation=cv2.INTER_AREA), np.uint8)
    images.write_jpeg(to, pixels, quality=85)
