"""A whole training of a comparator: its stages, one after the other, then the weights and their card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator

from bokehbench.baselines.comparators import weights
from bokehbench.cases import Inputs
from bokehbench.images import quantise
from bokehbench.records import sha256_json, write_json
from bokehbench.training import checkpoint, method_run
from bokehbench.training.benchmark import Check, ValidationSettings
from bokehbench.training.bokehme.sources import CropSource, open_source
from bokehbench.training.cards import method_card, rounding
from bokehbench.training.comparators.methods import Comparator
from bokehbench.training.comparators.settings import ComparatorSettings, PictureStage
from bokehbench.training.loop import Stage
from bokehbench.training.stage import Task
from bokehbench.training.starting import seed_number
from bokehbench.training.turns import Paths, Result, take_turns


@dataclass(frozen=True, kw_only=True)
class Request(method_run.Request):
    """What the command line asks for.

    Attributes:
        comparator: the method.
        others: see `method_run.Request`.
    """

    comparator: Comparator


def train(request: Request) -> Result:
    """Train, or go on.

    Raises:
        ConfigError, InputError: settings, data or folders that do not go together.
        Unavailable: no such device.
        JobFailed: the loss is no number any more.
    """
    return take_turns(
        lambda accelerator: _Run(request, accelerator),
        request.out,
        request.device,
        request.hours,
        _free(request.comparator.stages),
    )


def _free(stages: tuple[str, ...]) -> Paths:
    """Fields that a run may change on its way."""
    names = ("steps", "log_every", "checkpoint_every")
    return (*(("config", stage, name) for stage in stages for name in names), ("config", "validation"))


class _BenchmarkCheck(Check):
    """The renderings of all methods of the network that is trained."""

    comparator: Comparator

    def pictures(self, task: Task, inputs: Inputs) -> dict[str, npt.NDArray[np.uint8]]:
        """See `Check`."""
        with torch.inference_mode():
            shown = self.comparator.shown(self.comparator.whole(task), inputs)
        return {name: quantise(picture) for name, picture in shown.items()}


class _Run(method_run.MethodRun):
    """The parts of a run, made when they are needed."""

    def __init__(self, request: Request, accelerator: Accelerator) -> None:
        super().__init__(request, accelerator)
        self.request, self.comparator = request, request.comparator
        self.settings: ComparatorSettings = request.settings
        self.method = self.comparator.method
        self.stages = [name for name in self.comparator.stages if name in request.stages]
        self.source: CropSource = open_source(
            request.data, self.settings.data, self.settings.seed, **self.sharing()
        )
        self.start = self.first_weights(self.comparator.stages)
        if self.start:
            self.start.require(self.comparator.config(self.settings))
        self.check = self.compared_check(self._check)

    def _check(self, reference: str, settings: ValidationSettings) -> Check:
        check = _BenchmarkCheck(reference, settings)
        check.comparator = self.comparator
        return check

    def settings_of(self, name: str) -> PictureStage:
        """Of a stage."""
        settings: PictureStage = getattr(self.settings, name)
        return settings

    def stage(self, name: str) -> Stage:
        """A stage, ready for the loop; later ones need the weights of those before."""
        settings, needs = self.settings_of(name), dict[str, str]()
        for earlier in self.comparator.stages[: self.comparator.stages.index(name)]:
            self.require_finished(earlier, f"stage {earlier}")
            needs[earlier] = checkpoint.weights_hash(self.weights(earlier))
        return Stage(
            name=name,
            task=self.task(name),
            loader=self.source.loader(settings.wanted(self.comparator.encoded), settings.batch),
            settings=settings,
            seed=seed_number(self.settings.seed, f"training.{name}"),
            needs=needs,
            # Before the last stage there is no whole method to show.
            also=self.check if name == self.comparator.stages[-1] else None,
        )

    def task(self, name: str) -> Task:
        """The network before this stage, with crops to judge by."""
        torch.manual_seed(seed_number(self.settings.seed, "training.weights"))
        network = self.comparator.build(self.comparator.config(self.settings))
        if self.settings.initial == "copy":
            self.comparator.begin(network)
        held_out = self.source.held_out(self.settings_of(name).wanted(self.comparator.encoded))
        earlier = self.comparator.stages[: self.comparator.stages.index(name)]
        weights = {one: self.weights(one) for one in earlier}
        task = self.comparator.task(name, network, weights, self.settings_of(name), held_out)
        return self.begun(task, name)

    def export(self) -> dict[str, Any] | None:
        """Weights and card of what is there, finished or not; None where a stage has none yet."""
        names = self.comparator.stages
        if not all(self.file(name).is_file() for name in names):
            return None
        judge = self.task(names[-1])
        judge.load_stored(self.weights(names[-1]))
        network, config, scores = self.comparator.whole(judge), self.settings.to_json(), judge.validate()
        path = self.request.out / f"{self.method}.safetensors"
        more = {"method": self.method, "config_hash": sha256_json(config)}
        weights.save(network, path, self.method, self.comparator.config(self.settings), more)
        card = method_card(
            self.method,
            path,
            parameters=sum(weight.numel() for weight in network.parameters()),
            config=config,
            files={name: self.file(name) for name in names},
            libraries=("torch", "accelerate", "numpy"),
            facts={
                "fp16": rounding(judge, scores["score"], network),
                "held_out": scores,
                "better_than_input_db": round(scores["score"] - scores["input"], 4),
                **self.facts(judge),
            },
        )
        write_json(self.request.out / f"{self.method}.json", card)
        return card
