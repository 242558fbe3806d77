"""A whole training of BokehMe: stages, one after the other, then the weights and their card."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from bokehbench.baselines.bokehme.neural import VARIANTS, NeuralRenderer, Upsampling
from bokehbench.errors import InputError
from bokehbench.training import checkpoint
from bokehbench.training.arithmetic import bf16_support
from bokehbench.training.bokehme.benchmark import BenchmarkCheck
from bokehbench.training.bokehme.export import export
from bokehbench.training.bokehme.initial import copy_pictures
from bokehbench.training.bokehme.settings import FREE, BokehMeSettings
from bokehbench.training.bokehme.sources import Source, StreamSource, open_source
from bokehbench.training.bokehme.stages import ARNetStage, BokehMeStage, IUNetStage
from bokehbench.training.loop import Stage
from bokehbench.training.photographs import STREAM, asset_names, compare, data_card, zero_shot_card
from bokehbench.training.starting import device_name, seed_number
from bokehbench.training.turns import Result, take_turns
from bokehbench.training.zero_shot import Comparison

STAGES = ("arnet", "iunet")


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


def train(request: Request) -> Result:
    """Train, or go on.

    Raises:
        ConfigError, InputError: settings, data or folders that do not go together.
        Unavailable: no such device.
        JobFailed: the loss is no number any more.
    """
    return take_turns(
        lambda accelerator: _Run(request, accelerator), request.out, request.device, request.hours, FREE
    )


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
        self.compared: dict[str, Comparison] = {}
        self.check = self._benchmark()

    def _benchmark(self) -> BenchmarkCheck | None:
        if self.request.benchmark is None or not self.accelerator.is_main_process:
            return None
        check = BenchmarkCheck(self.request.benchmark, self.settings.validation)
        root = check.opened.benchmark.root
        library = self.source.library if isinstance(self.source, StreamSource) else None
        self.compared[check.name] = compare(self.request.data, library, self.settings.data.seed, root)
        return check

    def remarks(self) -> list[str]:
        """What a user should know at the start, a line each."""
        lines = [f"--validate {name}: {one.unknown}" for name, one in self.compared.items() if one.unknown]
        settings = {"arnet": self.settings.arnet, "iunet": self.settings.iunet}
        slow = [name for name in self.stages if settings[name].precision == "bf16"]
        if slow and not bf16_support(self.accelerator.device):
            changes = " ".join(f"--set {name}.precision=fp32" for name in slow)
            lines.append(
                f"{device_name(self.accelerator.device)}: has no bf16 of its own, so it is computed slowly; "
                f"{changes} is faster here (a run of its own)"
            )
        done, of = self._steps_of_other()
        if done < of:
            lines.append(
                f"--arnet {self.request.arnet}: its training is not finished, step {done} of {of}; it is "
                "taken as it is, and the card says so"
            )
        return lines

    def _steps_of_other(self) -> tuple[int, int]:
        """How far the ARNet of the other run is, and should be; (0, 0) where none is taken."""
        if not self.request.arnet:
            return 0, 0
        state = self._state("arnet")
        return int(state["standing"]["step"]), int(state["settings"]["steps"])

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
            seed=seed_number(self.settings.seed, f"training.{name}"),
            needs=needs,
            also=self.check,
        )

    def task(self, name: str) -> BokehMeStage:
        """The networks before training, ARNet's trained for the second stage, with crops to judge by."""
        arnet, iunet = self.settings.arnet, self.settings.iunet
        torch.manual_seed(seed_number(self.settings.seed, "training.weights"))
        if name == "arnet":
            renderer = self._begun(NeuralRenderer(Upsampling(network=False)))
            held_out = self.source.held_out(arnet.K)
            return ARNetStage(renderer, arnet.losses, held_out, arnet.optimiser == "muon")
        renderer = self._begun(NeuralRenderer(VARIANTS[iunet.variant]))
        renderer.arnet.load_state_dict(self._weights("arnet"))
        held_out = self.source.held_out(iunet.K)
        return IUNetStage(renderer, iunet.losses, held_out, iunet.scale, iunet.optimiser == "muon")

    def _file(self, name: str) -> Path:
        """Of a stage's weights that are used."""
        return self.folder(name) / (checkpoint.BEST if self.settings.keep == "best" else checkpoint.LAST)

    def _begun(self, renderer: NeuralRenderer) -> NeuralRenderer:
        if self.settings.initial == "copy":
            copy_pictures(renderer)
        return renderer

    def _weights(self, name: str) -> dict[str, torch.Tensor]:
        return checkpoint.load_weights(self._file(name))

    def _state(self, name: str) -> dict[str, Any]:
        path = self.folder(name) / checkpoint.STATE
        if not path.is_file():
            raise InputError(f"{path.parent}: no ARNet here; train it first (--stage arnet, or all)")
        return checkpoint.load_state(path)

    def _require_finished(self, name: str) -> None:
        state = self._state(name)
        if self.request.arnet:
            return
        done, steps = state["standing"]["step"], self.settings.arnet.steps
        if done < steps:
            raise InputError(
                f"{self.folder(name)}: ARNet is at step {done} of {steps}; go on with it first (--stage "
                f"arnet), or take it as it is with --set arnet.steps={done} where its learning rates allow"
            )

    def export(self) -> dict[str, Any] | None:
        """Weights and card of what is there, finished or not; None where a stage has none yet."""
        names = STAGES[: STAGES.index(self.last) + 1]
        if not all(self._file(name).is_file() for name in names):
            return None
        judge = self.task(self.last)
        judge.network.load_state_dict(self._weights(self.last))
        if self.last == "arnet":
            for weight in judge.renderer.iunet.parameters():
                torch.nn.init.zeros_(weight)  # B1 does not use it, and it was not trained
        request = self.request
        facts = {
            "data": data_card(request.data, self.source.identity(), self.settings.data),
            "device": device_name(self.accelerator.device),
            "processes": self.accelerator.num_processes,
            "command": self._command(),
            "assets": asset_names(request.data),
            "zero_shot": zero_shot_card(self.compared),
            "bf16": bf16_support(self.accelerator.device) or "emulated",
            "arnet_of_another_run": self._other_arnet(),
        }
        return export(
            self.request.out,
            self.settings,
            judge.renderer.cpu(),
            judge.cpu(),
            {name: self._file(name) for name in names},
            facts,
        )

    def _other_arnet(self) -> dict[str, Any] | None:
        if not self.request.arnet:
            return None
        done, of = self._steps_of_other()
        return {"steps": done, "of": of, "finished": done >= of}

    def _command(self) -> str:
        """The command line that makes these weights, with names of folders alone."""
        changes = "".join(f" --set '{change}'" for change in self.request.changes)
        config = f"{Path(self.request.config).name}{changes}"
        data = STREAM if self.request.data == STREAM else "SET"
        arnet = " --arnet OTHER_RUN" if self.request.arnet else ""
        return f"bokehbench train bokehme --config {config} --data {data}{arnet} --out RUN"
