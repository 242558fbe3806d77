"""Pictures in, maps out: resumable, each with a record of what made it, nothing foreign overwritten.

OUT/<same path>.exr            disparity, float32, near = 1 (also .npy and 16-bit .png)
OUT/<same path>.raw.exr        what the network put out
OUT/<same path>.saliency.exr   mask of the subject, float32
OUT/<same path>.json           network, its files' digests, libraries, digests of picture and maps, focus
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench import images
from bokehbench.depth.choice import Choice
from bokehbench.depth.focus import THRESHOLD, focus_in_mask
from bokehbench.depth.models import identity, predict_raw, predict_saliency, preload
from bokehbench.errors import ConfigError, InputError
from bokehbench.images import Rejected
from bokehbench.jobs import run_jobs
from bokehbench.records import (
    code_version,
    library_versions,
    read_json,
    remove_parts,
    sha256_file,
    write_bytes,
    write_json,
)

FORMATS = ("exr", "npy", "png")
FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Order:
    """What to make of every picture.

    Attributes:
        depth: network for disparity, or None.
        saliency: network or rule for the mask, or None.
        formats: of the disparity and of the mask, some of `FORMATS`.
        raw: store the network's own output too.
    """

    depth: Choice | None = None
    saliency: Choice | None = None
    formats: tuple[str, ...] = ("exr",)
    raw: bool = False

    def check(self) -> None:
        """ConfigError where it asks for nothing, or for what cannot be."""
        if self.depth is None and self.saliency is None:
            raise ConfigError("say what to make: --model NAME for depth, --saliency NAME, or both")
        for name in self.formats:
            if name not in FORMATS:
                raise ConfigError(f"--format must be one of {', '.join(FORMATS)}, not {name!r}")
        if self.raw and self.depth is None:
            raise ConfigError("--raw is of depth; say --model too")

    def identities(self) -> dict[str, Any]:
        """What makes the maps, for records."""
        return {
            "depth": None if self.depth is None else identity(self.depth),
            "saliency": None if self.saliency is None else identity(self.saliency, "saliency"),
        }

    def targets(self, stem: str) -> dict[str, str]:
        """What is written, kind to POSIX path below the folder."""
        made: dict[str, str] = {}
        for suffix in self.formats:
            if self.depth is not None:
                made[f"disparity {suffix}"] = f"{stem}.{suffix}"
            if self.saliency is not None:
                made[f"saliency {suffix}"] = f"{stem}.saliency.{suffix}"
        if self.raw:
            suffix = "npy" if self.formats == ("npy",) else "exr"
            made[f"raw {suffix}"] = f"{stem}.raw.{suffix}"
        return made


@dataclass(frozen=True)
class Unit:
    """One picture: where it lies, its path below its folder, without suffix where its maps go."""

    source: Path
    name: str
    stem: str
    out: Path

    @property
    def record(self) -> Path:
        """The file that is written last: without it, nothing was made."""
        return self.out / f"{self.stem}.json"


@dataclass
class Result:
    """What a run did: records by name, of those made now and of those kept; and refused files."""

    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)


def predict_folders(inputs: Sequence[Path], out: Path, order: Order, *, workers: int = 1) -> Result:
    """Predict for pictures of files and folders into `out` what is missing there.

    Pictures go through the network one by one, so that no map depends on its neighbours in a batch.

    Args:
        inputs: files, and folders with their sub-folders.
        out: a folder.
        order: what to make.
        workers: processes, each with its own copy of the network.

    Raises:
        ConfigError: an order that cannot be; unknown networks; code that was not allowed.
        InputError: an input is missing, or two pictures would have the same maps.
        Unavailable: weights that are not on this machine.
    """
    order.check()
    units, rejected = _units(inputs, out)
    identities = order.identities()
    result = Result(rejected=rejected)
    remove_parts(out)
    todo = []
    for unit in units:
        record = _finished(unit, order, identities)
        if record is None:
            todo.append((unit.name, unit))
        else:
            result.kept[unit.name] = record
    if todo and workers == 1:
        for choice in filter(None, (order.depth, order.saliency)):
            preload(choice)
    do = partial(_do, order=order, identities=identities, code=code_version())
    for outcome in run_jobs(do, todo, label="predicting", workers=workers):
        if outcome.error is not None:
            code = getattr(outcome.error, "code", "E_UNREADABLE")
            result.rejected.append(Rejected(outcome.key, code, str(outcome.error)))
        else:
            result.made[outcome.key] = outcome.value or {}
    result.rejected.sort(key=lambda entry: entry.path)
    return result


def _units(inputs: Sequence[Path], out: Path) -> tuple[list[Unit], list[Rejected]]:
    """Every picture, sorted by name, and what cannot even be opened."""
    sources: list[tuple[Path, str]] = []
    rejected: list[Rejected] = []
    for given in inputs:
        if given.is_dir():
            if given.resolve() == out.resolve():
                raise InputError(f"{out}: --out is the input itself; choose another folder")
            found = images.find_images(given, skip=out)
            sources += [(given / name, name) for name in found.files]
            rejected += found.rejected
        elif given.is_file():
            sources.append((given, given.name))
        else:
            raise InputError(f"{given}: no such file or folder")
    if not sources and not rejected:
        raise InputError(f"{', '.join(map(str, inputs))}: no pictures")
    by_stem: dict[str, Path] = {}
    units = []
    for path, name in sorted(sources, key=lambda pair: pair[1]):
        stem = Path(name).with_suffix("").as_posix()
        if by_stem.setdefault(stem, path) != path:
            raise InputError(
                f"{path} and {by_stem[stem]} have the same maps, {stem}; do them into folders of their own"
            )
        units.append(Unit(path, name, stem, out))
    return units, rejected


def _finished(unit: Unit, order: Order, identities: dict[str, Any]) -> dict[str, Any] | None:
    """The record of a picture whose maps lie there as asked for, else None."""
    if not unit.record.is_file():
        return None
    record: dict[str, Any] = read_json(unit.record)
    same = {"identities": identities, "source_sha256": sha256_file(unit.source)}
    if not isinstance(record, dict) or any(record.get(key) != value for key, value in same.items()):
        return None
    files = record.get("files", {})
    wanted = order.targets(unit.stem)
    if any(files.get(kind, {}).get("path") != path for kind, path in wanted.items()):
        return None
    for entry in (files[kind] for kind in wanted):
        path = unit.out / entry["path"]
        if not path.is_file() or sha256_file(path) != entry["sha256"]:
            return None
    return record


def _do(unit: Unit, order: Order, identities: dict[str, Any], code: dict[str, Any]) -> dict[str, Any]:
    """Make one picture's maps; returns its record."""
    targets = order.targets(unit.stem)
    _refuse_foreign(unit, targets)
    notes: images.Notes = []
    image = images.read_image(unit.source, notes=notes)
    record: dict[str, Any] = {
        "version": 1,
        "code": code,
        "libraries": library_versions("numpy", "opencv-python-headless", "torch", "transformers"),
        "identities": identities,
        "source": unit.name,
        "source_sha256": sha256_file(unit.source),
        "size": [image.shape[1], image.shape[0]],
        "notes": [note.code for note in notes],
    }
    maps: dict[str, FloatImage] = {}
    devices = {}
    if order.depth is not None:
        devices["depth"] = preload(order.depth)
        prediction = predict_raw(order.depth, image)
        maps |= {"disparity": prediction.disparity, "raw": prediction.raw}
        record |= {"raw": prediction.kind, "disparity_range": list(prediction.range)}
    if order.saliency is not None:
        devices["saliency"] = preload(order.saliency)
        maps["saliency"] = predict_saliency(order.saliency, image)
        record["saliency"] = {"share": float((maps["saliency"] > THRESHOLD).mean()), "threshold": THRESHOLD}
    if "disparity" in maps and "saliency" in maps:
        marked = record["saliency"]["share"] > 0.0
        record["disp_focus"] = focus_in_mask(maps["disparity"], maps["saliency"]) if marked else None
    record |= {"devices": devices, "files": {}}
    for kind, path in targets.items():
        what, _, suffix = kind.partition(" ")
        _WRITERS[suffix](unit.out / path, maps[what])
        record["files"][kind] = {"path": path, "sha256": sha256_file(unit.out / path)}
    write_json(unit.record, record)
    return record


def _refuse_foreign(unit: Unit, targets: dict[str, str]) -> None:
    """InputError where a file lies in the way that no record of ours names."""
    ours = set()
    if unit.record.is_file():
        record = read_json(unit.record)
        if not isinstance(record, dict) or "identities" not in record:
            raise InputError(f"{unit.record}: exists and is not of this command; choose another --out")
        ours = {entry["path"] for entry in record.get("files", {}).values()}
    for path in targets.values():
        if (unit.out / path).exists() and path not in ours:
            raise InputError(f"{unit.out / path}: exists and is not of this command; choose another --out")


def _write_exr(path: Path, values: FloatImage) -> None:
    images.write_exr(path, {"Y": values}, half=False)


def _write_npy(path: Path, values: FloatImage) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
    write_bytes(path, buffer.getvalue())


_WRITERS: dict[str, Callable[[Path, FloatImage], None]] = {
    "exr": _write_exr,
    "npy": _write_npy,
    "png": images.write_disparity,
}
