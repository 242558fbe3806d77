"""Whether anything of a benchmark was in the training data, by what both are made of.

Both sides have the names of `bokehbench.benchmarks.assets`: hashes of picture files (folders of the user,
photographs that come along), ``proc:KIND#SEED`` of drawn layers.

BLB scenes are programs of their own, which share neither code nor random numbers with what draws layers;
their rendered images are compared as files.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench.benchmarks.assets import DATASET, assets_of
from bokehbench.errors import InputError
from bokehbench.jobs import progress
from bokehbench.records import read_json, sha256_file, write_json
from bokehbench.synth.assets.library import Library, Source
from bokehbench.synth.assets.photographs import shipped_path
from bokehbench.synth.store.reader import open_set


@dataclass(frozen=True)
class Comparison:
    """What came of comparing training data with a benchmark that shares nothing known with it.

    Attributes:
        compared: assets of the benchmark.
        unknown: why it cannot be said of some of them; empty where all were compared.
    """

    compared: int
    unknown: str = ""


def assets_of_set(root: Path) -> set[str]:
    """Names of what a synthetic set is made of: ``sha256:…`` of files, ``proc:KIND#SEED`` of drawings."""
    stored, found = open_set(root), set()
    for files in (stored.record["assets"].get(name) for name in ("foregrounds", "backgrounds")):
        for file in files["files"] if files else ():
            found |= {f"sha256:{file[name]}" for name in ("sha256", "matte_sha256") if name in file}
    metas = (stored.meta(key) for key in stored.keys())  # noqa: SIM118
    for layer in (layer for meta in metas for layer in meta["layers"]):
        found.add(f"sha256:{layer['sha256']}" if layer.get("sha256") else layer["source"])
    return found


def shared_assets(training: Path, benchmark: Path) -> list[str]:
    """What a stored training set and a benchmark have in common, sorted; empty for a zero-shot benchmark."""
    return sorted(assets_of_set(training) & assets_of(benchmark))


def refuse_shared(training: Path, benchmark: Path) -> Comparison:
    """Compare a stored set with a benchmark; InputError where anything is shared."""
    theirs = assets_of(benchmark)
    _refuse(assets_of_set(training) & theirs, benchmark, str(training))
    return Comparison(len(theirs))


def refuse_shared_stream(library: Library, root_seed: int, benchmark: Path) -> Comparison:
    """Compare what a stream may draw from with a benchmark.

    Files are compared one by one. Drawn layers are not listed beforehand: those of another kind are others,
    and so are all of another root seed, unless two of 2^31 seeds are equal by chance.

    Args:
        library: that the stream's layers are made of.
        root_seed: of the stream.
        benchmark: its folder.

    Raises:
        InputError: a file of the stream is in the benchmark, or both are made from the same root seed.
    """
    theirs, alike = assets_of(benchmark), set()
    _refuse(files_of(library) & theirs, benchmark, "of the stream")
    drawn = (*library.foregrounds.items(), *library.backgrounds.items())
    kinds = {kind for kind, weight in drawn if weight > 0.0}
    for name in theirs:
        if name.startswith("proc:") and Source.parse(name).name in kinds:
            alike.add(name)
    if not alike:
        return Comparison(len(theirs))
    record = benchmark / DATASET
    if record.is_file() and read_json(record).get("root_seed") == root_seed:
        raise InputError(
            f"{benchmark}: is drawn from seed {root_seed}, as the stream is, so it tests nothing; train with "
            "another --set data.seed, or validate on another"
        )
    return Comparison(
        len(theirs),
        f"{len(alike)} of its {len(theirs)} assets are drawings of kinds that the stream "
        "draws too, from another root seed; a stream does not list its drawings, so these are not compared "
        "(those of a stored set are)",
    )


def assets_of_pictures(folder: Path, names: Sequence[str], kept: Path | None) -> set[str]:
    """Names of a folder's pictures, ``sha256:…``.

    Args:
        folder: of pictures that are trained on.
        names: of them, below it.
        kept: file in which digests are kept, by name and size, so that none is read twice; None for none.
    """
    known = read_json(kept) if kept is not None and kept.is_file() else {}
    found: dict[str, list[Any]] = {}
    with progress("hash the pictures that are trained on", len(names)) as advance:
        for name in names:
            size = (folder / name).stat().st_size
            before = known.get(name)
            if not isinstance(before, list) or before[0] != size:
                before = [size, sha256_file(folder / name)]
            found[name] = before
            advance(1)
    if kept is not None and found != known:
        write_json(kept, found)
    return {f"sha256:{digest}" for _, digest in found.values()}


def refuse_pictures(pictures: set[str], folder: Path, benchmark: Path) -> None:
    """Compare pictures with a benchmark; InputError where anything is shared.

    Args:
        pictures: names of them, of `assets_of_pictures`.
        folder: that they lie in, for the error.
        benchmark: its folder.
    """
    _refuse(pictures & assets_of(benchmark), benchmark, f"of {folder}")


def refuse_seen(seen: frozenset[str], benchmark: Path) -> None:
    """Compare what weights have seen before a run with a benchmark; InputError where anything is shared."""
    _refuse(seen & assets_of(benchmark) if seen else set(), benchmark, "of the run in --start")


def files_of(library: Library) -> set[str]:
    """Names of all pictures that a stream may take: files of folders, and photographs that come along."""
    found = set()
    for folder in (library.foreground_folder, library.background_folder):
        for asset in folder.assets if folder else ():
            found |= {f"sha256:{digest}" for digest in (asset.sha256, asset.matte_sha256) if digest}
    for name in library.photographs:
        found |= {str(Source("skimage", name)), f"sha256:{sha256_file(shipped_path(name))}"}
    return found


def _refuse(common: Set[str], benchmark: Path, training: str) -> None:
    if common:
        raise InputError(
            f"{benchmark}: {len(common)} of its assets are in the training data {training} (the first: "
            f"{min(common)}), so it tests nothing; train on a set of another --seed, or validate on another"
        )
