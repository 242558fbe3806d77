"""The learning rate as a function of the step alone, so that a checkpoint need not hold it."""

from __future__ import annotations

import math

from bokehbench.training.settings import StageSettings


def learning_rate(step: int, settings: StageSettings) -> float:
    """Of the step that follows `step` finished ones."""
    schedule, steps = settings.schedule, settings.steps
    share = min(1.0, (step + 1) / schedule.warm_up) if schedule.warm_up else 1.0
    if schedule.shape == "cosine":
        share *= 0.5 + 0.5 * math.cos(math.pi * step / steps)
    elif schedule.shape == "trapezoid" and schedule.decay > 0.0:
        share *= min(1.0, (steps - step) / (schedule.decay * steps))
    return settings.lr * share


def same_until(step: int, one: StageSettings, other: StageSettings) -> bool:
    """Whether two settings have had the same learning rates when `step` steps are finished.

    A run may be made longer, or stopped earlier, as long as this holds: it then is the run that would have
    been started with the new number of steps.
    """
    return all(learning_rate(done, one) == learning_rate(done, other) for done in range(step))
