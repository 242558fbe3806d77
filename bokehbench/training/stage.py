"""What a stage of a training is made of: a task, batches, settings; and how far it is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bokehbench.training.settings import StageSettings

Batch = dict[str, Any]


class Task(nn.Module, ABC):
    """What is trained, and how it is judged; parameters that ask for no gradient stay as they are.

    Attributes:
        step: steps finished, told by the loop before each.
    """

    step: int = 0

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """The part that is trained and stored."""

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of a batch: `loss`, which is made smaller, and its parts."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Figures on data that is held out: `score`, of which more is better, and others."""

    def optimiser(self, lr: float) -> torch.optim.Optimizer:
        """Of all that asks for gradients.

        Each of its groups is clipped alone, and may have a `share`: its rate over that of the schedule.
        """
        return torch.optim.Adam([weight for weight in self.parameters() if weight.requires_grad], lr=lr)

    def stored(self) -> dict[str, Tensor]:
        """What is stored: all of the network, unless a task trains a part of it."""
        return dict(self.network.state_dict())

    def load_stored(self, weights: Mapping[str, Tensor]) -> None:
        """Inverse of `stored`."""
        self.network.load_state_dict(dict(weights))

    def aside(self) -> dict[str, Any]:
        """What a resumed run needs beside these weights; tensors and plain values."""
        return {}

    def load_aside(self, state: Mapping[str, Any]) -> None:
        """Inverse of `aside`; the state is empty in checkpoints of tasks that had none."""

    def pictures(self) -> dict[str, Tensor]:
        """What to look at after a validation, by name: each [3, H, W] in [0, 1]."""
        return {}


class Loader(Protocol):
    """Endless batches that go on where their state says: `synth.training.StreamLoader`."""

    def __iter__(self) -> Iterator[Batch]: ...

    def state_dict(self) -> dict[str, Any]:
        """Where it stands; plain values."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there."""
        ...


@dataclass(frozen=True)
class Stage:
    """One stage of a training.

    Attributes:
        name: of its folder and curves.
        task: what is trained.
        loader: of batches; state and task decide the result.
        settings: of the loop.
        seed: of torch's random numbers.
        needs: what else decides the result, by name (weights of an earlier stage): checkpoints of a stage
            with others are refused.
        also: figures that are too dear for every validation; called after each with (task, its number).
    """

    name: str
    task: Task
    loader: Loader
    settings: StageSettings
    seed: int
    needs: Mapping[str, str] = field(default_factory=dict)
    also: Callable[[Task, int], dict[str, float]] | None = None


@dataclass
class Standing:
    """How far a stage is.

    Attributes:
        step: steps finished.
        seconds: of work, over all runs.
        best_step, best_score: of the best validation.
        curve: (step, score) of every validation.
        figures: of the newest validation.
        peak_bytes: most memory in use: of a GPU, or of the process.
    """

    step: int = 0
    seconds: float = 0.0
    best_step: int = 0
    best_score: float = -math.inf
    curve: list[tuple[int, float]] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
