"""Whole folders of pictures: each by its own stream, resumable, recorded, nothing foreign overwritten.

    OUT/<same path>.png          the low-quality picture
    OUT/lq_small/<same path>.png the same before it was enlarged (keep_small)
    OUT/degrade.json             preset, seed, and of every file its plan and digests

A file's degradation depends on the seed and on its path below its folder (or its name, or its bytes), so
neither other files, nor their order, nor the number of workers change it.
"""

from __future__ import annotations

import fnmatch
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from bokehbench.errors import ConfigError, InputError
from bokehbench.images import Notes, Rejected, encode_png, find_images, read_image
from bokehbench.jobs import run_jobs
from bokehbench.records import (
    code_version,
    library_versions,
    read_json,
    remove_parts,
    sha256_bytes,
    sha256_file,
    write_bytes,
    write_json,
    write_text,
)
from bokehbench.rng import stream
from bokehbench.synth.degrade.pipeline import degrade
from bokehbench.synth.degrade.plan import DegradePlan
from bokehbench.synth.degrade.preset import Preset

RECORD = "degrade.json"
JOURNAL = "degrade.part.jsonl"
SMALL = "lq_small"
Entry = dict[str, Any]
KeyedBy = Literal["path", "name", "content"]


@dataclass(frozen=True)
class Order:
    """What to do with every picture.

    Attributes:
        preset: what is drawn from.
        seed: root of all random numbers.
        keyed_by: what else a picture's numbers depend on: its path below its folder, its name without folder
            and suffix, or its bytes.
        keep_small: store the small picture as well.
    """

    preset: Preset
    seed: int
    keyed_by: KeyedBy = "path"
    keep_small: bool = False

    def to_json(self) -> dict[str, Any]:
        """What makes the pixels."""
        return {"preset": self.preset.model_dump(mode="json"), "seed": self.seed, "keyed_by": self.keyed_by}


@dataclass(frozen=True)
class Unit:
    """One file: where it lies, its path below its folder, whether it is degraded or copied."""

    source: Path
    name: str
    out: Path
    order: Order
    copied: bool
    recorded: Entry | None = None

    @property
    def targets(self) -> dict[str, str]:
        """What is written, kind to POSIX path below `out`."""
        if self.copied:
            return {"copy": self.name}
        png = Path(self.name).with_suffix(".png").as_posix()
        return {"lq": png} | ({"small": f"{SMALL}/{png}"} if self.order.keep_small else {})


@dataclass
class Result:
    """What a run did: names of files made, kept from before, and refused."""

    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def degrade_folders(
    inputs: Sequence[Path],
    out: Path,
    order: Order,
    *,
    only: Sequence[str] = (),
    copy_rest: bool = False,
    copied: Sequence[str] = ("*",),
    workers: int = 1,
) -> Result:
    """Degrade pictures of files and folders into `out`, or what is missing there.

    Args:
        inputs: files, and folders with their sub-folders.
        out: a folder of ours, or a new one.
        order: see `Order`.
        only: patterns of paths below their folder (``aif/*``) that are degraded; none for all.
        copy_rest: copy every other file of the folders, so that `out` is a whole set again.
        copied: patterns of the other files that are copied.
        workers: processes.

    Returns:
        Names, sorted; a file that cannot be read is in `rejected`, and the others are done.

    Raises:
        ConfigError: a seed below 0, or patterns that match nothing.
        InputError: an input is missing, two files would be written to the same place, or `out` holds a set
            of another preset or seed, or a file that is not ours.
    """
    if order.seed < 0:
        raise ConfigError(f"--seed must be at least 0, not {order.seed}")
    recorded = _open_record(out, order)
    units, rejected = _units(inputs, out, order, only, copied if copy_rest else (), recorded)
    _check_targets(units)
    result = Result(rejected=rejected)
    remove_parts(out)
    todo = [unit for unit in units if not _is_done(unit)]
    result.kept = sorted({unit.name for unit in units} - {unit.name for unit in todo})
    jobs = [(unit.name, unit) for unit in todo]
    with _journal(out, order, recorded) as journal:
        for outcome in run_jobs(_do, jobs, label="degrading", workers=workers):
            if outcome.error is not None:
                code = getattr(outcome.error, "code", "E_WRITE")
                result.rejected.append(Rejected(outcome.key, code, str(outcome.error)))
                continue
            recorded[outcome.key] = outcome.value or {}
            result.made.append(outcome.key)
            journal.write(_line(outcome.key, recorded[outcome.key]))
            journal.flush()
    result.made.sort()
    result.rejected.sort(key=lambda entry: entry.path)
    _write_record(out, order, recorded, result.rejected)
    return result


def _units(
    inputs: Sequence[Path],
    out: Path,
    order: Order,
    only: Sequence[str],
    copied: Sequence[str],
    recorded: dict[str, Entry],
) -> tuple[list[Unit], list[Rejected]]:
    """Every file to be written, sorted by name, and pictures that cannot even be opened."""
    sources: list[tuple[Path, str, bool]] = []
    rejected: list[Rejected] = []
    for given in inputs:
        if given.is_dir():
            if given.resolve() == out.resolve():
                raise InputError(f"{out}: --out is the input itself; choose another folder")
            found = find_images(given, skip=out)
            chosen = {name for name in found.files if _matches(name, only)}
            rejected += [entry for entry in found.rejected if _matches(entry.path, only)]
            sources += [(given / name, name, False) for name in chosen]
            if copied:
                others = (name for name in _other_files(given, out, chosen) if _matches(name, copied))
                sources += [(given / name, name, True) for name in others]
        elif given.is_file():
            sources.append((given, given.name, False))
        else:
            raise InputError(f"{given}: no such file or folder")
    if all(is_copy for _, _, is_copy in sources) and not rejected:
        where = ", ".join(str(given) for given in inputs)
        raise ConfigError(f"{where}: no pictures" + (f" that match {', '.join(only)}" if only else ""))
    units = [Unit(path, name, out, order, is_copy, recorded.get(name)) for path, name, is_copy in sources]
    return sorted(units, key=lambda unit: unit.name), rejected


def _matches(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatch.fnmatchcase(name, pattern) for pattern in only)


def _other_files(root: Path, out: Path, chosen: set[str]) -> list[str]:
    """Regular files of a folder that are not degraded, hidden ones left out."""
    names = []
    for folder, folders, files in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and (Path(folder) / name).resolve() != out.resolve()
        ]
        here = Path(folder).relative_to(root)
        names += [(here / name).as_posix() for name in files if not name.startswith(".")]
    return sorted(name for name in names if name not in chosen and (root / name).is_file())


def _check_targets(units: list[Unit]) -> None:
    """No two files may be written to one place, nor to that of the record."""
    by_target: dict[str, Path] = {RECORD: Path("the record")}
    for unit in units:
        for target in unit.targets.values():
            if target in by_target:
                raise InputError(
                    f"{unit.source} and {by_target[target]} would both be written to {target}; "
                    "do them one by one, each into a folder of its own"
                )
            by_target[target] = unit.source


def _open_record(out: Path, order: Order) -> dict[str, Entry]:
    """Entries of earlier runs; InputError where they were of another order."""
    entries: dict[str, Entry] = {}
    if (out / RECORD).exists():
        record = read_json(out / RECORD)
        if not isinstance(record, dict) or not _are_entries(record.get("files")):
            raise InputError(f"{out / RECORD}: not a record of this command; choose another --out")
        if {key: record.get(key) for key in order.to_json()} != order.to_json():
            raise InputError(f"{out}: was made with another preset, seed or key; choose another --out")
        entries = dict(record["files"])
    if (out / JOURNAL).exists():
        lines = (out / JOURNAL).read_text().splitlines()
        if lines and lines[0] != json.dumps(order.to_json()):
            raise InputError(f"{out}: was begun with another preset, seed or key; choose another --out")
        for line in lines[1:]:
            try:
                done = json.loads(line)
            except json.JSONDecodeError:  # the process was killed within a line
                continue
            if isinstance(done, dict) and _are_entries({done.get("name"): done.get("entry")}):
                entries[done["name"]] = done["entry"]
    return entries


def _are_entries(value: Any) -> bool:
    """Whether it has what is read again of every file's entry."""
    return isinstance(value, dict) and all(
        isinstance(name, str)
        and isinstance(entry, dict)
        and isinstance(entry.get("source_sha256"), str)
        and isinstance(entry.get("targets"), dict)
        and all(
            isinstance(target, dict)
            and isinstance(target.get("path"), str)
            and isinstance(target.get("sha256"), str)
            for target in entry["targets"].values()
        )
        for name, entry in value.items()
    )


def _journal(out: Path, order: Order, entries: dict[str, Entry]) -> TextIO:
    """The journal, begun anew with what is known: a killed run may have left half a line at its end."""
    head = json.dumps(order.to_json()) + "\n"
    write_text(out / JOURNAL, head + "".join(_line(name, entry) for name, entry in entries.items()))
    return (out / JOURNAL).open("a")


def _line(name: str, entry: Entry) -> str:
    return json.dumps({"name": name, "entry": entry}) + "\n"


def _write_record(out: Path, order: Order, entries: dict[str, Entry], rejected: list[Rejected]) -> None:
    record = {
        "version": 1,
        "code": code_version(),
        "libraries": library_versions("numpy", "opencv-python-headless", "pillow"),
        **order.to_json(),
        "files": entries,
        "rejected": [{"path": entry.path, "code": entry.code} for entry in rejected],
    }
    write_json(out / RECORD, record)
    (out / JOURNAL).unlink(missing_ok=True)


def _is_done(unit: Unit) -> bool:
    entry = unit.recorded
    if entry is None or not set(unit.targets) <= set(entry["targets"]):
        return False
    if entry["source_sha256"] != sha256_file(unit.source):
        return False
    files = ((unit.out / target["path"], target["sha256"]) for target in entry["targets"].values())
    return all(path.is_file() and sha256_file(path) == sha256 for path, sha256 in files)


def _do(unit: Unit) -> Entry:
    """Make one file's targets; returns its entry of the record."""
    source_sha256 = sha256_file(unit.source)
    entry: Entry = {"source_sha256": source_sha256}
    if unit.copied:
        data = {"copy": unit.source.read_bytes()}
    else:
        notes: Notes = []
        image = read_image(unit.source, notes=notes)
        keys = {"path": unit.name, "name": Path(unit.name).stem, "content": source_sha256}
        key = keys[unit.order.keyed_by]
        rng = stream(unit.order.seed, int(sha256_bytes(key.encode())[:15], 16), "degrade")
        plan = DegradePlan.sample(rng, unit.order.preset, (image.shape[1], image.shape[0]))
        made = degrade(plan, image)
        data = {"lq": encode_png(made.lq), "small": encode_png(made.small)}
        entry |= {"plan": plan.to_json(), "notes": [note.code for note in notes]}
    entry["targets"] = {
        kind: {"path": target, "sha256": _place(unit, target, data[kind])}
        for kind, target in unit.targets.items()
    }
    return entry


def _place(unit: Unit, target: str, data: bytes) -> str:
    """Write unless the same bytes lie there; InputError where other bytes do that are not ours."""
    path, digest = unit.out / target, sha256_bytes(data)
    if path.exists():
        there = sha256_file(path)
        ours = (unit.recorded or {}).get("targets", {}).values()
        if there != digest and there not in {entry["sha256"] for entry in ours}:
            raise InputError(f"{path}: exists and is not of this command; move it, or choose another --out")
        if there == digest:
            return digest
    write_bytes(path, data)
    return digest
