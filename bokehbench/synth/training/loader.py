"""From a stream to the training step: workers make scenes, this process renders, the state is one number."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch.utils.data import DataLoader

from bokehbench.errors import ConfigError
from bokehbench.synth.training.items import Batch
from bokehbench.synth.training.render import PrefetchRender
from bokehbench.synth.training.stream import Batches


class StreamLoader:
    """Endless rendered batches.

    Args:
        batches: a `SynthStream`, or `Batches` over any source.
        collate: makes a batch of a list of items: `RenderCollate`, or `stack` for stored sets.
        workers: processes that make scenes; 0 makes them here. They never touch a device.
        ahead: batches rendered before they are asked for, 0 for none.

    The batches, and their order, depend neither on `workers` nor on `ahead`. `state_dict` counts what the
    training loop has been given, not what lies ready, so a run that is resumed from it sees exactly what
    the uninterrupted run would have seen.

    Workers are new processes (a fork of a process that renders can hang): a script has to start its work
    below ``if __name__ == "__main__":``.
    """

    def __init__(
        self,
        batches: Batches,
        collate: Callable[[list[Any]], Batch],
        *,
        workers: int = 0,
        ahead: int = 0,
    ) -> None:
        if workers < 0 or ahead < 0:
            raise ConfigError(f"workers and ahead must be at least 0, not {workers} and {ahead}")
        self.batches, self.collate, self.workers, self.ahead = batches, collate, workers, ahead
        self.step = 0

    def __iter__(self) -> Iterator[Batch]:
        self.batches.load_state_dict({"step": self.step, "identity": self.batches.fingerprint()})
        items = DataLoader(
            self.batches,
            batch_size=None,
            num_workers=self.workers,
            multiprocessing_context="spawn" if self.workers else None,
            worker_init_fn=_prepare_worker if self.workers else None,
        )
        if self.ahead:
            with PrefetchRender(items, self.collate, self.ahead) as rendered:
                yield from self._counted(rendered)
        else:
            yield from self._counted(map(self.collate, items))

    def _counted(self, rendered: Iterable[Batch]) -> Iterator[Batch]:
        for batch in rendered:
            self.step += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """Where training stands; plain values, for a checkpoint."""
        return {"step": self.step, "identity": self.batches.fingerprint()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there; ConfigError for the state of another stream."""
        self.batches.load_state_dict(state)
        self.step = int(state["step"])


def _prepare_worker(worker: int) -> None:
    """Workers share the cores: OpenCV, numba and torch would each start a thread per core."""
    import cv2
    import numba
    import torch

    cv2.setNumThreads(1)
    numba.set_num_threads(1)
    torch.set_num_threads(1)
    # A new process unloads its libraries when it ends, and threads of theirs that still run abort it.
    atexit.register(os._exit, 0)
