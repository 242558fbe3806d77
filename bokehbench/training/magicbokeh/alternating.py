"""Batches of two loaders in turns, as one loader that goes on where it was left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bokehbench.training.stage import Batch, Loader


class AlternatingLoader:
    """`every` batches of the first loader, as many of the second, and again.

    Args:
        first, second: endless.
        every: batches of one before the other's turn.
    """

    def __init__(self, first: Loader, second: Loader, every: int) -> None:
        self.loaders, self.every, self.step = (first, second), every, 0

    def __iter__(self) -> Iterator[Batch]:
        sources = [iter(loader) for loader in self.loaders]
        try:
            # Both at once: starting a loader takes from torch's random numbers, and only before the first
            # batch does the training loop put them where they belong.
            ready = [next(source) for source in sources]
            while True:
                turn = self.turn(self.step)
                self.step += 1
                yield ready[turn]
                ready[turn] = next(sources[turn])
        finally:
            for source in sources:
                getattr(source, "close", lambda: None)()

    def turn(self, step: int) -> int:
        """Whose batch a step has: 0 the first's, 1 the second's."""
        return step // self.every % 2

    def taken(self, step: int) -> tuple[int, int]:
        """Batches that each has given in so many steps."""
        rounds, rest = divmod(step, 2 * self.every)
        first = rounds * self.every + min(rest, self.every)
        return first, step - first

    def state_dict(self) -> dict[str, Any]:
        """Where it stands; plain values. What was made ready and not given counts for nothing."""
        parts = [
            {**loader.state_dict(), "step": taken}
            for loader, taken in zip(self.loaders, self.taken(self.step), strict=True)
        ]
        return {"step": self.step, "loaders": parts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there."""
        self.step = int(state["step"])
        for loader, part in zip(self.loaders, state["loaders"], strict=True):
            loader.load_state_dict(part)
