"""From what the user writes (`NAME:DIR` or `NAME`) to an opened benchmark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bokehbench.benchmarks.protocols import protocol_of
from bokehbench.cases import Benchmark
from bokehbench.errors import InputError
from bokehbench.registry import BenchmarkSpec, ProtocolSpec, get

DATA_VARIABLE = "BOKEHBENCH_DATA"


@dataclass(frozen=True)
class Opened:
    """A benchmark folder, the spec that reads it, and the rules it is run under."""

    spec: BenchmarkSpec
    protocol: ProtocolSpec
    benchmark: Benchmark


def open_benchmark(reference: str, protocol: str | None = None) -> Opened:
    """Open `NAME:DIR`, or `NAME` for the folder of that name below `$BOKEHBENCH_DATA`.

    Args:
        reference: as on the command line.
        protocol: name of one that the benchmark offers; None for its default.

    Raises:
        ConfigError: no benchmark of that name is registered, or it has no such protocol.
        InputError: the folder is missing, or is not such a set.
    """
    name, _, folder = reference.partition(":")
    spec = get(BenchmarkSpec, name)
    rules = protocol_of(spec, protocol)
    if not folder:
        data = os.environ.get(DATA_VARIABLE)
        if not data:
            raise InputError(
                f"--benchmark {name}: say {name}:DIR, or set ${DATA_VARIABLE} to the folder that has {name}"
            )
        folder = str(Path(data) / name)
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise InputError(
            f"--benchmark {reference}: no folder {root} (bokehbench describe {name} says how to make it)"
        )
    benchmark = spec.load()(root, protocol=rules) if spec.protocols else spec.load()(root)
    return Opened(spec, rules, benchmark)
