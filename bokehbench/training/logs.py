"""What a stage writes while it trains: a line of JSON per entry, and TensorBoard curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from bokehbench.records import write_text

FILE = "log.jsonl"


class Log:
    """Entries of one stage by step; those after the checkpoint that a run goes on from are dropped.

    Args:
        folder: of the stage.
        curves: folder for TensorBoard.
        step: of the checkpoint.
        silent: write nothing (all processes of a run but the first).
    """

    def __init__(self, folder: Path, curves: Path, step: int, silent: bool = False) -> None:
        self.path, self.writer = folder / FILE, None
        if silent:
            return
        from torch.utils.tensorboard import SummaryWriter

        kept = [entry for entry in read(folder) if entry["step"] <= step]
        write_text(self.path, "".join(json.dumps(entry) + "\n" for entry in kept))
        self.writer = SummaryWriter(str(curves), purge_step=step + 1)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        if self.writer is not None:
            self.writer.close()

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """One entry; names with a slash form groups of curves."""
        if self.writer is None:
            return
        with self.path.open("a") as handle:
            handle.write(json.dumps({"step": step, **values}) + "\n")
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def show(self, step: int, pictures: Mapping[str, Tensor]) -> None:
        """Pictures [3, H, W] in [0, 1] by name, for TensorBoard alone."""
        if self.writer is not None:
            for name, picture in pictures.items():
                self.writer.add_image(name, picture, step)


def read(folder: Path) -> list[dict[str, Any]]:
    """Entries of a stage, oldest first; a line that a killed process left half is not one."""
    path, entries = folder / FILE, []
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(entry, dict) and isinstance(entry.get("step"), int):
            entries.append(entry)
    return entries
