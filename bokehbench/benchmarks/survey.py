"""What a benchmark's folder has: files by part beside the published counts, cases by protocol, its record."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

from bokehbench.benchmarks import inventory
from bokehbench.benchmarks.locate import Reference, open_benchmark
from bokehbench.benchmarks.photoset import PhotoSet
from bokehbench.benchmarks.protocols import protocol_of
from bokehbench.errors import BokehbenchError, ConfigError
from bokehbench.registry import BenchmarkSpec, get


def survey(name: str, root: Path, *, record: bool = False) -> Iterator[str]:
    """Lines that say what a folder has, and which protocols it can be run under.

    Args:
        name: of the benchmark.
        root: its folder.
        record: hash every file and write the folder's record.

    Raises:
        ConfigError: no such benchmark; a record of a kind of folder that holds its own hashes.
        InputError: no such folder.
    """
    spec = get(BenchmarkSpec, name)
    benchmark = open_benchmark(f"{spec.name}:{root}").benchmark
    yield f"{spec.name} in {root}"
    if isinstance(benchmark, PhotoSet):
        for what, here, published in benchmark.counts():
            yield f"  {what}: {here} files" + (f" of {published}" if published else "")
    for protocol in dict.fromkeys((spec.protocol, *spec.protocols)):
        yield f"  {protocol_of(spec, protocol).id}: {_cases(spec, root, protocol)}"
    if not record:
        recorded = (root / inventory.RECORD).is_file()
        yield f"  hashes: {'recorded' if recorded else 'none recorded'} ({inventory.RECORD})"
        return
    if not isinstance(benchmark, PhotoSet):
        raise ConfigError(f"--record: folders of {spec.name} have their hashes in their own files")
    files = benchmark.files()
    digest = inventory.record(root, files, spec.name)
    yield f"  hashes of {len(files)} files recorded in {root / inventory.RECORD}; all: {digest}"


def _cases(spec: BenchmarkSpec, root: Path, protocol: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the counts above say it
            found = open_benchmark(Reference(f"{spec.name}:{root}", protocol)).cases()
    except BokehbenchError as error:
        return f"not yet: {error}"
    except Exception as error:  # a benchmark may be anybody's code
        return "not yet: " + " ".join(f"{type(error).__name__}: {error}".split())
    scenes = len({info.scene for info in found})
    return f"{len(found)} cases" + (f" of {scenes} scenes" if scenes != len(found) else "")
