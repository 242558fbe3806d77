"""A whole training of BokehMe: stages, one after the other, then the weights and their card."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from bokehbench.baselines.bokehme.neural import VARIANTS, NeuralRenderer, Upsampling
from bokehbench.errors import InputError, Unavailable
from bokehbench.rng import stream
from bokehbench.training import checkpoint, runs
from bokehbench.training.bokehme.benchmark import BenchmarkCheck
from bokehbench.training.bokehme.export import device_name, export
from bokehbench.training.bokehme.settings import FREE, BokehMeSettings
from bokehbench.training.bokehme.sources import STREAM, Source, open_source
from bokehbench.training.bokehme.stages import ARNetStage, BokehMeStage, IUNetStage
from bokehbench.training.loop import Stage, Standing, Trainer
from bokehbench.training.zero_shot import assets_of_set, refuse_shared

STAGES = ("arnet", "iunet")
CURVES = "tensorboard"


@dataclass(frozen=True)
class Request:
    """What the command line asks for.

    Attributes:
        settings: of the run.
        config, changes: name or file that they were read from, and ``--set`` assignments; for the card.
        data: `stream`, or the folder of a stored set.
        out: folder of the run.
        stages: some of `STAGES`.
        device: auto, cpu or cuda.
        workers: processes that prepare batches.
        benchmark: `NAME:DIR` to validate on, None without.
        arnet: folder of another run whose ARNet is taken; None trains one here.
        hours: after which training stops, with all that is needed to go on.
    """

    settings: BokehMeSettings
    config: str
    data: str
    out: Path
    stages: tuple[str, ...] = STAGES
    device: str = "auto"
    workers: int = 0
    benchmark: str | None = None
    arnet: Path | None = None
    hours: float = math.inf
    changes: tuple[str, ...] = ()


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


def train(request: Request) -> Result:
    """Train, or go on.

    Raises:
        ConfigError, InputError: settings, data or folders that do not go together.
        Unavailable: no such device.
        JobFailed: the loss is no number any more.
    """
    accelerator = _accelerator(request.device)
    run = _Run(request, accelerator)
    if accelerator.is_main_process:
        runs.enter(request.out, run.identity(), FREE)
    accelerator.wait_for_everyone()
    deadline = time.monotonic() + 3600.0 * request.hours
    standings: dict[str, Standing] = {}
    for name in run.stages if request.hours > 0.0 else ():
        stage = run.stage(name)
        trainer = Trainer(stage, run.folder(name), request.out / CURVES, accelerator)
        standings[name] = trainer.run(deadline)
        accelerator.wait_for_everyone()
        if standings[name].step < stage.settings.steps:
            break
    card = run.export() if accelerator.is_main_process else None
    accelerator.wait_for_everyone()
    return Result(standings, card, accelerator.is_main_process)


class _Run:
    """The parts of a run, made when they are needed."""

    def __init__(self, request: Request, accelerator: Accelerator) -> None:
        self.request, self.settings, self.accelerator = request, request.settings, accelerator
        wanted = [name for name in STAGES if name in request.stages]
        # B1 has no IUNet; the ARNet of another run is not trained here.
        left_out = {"iunet"} if self.settings.iunet.variant == "B1" else set()
        self.last = "arnet" if left_out else "iunet"
        left_out |= {"arnet"} if request.arnet else set()
        self.stages = [name for name in wanted if name not in left_out]
        if not self.stages and not request.arnet:
            raise InputError("--stage iunet: variant B1 has no IUNet; train --stage arnet")
        self.source: Source = open_source(
            request.data,
            self.settings.data,
            self.settings.seed,
            workers=request.workers,
            rank=accelerator.process_index,
            world=accelerator.num_processes,
            device=accelerator.device,
        )
        self.compared: dict[str, int] = {}
        self.check = self._benchmark()

    def _benchmark(self) -> BenchmarkCheck | None:
        if self.request.benchmark is None or not self.accelerator.is_main_process:
            return None
        check = BenchmarkCheck(self.request.benchmark, self.settings.validation)
        if self.request.data != STREAM:
            self.compared[check.name] = refuse_shared(Path(self.request.data), check.opened.benchmark.root)
        return check

    def identity(self) -> dict[str, Any]:
        """What makes the weights."""
        return {"method": "bokehme", "config": self.settings.to_json(), "data": self.source.identity()}

    def folder(self, name: str) -> Path:
        """Of a stage."""
        root = self.request.arnet if name == "arnet" and self.request.arnet else self.request.out
        return root / name

    def stage(self, name: str) -> Stage:
        """A stage, ready for the loop; the second needs the weights of the first."""
        settings = self.settings.arnet if name == "arnet" else self.settings.iunet
        needs: dict[str, str] = {}
        if name == "iunet":
            self._require_finished("arnet")
            needs["ARNet"] = checkpoint.weights_hash(self._weights("arnet"))
        return Stage(
            name=name,
            task=self.task(name),
            loader=self.source.loader(settings.K, settings.batch),
            settings=settings,
            seed=_number(self.settings.seed, f"training.{name}"),
            needs=needs,
            also=self.check,
        )

    def task(self, name: str) -> BokehMeStage:
        """The networks before training, ARNet's trained for the second stage, with crops to judge by."""
        arnet, iunet = self.settings.arnet, self.settings.iunet
        torch.manual_seed(_number(self.settings.seed, "training.weights"))
        if name == "arnet":
            renderer = NeuralRenderer(Upsampling(network=False))
            return ARNetStage(renderer, arnet.losses, self.source.held_out(arnet.K, arnet.batch))
        renderer = NeuralRenderer(VARIANTS[iunet.variant])
        renderer.arnet.load_state_dict(self._weights("arnet"))
        held_out = self.source.held_out(iunet.K, iunet.batch)
        return IUNetStage(renderer, iunet.losses, held_out, iunet.scale)

    def _weights(self, name: str) -> dict[str, torch.Tensor]:
        file = checkpoint.BEST if self.settings.keep == "best" else checkpoint.LAST
        return checkpoint.load_weights(self.folder(name) / file)

    def _require_finished(self, name: str) -> None:
        folder = self.folder(name)
        if not (folder / checkpoint.STATE).is_file():
            raise InputError(f"{folder}: no ARNet here; train it first (--stage arnet, or all)")
        if self.request.arnet:
            return
        done = checkpoint.load_state(folder / checkpoint.STATE)["standing"]["step"]
        steps = self.settings.arnet.steps
        if done < steps:
            raise InputError(
                f"{folder}: ARNet is at step {done} of {steps}; go on with it first (--stage arnet), or take "
                f"it as it is with --set arnet.steps={done} where its learning rates allow"
            )

    def export(self) -> dict[str, Any] | None:
        """Weights and card of what is there, finished or not; None where a stage has none yet."""
        names = STAGES[: STAGES.index(self.last) + 1]
        file = checkpoint.BEST if self.settings.keep == "best" else checkpoint.LAST
        if not all((self.folder(name) / file).is_file() for name in names):
            return None
        judge = self.task(self.last)
        judge.network.load_state_dict(self._weights(self.last))
        if self.last == "arnet":
            for weight in judge.renderer.iunet.parameters():
                torch.nn.init.zeros_(weight)  # B1 does not use it, and it was not trained
        facts = {
            "data": self._data_card(),
            "device": device_name(self.accelerator.device),
            "processes": self.accelerator.num_processes,
            "command": self._command(),
            "assets": self._assets(),
            "zero_shot": {
                "compared_with": self.compared,
                "how": "sha256 of asset files and names of drawn layers; bokehbench/training/zero_shot.py",
            },
        }
        return export(
            self.request.out,
            self.settings,
            judge.renderer.cpu(),
            judge.cpu(),
            {name: self.folder(name) for name in names},
            facts,
        )

    def _data_card(self) -> dict[str, Any]:
        data, settings = self.source.identity(), self.settings.data
        if self.request.data == STREAM:
            return {**data, "changes": list(settings.changes)}
        from bokehbench.synth.store.reader import read_dataset

        record = read_dataset(Path(self.request.data))
        names = ("config", "content_hash", "layers_by_source", "licences")
        data |= {name: record.get(name) for name in names}
        # Only what has made this set: a user may train on any other.
        made = (record["config_hash"], record["root_seed"], len(record["failed"]) + record["count"])
        planned = (settings.load_recipe().hash, settings.seed, settings.scenes)
        return {**data, "build": settings.build_command() if made == planned else None}

    def _assets(self) -> list[str]:
        """Names of all that was trained on; a stream makes new scenes and has none beforehand."""
        return [] if self.request.data == STREAM else sorted(assets_of_set(Path(self.request.data)))

    def _command(self) -> str:
        """The command line that makes these weights, with names of folders alone."""
        changes = "".join(f" --set '{change}'" for change in self.request.changes)
        config = f"{Path(self.request.config).name}{changes}"
        data = STREAM if self.request.data == STREAM else "SET"
        arnet = " --arnet OTHER_RUN" if self.request.arnet else ""
        return f"bokehbench train bokehme --config {config} --data {data}{arnet} --out RUN"


def _accelerator(device: str) -> Accelerator:
    if device == "cuda" and not torch.cuda.is_available():
        raise Unavailable("--device cuda: no CUDA device here; train with --device cpu")
    return Accelerator(cpu=device == "cpu", mixed_precision="no")


def _number(seed: int, name: str) -> int:
    """A seed for torch's random numbers."""
    return int(stream(seed, 0, name).integers(2**62))


def describe(result: Result) -> list[str]:
    """A line for each stage."""
    return [
        f"{name}: step {done.step}, "
        + (f"best {done.best_score:.2f} dB at step {done.best_step}" if done.curve else "not validated yet")
        for name, done in result.standings.items()
    ]
