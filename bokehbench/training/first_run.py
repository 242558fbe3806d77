"""A run that begins with the weights of another one: where they are from, for its identity and its card."""

from __future__ import annotations

import math
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
        method: of both.
        stages: that the method has.
        data: identity of the photographs of this run.
        held_out: scenes of them that are judged by.

    Attributes:
        weights: by stage; those stages that the other run has begun.
        assets: names of what the other run has seen (`zero_shot`), where its photographs were others.

    Raises:
        InputError: no run there, no weights in it; or it was trained on other photographs and has no card
            that says on which, or on scenes by which this one is judged.
    """

    def __init__(
        self, root: Path, method: str, stages: Sequence[str], data: Mapping[str, Any], held_out: int
    ) -> None:
        self.root = root
        record, card = root / runs.FILE, root / f"{method}.json"
        if not record.is_file():
            raise InputError(f"--start {root}: no training run there; name the folder of one (its --out)")
        self.identity = read_json(record)["identity"]
        found = {name: root / name / checkpoint.LAST for name in stages}
        self.weights: dict[str, dict[str, Tensor]] = {
            name: checkpoint.load_weights(path) for name, path in found.items() if path.is_file()
        }
        if not self.weights:
            raise InputError(f"--start {root}: that run has no weights yet; train it first")
        self.before: dict[str, Any] = read_json(card) if card.is_file() else {}
        self.assets: frozenset[str] = frozenset()
        if self.identity["data"] != data:
            self.assets = self._seen(data, held_out)

    def _seen(self, data: Mapping[str, Any], held_out: int) -> frozenset[str]:
        """What the other run has seen, of other photographs than this one."""
        theirs = self.identity["data"]
        assets = self.before.get("assets")
        if not assets:
            raise InputError(
                f"--start {self.root}: that run was trained on other photographs and has no card that lists "
                "them (one on a stream never does, one on a set when its command ends, or with --hours 0); "
                "give the same --data, or write its card first"
            )
        trained = theirs["scenes"] - self.identity["config"]["data"]["held_out"]
        # Scenes of one seed have the same layers, whatever lens they are seen through.
        if theirs["root_seed"] == data.get("root_seed") and trained > data.get("scenes", math.inf) - held_out:
            raise InputError(
                f"--start {self.root}: that run has seen scenes of seed {data['root_seed']} that this one is "
                f"judged by (the last {held_out} of its set); build as many scenes, or those of another seed"
            )
        return frozenset(assets)

    def hashes(self) -> dict[str, str]:
        """Digest of the weights of each stage."""
        return {name: checkpoint.weights_hash(weights) for name, weights in self.weights.items()}

    def card(self) -> dict[str, Any]:
        """What the card says: settings and photographs of the other run, how far it was, its own start."""
        steps = {}
        for name in self.weights:
            state = checkpoint.load_state(self.root / name / checkpoint.STATE)
            steps[name] = {"steps": state["standing"]["step"], "of": state["settings"]["steps"]}
        return {
            "config": self.identity["config"],
            "data": self.identity["data"],
            "stages": steps,
            "weights": self.hashes(),
            "start": self.before.get("start"),
        }
