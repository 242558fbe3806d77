"""The stages of a run, one after the other, then its weights and their card: the same for every method."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from accelerate import Accelerator

from bokehbench.training import runs
from bokehbench.training.loop import Stage, Standing, Trainer
from bokehbench.training.starting import open_accelerator
from bokehbench.training.together import ending_together

Paths = tuple[tuple[str, ...], ...]
CURVES = "tensorboard"
"""Folder of the curves of all stages."""


class Run(Protocol):
    """What a method brings: the parts of its run, made when they are needed."""

    stages: list[str]

    def identity(self) -> dict[str, Any]:
        """What has to be equal for a run to go on in its folder."""
        ...

    def remarks(self) -> Iterable[str]:
        """Warnings before it starts."""
        ...

    def folder(self, name: str) -> Path:
        """Of a stage."""
        ...

    def stage(self, name: str) -> Stage:
        """What is trained; its networks are its own."""
        ...

    def export(self) -> dict[str, Any] | None:
        """Write weights and card; None where there are no weights yet."""
        ...


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
        standings: of the stages that were asked for, as far as they were begun.
        card: of the weights; None where a stage has no weights yet.
        speaks: whether this is the one process among those that train together that reports.
    """

    standings: dict[str, Standing]
    card: dict[str, Any] | None
    speaks: bool = True


def take_turns(
    open_run: Callable[[Accelerator], Run],
    out: Path,
    device: str,
    hours: float,
    free: Paths,
    partly: bool = False,
) -> Result:
    """Train, or go on.

    Args:
        open_run: makes the run, for the processes that train together.
        out: folder of the run.
        device: auto, cpu or cuda.
        hours: after which training stops, with all that is needed to go on; 0 writes weights alone.
        free: paths in the identity that may change when a run goes on, see `runs.enter`.
        partly: see `starting.open_accelerator`.

    Raises:
        ConfigError, InputError: settings, data or folders that do not go together.
        Unavailable: no such device, or no weights that a loss or the base needs.
        JobFailed: the loss is no number any more.
    """
    accelerator = open_accelerator(device, partly)
    with ending_together(accelerator.process_index, accelerator.num_processes):
        run = open_run(accelerator)
        with runs.alone(out) if accelerator.is_main_process else nullcontext():
            return _trained(run, accelerator, out, hours, free)


def _trained(run: Run, accelerator: Accelerator, out: Path, hours: float, free: Paths) -> Result:
    if accelerator.is_main_process:
        runs.enter(out, run.identity(), free)
        for line in run.remarks():
            warnings.warn(line, stacklevel=4)
    accelerator.wait_for_everyone()
    deadline = time.monotonic() + 3600.0 * hours
    standings: dict[str, Standing] = {}
    for name in run.stages if hours > 0.0 else ():
        stage = run.stage(name)
        trainer = Trainer(stage, run.folder(name), out / CURVES, accelerator)
        standings[name] = trainer.run(deadline)
        accelerator.wait_for_everyone()
        finished = standings[name].step >= stage.settings.steps
        # Other networks follow, and a model on SDXL may not fit twice.
        del stage, trainer
        accelerator.free_memory()
        if not finished:
            break
    card = run.export() if accelerator.is_main_process else None
    accelerator.wait_for_everyone()
    return Result(standings, card, accelerator.is_main_process)
