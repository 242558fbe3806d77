"""A whole training of da-depth: the student, then its weights and their card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from bokehbench.depth.choice import Choice
from bokehbench.depth.loading import load_processor
from bokehbench.depth.models import identity
from bokehbench.errors import ConfigError
from bokehbench.training import checkpoint, method_run
from bokehbench.training.arithmetic import bf16_support
from bokehbench.training.da_depth.anything import Anything, load
from bokehbench.training.da_depth.data import Pair, Pairs
from bokehbench.training.da_depth.export import export
from bokehbench.training.da_depth.measured import MeasuredCheck
from bokehbench.training.da_depth.settings import FREE, STAGE, DaDepthSettings
from bokehbench.training.da_depth.stage import Distillation
from bokehbench.training.loop import Stage
from bokehbench.training.settings import StageSettings
from bokehbench.training.starting import device_name, seed_number
from bokehbench.training.turns import Result, take_turns


@dataclass(frozen=True)
class Request(method_run.Request):
    """What the command line asks for; `data` is a folder of pictures, `benchmark` a depth set.

    Attributes:
        teacher: a registered network, a hub id or a folder; None for that of the settings.
        revision: of a teacher on the hub: branch, tag or commit.
    """

    stages: tuple[str, ...] = (STAGE,)
    teacher: str | None = None
    revision: str | None = None


def train(request: Request) -> Result:
    """Train, or go on.

    Raises:
        ConfigError, InputError: settings, data or folders that do not go together.
        Unavailable: no such device, or the teacher is not on this machine.
        JobFailed: the loss is no number any more.
    """
    return take_turns(
        lambda accelerator: _Run(request, accelerator), request.out, request.device, request.hours, FREE
    )


class _Run(method_run.MethodRun):
    """The parts of a run, made when they are needed."""

    method = "da-depth"

    def __init__(self, request: Request, accelerator: Accelerator) -> None:
        super().__init__(request, accelerator)
        self.request, self.stages = request, [STAGE]
        settings: DaDepthSettings = request.settings
        choice = Choice(request.teacher or settings.teacher, revision=request.revision)
        # The name alone: where a folder lies on this machine says nothing.
        self.settings = settings.model_copy(update={"teacher": choice.spec().name})
        found = choice.checkpoint()
        if found is None:
            raise ConfigError(f"--teacher {choice.name}: has no weights that could be distilled")
        self.checkpoint, self.teacher = found, identity(choice)
        self.pairs = Pairs(Path(request.data), settings.data, settings.seed)
        self._held_out: list[Pair] | None = None
        self.processor = load_processor("AutoImageProcessor", found)
        self._check_crop()
        self.measured = self._measured()

    def _check_crop(self) -> None:
        """ConfigError for crops that are no whole patches."""
        patch = int(self.checkpoint.config().get("patch_size", 14))
        if self.settings.data.crop % patch:
            raise ConfigError(
                f"data.crop: must be a multiple of {patch} for this network, not {self.settings.data.crop}"
            )

    def _measured(self) -> MeasuredCheck | None:
        if self.request.benchmark is None or not self.accelerator.is_main_process:
            return None
        root = Path(self.request.data)
        return MeasuredCheck(self.request.benchmark, self.settings.validation, self.processor, root)

    def settings_of(self, name: str) -> StageSettings:
        """Of the one stage."""
        return self.settings.student

    def identity(self) -> dict[str, Any]:
        """What makes the weights: the teacher by the digests of its files."""
        return {
            "method": self.method,
            "config": self.settings.to_json(),
            "data": self.pairs.identity(),
            "teacher": {name: self.teacher.get(name) for name in ("spec", "repo", "revision", "files")},
        }

    def stage(self, name: str) -> Stage:
        """The student, ready for the loop."""
        settings = self.settings.student
        sharing = {
            "workers": self.request.workers,
            "rank": self.accelerator.process_index,
            "world": self.accelerator.num_processes,
        }
        return Stage(
            name=name,
            task=self.task(),
            loader=self.pairs.loader(settings.batch, **sharing),
            settings=settings,
            seed=seed_number(self.settings.seed, "training.da-depth"),
            also=self.measured,
        )

    def task(self) -> Distillation:
        """Teacher and student before the training, with pairs to judge by."""
        if self._held_out is None:
            self._held_out = self.pairs.held_out()
        return Distillation(self._network(), self.settings.student, self._held_out)

    def _network(self) -> Anything:
        return load(self.checkpoint)

    def export(self) -> dict[str, Any] | None:
        """Weights and card of what is there, finished or not; None where there are none yet."""
        taken = self.file(STAGE)
        if not taken.is_file():
            return None
        task = self.task()
        task.load_stored(checkpoint.load_weights(taken))
        facts = {
            "teacher": self.teacher,
            "data": self.pairs.identity(),
            "device": device_name(self.accelerator.device),
            "processes": self.accelerator.num_processes,
            "command": self.command(),
            "bf16": bf16_support(self.accelerator.device) or "emulated",
        }
        moved = task.to(self.accelerator.device)
        return export(self.request.out, self.settings, moved, self.processor, taken, facts)

    def command(self) -> str:
        """The command line that makes these weights, with names of folders alone."""
        asked = self.request
        changes = "".join(f" --set '{change}'" for change in asked.changes)
        teacher = f" --teacher {self.settings.teacher}" if asked.teacher else ""
        revision = f" --revision {asked.revision}" if asked.revision else ""
        config = f"{Path(asked.config).name}{changes}"
        return f"bokehbench train da-depth --config {config}{teacher}{revision} --data PICTURES --out RUN"
