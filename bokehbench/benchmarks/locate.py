"""From what the user writes (`NAME:DIR` or `NAME`) to an opened benchmark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bokehbench.cases import Benchmark
from bokehbench.errors import InputError
from bokehbench.registry import BenchmarkSpec, get

DATA_VARIABLE = "BOKEHBENCH_DATA"


@dataclass(frozen=True)
class Opened:
    """A benchmark folder and the spec that reads it."""

    spec: BenchmarkSpec
    benchmark: Benchmark


def open_benchmark(reference: str) -> Opened:
    """Open `NAME:DIR`, or `NAME` for the folder of that name below `$BOKEHBENCH_DATA`.

    Raises:
        ConfigError: no benchmark of that name is registered.
        InputError: the folder is missing, or is not such a set.
    """
    name, _, folder = reference.partition(":")
    spec = get(BenchmarkSpec, name)
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
    return Opened(spec, spec.load()(root))
