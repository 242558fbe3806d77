"""How far the training of weights came, from the card that `bokehbench train` wrote beside them.

A card says what was done. How much there was to do is that of the named configuration as it comes with the
package, whatever `--set` made of it, and is looked up when the card is read; so is the answer to `RULE` where
the card has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = "bokehbench.training.card/1"
"""Of the cards of our own trainings."""
CONFIGS = Path(__file__).parent / "training" / "configs"
PARTS, MANY, PARTS_OF_FEW = 8, 16, 4
GAIN = 0.05
"""dB."""
RULE = (
    f"mean score of the last 1/{PARTS} of the validations exceeds that of the 1/{PARTS} before it by more "
    f"than {GAIN} dB, under the learning rates of this run; 1/{PARTS_OF_FEW} with fewer than {MANY} "
    f"validations, null with fewer than {PARTS_OF_FEW}"
)
TO_GO = "not trained to the end"
IMPROVING = {
    True: "still improving",
    False: "no longer improving",
    None: "too few validations to say whether still improving",
}


def still_improving(curve: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """The answer to `RULE` for (step, score) pairs: value (bool, or None where it cannot be said), gain."""
    part = len(curve) // (PARTS if len(curve) >= MANY else PARTS_OF_FEW)
    if part == 0:
        return {"value": None, "gain_db": None, "rule": RULE}
    scores = [score for _, score in curve]
    gain = sum(scores[-part:]) / part - sum(scores[-2 * part : -part]) / part
    return {"value": gain > GAIN, "gain_db": round(gain, 4), "rule": RULE}


@dataclass(frozen=True)
class StageProgress:
    """How far one stage of a training came.

    Attributes:
        name: of the stage.
        steps: of the run that the card is of.
        of: that there were to do: of the named configuration, or of the run where that was to do more.
        config: the configuration whose steps `of` are; empty for those of the run.
        before: steps of the runs that this one went on from (`--start`).
        taken: step of the weights that are used.
        hours: that the run took; None where the card does not say.
        improving: the answer to the rule; None where it cannot be said.
        gain_db: that the answer rests on.
    """

    name: str
    steps: int
    of: int
    config: str
    before: int
    taken: int
    hours: float | None
    improving: bool | None
    gain_db: float | None

    @property
    def is_to_go_on(self) -> bool:
        """Whether steps are left, those of the runs before counted as done."""
        return self.steps + self.before < self.of

    def __str__(self) -> str:
        """`arnet 5,500 of compact's 20,000 steps ..., not trained to the end, still improving ...`."""
        whose = f"{self.config}'s " if self.config else ""
        took = f" in {self.hours:.3g} h" if self.hours is not None else ""
        before = f" after {self.before:,} of runs before" if self.before else ""
        gain = f" ({round(self.gain_db, 2) + 0.0:+.2f} dB lately)" if self.gain_db is not None else ""
        parts = [
            f"{self.name} {self.steps:,} of {whose}{self.of:,} steps{took}{before}",
            TO_GO if self.is_to_go_on else "",
            IMPROVING[self.improving] + gain,
            f"weights of step {self.taken:,}" if self.taken != self.steps else "",
        ]
        return ", ".join(filter(None, parts))


def stages(card: Mapping[str, Any]) -> list[StageProgress]:
    """How far each stage of a card's training came; none where it says nothing of stages and steps."""
    found = card.get("stages")
    config, whole = _configuration(card)
    return [
        _progress(str(name), stage, config, whole.get(name, 0), _before(card, name))
        for name, stage in (found.items() if isinstance(found, Mapping) else ())
        if isinstance(stage, Mapping) and isinstance(stage.get("steps"), int)
    ]


def summary(card: Mapping[str, Any]) -> str:
    """One sentence on all stages; of a card of others the one that it brings, empty without one."""
    if card.get("schema") != SCHEMA:
        return str(card.get("summary") or "")
    name = _command(card)[0] or card.get("method", "")
    return f"trained by bokehbench train {name}: {'; '.join(map(str, stages(card)))}"


def mark(card: Mapping[str, Any]) -> str:
    """What is to be known of any stage wherever the weights are named; empty where there is nothing."""
    found = stages(card)
    marks = {TO_GO: any(one.is_to_go_on for one in found), IMPROVING[True]: any(o.improving for o in found)}
    return ", ".join(words for words, holds in marks.items() if holds)


def _progress(name: str, stage: Mapping[str, Any], config: str, whole: int, before: int) -> StageProgress:
    """Of one stage, `whole` being the steps that its configuration has."""
    asked = int(stage.get("of") or stage["steps"])
    answer = stage.get("still_improving") or {}
    if answer.get("value") is None:
        answer = still_improving(stage.get("curve") or [])
    taken = dict(stage.get("taken") or {}).get("step", stage["steps"])
    lengthened = asked > whole
    return StageProgress(
        name=name,
        steps=stage["steps"],
        of=asked if lengthened else whole,
        config="" if lengthened else config,
        before=before,
        taken=taken,
        hours=stage.get("hours"),
        improving=answer["value"],
        gain_db=answer.get("gain_db"),
    )


def _before(card: Mapping[str, Any], stage: str) -> int:
    """Steps of a stage behind the weights that the card's run began with, over all runs before."""
    return sum(
        done.get("taken", done["steps"])
        for link in _links(card)
        if (done := (link.get("stages") or {}).get(stage)) is not None
    )


def _links(card: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What the card says of each run before, the last one first."""
    link = card.get("start")
    while link:
        yield link
        link = link.get("start")


def _command(card: Mapping[str, Any]) -> tuple[str, str]:
    """What was trained, and by which configuration of the package; empty where the command names none."""
    found = re.match(r"bokehbench train ([\w-]+) --config ([\w-]+)(?= |$)", str(card.get("command") or ""))
    return (found[1], found[2]) if found else ("", "")


def _configuration(card: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
    """Name of the card's configuration, and the steps of each stage as it comes with the package."""
    name, config = _command(card)
    return config, _steps(CONFIGS / name.replace("-", "_"), config)


def _steps(folder: Path, config: str) -> dict[str, int]:
    """Steps by stage of a configuration and of what it extends; none where the package has no such file."""
    path = folder / f"{config}.yaml"
    if not config or not path.is_file():
        return {}
    import yaml

    values = yaml.safe_load(path.read_text())
    own = {name: one["steps"] for name, one in values.items() if isinstance(one, dict) and "steps" in one}
    return _steps(folder, values.get("extends", "")) | own
