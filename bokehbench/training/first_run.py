"""What a run begins with: the weights of another run, or of a file, and what is known of their training.

Where they are from is part of the run's identity and of its card.
"""

from __future__ import annotations

import functools
import json
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from bokehbench import weights as weight_files
from bokehbench.errors import InputError
from bokehbench.progress_made import SCHEMA
from bokehbench.records import read_json
from bokehbench.registry import MethodSpec, get
from bokehbench.training import checkpoint, runs
from bokehbench.training.photographs import data_of_card

SHIPPED = "shipped"
"""What `--start` says for the method's weights that come with the package."""
Weights = dict[str, dict[str, Tensor]]
"""By stage."""
CARD: Mapping[str, type] = {"method": str, "config": dict, "data": dict, "stages": dict, "assets": list}
"""What the card of a file says of its training."""


@dataclass(frozen=True)
class _First:
    """Weights, and what is known of them.

    Attributes:
        weights: fp32.
        record: what cards say of them: see `Start`.
        assets: names of all that they have seen; empty where no card lists it.
    """

    weights: Weights
    record: dict[str, Any]
    assets: frozenset[str]


class Start:
    """Weights that a run begins with.

    Args:
        first: folder of another run, whose newest weights are taken; a file of weights with its card; or
            `SHIPPED`.
        method: of both.
        stages: that the method has.
        data: identity of the photographs of this run.
        held_out: scenes of them that are judged by.

    Attributes:
        weights: by stage, fp32; those stages that were begun.
        record: for the card: settings and photographs of their training, how far it was, digests, the file
            where it is one, and what they began with themselves.
        assets: names of what they have seen (`zero_shot`); empty where no card lists it.
        option: what a card's command line says after `--start`.

    Raises:
        InputError: no weights there, those of another method, or a file that no card describes; or they were
            trained on other photographs that no card lists, or on scenes by which this run is judged.
    """

    def __init__(
        self, first: str | Path, method: str, stages: Sequence[str], data: Mapping[str, Any], held_out: int
    ) -> None:
        self.name = f"--start {first}"
        if first == SHIPPED:
            found, self.option = _of_file(_shipped(method), method, stages), SHIPPED
        elif Path(first).is_file():
            found, self.option = _of_file(Path(first), method, stages), Path(first).name
        else:
            found, self.option = _of_run(Path(first), method, stages), "FIRST_RUN"
        self.weights, self.record, self.assets = found.weights, found.record, found.assets
        self._refuse_unlisted(data)
        self._refuse_judged_by(data, held_out)

    def require(self, networks: Mapping[str, Any]) -> None:
        """InputError for weights of other networks than those of a run.

        Args:
            networks: fields of its settings (`iunet.variant`) that say what they are made of.
        """
        for field, here in networks.items():
            there = functools.reduce(operator.getitem, field.split("."), self.record["config"])
            if there != here:
                raise InputError(
                    f"{self.name}: has {field} {json.dumps(there)}, this run has {json.dumps(here)}; give "
                    f"--set '{field}={json.dumps(there)}', or begin without --start"
                )

    def hashes(self) -> dict[str, str]:
        """Digest of the weights of each stage."""
        return dict(self.record["weights"])

    def _past(self) -> Iterator[tuple[Mapping[str, Any], int] | None]:
        """Photographs, and how many scenes were held out, of each training behind the weights.

        The last comes first; None for one of which nothing is known.
        """
        link: dict[str, Any] | None = self.record
        data = self.record["data"]
        while link:
            # Cards of old left it out where it was the same as that of the run that began with it.
            data = link.get("data", data)
            yield (data, link["config"]["data"]["held_out"]) if "config" in link else None
            link = link.get("start")

    def _refuse_unlisted(self, data: Mapping[str, Any]) -> None:
        """InputError where other photographs were seen, and nothing says what was on them."""
        if not self.assets and any(past is None or past[0] != data for past in self._past()):
            raise InputError(
                f"{self.name}: was trained on other photographs and has no card that lists them (one on a "
                "stream never does, one on a set when its command ends, or with --hours 0); give the same "
                "--data, or write its card first"
            )

    def _refuse_judged_by(self, data: Mapping[str, Any], held_out: int) -> None:
        """InputError where scenes were trained on that this run holds out."""
        for seen, kept in filter(None, self._past()):
            trained = seen.get("scenes", math.inf) - kept
            # Scenes of one seed have the same layers, whatever lens they are seen through.
            if (
                seen["root_seed"] == data.get("root_seed")
                and trained > data.get("scenes", math.inf) - held_out
            ):
                raise InputError(
                    f"{self.name}: has seen scenes of seed {data['root_seed']} that this run is judged by "
                    f"(the last {held_out} of its set); build as many scenes and hold no more of them out, "
                    "or take those of another seed"
                )


def _shipped(method: str) -> Path:
    wanted = get(MethodSpec, method).weights_wanted()[0]
    path = wanted.beside / wanted.file
    if not path.is_file():
        raise InputError(
            f"--start {SHIPPED}: no weights of {method} come with the package; name a run or a file of "
            "weights, or begin without --start"
        )
    return path


def _of_run(root: Path, method: str, stages: Sequence[str]) -> _First:
    """The newest weights of a run's stages."""
    record, beside = root / runs.FILE, root / f"{method}.json"
    if not record.is_file():
        raise InputError(
            f"--start {root}: no training run there; name the folder of one (its --out), a file of weights "
            f"with its card, or {SHIPPED}"
        )
    identity = read_json(record)["identity"]
    _refuse_other_method(root, identity.get("method"), method)
    found = [name for name in stages if (root / name / checkpoint.LAST).is_file()]
    if not found:
        raise InputError(f"--start {root}: that run has no weights yet; train it first")
    weights = {name: checkpoint.load_weights(root / name / checkpoint.LAST) for name in found}
    states = {name: checkpoint.load_state(root / name / checkpoint.STATE) for name in found}
    card = read_json(beside) if beside.is_file() else {}
    # Without a card, digests are all that is known of the weights that it began with.
    hashes = identity.get("start")
    return _First(
        weights,
        {
            "config": identity["config"],
            "data": identity["data"],
            "stages": {
                name: {"steps": state["standing"]["step"], "of": state["settings"]["steps"]}
                for name, state in states.items()
            },
            "weights": _hashes(weights),
            "start": card.get("start") or (hashes and {"weights": hashes}),
        },
        frozenset(card.get("assets", ())),
    )


def _of_file(path: Path, method: str, stages: Sequence[str]) -> _First:
    """Weights that a run has exported, with the card that it wrote beside them."""
    card = weight_files.card(path)
    if card.get("schema") != SCHEMA:
        raise InputError(
            f"--start {path}: has no card of a training beside it ({path.with_suffix('.json').name}), so "
            "nothing is known of it; copy the one that bokehbench train wrote with it"
        )
    if wrong := [name for name, kind in CARD.items() if not isinstance(card.get(name), kind)]:
        raise InputError(
            f"--start {path}: the card beside it is damaged ({', '.join(wrong)}); copy the one that "
            "bokehbench train wrote with it"
        )
    _refuse_other_method(path, card["method"], method)
    digest, described = weight_files.sha256(path), weight_files.card_sha256(path)
    if digest != described:
        raise InputError(
            f"--start {path}: is not the file that the card beside it describes (its sha256 is "
            f"{digest[:8]}…, the card says {described[:8]}…); copy both from one training"
        )
    tensors = {name: tensor.float() for name, tensor in checkpoint.load_weights(path).items()}
    done = {name: card["stages"][name] for name in stages if name in card["stages"]}
    weights = {name: _part(tensors, name) if len(stages) > 1 else tensors for name in done}
    return _First(
        weights,
        {
            "file": {"name": path.name, "sha256": digest},
            "config": card["config"],
            "data": data_of_card(card["data"]),
            "stages": {
                name: {
                    "steps": stage["steps"],
                    "of": stage["of"],
                    "taken": stage["taken"].get("step", stage["steps"]),
                }
                for name, stage in done.items()
            },
            "weights": _hashes(weights),
            "start": card.get("start"),
        },
        frozenset(card["assets"]),
    )


def _refuse_other_method(first: Path, found: Any, method: str) -> None:
    if found != method:
        raise InputError(f"--start {first}: is of {found}, weights of {method} are wanted")


def _part(tensors: Mapping[str, Tensor], stage: str) -> dict[str, Tensor]:
    """Tensors of one of several networks, which stands before their names in a file of all."""
    before = f"{stage}."
    return {name.removeprefix(before): one for name, one in tensors.items() if name.startswith(before)}


def _hashes(weights: Weights) -> dict[str, str]:
    return {name: checkpoint.weights_hash(one) for name, one in weights.items()}
