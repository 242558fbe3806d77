"""A run that begins with the weights of another one: where they are from, for its identity and its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from bokehbench.errors import InputError
from bokehbench.records import read_json
from bokehbench.training import checkpoint, runs


class Start:
    """The newest weights of another run's stages.

    Args:
        root: folder of the other run.
        stages: that the method has.
        data: identity of the photographs of this run.

    Attributes:
        weights: by stage; those stages that the other run has begun.

    Raises:
        InputError: no run there, no weights in it, or one on other photographs: the card of this run could
            not say what its weights have seen.
    """

    def __init__(self, root: Path, stages: Sequence[str], data: Mapping[str, Any]) -> None:
        self.root = root
        record = root / runs.FILE
        if not record.is_file():
            raise InputError(f"--start {root}: no training run there; name the folder of one (its --out)")
        self.identity = read_json(record)["identity"]
        if self.identity["data"] != data:
            raise InputError(
                f"--start {root}: that run was trained on other photographs, which the card of this one "
                "would not name; give the same --data"
            )
        found = {name: root / name / checkpoint.LAST for name in stages}
        self.weights: dict[str, dict[str, Tensor]] = {
            name: checkpoint.load_weights(path) for name, path in found.items() if path.is_file()
        }
        if not self.weights:
            raise InputError(f"--start {root}: that run has no weights yet; train it first")

    def hashes(self) -> dict[str, str]:
        """Digest of the weights of each stage."""
        return {name: checkpoint.weights_hash(weights) for name, weights in self.weights.items()}

    def card(self) -> dict[str, Any]:
        """What the card says: settings of the other run, and how far its stages were."""
        steps = {}
        for name in self.weights:
            state = checkpoint.load_state(self.root / name / checkpoint.STATE)
            steps[name] = {"steps": state["standing"]["step"], "of": state["settings"]["steps"]}
        return {"config": self.identity["config"], "stages": steps, "weights": self.hashes()}
