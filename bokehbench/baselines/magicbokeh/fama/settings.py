"""Which form of focus-aware mask attention, and how it is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from bokehbench.errors import ConfigError

Form = Literal["released", "paper"]
Compute = Literal["auto", "reference", "fast"]


@dataclass(frozen=True)
class FamaSettings:
    """Form, rank and computation of FAMA (methods spec A3.3).

    Attributes:
        form: "released", the authors' code: a masked branch with a LoRA of its own is added to the ordinary
            attention, logits across regions are lowered by 100. "paper": the attention itself is masked, with
            minus infinity, and has the LoRA in its projections.
        rank: of the bokeh LoRA, whose scale is 1 / rank.
        compute: "reference" builds the whole matrix of attention; "fast" attends inside each region
            separately; "auto" is fast.
        masked: False for attention over the whole picture whatever is in focus, the ablation "w/o FAMA".
    """

    form: Form = "released"
    rank: int = 64
    compute: Compute = "auto"
    masked: bool = True

    def __post_init__(self) -> None:
        for name, kind in (("form", Form), ("compute", Compute)):
            if getattr(self, name) not in get_args(kind):
                raise ConfigError(f"FAMA: {name} {getattr(self, name)!r}; take {' or '.join(get_args(kind))}")
        if self.rank < 1:
            raise ConfigError(f"FAMA: rank is {self.rank}; it must be at least 1")

    @property
    def across(self) -> float:
        """What is added to a logit between two regions."""
        return -100.0 if self.form == "released" else -math.inf

    def to_json(self) -> dict[str, Any]:
        """What makes the numbers, plain values; `compute` is not of it."""
        return {"form": self.form, "rank": self.rank, "masked": self.masked}
