"""Whether anything of a benchmark was in the training data, by what both are made of.

What is compared, on both sides:

- pictures by the sha256 of their files: of a synthetic set the assets of all its layers (folders of the user,
  photographs that come along), of any other benchmark all files of its folder;
- drawn layers by their names, ``proc:KIND#SEED``, which say every pixel of them.

BLB scenes are programs of their own, which share neither code nor random numbers with what draws layers;
their rendered images are compared as files.
"""

from __future__ import annotations

from pathlib import Path

from bokehbench.errors import InputError
from bokehbench.jobs import progress
from bokehbench.records import sha256_file
from bokehbench.synth.store.reader import RECORD, open_set


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


def assets_of_benchmark(root: Path) -> set[str]:
    """Names of what a benchmark's folder is made of; see above. InputError where there is no such folder."""
    if not root.is_dir():
        raise InputError(f"{root}: no folder")
    if (root / RECORD).is_file():
        return assets_of_set(root)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    found = set()
    with progress("hash files of the benchmark", len(files)) as advance:
        for path in files:
            found.add(f"sha256:{sha256_file(path)}")
            advance(1)
    return found


def shared_assets(training: Path, benchmark: Path) -> list[str]:
    """What a stored training set and a benchmark have in common, sorted; empty for a zero-shot benchmark."""
    return sorted(assets_of_set(training) & assets_of_benchmark(benchmark))


def refuse_shared(training: Path, benchmark: Path) -> int:
    """Compare, and count what a benchmark was compared by; InputError where anything is shared."""
    theirs = assets_of_benchmark(benchmark)
    common = sorted(assets_of_set(training) & theirs)
    if common:
        raise InputError(
            f"{benchmark}: {len(common)} of its assets are in the training data {training} (the first: "
            f"{common[0]}), so it tests nothing; train on a set of another --seed, or validate on another"
        )
    return len(theirs)
