"""A whole training of BokehMe: stages, one after the other, then the weights and their card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from bokehbench.baselines.bokehme.neural import VARIANTS, NeuralRenderer, Upsampling
from bokehbench.errors import InputError
from bokehbench.training import checkpoint, method_run
from bokehbench.training.bokehme.benchmark import BenchmarkCheck
from bokehbench.training.bokehme.export import export
from bokehbench.training.bokehme.initial import copy_pictures
from bokehbench.training.bokehme.settings import FREE, ARNetSettings, BokehMeSettings, IUNetSettings
from bokehbench.training.bokehme.sources import CropSource, Scattered, open_source
from bokehbench.training.bokehme.stages import ARNetStage, BokehMeStage, IUNetStage
from bokehbench.training.loop import Stage
from bokehbench.training.starting import seed_number
from bokehbench.training.turns import Result, take_turns

STAGES = ("arnet", "iunet")


@dataclass(frozen=True)
class Request(method_run.Request):
    """What the command line asks for.

    Attributes:
        arnet: folder of another run whose ARNet is taken; None trains one here.
        others: see `method_run.Request`.
    """

    settings: BokehMeSettings
    stages: tuple[str, ...] = STAGES
    arnet: Path | None = None


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


class _Run(method_run.MethodRun):
    """The parts of a run, made when they are needed."""

    method = "bokehme"

    def __init__(self, request: Request, accelerator: Accelerator) -> None:
        super().__init__(request, accelerator)
        self.request, self.settings = request, request.settings
        wanted = [name for name in STAGES if name in request.stages]
        # B1 has no IUNet; the ARNet of another run is not trained here.
        left_out = {"iunet"} if self.settings.iunet.variant == "B1" else set()
        self.last = "arnet" if left_out else "iunet"
        left_out |= {"arnet"} if request.arnet else set()
        self.stages = [name for name in wanted if name not in left_out]
        if not self.stages and not request.arnet:
            raise InputError("--stage iunet: variant B1 has no IUNet; train --stage arnet")
        self.source: CropSource = open_source(
            request.data, self.settings.data, self.settings.seed, **self.sharing()
        )
        self.start = self.first_weights(STAGES)
        # ARNet is the same in all variants.
        if self.start and "iunet" in self.start.weights and self.last == "iunet":
            self.start.require({"iunet.variant": self.settings.iunet.variant})
        self.check = self.compared_check(BenchmarkCheck)

    def settings_of(self, name: str) -> ARNetSettings | IUNetSettings:
        """Of a stage."""
        return self.settings.arnet if name == "arnet" else self.settings.iunet

    def others(self) -> dict[str, Path]:
        """The run whose ARNet is taken."""
        return {"arnet": self.request.arnet} if self.request.arnet else {}

    def remarks(self) -> list[str]:
        """What a user should know at the start, a line each."""
        lines = list(super().remarks())
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
        state = self.state("arnet", "ARNet")
        return int(state["standing"]["step"]), int(state["settings"]["steps"])

    def stage(self, name: str) -> Stage:
        """A stage, ready for the loop; the second needs the weights of the first."""
        settings = self.settings_of(name)
        needs: dict[str, str] = {}
        if name == "iunet":
            self.require_finished("arnet", "ARNet")
            needs["ARNet"] = checkpoint.weights_hash(self.weights("arnet"))
        return Stage(
            name=name,
            task=self.task(name),
            loader=self.source.loader(Scattered(settings.K), settings.batch),
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
            renderer = self._initial(Upsampling(network=False))
            held_out = self.source.held_out(Scattered(arnet.K))
            first = ARNetStage(renderer, arnet.losses, held_out, arnet.optimiser == "muon")
            return self.begun(first, name)
        renderer = self._initial(VARIANTS[iunet.variant])
        renderer.arnet.load_state_dict(self.weights("arnet"))
        held_out = self.source.held_out(Scattered(iunet.K))
        second = IUNetStage(renderer, iunet.losses, held_out, iunet.scale, iunet.optimiser == "muon")
        return self.begun(second, name)

    def _initial(self, upsampling: Upsampling) -> NeuralRenderer:
        renderer = NeuralRenderer(upsampling)
        if self.settings.initial == "copy":
            copy_pictures(renderer)
        return renderer

    def export(self) -> dict[str, Any] | None:
        """Weights and card of what is there, finished or not; None where a stage has none yet."""
        names = STAGES[: STAGES.index(self.last) + 1]
        if not all(self.file(name).is_file() for name in names):
            return None
        judge = self.task(self.last)
        judge.network.load_state_dict(self.weights(self.last))
        if self.last == "arnet":
            for weight in judge.renderer.iunet.parameters():
                torch.nn.init.zeros_(weight)  # B1 does not use it, and it was not trained
        facts = self.facts(judge) | {"arnet_of_another_run": self._other_arnet()}
        return export(
            self.request.out,
            self.settings,
            judge.renderer.cpu(),
            judge.cpu(),
            {name: self.file(name) for name in names},
            facts,
        )

    def _other_arnet(self) -> dict[str, Any] | None:
        if not self.request.arnet:
            return None
        done, of = self._steps_of_other()
        return {"steps": done, "of": of, "finished": done >= of}

    def options(self) -> str:
        """Of the command line."""
        return f"{' --arnet OTHER_RUN' if self.request.arnet else ''}{super().options()}"
