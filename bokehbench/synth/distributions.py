"""Random numbers as configuration: a distribution is a value in YAML, and refuses what makes no sense."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bokehbench.synth.assets.library import weighted


class Strict(BaseModel):
    """Typed configuration: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Distribution(Strict):
    """A random number; in YAML a plain number, or a mapping with one of the first four fields below.

    Attributes:
        constant: always this.
        uniform: [low, high].
        loguniform: [low, high], both > 0.
        lognormal: [median, sigma of the logarithm].
        clip: [low, high] that a drawn number is clipped to, optional.
    """

    constant: float | None = None
    uniform: tuple[float, float] | None = None
    loguniform: tuple[float, float] | None = None
    lognormal: tuple[float, float] | None = None
    clip: tuple[float, float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"constant": value} if isinstance(value, (int, float)) else value

    @model_validator(mode="after")
    def _one(self) -> Distribution:
        kinds = ("constant", "uniform", "loguniform", "lognormal")
        given = [name for name in kinds if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of constant, uniform, loguniform, lognormal")
        for name in ("uniform", "loguniform", "clip"):
            bounds = getattr(self, name)
            if bounds and bounds[0] > bounds[1]:
                raise ValueError(f"{name} [low, high] needs low <= high, not {list(bounds)}")
        numbers = [x for name in (*given, "clip") for x in np.atleast_1d(getattr(self, name) or ())]
        if not np.isfinite(numbers).all():
            raise ValueError(f"{given[0]} needs finite numbers")
        if (self.loguniform and self.loguniform[0] <= 0) or (self.lognormal and self.lognormal[0] <= 0):
            raise ValueError(f"{given[0]} needs positive numbers")
        return self

    def draw(self, rng: np.random.Generator) -> float:
        """One number; always one draw from `rng`."""
        value = self._draw(rng)
        return value if self.clip is None else float(np.clip(value, *self.clip))

    def _draw(self, rng: np.random.Generator) -> float:
        if self.lognormal:
            return float(self.lognormal[0] * np.exp(self.lognormal[1] * rng.standard_normal()))
        u = rng.random()
        if self.uniform:
            return float(self.uniform[0] + u * (self.uniform[1] - self.uniform[0]))
        if self.loguniform:
            low, high = np.log(self.loguniform)
            return float(np.exp(low + u * (high - low)))
        return float(self.constant or 0.0)

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest value (infinite for a lognormal)."""
        low, high = 0.0, float("inf")
        if self.constant is not None:
            low = high = self.constant
        elif self.uniform or self.loguniform:
            low, high = self.uniform or self.loguniform or (low, high)
        if self.clip is None:
            return low, high
        return float(np.clip(low, *self.clip)), float(np.clip(high, *self.clip))


INFINITE = float("inf")
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Weights = Annotated[dict[str, Weight], Field(min_length=1)]
Counts = Annotated[dict[Annotated[int, Field(ge=0, le=12)], Weight], Field(min_length=1)]


def within(distribution: Distribution, low: float, high: float, what: str) -> None:
    """ValueError where a distribution can leave [low, high]."""
    least, largest = distribution.bounds
    if least < low or largest > high:
        limits = f">= {low:g}" if high == float("inf") else f"in [{low:g}, {high:g}]"
        given = f"{least:g}" if least == largest else f"{least:g} to {largest:g}"
        raise ValueError(f"{what} must be {limits}, not {given}")


def weigh(weights: Mapping[Any, float], what: str, names: Iterable[str] | None = None) -> None:
    """ValueError for names that there are not, or weights that choose nothing."""
    unknown = sorted(set(weights) - set(names)) if names is not None else []
    if unknown:
        raise ValueError(f"unknown {what} {', '.join(unknown)}; one of {', '.join(sorted(names or ()))}")
    if sum(weights.values()) <= 0.0:
        raise ValueError(f"the weights of {what} add up to 0")


def draw_key(rng: np.random.Generator, weights: Mapping[Any, float]) -> Any:
    """One key of a mapping of weights; always one draw."""
    return weighted(rng.random(), weights)
