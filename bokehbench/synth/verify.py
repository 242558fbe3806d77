"""Is a set what it says? Every file is opened and compared with its digest, some samples are made again."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench.errors import BokehbenchError
from bokehbench.jobs import run_jobs
from bokehbench.records import code_version, sha256_bytes, sha256_files
from bokehbench.rng import stream
from bokehbench.synth.assets.library import Library
from bokehbench.synth.config import parse_recipe
from bokehbench.synth.dataset import make_library
from bokehbench.synth.sample import describe, remake, truths
from bokehbench.synth.store import claims, shards, table
from bokehbench.synth.store.pictures import gamma_of, read_picture, write_picture
from bokehbench.synth.store.profile import PROFILES, Profile
from bokehbench.synth.store.reader import FolderSet, ShardSet, StoredSet, open_set, pictures_of
from bokehbench.synth.summary import content_hash


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        samples: complete samples.
        remade: how many were made again.
        content_hash: of the samples, the same for every way of making and for both stores.
        files_hash: of the bytes of pictures, JSON and shards, which name the code that wrote them.
        problems: one line each.
    """

    samples: int
    remade: int
    content_hash: str
    files_hash: str
    problems: tuple[str, ...]


def verify(
    root: Path,
    *,
    samples: int = 2,
    seed: int = 0,
    workers: int = 1,
    fg: Path | None = None,
    bg: Path | None = None,
) -> Verified:
    """Check a set.

    Args:
        root: folder of the set.
        samples: how many are made again from their JSON, picked at random.
        seed: of the pick.
        workers: processes.
        fg, bg: the user's pictures, where the set was made from them.

    Raises:
        InputError: `root` is no set.
    """
    stored = open_set(root)
    keys = stored.keys()
    problems = list(_whole(stored, keys))
    check = functools.partial(check_sample, stored)
    for outcome in run_jobs(check, [(key, key) for key in keys], label="checking", workers=workers):
        problems += [str(outcome.error)] if outcome.error else outcome.value or []
    content = _content(stored, keys)
    if content is not None and stored.record.get("content_hash", content) != content:
        problems.append(f"{root}: the samples are not those that dataset.json was written for (another hash)")
    picked = sorted(stream(seed, 0, "verify").permutation(len(keys))[:samples])
    if picked:
        recipe = parse_recipe(stored.record["config"], f"{root}: config in dataset.json")
        again = functools.partial(remake_sample, stored, make_library(recipe, fg, bg))
        chosen = [(keys[i], keys[i]) for i in picked]
        for done in run_jobs(again, chosen, label="making again", workers=workers):
            problems += [f"{root}: sample {done.key}: {done.error}"] if done.error else done.value or []
    files = (path for path in root.rglob("*") if path.suffix in (".tar", ".png", ".jpg", ".exr", ".json"))
    own = [path for path in files if path.parent != root or path.suffix == ".tar"]
    return Verified(len(keys), len(picked), content or "", sha256_files(own, root), tuple(sorted(problems)))


def _content(stored: StoredSet, keys: Sequence[str]) -> str | None:
    """The set's hash; None where a JSON cannot be read, which is a problem by itself."""
    try:
        return content_hash(stored.meta(key) for key in keys)
    except BokehbenchError:
        return None


def _whole(stored: StoredSet, keys: Sequence[str]) -> Iterator[str]:
    """Problems of the set as a whole."""
    root, record = stored.root, stored.record
    there = {int(key) for key in keys}
    lost = sorted(set(range(max(there, default=-1) + 1)) - there - set(record["failed"]))
    if lost:
        yield f"{root}: {len(lost)} samples are missing, the first is {lost[0]}; the same build makes them"
    if len(keys) != record["count"]:
        yield f"{root}: has {len(keys)} samples, dataset.json says {record['count']}; the same build mends it"
    leftovers = list(root.rglob("*.part-*"))
    leftovers += [root / name for name in (shards.WAITING, claims.FOLDER) if (root / name).is_dir()]
    for path in leftovers:
        yield f"{path}: left by a build that runs or was killed; the same build goes on"
    if isinstance(stored, FolderSet):
        listed = {picture["file"] for key in keys for picture in _pictures(stored, key)}
        for path in root.glob("*/*.*"):
            name = path.relative_to(root).as_posix()
            if path.suffix in (".png", ".jpg", ".exr") and name not in listed and ".part-" not in name:
                yield f"{path}: belongs to no sample"
    if isinstance(stored, ShardSet):
        yield from _shards(root, record)


def _pictures(stored: StoredSet, key: str) -> list[dict[str, Any]]:
    try:
        return list(pictures_of(stored.meta(key)).values())
    except BokehbenchError:
        return []


def _shards(root: Path, record: dict[str, Any]) -> Iterator[str]:
    """Each shard holds its range in order, and its table as many rows."""
    size = record["shard_size"]
    for path in shards.shard_paths(root):
        number, found = int(path.stem[6:]), list(shards.index(path))
        if found != sorted(found) or any(int(key) // size != number for key in found):
            yield f"{path}: holds other samples than {number * size} to {(number + 1) * size - 1}, in order"
        twin = path.with_suffix(".parquet")
        if twin.is_file():
            try:
                rows = table.pyarrow().parquet.read_metadata(twin).num_rows
            except (BokehbenchError, OSError, ValueError) as error:
                yield f"{twin}: not readable ({error})"
                continue
            if rows != len(found):
                yield f"{twin}: has {rows} rows for {len(found)} samples; delete both, build again"


def check_sample(stored: StoredSet, key: str) -> list[str]:
    """Problems of one sample's JSON and files."""
    meta, record = stored.meta(key), stored.record
    problems = [
        f"{stored.root}: sample {key}: {name} is {meta.get(name)}, not {expected} as the set's"
        for name, expected in (
            ("key", key),
            ("index", int(key)),
            ("config_hash", record["config_hash"]),
            ("root_seed", record["root_seed"]),
        )
        if meta.get(name) != expected
    ]
    for name, picture in pictures_of(meta).items():
        where = f"{stored.root}: {picture['file']}"
        try:
            data = stored.data(key, name)
            if sha256_bytes(data) != meta["files"].get(picture["file"]):
                problems.append(f"{where}: was changed since the set was made")
            pixels = stored.read(key, name, meta)
        except BokehbenchError as error:
            problems.append(str(error))
            continue
        problems += [f"{where}: {problem}" for problem in _odd(name, picture["kind"], pixels, meta)]
    return problems


def _odd(name: str, kind: str, pixels: Any, meta: dict[str, Any]) -> Iterator[str]:
    """What a picture of that kind cannot be."""
    width, height = meta["out_size"]
    if kind == "layer":
        width, height = meta["layers"][int(name.rpartition("_")[2])]["size"]
    if kind != "rgba" and name != "lq" and pixels.shape[:2] != (height, width):
        yield f"is {pixels.shape[1]}x{pixels.shape[0]}, not {width}x{height}"
    if not np.isfinite(pixels).all():
        yield "has NaN or infinite pixels"
    elif kind == "disparity" and (pixels.min() < 0.0 or pixels.max() > 1.0):
        yield f"disparity spans {pixels.min():.4g} to {pixels.max():.4g}, outside [0, 1]"
    elif kind == "layer" and (pixels[..., 3].min() < 0.0 or pixels[..., 3].max() > 1.0 + 1e-3):
        yield "alpha lies outside [0, 1]"
    elif kind == "label" and pixels.max() >= len(meta["layers"]):
        yield f"label {pixels.max()} of {len(meta['layers'])} layers"


def remake_sample(stored: StoredSet, library: Library, key: str) -> list[str]:
    """Make a sample again from its JSON alone; problems where it is not the same to the bit."""
    meta, record = stored.meta(key), stored.record
    profile = Profile.model_validate(record.get("profile", PROFILES["train-png"].to_json()))
    sample = remake(meta, library)
    described = describe(sample, meta["config_hash"], meta["checks"]["failed_attempts"])
    problems = [
        f"{stored.root}: sample {key}: {name} is not what its plan gives"
        for name, value in described.items()
        if name != "libs" and meta.get(name) != value
    ]
    lenses = {render.id: render.lens.gamma for render in sample.renders}
    with tempfile.TemporaryDirectory() as folder:
        there = pictures_of(meta)
        for truth in truths(sample):
            if truth.name not in there:
                problems.append(f"{stored.root}: sample {key}: lacks the picture {truth.name}")
                continue
            file = there[truth.name]["file"]
            path, gamma = Path(folder) / Path(file).name, gamma_of(truth.name, lenses, sample.plan.gamma)
            write_picture(path, truth, profile, gamma)
            data = path.read_bytes()
            if sha256_bytes(data) != meta["files"].get(file):
                again = read_picture(data, file, truth.kind, gamma)
                problems.append(f"{stored.root}: {file}: {_difference(stored, key, truth.name, again)}")
    if problems and meta.get("code") != code_version():
        problems.append(f"{stored.root}: sample {key} was made by other code ({meta.get('code')})")
    return problems


def _difference(stored: StoredSet, key: str, name: str, again: Any) -> str:
    """How a picture that was made again differs from the stored one."""
    try:
        there = stored.read(key, name)
    except BokehbenchError:
        return "cannot be compared with what its plan gives"
    if there.shape != again.shape:
        return "made again, it has another size"
    apart = np.abs(there.astype(np.float64) - again)
    share = float((apart.reshape(*apart.shape[:2], -1).max(axis=2) > 0).mean())
    if share == 0.0:
        return "made again, it has the same pixels in other bytes (another version of an image library)"
    return f"made again, {share:.2%} of the pixels differ, by at most {apart.max():.3g}"
