"""The training loop: steps, validation, checkpoints. It knows nothing of what is trained.

A stage that is killed at any time and started again goes on from its newest checkpoint and ends with the same
bytes of weights: batches are a function of the step, the learning rate too, and a checkpoint holds the rest.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from pydantic import ValidationError
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bokehbench.errors import InputError, JobFailed
from bokehbench.jobs import progress
from bokehbench.training import checkpoint
from bokehbench.training.logs import Log
from bokehbench.training.meter import Meter, peak_memory
from bokehbench.training.schedule import learning_rate, same_until
from bokehbench.training.stage import Batch, Loader, Stage, Standing, Task

__all__ = ["Batch", "Loader", "Stage", "Standing", "Task", "Trainer"]


class Trainer:
    """One stage in one folder.

    Args:
        stage: what to do.
        folder: of the stage; what lies there is gone on from.
        curves: folder of TensorBoard.
        accelerator: device and processes.

    Raises:
        InputError: the checkpoint there belongs to other settings, or is damaged.
    """

    def __init__(self, stage: Stage, folder: Path, curves: Path, accelerator: Accelerator) -> None:
        self.stage, self.folder, self.curves, self.accelerator = stage, folder, curves, accelerator
        self.task = stage.task.to(accelerator.device, memory_format=torch.channels_last)
        self.trained = [weight for weight in self.task.parameters() if weight.requires_grad]
        self.optimiser = self.task.optimiser(stage.settings.lr)
        self.shares = [group.get("share", 1.0) for group in self.optimiser.param_groups]
        ema = stage.settings.ema
        average = get_ema_multi_avg_fn(ema) if ema is not None else None
        self.average = AveragedModel(self.task, multi_avg_fn=average) if ema is not None else None
        self.standing = Standing()
        torch.manual_seed(stage.seed)
        self.random = checkpoint.random_state()
        if (folder / checkpoint.STATE).is_file():
            self._resume(checkpoint.load_state(folder / checkpoint.STATE))
        self.prepared = accelerator.prepare_model(self.task)

    @property
    def judged(self) -> Task:
        """The task with the weights that are kept: their moving average where there is one."""
        judged = self.average.module if self.average is not None else self.task
        assert isinstance(judged, Task)
        return judged

    def run(self, deadline: float = math.inf) -> Standing:
        """Train to the last step, or until `deadline` (of `time.monotonic`).

        Raises:
            JobFailed: the loss is no number any more.
        """
        settings, standing = self.stage.settings, self.standing
        if standing.step >= settings.steps:
            return standing
        silent = not self.accelerator.is_main_process
        meter = Meter()
        with (
            Log(self.folder, self.curves, standing.step, silent) as log,
            progress(f"train {self.stage.name}", 0 if silent else settings.steps) as advance,
            closing(self._batches()) as batches,
        ):
            advance(standing.step)
            for batch, waited in batches:
                begin = time.monotonic()
                losses = self._step(batch)
                standing.step += 1
                seconds = waited + time.monotonic() - begin
                standing.seconds += seconds
                meter.add(losses, seconds, waited)
                advance(1)
                if standing.step % settings.log_every == 0:
                    self._log(log, meter)
                if self._is_due(settings.validate_every):
                    self._validate(log)
                late = self._is_late(deadline)
                if self._is_due(settings.checkpoint_every) or late:
                    self._save()
                if standing.step >= settings.steps or late:
                    break
        return standing

    def _is_due(self, every: int) -> bool:
        return self.standing.step % every == 0 or self.standing.step >= self.stage.settings.steps

    def _is_late(self, deadline: float) -> bool:
        """The same answer in all processes, which ask each other seldom."""
        late = time.monotonic() > deadline
        if self.accelerator.num_processes == 1:
            return late
        if self.standing.step % self.stage.settings.log_every:
            return False
        votes = torch.tensor(float(late), device=self.accelerator.device)
        return bool(self.accelerator.reduce(votes, "sum") > 0.0)

    def _batches(self) -> Generator[tuple[Batch, float], None, None]:
        """Batches, and the seconds that each was waited for."""
        batches = iter(self.stage.loader)
        try:
            begin = time.monotonic()
            batch = next(batches)
            # Not before: starting the loader's workers takes from torch's random numbers.
            checkpoint.set_random_state(self.random)
            while True:
                yield batch, time.monotonic() - begin
                begin = time.monotonic()
                batch = next(batches)
        finally:
            getattr(batches, "close", lambda: None)()

    def _step(self, batch: Batch) -> dict[str, Tensor]:
        settings, device = self.stage.settings, self.accelerator.device
        for group, share in zip(self.optimiser.param_groups, self.shares, strict=True):
            group["lr"] = share * learning_rate(self.standing.step, settings)
        self.task.step = self.standing.step
        on_device = {k: v.to(device, non_blocking=True) for k, v in batch.items() if isinstance(v, Tensor)}
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
            losses: dict[str, Tensor] = self.prepared(on_device)
        self.optimiser.zero_grad()
        self.accelerator.backward(losses["loss"])
        if settings.clip_norm is not None:
            for group in self.optimiser.param_groups:
                torch.nn.utils.clip_grad_norm_(group["params"], settings.clip_norm)
        self.optimiser.step()
        if self.average is not None:
            self.average.update_parameters(self.task)
        return losses

    def _log(self, log: Log, meter: Meter) -> None:
        means = {name: float(self.accelerator.reduce(value, "mean")) for name, value in meter.means().items()}
        self._check_finite(means["loss"])
        values = {
            **means,
            "lr": learning_rate(self.standing.step - 1, self.stage.settings),
            "steps_per_second": meter.steps / meter.seconds,
            "waiting_share": meter.waited / meter.seconds,
            "peak_memory_gib": self._peak() / 2**30,
        }
        log.write(self.standing.step, {f"{self.stage.name}/{name}": value for name, value in values.items()})
        meter.reset()

    def _peak(self) -> int:
        """Most memory so far, bytes, kept with the standing."""
        self.standing.peak_bytes = max(self.standing.peak_bytes, peak_memory(self.accelerator.device))
        return self.standing.peak_bytes

    def _check_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            name, settings = self.stage.name, self.stage.settings
            also = f", or --set {name}.precision=fp32" if settings.precision == "bf16" else ""
            raise JobFailed(
                f"{self.folder}: the loss of step {self.standing.step} is not finite; the newest checkpoint "
                f"is kept; train in a new --out with --set {name}.lr={settings.lr / 2.0:g}{also}"
            )

    def _validate(self, log: Log) -> None:
        """In the first process; the others wait at their next step."""
        if not self.accelerator.is_main_process:
            return
        begin, standing, judged = time.monotonic(), self.standing, self.judged
        figures = judged.validate()
        if self.stage.also is not None:
            figures |= self.stage.also(judged, len(standing.curve))
        self._check_finite(figures["score"])
        standing.curve.append((standing.step, figures["score"]))
        standing.figures = figures
        if figures["score"] > standing.best_score:
            standing.best_step, standing.best_score = standing.step, figures["score"]
            about = {"step": standing.step, "score": figures["score"]}
            checkpoint.save_weights(self.folder / checkpoint.BEST, judged.stored(), about)
        standing.seconds += time.monotonic() - begin
        log.write(
            standing.step, {f"{self.stage.name}-validation/{name}": value for name, value in figures.items()}
        )
        log.show(
            standing.step, {f"{self.stage.name}/{name}": shown for name, shown in judged.pictures().items()}
        )

    def _save(self) -> None:
        """Weights first: a process killed in between goes on from the older state and writes them again."""
        # Of every process, in order: a validation takes random numbers in the first alone.
        random = gather_object([checkpoint.random_state()])
        if not self.accelerator.is_main_process:
            return
        if not all(bool(torch.isfinite(weight).all()) for weight in self.trained):
            self._check_finite(math.nan)
        self._peak()
        about = {"step": self.standing.step}
        checkpoint.save_weights(self.folder / checkpoint.LAST, self.judged.stored(), about)
        state = {
            "standing": asdict(self.standing),
            "network": self.task.stored(),
            "aside": self.task.aside(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "loader": self.stage.loader.state_dict(),
            "random": random,
            "settings": self.stage.settings.model_dump(mode="json"),
            "needs": dict(self.stage.needs),
        }
        checkpoint.save_state(self.folder / checkpoint.STATE, state)

    def _resume(self, state: dict[str, Any]) -> None:
        self._refuse_another(state)
        self.standing = Standing(**state["standing"])
        self.standing.curve = [(step, score) for step, score in self.standing.curve]
        self.task.load_stored(state["network"])
        self.task.load_aside(state.get("aside", {}))
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.stage.loader.load_state_dict(state["loader"])
        random = state["random"]
        # Older checkpoints have that of the first process alone.
        self.random = random if isinstance(random, dict) else random[self.accelerator.process_index]

    def _refuse_another(self, state: Mapping[str, Any]) -> None:
        done = int(state["standing"]["step"])
        try:
            old = type(self.stage.settings).model_validate(state["settings"])
        except ValidationError as error:
            raise InputError(
                f"{self.folder}: its checkpoint is of another version of bokehbench; name a new --out"
            ) from error
        if not same_until(done, old, self.stage.settings):
            raise InputError(
                f"{self.folder}: its {done} steps were made for {old.steps} steps in all, with other "
                f"learning rates than for {self.stage.settings.steps}; keep steps, or name a new --out"
            )
        for name, value in self.stage.needs.items():
            if state["needs"].get(name) != value:
                raise InputError(
                    f"{self.folder}: was trained with another {name}; delete this folder to train the stage "
                    "again, or name a new --out"
                )
