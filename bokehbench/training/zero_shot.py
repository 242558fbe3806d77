"""Whether anything of a benchmark was in the training data, by what both are made of.

Both sides have the names of `bokehbench.benchmarks.assets`: hashes of picture files (folders of the user,
photographs that come along), ``proc:KIND#SEED`` of drawn layers.

BLB scenes are programs of their own, which share neither code nor random numbers with what draws layers;
their rendered images are compared as files.
"""

from __future__ import annotations

from pathlib import Path

from bokehbench.benchmarks.assets import assets_of
from bokehbench.errors import InputError
from bokehbench.synth.store.reader import open_set


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


def refuse_shared(training: Path, benchmark: Path) -> int:
    """Compare, and count what a benchmark was compared by; InputError where anything is shared."""
    theirs = assets_of(benchmark)
    common = sorted(assets_of_set(training) & theirs)
    if common:
        raise InputError(
            f"{benchmark}: {len(common)} of its assets are in the training data {training} (the first: "
            f"{common[0]}), so it tests nothing; train on a set of another --seed, or validate on another"
        )
    return len(theirs)
