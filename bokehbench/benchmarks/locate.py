"""From what the user writes (`NAME:DIR` or `NAME`) to an opened benchmark."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import bokehbench
from bokehbench.benchmarks.protocols import protocol_of
from bokehbench.benchmarks.tracks import RESTORED, Track
from bokehbench.cases import Benchmark, Case, CaseInfo, FloatImage, Inputs
from bokehbench.errors import InputError
from bokehbench.registry import BenchmarkSpec, ProtocolSpec, get

DATA_VARIABLE = "BOKEHBENCH_DATA"


@dataclass(frozen=True)
class Reference:
    """What names a benchmark, its protocol and its disparity track; small enough to send anywhere.

    Attributes:
        benchmark: `NAME:DIR` or `NAME`.
        protocol: name of one that the benchmark offers; None for its default.
        track: which disparity map methods get.
    """

    benchmark: str
    protocol: str | None = None
    track: Track = field(default_factory=Track)


@dataclass(frozen=True)
class Opened:
    """A benchmark folder, the spec that reads it, and the rules it is run under."""

    spec: BenchmarkSpec
    protocol: ProtocolSpec
    benchmark: Benchmark
    track: Track = field(default_factory=Track)

    @property
    def protocol_id(self) -> str:
        """The protocol as paths and tables have it: `name@version`, and the track."""
        return self.protocol.id + self.track.suffix

    @property
    def uses_truth(self) -> tuple[str, ...]:
        """What was chosen with the help of the ground truth."""
        return (*self.protocol.uses_truth, *self.track.uses_truth(self.protocol))

    def cases(self) -> list[CaseInfo]:
        """All cases; `data` covers the disparity track as well."""
        return [
            replace(info, data=self.track.data(info.data), own_data=info.data)
            for info in self.benchmark.cases()
        ]

    def load(self, info: CaseInfo) -> Case:
        """One case with the track's disparity map."""
        return self.track.apply(self.benchmark.load(info), self.protocol)

    def restored(self, case: Case, inputs: Inputs, picture: FloatImage) -> Inputs:
        """What a method sees behind a restorer: the restored picture, and on a track of such its own map.

        Args:
            case: as `load` gives it.
            inputs: those of the case that the method would see without a restorer.
            picture: [H, W, 3].
        """
        if self.track.kind == RESTORED:
            own = self.benchmark.load(case.info)
            own = replace(own, inputs=replace(own.inputs, image=picture))
            moved = self.track.apply(own, self.protocol).inputs
            inputs = replace(inputs, disparity=moved.disparity, lens=moved.lens)
        return replace(inputs, image=picture, lq=None)


def open_benchmark(reference: Reference | str) -> Opened:
    """Open a benchmark's folder: the one given, the one below `$BOKEHBENCH_DATA`, or one that we ship.

    Raises:
        ConfigError: no benchmark of that name is registered, or it has no such protocol.
        InputError: the folder is missing, or is not such a set.
    """
    if isinstance(reference, str):
        reference = Reference(reference)
    name, _, folder = reference.benchmark.partition(":")
    spec = get(BenchmarkSpec, name)
    rules = protocol_of(spec, reference.protocol)
    reference.track.check(rules)
    root = _folder(spec, folder)
    if not root.is_dir():
        raise InputError(
            f"--benchmark {reference.benchmark}: no folder {root} "
            f"(bokehbench describe {name} says how to get it)"
        )
    benchmark = spec.load()(root, protocol=rules) if spec.protocols else spec.load()(root)
    return Opened(spec, rules, benchmark, reference.track)


def _folder(spec: BenchmarkSpec, folder: str) -> Path:
    if folder:
        return Path(folder).expanduser()
    if spec.bundled:
        return Path(bokehbench.__file__).parent / spec.bundled
    data = os.environ.get(DATA_VARIABLE)
    if not data:
        raise InputError(
            f"--benchmark {spec.name}: say {spec.name}:DIR, or set ${DATA_VARIABLE} to the folder that has "
            f"{spec.name}"
        )
    return Path(data).expanduser() / spec.name
