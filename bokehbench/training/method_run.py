"""What the runs of all methods have in common: what is asked for, what is said of it, where weights lie."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from accelerate import Accelerator
from torch import Tensor

from bokehbench.errors import InputError
from bokehbench.training import checkpoint
from bokehbench.training.arithmetic import bf16_support
from bokehbench.training.benchmark import Check
from bokehbench.training.first_run import Start
from bokehbench.training.photographs import STREAM, asset_names, compare, data_card, zero_shot_card
from bokehbench.training.settings import StageSettings
from bokehbench.training.sources import Photographs
from bokehbench.training.stage import Stage, Task
from bokehbench.training.starting import device_name
from bokehbench.training.zero_shot import Comparison, refuse_seen

T = TypeVar("T", bound=Task)


@dataclass(frozen=True)
class Request:
    """What the command line asks for; a method adds its own.

    Attributes:
        settings: of the run.
        config, changes: name or file that they were read from, and ``--set`` assignments; for the card.
        data: `stream`, or the folder of a stored set.
        out: folder of the run.
        stages: some of the method's.
        device: auto, cpu or cuda.
        workers: processes that prepare batches.
        benchmark: `NAME:DIR` to validate on, None without.
        hours: after which training stops, with all that is needed to go on.
        start: weights to begin with, see `first_run.Start`; None for those of the settings. Of the methods
            that ask for it (`MethodRun.first_weights`).
    """

    settings: Any
    config: str
    data: str
    out: Path
    stages: tuple[str, ...] = ()
    device: str = "auto"
    workers: int = 0
    benchmark: str | None = None
    hours: float = math.inf
    changes: tuple[str, ...] = ()
    start: str | Path | None = None


class MethodRun(ABC):
    """The parts of a run (`turns.Run`), made when they are needed.

    Args:
        request: of the command line.
        accelerator: device and processes.

    Attributes:
        method: of the command line, and of the run's identity.
        stages: to be trained, in order.
        source: of photographs.
        start: weights that it begins with; None for those of the settings.
        check: the benchmark to validate on; None without one, and in all processes but the first.
        compared: what came of comparing benchmarks with the training data.
    """

    method: str
    stages: list[str]
    source: Photographs[Any]
    start: Start | None = None
    check: Check | None = None

    def __init__(self, request: Request, accelerator: Accelerator) -> None:
        self.asked, self.accelerator = request, accelerator
        self.compared: dict[str, Comparison] = {}

    @abstractmethod
    def stage(self, name: str) -> Stage:
        """What is trained; its networks are its own."""

    @abstractmethod
    def export(self) -> dict[str, Any] | None:
        """Write weights and card; None where there are no weights yet."""

    @abstractmethod
    def settings_of(self, name: str) -> StageSettings:
        """Of a stage."""

    def sharing(self) -> dict[str, Any]:
        """How a source of photographs is shared out: `sources.Photographs`."""
        return {
            "workers": self.asked.workers,
            "rank": self.accelerator.process_index,
            "world": self.accelerator.num_processes,
            "device": self.accelerator.device,
        }

    def first_weights(self, stages: Sequence[str]) -> Start | None:
        """What `--start` names, None without it; `stages` are all of the method's."""
        asked, held_out = self.asked, self.asked.settings.data.held_out
        if asked.start is None:
            return None
        return Start(asked.start, self.method, stages, self.source.identity(), held_out)

    def begun(self, task: T, name: str) -> T:
        """The task of a stage, with the weights that `--start` has of it."""
        if self.start and name in self.start.weights:
            task.load_stored(self.start.weights[name])
        return task

    def compared_check(self, kind: Callable[[str, Any], Check]) -> Check | None:
        """The benchmark to validate on, compared with the training data; in the first process alone."""
        asked = self.asked
        if asked.benchmark is None or not self.accelerator.is_main_process:
            return None
        check = kind(asked.benchmark, asked.settings.validation)
        root = check.opened.benchmark.root
        library, seed = self.source.library, asked.settings.data.seed
        self.compared[check.name] = compare(asked.data, library, seed, root)
        refuse_seen(self.seen_before(), root)
        return check

    def seen_before(self) -> frozenset[str]:
        """Names of what weights that this run begins with have seen, beside its own photographs."""
        return self.start.assets if self.start else frozenset()

    def remarks(self) -> Iterable[str]:
        """What a user should know at the start, a line each."""
        lines = [f"--validate {name}: {one.unknown}" for name, one in self.compared.items() if one.unknown]
        slow = [name for name in self.stages if self.settings_of(name).precision == "bf16"]
        if slow and not bf16_support(self.accelerator.device):
            changes = " ".join(f"--set {name}.precision=fp32" for name in slow)
            lines.append(
                f"{device_name(self.accelerator.device)}: has no bf16 of its own, so it is computed slowly; "
                f"{changes} is faster here (a run of its own)"
            )
        return lines

    def identity(self) -> dict[str, Any]:
        """What makes the weights."""
        return {
            "method": self.method,
            "config": self.asked.settings.to_json(),
            "data": self.source.identity(),
            **({"start": self.start.hashes()} if self.start else {}),
        }

    def others(self) -> Mapping[str, Path]:
        """Folders of other runs by the stages that are taken from them."""
        return {}

    def folder(self, name: str) -> Path:
        """Of a stage."""
        return self.others().get(name, self.asked.out) / name

    def file(self, name: str) -> Path:
        """Of a stage's weights that are used."""
        keep = self.asked.settings.keep
        return self.folder(name) / (checkpoint.BEST if keep == "best" else checkpoint.LAST)

    def weights(self, name: str) -> dict[str, Tensor]:
        """Of a stage, those that are used."""
        return checkpoint.load_weights(self.file(name))

    def state(self, name: str, what: str) -> dict[str, Any]:
        """The newest checkpoint of a stage; InputError where there is none, with `what` it would hold."""
        path = self.folder(name) / checkpoint.STATE
        if not path.is_file():
            raise InputError(f"{path.parent}: no {what} here; train it first (--stage {name}, or all)")
        return checkpoint.load_state(path)

    def require_finished(self, name: str, what: str) -> None:
        """InputError for a stage of this run that has steps to go; one of another run is taken as it is."""
        state = self.state(name, what)
        done, steps = state["standing"]["step"], self.settings_of(name).steps
        if name not in self.others() and done < steps:
            raise InputError(
                f"{self.folder(name)}: {what} is at step {done} of {steps}; go on with it first (--stage "
                f"{name}), or take it as it is with --set {name}.steps={done} where its learning rates allow"
            )

    def facts(self, judge: Task) -> dict[str, Any]:
        """What a card says of every run; `judge` has the weights that it is about."""
        asked = self.asked
        listed = asset_names(asked.data)
        return {
            "data": data_card(asked.data, self.source.identity(), asked.settings.data),
            "device": device_name(self.accelerator.device),
            "processes": self.accelerator.num_processes,
            "command": self.command(),
            "start": self.start.record if self.start else None,
            # A stream lists none: those of an earlier run alone would look like all.
            "assets": sorted(self.seen_before().union(listed)) if listed else [],
            "zero_shot": zero_shot_card(self.compared),
            "benchmark": self.check.rows(judge) if self.check else {},
            "bf16": bf16_support(self.accelerator.device) or "emulated",
        }

    def options(self) -> str:
        """Of the method's own, for `command`; with names of folders alone."""
        return f" --start {self.start.option}" if self.start else ""

    def command(self) -> str:
        """The command line that makes these weights, with names of folders alone."""
        asked = self.asked
        changes = "".join(f" --set '{change}'" for change in asked.changes)
        config = f"{Path(asked.config).name}{changes}"
        data = STREAM if asked.data == STREAM else "SET"
        name, folder, _ = (asked.benchmark or "").partition(":")
        judged = f" --validate {name}{':DIR' if folder else ''}" if name else ""
        source = f"--config {config} --data {data}{self.options()}{judged}"
        return f"bokehbench train {self.method} {source} --out RUN"
